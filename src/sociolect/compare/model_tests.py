"""Tests and predictions of a fitted regression: joint Wald, likelihood ratio, Nakagawa's R2, the fixed part of new rows."""

from collections.abc import Sequence
from math import fsum

import numpy as np
import polars as pl

from sociolect.compare.design import complete, matrix
from sociolect.compare.hotelling import hotelling
from sociolect.compare.interval import FloatArray
from sociolect.compare.mixed_effects import MixedEffects
from sociolect.errors import InputError, RefusedError, UsageError


def wald(fit: MixedEffects, columns: Sequence[str]) -> pl.DataFrame:
    """The joint test that all these coefficients are 0, per outcome: measure, statistic, df1, df2, p.

    Columns or terms by name. Model-based errors: chi2 on df1 (df2 null). Clustered ones: Hotelling's T2, F = chi2 / df1 times
    df2 / nu on (df1, df2 = nu - df1 + 1), with nu the clusters - 1; for CR2, and at most that for crossed clusters,
    the degrees of the covariance of all these coefficients (Tipton and Pustejovsky 2015, doi 10.3102/1076998615606099, HTZ; with
    very many clusters the smallest of the coefficients' own).

    Raises UsageError where no such column exists, RefusedError where no test can be made: as many columns as clusters (or as
    degrees of freedom), a singular covariance, a coefficient without a clustered error.

    >>> from sociolect.compare.mixed_effects import mixed_effects
    >>> fit = mixed_effects(pl.DataFrame({"y": [1.0, 2, 4], "x": [0.0, 1, 2]}), "y ~ x")
    >>> wald(fit, ["x"]).select(pl.col("statistic").round(6), "df1").row(0)  # the square of t = 1.5 / sqrt(1 / 12)
    (27.0, 1)
    """
    from scipy.special import chdtrc

    places = list(dict.fromkeys(j for c in columns for j in fit.places(c)))
    if not places:
        raise UsageError("no columns were named: a joint test needs one or more")
    q = len(places)
    if fit.errors != "model" and q >= fit.clusters:
        raise RefusedError(f"{q} columns cannot be tested jointly by {fit.clusters} clusters: name fewer columns")
    rows: list[tuple[object, ...]] = []
    for k, outcome in enumerate(fit.outcomes):
        beta, spread = fit.fit.beta[places, k], fit.covariance[k][np.ix_(places, places)]
        unit = np.sqrt(np.diag(spread))
        if without := [fit.columns[j] for j, u in zip(places, unit, strict=True) if np.isnan(u)]:
            raise RefusedError(
                f"{', '.join(without)} rests on one cluster alone and has no clustered error: leave it out"
            )
        if not (unit > 0).all() or np.linalg.cond(spread / np.outer(unit, unit)) > 1e12:
            raise RefusedError(
                f"the covariance of {', '.join(columns)} is singular for {outcome!r}: name fewer columns"
            )
        chi2 = float(beta @ np.linalg.solve(spread, beta))
        if fit.errors == "model":
            rows.append((outcome, chi2, q, None, float(chdtrc(q, chi2))))
            continue
        fewest = float(fit.degrees[places, k].min())
        degrees = fit.sandwich.joint(fit.x, fit.fit, k, places) if fit.sandwich else fewest
        value, df2, p = hotelling(chi2, q, degrees)
        if np.isnan(p):
            raise RefusedError(
                f"the clustered errors of {', '.join(columns)} have {degrees:.1f} degrees of freedom for {outcome!r}, too few to "
                f"test {q} columns jointly: name fewer columns"
            )
        rows.append((outcome, value, q, df2, p))
    return _frame(rows, {"statistic": pl.Float64, "df1": pl.Int64, "df2": pl.Float64, "p": pl.Float64})


