"""Places and their intervals: planted orders, ties, and how often an interval holds the true place."""

import numpy as np
import pytest
from scipy import stats

from sociolect.compare.rank_intervals import rank_intervals, ranks
from sociolect.errors import InputError, RefusedError, UsageError


def test_places_are_scipy_s_and_rounding_is_no_order() -> None:
    rows = np.random.default_rng(0).integers(0, 5, (50, 8)).astype(float)
    assert ranks(rows) == pytest.approx(stats.rankdata(-rows, axis=1))
    assert ranks(np.array([0.1 + 0.2, 0.3, 0.1])).tolist() == [1.5, 1.5, 3.0]
    assert ranks(np.zeros(3)).tolist() == [2.0, 2.0, 2.0]


def test_intervals_hold_planted_places_that_are_well_apart_and_are_narrower_than_all_places() -> None:
    """Means of 60 normals, six things 0.3 apart: nearly every interval holds its place, and is no wide net."""
    held, wide = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = rng.normal(0.3 * np.arange(6), 1.0, (60, 6))
        drawn = values[rng.integers(0, 60, (400, 60))].mean(1)
        found = rank_intervals(values.mean(0), drawn)
        due = np.arange(6, 0, -1)
        wide.append((found["high"] - found["low"]).to_numpy())
        held.append((found["low"].to_numpy() <= due) & (due <= found["high"].to_numpy()))
    assert np.mean(held) >= 0.93
    assert 0 < np.mean(wide) < 2.5


def test_where_nothing_differs_places_are_wide_open_and_nobody_leads() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.normal(0, 1, (1000, 5))
    found = rank_intervals(np.zeros(5), drawn)
    assert found["rank"].to_list() == [3.0] * 5
    assert found["low"].to_list() == [1.0] * 5
    assert found["high"].to_list() == [5.0] * 5
    assert found["first"].to_numpy() == pytest.approx(0.2, abs=0.05)
    assert found["first"].sum() == pytest.approx(1.0)


def test_undefined_draws_are_counted_and_too_many_leave_no_interval() -> None:
    drawn = np.tile([3.0, 2.0, 1.0], (1000, 1))
    drawn[:10, 0] = np.nan
    found = rank_intervals(np.array([3.0, 2.0, 1.0]), drawn)
    assert found.select("low", "high", "undefined").row(0) == (1.0, 1.0, 10)
    drawn[:11, 0] = np.nan
    lost = rank_intervals(np.array([3.0, 2.0, 1.0]), drawn)
    assert lost.select("rank", "low", "high", "first", "undefined").row(0) == (1.0, None, None, None, 11)


def test_errors() -> None:
    with pytest.raises(InputError, match=r"\(3,\) and draws \(200, 2\)"):
        rank_intervals(np.zeros(3), np.zeros((200, 2)))
    with pytest.raises(UsageError, match="99 draws at level 0.95"):
        rank_intervals(np.zeros(2), np.zeros((99, 2)))
    with pytest.raises(UsageError, match="level 1"):
        rank_intervals(np.zeros(2), np.zeros((100, 2)), level=1.0)
    with pytest.raises(RefusedError, match="1 of 2 scores are undefined"):
        rank_intervals(np.array([np.nan, 1.0]), np.zeros((100, 2)))
