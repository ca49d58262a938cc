"""Shares, means and areas under the curve with intervals that count clusters, and the difference of two of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
NAN = float("nan")


class Found(NamedTuple):
    """An estimate, its interval (nan where there is none), and each row's pull on it: 0 for rows it does not rest on.

    Pulls summed by cluster are what varies: their sum of squares is `error` squared. `clusters` is the smallest number of
    clusters that any part of the estimate rests on.
    """

    estimate: float
    low: float
    high: float
    error: float
    pull: Floats
    clusters: int


def average(values: Floats, rows: Flags, group: Ints, *, share: bool, level: float = 0.95) -> Found:
    """The mean of the values over some rows; errors by cluster, as CR1 of a regression on a constant.

    Where all rows are one cluster each, the error is the standard deviation over the root of n. The interval of a `share`
    is that of `_share`, else estimate +- t x error with clusters - 1 degrees of freedom.

    >>> found = average(np.array([1.0, 2, 3, 4]), np.ones(4, dtype=bool), np.arange(4), share=False)
    >>> found.estimate, round(found.error, 6)
    (2.5, 0.645497)
    """
    return _settled(float(values[rows].mean()) if rows.any() else NAN, [(rows, values[rows])], group, share, level)


def area(chance: Floats, truth: Flags, rows: Flags, group: Ints, *, level: float = 0.95) -> Found:
    """The area under the ROC curve of `chance` for `truth` over some rows; ties count half.

    With one row per cluster the error is that of DeLong, DeLong and Clarke-Pearson 1988 (Eq. 5), from midranks as in Sun
    and Xu 2014. With larger ones the components are summed by cluster first, as in Obuchowski 1997 (her covariance term's
    I / (I - 1) is here the root of those of the two variances). nan where either outcome is absent.

    >>> p, y = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    >>> area(p, y, np.ones(4, dtype=bool), np.arange(4)).estimate
    0.75
    """
    from scipy.stats import rankdata

    yes, no = rows & truth, rows & ~truth
    m, n = int(yes.sum()), int(no.sum())
    if not m or not n:
        return Found(NAN, NAN, NAN, NAN, np.zeros(len(chance)), 0)
    rank = rankdata(np.concatenate([chance[yes], chance[no]]))
    above = (rank[:m] - rankdata(chance[yes])) / n
    below = 1 - (rank[m:] - rankdata(chance[no])) / m
    return _settled(float(above.mean()), [(yes, above), (no, below)], group, True, level)


def difference(one: Found, other: Found, group: Ints) -> Found:
    """One estimate less another on other rows: MOVER (Zou and Donner 2008, Eq. 8) from their two intervals.

    The correlation of the two is that of their pulls summed by cluster: 0 where they share no cluster. nan ends where either
    has no interval.
    """
    gap = one.estimate - other.estimate
    pull = one.pull - other.pull
    a, b = (np.bincount(group, each.pull) for each in (one, other))
    r = float(a @ b) / (one.error * other.error) if one.error > 0 and other.error > 0 else 0.0

    def reach(x: float, y: float) -> float:
        return float(np.sqrt(max(x * x + y * y - 2 * r * x * y, 0.0)))

    low = gap - reach(one.estimate - one.low, other.high - other.estimate)
    high = gap + reach(one.high - one.estimate, other.estimate - other.low)
    ends = (low, high) if np.isfinite([one.low, one.high, other.low, other.high]).all() else (NAN, NAN)
    return Found(gap, *ends, float(np.sqrt(np.square(a - b).sum())), pull, min(one.clusters, other.clusters))


def _settled(estimate: float, parts: Sequence[tuple[Flags, Floats]], group: Ints, share: bool, level: float) -> Found:
    """An estimate with its interval, out of the rows and values of each of the samples it is made of."""
    from scipy.special import stdtrit

    pull, fewest = np.zeros(len(group)), len(group)
    for rows, values in parts:
        clusters = len(np.unique(group[rows]))
        fewest = min(fewest, clusters)
        if clusters > 1:
            # n/(n-1) over clusters, in the root: variances add up as squares of pulls
            pull[rows] = (values - values.mean()) / len(values) * np.sqrt(clusters / (clusters - 1))
    error = float(np.sqrt(np.square(np.bincount(group, pull)).sum())) if fewest > 1 else NAN
    if fewest < 2:
        return Found(estimate, NAN, NAN, NAN, pull, fewest)
    if error < 1e-12:  # rounding of equal values
        return Found(
            estimate, *(_edge(estimate, fewest, level) if share else (NAN, NAN)), 0.0, np.zeros(len(group)), fewest
        )
    t = float(stdtrit(fewest - 1, (1 + level) / 2))
    if not share:
        return Found(estimate, estimate - t * error, estimate + t * error, error, pull, fewest)
    middle, wide = np.log(estimate / (1 - estimate)), t * error / (estimate * (1 - estimate))
    low, high = (float(1 / (1 + np.exp(-np.clip(middle + s * wide, -700, 700)))) for s in (-1, 1))
    return Found(estimate, low, high, error, pull, fewest)


def _edge(estimate: float, clusters: int, level: float) -> tuple[float, float]:
    """The interval of a share that did not vary: Clopper-Pearson's at 0 or 1 over so many clusters; between, there is none.

    Of an area of 1, as many pairs as clusters on the thinner side are independent, and all of them are in order.

    >>> [round(end, 4) for end in _edge(1.0, 10, 0.95)]
    [0.6915, 1.0]
    """
    reach = ((1 - level) / 2) ** (1 / clusters)
    if estimate > 1 - 1e-12:
        return reach, 1.0
    return (0.0, 1 - reach) if estimate < 1e-12 else (NAN, NAN)
