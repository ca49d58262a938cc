"""Identities that the numbers of compare and measure keep: order and names tell nothing, bounds hold, equals are at zero."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.compare.agreement import ac1, alpha, kappa, percent
from sociolect.compare.distances import energy, jensen_shannon, kolmogorov_smirnov, wasserstein
from sociolect.compare.f1 import f1
from sociolect.compare.two_sample import kernel_test
from sociolect.errors import RefusedError, SociolectError
from sociolect.measure.overlap import overlap
from sociolect.measure.rouge import rouge_l
from sociolect.measure.spans import longest_spans
from sociolect.measure.style import style

LABELS = ["a", "b", "c"]
near: Any = {"rel": 1e-9, "abs": 1e-9}
numbers = st.lists(st.floats(-1e3, 1e3).map(lambda v: round(v, 3)), min_size=1, max_size=12)
masses = st.lists(st.integers(0, 9).map(float), min_size=2, max_size=6).filter(any)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, None])), min_size=1, max_size=20), st.data()
)
def test_f1(rows: list[tuple[str, str | None]], data: st.DataObject) -> None:
    truth, label = zip(*rows, strict=True)
    found = f1(truth, label, labels=LABELS)
    assert all(math.isnan(v) or 0 <= v <= 1 for v in (found.macro, found.weighted, found.accuracy))
    assert found.accuracy == pytest.approx(sum(a == b for a, b in rows) / len(rows))
    one, other = zip(*data.draw(st.permutations(rows)), strict=True)
    names = dict(zip(LABELS, data.draw(st.permutations(LABELS)), strict=True)) | {None: None}
    assert f1(one, other, labels=LABELS).macro == pytest.approx(found.macro, nan_ok=True)
    moved = f1([names[t] for t in truth], [names[v] for v in label], labels=LABELS)  # type: ignore[misc]  # truth is never null
    assert (moved.macro, moved.weighted) == pytest.approx((found.macro, found.weighted), nan_ok=True)
    assert f1(truth, truth, labels=LABELS).accuracy == 1
    assert f1(truth, truth, labels=LABELS).weighted == 1
    twice = f1(truth, label, labels=LABELS, weights=np.full(len(rows), 2.0))
    assert twice.macro == pytest.approx(found.macro, nan_ok=True)


@settings(max_examples=80)
@given(masses, st.data(), st.floats(0.1, 50))
def test_jensen_shannon(p: list[float], data: st.DataObject, scale: float) -> None:
    q = data.draw(st.lists(st.integers(0, 9).map(float), min_size=len(p), max_size=len(p)).filter(any))
    r = data.draw(st.lists(st.integers(0, 9).map(float), min_size=len(p), max_size=len(p)).filter(any))
    share = [list(np.array(v) / sum(v)) for v in (p, q, r)]
    d = jensen_shannon(share[0], share[1])
    assert 0 <= d <= 1 + 1e-12
    assert d == pytest.approx(jensen_shannon(share[1], share[0]), **near)
    assert jensen_shannon(share[0], share[0]) == pytest.approx(0, abs=1e-7)
    assert d <= jensen_shannon(share[0], share[2]) + jensen_shannon(share[2], share[1]) + 1e-9
    order = data.draw(st.permutations(range(len(p))))
    assert d == pytest.approx(jensen_shannon([share[0][i] for i in order], [share[1][i] for i in order]), **near)


@settings(max_examples=80)
@given(
    numbers,
    numbers,
    st.randoms(use_true_random=False),
    st.floats(-50, 50).filter(lambda v: abs(v) > 0.01),
    st.floats(-100, 100),
)
def test_distances_of_samples(x: list[float], y: list[float], chance: Any, scale: float, shift: float) -> None:
    d, k = wasserstein(x, y), kolmogorov_smirnov(x, y)
    moved = chance.sample(x, len(x))
    assert (wasserstein(moved, y), kolmogorov_smirnov(moved, y)) == pytest.approx((d, k), **near)
    assert (wasserstein(y, x), kolmogorov_smirnov(y, x)) == pytest.approx((d, k), **near)
    assert wasserstein(x, x) == pytest.approx(0, abs=1e-9)
    assert kolmogorov_smirnov(x, x) == pytest.approx(0, abs=1e-12)
    assert 0 <= k <= 1
    assert (
        d >= abs(np.mean(x) - np.mean(y)) - 1e-6
    )  # Kantorovich and Rubinstein: the mean moves no farther than the mass
    changed = [[v * scale + shift for v in side] for side in (x, y)]
    assert wasserstein(*changed) == pytest.approx(d * abs(scale), rel=1e-6, abs=1e-6)
    assert wasserstein(x * 2, y) == pytest.approx(d, **near)  # how often a sample is written down tells nothing
    assert wasserstein(x, y, x_weights=[3.0] * len(x)) == pytest.approx(d, **near)
    try:
        e = energy(x, y)
    except RefusedError:
        return
    assert e == pytest.approx(energy(y, moved), rel=1e-6, abs=1e-6)
    assert energy(x, x) == pytest.approx(0, abs=1e-6)


@settings(max_examples=25)
@given(st.integers(2, 6), st.integers(0, 2**31), st.sampled_from(["cubic", "gaussian"]))
def test_kernel_test(n: int, seed: int, kernel: str) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n + 2, 3)), rng.normal(size=(n + 2, 3))
    found = kernel_test(x, y, kernel=kernel, permutations=19, bandwidth=1.0 if kernel == "gaussian" else None)
    back = kernel_test(y, x, kernel=kernel, permutations=19, bandwidth=1.0 if kernel == "gaussian" else None)
    assert found.estimate == pytest.approx(back.estimate, **near)
    moved = kernel_test(x[::-1], y, kernel=kernel, permutations=19, bandwidth=1.0 if kernel == "gaussian" else None)
    assert moved.estimate == pytest.approx(found.estimate, **near)
    assert 1 / 20 <= found.p <= 1


ratings = st.lists(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, math.nan]), min_size=3, max_size=3), min_size=3, max_size=12
)


@settings(max_examples=80)
@given(ratings, st.data())
def test_agreement(said: list[list[float]], data: st.DataObject) -> None:
    table = np.array(said)
    assume((np.isfinite(table).sum(axis=1) > 1).any())
    names = np.array([*data.draw(st.permutations([0.0, 1.0, 2.0])), math.nan])
    other = names[np.where(np.isnan(table), 3, table).astype(int)]
    shuffled = table[data.draw(st.permutations(range(len(said))))][:, data.draw(st.permutations(range(3)))]
    for measure in (percent, kappa, ac1, alpha):
        found = value(measure, table)
        assert math.isnan(found) or found <= 1 + 1e-12
        assert value(measure, shuffled) == pytest.approx(found, nan_ok=True, **near), measure
        assert value(measure, other) == pytest.approx(found, nan_ok=True, **near), measure
    whole = np.repeat(table[:, :1][np.isfinite(table[:, 0])], 3, axis=1)
    if len(whole) and len(np.unique(whole)) > 1:
        assert [value(m, whole) for m in (percent, kappa, ac1, alpha)] == pytest.approx([1.0] * 4)


def value(measure: Any, table: Any) -> float:
    """The measure, nan where it is refused: whether it is must not depend on the order either."""
    try:
        return float(measure(table))
    except SociolectError:
        return math.nan


texts = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]), min_size=1, max_size=9).map(" ".join),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60)
@given(texts, texts)
def test_overlap_and_its_parts(said: list[str], corpus: list[str]) -> None:
    replies = frames.replies(
        pl.DataFrame(
            [("s", "model", "c", f"i{n}", "asked", 0, 0, None, t) for n, t in enumerate(said)],
            {**{k: c.dtype for k, c in frames.KEYS.items()}, "prompt": pl.String, "text": pl.String}, orient="row",
        )
    )  # fmt: skip
    found = overlap(replies, corpus)
    assert overlap(replies, corpus[::-1]).equals(found)
    assert found["value"].min() >= 0  # type: ignore[operator]  # there is a value for every text
    words = [t.split() for t in said]
    held = [t.split() for t in corpus]
    score, span = rouge_l(words, held, floor=0.0), longest_spans(words, held)
    assert ((score >= 0) & (score <= 1 + 1e-12)).all()
    assert (span <= [len(w) for w in words]).all()
    assert rouge_l(words, words, floor=0.0) == pytest.approx(1)
    assert longest_spans(words, words).tolist() == [len(w) for w in words]
    assert (rouge_l(words, held + words, floor=0.0) >= score - 1e-12).all()
    assert style(replies).equals(style(replies))
