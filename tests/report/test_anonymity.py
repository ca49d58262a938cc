"""Nothing about fewer than ten people is shown, and no total gives it away."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.errors import InputError
from sociolect.report.anonymity import withheld
from sociolect.report.content import Page, Section
from sociolect.report.page import render, write

SIZES = pl.DataFrame(
    {"community": ["a", "b", "c"], "people": [40, 12, 3], "share": [0.5, 0.2, 0.1], "word": ["tea", "ale", "juniper"]}
)


def test_rows_about_few_keep_their_name_alone() -> None:
    made = withheld(SIZES)
    assert made.table.rows() == [("a", 40, 0.5, "tea"), ("b", 12, 0.2, "ale"), ("c", None, None, None)]
    assert made[1:] == (1, 0)
    assert withheld(SIZES, k=3).table.equals(SIZES)
    unknown = SIZES.with_columns(people=pl.Series([40, None, 12]))
    assert withheld(unknown).table["share"].to_list() == [0.5, None, 0.1]


@pytest.mark.parametrize("name", ["all", "Total", "north and south"])
def test_a_total_gives_no_row_away(name: str) -> None:
    made = withheld(
        pl.concat([SIZES.select("community", "people"), pl.DataFrame({"community": [name], "people": [55]})])
    )
    assert made.table["people"].to_list() == [40, None, None, 55]
    assert made[1:] == (1, 1)


def test_what_is_hidden_for_one_total_does_not_follow_from_another() -> None:
    """Three regions by three groups with all their sums: a row hidden beside the small one may not be the only one of its column."""
    north, south, east = {"m": 3, "w": 20, "x": 15}, {"m": 50, "w": 60, "x": 70}, {"m": 12, "w": 11, "x": 40}
    cells = {"north": north, "south": south, "east": east}
    cells = {r: {**c, "all": sum(c.values())} for r, c in cells.items()}
    cells["all"] = {g: sum(c[g] for c in cells.values()) for g in ("m", "w", "x", "all")}
    rows = [(r, g, n) for r, c in cells.items() for g, n in c.items()]
    made = withheld(pl.DataFrame(rows, schema=["region", "group", "people"], orient="row")).table
    assert made.filter(region="north", group="m")["people"].to_list() == [None]
    for name in ("region", "group"):
        for key, line in made.group_by("group" if name == "region" else "region"):
            parts = line.filter(pl.col(name) != "all")["people"]
            whole = line.filter(pl.col(name) == "all")["people"].item()
            assert whole is None or parts.null_count() != 1, key


def test_a_number_of_people_that_is_none_counts_as_too_few() -> None:
    rows = pl.DataFrame({"group": ["a", "b"], "people": [float("nan"), 12.0], "share": [0.5, 0.2]})
    assert withheld(rows).table["share"].to_list() == [None, 0.2]


def test_what_is_left_over_is_of_ten_or_more() -> None:
    rows = pl.DataFrame({"group": ["a", "b", "c", "d", "all"], "people": [2, 3, 30, 20, 55]})
    assert withheld(rows).table["people"].to_list() == [None, None, 30, None, 55]
    lone = pl.DataFrame({"group": ["a", "all"], "people": [4, 30]})
    assert withheld(lone).table["people"].to_list() == [None, None]


def test_a_total_said_elsewhere_counts() -> None:
    traits = pl.DataFrame({"trait": ["g", "g", "g", "c"], "value": ["w", "m", "o", "x"], "people": [50, 40, 3, 60]})
    assert withheld(traits, total=True).table["people"].to_list() == [50, None, None, 60]


def test_a_column_that_counts_nobody_is_refused() -> None:
    for people in ("word", "persons"):
        with pytest.raises(
            InputError, match=rf"'{people}' that counts the people behind a row is no number .* people \(Int64\)"
        ):
            withheld(SIZES, people=people)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=12))
def test_no_hidden_number_follows_by_subtraction(sizes: list[int]) -> None:
    rows = pl.DataFrame({"group": [f"g{i}" for i in range(len(sizes))] + ["all"], "people": [*sizes, sum(sizes)]})
    *groups, total = withheld(rows).table["people"].to_list()
    shown = [n for n in groups if n is not None]
    assert all(n >= 10 for n in shown)
    if total is not None and len(shown) < len(groups):
        assert total - sum(shown) >= 10
        assert len(groups) - len(shown) >= 2


def test_the_page_and_its_csv_agree_and_the_figure_goes(tmp_path: Path) -> None:
    figure = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><title>A</title><desc>B</desc></svg>'
    write(Page("t", [Section("Sizes", "Here.", table=SIZES, people="people", figure=figure)]), tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text()
    assert (tmp_path / "tables" / "sizes.csv").read_text().splitlines()[-1] == "c,,,"
    assert "juniper" not in html
    assert "1 row about fewer than 10 people" in html
    assert "<svg" not in html
    whole = render(Page("t", [Section("Sizes", table=SIZES.head(2), people="people", figure=figure)]))[0].decode()
    assert "Withheld" not in whole
    assert "<svg" in whole


def test_a_person_is_quoted_once_and_only_from_a_group_of_ten() -> None:
    quotes = pl.DataFrame(
        {"community": ["a", "a", "a", "b"], "speaker": ["human", "human", "aligned", "human"], "text": ["one", "two", "three", "four"],
         "person": ["p", "p", None, "q"], "people": [12, 12, 12, 9]}
    )  # fmt: skip
    html = render(Page("t", [Section("Said", quotes=quotes)]))[0].decode()
    assert [word in html for word in ("one", "two", "three", "four")] == [True, False, True, False]
    assert "2 quotes left out" in html
    # A model is nobody, however much it says; a group of unknown size is too small.
    more = pl.concat([quotes, quotes.slice(2, 1).with_columns(text=pl.lit("five"))])
    unknown = quotes.slice(2, 1).with_columns(text=pl.lit("six"), people=pl.lit(None, pl.Int64))
    html = render(Page("t", [Section("Said", quotes=pl.concat([more, unknown]))]))[0].decode()
    assert ["three" in html, "five" in html, "six" in html] == [True, True, False]


@pytest.mark.slow
@pytest.mark.parametrize("slug", ["community_fidelity", "relationship_alignment", "minhash_communities", "planted10"])
def test_no_page_shows_a_person_or_a_group_of_few(slug: str, ran: Callable[..., Any]) -> None:
    run = ran(slug)
    said = {t for s in run.page.sections if s.quotes is not None for t in s.quotes["text"].drop_nulls().to_list()}
    for name, content in run.bytes.items():
        if name.endswith(".csv"):
            assert not re.search(rb"\bp[a-z2-7]{16}\b", content), name
    for section in run.page.sections:
        table = section.table
        if table is None:
            continue
        cells = {v for c in table.columns if table.schema[c] == pl.String for v in table[c].drop_nulls()}
        assert not cells & said, section.title
        counted = [
            c for c in ("people", "persons", "accounts", "size") if c in table.columns and table.schema[c].is_integer()
        ]
        first = table.columns[0]
        shown = pl.read_csv(run.folder / "tables" / f"{section.name}.csv", infer_schema_length=None)
        if counted and table.schema[first] == pl.String:
            assert (shown[counted[0]].drop_nulls() >= 10).all(), section.title
        if {"contrast", "clusters"} <= {*shown.columns}:
            about_people = shown.filter(pl.col("contrast").cast(pl.String).str.contains(r"\bhuman\b"))
            behind = about_people["clusters"].cast(pl.Float64, strict=False).drop_nulls()
            assert (behind >= 10).all(), section.title
    html = run.bytes["report.html"].decode()
    assert not re.search(r"\bp[a-z2-7]{16}\b", re.sub(r'href="data:[^"]*"', "", html))
