"""The cluster bootstrap against explicit refits, the sandwich, and planted coefficients."""

from typing import Any

import numpy as np
import pytest

from sociolect.compare.bootstrap import weights as resampled
from sociolect.compare.cluster_bootstrap import cluster_bootstrap
from sociolect.compare.crossed import crossed
from sociolect.compare.random_intercept import least_squares
from sociolect.compare.sandwich import sandwich
from sociolect.errors import InputError, RefusedError, UsageError

RNG = np.random.default_rng(8)
N = 240
GROUP = RNG.permutation(np.repeat(np.arange(48), 5))
CLUSTER = GROUP % 16
X = np.stack([np.ones(N), RNG.normal(size=N), np.cos(GROUP * 1.0)], axis=1)
Y = X @ [[5.0, 1], [0.5, 0], [0.2, 0]] + np.stack([np.sin(GROUP * 2.0), 0 * GROUP], 1) + RNG.normal(size=(N, 2))
W = RNG.uniform(0.5, 2, N)


@pytest.mark.parametrize(("grouped", "weights", "reml"), [
    (False, W, True), (True, None, True), (True, W, True), (True, W, False),
])  # fmt: skip
def test_each_draw_is_the_fit_of_the_rows_drawn(grouped: bool, weights: np.ndarray | None, reml: bool) -> None:
    groups = [GROUP] if grouped else []
    found, _ = cluster_bootstrap(X, Y, CLUSTER, groups=groups, weights=weights, reml=reml, draws=100, seed=4)
    counts = np.concatenate(list(resampled([np.arange(16)], draws=100, seed=4))).astype(int)
    # REML's boundary is flat: where a draw is at it, theta 1e-4 and 0 differ in the seventh digit
    for draw, often in zip(found.samples[:12].reshape(12, 3, 2), counts[:12], strict=True):
        parts = [(np.flatnonzero(c == CLUSTER), copy) for c in range(16) for copy in range(often[c])]
        rows = np.concatenate([part for part, _ in parts])
        codes = np.concatenate([GROUP[part] + 100 * copy for part, copy in parts])
        w = None if weights is None else weights[rows]
        made = crossed(X[rows], Y[rows], [codes], w, reml=reml) if grouped else least_squares(X[rows], Y[rows], w)
        assert draw == pytest.approx(made.beta, abs=2e-6)


def test_the_estimate_is_the_fit_and_the_errors_are_near_the_sandwichs() -> None:
    fit = crossed(X, Y, [GROUP], W)
    found, covariance = cluster_bootstrap(X, Y, GROUP, groups=[GROUP], weights=W, draws=600, seed=1)
    assert found.estimate.reshape(3, 2) == pytest.approx(fit.beta, abs=1e-6)
    assert (int(found.clusters[0]), found.n, int(found.undefined.max())) == (48, 240, 0)
    robust = sandwich(X, fit, GROUP, kind="CR2", groups=[GROUP], weights=W)[0]
    for o in range(2):
        assert np.sqrt(np.diag(covariance[o])) == pytest.approx(np.sqrt(np.diag(robust[o])), rel=0.15)


def test_intervals_cover_planted_coefficients() -> None:
    """40 outcomes of one design are 40 worlds."""
    rng, worlds = np.random.default_rng(2), 40
    y = 0.4 * X[:, [1]] + rng.normal(size=(48, worlds))[GROUP] + rng.normal(size=(N, worlds))
    found, _ = cluster_bootstrap(X, y, GROUP, groups=[GROUP], draws=200, seed=1)
    low, high = (end.reshape(3, worlds)[1] for end in (found.low, found.high))
    assert 0.87 <= ((low < 0.4) & (high > 0.4)).mean() <= 1
    assert found.estimate.reshape(3, worlds)[1].mean() == pytest.approx(0.4, abs=0.03)


def test_same_seed_same_bytes_and_order_of_rows_changes_nothing() -> None:
    order = RNG.permutation(N)
    one, two = (cluster_bootstrap(X, Y, CLUSTER, groups=[GROUP], draws=100, seed=s)[0] for s in (7, 7))
    assert one.samples.tobytes() == two.samples.tobytes()
    moved = cluster_bootstrap(X[order], Y[order], CLUSTER[order], groups=[GROUP[order]], draws=100, seed=7)[0]
    assert moved.samples == pytest.approx(one.samples, abs=1e-10)
    assert not np.allclose(cluster_bootstrap(X, Y, CLUSTER, draws=100, seed=8)[0].samples, one.samples)


def test_a_column_that_many_draws_lack_leaves_no_interval_and_says_why() -> None:
    x = np.concatenate([X, (CLUSTER == 3)[:, None] * 1.0], axis=1)
    found, _ = cluster_bootstrap(x, Y, CLUSTER, draws=200, seed=1)
    assert np.isnan(found.low).all()
    assert 0.2 < found.undefined[0] / 200 < 0.5  # (1 - 1/16) ** 16 = .356
    assert "undefined in" in found.reasons[0]


@pytest.mark.parametrize(("change", "error", "match"), [
    ({"draws": 50}, UsageError, "draws is 50; an interval needs at least 100"),
    ({"cluster": CLUSTER[:3], "weights": -W}, InputError, "the cluster has 3 rows; 240 weights are not above 0"),
    ({"y": Y * np.nan, "groups": [GROUP[:2]]}, InputError, "group 0 has 2 rows; 480 values are undefined"),
    ({"cluster": CLUSTER * 0}, RefusedError, "one cluster holds all rows"),
    ({"groups": [GROUP, CLUSTER]}, RefusedError, "2 random intercepts: a cluster drawn twice"),
    ({"groups": [np.arange(N) % 7]}, RefusedError, "the random group reaches over several clusters"),
])  # fmt: skip
def test_faults_are_told(change: dict[str, Any], error: type[Exception], match: str) -> None:
    asked: dict[str, Any] = {"x": X, "y": Y, "cluster": CLUSTER} | change
    with pytest.raises(error, match=match):
        cluster_bootstrap(**asked)
