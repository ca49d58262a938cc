"""A cell is filled by a number and by nothing less; a measure that names a cell nobody knows is told the nearest."""

import polars as pl
import pytest

from sociolect.compare.coverage import LENS, coverage, covered, unplaced
from sociolect.errors import InputError

ROW = {"contrast": "m", "estimate": 0.5, "low": 0.4, "high": 0.6, "n": 10}


def lens() -> pl.DataFrame:
    cells = [
        ("typos", "robust", "Typos", "t", "paper", ["typo:*"]),
        ("poison", "robust", "Poison", "t", "paper", []),
        ("toxic", "norm", "Toxicity", "t", "paper", ["-toxicity"]),
    ]
    return pl.DataFrame(cells, schema=LENS, orient="row")


def found(*measures: str, **more: object) -> pl.DataFrame:
    kinds = {"estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64}
    return pl.DataFrame([{"measure": m, **ROW, **more} for m in measures], schema_overrides=kinds)


def test_names_and_patterns_fill_and_the_sign_says_which_way_is_better() -> None:
    cells = coverage(lens(), found("typo:same", "toxicity", "style"))
    told = cells.select("cell", "state", "measure", "estimate", "sign").rows()
    assert told == [
        ("typos", "filled", "typo:same", 0.5, "+"),
        ("poison", "empty", None, None, None),
        ("toxic", "filled", "toxicity", 0.5, "-"),
    ]
    assert covered(cells).rows() == [("robust", 2, 1, 0, 1), ("norm", 1, 1, 0, 0), ("all", 3, 2, 0, 1)]
    assert unplaced(lens(), found("typo:same", "style", "style")).rows() == [("style", 2)]


def test_two_numbers_of_a_cell_are_two_rows_and_one_filled_cell() -> None:
    cells = coverage(lens(), found("typo:b", "typo:a"))
    assert cells.filter(cell="typos")["measure"].to_list() == ["typo:a", "typo:b"]
    assert covered(cells).filter(group="all")["filled"].item() == 1


@pytest.mark.parametrize("more", [{"estimate": None, "low": None, "high": None}, {"n": 0}])
def test_a_cell_counts_only_with_a_number_behind_it(more: dict[str, object]) -> None:
    cells = coverage(lens(), found("typo:same", **more))
    assert cells.filter(cell="typos").select("state", "measure", "estimate").row(0) == ("no number", "typo:same", None)
    assert covered(cells).filter(group="robust").row(0) == ("robust", 2, 0, 1, 1)


def test_a_measure_may_name_its_cell_itself() -> None:
    cells = coverage(lens(), found("mine", cell="poison"))
    assert cells.filter(state="filled").select("cell", "measure", "sign").rows() == [("poison", "mine", "+")]
    assert unplaced(lens(), found("mine", cell="poison")).is_empty()


def test_an_unknown_cell_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(InputError, match="measure 'mine': no cell 'poisn'; did you mean 'poison'?"):
        coverage(lens(), found("mine", cell="poisn"))
    with pytest.raises(InputError, match="'poisn'"):
        unplaced(lens(), found("mine", cell="poisn"))


def test_every_missing_column_and_doubled_cell_is_said() -> None:
    with pytest.raises(InputError, match="the lens has no column 'title'; what was measured has no column 'n'"):
        coverage(lens().drop("title"), found("a").drop("n"))
    with pytest.raises(InputError, match="cell 'typos' stands twice"):
        coverage(pl.concat([lens(), lens().head(1)]), found("a"))


def test_the_order_of_the_rows_changes_nothing() -> None:
    numbers = found("typo:a", "typo:b", "toxicity", "style")
    assert coverage(lens(), numbers).equals(coverage(lens(), numbers.reverse()))
