"""A number is shown in three digits and offered in all of them."""

import csv as reader
import io
import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sociolect.report.table import csv, digits, legible, shown

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=1, max_size=20))
def test_floats_come_back_to_the_last_bit(values: list[float | None]) -> None:
    lines = csv(pl.DataFrame({"v": values}, schema={"v": pl.Float64})).decode().split("\n")[1:-1]
    assert [float(line) if line else None for line in lines] == values


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8))
def test_hostile_text_keeps_its_cell_and_is_no_formula(rows: list[tuple[str, str]]) -> None:
    written = csv(pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")).decode()
    back = list(reader.reader(io.StringIO(written, newline="")))[1:]
    assert len(back) == len(rows)
    assert all(len(row) == 2 for row in back)
    for row, was in zip(back, rows, strict=True):
        for cell, text in zip(row, was, strict=True):
            assert cell.replace("'", "") == legible(text).replace("'", "")
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_formula_hidden_behind_a_zero_width_space_is_none() -> None:
    assert csv(pl.DataFrame({"t": ["\u200b=1+1"]})) == b"t\n'=1+1\n"


def test_a_hostile_column_name_is_no_formula() -> None:
    assert csv(pl.DataFrame({"=cmd()": [1]})) == b"'=cmd()\n1\n"


def test_null_and_empty_text_differ() -> None:
    assert csv(pl.DataFrame({"t": ["", None], "n": [0.0, None]})) == b't,n\n"",0.0\n,\n'


def test_lists_keep_their_digits() -> None:
    assert csv(pl.DataFrame({"v": [[0.1, 0.2]]})) == b'v\n"[0.1, 0.2]"\n'


@given(st.floats(min_value=1e-12, max_value=1e12) | st.floats(min_value=-1e12, max_value=-1e-12))
def test_what_is_shown_is_within_half_a_unit_of_the_third_digit(value: float) -> None:
    said = float(digits(value).replace("\N{MINUS SIGN}", "-").replace(",", ""))
    assert abs(said - value) <= abs(value) * 0.005 * 1.000001


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.9996, "1.00"), (9.996, "10.0"), (99.96, "100"), (999.6, "1000"), (9999.6, "10,000"), (0.00099996, "0.00100"), (0.001, "0.00100"),
     (5, "5"), (5.0, "5.00"), (-0.0, "0"), (math.inf, "∞"), (math.nan, "undefined"), (2**70, "1,180,591,620,717,411,303,424")],
)  # fmt: skip
def test_edges_of_the_digits(value: float, said: str) -> None:
    assert digits(value) == said


def test_null_is_a_dash_and_zero_is_not() -> None:
    assert shown(None) == ("–", "absent")
    assert shown(0) == ("0", "number")
