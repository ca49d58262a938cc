"""What annotators answered on a form, read back from the files it saved, and told apart by the key afterwards."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect.errors import InputError
from sociolect.load.files import json_of
from sociolect.report.form import ID, Question, Questions, asked, mark

COLUMNS = ("form", "annotator", "unit", "question", "answer", "seconds", "place")
SCHEMA = {"annotator": pl.String, "unit": pl.String, "question": pl.String, "answer": pl.String,
          "seconds": pl.Float64, "place": pl.Int64}  # fmt: skip
_SHOWN = 8  # faults of one kind that are named; the rest are counted


class Said(NamedTuple):
    """One answer as a file holds it, with where it stands."""

    where: str
    form: object
    annotator: object
    unit: object
    question: object
    answer: object
    seconds: object
    place: object


def answers(paths: str | Path | Sequence[str | Path], *, sheet: pl.DataFrame, questions: Questions) -> pl.DataFrame:
    """The answers of all annotators: annotator, unit, question, answer, seconds (spent on the unit), place (when it came).

    `paths` are files saved by the form (JSON or CSV) or folders of them; `sheet` and `questions` are what the form was
    made of. Rows are sorted; an answer that stands in two files alike is one. What nobody answered is not there.

    Raises InputError with every fault: a file of another form, unknown units or questions, an answer out of range, a
    question whose condition does not hold, one annotator with two answers to one question on one unit.
    """
    due, form = {q.id: q for q in asked(questions)}, mark(sheet, questions)
    units = set(sheet["unit"])
    files, faults = _files([paths] if isinstance(paths, str | Path) else paths)
    said: list[Said] = []
    for path in files:
        try:
            said += _json(path) if path.suffix.lower() == ".json" else _csv(path)
        except (OSError, ValueError, csv.Error) as error:
            faults.append(f"{path.name} cannot be read as saved answers ({error}): save them anew from the form")
    good: list[tuple[Said, tuple[str, str, str]]] = []
    others = sorted({(row.where.partition(":")[0], str(row.form)) for row in said if row.form != form})
    faults += _named(
        [
            f"{file} was saved by form {other[:40]!r}, not by {form}: it is of another sheet or other questions"
            for file, other in others
        ]
    )
    odd: list[str] = []
    for row in said:
        if row.form != form:
            continue
        wrong = list(_wrong(row, units, due))
        odd += [f"{row.where}: {fault}" for fault in wrong]
        if not wrong:
            good.append((row, (str(row.annotator), str(row.unit), str(row.question))))
    faults += _named(odd)
    given: dict[tuple[str, str, str], Said] = {}
    clash: list[str] = []
    for row, at in good:
        before = given.get(at)
        if before is not None and before.answer != row.answer:
            clash.append(
                f"{at[0]} answers {at[2]!r} on {at[1]} with {before.answer!r} ({before.where}) and {row.answer!r} ({row.where})"
            )
        if before is None or float(str(row.seconds)) > float(str(before.seconds)):
            given[at] = row
    faults += _named(clash)
    faults += _named(
        f"{at[0]} answers {at[2]!r} on {at[1]}, which is asked only where {when[0]!r} is {when[1]!r}"
        for at in given
        if (when := due[at[2]].when)
        and ((first := given.get((at[0], at[1], when[0]))) is None or first.answer != when[1])
    )
    if not faults and not given:
        faults = ["they hold no answer"]
    if faults:
        raise InputError("these answers cannot be taken: " + "; ".join(faults))
    rows = [
        (*at, str(row.answer), float(str(row.seconds)), int(float(str(row.place)))) for at, row in sorted(given.items())
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def progress(answers: pl.DataFrame, *, sheet: pl.DataFrame, questions: Questions) -> pl.DataFrame:
    """How far each annotator came with each question: annotator, question, due, answered; a condition decides what is due.

    >>> sheet, said = pl.DataFrame({"unit": ["u", "v"], "text": ["a", "b"]}), {"annotator": "ada", "unit": "u", "answer": "A"}
    >>> progress(pl.DataFrame({**said, "question": "q"}), sheet=sheet, questions={"q": "?"}).rows()
    [('ada', 'q', 2, 1)]
    """
    rows = []
    for who in sorted(answers["annotator"].unique()):
        own = answers.filter(annotator=who)
        for q in asked(questions):
            held = own.filter(question=q.when[0], answer=q.when[1]).height if q.when else sheet.height
            rows.append((who, q.id, held, own.filter(question=q.id).height))
    return pl.DataFrame(rows, schema=["annotator", "question", "due", "answered"], orient="row")


def unblinded(answers: pl.DataFrame, key: pl.DataFrame) -> pl.DataFrame:
    """The answers with what the key knows: preferred (the arm; null where neither), on_a (the arm shown as A), on_b.

    `key` is that of `elicit.pairs`; community, topic and repeat_of come along. With the key of `elicit.singles` the
    column is arm. Raises InputError where a unit is not in the key.

    >>> said = pl.DataFrame({"unit": ["u", "v"], "answer": ["B", "neither"]})
    >>> sides = pl.DataFrame({"unit": ["u", "u", "v", "v"], "side": ["A", "B"] * 2, "arm": ["x", "y", "y", "x"]})
    >>> unblinded(said, sides)["preferred"].to_list()
    ['y', None]
    """
    due = {"unit", "arm"}
    faults = [f"the key has no column {c!r}" for c in sorted(due - set(key.columns))]
    if not faults and (lost := sorted(set(answers["unit"]) - set(key["unit"]))):
        faults = [f"{len(lost)} units are not in the key, the first is {lost[0]}: this key is of another sheet"]
    if faults:
        raise InputError("these answers cannot be unblinded: " + "; ".join(faults))
    along = [c for c in ("community", "topic", "repeat_of") if c in key.columns]
    if "side" not in key.columns:
        return answers.join(key.select("unit", "arm", *along), on="unit", how="left", maintain_order="left")
    sides = key.filter(side="A").select("unit", *along, on_a="arm")
    sides = sides.join(key.filter(side="B").select("unit", on_b="arm"), on="unit", how="inner")
    preferred = pl.when(pl.col("answer") == "A").then("on_a").when(pl.col("answer") == "B").then("on_b")
    return answers.join(sides, on="unit", how="left", maintain_order="left").with_columns(preferred.alias("preferred"))


def _files(paths: Sequence[str | Path]) -> tuple[list[Path], list[str]]:
    """The files themselves, and what is wrong with the paths."""
    out, faults = [], ["no file was named"] * (not paths)
    for path in map(Path, paths):
        inside = sorted(p for p in path.glob("*") if p.suffix.lower() in {".json", ".csv"}) if path.is_dir() else [path]
        if path.is_dir() and not inside:
            faults.append(f"folder {path.name} holds no .json and no .csv file")
        for file in inside:
            if file.suffix.lower() not in {".json", ".csv"}:
                faults.append(f"{file.name} is neither .json nor .csv")
            elif not file.is_file():
                faults.append(f"there is no file {file.name}")
            else:
                out.append(file)
    return out, faults


def _json(path: Path) -> list[Said]:
    held = json_of(path)
    if not isinstance(held, dict) or not isinstance(held.get("answers"), list):
        raise ValueError("it holds no list of answers")
    return [
        Said(f"{path.name}:{n}", held.get("form"), held.get("annotator"), *(_cell(row, c) for c in COLUMNS[2:]))
        for n, row in enumerate(held["answers"], 1)
    ]


def _cell(row: object, column: str) -> Any:
    return row.get(column) if isinstance(row, dict) else None


def _csv(path: Path) -> list[Said]:
    lines = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
    if missing := [c for c in COLUMNS if c not in (lines.fieldnames or ())]:
        raise ValueError(f"it has no column {', '.join(missing)}")
    return [Said(f"{path.name}:{n}", *(row[c] for c in COLUMNS)) for n, row in enumerate(lines, 2)]


def _wrong(row: Said, units: set[str], due: dict[str, Question]) -> Iterator[str]:
    """What is wrong with one answer by itself."""
    if not isinstance(row.annotator, str) or not ID.fullmatch(row.annotator):
        yield f"annotator {str(row.annotator)[:40]!r} is no id: letters, digits, . _ and -"
    if not isinstance(row.unit, str) or row.unit not in units:
        yield f"no unit {str(row.unit)[:40]!r} is on the sheet"
    question = due.get(row.question) if isinstance(row.question, str) else None
    if question is None:
        yield f"no question {str(row.question)[:40]!r} was asked"
    elif row.answer not in (options := [option for option, _ in question.options]):
        yield f"{row.question} is answered {str(row.answer)[:40]!r}, not {', '.join(options)}"
    if _number(row.seconds) is None:
        yield f"seconds are {str(row.seconds)[:40]!r}, not a number from 0 up"
    if (place := _number(row.place)) is None or place != int(place) or not 1 <= place <= len(units):
        yield f"place is {str(row.place)[:40]!r}, not 1 to {len(units)}"


def _number(said: object) -> float | None:
    try:
        value = float(str(said))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 and not isinstance(said, bool) else None


def _named(faults: Sequence[str] | Iterator[str]) -> list[str]:
    every = list(faults)
    return every[:_SHOWN] + [f"and {len(every) - _SHOWN} more of the kind"] * (len(every) > _SHOWN)
