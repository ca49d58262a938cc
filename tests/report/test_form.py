"""The form: hostile text lies still in it, it reaches nothing outside, and it refuses a sheet that does not hold together."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from sociolect.errors import InputError, WorkspaceError
from sociolect.report.form import Question, asked, mark, write_form

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7*7 }} \u2028 ]]> <!-- & \x1b[31m \u202e"
SHEET = pl.DataFrame(
    {
        "unit": ["u2", "u1"],
        "community": [HOSTILE, "red"],
        "topic": ["tea", "tea"],
        "a": [HOSTILE, "one"],
        "b": ["two", "three"],
    }
)
QUESTIONS = {"overall": "Which is <b>better</b>?"}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.seen and self.seen[-1][0] in {"script", "style"} and data.strip():
            self.inside[self.seen[-1][0] + (self.seen[-1][1].get("type") or "")] = data


def read(path: Path) -> tuple[str, Tags]:
    said = path.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(said)
    return said, tags


def test_hostile_text_is_data_and_nothing_else(tmp_path: Path) -> None:
    path = write_form(SHEET, tmp_path / "form.html", title=HOSTILE, questions=QUESTIONS, guide=HOSTILE)
    _, tags = read(path)
    names = [tag for tag, _ in tags.seen]
    assert names.count("script") == 2
    assert "img" not in names
    assert "b" not in names
    held = json.loads(tags.inside["scriptapplication/json"])
    assert held["units"][1]["texts"][0].startswith("</script><script>alert(1)</script><img")
    assert "\x1b" not in json.dumps(held, ensure_ascii=False)
    assert "\u202e" not in held["units"][1]["texts"][0]
    assert not {"<", ">", "&"} & set(tags.inside["scriptapplication/json"])


def test_nothing_outside_is_reached_and_only_its_own_script_may_run(tmp_path: Path) -> None:
    said, tags = read(write_form(SHEET, tmp_path / "form.html", title="t", questions=QUESTIONS))
    assert not re.search(r"https?:|//[a-z]", re.sub(r"(?m)^\s*//.*$|\s// .*$", "", said))
    policy = next(a["content"] or "" for t, a in tags.seen if t == "meta" and a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for name in ("script", "style"):
        due = b64encode(sha256(tags.inside[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{due}'" in policy
    assert not any(a for _, attributes in tags.seen for a in attributes if a.startswith("on") or a in {"style", "src"})
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", said)


def test_the_same_sheet_gives_the_same_bytes_whatever_the_order_of_its_rows(tmp_path: Path) -> None:
    one = write_form(SHEET, tmp_path / "1.html", title="t", questions=QUESTIONS).read_bytes()
    assert one == write_form(SHEET.reverse(), tmp_path / "2.html", title="t", questions=QUESTIONS).read_bytes()


def test_the_mark_changes_with_any_word() -> None:
    marks = [
        mark(SHEET, QUESTIONS),
        mark(SHEET, {"overall": "Which?"}),
        mark(SHEET, {"better": "Which is <b>better</b>?"}),
        mark(SHEET.with_columns(a=pl.col("b"), b=pl.col("a")), QUESTIONS),
        mark(SHEET.head(1), QUESTIONS),
    ]
    assert len(set(marks)) == 5
    assert mark(SHEET, QUESTIONS) == mark(SHEET.reverse().drop("topic"), asked(QUESTIONS))


def test_a_label_names_what_it_labels(tmp_path: Path) -> None:
    """Every input has a label, and every aria reference leads somewhere."""
    _, tags = read(write_form(SHEET, tmp_path / "form.html", title="t", questions=QUESTIONS))
    ids = {a["id"] for _, a in tags.seen if "id" in a}
    referred = [
        w
        for _, a in tags.seen
        for k in ("for", "aria-describedby", "aria-labelledby")
        for w in (a.get(k) or "").split()
    ]
    assert {"annotator", "progress", "annotator.hint"} <= set(referred)
    assert set(referred) <= ids


@pytest.mark.parametrize(
    ("sheet", "fault"),
    [
        (pl.DataFrame({"unit": ["u"]}), r"neither the columns a and b \(pairs\) nor text \(labels\)"),
        (
            pl.DataFrame({"unit": ["u", "u", "<b>"], "text": ["x", None, "y"]}),
            "'text' is null in 1 row; 1 row repeat.*'<b>' is no id",
        ),
        (pl.DataFrame({"text": [1]}), "column 'unit' is missing"),
        (pl.DataFrame({"unit": [1], "a": [1], "b": ["x"]}), "'unit' is Int64, not String; column 'a' is Int64"),
        (pl.DataFrame(schema={"unit": pl.String, "text": pl.String}), "it holds no unit"),
    ],
)
def test_what_is_no_sheet_is_refused(sheet: pl.DataFrame, fault: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=fault):
        write_form(sheet, tmp_path / "form.html", title="t", questions=QUESTIONS)
    assert not (tmp_path / "form.html").exists()


def test_questions_that_cannot_be_asked_are_refused_with_every_fault() -> None:
    yes = (("yes", "Yes"), ("no", "No"))
    bad = [
        Question("a b", "?", yes),
        Question("harm", "?", (("yes", "Yes"),)),
        Question("harm", "?", (("x", "X"), ("x", "Y"))),
        Question("kind", "?", yes, when=("harm", "maybe")),
    ]
    with pytest.raises(InputError) as why:
        asked(bad)
    assert str(why.value) == (
        "these questions cannot be asked: 2 questions are called 'harm'; 'a b' of question 'a b' is no id: letters, digits, "
        ". _ and -; question 'harm' has 1 option: two are due; question 'harm' has option 'x' twice; question 'kind' is asked "
        "when harm is maybe, which no earlier question offers"
    )
    with pytest.raises(InputError, match="no question is asked"):
        asked({})


def test_a_form_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "form.html").mkdir()
    with pytest.raises(WorkspaceError, match="could not be written"):
        write_form(SHEET, tmp_path / "form.html", title="t", questions=QUESTIONS)
