"""Several series in one forest: each mark reads back as its number, stands with its label, and is told without colour."""

import hashlib
import re
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from sociolect.errors import InputError, UsageError
from sociolect.report.forest import forest
from sociolect.report.inert import inert

SVG = "{http://www.w3.org/2000/svg}"
SLOPES = pl.DataFrame(
    [
        ("funny", "close", "human", 0.12, 0.08, 0.16, 400),
        ("funny", "age", "human", -0.03, -0.05, -0.01, 400),
        ("worried", "close", "human", 0.31, 0.22, 0.40, 400),
        ("funny", "close", "none", 0.10, 0.05, 0.15, 390),
        ("worried", "close", "none", None, None, None, 0),
        ("funny", "close", "all", 0.22, 0.17, 0.27, 380),
        ("funny", "age", "all", 0.04, 0.02, 0.06, 380),
    ],
    schema=["measure", "contrast", "arm", "estimate", "low", "high", "n"],
    orient="row",
)


def read(svg: str) -> ET.Element:
    """The figure, after it has passed the door of a page."""
    inert(svg, "f")
    return ET.fromstring(svg)


def scale(root: ET.Element) -> tuple[float, float]:
    """The number at x = 0 and the numbers per pixel, off two ticks of the lowest axis."""
    found: dict[float, list[tuple[float, float]]] = {}
    for t in root.iter(f"{SVG}text"):
        said = (t.text or "").replace("\N{MINUS SIGN}", "-")
        if t.get("text-anchor") == "middle" and re.fullmatch(r"-?[\d.]+", said):
            found.setdefault(float(t.get("y", "")), []).append((float(t.get("x", "")), float(said)))
    (x1, v1), (x2, v2) = found[max(found)][:2]
    return v1 - x1 * (v2 - v1) / (x2 - x1), (v2 - v1) / (x2 - x1)


def runs(root: ET.Element) -> dict[str, ET.Element]:
    """The line of each interval by what its tooltip says before the number."""
    told = {(g.findtext(f"{SVG}title") or "").partition(":")[0]: g.find(f"{SVG}line") for g in root.iter(f"{SVG}g")}
    return {name: run for name, run in told.items() if run is not None}


def words(root: ET.Element) -> dict[str, float]:
    return {t.text or "": float(t.get("y", "")) for t in root.iter(f"{SVG}text")}


def test_a_mark_of_each_series_reads_back_as_its_number() -> None:
    root = read(forest(SLOPES, beside="arm"))
    zero, unit = scale(root)
    drawn = runs(root)
    for row in SLOPES.drop_nulls("estimate").iter_rows(named=True):
        run = drawn[f"{row['measure']}, {row['contrast']}, {row['arm']}"]
        assert zero + unit * float(run.get("x1", "")) == pytest.approx(row["low"], abs=unit)
        assert zero + unit * float(run.get("x2", "")) == pytest.approx(row["high"], abs=unit)
    assert len(drawn) == 6


def test_series_stand_together_at_their_label_in_their_order_wherever_the_rows_stood() -> None:
    root = read(forest(SLOPES, beside="arm"))
    drawn, said = runs(root), words(root)
    at = [float(drawn[f"funny, close, {arm}"].get("y1", "")) for arm in ("human", "none", "all")]
    age = [float(drawn[f"funny, age, {arm}"].get("y1", "")) for arm in ("human", "all")]
    assert at[1] - at[0] == at[2] - at[1] == age[1] - age[0] == 14
    assert age[0] - at[2] == 22
    assert said["age"] == sum(age) / 2 + 4
    assert said["funny"] < at[0] < age[1] < said["worried"] < float(drawn["worried, close, human"].get("y1", ""))
    assert said["– not available"] > said["worried"]
    assert [t.text for t in root.iter(f"{SVG}text")].count("age") == 1


