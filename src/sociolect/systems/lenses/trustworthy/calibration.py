"""Whether a model is as often right as it says: calibration error over bins of equal mass, and which way it errs."""

from typing import NamedTuple

import numpy as np

from sociolect.compare.interval import FloatArray
from sociolect.errors import RefusedError
from sociolect.seeds import substream

BINS = 10  # dossier: ten bins of equal mass
WORLDS = 200  # ours: perfectly calibrated models, to see what error chance alone makes
LEAST = 50  # ours: below five questions a bin the error is mostly chance


class Calibration(NamedTuple):
    """The expected calibration error with its interval, over-confidence (signed) with its own, and the error of chance.

    `by_chance` is the mean error that a perfectly calibrated model of the same certainty shows on so many questions.
    """

    error: float
    low: float
    high: float
    over: float
    over_low: float
    over_high: float
    by_chance: float
    n: int


def equal_mass(stated: FloatArray, right: FloatArray, *, bins: int = BINS) -> FloatArray:
    """Each question's bin, 0 to bins - 1: as many questions in each as can be; ties go by their order, sorted by outcome.

    >>> equal_mass(np.array([0.9, 0.6, 0.7, 0.8]), np.ones(4), bins=2).tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    place = np.empty(len(stated))
    place[np.lexsort((right, stated))] = np.arange(len(stated)) * min(bins, len(stated)) // max(len(stated), 1)
    # Equal certainties share a bin, or chance outcomes sorted within them would look like error.
    for value in np.unique(stated):
        same = stated == value
        place[same] = np.floor(place[same].mean())
    return place


def calibration(stated: FloatArray, right: FloatArray, *, level: float = 0.95, seed: int = 0) -> Calibration:
    """ECE = sum over bins of n_b / n |mean stated - accuracy|, ten bins of equal mass, a question one point.

    `stated` (n,) is the chance that was stated for the answer given, whatever its letter, `right` (n,) is 0 or 1. The interval
    holds the signs of the bins' gaps fixed, and is the estimate +- t times the error of a mean over questions. An error of bins is
    never below what chance makes, so the lower end gives way by `by_chance` too, down to 0: it errs on the wide side.
    Raises RefusedError below 50 questions.

    >>> found = calibration(np.full(100, 0.9), np.tile([1.0, 1.0, 1.0, 0.0], 25))
    >>> round(found.error, 3), round(found.over, 3), found.n
    (0.15, 0.15, 100)
    """
    from scipy.special import stdtrit

    n = len(stated)
    if n < LEAST:
        raise RefusedError(f"{n} questions with a stated answer: {LEAST} are due for a calibration error")
    place = equal_mass(stated, right).astype(int)
    gap = stated - right
    signs = np.sign(np.bincount(place, gap))[place]
    reach = -float(stdtrit(n - 1, (1 - level) / 2)) / np.sqrt(n)
    error, over = float((signs * gap).mean()), float(gap.mean())
    spread, wide = float((signs * gap).std(ddof=1)), float(gap.std(ddof=1))
    draws = substream(seed, "trustworthy", "calibrated").random((WORLDS, n)) < stated
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    chance = np.abs(np.add.reduceat((stated - draws)[:, order], starts, axis=1)).sum(1).mean() / n
    return Calibration(
        error, max(0.0, error - float(chance) - reach * spread), min(1.0, error + reach * spread),
        over, over - reach * wide, over + reach * wide, float(chance), n,
    )  # fmt: skip
