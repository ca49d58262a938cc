"""Identities that effects keep: what is turned round changes its sign, what is stretched stretches, order tells nothing."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.differences import differences, means
from sociolect.compare.equivalence import tost
from sociolect.compare.heterogeneity import random_effects
from sociolect.compare.multiplicity import benjamini_hochberg, holm
from sociolect.compare.ranking import kendall, spearman
from sociolect.errors import RefusedError
from sociolect.frames import Scores

near: Any = {"rel": 1e-9, "abs": 1e-9}
numbers = st.lists(st.floats(-1e3, 1e3).map(lambda v: round(v, 3)), min_size=1, max_size=12)


def scores(rows: list[tuple[str, str, float]]) -> Scores:
    """Scores of rows (condition, topic, value)."""
    return frames.scores(
        pl.DataFrame(
            [("s", "model", "c", f"i{n}", arm, 0, 0, "m", v, topic, "t") for n, (arm, topic, v) in enumerate(rows)],
            [*frames.KEYS, "measure", "value", "topic", "template"], orient="row",
        )
    )  # fmt: skip


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(-9, 9), st.integers(-9, 9)), min_size=4, max_size=12),
    st.data(),
)
def test_contrasts(said: list[tuple[str, int, int]], data: st.DataObject) -> None:
    assume({t for t, *_ in said} == set("xyz"))
    rows = [
        (arm, topic, float(v)) for topic, *pair in said for arm, v in zip(("aligned", "in_context"), pair, strict=True)
    ]
    knobs: dict[str, Any] = {"draws": 200, "clusters": ("topic",)}
    try:
        one = differences(scores(rows), **knobs).row(0, named=True)
    except RefusedError:
        return
    back = differences(scores(rows), between=("in_context", "aligned"), **knobs).row(0, named=True)
    assert one["estimate"] == pytest.approx(-back["estimate"], **near)
    assert one["estimate"] == pytest.approx(np.mean([a - b for _, a, b in said]), **near)
    assert one["low"] - 1e-9 <= one["high"]
    assert 0 < one["p"] <= 1
    frame = scores(rows)
    moved = frames.scores(frame[data.draw(st.permutations(range(frame.height)))])
    assert differences(moved, **knobs).row(0, named=True) == one
    wide = differences(scores([(a, t, 3 * v + 5) for a, t, v in rows]), **knobs).row(0, named=True)
    assert [wide[k] for k in ("estimate", "low", "high")] == pytest.approx(
        [3 * one[k] for k in ("estimate", "low", "high")], rel=1e-6, abs=1e-6
    )
    each = means(scores(rows), **knobs)
    assert each.equals(means(moved, **knobs))
    assert sum(each["n"]) == len(rows)


@settings(max_examples=40)
@given(numbers.filter(lambda v: len(v) > 2), st.floats(-9, 9), st.floats(0.1, 9), st.integers(0, 5))
def test_bootstrap(x: list[float], shift: float, scale: float, seed: int) -> None:
    values, codes = np.array(x), np.arange(len(x))

    def mean(of: Any) -> Any:
        return lambda w: float(np.average(of, weights=w))

    one = bootstrap(mean(values), codes, draws=100, expand=False, seed=seed)
    two = bootstrap(mean(values * scale + shift), codes, draws=100, expand=False, seed=seed)
    assert float(np.asarray(one.estimate).ravel()[0]) == pytest.approx(values.mean(), **near)
    ends = [np.asarray(v).ravel()[0] for v in (one.low, one.high)]
    assert [np.asarray(v).ravel()[0] for v in (two.low, two.high)] == pytest.approx(
        [e * scale + shift for e in ends], rel=1e-6, abs=1e-6
    )
    assert ends[0] <= ends[1] + 1e-12


@settings(max_examples=80)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.data())
def test_multiplicity(p: list[float], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(p))))
    said: list[list[float]] = []
    for adjust in (holm, benjamini_hochberg):
        found = [v for v in adjust(p) if v is not None]
        assert all(b - 1e-12 <= a <= 1 for a, b in zip(found, p, strict=True))
        assert adjust([p[i] for i in order]) == pytest.approx([found[i] for i in order])
        ranked = [found[i] for i in np.argsort(p, kind="stable")]
        assert ranked == sorted(ranked)
        said.append(found)
    assert all(b <= h + 1e-12 for h, b in zip(*said, strict=True))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=4, max_size=12),
    st.randoms(use_true_random=False),
)
def test_orders(rows: list[tuple[int, int]], chance: Any) -> None:
    x, y = (list(map(float, side)) for side in zip(*rows, strict=True))
    chance.shuffle(rows)
    u, v = (list(map(float, side)) for side in zip(*rows, strict=True))
    for measure in (kendall, rho):
        found = measure(x, y)
        if found is None:
            assert len(set(x)) == 1 or len(set(y)) == 1
            continue
        assert -1 - 1e-12 <= found <= 1 + 1e-12
        assert (measure(y, x), measure(u, v)) == pytest.approx((found, found))
        assert measure([-a for a in x], y) == pytest.approx(-found)
        assert measure([math.exp(a) for a in x], y) == pytest.approx(found)
        assert measure(x, x) == pytest.approx(1)


def rho(first: list[float], second: list[float]) -> float | None:
    return spearman(first, second)[0]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=3, max_size=8), st.floats(0.5, 9), st.data())
def test_random_effects(rows: list[tuple[float, float]], scale: float, data: st.DataObject) -> None:
    b, v = (np.array(side) for side in zip(*rows, strict=True))
    found = random_effects(b, v, method="DL")
    order = data.draw(st.permutations(range(len(rows))))
    assert random_effects(b[order], v[order], method="DL").estimate == pytest.approx(found.estimate, rel=1e-6, abs=1e-9)
    wide = random_effects(b * scale, v * scale**2, method="DL")
    assert (wide.q, wide.i2) == pytest.approx((found.q, found.i2), rel=1e-6, abs=1e-9)
    assert wide.tau2 == pytest.approx(found.tau2 * scale**2, rel=1e-6, abs=1e-9)
    assert min(b) - 1e-9 <= found.estimate <= max(b) + 1e-9
    assert found.q >= -1e-9
    assert 0 <= found.i2 <= 1
    assert random_effects(np.full(3, b[0]), v[:3], method="DL").q == pytest.approx(0, abs=1e-9)


@settings(max_examples=60)
@given(st.floats(-2, 2), st.floats(0.01, 1), st.floats(0.05, 2))
def test_equivalence(estimate: float, half: float, bound: float) -> None:
    rows = pl.DataFrame(
        {
            "measure": "m",
            "contrast": "a - b",
            "estimate": [estimate],
            "low": [estimate - half],
            "high": [estimate + half],
            "se": [half / 1.96],
            "n": [50],
        }
    )
    one = tost(frames.effects(rows), bound=bound).row(0, named=True)
    flipped = rows.with_columns(estimate=-pl.col("estimate"), low=-pl.col("high"), high=-pl.col("low"))
    other = tost(frames.effects(flipped), bound=bound).row(0, named=True)
    assert one["p"] == pytest.approx(other["p"], rel=1e-6, abs=1e-9)
    assert 0 <= one["p"] <= 1
    assert abs(estimate) < bound or one["p"] >= 0.5 - 1e-9
    assert tost(frames.effects(rows), bound=bound * 2).row(0, named=True)["p"] <= one["p"] + 1e-9
