"""Influences against what they stand for: clustered errors of one fit, paired differences, disjoint samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.compare.jointly import Jointly, beside, jointly
from sociolect.compare.random_intercept import least_squares, random_intercept
from sociolect.compare.sandwich import sandwich
from sociolect.errors import InputError

RNG = np.random.default_rng(4)
N = 240
CODES = np.repeat(np.arange(30), 8)
X = np.column_stack([np.ones(N), RNG.normal(size=N), RNG.normal(size=30)[CODES]])
Y = RNG.normal(size=(N, 2)) + RNG.normal(size=(30, 2))[CODES]


@pytest.mark.parametrize("weighted", [False, True])
def test_one_fit_has_the_covariance_of_the_sandwich(weighted: bool) -> None:
    fit = least_squares(X, Y, RNG.uniform(0.5, 2, N)) if weighted else random_intercept(X, Y, CODES)
    found = jointly(X, fit, CODES, 30)
    due, _ = sandwich(X, fit, CODES, kind="CR1")
    for k in range(2):
        assert found.at([3 * k, 3 * k + 1, 3 * k + 2]).covariance == pytest.approx(due[k], rel=1e-10)
    assert found.errors[:3] == pytest.approx(np.sqrt(np.diag(due[0])))
    assert found.estimate.tolist() == fit.beta.T.ravel().tolist()
    assert (found.n, found.clusters) == (N, 30)


def test_a_difference_of_paired_fits_is_the_fit_of_the_difference() -> None:
    # least squares is linear in y: the slope of y0 - y1 and its error, by cluster, are those of the contrast
    both = jointly(X, least_squares(X, Y), CODES, 30)
    gap = both.times(np.hstack([np.eye(3), -np.eye(3)]))
    alone = jointly(X, least_squares(X, Y[:, :1] - Y[:, 1:]), CODES, 30)
    assert gap.estimate == pytest.approx(alone.estimate)
    assert gap.covariance == pytest.approx(alone.covariance)


def test_fits_of_disjoint_clusters_share_nothing() -> None:
    half = CODES < 15
    parts = [jointly(X[h], least_squares(X[h], Y[h, :1]), CODES[h], 30) for h in (half, ~half)]
    found = beside(parts)
    assert found.covariance[:3, 3:].tolist() == np.zeros((3, 3)).tolist()
    assert found.clusters == 30
    assert parts[0].clusters == 15


def test_the_interval_of_a_mean_is_students() -> None:
    from scipy.stats import ttest_1samp

    y = RNG.normal(0.3, 1, 12)
    low, high, p = jointly(np.ones((12, 1)), least_squares(np.ones((12, 1)), y[:, None]), np.arange(12), 12).ends()
    due = ttest_1samp(y, 0)
    assert p.item() == pytest.approx(due.pvalue)
    assert (low.item(), high.item()) == pytest.approx(tuple(due.confidence_interval()))


def test_what_does_not_vary_or_is_not_there_has_no_interval() -> None:
    found = Jointly(np.array([1.0, np.nan, 2.0]), np.array([[0.0, np.nan, 0.1], [0.0, np.nan, -0.1], [0.0, np.nan, 0.0]]), 3)  # fmt: skip
    low, _, p = found.ends()
    assert np.isnan(low).tolist() == np.isnan(p).tolist() == [True, True, False]
    assert found.clusters == 2  # the third took no part in what there is


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_the_order_of_rows_and_the_names_of_clusters_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(N), rng.permutation(40)[:30]
    one = jointly(X, least_squares(X, Y), CODES, 30)
    other = jointly(X[order], least_squares(X[order], Y[order]), names[CODES[order]], 40)
    assert other.estimate == pytest.approx(one.estimate, abs=1e-10)
    assert other.covariance == pytest.approx(one.covariance, abs=1e-10)


def test_codes_that_do_not_fit_are_refused() -> None:
    fit = least_squares(X, Y)
    with pytest.raises(InputError, match="239 cluster codes up to 29 for 240 rows and 30 clusters"):
        jointly(X, fit, CODES[1:], 30)
    with pytest.raises(InputError, match="240 cluster codes up to 29 for 240 rows and 20 clusters"):
        jointly(X, fit, CODES, 20)
    with pytest.raises(InputError, match="code the clusters once, over all rows"):
        beside([jointly(X, fit, CODES, 30), jointly(X, fit, CODES, 31)])
