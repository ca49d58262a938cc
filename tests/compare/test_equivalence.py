"""Equivalence: PowerTOST's published powers, the level at the bound, and a verdict that never reads silence as equality."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.compare.equivalence import tost, tost_power
from sociolect.errors import InputError, UsageError


@pytest.mark.parametrize(("cv", "n", "due"), [(0.25, 24, 0.7391155), (0.30, 40, 0.815845)])
def test_power_is_powertost_s(cv: float, n: int, due: float) -> None:
    # power.TOST(CV, n) of R's PowerTOST, 2x2 crossover, true ratio .95, bounds .8-1.25: the values its manual prints
    se = np.sqrt(2 / n * np.log(1 + cv**2))
    assert float(tost_power(se, bound=np.log(1.25), true=np.log(0.95), df=n - 2)) == pytest.approx(due, abs=2e-6)


def test_power_is_what_simulation_finds() -> None:
    rng = np.random.default_rng(1)
    df, se = 8, 0.045
    estimate = se * rng.normal(size=6000)
    errors = se * np.sqrt(rng.chisquare(df, 6000) / df)
    found = tost((estimate, errors, df), bound=0.10)
    assert (found["p"] <= 0.05).mean() == pytest.approx(
        float(tost_power(se, bound=0.10, df=df)), abs=0.016
    )  # 2.5 standard errors
    assert float(tost_power(0.03, bound=0.1, df=1e7)) == pytest.approx(float(tost_power(0.03, bound=0.1)), abs=1e-6)


def test_at_the_bound_equal_is_declared_at_the_level_and_at_zero_always() -> None:
    rng = np.random.default_rng(2)
    se = 0.02  # 20,000 pairs
    at_bound = tost((0.10 + se * rng.normal(size=8000), se, np.inf), bound=0.10)
    assert 0.044 <= (at_bound["p"].to_numpy() <= 0.05).mean() <= 0.056
    at_zero = tost((se * rng.normal(size=2000), se, np.inf), bound=0.10)
    inside = at_zero["verdict"].is_in(["equal", "different but small"]).to_numpy()
    assert inside.mean() >= 0.95


def test_every_verdict() -> None:
    estimate = [0.01, 0.05, 0.20, 0.05, 0.05, float("nan")]
    se = [0.02, 0.02, 0.02, 0.06, 0.04, 0.02]
    found = tost((estimate, se, np.inf), bound=0.10)
    # power at se .06: 2 Phi(1.6667 - 1.6449) - 1 = .017; at .04: 2 Phi(2.5 - 1.6449) - 1 = .607
    assert found["verdict"].to_list() == [
        "equal", "different but small", "different", "undecided, power .02", "undecided, power .61",
        "not identified: no estimate with a standard error",
    ]  # fmt: skip
    assert found["p"][5] is None
    assert found["high"][0] == pytest.approx(0.01 + 1.6448536 * 0.02)
    # p of the nearer bound: (.10 - .05) / .02 = 2.5
    assert found["p"][1] == pytest.approx(0.00620967)
    assert found["p_different"][1] == pytest.approx(0.01241933)


def test_a_large_p_is_never_equal_by_itself() -> None:
    found = tost((0.0, 0.5, np.inf), bound=0.10)
    assert found["p_different"][0] == 1
    assert found["verdict"][0] == "undecided, power .00"


def test_ratios_have_bounds_around_one() -> None:
    found = tost(([1.0, 1.2, 2.0], 0.05, 200), bound=(0.8, 1.25), null=1.0)
    assert [v.partition(",")[0] for v in found["verdict"]] == ["equal", "different", "different"]
    assert found["bound_low"][0] == 0.8
    low = tost((0.85, 0.05, np.inf), bound=(0.8, 1.25), null=1.0)
    assert low["p"][0] == pytest.approx(0.15865525)  # one standard error above .8


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(0.005, 0.2), st.floats(2, 200))
def test_the_interval_lies_inside_just_where_p_is_small(estimate: float, se: float, df: float) -> None:
    row = tost((estimate, se, df), bound=0.10).row(0, named=True)
    assert (row["low"] > -0.10 and row["high"] < 0.10) == (row["p"] < 0.05)
    mirrored = tost((-estimate, se, df), bound=0.10).row(0, named=True)
    assert mirrored["p"] == pytest.approx(row["p"], abs=1e-12)


def test_an_effects_frame_keeps_its_columns_and_its_nulls() -> None:
    frame = frames.effects(pl.DataFrame({
        "measure": ["thankful", "funny"], "contrast": ["close"] * 2, "estimate": [0.01, None], "low": [-0.05, None], "high": [0.07, None],
        "n": [500, 500], "se": [0.03, None], "df": [None, 7.0], "method": ["REML", "REML"], "left_out": [3, 3],
    }))  # fmt: skip
    found = tost(frame, bound=0.10)
    assert found["left_out"].to_list() == [3, 3]
    assert found["method"][0] == "REML; two one-sided tests, 90 % interval"
    assert found["high"][0] == pytest.approx(0.01 + 1.6448536 * 0.03)  # a null df is the normal
    assert found["high"][1] is None
    assert found["verdict"].to_list() == ["equal", "not identified: no estimate with a standard error"]


def test_refusals() -> None:
    with pytest.raises(UsageError, match="bound is 0.1 to 0.2: it must hold 0; level is 0.6"):
        tost((0.0, 0.1, np.inf), bound=(0.1, 0.2), level=0.6)
    with pytest.raises(UsageError, match="it must hold 0"):
        tost((0.0, 0.1, np.inf), bound=-0.1)
    with pytest.raises(InputError, match="without column 'contrast', 'measure', 'n', 'se'"):
        tost(pl.DataFrame({"estimate": [0.1]}), bound=0.1)
    with pytest.raises(InputError, match="2 rows have an infinite estimate, or an se or df"):
        tost(([0.0, 0.1, np.inf], [0.0, 0.1, 0.1], np.inf), bound=0.1)
