"""What a figure shows is what the frame says: a place on it reads back as the number."""

import random
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl
import pytest

from sociolect.errors import InputError, RefusedError
from sociolect.report import plots
from sociolect.report.inert import inert

SVG = "{http://www.w3.org/2000/svg}"
EFFECTS = pl.DataFrame(
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


def number(text: str) -> float | None:
    said = text.replace("\N{MINUS SIGN}", "-").replace(",", "")
    return float(said) if re.fullmatch(r"-?\d+(\.\d+)?", said) else None


def axis(root: ET.Element) -> tuple[float, float]:
    """The number at x = 0 and the numbers per pixel, read off the first axis as a reader would: its ticks."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for t in root.iter(f"{SVG}text"):
        if t.get("text-anchor") == "middle" and (value := number(t.text or "")) is not None:
            rows.setdefault(t.get("y", ""), []).append((float(t.get("x", "")), value))
    (x1, v1), (x2, v2) = next(row for row in rows.values() if len(row) > 1)[:2]
    return v1 - x1 * (v2 - v1) / (x2 - x1), (v2 - v1) / (x2 - x1)


def group(root: ET.Element, starts: str) -> ET.Element:
    """The group whose tooltip starts so."""
    return next(g for g in root.iter(f"{SVG}g") if (g.findtext(f"{SVG}title") or "").startswith(starts))


def read(svg: str) -> ET.Element:
    """The figure, after it has passed the door of a page."""
    inert(svg, "f")
    return ET.fromstring(svg)


@pytest.mark.parametrize("reference", [0.0, None, 0.3])
def test_a_point_of_the_forest_reads_back_as_its_estimate(reference: float | None) -> None:
    root = read(plots.forest(EFFECTS, reference=reference))
    zero, unit = axis(root)
    for row in EFFECTS.drop_nulls("estimate").iter_rows(named=True):
        drawn = group(root, row["contrast"])
        circle, run = drawn.find(f"{SVG}circle"), drawn.find(f"{SVG}line")
        assert circle is not None
        assert run is not None
        assert zero + unit * float(circle.get("cx", "")) == pytest.approx(row["estimate"], abs=unit)
        assert zero + unit * float(run.get("x1", "")) == pytest.approx(row["low"], abs=unit)
        assert zero + unit * float(run.get("x2", "")) == pytest.approx(row["high"], abs=unit)
    band = next(r for r in root.iter(f"{SVG}rect") if r.get("class") == "band")
    assert zero + unit * float(band.get("x", "")) == pytest.approx(0.05, abs=unit)
    assert unit * float(band.get("width", "")) == pytest.approx(0.75, abs=unit)


def test_an_estimate_that_is_not_there_keeps_its_row() -> None:
    words = [t.text for t in read(plots.forest(EFFECTS)).iter(f"{SVG}text")]
    assert "ghost" in words
    assert "– not available" in words
    assert "0.370 [0.110, 0.520]" in words


def test_one_floor_and_ceiling_for_all_rows() -> None:
    root = read(plots.forest(EFFECTS.drop("floor", "ceiling"), floor=-0.5, ceiling=0.9))
    assert len([r for r in root.iter(f"{SVG}rect") if r.get("class") == "band"]) == 3


def test_a_forest_of_nothing_is_refused() -> None:
    with pytest.raises(RefusedError, match="nothing to draw"):
        plots.forest(EFFECTS.filter(pl.col("contrast") == "ghost"))
    with pytest.raises(InputError, match="'low' is missing; column 'high' is missing"):
        plots.forest(EFFECTS.drop("low", "high"))
    with pytest.raises(InputError, match="no rows"):
        plots.forest(EFFECTS.clear())


def test_the_confusion_matrix_prints_its_counts_where_they_belong() -> None:
    counts = np.array([[812, 7, 0], [31, 1204, 2], [0, 0, 0]])
    root = read(plots.confusion(counts, ["red", "blue", "none said"]))
    told = [g.findtext(f"{SVG}title") for g in root.iter(f"{SVG}g")]
    assert "true blue, assigned red: 31 of 1,237 (3%)" in told
    assert "true none said, assigned red: 0 of 0 (–)" in told
    cells = [[t.text for t in g.iter(f"{SVG}text")] for g in root.iter(f"{SVG}g")]
    assert [int((c[0] or "").replace(",", "")) for c in cells] == counts.ravel().tolist()
    assert cells[0][1] == "99%"
    assert cells[8][1] == "–"
    corners = [(float(r.get("x", "")), float(r.get("y", ""))) for r in root.iter(f"{SVG}rect")]
    assert corners == sorted(corners, key=lambda c: (c[1], c[0]))  # in the order of the counts: along a row, then down
    shades = [float(r.get("fill-opacity", "")) for r in root.iter(f"{SVG}rect")]
    assert max(shades) <= 0.6
    assert shades[0] == pytest.approx(0.04 + 0.56 * 812 / 819, abs=0.005)


@pytest.mark.parametrize(
    "matrix", [[[1, 2]], [[0.5, 0.5], [1.0, 0.0]], [[1, -1], [0, 1]], [[1, float("nan")], [0, 1]], [[1, 2], [3]]]
)
def test_what_is_no_matrix_of_counts_is_refused(matrix: list[list[float]]) -> None:
    with pytest.raises(InputError):
        plots.confusion(matrix, ["a", "b"])  # type: ignore[arg-type]  # the fault under test


def profile() -> pl.DataFrame:
    rows = [(c, e, a, v := round(0.1 * k + 0.03 * m + 0.01 * n, 3), v - 0.02, v + 0.02)
            for k, c in enumerate(("red", "blue")) for m, e in enumerate(("joy", "fear")) for n, a in enumerate(("human", "base"))]  # fmt: skip
    return pl.DataFrame(rows, schema=["community", "category", "arm", "value", "low", "high"], orient="row")


def test_a_mark_of_a_profile_reads_back_as_its_value() -> None:
    root = read(plots.profiles(profile()))
    zero, unit = axis(root)
    for row in profile().filter(pl.col("community") == "red", pl.col("arm") == "human").iter_rows(named=True):
        circle = group(root, f"red, {row['category']}, human").find(f"{SVG}circle")
        assert circle is not None
        assert zero + unit * float(circle.get("cx", "")) == pytest.approx(row["value"], abs=unit)


def test_an_arm_that_has_no_value_has_no_mark() -> None:
    frame = profile().with_columns(value=pl.when(pl.col("arm") == "human").then("value"))
    assert "base:" not in plots.profiles(frame)
    assert "red, joy, human: 0" in plots.profiles(frame)


def test_two_values_for_one_mark_are_refused() -> None:
    with pytest.raises(InputError, match="8 rows repeat the community, category and arm"):
        plots.profiles(pl.concat([profile(), profile()]))


def test_an_open_end_is_printed_and_not_drawn() -> None:
    effects = EFFECTS.head(1).with_columns(high=pl.lit(float("inf")), low=pl.lit(None, pl.Float64))
    svg = plots.forest(effects)
    assert "0.370 [–, ∞]" in svg
    assert group(read(svg), "aligned - base").find(f"{SVG}line") is None


def test_a_bar_is_as_long_as_its_value_and_begins_at_zero() -> None:
    root = read(plots.bars(pl.DataFrame({"label": ["a", "b", "c", "d"], "value": [3.0, -1.5, None, 0.0]})))
    zero, unit = axis(root)
    bar_a, bar_b = group(root, "a: 3.00").find(f"{SVG}rect"), group(root, "b: −1.50").find(f"{SVG}rect")
    assert bar_a is not None
    assert bar_b is not None
    assert unit * float(bar_a.get("width", "")) == pytest.approx(3, abs=unit)
    assert zero + unit * float(bar_a.get("x", "")) == pytest.approx(0, abs=unit)
    assert zero + unit * float(bar_b.get("x", "")) == pytest.approx(-1.5, abs=unit)
    assert len(list(root.iter(f"{SVG}rect"))) == 3


def test_the_flow_accounts_for_every_reply() -> None:
    arms = pl.DataFrame(
        {
            "arm": ["human", "base"],
            "asked": [200, 400],
            "answered": [200, 300],
            "refused": [0, 100],
            "copied": [50, 0],
            "kept": [150, 260],
        }
    )
    root = read(plots.flow(arms))
    assert group(root, "base, refused: 100 of 400 (25.0%)") is not None
    assert group(root, "base, not accounted for: 40 of 400 (10.0%)") is not None
    whole, half = (float(group(root, s).find(f"{SVG}rect").get("width", "")) for s in ("human, kept", "base, refused"))  # type: ignore[union-attr]  # a None fails the test
    assert (whole + 1) / (half + 1) == pytest.approx(3, abs=0.01)


def test_a_flow_that_counts_twice_is_refused() -> None:
    with pytest.raises(RefusedError, match="base: 12 outcomes of 10 asked"):
        plots.flow(pl.DataFrame({"arm": ["base"], "asked": [10], "refused": [4], "kept": [8]}))
    with pytest.raises(InputError, match="'kept' of counts is missing; column 'asked' is below 0; no text column"):
        plots.flow(pl.DataFrame({"asked": [-1]}))


def society(blocks: int = 3, size: int = 30) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Blocks with all ties inside and one between: whoever looks at the places must see the blocks."""
    g = np.random.default_rng(5)
    inside = [(b, i, b, j) for b in range(blocks) for i in range(size) for j in range(i) if g.random() < 0.3]
    between = [(b, 0, (b + 1) % blocks, 1) for b in range(blocks)]
    ties = pl.DataFrame(
        [(f"zz{a}x{i}", f"zz{b}x{j}", "reply", 1.0) for a, i, b, j in inside + between],
        schema=["source", "target", "kind", "weight"],
        orient="row",
    )
    members = pl.DataFrame(
        [(f"zz{b}x{i}", f"block {b}") for b in range(blocks) for i in range(size)],
        schema=["person", "community"],
        orient="row",
    )
    return ties, members


def nodes(root: ET.Element, colour: int) -> list[tuple[float, float]]:
    """Where the nodes of a colour stand; the legend's marks are in groups, and are left out."""
    here = [e for e in root if e.get("class") == f"c{colour} halo"]
    starts = [(e.get("d") or "").removeprefix("M").partition("L")[0].split() for e in here if e.get("d")]
    return [(float(e.get("cx", "")), float(e.get("cy", ""))) for e in here if e.get("cx")] + [
        (float(x), float(y)) for x, y in starts
    ]


def test_the_network_names_nobody_and_shows_the_blocks() -> None:
    ties, members = society()
    svg = plots.network(ties, members, seed=3)
    root = read(svg)
    assert "zz" not in svg
    assert "block 1 (30)" in svg
    middles = [np.mean(nodes(root, c), axis=0) for c in (1, 2, 3)]
    spreads = [np.mean(np.std(nodes(root, c), axis=0)) for c in (1, 2, 3)]
    assert min(np.linalg.norm(a - b) for a, b in pairwise(middles)) > 2 * max(spreads)


def test_the_network_does_not_depend_on_the_order_of_rows_and_leaves_the_generators_alone() -> None:
    ties, members = society()
    before, drawn = random.getstate(), np.random.get_state(legacy=False)
    one = plots.network(ties, members, seed=3)
    assert random.getstate() == before
    assert str(np.random.get_state(legacy=False)) == str(drawn)
    assert plots.network(ties.reverse(), members.sample(fraction=1, shuffle=True, seed=1), seed=3) == one
    assert plots.network(ties, members, seed=4) != one


def test_igraph_draws_from_the_process_s_generator_again() -> None:
    import igraph

    igraph.set_random_number_generator(random)
    random.seed(7)
    before = igraph.Graph.Erdos_Renyi(40, 0.2).get_edgelist()
    plots.network(*society())
    random.seed(7)
    assert igraph.Graph.Erdos_Renyi(40, 0.2).get_edgelist() == before


def test_the_network_draws_the_best_connected() -> None:
    core = [(f"z{a}", f"z{b}") for a in range(5) for b in range(a)]
    pairs = [(f"a{k}", f"b{k}") for k in range(50)]
    ties = pl.DataFrame(core + pairs, schema=["source", "target"], orient="row").with_columns(weight=pl.lit(1.0))
    members = pl.DataFrame({"person": ["z0"], "community": ["core"]})
    root = read(plots.network(ties, members, most=5))
    assert (root.findtext(f"{SVG}desc") or "").startswith(
        "5 of 105 people with ties, the best connected, and the 10 ties"
    )


def test_the_network_draws_at_most_so_many() -> None:
    ties, members = society()
    root = read(plots.network(ties, members, most=40))
    assert sum(len(nodes(root, c)) for c in (1, 2, 3)) <= 40
    assert "of 90 people with ties" in (root.findtext(f"{SVG}desc") or "")


def test_a_ninth_community_is_grey() -> None:
    ties, members = society(blocks=10, size=6)
    root = read(plots.network(ties, members))
    # Equal sizes fall in the order of names: blocks 8 and 9 come last.
    tied = {p for side in ("source", "target") for p in ties[side] if p.startswith(("zz8", "zz9"))}
    assert len(nodes(root, 0)) == len(tied) > 5
    assert "2 smaller (12)" in "".join(t.text or "" for t in root.iter(f"{SVG}text"))


def test_a_network_without_ties_is_refused() -> None:
    ties, members = society()
    with pytest.raises(RefusedError, match="no network"):
        plots.network(ties.clear(), members)


def test_hostile_names_stay_words() -> None:
    evil = "</text><script>x</script>\x00\u202e&"
    frame = pl.DataFrame(
        {
            "label": [evil],
            "value": [1.0],
            "arm": [evil],
            "category": [evil],
            "community": [evil],
            "asked": [2],
            "kept": [1],
        }
    )
    for svg in (
        plots.bars(frame, axis=evil, title=evil),
        plots.profiles(frame),
        plots.flow(frame.select("arm", "asked", "kept")),
        plots.confusion([[1]], [evil]),
    ):
        read(svg)
        assert "<script" not in svg
        assert "\u202e" not in svg


def test_the_same_frame_gives_the_same_figure() -> None:
    assert plots.forest(EFFECTS) == plots.forest(EFFECTS.clone())
    assert plots.profiles(profile()) == plots.profiles(profile())
