"""Two workspaces are held against each other cell by cell: rows by their words, and no difference is made up."""

import json
from pathlib import Path

import pytest

from sociolect.errors import WorkspaceError
from sociolect.keep.compared import compared


def kept(folder: Path, table: str, **run: object) -> Path:
    (folder / "tables").mkdir(parents=True)
    (folder / "tables" / "t.csv").write_text(table)
    (folder / "run.json").write_text(json.dumps({"schema": 2, "system": "s", "keywords": {}, "finished": True} | run))
    return folder


def told(tmp_path: Path, one: str, other: str) -> list[tuple[str, str, str | None, str | None]]:
    return compared(kept(tmp_path / "a", one), kept(tmp_path / "b", other)).rows()


def test_a_row_is_found_by_its_words_wherever_it_stands(tmp_path: Path) -> None:
    found = told(tmp_path, "arm,measure,value\nx,f1,0.5\ny,f1,0.7\n", "arm,measure,value\ny,f1,0.7\nx,f1,0.6\n")
    assert found == [("number", "t.csv: x · f1: value", "0.5", "0.6")]


def test_words_that_join_alike_are_different_rows(tmp_path: Path) -> None:
    one, other = "arm,measure,value\nx · y,z,1\nx,y · z,2\n", "arm,measure,value\nx,y · z,2\nx · y,z,1\n"
    assert told(tmp_path, one, other) == []


def test_the_same_words_again_are_held_in_their_order(tmp_path: Path) -> None:
    found = told(tmp_path, "arm,value\nx,1\nx,2\n", "arm,value\nx,1\nx,3\nx,4\n")
    assert found == [("number", "t.csv: x (2): value", "2", "3"), ("table", "t.csv: x (3): row", None, "there")]


def test_a_row_whose_words_changed_is_found_by_those_it_begins_with_where_they_are_its_own(tmp_path: Path) -> None:
    one = "claim,here,same sign?,why\nfollows,0.5,yes,of 3 runs\nleads,,not measured,name models\n"
    other = "claim,here,same sign?,why\nfollows,0.1,undecided,of 4 runs\nleads,,not measured,name models\n"
    assert told(tmp_path, one, other) == [
        ("number", "t.csv: follows: here", "0.5", "0.1"),
        ("word", "t.csv: follows: same sign?", "yes", "undecided"),
        ("word", "t.csv: follows: why", "of 3 runs", "of 4 runs"),
    ]


@pytest.mark.parametrize(
    ("one", "other"), [(("f1", "auc"), ("gain",)), (("auc",), ("gain", "f1")), (("f1", "auc"), ("f1", "gain"))]
)
def test_a_row_is_not_held_against_one_that_others_begin_like(
    tmp_path: Path, one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    sides = ("arm,measure,value\n" + "".join(f"x,{m},1\n" for m in side) for side in (one, other))
    assert {part for part, *_ in told(tmp_path, *sides)} == {"table"}


def test_of_two_places_where_rows_begin_alike_the_longer_counts(tmp_path: Path) -> None:
    one, other = "a,b,c,v\nx,y,old,1\nx,z,s,2\n", "a,b,c,v\nx,y,new,3\nx,z,s,2\n"
    assert told(tmp_path, one, other) == [
        ("word", "t.csv: x · y: c", "old", "new"),
        ("number", "t.csv: x · y: v", "1", "3"),
    ]


def test_an_empty_cell_is_no_zero_and_a_column_that_is_gone_is_told(tmp_path: Path) -> None:
    found = told(tmp_path, "arm,value,p\nx,,0.1\n", "arm,value\nx,0\n")
    assert found == [("table", "t.csv: column p", "there", None), ("number", "t.csv: x: value", None, "0")]


def test_what_a_killed_run_left_is_no_step_that_differs(tmp_path: Path) -> None:
    a, b = (kept(tmp_path / name, "arm,value\nx,1\n") for name in "ab")
    (a / "steps" / ".replies.part").mkdir(parents=True)
    assert compared(a, b).is_empty()
    (b / "steps" / "replies").mkdir(parents=True)
    assert compared(a, b).rows() == [("step", "replies", None, "no table")]


def test_a_torn_table_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"t\.csv is torn"):
        told(tmp_path, "", "arm,value\nx,1\n")
