"""Coefficients of agreement as functions of how much each unit weighs, so that a bootstrap draws them all at once."""

from collections.abc import Callable
from itertools import combinations

import numpy as np

from sociolect.compare.interval import FloatArray, IntArray
from sociolect.errors import unknown

LEVELS = ("nominal", "ordinal", "interval")
MEASURES = ("agreement", "kappa", "alpha", "ac1")
Statistic = Callable[[FloatArray], FloatArray]  # weights of units (draws, units) -> values (draws,)


def statistic(ratings: FloatArray, measure: str, *, level: str = "nominal", categories: int | None = None) -> Statistic:
    """The measure as a function of the units' weights (draws, units) -> (draws,); ratings (units, raters), nan = none."""
    values = np.unique(ratings[~np.isnan(ratings)])
    codes = np.where(np.isnan(ratings), -1, np.searchsorted(values, ratings))
    if measure == "agreement":
        return _percent(codes, values)
    if measure == "kappa":
        return _kappa(codes, values)
    if measure == "alpha":
        return _alpha(codes, values, level)
    if measure == "ac1":
        return _ac1(codes, values, categories)
    raise unknown("measure of agreement", measure, MEASURES)


def _counts(codes: IntArray, k: int) -> FloatArray:
    """How often each unit was given each category (units, k)."""
    return np.stack([(codes == c).sum(1) for c in range(k)], axis=1).astype(float)


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(below > 0, above / below, np.nan))


def _percent(codes: IntArray, values: FloatArray) -> Statistic:
    c = _counts(codes, values.size)
    m = c.sum(1)
    paired = (m > 1).astype(float)
    alike = (c * (c - 1)).sum(1) / np.maximum(m * (m - 1), 1)
    return lambda w: _ratio(w @ (alike * paired), w @ paired)


def _kappa(codes: IntArray, values: FloatArray) -> Statistic:
    k, raters = values.size, range(codes.shape[1])
    tables = []
    for i, j in combinations(raters, 2):
        both = (codes[:, i] >= 0) & (codes[:, j] >= 0)
        tables.append(np.where(both[:, None], codes[:, [i]] * k + codes[:, [j]] == np.arange(k * k), 0.0))

    def one(w: FloatArray, table: FloatArray) -> FloatArray:
        cells = (w @ table).reshape(-1, k, k)
        n = np.maximum(cells.sum((1, 2)), 1e-300)
        seen = np.trace(cells, axis1=1, axis2=2) / n
        chance = (cells.sum(2) * cells.sum(1)).sum(1) / n**2
        return _ratio(np.where(1 - chance > 1e-12, seen - chance, np.nan), 1 - chance)

    return lambda w: np.asarray(np.mean([one(w, table) for table in tables], axis=0))


def _ac1(codes: IntArray, values: FloatArray, categories: int | None) -> Statistic:
    c = _counts(codes, values.size)
    k = max(categories or 0, values.size, 2)
    m = c.sum(1)
    shares, rated, seen = c / np.maximum(m, 1)[:, None], (m > 0).astype(float), _percent(codes, values)

    def one(w: FloatArray) -> FloatArray:
        share = (w @ shares) / np.maximum(w @ rated, 1e-300)[:, None]
        chance = (share * (1 - share)).sum(1) / (k - 1)
        return np.asarray((seen(w) - chance) / (1 - chance))

    return one


def _alpha(codes: IntArray, values: FloatArray, level: str) -> Statistic:
    """1 - observed over expected disagreement.

    The squared distances of all pairs of m numbers sum to 2 (m sum x^2 - (sum x)^2): the values themselves where the level
    is interval, their midranks where it is ordinal, which is the ordinal metric of Krippendorff (2011).
    """
    counts = _counts(codes, values.size)
    here = np.flatnonzero(counts.sum(1) > 1)
    counts = counts[here]
    m = counts.sum(1)
    steps = (values - values.mean()) / max(float(np.ptp(values)), 1e-300)  # alpha does not change with the unit

    def apart(held: FloatArray, x: FloatArray) -> FloatArray:
        size = held.sum(-1)
        if level == "nominal":
            return np.asarray(size**2 - (held**2).sum(-1))
        return np.asarray(2 * (size * (held * x**2).sum(-1) - (held * x).sum(-1) ** 2))

    def one(w: FloatArray) -> FloatArray:
        w = w[:, here]
        total = w @ counts  # how often each value stands in a pair (draws, values)
        n = total.sum(1)
        if level == "ordinal":  # midranks change with every draw
            x = np.cumsum(total, axis=1) - (total + n[:, None]) / 2
            spread = 2 * (m * (x**2 @ counts.T) - (x @ counts.T) ** 2)
        else:
            x, spread = steps[None], apart(counts, steps)[None]
        seen = (w * spread / (m - 1)).sum(1)
        due = apart(total, x)
        return 1 - _ratio(seen * (n - 1), np.where(due > 1e-9, due, 0.0))

    return one
