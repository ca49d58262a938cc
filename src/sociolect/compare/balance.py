"""How alike the categories are in their covariates, before and after weighting."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from sociolect.compare.interval import FloatArray, IntArray
from sociolect.compare.propensity import columns
from sociolect.compare.weighting import Weighting
from sociolect.errors import InputError, UsageError, unknown

DUE = 0.10  # Austin 2009, doi 10.1002/sim.3697; Stuart, Lee and Leacy 2013


def balance(
    rows: pl.DataFrame,
    weighting: Weighting,
    covariates: Sequence[str] | None = None,
    held_out: Sequence[str] = (),
    *,
    against: Literal["rest", "all"] = "rest",
    due: float = DUE,
) -> pl.DataFrame:
    """Standardised mean differences before and after weighting, a row per covariate (or level) and category.

    `rows` are those the weights were made of, in their order. A category's mean less the mean of all others (`against="rest"`) in
    units of sqrt((var + var) / 2), or less the mean of everybody in units of everybody's sd ("all"; McCaffrey et al. 2013,
    doi 10.1002/sim.5753). Both are weighted, `before` with the sampling weights alone; the units are those before weighting
    on either side, so that a fall is a fall of the difference. `covariates`: those of the weighting, or others;
    `held_out` are negative controls, left out of the propensity: what stays there says what the weights do not see.

    Columns: covariate, level (null for numbers), category, before, after, balanced (within `due` after), held_out, n,
    left_out (rows that count but lack the covariate). A covariate that does not vary has null differences.

    Raises InputError where rows and weights differ in number or a column is missing, UsageError where a held-out covariate
    was in the propensity.

    >>> from sociolect.compare.weighting import weighting
    >>> rows = pl.DataFrame({"close": ["no"] * 60 + ["yes"] * 40, "night": [0.0] * 45 + [1.0] * 15 + [0.0] * 10 + [1.0] * 30})
    >>> told = balance(rows, weighting(rows, "close", ["night"])).filter(category="yes")
    >>> told.select(pl.col("before", "after").round(6)).row(0)  # .5 / sqrt((.1875 + .1875) / 2)
    (1.154701, 0.0)
    """
    named = list(weighting.covariates if covariates is None else covariates)
    if against not in ("rest", "all"):
        raise unknown("side to compare with", against, ("rest", "all"))
    if both := sorted(set(held_out) & set(weighting.covariates)):
        raise UsageError(
            f"{', '.join(map(repr, both))} made the weights and cannot be held out: weigh without, or list with covariates"
        )
    faults = [f"column {c!r} is missing" for c in (*named, *held_out) if c not in rows.columns]
    if rows.height != weighting.codes.size:
        faults.append(f"there are {rows.height} rows and {weighting.codes.size} weights")
    if faults:
        raise InputError("no balance can be told: " + "; ".join(faults))
    used = weighting.codes >= 0
    table = columns(rows, [*dict.fromkeys([*named, *held_out])])
    values, codes, count = table.values[used], weighting.codes[used], len(weighting.categories)
    first, second = weighting.sampling[used], weighting.weights[used]
    out: dict[str, list[object]] = {c: [] for c in _COLUMNS}
    for j, (covariate, level) in enumerate(zip(table.covariate, table.level, strict=True)):
        here = np.isfinite(values[:, j])
        value, own = values[here, j], codes[here]
        before, spread = _differences(value, own, first[here], count, against)
        after, _ = _differences(value, own, second[here], count, against)
        # means of a constant differ by rounding alone
        still = ~(spread > 1e-12 * max(np.abs(value).max(initial=0.0), 1e-300))
        units = np.where(still, np.nan, spread)
        met = np.bincount(own, minlength=count)
        for k, name in enumerate(weighting.categories):
            said = (before[k] / units[k], after[k] / units[k])
            known = bool(np.isfinite(said).all())
            row = (covariate, level, name, *(said if known else (None, None)), abs(said[1]) < due if known else None,
                   covariate in held_out, int(met[k]), int((~here[codes == k]).sum()))  # fmt: skip
            for column, cell in zip(_COLUMNS, row, strict=True):
                out[column].append(cell)
    return pl.DataFrame(out, schema=_COLUMNS)


_COLUMNS = {
    "covariate": pl.String, "level": pl.String, "category": pl.String, "before": pl.Float64, "after": pl.Float64,
    "balanced": pl.Boolean, "held_out": pl.Boolean, "n": pl.Int64, "left_out": pl.Int64,
}  # fmt: skip


def _differences(
    value: FloatArray, codes: IntArray, weight: FloatArray, count: int, against: str
) -> tuple[FloatArray, FloatArray]:
    """Each category's weighted mean less that of the others, and the unit: a standard deviation under the same weights."""
    middle = value.mean() if value.size else 0.0
    moved = value - middle
    sums = [np.bincount(codes, weight * moved**power, minlength=count) for power in (0, 1, 2)]
    total = [s.sum() for s in sums]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, square = sums[1] / sums[0], sums[2] / sums[0]
        if against == "all":
            spread = total[2] / total[0] - (total[1] / total[0]) ** 2
            return mean - total[1] / total[0], np.sqrt(np.full(count, max(float(spread), 0.0)))
        rest = [t - s for t, s in zip(total, sums, strict=True)]
        other = rest[1] / rest[0]
        spread = np.maximum(square - mean**2, 0) + np.maximum(rest[2] / rest[0] - other**2, 0)
        return mean - other, np.sqrt(spread / 2)
