"""The random-intercept fit against lme4 (values of lme4 1.1, to nine digits), closed forms, and every refusal."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.compare.fitted import Fitted
from sociolect.compare.group_sums import summed
from sociolect.compare.random_intercept import least_squares, random_intercept, solve
from sociolect.errors import RefusedError

I = np.arange(240)
GROUP = (I * I + 3 * I) % 37
CODES = np.unique(GROUP, return_inverse=True)[1]
W = 0.5 + ((11 * I) % 13) / 13
X = np.stack([np.ones(240), ((37 * I) % 101) / 101 - 0.5, I % 3 == 1, I % 3 == 2], axis=1)
_E = ((13 * I * I + 7 * I) % 97) / 97 - 0.5
_U, _V = ((5 * GROUP**2 + 2 * GROUP) % 37) / 37 - 0.5, (((7 * I) % 23) ** 2 % 23) / 23 - 0.5
Y = (X @ [1, 0.5, -0.25, 0.1] + _U + 0.6 * _V + _E)[:, None]
Y2 = (1 + 0.5 * X[:, 1] + _E)[:, None]


def _se(fit: Fitted) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance[0]))


def test_the_data_are_those_of_the_golden_values() -> None:
    assert Y.sum() == pytest.approx(175.007283363, abs=1e-8)


def test_reml_is_lme4s() -> None:
    fit = random_intercept(X, Y, CODES)
    assert fit.beta[:, 0] == pytest.approx([0.785832743, 0.587240345, -0.281320535, 0.096704045], abs=1e-9)
    assert _se(fit) == pytest.approx([0.087759223, 0.071260263, 0.049688350, 0.049692153], abs=1e-9)
    assert (fit.sigma2[0], fit.tau2[0, 0]) == pytest.approx((0.098193268, 0.122736959), abs=1e-9)
    assert fit.deviance[0] == pytest.approx(188.76297145, abs=1e-8)


def test_maximum_likelihood_is_lme4s() -> None:
    fit = random_intercept(X, Y, CODES, reml=False)
    assert fit.beta[:, 0] == pytest.approx([0.785878882, 0.587475669, -0.281293793, 0.096657406], abs=2e-9)
    assert (fit.sigma2[0], fit.tau2[0, 0]) == pytest.approx((0.096862054, 0.115941385), abs=2e-9)
    assert fit.deviance[0] == pytest.approx(173.50828680, abs=1e-8)
    empty = random_intercept(X[:, :1], Y, CODES, reml=False)
    assert (empty.beta[0, 0], empty.deviance[0]) == pytest.approx((0.721451809, 278.45585094), abs=1e-8)


def test_precision_weights_are_lme4s() -> None:
    fit = random_intercept(X, Y, CODES, W)
    assert fit.beta[:, 0] == pytest.approx([0.788574667, 0.601699185, -0.273650812, 0.088365751], rel=1e-6)
    assert (fit.sigma2[0], fit.tau2[0, 0]) == pytest.approx((0.093374079, 0.121105507), rel=1e-6)
    assert fit.deviance[0] == pytest.approx(197.88546590, abs=1e-8)


def test_the_boundary_is_lme4s() -> None:
    fit = random_intercept(X[:, :2], Y2, CODES)
    assert fit.beta[:, 0] == pytest.approx([0.943580428, 0.630523116], abs=1e-9)
    assert (fit.sigma2[0], fit.tau2[0, 0]) == (pytest.approx(0.074030180, abs=1e-9), 0.0)
    assert fit.deviance[0] == pytest.approx(64.31071245, abs=1e-8)
    assert fit.boundary.tolist() == [[True]]


def test_weighted_least_squares() -> None:
    fit = least_squares(X, Y, W)
    assert fit.beta[:, 0] == pytest.approx([0.815655621, 0.671979351, -0.287008786, 0.050320407], abs=1e-9)
    left = Y[:, 0] - X @ fit.beta[:, 0]
    sigma2 = (W * left**2).sum() / 236
    assert fit.covariance[0] == pytest.approx(sigma2 * np.linalg.inv((X * W[:, None]).T @ X))
    assert least_squares(X, Y, W, reml=False).sigma2[0] == pytest.approx(sigma2 * 236 / 240)
    due = 240 * np.log(2 * np.pi * sigma2 * 236 / 240) + 240 - np.log(W).sum()
    assert least_squares(X, Y, W, reml=False).deviance[0] == pytest.approx(due)
    assert fit.whitened[:, 0] == pytest.approx(W * left / sigma2)


def test_degrees_are_lmertests() -> None:
    golden = json.loads((Path(__file__).parent / "golden" / "robust.json").read_text())
    for weights, name in ((None, "satterthwaite"), (W, "satterthwaite_weighted")):
        found = solve(summed(X, Y, CODES, weights, 19), tuple("abcd"), ("y",)).degrees[:, 0]
        assert found == pytest.approx(golden[name]["df"], rel=1e-5)


def test_many_outcomes_at_once_are_each_alone() -> None:
    both = random_intercept(X[:, :2], np.hstack([Y, Y2, -3 * Y]), CODES, W)
    for j, y in enumerate((Y, Y2, -3 * Y)):
        alone = random_intercept(X[:, :2], y, CODES, W)
        for one, other in ((both.beta[:, j], alone.beta[:, 0]), (both.covariance[j], alone.covariance[0]),
                           (both.tau2[:, j], alone.tau2[:, 0]), (both.whitened[:, j], alone.whitened[:, 0])):  # fmt: skip
            assert one == pytest.approx(other, rel=1e-10, abs=1e-13)


def test_the_scores_sum_to_nothing() -> None:
    for fit in (random_intercept(X, Y, CODES, W), random_intercept(X, Y, CODES), least_squares(X, Y, W)):
        assert X.T @ fit.whitened == pytest.approx(0, abs=1e-8)
    w = random_intercept(X, Y, CODES, W)
    v = w.sigma2[0] * np.diag(1 / W) + w.tau2[0, 0] * (CODES[:, None] == CODES)
    assert w.whitened[:, 0] == pytest.approx(np.linalg.solve(v, w.residual[:, 0]))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-1e4, 1e4))
def test_units_and_origins_move_what_they_must(seed: int, unit: float, origin: float) -> None:
    generator = np.random.default_rng(seed)
    order, names = generator.permutation(240), generator.permutation(19)
    fit = random_intercept(X, Y, CODES, W)
    moved = X.copy()
    moved[:, 1] = X[:, 1] * unit + origin
    other = random_intercept(moved[order], 10 * Y[order], names[CODES][order], W[order])
    assert other.beta[1:, 0] * [unit, 1, 1] == pytest.approx(10 * fit.beta[1:, 0], rel=1e-7)
    assert other.beta[0, 0] + other.beta[1, 0] * origin == pytest.approx(10 * fit.beta[0, 0], rel=1e-6)
    assert other.tau2[0, 0] == pytest.approx(100 * fit.tau2[0, 0], rel=1e-8)
    due = fit.deviance[0] + 2 * 236 * np.log(10) + 2 * np.log(unit)
    assert other.deviance[0] == pytest.approx(due, rel=1e-9)


def test_the_order_of_rows_changes_no_digit() -> None:
    order = np.random.default_rng(0).permutation(240)
    a, b = random_intercept(X, Y, CODES, W), random_intercept(X[order], Y[order], CODES[order], W[order])
    assert b.beta == pytest.approx(a.beta, rel=1e-12)
    assert b.tau2 == pytest.approx(a.tau2, rel=1e-11)


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(RefusedError, match="each of the 240 groups has one row"):
        random_intercept(X, Y, np.arange(240))
    with pytest.raises(RefusedError, match="one group only"):
        random_intercept(X, Y, np.zeros(240, dtype=np.int64))
    with pytest.raises(RefusedError, match="'x4' is made up by 'x2'"):
        random_intercept(np.hstack([X, X[:, [2]] * 2 + 1]), Y, CODES)
    with pytest.raises(RefusedError, match="outcome 'y1' is fitted without remainder"):
        random_intercept(X, np.hstack([Y, CODES[:, None] ** 2.0]), CODES)
    with pytest.raises(RefusedError, match="outcome 'y0', 'y1' is fitted without remainder"):
        least_squares(X, np.hstack([np.ones((240, 1)), X[:, [1]] * 2 + 1]))
    with pytest.raises(RefusedError, match="4 rows cannot tell 4 columns apart"):
        least_squares(X[:4], Y[:4])


def test_one_group_of_one_row_is_no_hindrance() -> None:
    codes = CODES.copy()
    codes[0] = 19
    v = np.eye(240)
    fit = random_intercept(X, Y, codes)
    v = fit.sigma2[0] * v + fit.tau2[0, 0] * (codes[:, None] == codes)
    inverse = np.linalg.inv(X.T @ np.linalg.solve(v, X))
    assert fit.beta[:, 0] == pytest.approx(inverse @ X.T @ np.linalg.solve(v, Y[:, 0]))
    assert fit.covariance[0] == pytest.approx(inverse)
