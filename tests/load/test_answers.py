"""Saved answers come back as they were given, or are refused with everything that is wrong with them."""

import json
from pathlib import Path

import polars as pl
import pytest

from sociolect.errors import InputError
from sociolect.load.answers import answers, progress, unblinded
from sociolect.report.form import Question, mark

SHEET = pl.DataFrame({"unit": ["u1", "u2"], "a": ["one", "two"], "b": ["three", "four"]})
ASKED = {"overall": "Which?", "themes": "What?"}
TASKS = [
    Question("harm", "Harmful?", (("yes", "Yes"), ("no", "No"))),
    Question("category", "Which?", (("body", "Body"), ("food", "Food")), when=("harm", "yes")),
]
TEXTS = pl.DataFrame({"unit": ["u1"], "text": ["one"]})


def saved(
    folder: Path, name: str, annotator: str, rows: list[tuple[object, ...]], form: str = mark(SHEET, ASKED)
) -> Path:
    """A file as the form saves it; rows are (unit, question, answer, seconds, place)."""
    path = folder / name
    head = ("unit", "question", "answer", "seconds", "place")
    if name.endswith(".csv"):
        lines = [("form", "annotator", *head), *((form, annotator, *row) for row in rows)]
        path.write_text("\n".join(",".join(map(str, line)) for line in lines) + "\n")
    else:
        given = [dict(zip(head, row, strict=True)) for row in rows]
        path.write_text(json.dumps({"form": form, "kind": "pairs", "annotator": annotator, "answers": given}))
    return path


