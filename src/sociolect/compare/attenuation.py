"""Noise in a predictor: how reliable one draw of a model is, and slopes freed of what its noise takes from them."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FEW, FloatArray, IntArray
from sociolect.compare.moment_equations import Corrected, checked, corrected, shrink, solve, whiten
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Effects


def draw_reliability(
    rows: pl.DataFrame,
    value: str,
    *,
    unit: str = "item",
    by: Sequence[str] = ("condition",),
    cluster: str | None = None,
    level: float = 0.95,
) -> Effects:
    """How much of the variance of one draw is not noise: the one-way intraclass correlation, per group of `by`.

    `rows` has one draw a row, the drawn number in `value` (on the scale of the regression: the logarithm where it takes
    logarithms), and the pair it answers for in `unit`. ICC(1,1) = (MSB - MSW) / (MSB + (n0 - 1) MSW), with n0 the mean
    number of draws less what unequal numbers take from it (Shrout and Fleiss 1979, Case 1). `of_mean` is that of the mean
    of a unit's n0 draws (Spearman-Brown). The interval is that of log((1 + (n0 - 1) r) / (1 - r)) by the delta method over
    clusters (default: units), with Student's t; no normal tones are assumed. Rows without a number are left out and counted.
    A group where no unit has two draws, or that does not vary, has null numbers, and `verdict` says so.

    Raises InputError where a column is missing.

    >>> drawn = pl.DataFrame({"item": ["a", "a", "b", "b", "c", "c"], "condition": ["all"] * 6, "tone": [1.0, 2, 4, 5, 8, 9]})
    >>> round(draw_reliability(drawn, "tone")["estimate"][0], 4)  # mean squares 24.67 and .5: 24.17 / 25.17
    0.9603
    """
    cluster = cluster or unit
    if missing := sorted({value, unit, cluster, *by} - set(rows.columns)):
        raise InputError(f"these rows have no column {', '.join(map(repr, missing))}: name others")
    if not 0 < level < 1:
        raise UsageError(f"level is {level}; it lies between 0 and 1, such as 0.95")
    groups = rows.partition_by(list(by), as_dict=True) if by else {(): rows}
    out: list[dict[str, object]] = []
    for name, group in sorted(groups.items(), key=lambda pair: tuple(map(str, pair[0]))):
        usable = pl.col(value).is_finite() & pl.col(unit).is_not_null() & pl.col(cluster).is_not_null()
        told = group.filter(usable.fill_null(False))
        row: dict[str, object] = dict.fromkeys(_COLUMNS) | dict(zip(by, name, strict=True))
        row |= {"measure": value, "contrast": ", ".join(map(str, name)) or "all", "n": told.height}
        row |= {"left_out": group.height - told.height, "method": f"one-way intraclass correlation, over {cluster}"}
        out.append(row | _icc(told, value, unit=unit, cluster=cluster, level=level))
    made = pl.DataFrame(out, schema_overrides=_COLUMNS, infer_schema_length=None)
    return frames.effects(made.select(*_COLUMNS, *(c for c in by if c not in _COLUMNS)))


_COLUMNS = {
    "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64,
    "of_mean": pl.Float64, "draws": pl.Float64, "units": pl.Int64, "clusters": pl.Int64, "left_out": pl.Int64,
    "verdict": pl.String, "method": pl.String,
}  # fmt: skip


def _icc(told: pl.DataFrame, value: str, *, unit: str, cluster: str, level: float) -> dict[str, object]:
    from scipy.special import stdtrit

    v = pl.col(value) - pl.col(value).mean()
    units = (
        told.with_columns(_v=v)
        .sort("_v")
        .group_by(pl.col(cluster).alias("_cluster"), pl.col(unit).alias("_unit"))
        .agg(n=pl.len(), s=pl.col("_v").sum(), q=pl.col("_v").pow(2).sum())
        .sort("_cluster", "_unit")
    )
    n, s, q = (units[c].to_numpy().astype(float) for c in ("n", "s", "q"))
    codes = units["_cluster"].rank("dense").to_numpy() - 1
    # units, draws, sum, sum of squares between, within, sum of squared numbers of draws
    parts = np.column_stack([np.ones_like(n), n, s, s**2 / np.maximum(n, 1), q - s**2 / np.maximum(n, 1), n**2])
    total = parts.sum(0)
    clusters = int(codes.max()) + 1 if len(codes) else 0
    counts: dict[str, object] = {"units": len(n), "clusters": clusters}
    if len(n) < 2 or clusters < 2 or total[1] == total[0]:
        return counts | {
            "verdict": f"not identified: {len(n)} units with {int(total[1])} draws in {clusters} clusters; units with two draws are due"
        }
    if q.sum() <= 1e-24 * len(told):
        return counts | {"verdict": "not identified: no draw differs from another"}
    estimate, turned, size = _of(total)
    if estimate >= 1 - 1e-12:
        return counts | {
            "estimate": 1.0,
            "of_mean": 1.0,
            "draws": size,
            "verdict": "warning: a unit's draws never differ: were they drawn anew?",
        }
    step = 1e-6 * np.maximum(np.abs(total), np.abs(parts).sum(0) * 1e-3)
    slope = np.array([(_of(total + h)[1] - _of(total - h)[1]) / (2 * h.sum()) for h in np.diag(step)])
    sums = np.stack([np.bincount(codes, column, minlength=clusters) for column in parts.T], axis=1)
    error = float((((sums - sums.mean(0)) @ slope) ** 2).sum() * clusters / (clusters - 1)) ** 0.5
    reach = float(stdtrit(clusters - 1, (1 + level) / 2)) * error
    low, high = ((np.exp(z) - 1) / (np.exp(z) + size - 1) for z in (turned - reach, turned + reach))
    few = f"warning: {clusters} clusters only" if clusters < FEW else "ok"
    said = "warning: units do not differ beyond their noise" if low <= 0 else few
    mean = size * estimate / (1 + (size - 1) * estimate)
    return counts | {"estimate": estimate, "low": low, "high": high, "of_mean": mean, "draws": size, "verdict": said}


def _of(total: FloatArray) -> tuple[float, float, float]:
    """The correlation, log((1 + (n0 - 1) r) / (1 - r)) = log(MSB / MSW), and n0."""
    k, n, s, between, within, squares = total.tolist()
    msb, msw = (between - s**2 / n) / (k - 1), within / (n - k)
    size = (n - squares / n) / (k - 1)
    down = msb + (size - 1) * msw
    tiny = 1e-300
    return (msb - msw) / max(down, tiny), float(np.log(max(msb, tiny) / max(msw, tiny))), size


def repeated_regression(
    x: FloatArray,
    y: FloatArray,
    cluster: IntArray,
    *,
    draws: Mapping[int, FloatArray],
    group: IntArray | None = None,
    theta: float = 0.0,
    weights: FloatArray | None = None,
) -> Corrected:
    """The same slopes where a predictor is the mean of repeated draws: their spread says how much of it is noise.

    `draws`, by column of x, holds (n, d) values, nan where there are fewer, two or more a row; column j of x is put to their
    mean. What noise adds to A'X, the diagonal of V^-1 times the covariance of each row's draws over their number, is taken off
    (Fuller 1987, Sec. 3.1, with V for the identity). Columns that are products of one noisy score with others bring the products
    of its draws, in the same order, so that their noise is known to be shared.

    Raises as `audited_regression`; RefusedError where rows have one draw only: nothing is known of their noise.

    >>> draws = np.array([[1.0, 1.2], [2.1, 1.9], [2.8, 3.2], [4.0, 4.0]])
    >>> found = repeated_regression(np.column_stack([np.ones(4), draws.mean(1)]), np.arange(4.0), np.arange(4), draws={1: draws})
    >>> float(found.raw[1].round(4)), float(found.beta[1].round(4))  # 4.85 / 4.7075, 4.85 / (4.7075 - .06)
    (1.0303, 1.0436)
    """
    if not draws:
        raise UsageError("no draws: name the columns that are means of draws")
    n, x = len(x), np.array(x, dtype=float)
    if faults := [
        f"draws of column {j} are of shape {d.shape}, not ({n}, d)"
        for j, d in draws.items()
        if d.ndim != 2 or len(d) != n
    ]:
        raise InputError("no correction: " + "; ".join(faults))
    counts = {j: (~np.isnan(d)).sum(1) for j, d in draws.items()}
    if alone := int(np.any([c < 2 for c in counts.values()], axis=0).sum()):
        raise RefusedError(f"{alone} rows have fewer than two draws: ask for a repeat, or leave these rows out")
    at = list(draws)
    for j in at:
        x[:, j] = np.nansum(draws[j], axis=1) / counts[j]
    x, y, weight, codes = checked(x, y, cluster, group=group, theta=theta, weights=weights)
    diagonal = weight - shrink(codes, theta, weight)[codes] * weight**2
    gaps = [np.where(np.isnan(draws[j]), 0.0, draws[j] - x[:, [j]]) for j in at]
    noise = np.zeros((n, len(at), len(at)))
    for a, one in enumerate(gaps):
        for b, two in enumerate(gaps):
            width = min(one.shape[1], two.shape[1])
            both = np.minimum(counts[at[a]], counts[at[b]])
            noise[:, a, b] = diagonal * (one[:, :width] * two[:, :width]).sum(1) / (both * (both - 1))
    around = whiten(x, codes, theta, weight)
    beta, influence = solve(around, x, y, cluster, noise=(at, noise))
    raw, before = solve(around, x, y, cluster)
    return corrected(beta, influence, raw, before, labelled=n, n=n, degrees=len(influence) - 1, surrogate={})
