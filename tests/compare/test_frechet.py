"""Golden values: closed forms of the study's dossier; scipy's matrix square root for random covariances."""

import numpy as np
import pytest
from scipy import linalg

from sociolect.compare.frechet import extrapolated, frechet, frechets, moments_distance
from sociolect.errors import InputError, RefusedError, UsageError


@pytest.mark.parametrize(
    ("one", "two", "due"),
    [
        (([0, 0], np.diag([1, 4])), ([1, 2], np.diag([9, 16])), 13.0),
        (([0, 0], [[2, 1], [1, 2]]), ([0, 0], np.diag([1, 4])), 0.7712204476543),
        (([3, 1], [[2, 1], [1, 2]]), ([3, 1], [[2, 1], [1, 2]]), 0.0),
        (([0, 0], np.diag([1, 0])), ([0, 0], np.diag([0, 1])), 2.0),  # no inverse on either side
    ],
)
def test_closed_forms(one: tuple[object, object], two: tuple[object, object], due: float) -> None:
    assert moments_distance(*one, *two) == pytest.approx(due, abs=1e-10)  # type: ignore[arg-type]
    assert moments_distance(*two, *one) == pytest.approx(due, abs=1e-10)  # type: ignore[arg-type]


def test_samples_agree_with_scipys_square_root() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 8)) @ rng.normal(size=(8, 8)), rng.normal(size=(60, 8)) + 1
    s, t = np.cov(x.T), np.cov(y.T)
    due = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s + t - 2 * linalg.sqrtm(s @ t).real)
    assert frechet(x, y) == pytest.approx(due, rel=1e-9)
    assert frechet(x + 1000, y + 1000) == pytest.approx(due, rel=1e-9)


def test_weights_leave_out_and_count_twice() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 3))
    u, w = np.ones((3, 30)), np.ones((3, 30))
    u[1, :7] = 0
    w[2, 5], u[2, 3] = 2, 0
    part = frechets(x[7:], y, np.ones((1, 23)), np.ones((1, 30)))[0]
    twice = frechets(np.delete(x, 3, 0), np.concatenate([y, y[5:6]]), np.ones((1, 29)), np.ones((1, 31)))[0]
    np.testing.assert_allclose(frechets(x, y, u, w), [frechet(x, y), part, twice], rtol=1e-10)


def test_extrapolation_takes_the_bias_away() -> None:
    """N(0, I) against N(m, I): the distance is |m|^2; at n = 800 the plain one lies far above it."""
    rng = np.random.default_rng(2)
    d, gap, plain, carried = 40, 0.2, [], []
    for seed in range(8):
        x, y = rng.normal(size=(800, d)), rng.normal(size=(800, d)) + gap
        found = extrapolated(x, y, seed=seed)
        plain.append(frechet(x, y))
        carried.append(found.estimate)
        assert found.slope > 0
    assert np.mean(plain) - d * gap**2 > 0.8
    assert abs(np.mean(carried) - d * gap**2) < 0.2
    assert (len(found.sizes), found.sizes[-1]) == (15, 800)


def test_refused_and_warned() -> None:
    x = np.random.default_rng(0).normal(size=(30, 10))
    with pytest.raises(RefusedError, match="x has 30 rows, y has 29"):
        frechet(x, x[:29])
    with pytest.raises(RefusedError, match="10 texts on a side and 10 dimensions.*fewer dimensions"):
        frechet(x[:10], x[10:20])
    with pytest.warns(UserWarning, match="19 texts in 10 dimensions: below n = 2 d"):
        frechet(x[:19], x[:19])
    with pytest.raises(RefusedError, match="1 of 30 rows of y hold nan"):
        frechet(x, np.where(np.arange(30)[:, None] == 3, np.nan, x))
    with pytest.raises(InputError, match="10 dimensions, y has 9"):
        frechet(x, x[:, :9])
    with pytest.raises(RefusedError, match="3 d = 33"):
        extrapolated(np.ones((30, 11)), np.ones((30, 11)))
    with pytest.raises(UsageError, match="above d = 10"):
        extrapolated(x, x, sizes=[9, 20, 30])
    with pytest.raises(InputError, match="cov_y is not symmetric"):
        moments_distance([0, 0], np.eye(2), [0, 0], [[1, 1], [0, 1]])
