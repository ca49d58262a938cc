"""Six numbers about two noisy quantities: closed forms, planted noise, and the error of each against repeated worlds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from sociolect.compare.elasticity import PARTS, elasticity
from sociolect.compare.interval import FloatArray
from sociolect.compare.jointly import jointly
from sociolect.compare.random_intercept import least_squares
from sociolect.errors import InputError

SLOPE, RELIABILITY = 0.5, 0.7


def noisy(rng: np.random.Generator, n: int = 1500, draws: int = 2) -> tuple[FloatArray, FloatArray]:
    """y on a true x of variance 1 with slope .5; draws of reliability .70. Two rows of a cluster are one another's."""
    true = rng.normal(size=n // 2).repeat(2) * 0.6 + rng.normal(size=n) * 0.8
    y = SLOPE * true + rng.normal(size=n // 2).repeat(2) * 0.5 + rng.normal(size=n) * 0.5
    loud = (1 / RELIABILITY - 1) ** 0.5
    return y, true[:, None] + loud * rng.normal(size=(n, draws))


def test_with_one_repeat_it_is_least_squares_and_the_rest_is_unknown() -> None:
    y, x = noisy(np.random.default_rng(1), draws=1)
    found = elasticity(y, x, np.arange(1500), 1500)
    due = linregress(x[:, 0], y)
    assert found.estimate[:3] == pytest.approx([due.slope, due.rvalue, y.std() / x.std()])
    assert np.isnan(found.estimate[3:]).all()
    assert np.isnan(found.errors[3:]).all()
    # the error of a slope is that of least squares, robust and by cluster
    codes = np.arange(1500) // 2
    design = np.column_stack([np.ones(1500), x])
    robust = jointly(design, least_squares(design, y[:, None]), codes, 750)
    mine = elasticity(y, x, codes, 750)
    assert mine.errors[0] == pytest.approx(robust.errors[1], rel=2e-3)
    assert mine.clusters == 750


def test_what_noise_takes_is_given_back() -> None:
    rng = np.random.default_rng(2)
    codes = np.arange(1500) // 2
    fits = [elasticity(*noisy(rng), codes, 750) for _ in range(200)]
    mean = np.mean([f.estimate for f in fits], axis=0)
    spread_y = (SLOPE**2 + 0.5) ** 0.5
    spread_x = RELIABILITY**-0.5
    due = [SLOPE * RELIABILITY, SLOPE / spread_x / spread_y, spread_y / spread_x, RELIABILITY, SLOPE, SLOPE / spread_y]
    assert mean == pytest.approx(due, abs=0.008)
    # the errors are those of repeated worlds, and intervals hold what is true
    assert np.mean([f.errors for f in fits], axis=0) == pytest.approx(np.std([f.estimate for f in fits], axis=0), rel=0.15)  # fmt: skip
    held = np.mean([(low <= due) & (due <= high) for low, high, _ in (f.ends() for f in fits)], axis=0)
    assert ((held > 0.90) & (held < 0.99)).all()


def test_a_louder_x_halves_the_slope_and_not_the_correlation() -> None:
    y, x = noisy(np.random.default_rng(3))
    one, two = (dict(zip(PARTS, elasticity(y, s * x, np.arange(1500), 1500).estimate, strict=True)) for s in (1.0, 2.0))
    for part in ("slope", "ratio of spreads", "corrected slope"):
        assert two[part] == pytest.approx(one[part] / 2)
    for part in ("correlation", "reliability", "corrected correlation"):
        assert two[part] == pytest.approx(one[part])
    assert one["slope"] == pytest.approx(one["correlation"] * one["ratio of spreads"])


def test_draws_with_nothing_in_common_have_no_corrected_slope() -> None:
    x = np.column_stack([np.arange(12.0), -np.arange(12.0)])
    found = elasticity(np.arange(12.0) ** 2, x, np.arange(12), 12)
    assert found.estimate[[0, 1, 3]].tolist() == pytest.approx(
        [0, 0, -1]
    )  # the two draws cancel: no slope, with an error
    assert np.isnan(found.estimate[4:]).all()
    assert np.isfinite(found.errors[:4]).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), shift=st.floats(-5, 5))
def test_order_origin_and_names_change_nothing(seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    y, x = noisy(rng, 60)
    codes, order = np.arange(60) // 2, rng.permutation(60)
    one = elasticity(y, x, codes, 30)
    other = elasticity(y[order] + shift, x[order][:, ::-1] - shift, 44 - codes[order], 45)
    assert other.estimate == pytest.approx(one.estimate, rel=1e-8, nan_ok=True)
    assert other.errors == pytest.approx(one.errors, rel=1e-8, nan_ok=True)


def test_values_that_do_not_match_are_refused() -> None:
    with pytest.raises(InputError, match="2 and 3 values with 3 clusters: as many of each, and three or more, are due"):
        elasticity(np.ones(2), np.ones((3, 1)), np.arange(3), 3)
    with pytest.raises(InputError, match="three or more"):
        elasticity(np.ones(2), np.ones((2, 1)), np.arange(2), 2)
