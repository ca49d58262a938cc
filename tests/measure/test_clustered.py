"""Intervals that count clusters, held against closed forms and against the coverage of planted truths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from sociolect.measure.clustered import area, average, difference

Floats = NDArray[np.float64]
ALL = np.ones


def delong(p: Floats, y: NDArray[np.bool_]) -> tuple[float, float]:
    """The AUC and its standard error as DeLong et al. 1988 write them: every pair, no ranks."""
    psi = (p[y][:, None] > p[~y][None, :]) + 0.5 * (p[y][:, None] == p[~y][None, :])
    variance = psi.mean(1).var(ddof=1) / y.sum() + psi.mean(0).var(ddof=1) / (~y).sum()
    return float(psi.mean()), float(np.sqrt(variance))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=8, max_size=40))
def test_area_and_error_are_delongs_where_each_row_is_a_cluster(cells: list[tuple[int, bool]]) -> None:
    p, y = np.array([c[0] / 10 for c in cells]), np.array([c[1] for c in cells])
    found = area(p, y, np.ones(len(p), dtype=bool), np.arange(len(p)))
    if y.sum() < 2 or (~y).sum() < 2:
        assert np.isnan(found.error)
        return
    auc, error = delong(p, y)
    assert found.estimate == pytest.approx(auc, abs=1e-12)
    assert found.error == pytest.approx(error, abs=1e-12)


def test_area_of_clusters_is_obuchowskis() -> None:
    """Obuchowski 1997: components summed by cluster, with the covariance of clusters that hold both outcomes."""
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(60), 4)
    y = np.repeat(rng.random(60) < 0.5, 4) ^ (rng.random(240) < 0.1)
    p = y * 0.8 + np.repeat(rng.normal(size=60), 4) + rng.normal(size=240)
    psi = (p[y][:, None] > p[~y][None, :]) + 0.0
    auc, m, n = psi.mean(), y.sum(), (~y).sum()
    gap10 = np.bincount(group[y], psi.mean(1) - auc, minlength=60)
    gap01 = np.bincount(group[~y], psi.mean(0) - auc, minlength=60)
    i10, i01 = len(set(group[y])), len(set(group[~y]))
    s10, s01 = (i10 / (i10 - 1) * (gap10**2).sum() / m, i01 / (i01 - 1) * (gap01**2).sum() / n)
    s11 = 60 / 59 * (gap10 * gap01).sum()
    due = np.sqrt(s10 / m + s01 / n + 2 * s11 / (m * n))
    found = area(p, y, np.ones(240, dtype=bool), group)
    assert found.error == pytest.approx(due, rel=1e-3)  # the factor of s11 differs by (i / (i - 1))'s root
    assert found.error != pytest.approx(delong(p, y)[1], rel=0.05)


def test_average_of_rows_alone_is_the_t_test() -> None:
    x = np.array([2.0, 3.5, 1.0, 4.0, 2.5, 9.0])
    rows = np.array([True] * 5 + [False])
    found = average(x, rows, np.arange(6), share=False, level=0.9)
    due = stats.ttest_1samp(x[:5], 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((due.low, due.high), rel=1e-12)
    assert found.clusters == 5


def test_rows_said_twice_in_a_cluster_add_no_certainty() -> None:
    x = np.array([0.2, 0.9, 0.4, 0.5])
    once = average(x, np.ones(4, dtype=bool), np.arange(4), share=False)
    twice = average(np.repeat(x, 2), np.ones(8, dtype=bool), np.repeat(np.arange(4), 2), share=False)
    assert (once.low, once.high) == pytest.approx((twice.low, twice.high))


def test_a_share_of_one_has_clopper_pearsons_end() -> None:
    every = average(np.ones(30), np.ones(30, dtype=bool), np.arange(30) // 3, share=True)
    due = stats.binomtest(10, 10).proportion_ci(0.95)
    assert (every.low, every.high) == pytest.approx((due.low, 1.0))
    none = average(np.zeros(10), np.ones(10, dtype=bool), np.arange(10), share=True)
    assert (none.low, none.high) == pytest.approx((0.0, 1 - due.low))
    apart = area(np.arange(8) / 8, np.arange(8) > 3, np.ones(8, dtype=bool), np.arange(8))
    assert (apart.estimate, apart.high) == (1.0, 1.0)
    assert apart.low == pytest.approx(0.025**0.25)


def test_nothing_that_varied_or_one_cluster_gives_no_interval() -> None:
    flat = area(np.full(8, 0.5), np.arange(8) > 3, np.ones(8, dtype=bool), np.arange(8))
    assert flat.estimate == 0.5
    assert np.isnan([flat.low, flat.high]).all()
    alone = average(np.array([0.0, 1.0]), np.ones(2, dtype=bool), np.zeros(2, dtype=np.int64), share=True)
    assert alone.estimate == 0.5
    assert np.isnan([alone.low, alone.high, alone.error]).all()
    assert np.isnan(average(np.ones(3), np.zeros(3, dtype=bool), np.arange(3), share=True).estimate)


def test_difference_of_shares_is_movers() -> None:
    """Zou and Donner 2008, Eq. 8, without correlation: the root of the sum of the squared reaches."""
    x = np.r_[np.repeat([1.0, 0.0], [56, 14]), np.repeat([1.0, 0.0], [48, 32])]
    first = np.arange(150) < 70
    one, two = (average(x, rows, np.arange(150), share=True) for rows in (first, ~first))
    found = difference(one, two, np.arange(150))
    assert found.estimate == pytest.approx(0.2)
    assert found.low == pytest.approx(0.2 - np.hypot(one.estimate - one.low, two.high - two.estimate))
    assert found.high == pytest.approx(0.2 + np.hypot(one.high - one.estimate, two.estimate - two.low))
    # the same data by Newcombe's method 10, Wilson's intervals in place of logit t: 0.0524 to 0.3339
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=0.01)


def test_a_difference_within_clusters_is_the_paired_one() -> None:
    rng = np.random.default_rng(5)
    mood = rng.normal(size=400)
    x = np.r_[mood + rng.normal(size=400) * 0.3, mood + rng.normal(size=400) * 0.3]
    first, group = np.arange(800) < 400, np.tile(np.arange(400), 2)
    one, two = (average(x, rows, group, share=False) for rows in (first, ~first))
    found = difference(one, two, group)
    due = stats.ttest_rel(x[:400], x[400:]).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((due.low, due.high), abs=1e-9)


def test_intervals_cover_the_truth() -> None:
    """Clusters of three texts that share a mood: AUC, and the difference of two sensitivities on shared clusters."""
    inside = np.zeros(3)
    worlds, clusters = 300, 80
    group = np.repeat(np.arange(clusters), 6)
    human = np.tile([True, False], clusters * 3)
    every = np.ones(len(group), dtype=bool)
    # P(normal with sd root of 2 x (1 + .5) is above -1): moods differ between clusters, and few pairs lie within one
    auc = stats.norm.cdf(1 / np.sqrt(2 * 1.5))
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        mood = np.sqrt(0.5) * rng.normal(size=clusters)[group]
        y = rng.random(len(group)) < 0.5
        z = y + mood + rng.normal(size=len(group))
        found = area(z, y, every, group)
        inside[0] += found.low < auc < found.high
        right = (mood + rng.normal(size=len(group)) < np.where(human, 0.8, 0.4)).astype(float)
        one, two = (average(right, side, group, share=True) for side in (human, ~human))
        gap = stats.norm.cdf(0.8 / np.sqrt(1.5)) - stats.norm.cdf(0.4 / np.sqrt(1.5))
        both = difference(one, two, group)
        inside[1] += both.low < gap < both.high
        inside[2] += one.low < stats.norm.cdf(0.8 / np.sqrt(1.5)) < one.high
    assert (inside / worlds > 0.92).all()
    assert (inside / worlds < 0.98).all()
