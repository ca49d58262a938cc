"""Intervals and p-values that hold for a whole family of numbers at once."""

from dataclasses import dataclass

import numpy as np

from sociolect.compare.interval import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Simultaneous:
    """Estimates (k,) whose intervals all hold together at the level; `p` is adjusted for the whole family."""

    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    p: FloatArray


def simultaneous(estimate: FloatArray, samples: FloatArray, *, clusters: int, level: float = 0.95) -> Simultaneous:
    """Estimates (k,) with joint intervals from their bootstrap draws (draws, k): the single-step max-t method.

    Each draw's distance from the estimate, in standard errors, is as large as the largest of the k; the interval reaches
    as far as that maximum does in 95 of 100 draws (Romano and Wolf 2005, Sec. 4; Mogstad, Romano, Shaikh and Wilhelm
    2024). For few clusters the normal scale of the draws is read as Student's t, as `interval` does (ours).
    Draws with an undefined number are left out; a number that never varies is held for certain, with p 1 where it is 0.

    >>> noise = np.random.default_rng(1).normal(0, 1, (2000, 10))
    >>> found = simultaneous(np.zeros(10), noise, clusters=1000)
    >>> round(float(found.high.mean()), 1)
    2.8
    """
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    whole = samples[~np.isnan(samples).any(1)]
    if len(whole) < 2 or clusters < 2:
        none = np.full(estimate.shape, np.nan)
        return Simultaneous(estimate, none, none, none)
    degrees = clusters - 1.0
    drawn = whole.std(0, ddof=1)
    moves = drawn > 1e-12 * np.maximum(1.0, np.abs(estimate))
    scale = np.where(moves, drawn, 1.0)
    farthest = np.max(np.abs(whole - whole.mean(0)) / scale * moves, axis=1)
    reach = stdtrit(degrees, ndtr(np.quantile(farthest, level))) if moves.any() else 0.0
    error = drawn * np.sqrt(clusters / degrees)
    away = np.abs(estimate) / np.where(moves, error, 1.0)
    asked = -ndtri(np.clip(stdtr(degrees, -away), 1e-300, 1.0))
    beyond = 1 - np.searchsorted(np.sort(farthest), asked, side="left") / len(whole)
    # Clusters that all agree: n signs agree by chance in 2 of 2**n cases.
    flat = np.where(np.abs(estimate) <= 1e-12, 1.0, 0.5**degrees)
    p = np.clip(np.where(moves, beyond, flat), 1 / (len(whole) + 1), 1.0)
    return Simultaneous(estimate, estimate - reach * error * moves, estimate + reach * error * moves, p)
