"""A form that people judge texts with: one HTML file that opens from disk, sends nothing and saves its answers to a file."""

import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.errors import InputError
from sociolect.report.page import settle
from sociolect.report.table import legible

HERE = Path(__file__).parent
TEXTS = {"pairs": ("a", "b"), "labels": ("text",)}  # the columns of a sheet that hold what is judged
PREFERENCE = (("A", "Text A"), ("B", "Text B"), ("neither", "Cannot tell"))
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # what a unit, a question, an option and an annotator are called


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a unit: options are (id, wording) pairs in the order shown.

    `when` = (question, option) asks it only where an earlier question was answered so.
    """

    id: str
    text: str
    options: Sequence[tuple[str, str]] = PREFERENCE
    when: tuple[str, str] | None = None


Questions = Sequence[Question] | Mapping[str, str]


def asked(questions: Questions) -> list[Question]:
    """The questions of a form; a mapping id -> wording asks for a preference.

    Raises InputError with every fault: ids twice or unfit, fewer than two options, a condition that names no earlier answer.

    >>> asked({"overall": "Which is better?"})[0].options[2]
    ('neither', 'Cannot tell')
    """
    out = [Question(name, said) for name, said in questions.items()] if isinstance(questions, Mapping) else [*questions]
    faults = ["no question is asked"] * (not out)
    faults += [f"{n} questions are called {name!r}" for name, n in Counter(q.id for q in out).items() if n > 1]
    for place, question in enumerate(out):
        ids = [option for option, _ in question.options]
        where = f"question {question.id!r}"
        faults += [
            f"{name!r} of {where} is no id: letters, digits, . _ and -"
            for name in (question.id, *ids)
            if not ID.fullmatch(name)
        ]
        faults += [f"{where} has {len(ids)} option{'s' * (len(ids) != 1)}: two are due"] * (len(ids) < 2)
        faults += [f"{where} has option {name!r} twice" for name, n in Counter(ids).items() if n > 1]
        earlier = {(q.id, option) for q in out[:place] for option, _ in q.options}
        if question.when is not None and tuple(question.when) not in earlier:
            faults.append(f"{where} is asked when {' is '.join(question.when)}, which no earlier question offers")
    if faults:
        raise InputError("these questions cannot be asked: " + "; ".join(faults))
    return out


def mark(sheet: pl.DataFrame, questions: Questions) -> str:
    """Sixteen digits that are the same for the same units, texts and questions only; every saved answer carries them.

    >>> sheet = pl.DataFrame({"unit": ["u1"], "text": ["tea"]})
    >>> mark(sheet, {"q": "?"}) == mark(sheet, {"q": "?"}), mark(sheet, {"q": "?"}) == mark(sheet, {"q": "!"})
    (True, False)
    """
    texts = TEXTS[kind(sheet)]
    said = [
        sheet.select("unit", *texts).sort("unit").rows(),
        [(q.id, q.text, [tuple(o) for o in q.options], q.when and tuple(q.when)) for q in asked(questions)],
    ]
    return sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()[:16]


def kind(sheet: pl.DataFrame) -> str:
    """`pairs` where the sheet has the columns a and b, `labels` where it has text. InputError with every fault else."""
    which = next((k for k, texts in TEXTS.items() if set(texts) <= set(sheet.columns)), None)
    faults = [] if which else ["it has neither the columns a and b (pairs) nor text (labels)"]
    faults += [] if "unit" in sheet.columns else ["column 'unit' is missing"]
    if not faults and which:
        faults += ["it holds no unit"] * sheet.is_empty()
        wrong = [c for c in ("unit", *TEXTS[which]) if sheet.schema[c] != pl.String]
        faults += [f"column {c!r} is {sheet.schema[c]}, not String" for c in wrong]
        here = [c for c in ("unit", *TEXTS[which]) if c not in wrong]
        faults += [f"column {c!r} is null in {n} row{'s' * (n > 1)}" for c in here if (n := sheet[c].null_count())]
        if "unit" in here:
            twice = sheet.height - sheet["unit"].n_unique()
            faults += [f"{twice} row{'s' * (twice > 1)} repeat the unit of another"] * bool(twice)
            odd = sheet.filter(~pl.col("unit").str.contains(f"^{ID.pattern}$"))["unit"].to_list()
            faults += [f"unit {odd[0]!r} is no id: letters, digits, . _ and -"] if odd else []
    if faults or which is None:
        raise InputError("this is not a sheet: " + "; ".join(faults))
    return which


def write_form(
    sheet: pl.DataFrame,
    path: Path,
    *,
    title: str,
    questions: Questions,
    guide: str = "",
    context: Sequence[str] = ("community", "topic"),
    sensitive: bool = False,
) -> Path:
    """The path of the written form; the same sheet and keywords give the same bytes.

    `sheet` is a frame of `elicit.pairs`: unit, a, b for pairs; unit, text for labels. `guide` is what annotators read
    first (a blank line parts paragraphs). `context`: the columns, where there, shown above each unit. Each annotator
    gives an id and gets an order of their own; two units of the same texts stand far apart. The form keeps answers in
    the browser until they are saved as JSON or CSV, which `load.answers` reads. `sensitive` says so on the form.

    Raises InputError where the sheet or the questions do not hold together, WorkspaceError where it cannot be written.
    """
    which, due = kind(sheet), asked(questions)
    shown = [c for c in context if c in sheet.columns]
    data = {
        "mark": mark(sheet, due),
        "kind": which,
        "title": legible(title),
        "units": [
            {
                "id": row["unit"],
                "context": [[c.replace("_", " "), legible(str(row[c]))] for c in shown if row[c] is not None],
                "texts": [legible(row[c]) for c in TEXTS[which]],
            }
            for row in sheet.sort("unit").iter_rows(named=True)
        ],
        "questions": [
            {"id": q.id, "text": legible(q.text), "options": [[o, legible(w)] for o, w in q.options], "when": q.when}
            for q in due
        ],
    }
    style, script = ((HERE / f"form.{end}").read_text(encoding="utf-8") for end in ("css", "js"))
    html = _template().render(
        title=legible(title),
        guide=[p.strip() for p in re.split(r"\n\s*\n", legible(guide)) if p.strip()],
        noun="pair" if which == "pairs" else "text",
        units=sheet.height,
        questions=len(due),
        sensitive=sensitive,
        data="".join(_inert(json.dumps(data, ensure_ascii=False))),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    settle(path, html.encode())
    return path


def _inert(said: str) -> Iterator[str]:
    """JSON in which no character could end or begin a tag."""
    for character in said:
        yield f"\\u{ord(character):04x}" if character in "<>&\u2028\u2029" else character


def _hash(content: str) -> str:
    return b64encode(sha256(content.encode()).digest()).decode()


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("form.html")
