"""Degrees of freedom of several coefficients' covariance; clubSandwich's numbers are in test_golden_lme4."""

import numpy as np
import pytest
from scipy.stats import f, wishart

from sociolect.compare import bias_reduced
from sociolect.compare.hotelling import Shares, hotelling, two_way
from sociolect.compare.random_intercept import least_squares
from sociolect.compare.sandwich import clustered

RNG = np.random.default_rng(2)


def test_degrees_are_those_of_the_covariance_of_all_clusters_written_out() -> None:
    clusters, p, some = 6, 5, [0, 2, 3]
    b, v = RNG.normal(size=(2, 1, clusters, p, p))
    d = RNG.normal(size=(1, clusters, p, p))
    d = 9 * d @ d.transpose(0, 1, 3, 2)
    bread, middle = 0.1 * np.eye(p), np.diag(RNG.uniform(size=p))
    made = np.array([[(g == h) * d[0, g] + b[0, g] @ middle @ b[0, h].T - b[0, g] @ bread @ v[0, h].T - v[0, g] @ bread @ b[0, h].T
                      for h in range(clusters)] for g in range(clusters)])[:, :, some][:, :, :, some]  # fmt: skip
    value, vector = np.linalg.eigh(sum(made[g, g] for g in range(clusters)))
    root = (vector / np.sqrt(value)) @ vector.T
    made = root @ made @ root
    # Tipton and Pustejovsky 2015: the variance of entry (s, t) is the sum of P_ss P_tt + P_st P_ts over pairs of clusters
    spread = np.einsum("ghss,ghtt->", made, made) + np.einsum("ghst,ghts->", made, made)
    shares = Shares(np.zeros(2, dtype=np.int64), d, b, v, bread[None], middle[None])
    assert shares.degrees(1, some) == pytest.approx(3 * 4 / spread, rel=1e-10)


def test_one_coefficient_has_its_own_degrees() -> None:
    x = np.stack([np.ones(60), RNG.normal(size=60), (np.arange(60) % 7 > 3) * 1.0], axis=1)
    found = clustered(x, least_squares(x, RNG.normal(size=(60, 2))), np.arange(60) % 7, kind="CR2")
    assert found.shares is not None
    for j in range(3):
        assert found.shares.degrees(0, [j]) == pytest.approx(found.degrees[j, 0], rel=1e-9)


def test_a_wishart_matrix_has_the_degrees_it_was_drawn_with() -> None:
    """F of its T2 is F distributed: the 95th percentile of 20,000 draws."""
    covariance = wishart(df=9, scale=np.eye(3) / 9).rvs(20_000, random_state=4)
    z = RNG.normal(size=(20_000, 3))
    statistic = np.einsum("ni,ni->n", z, np.linalg.solve(covariance, z[..., None])[..., 0])
    assert np.mean([hotelling(s, 3, 9.0)[2] < 0.05 for s in statistic]) == pytest.approx(0.05, abs=0.005)
    assert hotelling(6.0, 2, 5.0) == pytest.approx((2.4, 4.0, float(f.sf(2.4, 2, 4))))


def test_too_few_degrees_give_no_p() -> None:
    assert np.isnan(hotelling(6.0, 4, 2.9)[1:]).all()
    assert np.isnan(two_way(np.ones((6, 2)), [np.arange(6)] * 3))
    none = np.zeros((1, 4, 2, 2))
    assert np.isnan(
        Shares(np.zeros(1, dtype=np.int64), none, none, none, np.eye(2)[None], np.eye(2)[None]).degrees(0, [0, 1])
    )


def test_shares_of_very_many_clusters_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bias_reduced, "_HELD", 10)
    x = np.stack([np.ones(60), RNG.normal(size=60)], axis=1)
    fit = least_squares(x, RNG.normal(size=(60, 1)))
    found = clustered(x, fit, np.arange(60) % 7, kind="CR2")
    assert found.shares is None
    assert found.joint(x, fit, 0, [0, 1]) == found.degrees.min()
