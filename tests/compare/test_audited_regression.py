"""Audited regressions: planted slopes behind a noisy scorer, and a scorer that errs more on models than on people."""

import numpy as np
import pytest

from sociolect.compare.audited_regression import audited_regression, error_gap
from sociolect.compare.moment_equations import corrections
from sociolect.errors import InputError, RefusedError, UsageError


def world(seed: int, *, n: int = 4000, audit: int = 1000, reliability: float = 0.7) -> tuple[np.ndarray, ...]:
    """4,000 pairs in 1,000 posts, an audit of 1,000: the truth x of the score w, y = .5 x + a post's intercept + noise."""
    rng = np.random.default_rng(seed)
    post = np.repeat(np.arange(n // 4), 4)
    x = 0.5**0.5 * (rng.normal(size=n // 4)[post] + rng.normal(size=n))
    w = x + ((1 - reliability) / reliability) ** 0.5 * rng.normal(size=n)
    y = 0.5 * x + 0.6 * rng.normal(size=n // 4)[post] + 0.7 * rng.normal(size=n)
    truth = np.full(n, np.nan)
    at = rng.choice(n, audit, replace=False)
    truth[at] = x[at]
    return np.column_stack([np.ones(n), w]), y, post, truth


@pytest.mark.parametrize("theta", [0.0, 0.7])
def test_reliability_70_raw_35_corrected_50(theta: float) -> None:
    found = []
    for seed in range(150):
        x, y, post, truth = world(seed)
        fit = audited_regression(x, y, post, predictors={1: truth}, group=post, theta=theta)
        low, high = fit.interval(1)
        found.append((fit.raw[1], fit.beta[1], low <= 0.5 <= high, fit.shifted(1) < 0.01, fit.surrogate[1] < 0.05))
    raw, beta, held, seen, warned = np.mean(found, axis=0)
    assert abs(beta - 0.5) < 0.01
    assert 0.90 <= held <= 0.985
    assert seen == 1
    assert warned < 0.12
    # the pooled slope falls to .35; in the metric of a random intercept to less, so that / .70 gives too little (trap 10)
    assert raw == pytest.approx(0.35, abs=0.01) if theta == 0 else raw < 0.32


def test_equal_truth_and_unequal_noise_make_a_contrast_only_before_the_correction() -> None:
    found = []
    for seed in range(150):
        one, two = world(seed, n=2000, audit=500), world(seed + 10_000, n=2000, audit=500, reliability=0.4)
        w = np.concatenate([one[0][:, 1], two[0][:, 1]])
        arm = np.repeat([0.0, 1.0], 2000)
        x = np.column_stack([np.ones(4000), arm, w, w * arm])
        truth = np.concatenate([one[3], two[3]])
        y, post = np.concatenate([one[1], two[1]]), np.concatenate([one[2], two[2] + 500])
        fit = audited_regression(x, y, post, predictors={2: truth, 3: truth * arm})
        low, high = fit.interval(3)
        raw = abs(fit.raw[3]) > 1.98 * fit.raw_covariance[3, 3] ** 0.5
        found.append((raw, low <= 0 <= high, fit.beta[3]))
    raw_seen, held, gap = np.mean(found, axis=0)
    assert raw_seen > 0.95
    assert 0.90 <= held <= 0.985
    assert abs(gap) < 0.015


def verdicts(seed: int, *, n: int = 4000, picked: int = 1000) -> tuple[np.ndarray, ...]:
    """Half people, half models, the same share of positives; sensitivity .9 on people and .8 on models, specificity .95."""
    rng = np.random.default_rng(seed)
    thread = np.repeat(np.arange(n // 4), 4)
    model = np.tile([0.0, 1.0], n // 2)
    y = (rng.random(n) < 0.4 + 0.2 * (rng.random(n // 4)[thread] - 0.5)).astype(float)
    hit = np.where(model == 1, 0.8, 0.9)
    f = np.where(y == 1, rng.random(n) < hit, rng.random(n) < 0.05).astype(float)
    # labels where the verdict is 1 are picked twice as often, by design
    chance = np.where(f == 1, 2.0, 1.0) * picked / (n + f.sum())
    return np.column_stack([np.ones(n), model]), f, thread, np.where(rng.random(n) < chance, y, np.nan), chance, y


def test_a_gap_in_sensitivity_is_corrected_by_design() -> None:
    found = []
    for seed in range(250):
        x, f, thread, label, chance, _ = verdicts(seed)
        fit = audited_regression(x, f, thread, outcome=label, chance=chance)
        low, high = fit.interval(1)
        found.append((fit.raw[1], fit.beta[1], low <= 0 <= high, fit.beta[0]))
    raw, beta, held, level = np.mean(found, axis=0)
    assert raw == pytest.approx(-0.04, abs=0.004)  # .10 x .40
    assert abs(beta) < 0.006
    assert abs(level - 0.4) < 0.006
    assert 0.915 <= held <= 0.98


def test_all_rows_labelled_is_the_regression_on_the_truth() -> None:
    x, f, thread, _, _, y = verdicts(1, n=400)
    fit = audited_regression(x, f, thread, outcome=y)
    np.testing.assert_allclose(fit.beta, np.linalg.lstsq(x, y, rcond=None)[0], atol=1e-12)
    group = audited_regression(x, f, thread, outcome=y, group=thread, theta=0.5, weights=np.full(400, 2.0))
    v = np.kron(np.eye(100), np.linalg.inv(np.eye(4) / 2 + 0.5))
    np.testing.assert_allclose(group.beta, np.linalg.solve(x.T @ v @ x, x.T @ v @ y), atol=1e-12)
    truth = f + 0.1 * np.cos(np.arange(400))
    design = np.column_stack([x, f])
    both = audited_regression(design, f * 0.3 + y, thread, predictors={2: truth})
    # two stages, the score as instrument: (Z'X)^-1 Z'y
    true = np.column_stack([x, truth])
    np.testing.assert_allclose(both.beta, np.linalg.solve(design.T @ true, design.T @ (f * 0.3 + y)), atol=1e-10)
    cr1 = np.linalg.solve(design.T @ true, (design * ((f * 0.3 + y) - true @ both.beta)[:, None]).T)
    sums = np.add.reduceat(cr1.T, np.arange(0, 400, 4))
    np.testing.assert_allclose(both.covariance, sums.T @ sums * 100 / 99 * 399 / 397, atol=1e-14)
    at = np.random.default_rng(1).permutation(400)
    mixed = audited_regression(x[at], f[at], 99 - thread[at], outcome=y[at], group=thread[at], theta=0.5)
    np.testing.assert_allclose(
        mixed.beta, audited_regression(x, f, thread, outcome=y, group=thread, theta=0.5).beta, atol=1e-10
    )


def test_a_score_that_knows_the_outcome_is_warned_of() -> None:
    x, y, post, truth = world(3)
    fit = audited_regression(x, y + 0.3 * (x[:, 1] - np.nan_to_num(truth)), post, predictors={1: truth})
    assert fit.surrogate[1] < 1e-6


def test_rows_tell_the_corrected_and_the_raw() -> None:
    x, y, post, truth = world(4)
    fit = audited_regression(x, y, post, predictors={1: truth})
    rows = corrections(fit, outcome="thankful", columns=["Intercept", "log model"])
    row = rows.row(1, named=True)
    assert (row["contrast"], row["labelled"], row["n"], row["clusters"]) == ("log model", 1000, 4000, 1000)
    assert row["naive"] == fit.raw[1] < row["low"] < row["estimate"] < row["high"]
    assert row["p_shift"] < 1e-6 < row["surrogate"]
    assert rows["surrogate"][0] is None
    with pytest.raises(UsageError, match="1 columns are named"):
        corrections(fit, outcome="thankful", columns=["log model"])


def test_a_gap_of_10_hundredths_in_sensitivity_is_seen_with_500_labelled_positives_each() -> None:
    seen: list[bool] = []
    false: list[bool] = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        second, truth = np.repeat([False, True], 1000), np.tile([1.0, 0.0], 1000)
        for gap, out in ((0.1, seen), (0.0, false)):
            told = np.where(
                truth == 1, rng.random(2000) < np.where(second, 0.9 - gap, 0.9), rng.random(2000) < 0.05
            ).astype(float)
            rows = error_gap(told, truth, second, np.arange(2000)).filter(contrast="model - human")
            out.append(rows["p"][0] < 0.05)
    assert np.mean(seen) >= 0.9
    assert np.mean(false) <= 0.12
    row = error_gap(told, truth, second, np.arange(2000)).row(0, named=True)
    share = told[:1000][truth[:1000] == 1].mean()
    assert row["estimate"] == pytest.approx(share)
    assert row["se"] == pytest.approx((share * (1 - share) / 499) ** 0.5)  # a proportion of 500, G / (G - 1)
    none = error_gap(told, np.where(second, np.nan, truth), second, np.arange(2000))
    assert none.filter(contrast="model")["estimate"].to_list() == [None, None]
    # labels picked with unequal chances: weighed by one over them
    weighed = error_gap(
        np.array([1.0, 0, 1, 1]),
        np.ones(4),
        np.array([False, False, True, True]),
        np.arange(4),
        chance=np.array([0.2, 0.8, 1, 1]),
    )
    assert weighed["estimate"][0] == pytest.approx(5 / 6.25)


def test_refusals() -> None:
    x, y, post, truth = world(1, n=400, audit=100)
    with pytest.raises(UsageError, match="nothing to correct"):
        audited_regression(x, y, post)
    with pytest.raises(InputError, match="399 labels of column 1, 400 rows"):
        audited_regression(x, y, post, predictors={1: truth[1:]})
    with pytest.raises(InputError, match="column 1 is labelled in other rows than outcome"):
        audited_regression(x, y, post, outcome=y, predictors={1: truth})
    with pytest.raises(InputError, match="400 chances of being labelled are not above 0 and up to 1"):
        audited_regression(x, y, post, predictors={1: truth}, chance=0.0)
    with pytest.raises(InputError, match="1 labels of column 1 are infinite"):
        audited_regression(
            x, y, post, predictors={1: np.where(np.arange(400) == np.flatnonzero(~np.isnan(truth))[0], np.inf, truth)}
        )
    with pytest.raises(InputError, match="1 outcomes are not finite; 400 weights are not finite and above 0"):
        audited_regression(
            x, np.where(np.arange(400) == 0, np.nan, y), post, predictors={1: truth}, weights=np.zeros(400)
        )
    with pytest.raises(InputError, match="300 groups lie in more than one cluster"):
        audited_regression(x, y, np.arange(400), predictors={1: truth}, group=post, theta=1.0)
    with pytest.raises(UsageError, match="theta is 1"):
        audited_regression(x, y, post, predictors={1: truth}, theta=1.0)
    few = truth.copy()
    few[np.flatnonzero(~np.isnan(truth))[10:]] = np.nan
    with pytest.raises(RefusedError, match="10 labelled rows in .* clusters: 30 are due for 3 columns"):
        audited_regression(x, y, post, predictors={1: few})
    with pytest.raises(RefusedError, match="the columns depend on each other"):
        audited_regression(np.column_stack([x, x[:, 1]]), y, post, predictors={1: truth})
    with pytest.raises(RefusedError, match="hardly follows the truth"):
        audited_regression(x, y, post, predictors={1: np.where(np.isnan(truth), np.nan, np.cos(np.arange(400) ** 2))})
    with pytest.raises(RefusedError, match="in 1 clusters"):
        audited_regression(x, y, post * 0, predictors={1: truth})
    with pytest.raises(InputError, match="1 rows have a verdict or label other than 0 and 1"):
        error_gap(np.array([0.5, 1.0]), np.ones(2), np.array([False, True]), np.arange(2))
    with pytest.raises(InputError, match="2 verdicts, 3 labels"):
        error_gap(np.ones(2), np.ones(3), np.array([False, True]), np.arange(2))
