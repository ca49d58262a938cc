"""Crossed intercepts against dense algebra, lme4's numbers, closed forms and planted variances."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.compare.crossed import crossed
from sociolect.compare.mixed_model_equations import equations, profile
from sociolect.compare.random_intercept import random_intercept
from sociolect.errors import InputError, RefusedError

I = np.arange(240)
G, C = (I * I + 3 * I) % 37, (7 * I) % 23
X1 = ((37 * I) % 101) / 101 - 0.5
E = ((13 * I * I + 7 * I) % 97) / 97 - 0.5
X = np.stack([np.ones(240), X1, (I % 3 == 1) * 1.0, (I % 3 == 2) * 1.0], axis=1)
W = 0.5 + ((11 * I) % 13) / 13
Y = (X @ [1, 0.5, -0.25, 0.1] + ((5 * G * G + 2 * G) % 37) / 37 - 0.5 + 0.6 * (((C * C) % 23) / 23 - 0.5) + E)[:, None]


def covariance(sigma2: float, tau2: np.ndarray, groups: list[np.ndarray], w: np.ndarray) -> np.ndarray:
    return np.asarray(sigma2 * np.diag(1 / w) + sum(t * (g[:, None] == g) for t, g in zip(tau2, groups, strict=True)))


def dense(v: np.ndarray, y: np.ndarray, x: np.ndarray, reml: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """Generalised least squares with a full V: coefficients, covariance, -2 log-likelihood."""
    inverse = np.linalg.inv(v)
    bread = np.linalg.inv(x.T @ inverse @ x)
    beta = bread @ x.T @ inverse @ y
    r = y - x @ beta
    n = len(y) - reml * x.shape[1]
    extra = -np.linalg.slogdet(bread)[1] if reml else 0.0
    return beta, bread, float(n * np.log(2 * np.pi) + np.linalg.slogdet(v)[1] + r @ inverse @ r + extra)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_everything_said_is_that_of_dense_algebra_at_the_variances_found(reml: bool, weighted: bool) -> None:
    w = W if weighted else np.ones(240)
    fit = crossed(X, Y, [G, C], w if weighted else None, reml=reml)
    v = covariance(fit.sigma2[0], fit.tau2[:, 0], [G, C], w)
    beta, bread, deviance = dense(v, Y[:, 0], X, reml)
    assert fit.beta[:, 0] == pytest.approx(beta, rel=1e-10)
    assert fit.covariance[0] == pytest.approx(bread, rel=1e-9, abs=1e-13)
    assert fit.deviance[0] == pytest.approx(deviance, rel=1e-10)
    assert fit.residual == pytest.approx(Y - X @ fit.beta, abs=1e-12)
    assert fit.whitened == pytest.approx(np.linalg.solve(v, fit.residual), abs=1e-9)


def test_no_variances_near_those_found_are_likelier() -> None:
    fit = crossed(X, Y, [G, C], W)
    for factor in np.array([[1.001, 1, 1], [0.999, 1, 1], [1, 1.001, 1], [1, 0.999, 1], [1, 1, 1.001], [1, 1, 0.999]]):
        v = covariance(fit.sigma2[0] * factor[0], fit.tau2[:, 0] * factor[1:], [G, C], W)
        assert dense(v, Y[:, 0], X, True)[2] > fit.deviance[0]


def test_a_balanced_table_has_the_variances_of_its_mean_squares() -> None:
    """tau2 = (mean square of rows - residual's) / columns, exact under REML where positive (Searle et al. 1992, ch. 4)."""
    a, b = np.divmod(np.arange(56), 8)
    table = (np.sin(a * 2.0) + np.cos(b * 3.0) + 0.3 * np.cos(np.arange(56.0) ** 2)).reshape(7, 8)
    row, column, mean = table.mean(1), table.mean(0), table.mean()
    rest = ((table - row[:, None] - column + mean) ** 2).sum() / 42
    due = [(8 * ((row - mean) ** 2).sum() / 6 - rest) / 8, (7 * ((column - mean) ** 2).sum() / 7 - rest) / 7]
    fit = crossed(np.ones((56, 1)), table.reshape(-1, 1), [a, b])
    assert fit.sigma2[0] == pytest.approx(rest, rel=1e-9)
    assert fit.tau2[:, 0] == pytest.approx(due, rel=1e-9)


def test_one_group_is_the_random_intercept() -> None:
    both = np.concatenate([Y, Y**2], axis=1)
    one, other = crossed(X, both, [G], W), random_intercept(X, both, np.unique(G, return_inverse=True)[1], W)
    assert one.tau2 == pytest.approx(other.tau2, rel=1e-8)
    assert one.beta == pytest.approx(other.beta, rel=1e-9)
    assert one.whitened == pytest.approx(other.whitened, abs=1e-8)
    assert one.deviance == pytest.approx(other.deviance, rel=1e-10)


def test_nested_and_three_groups_agree_with_dense_algebra() -> None:
    inner, third = G * 3 + I % 3, (I * 5) % 11
    fit = crossed(X, Y, [G, inner, third])
    v = covariance(fit.sigma2[0], fit.tau2[:, 0], [G, inner, third], np.ones(240))
    assert fit.deviance[0] == pytest.approx(dense(v, Y[:, 0], X, True)[2], rel=1e-10)


def test_a_variance_at_the_boundary_is_0_and_the_others_are_those_without_it() -> None:
    """lme4: y2 ~ x1 + (1 | g) is at tau2 = 0 (dossier, Sec. 13); c is not."""
    y2 = (1 + 0.5 * X1 + E)[:, None]
    fit = crossed(X[:, :2], y2, [G])
    assert fit.boundary.all()
    assert fit.beta[:, 0] == pytest.approx([0.943580428, 0.630523116], abs=1e-9)
    assert fit.deviance[0] == pytest.approx(64.31071245, abs=1e-8)
    mixed = y2 + np.cos(C * 2.0)[:, None]
    both, alone = crossed(X[:, :2], mixed, [G, C]), crossed(X[:, :2], mixed, [C])
    assert both.boundary[:, 0].tolist() == [True, False]
    assert both.tau2[1] == pytest.approx(alone.tau2[0], rel=1e-8)
    assert both.deviance == pytest.approx(alone.deviance, rel=1e-12)


def test_a_search_that_ends_beside_0_is_compared_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """The criterion can have two valleys: here the search is made to stop in a false one."""
    from sociolect.compare import crossed as module

    descend = module._descend
    stopped: list[np.ndarray] = []

    def stops(made: Any, theta: np.ndarray, outcome: int, reml: bool) -> Any:
        if stopped:
            return descend(made, theta, outcome, reml)
        stopped.append(np.array([1e-3, 0.2]))
        return stopped[0], profile(made, stopped[0], outcome, reml)

    mixed = (1 + 0.5 * X1 + E)[:, None] + np.cos(C * 2.0)[:, None]
    due = crossed(X[:, :2], mixed, [G, C])
    monkeypatch.setattr(module, "_descend", stops)
    found = crossed(X[:, :2], mixed, [G, C])
    assert found.boundary[:, 0].tolist() == [True, False]
    assert found.tau2 == pytest.approx(due.tau2, rel=1e-8)


@settings(max_examples=15)
@given(st.floats(0.01, 5), st.floats(0.01, 5), st.booleans())
def test_the_gradient_is_the_slope_of_the_criterion(first: float, second: float, reml: bool) -> None:
    codes = [np.unique(g, return_inverse=True)[1] for g in (G, C)]
    made, theta = equations(X, Y, codes, W), np.array([first, second])
    here = profile(made, theta, 0, reml)
    for j in range(2):
        step = np.where(np.arange(2) == j, 1e-5 * theta, 0)
        above, below = (profile(made, theta + s * step, 0, reml, slopes=False).deviance for s in (1, -1))
        assert here.gradient[j] == pytest.approx((above - below) / (2 * step[j]), rel=1e-5, abs=1e-5)


def test_order_of_rows_names_of_groups_and_company_of_outcomes_change_nothing() -> None:
    both = np.concatenate([np.cos(Y * 9), Y], axis=1)
    order = np.random.default_rng(0).permutation(240)
    one, other = crossed(X, Y, [G, C], W), crossed(X[order], both[order], [900 - 7 * G[order], C[order]], W[order])
    assert other.beta[:, 1] == pytest.approx(one.beta[:, 0], abs=1e-10)
    assert other.tau2[:, 1] == pytest.approx(one.tau2[:, 0], abs=1e-10)
    assert other.deviance[1] == pytest.approx(one.deviance[0], abs=1e-9)


def test_years_and_large_outcomes_cost_no_digits() -> None:
    far = X.copy()
    far[:, 1] += 2024
    one, other = crossed(X, Y, [G, C]), crossed(far, Y + 1e4, [G, C])
    assert other.beta[1:] == pytest.approx(one.beta[1:], rel=1e-9)
    assert other.tau2 == pytest.approx(one.tau2, rel=1e-9)
    assert other.deviance == pytest.approx(one.deviance, rel=1e-10)


def test_planted_variances_and_slope_are_recovered_and_95_intervals_cover() -> None:
    rng = np.random.default_rng(3)
    n, worlds = 300, 60
    g, c = rng.integers(0, 40, n), rng.integers(0, 30, n)
    x = np.stack([np.ones(n), rng.normal(size=n) + 0.5 * rng.normal(size=40)[g]], axis=1)
    y = 0.3 * x[:, [1]] + 0.8 * rng.normal(size=(40, worlds))[g] + 0.5 * rng.normal(size=(30, worlds))[c]
    fit = crossed(x, y + rng.normal(size=(n, worlds)), [g, c])
    assert fit.tau2.mean(1) == pytest.approx([0.64, 0.25], abs=0.05)
    assert fit.sigma2.mean() == pytest.approx(1, abs=0.02)
    assert fit.beta[1].mean() == pytest.approx(0.3, abs=0.02)
    covered = (np.abs(fit.beta[1] - 0.3) <= 1.96 * np.sqrt(fit.covariance[:, 1, 1])).mean()
    assert 0.90 <= covered <= 0.99  # 2.5 standard errors around .95


@pytest.mark.parametrize(("change", "match"), [
    ({"y": Y[:9]}, "the outcome has 9 rows, the design 240"),
    ({"groups": [G[:5], C]}, "group 0 has 5 rows"),
    ({"weights": -W}, "240 weights are not above 0"),
    ({"weights": W[:3]}, "weights has 3 rows"),
    ({"groups": []}, "no group was given"),
    ({"y": np.where(I == 4, np.inf, Y[:, 0])[:, None]}, "1 values of the outcome are undefined or infinite"),
    ({"x": np.where(I[:, None] == 4, np.nan, X), "weights": W * 0}, "4 values of the design.*; 240 weights"),
])  # fmt: skip
def test_arrays_that_do_not_fit_are_named_together(change: dict[str, Any], match: str) -> None:
    asked: dict[str, Any] = {"x": X, "y": Y, "groups": [G, C], "weights": None} | change
    with pytest.raises(InputError, match=match):
        crossed(**asked)


@pytest.mark.parametrize(("change", "match"), [
    ({"groups": [G, I]}, r"group 1 has as many levels as rows \(240 of 240\)"),
    ({"groups": [G, G * 0]}, "group 1 has one level"),
    ({"groups": [G, 50 - G]}, r"groups 0 and 1 are the same \(19 levels\): drop one"),
    ({"x": np.concatenate([X, X[:, [1]] * 2 - 1], axis=1)}, "column 4 of the design is a combination"),
    ({"x": np.concatenate([X, X[:, [1]] * 0], axis=1)}, "column 4 of the design is a combination of those before it, or 0"),
    ({"x": np.random.default_rng(0).normal(size=(240, 240))}, "240 rows for 240 coefficients"),
    ({"y": X[:, [1]] * 3}, "outcome 0 is fitted without remainder"),
    ({"y": X[:, [1]] + np.sin(G)[:, None]}, "outcome 0 is fitted without remainder"),
])  # fmt: skip
def test_what_cannot_be_told_is_refused(change: dict[str, Any], match: str) -> None:
    asked: dict[str, Any] = {"x": X, "y": Y, "groups": [G, C]} | change
    with pytest.raises(RefusedError, match=match):
        crossed(**asked)
