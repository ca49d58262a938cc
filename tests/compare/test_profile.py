"""The profiled deviance: against the multivariate normal written out, its derivatives, and its minimum."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from sociolect.compare.group_sums import standardised, summed
from sociolect.compare.interval import FloatArray
from sociolect.compare.profile import Profile, minimum, profile, satterthwaite

GENERATOR = np.random.default_rng(11)
N, GROUPS = 400, 60
CODES = np.unique(GENERATOR.integers(0, GROUPS, N), return_inverse=True)[1]
X = np.stack([np.ones(N), GENERATOR.normal(size=N), GENERATOR.normal(size=N)], axis=1)
Y = (X @ [1, 0.5, -0.2] + GENERATOR.normal(size=GROUPS)[CODES] + GENERATOR.normal(size=N))[:, None]


def _made(weights: FloatArray | None, reml: bool, y: FloatArray = Y) -> tuple[Profile, FloatArray]:
    sums = summed(X, y, CODES, weights, int(CODES.max()) + 1)
    standard = standardised(sums, ("a", "b", "c"), tuple(f"y{j}" for j in range(y.shape[1])))
    return profile(sums.weight, standard, n=N, columns=3, reml=reml), standard.back


def _weights(ratio: float) -> FloatArray:
    return np.asarray(np.exp(GENERATOR.uniform(0, np.log(ratio), N)))


@pytest.mark.parametrize("ratio", [1.0, 4.0, 1e6])
@pytest.mark.parametrize("theta", [0.0, 1e-3, 0.7, 1e4])
def test_cross_products_held_by_group_weight_are_those_of_the_inverse_covariance(ratio: float, theta: float) -> None:
    w = _weights(ratio)
    made, back = _made(None if ratio == 1 else w, True)
    w = np.ones(N) if ratio == 1 else w
    v = np.diag(1 / w) + theta * (CODES[:, None] == CODES)
    due = np.linalg.inv(X.T @ np.linalg.solve(v, X))
    assert back @ made.at(np.array([theta])).inverse[0] @ back.T == pytest.approx(
        due, rel=1e-9, abs=1e-12 * abs(due).max()
    )


def test_many_weights_share_few_nodes() -> None:
    assert len(_made(_weights(1e3), True)[0].nodes) < 12 * (np.log(1e5) / 0.5)
    assert len(_made(None, True)[0].nodes) == len(np.unique(np.bincount(CODES)))


def test_the_deviance_is_that_of_the_multivariate_normal() -> None:
    w = _weights(5.0)
    sums = summed(X, Y, CODES, w, int(CODES.max()) + 1)
    standard = standardised(sums, ("a", "b", "c"), ("y",))
    made = profile(sums.weight, standard, n=N, columns=3, reml=False)
    here = made.at(np.array([0.8]))
    sigma2 = here.rss[0] / made.m * standard.unit[0] ** 2
    beta = standard.back @ here.beta[0] * standard.unit[0] + standard.shift[:, 0]
    v = sigma2 * (np.diag(1 / w) + 0.8 * (CODES[:, None] == CODES))
    due = -2 * multivariate_normal(X @ beta, v).logpdf(Y[:, 0])
    assert here.deviance[0] + 2 * N * np.log(standard.unit[0]) - sums.log_weight == pytest.approx(due, rel=1e-11)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("theta", [0.05, 1.0, 20.0])
def test_slope_and_bend_are_the_derivatives(reml: bool, theta: float) -> None:
    made, _ = _made(_weights(9.0), reml)
    h = 1e-4 * theta
    above, here, below = (made.at(np.array([theta + d])) for d in (h, 0, -h))
    assert here.slope == pytest.approx((above.deviance - below.deviance) / (2 * h), rel=1e-5, abs=1e-5)
    assert here.bend == pytest.approx((above.slope - below.slope) / (2 * h), rel=1e-5)


def test_the_minimum_is_where_the_slope_is_zero() -> None:
    made, _ = _made(_weights(9.0), True)
    theta = minimum(made)
    here = made.at(theta)
    assert abs(here.slope[0]) < 1e-9 * here.bend[0] * theta[0]
    fine = np.exp(np.linspace(np.log(theta[0]) - 3, np.log(theta[0]) + 3, 401))
    assert min(made.at(np.array([t])).deviance[0] for t in fine) >= here.deviance[0]


def test_no_variance_between_groups_is_exactly_zero_and_none_within_is_infinite() -> None:
    flat = GENERATOR.normal(size=N)
    flat -= (np.bincount(CODES, flat) / np.bincount(CODES))[CODES]
    between = np.bincount(CODES).astype(float)[CODES] ** 2
    found = minimum(_made(None, True, np.stack([flat, between], axis=1))[0])
    assert found[0] == 0
    assert np.isinf(found[1])


def test_degrees_of_freedom_of_a_balanced_design() -> None:
    """Balanced groups: the mean has G - 1 degrees, a contrast inside groups n - G - 1 (two-way analysis of variance)."""
    groups, size = 8, 6
    codes = np.repeat(np.arange(groups), size)
    inside = np.tile([-1.0, 1.0], groups * size // 2)
    x = np.stack([np.ones(48), inside], axis=1)
    y = (np.sin(7 * codes) * 2 + np.cos(np.arange(48.0) ** 2))[:, None]
    sums = summed(x, y, codes, None, groups)
    standard = standardised(sums, ("a", "b"), ("y",))
    made = profile(sums.weight, standard, n=48, columns=2, reml=True)
    found = satterthwaite(made, made.at(minimum(made)), standard.back)
    assert found[:, 0] == pytest.approx([groups - 1, 48 - groups - 1], rel=1e-8)
