"""Joint tests, likelihood ratios, Nakagawa's R2 and predictions: values of lme4, closed forms, refusals."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2, f

from sociolect.compare.mixed_effects import mixed_effects
from sociolect.compare.model_tests import likelihood_ratio, predict, r_squared, wald
from sociolect.errors import InputError, RefusedError, UsageError

I = np.arange(240)
GROUP = (I * I + 3 * I) % 37
X1 = ((37 * I) % 101) / 101 - 0.5
_E = ((13 * I * I + 7 * I) % 97) / 97 - 0.5
_U, _V = ((5 * GROUP**2 + 2 * GROUP) % 37) / 37 - 0.5, (((7 * I) % 23) ** 2 % 23) / 23 - 0.5
Y = 1 + 0.5 * X1 - 0.25 * (I % 3 == 1) + 0.1 * (I % 3 == 2) + _U + 0.6 * _V + _E
ROWS = pl.DataFrame(
    {"g": GROUP, "c": (7 * I) % 23, "x1": X1, "k": (I % 3).astype(str), "y": Y, "e": _E, "w": 1 + I % 2}
)
FULL = "y ~ x1 + k + (1 | g)"


def test_the_gain_of_three_columns_is_lme4s() -> None:
    full, less = (mixed_effects(ROWS, formula, reml=False) for formula in (FULL, "y ~ 1 + (1 | g)"))
    found = likelihood_ratio(full, less).row(0, named=True)
    assert (found["chi2"], found["df"]) == (pytest.approx(104.94756414, abs=1e-7), 3)
    assert found["p"] == pytest.approx(float(chi2.sf(104.94756414, 3)))
    assert found["aic"] == pytest.approx(104.94756414 - 6)
    assert found["bic"] == pytest.approx(104.94756414 - 3 * np.log(240))


def test_a_variance_is_tested_at_its_boundary() -> None:
    """The mean of chi2 on 0 and on 1 degree of freedom (Self and Liang 1987, case 5)."""
    full, less = (mixed_effects(ROWS, formula, reml=False) for formula in ("y ~ x1 + (1 | g)", "y ~ x1"))
    found = likelihood_ratio(full, less).row(0, named=True)
    assert found["p"] == pytest.approx(float(chi2.sf(found["chi2"], 1)) / 2)
    both = likelihood_ratio(full, mixed_effects(ROWS, "y ~ 1", reml=False)).row(0, named=True)
    assert both["p"] == pytest.approx(float(chi2.sf(both["chi2"], 1) + chi2.sf(both["chi2"], 2)) / 2)
    none = likelihood_ratio(*(mixed_effects(ROWS, formula, reml=False) for formula in ("e ~ x1 + (1 | g)", "e ~ x1")))
    assert none.select("chi2", "p").row(0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("full", "less", "says"),
    [
        ((FULL, {}), ("y ~ 1 + (1 | g)", {}), "REML likelihoods"),
        ((FULL, {"reml": False}), ("e ~ 1 + (1 | g)", {"reml": False}), "outcomes differ"),
        ((FULL, {"reml": False}), ("y ~ c + (1 | g)", {"reml": False}), "has what the larger has not: c"),
        ((FULL, {"reml": False}), (FULL, {"reml": False}), "differ by 0 parameters"),
        (("y ~ x1 + (1 | g) + (1 | c)", {"reml": False}), ("y ~ x1", {"reml": False}), "one variance at most"),
        ((FULL, {"reml": False}), ("y ~ 1 + (1 | g)", {"reml": False, "weights": "half"}), "rest on different rows"),
        (("y ~ x1", {"reml": False, "weights": "w", "weighting": "sampling", "cluster": "g"}), ("y ~ 1", {"reml": False}),
         "sampling weights have no likelihood"),
    ],
)  # fmt: skip
def test_likelihoods_that_cannot_be_compared_are_refused(
    full: tuple[str, Any], less: tuple[str, Any], says: str
) -> None:
    rows = ROWS.with_columns(half=pl.int_range(240) % 2 * 1.0)
    with pytest.raises(RefusedError, match=says):
        likelihood_ratio(mixed_effects(rows, full[0], **full[1]), mixed_effects(rows, less[0], **less[1]))


def test_r_squared_is_nakagawas() -> None:
    found = r_squared(mixed_effects(ROWS, FULL)).row(0, named=True)
    assert (found["marginal"], found["conditional"]) == pytest.approx((0.199754639, 0.644327947), abs=1e-8)
    plain = r_squared(mixed_effects(ROWS, "y ~ x1")).row(0, named=True)
    assert plain["marginal"] == plain["conditional"]


def test_the_joint_test_of_one_column_is_its_t_squared() -> None:
    fit = mixed_effects(ROWS, FULL, errors="CR2")
    row = fit.summary(columns=["x1"]).row(0, named=True)
    found = wald(fit, ["x1"]).row(0, named=True)
    assert found["statistic"] == pytest.approx((row["estimate"] / row["se"]) ** 2)
    assert found["p"] == pytest.approx(row["p"], rel=1e-9)


def test_the_joint_test_of_a_term() -> None:
    fit = mixed_effects(ROWS, FULL)
    beta, v = fit.fit.beta[2:, 0], fit.covariance[0][2:, 2:]
    due = float(beta @ np.linalg.inv(v) @ beta)
    found = wald(fit, ["k"]).row(0, named=True)
    assert (found["statistic"], found["df1"], found["df2"]) == (pytest.approx(due), 2, None)
    assert found["p"] == pytest.approx(float(chi2.sf(due, 2)))
    robust = mixed_effects(ROWS, FULL, errors="CR1")
    found = wald(robust, ["k[T.1]", "k[T.2]", "k"]).row(0, named=True)
    assert (found["df1"], found["df2"]) == (2, 17.0)  # Hotelling's T2 with 19 clusters - 1
    v = robust.covariance[0][2:, 2:]
    assert found["statistic"] == pytest.approx(float(beta @ np.linalg.inv(v) @ beta) / 2 * 17 / 18)
    assert found["p"] == pytest.approx(float(f.sf(found["statistic"], 2, 17)))


def test_joint_tests_of_several_outcomes_are_those_of_each() -> None:
    """Outcomes of different ratios of variances rest on different shares of the clusters."""
    both = wald(mixed_effects(ROWS, "~ x1 + k + (1 | g)", outcomes=["y", "e", "c"], errors="CR2"), ["x1", "k"])
    for row in both.iter_rows(named=True):
        one = wald(mixed_effects(ROWS, f"{row['measure']} ~ x1 + k + (1 | g)", errors="CR2"), ["x1", "k"]).row(
            0, named=True
        )
        for key in ("statistic", "df2", "p"):
            assert row[key] == pytest.approx(one[key], rel=1e-8)
    assert both["df2"].n_unique() > 1


def test_joint_tests_that_cannot_be_made() -> None:
    fit = mixed_effects(ROWS, FULL)
    with pytest.raises(UsageError, match="no column 'kk'"):
        wald(fit, ["kk"])
    with pytest.raises(UsageError, match="no columns were named"):
        wald(fit, [])
    few = mixed_effects(ROWS.with_columns(t=pl.int_range(240) % 3), "y ~ x1 + k + c", errors="CR1", cluster="t")
    with pytest.raises(RefusedError, match="3 columns cannot be tested jointly by 3 clusters"):
        wald(few, ["x1", "k"])
    one = ROWS.with_columns(t=pl.int_range(240) % 4).with_columns(s=(pl.col("t") == 2).cast(pl.Float64))
    alone = mixed_effects(one, "y ~ x1 + s", errors="CR1", cluster="t")
    assert alone.summary()["method"][0].endswith("; no error for Intercept, s: one cluster alone makes it out") is False
    assert "; no error for s: one cluster alone makes it out" in alone.summary()["method"][0]
    with pytest.raises(RefusedError, match="s rests on one cluster alone and has no clustered error"):
        wald(alone, ["x1", "s"])
    uneven = ROWS.with_columns(
        t=pl.when(pl.int_range(240) < 225).then(pl.int_range(240) // 225).otherwise(pl.int_range(240) % 5 + 1)
    )
    heavy = mixed_effects(uneven, "y ~ x1 + k", errors="CR2", cluster="t")
    with pytest.raises(
        RefusedError, match=r"errors of x1, k have \d.\d degrees of freedom for 'y', too few to test 3 columns"
    ):
        wald(heavy, ["x1", "k"])


def test_predictions_are_the_fixed_part() -> None:
    fit = mixed_effects(ROWS, "~ x1*k + (1 | g)", outcomes=["y", "e"])
    new = pl.DataFrame({"x1": [0.5, None, 0.25], "k": ["1", "1", "0"]})
    found = predict(fit, new)
    b = dict(zip(fit.columns, fit.fit.beta, strict=True))
    assert found[0] == pytest.approx(b["Intercept"] + b["k[T.1]"] + 0.5 * (b["x1"] + b["x1:k[T.1]"]))
    assert np.isnan(found[1]).all()
    assert found[2] == pytest.approx(b["Intercept"] + 0.25 * b["x1"])


def test_rows_that_cannot_be_predicted() -> None:
    fit = mixed_effects(ROWS, FULL)
    with pytest.raises(InputError, match="column 'k' holds '9'; the fit knows 0, 1, 2"):
        predict(fit, pl.DataFrame({"x1": [0.1], "k": ["9"]}))
    with pytest.raises(InputError, match="column 'k' is missing"):
        predict(fit, pl.DataFrame({"x1": [0.1]}))
    with pytest.raises(RefusedError, match="split within and between g"):
        predict(mixed_effects(ROWS, FULL, within="g"), ROWS)