def test_series_differ_in_shape_and_colour_and_the_legend_shows_the_same_marks() -> None:
    root = read(forest(SLOPES, beside="arm"))
    signs: dict[str, set[tuple[int, str | None]]] = {}
    for g in root.iter(f"{SVG}g"):
        sign = next(e for e in g if (e.get("class") or "").endswith("halo"))
        corners = len(re.findall("L", sign.get("d") or "")) if sign.tag != f"{SVG}circle" else 0
        name = (g.findtext(f"{SVG}title") or "").partition(":")[0].rpartition(", ")[2]
        signs.setdefault(name, set()).add((corners, sign.get("class")))
    assert signs == {"human": {(0, "c1 halo")}, "none": {(3, "c2 halo")}, "all": {(2, "c3 halo")}}
    assert "3 series stand beside each other: human, none, all" in (root.findtext(f"{SVG}desc") or "")


def test_each_group_has_its_axis_and_reference() -> None:
    root = read(forest(SLOPES, beside="arm"))
    dashed = [e for e in root.iter(f"{SVG}line") if e.get("stroke-dasharray") == "4 3"]
    assert len(dashed) == 2
    assert float(dashed[0].get("y2", "")) < words(root)["worried"] < float(dashed[1].get("y1", ""))
    assert [t.text for t in root.iter(f"{SVG}text")].count("0.2") == 3


@pytest.mark.parametrize(("beside", "panels"), [("arm", 2), (None, 1)])
def test_the_band_lies_at_its_bounds(beside: str | None, panels: int) -> None:
    root = read(forest(SLOPES, beside=beside, band=(-0.1, 0.5)))
    zero, unit = scale(root)
    *drawn, key = (r for r in root.iter(f"{SVG}rect") if r.get("class") == "band")
    assert len(drawn) == panels
    for r in drawn:
        assert zero + unit * float(r.get("x", "")) == pytest.approx(-0.1, abs=unit)
        assert unit * float(r.get("width", "")) == pytest.approx(0.6, abs=unit)
    assert float(key.get("y", "")) > max(float(r.get("y", "")) + float(r.get("height", "")) for r in drawn)
    assert "shaded: \N{MINUS SIGN}0.100 to 0.500" in words(root)


def test_a_figure_of_one_series_is_the_same_to_the_byte_as_before_there_were_several() -> None:
    one = pl.DataFrame(
        {
            "measure": ["f1", "f1", "gap"],
            "contrast": ["aligned - base", "ghost", "aligned - human"],
            "estimate": [0.37, None, -0.21],
            "low": [0.11, None, -0.4],
            "high": [0.52, None, -0.05],
            "n": [1200, 0, 88],
            "floor": [0.05, None, None],
            "ceiling": [0.8, None, None],
        }
    )
    assert hashlib.sha256(forest(one).encode()).hexdigest()[:16] == "72499064c276c1cd"


def test_a_null_is_a_series_of_its_own() -> None:
    svg = forest(SLOPES.with_columns(arm=pl.col("arm").replace("none", None)), beside="arm")
    assert "funny, close, –: 0.100 [0.0500, 0.150]" in svg


def test_what_cannot_be_told_apart_is_refused() -> None:
    many = pl.concat([SLOPES.head(1).with_columns(arm=pl.lit(f"a{k}")) for k in range(9)])
    with pytest.raises(InputError, match="9 series in 'arm', of which 8 can be told apart.*1 rows repeat the measure"):
        forest(pl.concat([many, many.head(1)]), beside="arm")
    with pytest.raises(InputError, match="column 'source' is missing"):
        forest(SLOPES, beside="source")
    with pytest.raises(UsageError, match="beside is 'measure', which names the rows or their groups"):
        forest(SLOPES, beside="measure")
    for band in ((0.1, -0.1), (0.0, float("inf"))):
        with pytest.raises(UsageError, match="give two finite numbers, the lower first"):
            forest(SLOPES, band=band)
