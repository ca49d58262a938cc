"""A point of a line reads back as its number, thin lines stand for runs, and a gap stays a gap."""

import re
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from sociolect.errors import InputError, RefusedError
from sociolect.report import plots
from sociolect.report.inert import inert

SVG = "{http://www.w3.org/2000/svg}"


def growth() -> pl.DataFrame:
    rows = [(p, s, g, v := 0.1 * g + 0.2 * k + 0.05 * m, v - 0.04, v + 0.04)
            for k, p in enumerate(("trace", "no trace")) for m, s in enumerate(("a", "b")) for g in (1, 2, 3)]  # fmt: skip
    return pl.DataFrame(rows, schema=["panel", "series", "generation", "value", "low", "high"], orient="row")


def each(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(
        [frame.select("panel", "series", "generation", pl.col("value") + 0.01 * r, run=pl.lit(r)) for r in range(4)]
    )


def read(svg: str) -> ET.Element:
    inert(svg, "f")
    return ET.fromstring(svg)


def upright(root: ET.Element) -> tuple[float, float]:
    """The number at y = 0 and the numbers per pixel of the first panel, read off its ticks."""
    found = [
        (float(t.get("y", "")) - 4, float((t.text or "").replace("\N{MINUS SIGN}", "-")))
        for t in root.iter(f"{SVG}text")
        if t.get("text-anchor") == "end"
    ]
    (y1, v1), (y2, v2) = found[:2]
    return v1 - y1 * (v2 - v1) / (y2 - y1), (v2 - v1) / (y2 - y1)


def titles(root: ET.Element) -> list[str]:
    return [g.findtext(f"{SVG}title") or "" for g in root.iter(f"{SVG}g")]


def test_a_point_reads_back_as_its_value() -> None:
    root = read(plots.lines(growth(), each=each(growth())))
    zero, unit = upright(root)
    marks = {
        t: g for g in root.iter(f"{SVG}g") if (t := g.findtext(f"{SVG}title") or "").startswith("trace, a, generation")
    }
    assert len(marks) == 3
    assert unit < 0  # more stands higher
    for title, group in marks.items():
        circle = group.find(f"{SVG}circle")
        assert circle is not None
        said = re.search(r": ([\d.]+) \[([\d.]+), ([\d.]+)\]", title)
        assert said is not None
        assert zero + unit * float(circle.get("cy", "")) == pytest.approx(float(said[1]), abs=abs(unit))
        assert float(said[2]) < float(said[1]) < float(said[3])


def test_there_is_a_thin_line_for_each_run_and_a_band_for_each_series() -> None:
    root = read(plots.lines(growth(), each=each(growth())))
    paths = list(root.iter(f"{SVG}path"))
    assert len([p for p in paths if p.get("stroke-opacity") == "0.4"]) == 2 * 2 * 4
    assert len([p for p in paths if p.get("fill-opacity") == "0.15"]) == 2 * 2
    assert len([p for p in paths if p.get("stroke-width") == "2.25"]) == 2 * 2
    assert "no trace, b: run 3" in titles(root)
    bare = read(plots.lines(growth().drop("low", "high")))
    assert not [p for p in bare.iter(f"{SVG}path") if p.get("fill-opacity") == "0.15"]
    assert "trace, a, generation 1: 0.100" in titles(bare)


def test_a_value_that_is_not_there_breaks_its_line_and_has_no_mark() -> None:
    gap = pl.col("generation") == 2
    frame = growth().filter(panel="trace", series="a").with_columns(pl.when(~gap).then(pl.col("value", "low", "high")))
    root = read(plots.lines(frame))
    (thick,) = [p for p in root.iter(f"{SVG}path") if p.get("stroke-width") == "2.25"]
    assert (thick.get("d") or "").count("M") == 2
    assert "L" not in (thick.get("d") or "")
    assert len([t for t in titles(root) if t.startswith("trace, a, generation")]) == 2


def test_the_order_of_the_rows_changes_no_byte_of_one_panel() -> None:
    one = growth().filter(panel="trace", series="a")
    assert plots.lines(one) == plots.lines(one.reverse())


def test_one_generation_and_negative_numbers_can_be_drawn() -> None:
    frame = (
        growth()
        .filter(pl.col("generation") == 1)
        .with_columns(-pl.col("value"), low=-pl.col("high"), high=-pl.col("low"))
    )
    root = read(plots.lines(frame))
    zero, unit = upright(root)
    circle = next(c for c in root.iter(f"{SVG}circle") if c.get("r") == "3.5")
    assert any(t.startswith("trace, a, generation 1: \N{MINUS SIGN}0.100") for t in titles(root))
    assert zero + unit * float(circle.get("cy", "")) == pytest.approx(-0.1, abs=abs(unit))


def test_faults_are_refused() -> None:
    with pytest.raises(InputError, match="column 'series' is missing"):
        plots.lines(growth().drop("series"))
    with pytest.raises(InputError, match="12 rows repeat the panel, series, generation"):
        plots.lines(pl.concat([growth(), growth()]))
    with pytest.raises(InputError, match="thin lines cannot be drawn"):
        plots.lines(growth(), each=growth())
    with pytest.raises(InputError, match="12 of 12 rows have no number in generation"):
        plots.lines(growth().with_columns(generation=pl.lit(None, pl.Int64), panel=pl.int_range(12).cast(pl.String)))
    with pytest.raises(InputError, match=r"thin lines cannot be drawn: of \('elsewhere', 'a'\) there is no line"):
        plots.lines(
            growth(), each=each(growth().with_columns(panel=pl.lit("elsewhere")).unique(["series", "generation"]))
        )
    with pytest.raises(RefusedError, match="nothing to draw"):
        plots.lines(growth().with_columns(pl.lit(None, pl.Float64).alias(c) for c in ("value", "low", "high")))
