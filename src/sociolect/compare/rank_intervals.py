"""The places of things whose scores come with bootstrap draws: how far each could move, and how often it is first."""

import numpy as np
import polars as pl

from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, RefusedError, UsageError


def rank_intervals(scores: FloatArray, samples: FloatArray, *, level: float = 0.95) -> pl.DataFrame:
    """One row per score (k,): its `rank`, 1 the highest, with `low` and `high`, and `first`, the share of draws it leads.

    `samples` (draws, k) are the same scores of voters, or other units, drawn with replacement; equal scores share the mean of
    their places. `low` and `high` are the outer quantiles of a thing's own places over the draws, drawn apart to whole or
    half places and to the estimate: they hold one thing at a time, and where things tie nearly they are no exact
    intervals (Hall and Miller 2009, Annals of Statistics 37). `compare.ranking` has ranks that hold together, of means.
    A draw with an undefined score is left out and counted in `undefined`; more than 1% of them give no interval.
    Raises InputError for arrays that do not fit, UsageError for fewer than 100 draws, RefusedError for an undefined score.

    >>> drawn = np.array([[3.0, 2.0, 1.0]] * 190 + [[2.0, 3.0, 1.0]] * 10)
    >>> rank_intervals(np.array([3.0, 2.0, 1.0]), drawn).rows()
    [(1.0, 1.0, 2.0, 0.95, 0), (2.0, 1.0, 2.0, 0.05, 0), (3.0, 3.0, 3.0, 0.0, 0)]
    """
    if scores.ndim != 1 or samples.ndim != 2 or samples.shape[1] != scores.size:
        raise InputError(f"scores {scores.shape} and draws {samples.shape}: due are (k,) and (draws, k)")
    if len(samples) < 100 or not 0 < level < 1:
        raise UsageError(f"{len(samples)} draws at level {level}: due are 100 or more, and a level between 0 and 1")
    if np.isnan(scores).any():
        raise RefusedError(
            f"{int(np.isnan(scores).sum())} of {scores.size} scores are undefined: there is no order of them"
        )
    whole = samples[~np.isnan(samples).any(1)]
    undefined = len(samples) - len(whole)
    place = ranks(scores)
    drawn = ranks(whole)
    none = np.full(scores.size, np.nan)
    low, high, first = none, none, none
    if undefined <= 0.01 * len(samples):
        tail = (1 - level) / 2
        low = np.minimum(place, np.quantile(drawn, tail, axis=0, method="lower"))
        high = np.maximum(place, np.quantile(drawn, 1 - tail, axis=0, method="higher"))
        top = drawn == drawn.min(1, keepdims=True)
        first = (top / top.sum(1, keepdims=True)).mean(0)
    table = pl.DataFrame({"rank": place, "low": low, "high": high, "first": first})
    return table.with_columns(pl.all().fill_nan(None), undefined=pl.lit(undefined, pl.Int64))


def ranks(scores: FloatArray) -> FloatArray:
    """Places within each row (..., k), 1 the highest; equal scores share the mean of their places.

    Scores nearer than one part in 10**9 of the row's largest are equal.

    >>> ranks(np.array([[0.2, 0.5, 0.2]])).tolist()
    [[2.5, 1.0, 2.5]]
    """
    from scipy.stats import rankdata

    top = np.abs(scores).max(-1, keepdims=True, initial=0.0)
    told = np.round(np.divide(scores, top, out=np.zeros_like(scores, dtype=float), where=top > 0), 9)
    return np.asarray(rankdata(-told, axis=-1), dtype=float)
