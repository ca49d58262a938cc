"""Fractional logit: R's numbers, planted slopes, and a refusal for each design that has none."""

import json
from pathlib import Path

import numpy as np
import pytest

from sociolect.compare.fractional_logit import FractionalLogit, average_marginal_effects, fractional_logit
from sociolect.errors import InputError, RefusedError, UsageError

GOLDEN = json.loads(
    (Path(__file__).parent / "golden" / "honest.json").read_text()
)  # by honest.R: glm, sandwich::vcovCL
I = np.arange(240)
GROUP = (I * I + 3 * I) % 37
X = np.column_stack([np.ones(240), ((37 * I) % 101) / 101 - 0.5, I % 3 == 1]).astype(float)
Y = np.clip(0.3 + 0.4 * X[:, 1] - 0.2 * X[:, 2] + ((13 * I * I + 7 * I) % 97) / 97 - 0.5, 0, 1)
W = 0.5 + ((11 * I) % 13) / 13


def errors(fit: FractionalLogit) -> np.ndarray:
    return np.asarray(np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))[0])


def test_equal_to_r() -> None:
    plain, small = fractional_logit(X, Y, GROUP, small=False), fractional_logit(X, Y, GROUP)
    np.testing.assert_allclose(plain.beta[:, 0], GOLDEN["logit_beta"], rtol=1e-9)
    np.testing.assert_allclose(errors(plain), GOLDEN["logit_cr0"], rtol=1e-8)
    np.testing.assert_allclose(errors(small), GOLDEN["logit_cr1"], rtol=1e-8)
    weighted = fractional_logit(X, Y, GROUP, weights=W, small=False)
    np.testing.assert_allclose(weighted.beta[:, 0], GOLDEN["logit_weighted_beta"], rtol=1e-9)
    np.testing.assert_allclose(errors(weighted), GOLDEN["logit_weighted_cr0"], rtol=1e-8)


def test_marginal_effects_are_r_s_and_their_errors_those_of_a_refit() -> None:
    fit = fractional_logit(X, Y, GROUP)
    found = average_marginal_effects(fit, X, columns=["1", "x1", "x2"], outcomes=["y"])
    assert found["contrast"].to_list() == ["x1", "x2"]
    np.testing.assert_allclose(found["estimate"], GOLDEN["logit_ame_x1"] + GOLDEN["logit_ame_x2"], rtol=1e-9)

    # the delta method against numerical derivatives of the same averages
    def averages(beta: np.ndarray) -> np.ndarray:
        def mean(x: np.ndarray) -> np.ndarray:
            return np.asarray(1 / (1 + np.exp(-x @ beta)))

        on, off = X.copy(), X.copy()
        on[:, 2], off[:, 2] = 1, 0
        step = 1e-5
        up, down = X.copy(), X.copy()
        up[:, 1] += step
        down[:, 1] -= step
        return np.array([((mean(up) - mean(down)) / (2 * step)).mean(), (mean(on) - mean(off)).mean()])

    gradient = np.stack(
        [(averages(fit.beta[:, 0] + 1e-4 * e) - averages(fit.beta[:, 0] - 1e-4 * e)) / 2e-4 for e in np.eye(3)]
    )
    due = np.sqrt(np.diag(gradient.T @ fit.covariance[0] @ gradient))
    np.testing.assert_allclose(found["se"], due, rtol=1e-4)
    # Student's t at 18 degrees of freedom: 19 groups
    np.testing.assert_allclose(found["high"] - found["estimate"], 2.10092204 * due, rtol=1e-4)


def test_many_outcomes_are_each_as_alone_and_the_order_of_rows_changes_nothing() -> None:
    both = fractional_logit(X, np.column_stack([Y, 1 - Y]), GROUP)
    np.testing.assert_allclose(both.beta[:, 0], -both.beta[:, 1], atol=1e-9)
    at = np.random.default_rng(1).permutation(240)
    mixed = fractional_logit(X[at], Y[at], 100 - GROUP[at])
    np.testing.assert_allclose(mixed.beta[:, 0], both.beta[:, 0], atol=1e-10)
    np.testing.assert_allclose(mixed.covariance[0], both.covariance[0], atol=1e-10)


def test_a_planted_slope_is_covered_though_two_in_five_shares_are_0() -> None:
    held, zeros, worlds, truth = 0, 0.0, 200, 0.8
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        group = np.repeat(np.arange(50), 8)
        x = np.column_stack([np.ones(400), rng.uniform(-1, 1, 400)])
        # means are logistic, at most .57, and stretched alike in a group by a factor of mean 1
        mean = rng.uniform(0.5, 1.5, 50)[group] / (1 + np.exp(0.5 - truth * x[:, 1]))
        y = rng.binomial(2, mean) / 2
        fit = fractional_logit(x, y, group)
        held += abs(fit.beta[1, 0] - truth) < 2.0096 * fit.covariance[0, 1, 1] ** 0.5  # Student's t at 49
        zeros += (y == 0).mean() / worlds
    assert 0.35 < zeros < 0.45
    # 190 are due; below 181 or above 198 has a chance under .5 % each
    assert 181 <= held <= 198


def test_refusals() -> None:
    with pytest.raises(InputError, match="2 rows have a share that is missing or outside"):
        fractional_logit(X, np.where(I == 3, 1.2, np.where(I == 4, np.nan, Y)), GROUP)
    with pytest.raises(InputError, match="239 cluster codes, 240 rows; 1 weights are not finite"):
        fractional_logit(X, Y, GROUP[1:], weights=np.where(I == 0, -1.0, W))
    with pytest.raises(InputError, match="1 rows of the design are not finite"):
        fractional_logit(np.where(I[:, None] == 0, np.inf, X), Y, GROUP)
    with pytest.raises(RefusedError, match=r"columns \[3\] depend on those before them"):
        fractional_logit(np.column_stack([X, X[:, 1] * 2 - 1]), Y, GROUP)
    with pytest.raises(RefusedError, match=r"columns \[3\] are all 0"):
        fractional_logit(np.column_stack([X, 0 * I]), Y, GROUP)
    with pytest.raises(RefusedError, match="no finite slope"):
        fractional_logit(X, np.where(X[:, 2] == 1, 0.0, Y), GROUP)
    with pytest.raises(RefusedError, match="1 cluster"):
        fractional_logit(X, Y, 0 * I)
    with pytest.raises(RefusedError, match="3 rows for 3 columns"):
        fractional_logit(X[:3], Y[:3], GROUP[:3])
    with pytest.raises(UsageError, match="2 columns and 1 outcomes are named"):
        average_marginal_effects(fractional_logit(X, Y, GROUP), X, columns=["a", "b"], outcomes=["y"])
