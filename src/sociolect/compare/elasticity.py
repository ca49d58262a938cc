"""How one noisy quantity moves with another: slope, correlation and ratio of spreads, with what drawing noise does to them."""

import numpy as np

from sociolect.compare.interval import FloatArray
from sociolect.compare.jointly import Codes, Jointly
from sociolect.errors import InputError

PARTS = ("slope", "correlation", "ratio of spreads", "reliability", "corrected slope", "corrected correlation")


def elasticity(y: FloatArray, x: FloatArray, codes: Codes, clusters: int) -> Jointly:
    """Six numbers about y (n,) and the repeats x (n, d) of what it is held against, in the order of `PARTS`, by clusters.

    With S the covariance of y and a repeat, V the variance of a repeat, T that of y, B the covariance of two repeats (the
    part of V that is no drawing noise): slope S / V, as least squares gives it; correlation S / sqrt(V T); ratio of
    spreads sqrt(T / V), so that slope = correlation x ratio: a slope falls where x exaggerates, and a correlation does not;
    reliability B / V (intraclass correlation of repeats, Shrout and Fleiss 1979, one-way); corrected slope S / B, what the
    slope were without drawing noise (Fuller 1987, Sec. 1.2), and correlation S / sqrt(B T). With one repeat, or B not above
    0, the last three are nan. Influences are those of the moments (delta method), summed by cluster.

    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> found = elasticity(y, np.column_stack([2 * y, 2 * y]), np.arange(4), 4)
    >>> found.estimate.round(6).tolist()
    [0.5, 1.0, 0.5, 1.0, 0.5, 1.0]
    """
    n, d = x.shape
    if len(y) != n or len(codes) != n or n < 3:
        raise InputError(
            f"{len(y)} and {n} values with {len(codes)} clusters: as many of each, and three or more, are due"
        )
    a, b = y - y.mean(), x - x.mean(0)
    t, s, v = a**2, a * b.mean(1), (b**2).mean(1)
    within = (d * b.mean(1)) ** 2 - (b**2).sum(1)
    between = within / (d * (d - 1)) if d > 1 else np.full(n, np.nan)
    moments = np.column_stack([s, v, t, between])
    mean = moments.mean(0)
    big_s, big_v, big_t, big_b = (float(m) for m in mean)
    big_b = big_b if big_b > 0 else np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        root_vt, root_bt, share = np.sqrt(big_v * big_t), np.sqrt(big_b * big_t), float(mean[3]) / big_v
        slope, ratio, fixed = big_s / big_v, np.sqrt(big_t / big_v), big_s / big_b
        estimate = np.array([slope, big_s / root_vt, ratio, share, fixed, big_s / root_bt])
        # the derivatives with respect to S, V, T, B
        slopes = np.array([
            [1 / big_v, -slope / big_v, 0, 0],
            [1 / root_vt, -big_s / root_vt / big_v / 2, -big_s / root_vt / big_t / 2, 0],
            [0, -ratio / big_v / 2, ratio / big_t / 2, 0],
            [0, -share / big_v, 0, 1 / big_v],
            [1 / big_b, 0, 0, -fixed / big_b],
            [1 / root_bt, 0, -big_s / root_bt / big_t / 2, -big_s / root_bt / big_b / 2],
        ])  # fmt: skip
    # sums by cluster first: six numbers of each row would be most of the memory
    sums = np.column_stack([np.bincount(codes, m, minlength=clusters) for m in (moments - mean).T]) / n
    influence = np.zeros((clusters, len(PARTS)))
    for j, row in enumerate(slopes):
        used = np.flatnonzero(row != 0)  # a moment that there is none of must not reach what does not need it
        influence[:, j] = sums[:, used] @ row[used]
    taken = len(np.unique(codes))
    return Jointly(estimate, influence * np.sqrt(taken / max(taken - 1, 1)), n)