def test_json_and_csv_say_the_same(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [
        ("u2", "overall", "B", 3.5, 1),
        ("u1", "overall", "neither", 2, 2),
        ("u1", "themes", "A", 2, 2),
    ]
    one = answers(saved(tmp_path, "a.json", "ada", rows), sheet=SHEET, questions=ASKED)
    two = answers(saved(tmp_path, "a.csv", "ada", rows), sheet=SHEET, questions=ASKED)
    assert one.equals(two)
    assert one.rows() == [
        ("ada", "u1", "overall", "neither", 2.0, 2),
        ("ada", "u1", "themes", "A", 2.0, 2),
        ("ada", "u2", "overall", "B", 3.5, 1),
    ]
    # The folder holds both files; what they say twice is there once. Another annotator's stand beside them.
    saved(tmp_path, "b.json", "bob", rows[:1])
    assert answers(tmp_path, sheet=SHEET, questions=ASKED)["annotator"].to_list() == ["ada"] * 3 + ["bob"]


def test_a_file_saved_half_way_and_again_at_the_end_counts_once(tmp_path: Path) -> None:
    saved(tmp_path, "1.json", "ada", [("u1", "overall", "A", 5.0, 1)])
    saved(tmp_path, "2.json", "ada", [("u1", "overall", "A", 9.0, 1), ("u2", "overall", "B", 1.0, 2)])
    assert answers(tmp_path, sheet=SHEET, questions=ASKED)["seconds"].to_list() == [9.0, 1.0]


def test_every_fault_is_said_at_once(tmp_path: Path) -> None:
    saved(
        tmp_path,
        "1.json",
        "ada",
        [("u1", "overall", "A", 1, 1), ("u9", "overall", "A", 1, 1), ("u1", "taste", "A", 1, 1)],
    )
    saved(
        tmp_path,
        "2.json",
        "ada",
        [("u1", "overall", "B", 1, 1), ("u2", "overall", "C", 1, 1), ("u2", "themes", 6, 1, 1)],
    )
    saved(tmp_path, "3.csv", "=cmd", [("u1", "overall", "A", 1, 1), ("u2", "overall", "A", "nan", 7)])
    saved(tmp_path, "4.json", "eve", [("u1", "overall", "A", 1, 1)], form="feed")
    (tmp_path / "5.json").write_text("{")
    (tmp_path / "6.csv").write_text("a,b\n1,2\n")
    (tmp_path / "7.json").write_text("[" * 100_000)
    (tmp_path / "8.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError) as why:
        answers([tmp_path, tmp_path / "nowhere.json", tmp_path / "x.txt"], sheet=SHEET, questions=ASKED)
    said = str(why.value)
    assert "\n" not in said
    for fault in (
        "there is no file nowhere.json", "x.txt is neither .json nor .csv", "5.json cannot be read", "7.json cannot be read",
        "8.json cannot be read", "6.csv cannot be read as saved answers (it has no column form, annotator",
        f"4.json was saved by form 'feed', not by {mark(SHEET, ASKED)}", "1.json:2: no unit 'u9' is on the sheet",
        "1.json:3: no question 'taste' was asked", "2.json:2: overall is answered 'C', not A, B, neither",
        "2.json:3: themes is answered '6', not A, B, neither", "3.csv:2: annotator '=cmd' is no id",
        "3.csv:3: seconds are 'nan'", "3.csv:3: place is '7', not 1 to 2",
        "ada answers 'overall' on u1 with 'A' (1.json:1) and 'B' (2.json:1)",
    ):  # fmt: skip
        assert fault in said


def test_values_of_any_type_are_faults_and_never_a_traceback(tmp_path: Path) -> None:
    saved(tmp_path, "1.json", "ada", [({}, ["overall"], [], True, 1.5), ("u2", "themes", {"A": 1}, -1, None)])
    with pytest.raises(InputError) as why:
        answers(tmp_path, sheet=SHEET, questions=ASKED)
    for fault in ("1: no unit '{}' is", "1: no question", "1: seconds are 'True'", "1: place is '1.5'", "2: themes is answered",
                  "2: seconds are '-1'", "2: place is 'None'"):  # fmt: skip
        assert f"1.json:{fault}" in str(why.value)


def test_many_faults_of_a_kind_are_counted(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [(f"x{i}", "overall", "A", 1, 1) for i in range(50)]
    with pytest.raises(InputError, match="and 42 more of the kind"):
        answers(saved(tmp_path, "1.json", "ada", rows), sheet=SHEET, questions=ASKED)


@pytest.mark.parametrize(
    "held", ['{"answers": 3}', "[]", "null", '{"answers": [null, 3, "x", []]}', '{"form": {}, "answers": []}']
)
def test_json_of_another_shape_is_refused(held: str, tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text(held)
    with pytest.raises(InputError, match="these answers cannot be taken"):
        answers(tmp_path, sheet=SHEET, questions=ASKED)


def test_a_question_whose_condition_does_not_hold_has_no_answer(tmp_path: Path) -> None:
    form = mark(TEXTS, TASKS)
    fit = saved(tmp_path, "1.json", "ada", [("u1", "harm", "yes", 1, 1), ("u1", "category", "food", 1, 1)], form)
    assert answers(fit, sheet=TEXTS, questions=TASKS).height == 2
    for before in ([("u1", "harm", "no", 1, 1)], []):
        bad = saved(tmp_path, "2.json", "bob", [*before, ("u1", "category", "food", 1, 1)], form)
        with pytest.raises(InputError, match="bob answers 'category' on u1, which is asked only where 'harm' is 'yes'"):
            answers(bad, sheet=TEXTS, questions=TASKS)


def test_what_is_due_and_what_was_answered(tmp_path: Path) -> None:
    sheet = pl.DataFrame({"unit": ["u1", "u2", "u3"], "text": ["one", "two", "three"]})
    rows: list[tuple[object, ...]] = [
        ("u1", "harm", "yes", 1, "1.0"),
        ("u2", "harm", "yes", 1, 2),
        ("u2", "category", "food", 1, 2),
    ]
    found = answers(saved(tmp_path, "1.csv", "ada", rows, mark(sheet, TASKS)), sheet=sheet, questions=TASKS)
    assert progress(found, sheet=sheet, questions=TASKS).rows() == [("ada", "harm", 3, 2), ("ada", "category", 2, 1)]


def test_the_key_tells_who_was_preferred_and_another_key_is_refused() -> None:
    given = pl.DataFrame(
        {"annotator": ["ada"] * 3, "unit": ["u1", "u2", "u3"], "question": ["q"] * 3, "answer": ["A", "A", "neither"]}
    )
    key = pl.DataFrame({
        "unit": ["u1", "u1", "u2", "u2", "u3", "u3"], "side": ["A", "B"] * 3, "arm": ["x", "y", "y", "x", "x", "y"],
        "community": ["red"] * 6, "topic": ["t"] * 6, "repeat_of": [None] * 4 + ["u1"] * 2,
    })  # fmt: skip
    told = unblinded(given, key)
    assert told["preferred"].to_list() == ["x", "y", None]
    assert told["on_a"].to_list() == ["x", "y", "x"]
    assert told["repeat_of"].to_list() == [None, None, "u1"]
    with pytest.raises(InputError, match="1 units are not in the key, the first is u3"):
        unblinded(given, key.filter(pl.col("unit") != "u3"))
    single = key.filter(side="A").drop("side", "repeat_of")
    assert unblinded(given, single)["arm"].to_list() == ["x", "y", "x"]