def likelihood_ratio(full: MixedEffects, reduced: MixedEffects) -> pl.DataFrame:
    """What the larger model gains, per outcome: measure, chi2, df, p, and the gains in AIC and BIC (positive: better).

    Both are ML fits of the same rows, the columns of one among those of the other. A further random intercept counts one
    degree; its p is the mean of those on df - 1 and df degrees, because a variance cannot fall below 0 (Self and Liang 1987,
    doi 10.2307/2289471). BIC counts rows.

    Raises RefusedError for REML fits, fits of other rows, models that are not nested, or sampling weights (no likelihood).

    >>> from sociolect.compare.mixed_effects import mixed_effects
    >>> rows = pl.DataFrame({"y": [1.0, 2, 4], "x": [0.0, 1, 2]})
    >>> full, less = (mixed_effects(rows, f, reml=False) for f in ("y ~ x", "y ~ 1"))
    >>> likelihood_ratio(full, less).select(pl.col("chi2").round(4), "df").row(0)  # 3 log(14 / 3 / (1 / 6))
    (9.9966, 1)
    """
    from scipy.special import chdtrc

    faults = []
    if full.fit.reml or reduced.fit.reml:
        faults.append("REML likelihoods of different fixed parts are not comparable: fit both with reml=False")
    if "sampling" in {full.weighting, reduced.weighting}:
        faults.append("rows with sampling weights have no likelihood: test with wald")
    if full.outcomes != reduced.outcomes:
        faults.append("the outcomes differ")
    elif full.n != reduced.n or not np.allclose(full.centre, reduced.centre, rtol=1e-9, atol=0):
        faults.append(f"the fits rest on different rows ({full.n} and {reduced.n}): leave out the same ones in both")
    if lost := [*({*reduced.columns} - {*full.columns}), *({*reduced.groups} - {*full.groups})]:
        faults.append(f"the smaller model has what the larger has not: {', '.join(sorted(lost))}")
    more = len(full.groups) - len(reduced.groups)
    df = len(full.columns) - len(reduced.columns) + more
    if not faults and (df < 1 or more > 1):
        faults.append(
            f"the models differ by {df} parameters, {more} of them variances: one variance at most can be tested"
        )
    if faults:
        raise RefusedError(f"no likelihood ratio: {'; '.join(faults)}")
    rows = []
    for k, outcome in enumerate(full.outcomes):
        chi2 = max(float(reduced.fit.deviance[k] - full.fit.deviance[k]), 0.0)
        tails = [float(chdtrc(d, chi2)) if d else float(chi2 <= 0) for d in ([df - 1, df] if more else [df])]
        rows.append((outcome, chi2, df, fsum(tails) / len(tails), chi2 - 2 * df, chi2 - float(np.log(full.n)) * df))
    return _frame(rows, {"chi2": pl.Float64, "df": pl.Int64, "p": pl.Float64, "aic": pl.Float64, "bic": pl.Float64})


def r_squared(fit: MixedEffects) -> pl.DataFrame:
    """The share of variance the fixed part explains, and with the random intercepts: measure, marginal, conditional.

    Nakagawa and Schielzeth (2013), doi 10.1111/j.2041-210x.2012.00261.x, eq. 26-30; the variance of the fixed part is over n - 1.

    >>> from sociolect.compare.mixed_effects import mixed_effects
    >>> fit = mixed_effects(pl.DataFrame({"y": [1.0, 2, 4], "x": [0.0, 1, 2]}), "y ~ x")
    >>> r_squared(fit).select(pl.col("marginal").round(4)).row(0)  # 2.25 / (2.25 + 1 / 6)
    (0.931,)
    """
    between = fit.fit.tau2.sum(0)
    total = fit.explained + between + fit.fit.sigma2
    marginal, conditional = fit.explained / total, (fit.explained + between) / total
    rows = [(o, float(marginal[k]), float(conditional[k])) for k, o in enumerate(fit.outcomes)]
    return _frame(rows, {"marginal": pl.Float64, "conditional": pl.Float64})


def predict(fit: MixedEffects, rows: pl.DataFrame) -> FloatArray:
    """The fixed part X b of each row (n, k), random intercepts at 0; nan where a column the design uses is null.

    Raises InputError where a category has a level the fit does not know, a column is missing, or a value is infinite once
    transformed; RefusedError for a fit split within and between, whose columns rest on the groups it saw.

    >>> from sociolect.compare.mixed_effects import mixed_effects
    >>> fit = mixed_effects(pl.DataFrame({"y": [1.0, 2, 3], "x": [0.0, 1, 3]}), "y ~ x")
    >>> predict(fit, pl.DataFrame({"x": [1.0, None]})).round(4).ravel().tolist()
    [1.7857, nan]
    """
    if fit.split:
        raise RefusedError(f"columns are split within and between {fit.split}: predict from a fit without `within`")
    if missing := [c for c in fit.design.used if c not in rows.columns]:
        raise InputError(f"these rows do not fit the design: {'; '.join(f'column {c!r} is missing' for c in missing)}")
    numbered = rows.with_row_index("\0row")
    kept, _ = complete(numbered, fit.design.used)
    out = np.full((rows.height, len(fit.outcomes)), np.nan)
    if kept.height:
        out[kept["\0row"].to_numpy()] = matrix(fit.design, kept.drop("\0row")) @ fit.fit.beta
    return out


def _frame(rows: Sequence[tuple[object, ...]], schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"measure": pl.String, **schema}, orient="row")
