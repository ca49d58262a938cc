"""A place on the balance plot reads back as the number in the frame."""

from xml.etree import ElementTree as ET

import polars as pl
import pytest

from sociolect.errors import InputError, RefusedError
from sociolect.report import plots
from sociolect.report.inert import inert

SVG = "{http://www.w3.org/2000/svg}"
FRAME = pl.DataFrame(
    [
        ("age", None, "close", -0.30, 0.01, False),
        ("age", None, "stranger", 0.10, -0.02, False),
        ("kind", "photo", "close", 0.40, 0.15, False),
        ("kind", "photo", "stranger", -0.20, 0.05, False),
        ("hour", None, "close", 0.50, 0.45, True),
        ("hour", None, "stranger", 0.20, 0.15, True),
        ("still", None, "close", None, None, False),
        ("still", None, "stranger", None, None, False),
    ],
    schema=["covariate", "level", "category", "before", "after", "held_out"],
    orient="row",
)


def read(svg: str) -> tuple[ET.Element, float, float]:
    """The figure, the place of 0 and the number per pixel, read off its ticks."""
    inert(svg, "f")
    root = ET.fromstring(svg)
    ticks = [
        t for t in root.iter(f"{SVG}text") if t.get("class") == "soft" and (t.text or "").replace(".", "").isdigit()
    ]
    (x0, v0), (x1, v1) = ((float(t.get("x", "")), float(t.text or "")) for t in ticks[:2])
    unit = (v1 - v0) / (x1 - x0)
    return root, x0 - v0 / unit, unit


def drawn(root: ET.Element, name: str, zero: float, unit: float) -> tuple[float, float]:
    """Before (the square) and after (the circle) of a row."""
    group = next(g for g in root.iter(f"{SVG}g") if (g.findtext(f"{SVG}title") or "").startswith(f"{name}: "))
    circle, square = group.find(f"{SVG}circle"), group.find(f"{SVG}path")
    assert circle is not None
    assert square is not None
    corners = [float(c.split()[0]) for c in (square.get("d") or "").strip("MZ").split("L")]
    return (sum(corners) / 4 - zero) * unit, (float(circle.get("cx", "")) - zero) * unit


def test_marks_read_back_as_the_largest_difference_over_the_categories() -> None:
    root, zero, unit = read(plots.balance(FRAME))
    assert drawn(root, "age", zero, unit) == pytest.approx((0.30, 0.02), abs=unit)
    assert drawn(root, "kind=photo", zero, unit) == pytest.approx((0.40, 0.15), abs=unit)
    assert drawn(root, "hour", zero, unit) == pytest.approx((0.50, 0.45), abs=unit)
    dashed = next(e for e in root.iter(f"{SVG}line") if e.get("stroke-dasharray"))
    assert (float(dashed.get("x1", "")) - zero) * unit == pytest.approx(0.10, abs=unit)
    assert "4 covariates" in (root.findtext(f"{SVG}desc") or "")
    assert "after it 2 reach 0.100" in (root.findtext(f"{SVG}desc") or "")


def test_one_category_alone() -> None:
    root, zero, unit = read(plots.balance(FRAME, category="stranger"))
    assert drawn(root, "age", zero, unit) == pytest.approx((0.10, 0.02), abs=unit)
    with pytest.raises(InputError, match="'ghost' cannot be drawn from this frame: it has no rows"):
        plots.balance(FRAME, category="ghost")


def test_rows_stand_widest_first_and_controls_last() -> None:
    words = [t.text for t in read(plots.balance(FRAME))[0].iter(f"{SVG}text")]
    order = [words.index(w) for w in ("kind=photo", "age", "still", "Negative controls", "hour")]
    assert order == sorted(order)
    assert words[words.index("still") + 1] == "– not available"


def test_the_order_of_rows_changes_no_byte() -> None:
    assert plots.balance(FRAME.reverse()) == plots.balance(FRAME)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="'before' is missing; column 'held_out' is missing"):
        plots.balance(FRAME.drop("before", "held_out"))
    with pytest.raises(RefusedError, match="nothing to draw"):
        plots.balance(FRAME.filter(covariate="still"))


def test_hostile_names_stay_words() -> None:
    evil = "</text><script>x</script>\u202e&"
    svg = plots.balance(FRAME.with_columns(covariate=pl.lit(evil)), title=evil)
    read(svg)
    assert "<script" not in svg
    assert "\u202e" not in svg
