"""Cluster-robust errors against dense formulas and planted clusters; R's numbers are in test_golden_lme4."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from sociolect.compare import bias_reduced
from sociolect.compare import sandwich as sandwich_module
from sociolect.compare.crossed import crossed
from sociolect.compare.fitted import Fitted
from sociolect.compare.random_intercept import least_squares
from sociolect.compare.sandwich import clustered, sandwich
from sociolect.errors import InputError, RefusedError, UsageError

RNG = np.random.default_rng(5)
N = 90
CLUSTER, OTHER, GROUP = np.arange(N) % 9, np.arange(N) // 15, np.arange(N) % 18
X = np.stack([np.ones(N), RNG.normal(size=N), np.cos(CLUSTER * 1.0)], axis=1)
Y = RNG.normal(size=(N, 2)) + np.sin(CLUSTER * 2.0)[:, None]
W = RNG.uniform(0.5, 2, N)


def root(matrix: np.ndarray, power: float) -> np.ndarray:
    value, vector = np.linalg.eigh(matrix)
    kept = value > 1e-9 * value.max()
    return np.asarray((vector[:, kept] * value[kept] ** power) @ vector[:, kept].T)


def plain_cr2(x: np.ndarray, y: np.ndarray, weight: np.ndarray, v: np.ndarray, cluster: np.ndarray) -> Any:
    """Pustejovsky and Tipton 2018, eq. 5-11, with n by n matrices: covariance and degrees of freedom."""
    bread = np.linalg.inv(x.T @ weight @ x)
    hat = np.eye(len(x)) - x @ bread @ x.T @ weight
    left = hat @ v @ hat.T
    rows, score = [], []
    for g in np.unique(cluster):
        at = np.flatnonzero(cluster == g)
        d = np.linalg.cholesky(v[np.ix_(at, at)]).T
        a = d.T @ root(d @ left[np.ix_(at, at)] @ d.T, -0.5) @ d
        rows.append(bread @ (x.T @ weight[:, at]) @ a @ hat[at])  # p by n: what the cluster adds to the coefficients
        score.append(rows[-1] @ y)
    p = np.array(rows)
    made = np.einsum("gcn,nm,hcm->cgh", p, v, p)
    degrees = np.trace(made, axis1=1, axis2=2) ** 2 / (made**2).sum((1, 2))
    return sum(np.outer(s, s) for s in score), degrees


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("cluster", [CLUSTER, GROUP], ids=["coarse", "group"])
def test_cr2_of_a_random_intercept_is_the_dense_formula(weighted: bool, cluster: np.ndarray) -> None:
    w = W if weighted else np.ones(N)
    fit = crossed(X, Y, [GROUP], w if weighted else None)
    found, degrees = sandwich(X, fit, cluster, kind="CR2", groups=[GROUP], weights=w if weighted else None)
    for o in range(2):
        v = fit.sigma2[o] * np.diag(1 / w) + fit.tau2[0, o] * (GROUP[:, None] == GROUP)
        due, df = plain_cr2(X, Y[:, o], np.linalg.inv(v), v, cluster)
        assert found[o] == pytest.approx(due, rel=1e-8, abs=1e-12)
        assert degrees[:, o] == pytest.approx(df, rel=1e-8)


@pytest.mark.parametrize("working", ["fit", "identity"])
def test_cr2_of_weighted_least_squares_is_the_dense_formula_under_either_working_covariance(working: Any) -> None:
    fit = least_squares(X, Y, W)
    found, degrees = sandwich(X, fit, CLUSTER, kind="CR2", weights=W, working=working)
    v = np.diag(1 / W) if working == "fit" else np.eye(N)
    due, df = plain_cr2(X, Y[:, 1], np.diag(W), v, CLUSTER)
    assert found[1] == pytest.approx(due, rel=1e-8, abs=1e-12)
    assert degrees[:, 1] == pytest.approx(df, rel=1e-8)


def test_cr2_with_crossed_intercepts_inside_clusters_is_the_dense_formula() -> None:
    inner = GROUP * 2 + (np.arange(N) // 18) % 2
    fit = crossed(X, Y[:, :1], [GROUP, inner])
    found, degrees = sandwich(X, fit, CLUSTER, kind="CR2", groups=[GROUP, inner])
    v = fit.sigma2[0] * np.eye(N) + sum(
        t * (g[:, None] == g) for t, g in zip(fit.tau2[:, 0], (GROUP, inner), strict=True)
    )
    due, df = plain_cr2(X, Y[:, 0], np.linalg.inv(v), v, CLUSTER)
    assert found[0] == pytest.approx(due, rel=1e-8)
    assert degrees[:, 0] == pytest.approx(df, rel=1e-8)


def test_cr2_is_unbiased_where_the_working_covariance_is_right() -> None:
    """The mean of CR2 over all y is the covariance itself (eq. 5): the trace form, not a simulation."""
    few = CLUSTER % 4
    x = np.stack([np.ones(N), X[:, 1], (few > 1) * 1.0], axis=1)
    basis = np.eye(N)  # E[y y'] = I: the sum over unit vectors of a quadratic form is its mean
    bread = np.linalg.inv(x.T @ x)
    residual = basis - x @ bread @ x.T @ basis
    units = Fitted(np.zeros((3, N)), np.repeat(bread[None], N, 0), np.ones(N), np.zeros((0, N)), np.zeros(N), residual,
                   residual, True)  # fmt: skip
    assert sandwich(x, units, few, kind="CR2")[0].sum(0) == pytest.approx(bread, abs=1e-10)
    assert np.diag(sandwich(x, units, few, kind="CR0")[0].sum(0))[2] < 0.8 * bread[2, 2]


def test_each_row_a_cluster_is_hc1() -> None:
    """White 1980 with n / (n - p), by hand."""
    fit = least_squares(X, Y)
    bread = np.linalg.inv(X.T @ X)
    due = bread @ (X.T @ (X * (fit.residual[:, [0]] ** 2))) @ bread * N / (N - 3)
    found, degrees = sandwich(X, fit, np.arange(N), kind="CR1")
    assert found[0] == pytest.approx(due, rel=1e-10)
    assert (degrees == N - 1).all()


def test_two_way_is_one_plus_the_other_less_both_and_has_the_degrees_of_its_pairs() -> None:
    fit = least_squares(X, Y[:, :1])
    both, degrees = sandwich(X, fit, [CLUSTER, OTHER], kind="CR0")
    ways = [CLUSTER, OTHER, CLUSTER * 10 + OTHER]
    one, two, cells = (sandwich(X, fit, c, kind="CR0")[0] for c in ways)
    assert both == pytest.approx(one + two - cells, rel=1e-9, abs=1e-14)
    # V is the sum of a_i a_j e_i e_j over pairs that share a cluster; for independent e its degrees are 2 mean^2 / variance
    share = (CLUSTER[:, None] == CLUSTER) | (OTHER[:, None] == OTHER)
    a = X @ np.linalg.inv(X.T @ X)
    due = [(v**2).sum() ** 2 / (np.outer(v, v)[share] ** 2).sum() for v in a.T]
    assert degrees[:, 0] == pytest.approx(np.minimum(due, 5), rel=1e-10)
    assert degrees.max() < 5


def test_the_degrees_of_several_coefficients_are_those_of_the_whole_matrix() -> None:
    """The variances of all entries of V, whitened, over independent errors: pairs that share a cluster, written out."""
    places = [0, 1, 2]
    fit = least_squares(X, Y)
    found = clustered(X, fit, [CLUSTER, OTHER], kind="CR0").joint(X, fit, 0, places)
    a = X @ np.linalg.inv(X.T @ X)
    value, vector = np.linalg.eigh(a.T @ a)
    a = a @ (vector / np.sqrt(value)) @ vector.T
    share = (CLUSTER[:, None] == CLUSTER) | (OTHER[:, None] == OTHER)
    length = (a**2).sum(1)
    assert found == pytest.approx(12 / (np.outer(length, length) + (a @ a.T) ** 2)[share].sum(), rel=1e-10)
    e = np.random.default_rng(3).normal(size=(10_000, N))
    drawn = np.stack([((e * a[:, s]) @ (share * 1.0) * (e * a[:, t])).sum(1) for s in places for t in places])
    assert found == pytest.approx(12 / drawn.var(axis=1).sum(), rel=0.05)


def test_a_two_way_covariance_below_zero_is_its_upper_bound_and_that_is_said(
    recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.stack([np.ones(16), np.tile([1.0, -1], 8)], axis=1)
    a, b = np.arange(16) // 4, np.arange(16) % 4
    y = (np.where((a + b) % 2, 1.0, -1.0) + 1e-3 * np.cos(np.arange(16.0)))[:, None]
    fit = least_squares(x, np.hstack([y, np.cos(np.arange(16.0) ** 2)[:, None] + a[:, None] + b[:, None]]))
    found = clustered(x, fit, [a, b])
    assert found.bound.tolist() == [True, False]
    monkeypatch.setattr(sandwich_module, "_LEAST", 0.4)
    assert clustered(x, fit, [a, b]).bound.all()
    assert sandwich_module._least(np.diag([4.0, 1e-8]), np.diag([4.0, 1e-6])) == pytest.approx(0.01)
    due = np.sum([sandwich(x, fit, c)[0] for c in (a, b)], axis=0)
    assert found.covariance[0] == pytest.approx(due[0], rel=1e-10)
    assert np.linalg.eigvalsh(found.covariance[0])[0] > 0
    assert (np.diag(found.covariance[1]) < np.diag(due[1])).all()
    assert not recwarn.list


def test_a_null_effect_is_rejected_in_5_of_100_with_8_clusters_by_cr2_and_in_more_by_cr0() -> None:
    """Planted: unequal clusters that share an intercept, a regressor constant within clusters, no effect."""
    rng, worlds = np.random.default_rng(11), 1500
    cluster = np.repeat(np.arange(8), [6, 8, 10, 12, 14, 16, 18, 20])
    x = np.stack([np.ones(104), np.array([0.0, 1, 0, 1, 1, 0, 1, 0])[cluster], rng.normal(size=104)], axis=1)
    fit = least_squares(x, rng.normal(size=(8, worlds))[cluster] * 0.3 + rng.normal(size=(104, worlds)))

    def rejected(kind: Any) -> np.ndarray:
        found, degrees = sandwich(x, fit, cluster, kind=kind)
        ratio = np.abs(fit.beta.T) / np.sqrt(np.diagonal(found, axis1=1, axis2=2))
        return np.asarray((ratio > student.ppf(0.975, degrees.T)).mean(0))

    small, large = rejected("CR2"), rejected("CR0")
    assert (small[1:] > 0.035).all()
    assert (small[1:] < 0.065).all()
    assert (large[1:] > 0.065).all()


@pytest.mark.parametrize("kind", ["CR1", "CR2"])
def test_a_coefficient_that_rests_on_one_cluster_has_no_error_and_it_is_said(
    kind: Any, recwarn: pytest.WarningsRecorder
) -> None:
    """Its cluster's residuals sum to 0: CR1 would say .12 where the truth is .33."""
    x = np.concatenate([X, (CLUSTER == 2)[:, None] * 1.0], axis=1)
    made = clustered(x, least_squares(x, Y), CLUSTER, kind=kind)
    found = made.covariance
    assert made.alone.tolist() == [False, False, False, True]
    assert not recwarn.list
    assert np.isnan(found[:, 3]).all()
    assert np.isnan(found[:, :, 3]).all()
    assert np.isfinite(found[:, :3, :3]).all()


