"""The boxes of a taxonomy: as many filled ones as there are numbers, each with its own."""

from xml.etree import ElementTree as ET

import polars as pl
import pytest

from sociolect.errors import InputError
from sociolect.report.cells import cells
from sociolect.report.inert import inert

SVG = "{http://www.w3.org/2000/svg}"
FRAME = pl.DataFrame(
    {
        "group": ["norm", "norm", "norm", "norm", "norm", "robust"],
        "title": ["toxicity", "emotions", "culture", "tact", "humour", "typos <b>"],
        "estimate": [0.25, None, None, None, 0.5, None],
        "low": [0.125, None, None, None, None, None],
        "high": [0.375, None, None, None, None, None],
        "state": ["filled", "empty", "no number", "empty", "filled", "empty"],
    }
)


def read(svg: str) -> ET.Element:
    inert(svg, "f")
    return ET.fromstring(svg)


def test_each_box_tells_its_number_or_that_it_has_none() -> None:
    root = read(cells(FRAME))
    told = [g.findtext(f"{SVG}title") for g in root.iter(f"{SVG}g")]
    assert told == [
        "toxicity: 0.250 [0.125, 0.375]",
        "emotions: empty",
        "culture: no number",
        "tact: empty",
        "humour: 0.500",
        "typos <b>: empty",
    ]
    words = [t.text for t in root.iter(f"{SVG}text")]
    assert {"0.250", "[0.125, 0.375]", "no number", "2 of 5", "0 of 1"} <= set(words)
    assert root.findtext(f"{SVG}desc") == "2 of 6 cells are filled, in 2 groups; the others are outlines."


def test_boxes_stand_apart_line_by_line() -> None:
    root = read(cells(FRAME, across=2))
    outlines = [r for r in root.iter(f"{SVG}rect") if r.get("stroke-dasharray")]
    filled = [r for r in root.iter(f"{SVG}rect") if r.get("fill-opacity")]
    assert (len(outlines), len(filled)) == (4, 2)
    places = {(float(r.get("x", "")) // 10, float(r.get("y", "")) // 10) for r in [*outlines, *filled]}
    assert len(places) == 6
    assert max(float(r.get("x", "")) + float(r.get("width", "")) for r in outlines) <= float(root.get("width", ""))
    assert max(float(r.get("y", "")) + float(r.get("height", "")) for r in outlines) <= float(root.get("height", ""))


def test_what_lacks_a_column_or_a_row_is_refused() -> None:
    with pytest.raises(InputError, match="column 'title' is missing"):
        cells(FRAME.drop("title"))
    with pytest.raises(InputError, match="it has no rows"):
        cells(FRAME.clear())


def test_a_frame_without_ends_has_numbers_alone() -> None:
    words = [t.text for t in read(cells(FRAME.drop("low", "high"))).iter(f"{SVG}text")]
    assert "0.250" in words
    assert "[0.125, 0.375]" not in words


def test_an_arrow_says_that_lower_is_better_and_the_title_of_whom() -> None:
    more = FRAME.with_columns(sign=pl.lit("-"), contrast=pl.lit("plain"))
    root = read(cells(more.head(1)))
    assert [g.findtext(f"{SVG}title") for g in root.iter(f"{SVG}g")] == [
        "toxicity: 0.250 [0.125, 0.375] (plain), lower is better"
    ]
    assert "\u2193" in cells(more)
    assert "\u2193" not in cells(FRAME)
