"""Golden values: the jackknife of a mean has a closed form, its variance over n."""

import numpy as np
import pytest

from sociolect.compare.jackknife import groups, influences, left_out, linear_draws


def test_the_jackknife_variance_of_a_mean_is_its_variance_over_n() -> None:
    rng = np.random.default_rng(0)
    value = rng.normal(size=40)
    found = groups([np.arange(40)], most=40)
    ids, u, w = left_out(found, np.arange(40), np.arange(0))
    means = (u @ value / u.sum(1))[:, None]
    influence = influences(found, ids, means)
    assert (influence**2).sum() * 40 / 39 == pytest.approx(value.var(ddof=1) / 40)
    drawn = linear_draws(found, means[0], influence, draws=4000, seed=1)
    assert drawn.std() == pytest.approx(value.std() / np.sqrt(40), rel=0.05)
    assert w.shape == (41, 0)


def test_groups_hold_whole_clusters_within_strata_and_are_about_even() -> None:
    cluster, stratum = np.repeat(np.arange(100), 3), np.repeat([0, 1], 150)
    found = groups([cluster, np.full(300, -1)], strata=stratum, most=20, seed=1)
    codes = found.codes[0]
    assert len({(c, g) for c, g in zip(cluster.tolist(), codes.tolist(), strict=True)}) == 100
    assert set(np.unique(codes, return_counts=True)[1].tolist()) == {6, 9}  # 50 clusters in 20 groups: two or three
    assert found.pools.tolist() == [0] * 20 + [1] * 20
    np.testing.assert_array_equal(found.pools[codes], stratum)
    assert set(found.codes[1].tolist()) == {-1}


def test_a_cluster_in_two_strata_is_left_out_of_both() -> None:
    found = groups([np.array([0, 1, 2, 0])], strata=np.array([0, 0, 1, 1]))
    assert found.codes[0].tolist() == [0, 1, 2, 0]
    assert found.pools.tolist() == [0, 0, 0]


def test_a_group_elsewhere_moves_nothing() -> None:
    found = groups([np.array([0, 1, 2, 3])], strata=np.array([0, 0, 1, 1]))
    ids, *_ = left_out(found, np.array([0]), np.array([1]))
    assert ids.tolist() == [0, 1]
    influence = influences(found, ids, np.array([[1.0], [2.0], [0.0]]))
    assert influence.ravel().tolist() == [-0.5, 0.5, 0.0, 0.0]