def test_order_of_rows_and_names_of_clusters_change_nothing() -> None:
    order = RNG.permutation(N)
    for kind in ("CR1", "CR2"):
        one = sandwich(X, crossed(X, Y, [GROUP]), CLUSTER, kind=kind, groups=[GROUP])
        fit = crossed(X[order], Y[order], [GROUP[order]])
        two = sandwich(X[order], fit, 77 - 3 * CLUSTER[order] + 100, kind=kind, groups=[GROUP[order]])
        assert two[0] == pytest.approx(one[0], abs=1e-10)
        assert two[1] == pytest.approx(one[1], rel=1e-8)


FIT = least_squares(X, Y)


@pytest.mark.parametrize(("cluster", "keywords", "error", "match"), [
    (CLUSTER, {"kind": "CR3"}, UsageError, "no kind of cluster-robust error 'CR3'; did you mean"),
    (CLUSTER, {"working": "ar1"}, UsageError, "no working covariance 'ar1'; there are: fit, identity"),
    ([CLUSTER] * 3, {}, UsageError, "3 clusters were given"),
    (CLUSTER[:5], {}, InputError, "design of 90 rows: cluster 0 has 5 rows"),
    ([CLUSTER, np.where(CLUSTER == 2, -1, 0)], {}, InputError, "10 rows have no code in cluster 1"),
    (CLUSTER * 0, {}, RefusedError, "cluster 0 holds all rows: two clusters"),
    ([CLUSTER, OTHER], {"kind": "CR2"}, RefusedError, "CR2 is for one cluster"),
    (CLUSTER, {"kind": "CR2", "weights": W[:4], "groups": [GROUP]}, InputError,
     "weights have 4 rows, the design 90; the fit has 0 random intercepts, 1 groups were given"),
])  # fmt: skip
def test_faults_are_told(cluster: Any, keywords: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        sandwich(X, FIT, cluster, **keywords)


def test_cr2_refuses_groups_that_reach_over_clusters_and_clusters_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    y = Y + np.cos(OTHER * 9.0)[:, None] * 3
    with pytest.raises(RefusedError, match="random group 0 reaches over several clusters"):
        sandwich(X, crossed(X, y, [OTHER]), CLUSTER, kind="CR2", groups=[OTHER])
    monkeypatch.setattr(bias_reduced, "LARGEST", 1)
    fit = crossed(X, Y, [GROUP])
    with pytest.raises(RefusedError, match="the covariance of 2 groups of one cluster apart, at most 1"):
        sandwich(X, fit, CLUSTER, kind="CR2", groups=[GROUP])
    with pytest.raises(RefusedError, match="the covariance of 10 rows of one cluster"):
        sandwich(X, fit, CLUSTER, kind="CR2", groups=[GROUP], weights=W)
