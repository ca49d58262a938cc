"""Inverse propensity weights: the categories made alike in what they were met with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from sociolect.compare.interval import FloatArray, IntArray
from sociolect.compare.propensity import LEAST, Flags, propensity
from sociolect.errors import UsageError


@dataclass(frozen=True, slots=True, eq=False)
class Weighting:
    """A weight for each of n rows, nan where the row is counted out; the reasons and counts are in `left_out`.

    `propensity` (n, c) is P(category | covariates), nan in rows counted out; `codes` (n,) the row's own category, -1 where
    out; `sampling` (n,) the sampling weights, ones without. `effective` is Kish's (sum w)^2 / sum w^2 and `share` that
    over the `n` rows that count; `truncated` counts weights cut to a quantile; `pooled` are the categories within "other".
    """

    weights: FloatArray
    propensity: FloatArray
    codes: IntArray
    sampling: FloatArray
    categories: tuple[str, ...]
    covariates: tuple[str, ...]
    n: int
    effective: float
    share: float
    truncated: int
    left_out: Mapping[str, int]
    pooled: tuple[str, ...]
    method: str

    def overlap(self) -> pl.DataFrame:
        """How the propensity of each category spreads over the rows that count, whatever their own category.

        Columns: category, n, share, then min, q01, q05, median, q95, q99 and max of P(category | covariates), the largest weight,
        Kish's effective n of the category and the share of its rows that is.
        """
        used = self.codes >= 0
        chance, own, weight = self.propensity[used], self.codes[used], self.weights[used]
        count = np.bincount(own, minlength=len(self.categories))
        effective = np.bincount(own, weight) ** 2 / np.bincount(own, weight**2)
        ends = np.quantile(chance, (0, 0.01, 0.05, 0.5, 0.95, 0.99, 1), axis=0)
        names = ("min", "q01", "q05", "median", "q95", "q99", "max")
        return pl.DataFrame({
            "category": self.categories, "n": count, "share": count / self.n, **dict(zip(names, ends, strict=True)),
            "largest": [weight[own == k].max() for k in range(count.size)],
            "effective": effective, "effective_share": effective / count,
        })  # fmt: skip


def weighting(
    rows: pl.DataFrame,
    category: str | Sequence[str],
    covariates: Sequence[str],
    *,
    stabilised: bool = True,
    trim: tuple[float, float] | None = None,
    drop: float | None = None,
    rare: Literal["refuse", "pool", "exclude"] = "refuse",
    least: int = LEAST,
    weight: str | None = None,
) -> Weighting:
    """Weights P(c) / P(c | z) by a multinomial logit: weighted so, every category meets the same covariates z.

    `category` is a column, or several that are crossed; the logit, `drop`, `rare`, `least` and `weight` (sampling weights,
    which then multiply the weights) are those of `propensity`. Not `stabilised`: 1 / P(c | z). Robins, Hernan and Brumback
    2000, doi 10.1097/00001648-200009000-00011; more than two categories: Imbens 2000, doi 10.1093/biomet/87.3.706.
    `trim=(.01, .99)` cuts weights beyond these quantiles, over all categories, to them: smaller errors, but a part of the
    bias stays (Cole and Hernan 2008), which is why it is off. These are sampling weights: errors are sandwich errors, and those that
    take the weights as known are a little too wide.

    Raises UsageError for quantiles out of order, and what `propensity` raises.

    >>> rows = pl.DataFrame({"close": ["no"] * 60 + ["yes"] * 40, "night": [0.0] * 45 + [1.0] * 15 + [0.0] * 10 + [1.0] * 30})
    >>> found = weighting(rows, "close", ["night"])
    >>> found.weights[[0, 45, 60, 70]].round(4).tolist(), round(found.share, 4)  # .6 / (45 / 55), ...
    ([0.7333, 1.8, 2.2, 0.6], 0.7576)
    """
    if trim is not None and not 0 <= trim[0] < trim[1] <= 1:
        raise UsageError(f"trim is {trim}; two quantiles in order are due, such as (.01, .99)")
    if drop is not None and not 0 < drop < 0.5:
        raise UsageError(f"drop is {drop}; a propensity above 0 and below .5 is due, such as .01")
    model = propensity(rows, category, covariates, drop=drop, rare=rare, least=least, weight=weight)
    used, chance = model.used, model.fit.probability
    own = model.codes[used]
    ratio = 1 / chance[np.arange(own.size), own]
    if stabilised:
        ratio *= np.bincount(own, model.weight)[own] / model.weight.sum()
    truncated = 0
    if trim is not None:
        low, high = np.quantile(ratio, trim)
        truncated = int(((ratio < low) | (ratio > high)).sum())
        ratio = np.clip(ratio, low, high)
    final = ratio * model.weight
    effective = float(final.sum() ** 2 / (final @ final))
    parts = [
        f"inverse propensity weights, {'stabilised' if stabilised else 'not stabilised'}, multinomial logit",
        "times sampling weights" if weight else "",
        f"{truncated} of {own.size} cut to the quantiles {trim[0]:g} and {trim[1]:g}" if trim else "",
        f"rows with a propensity below {drop:g} out" if drop else "",
        f"{', '.join(model.pooled)} pooled" if model.pooled else "",
    ]
    return Weighting(
        _spread(final, used), _spread(chance, used), model.codes, _spread(model.weight, used), model.categories,
        tuple(covariates), own.size, effective, effective / own.size, truncated, model.left_out, model.pooled,
        "; ".join(p for p in parts if p),
    )  # fmt: skip


def _spread(values: FloatArray, used: Flags) -> FloatArray:
    """The values at the places of the rows that count, nan elsewhere."""
    out = np.full((used.size, *values.shape[1:]), np.nan)
    out[used] = values
    return out
