"""Reaction: planted over-reaction comes out, its absence is not seen more often than chance, and nothing is divided by noise."""

import numpy as np
import pytest

from sociolect.compare.fitted import Fitted
from sociolect.compare.interval import FloatArray
from sociolect.compare.jointly import jointly
from sociolect.compare.reaction import Reaction, reaction
from sociolect.errors import InputError, UsageError

B = np.array([0.20, -0.15, 0.10, 0.05, -0.05, 0.25, -0.30, 0.10])
METRIC = np.cov(np.random.default_rng(0).normal(size=(200, 8)).T)


def world(rng: np.random.Generator, kappa: float, *, scale: float = 1.0, shared: float = 0.3) -> Reaction:
    """Coefficients as 4,000 pairs give them: covariances are metric^-1 times a variance over n, human and model correlated."""
    inverse = np.linalg.inv(METRIC)
    human, model = inverse * 1.0 / 4000, inverse * 1.5 / 4000
    cross = shared * 1.5**0.5 / 4000 * inverse
    noise = np.linalg.cholesky(np.block([[human, cross], [cross, model]])) @ rng.normal(size=16)
    return reaction(
        scale * B + noise[:8], kappa * scale * B + noise[8:], human_covariance=human, model_covariance=model, cross=cross, metric=METRIC,
    )  # fmt: skip


def test_kappa_2_is_recovered_and_told_from_1() -> None:
    rng = np.random.default_rng(1)
    found = [world(rng, 2.0, scale=0.5) for _ in range(400)]
    assert 1.98 <= np.mean([r.estimate for r in found]) <= 2.04
    assert np.mean([r.naive for r in found]) < 1.97  # what noise takes from the ratio
    assert np.mean([r.low > 1 for r in found]) >= 0.99
    assert 0.92 <= np.mean([r.low <= 2 <= r.high for r in found]) <= 0.98


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_kappa_1_is_rejected_at_the_level_also_where_the_reaction_is_weak(scale: float) -> None:
    rng = np.random.default_rng(2)
    found = [world(rng, 1.0, scale=scale) for _ in range(1000)]
    told = [r for r in found if not r.reason]
    assert len(told) >= 985
    rejected = np.mean([r.p_same < 0.05 for r in told])
    assert 0.033 <= rejected <= 0.067  # 5 % +- 2.5 standard errors
    assert rejected == pytest.approx(np.mean([not r.low <= 1 <= r.high for r in told]), abs=1e-9)
    if scale == 1:
        assert np.mean([r.verdict == "equal" for r in told]) > 0.9
    else:
        assert all(r.verdict.startswith(("undecided, power .0", "different")) for r in told)


def test_a_model_that_does_not_react_has_0() -> None:
    rng = np.random.default_rng(3)
    found = [world(rng, 0.0, scale=0.5, shared=0.8) for _ in range(400)]
    assert abs(np.mean([r.estimate for r in found])) < 0.012
    # noise that the arms share would show as a reaction: 8 x .8 x sqrt(1.5) / 4000 over <b, b> of about .06
    assert np.mean([r.naive for r in found]) > 0.02
    assert 0.92 <= np.mean([r.low <= 0 <= r.high for r in found]) <= 0.98


def test_nothing_is_divided_by_noise() -> None:
    rng = np.random.default_rng(4)
    found = [world(rng, 1.0, scale=0.0) for _ in range(400)]
    refused = [r for r in found if r.reason]
    assert len(refused) >= 370
    assert np.isnan([refused[0].estimate, refused[0].low, refused[0].p_same]).all()
    assert refused[0].verdict.startswith("not identified: people's own reaction is not told from 0 (")


def test_closed_form_of_one_coefficient() -> None:
    one = np.array([[1.0]])
    found = reaction(
        np.array([0.2]), np.array([0.4]), human_covariance=one * 1e-4, model_covariance=one * 4e-4, metric=one
    )
    assert found.estimate == pytest.approx(0.08 / 0.0399)
    for k in (found.low, found.high):
        # x'(Q1 - kQ2)x = .4 x .2 - k (.04 - .0001); its gradient is (.4 - 2 k x .2, .2) over (human, model)
        spread = np.sqrt((0.4 - 2 * k * 0.2) ** 2 * 1e-4 + 0.2**2 * 4e-4)
        assert abs(0.08 - k * 0.0399) == pytest.approx(1.959964 * spread, rel=1e-6)
    wide = reaction(
        np.array([0.2]), np.array([0.4]), human_covariance=one * 1e-4, model_covariance=one * 4e-4, metric=one, df=4
    )
    assert wide.high - wide.low > 1.4 * (found.high - found.low)  # t at 4 is 2.776


def paired(seed: int) -> tuple[FloatArray, Fitted, np.ndarray]:
    rng = np.random.default_rng(seed)
    n, cluster = 300, np.repeat(np.arange(60), 5)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    y = rng.normal(size=(60, 2))[cluster] + rng.normal(size=(n, 1)) + 0.5 * rng.normal(size=(n, 2))
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    left = y - x @ beta
    s2 = (left**2).sum(0) / (n - 3)
    fit = Fitted(beta, s2[:, None, None] * inverse, s2, np.zeros((0, 2)), np.zeros(2), left, left / s2, True)
    return x, fit, cluster


def test_the_joint_covariance_of_two_outcomes_holds_that_of_their_difference() -> None:
    x, fit, cluster = paired(1)
    joint = jointly(x, fit, cluster, 60).covariance
    # the least squares of model - human has the sandwich C_mm + C_hh - C_hm - C_mh, worked out here by hand
    bread = np.linalg.inv(x.T @ x)
    left = fit.residual[:, 1] - fit.residual[:, 0]
    score = np.stack([(x[cluster == g] * left[cluster == g, None]).sum(0) for g in range(60)])
    due = bread @ score.T @ score @ bread * 60 / 59 * 299 / 297
    hh, hm, mh, mm = joint[:3, :3], joint[:3, 3:], joint[3:, :3], joint[3:, 3:]
    np.testing.assert_allclose(hh + mm - hm - mh, due, rtol=1e-10)
    np.testing.assert_allclose(hm, mh.T)
    at = np.random.default_rng(2).permutation(300)
    shuffled = Fitted(
        fit.beta, fit.covariance, fit.sigma2, fit.tau2, fit.deviance, fit.residual[at], fit.whitened[at], True
    )
    np.testing.assert_allclose(jointly(x[at], shuffled, 59 - cluster[at], 60).covariance, joint, atol=1e-12)


def test_refusals() -> None:
    eye = np.eye(2)
    with pytest.raises(
        InputError, match=r"model is of shape \(3,\), not \(2,\); metric is of shape \(3, 3\), not \(2, 2\)"
    ):
        reaction(np.ones(2), np.ones(3), human_covariance=eye, model_covariance=eye, metric=np.eye(3))
    with pytest.raises(InputError, match="human is not finite"):
        reaction(np.array([1, np.nan]), np.ones(2), human_covariance=eye, model_covariance=eye, metric=eye)
    with pytest.raises(InputError, match="metric is no covariance"):
        reaction(np.ones(2), np.ones(2), human_covariance=eye, model_covariance=eye, metric=-eye)
    with pytest.raises(UsageError, match="a bound around 1"):
        reaction(np.ones(2), np.ones(2), human_covariance=eye, model_covariance=eye, metric=eye, bound=(-0.1, 0.1))
