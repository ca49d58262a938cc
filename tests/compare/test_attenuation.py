"""Attenuation: Shrout and Fleiss's table, planted reliability back, and slopes freed of noise in the metric of their fit."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect.compare.attenuation import draw_reliability, repeated_regression
from sociolect.errors import InputError, RefusedError, UsageError

GOLDEN = json.loads((Path(__file__).parent / "golden" / "honest.json").read_text())
JUDGED = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
)  # 1979, Table 2


def drawn(values: np.ndarray, condition: str = "all") -> pl.DataFrame:
    n, d = values.shape
    return pl.DataFrame({
        "item": [f"p{i}" for i in range(n) for _ in range(d)], "draw": list(range(d)) * n, "condition": condition, "tone": values.ravel().astype(float),
    })  # fmt: skip


def test_icc_is_shrout_and_fleiss_s() -> None:
    found = draw_reliability(drawn(JUDGED), "tone").row(0, named=True)
    np.testing.assert_allclose([found["estimate"], found["of_mean"]], GOLDEN["icc"], rtol=1e-12)
    assert (round(found["estimate"], 2), round(found["of_mean"], 2)) == (0.17, 0.44)  # as printed there, Table 4
    assert (found["draws"], found["units"], found["n"]) == (4.0, 6, 24)
    assert found["low"] < found["estimate"] < found["high"]


def test_unequal_draws_by_hand() -> None:
    rows = pl.DataFrame({"item": ["a"] * 3 + ["b"] * 2 + ["c"], "condition": "all", "tone": [1.0, 2, 3, 5, 6, 9]})
    found = draw_reliability(rows, "tone").row(0, named=True)
    # MSB 40.8333 / 2, MSW 2.5 / 3, n0 (6 - 14 / 6) / 2
    assert found["draws"] == pytest.approx(11 / 6)
    assert found["estimate"] == pytest.approx((20.4166667 - 0.8333333) / (20.4166667 + 5 / 6 * 0.8333333))


def test_planted_reliabilities_by_condition_are_covered_also_with_unequal_draws() -> None:
    held = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        parts = []
        for name, rho in (("all", 0.7), ("none", 0.4)):
            truth = rho**0.5 * (rng.gamma(2, size=300) - 2) / 2**0.5  # skewed, as tones are
            values = truth[:, None] + (1 - rho) ** 0.5 * rng.normal(size=(300, 3))
            parts.append(drawn(values, name).filter(pl.Series(rng.random(900) < 0.8)))
        found = draw_reliability(pl.concat(parts), "tone")
        held.append([lo <= rho <= hi for lo, hi, rho in zip(found["low"], found["high"], (0.7, 0.4), strict=True)])
    assert found["contrast"].to_list() == ["all", "none"]
    assert 0.89 <= np.mean(held) <= 0.99  # 120 intervals


def test_left_out_rows_are_counted_and_what_has_no_number_says_so() -> None:
    rows = drawn(JUDGED).with_columns(tone=pl.when(pl.col("draw") == 3).then(None).otherwise(pl.col("tone")))
    assert draw_reliability(rows, "tone")["left_out"].to_list() == [6]
    single = draw_reliability(rows.filter(pl.col("draw") == 0), "tone").row(0, named=True)
    assert single["estimate"] is None
    assert single["verdict"] == "not identified: 6 units with 6 draws in 6 clusters; units with two draws are due"
    flat = draw_reliability(rows.with_columns(tone=pl.lit(1.5)), "tone").row(0, named=True)
    assert (flat["estimate"], flat["verdict"]) == (None, "not identified: no draw differs from another")
    copied = draw_reliability(drawn(JUDGED[:, :1].repeat(2, axis=1)), "tone").row(0, named=True)
    assert (copied["estimate"], copied["low"]) == (1.0, None)
    assert copied["verdict"].startswith("warning: a unit's draws never differ")
    noise = draw_reliability(drawn(np.random.default_rng(1).normal(size=(50, 3))), "tone")
    assert noise["verdict"].to_list() == ["warning: units do not differ beyond their noise"]
    assert draw_reliability(rows[::-1], "tone").equals(draw_reliability(rows, "tone"))
    with pytest.raises(InputError, match="no column 'post', 'tune'"):
        draw_reliability(rows, "tune", cluster="post")
    with pytest.raises(UsageError, match="level is 95"):
        draw_reliability(rows, "tone", level=95)


def world(seed: int, *, posts: int = 250) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Reliability .70 of one draw, half of the truth's variance between posts; y = .5 x + a post's own intercept + noise."""
    rng = np.random.default_rng(seed)
    post = np.repeat(np.arange(posts), 4)
    x = 0.5**0.5 * (rng.normal(size=posts)[post] + rng.normal(size=post.size))
    draws = x[:, None] + (0.3 / 0.7) ** 0.5 * rng.normal(size=(post.size, 2))
    y = 0.5 * x + 0.6 * rng.normal(size=posts)[post] + 0.7 * rng.normal(size=post.size)
    return np.column_stack([np.ones(post.size), draws.mean(1)]), y, post, draws


@pytest.mark.parametrize("theta", [0.0, 0.7, 100.0])
def test_draws_free_the_slope_of_noise_in_any_metric(theta: float) -> None:
    found = []
    for seed in range(200):
        x, y, post, draws = world(seed)
        fit = repeated_regression(x, y, post, draws={1: draws}, group=post, theta=theta)
        low, high = fit.interval(1)
        found.append((fit.raw[1], fit.beta[1], low <= 0.5 <= high))
    raw, beta, held = np.mean(found, axis=0)
    assert abs(beta - 0.5) < 0.012
    assert 0.90 <= held <= 0.985
    # the mean of two draws has reliability .8235 over all rows, .7 within posts: trap 10
    assert raw == pytest.approx({0.0: 0.4118, 0.7: 0.385, 100.0: 0.35}[theta], abs=0.012)


def test_third_draws_of_some_rows_are_used_and_rows_with_one_refused() -> None:
    x, y, post, draws = world(1)
    more = np.column_stack([draws, np.where(post % 2 == 0, np.nan, draws.mean(1) + 0.1)])
    fit = repeated_regression(x, y, post, draws={1: more})
    # by hand: X'X less the sum of s^2 / d, s^2 the variance of a row's draws
    mean = np.nanmean(more, axis=1)
    noise = (np.nanvar(more, axis=1, ddof=1) / (~np.isnan(more)).sum(1)).sum()
    z = np.column_stack([np.ones(len(y)), mean])
    np.testing.assert_allclose(fit.beta, np.linalg.solve(z.T @ z - np.diag([0, noise]), z.T @ y), rtol=1e-10)
    more[3, 1:] = np.nan
    with pytest.raises(RefusedError, match="1 rows have fewer than two draws"):
        repeated_regression(x, y, post, draws={1: more})
    with pytest.raises(InputError, match=r"draws of column 1 are of shape \(3, 2\), not \(1000, d\)"):
        repeated_regression(x, y, post, draws={1: draws[:3]})
    with pytest.raises(UsageError, match="no draws"):
        repeated_regression(x, y, post, draws={})
    with pytest.raises(RefusedError, match="nothing of a noisy one is left"):
        repeated_regression(np.column_stack([x, x[:, 1]]), y, post, draws={1: draws, 2: draws})
