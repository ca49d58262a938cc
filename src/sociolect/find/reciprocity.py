"""Reciprocity: how much of a network is returned, and whether the tone of people and of their neighbours go together."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.find.relations import Floats, Ints, Pairs, Readings, paired
from sociolect.frames import Effects, Ties

_Row = tuple[float | None, float | None, float | None, int, int]


def reciprocity(ties: Ties, *, kinds: str | Sequence[str] | None = None, level: float = 0.95) -> Effects:
    """Reciprocity of a directed network, and where ties carry sentiment two correlations of it, with intervals.

    - reciprocity: the share of ties, kinds and weights apart, that are returned (Garlaschelli and Loffredo 2004,
      doi 10.1103/PhysRevLett.93.268701: r of eq. 1). n is the ties from one person to another; self ties are left out.
    - sentiment assortativity: whether people of one tone are tied. The correlation over tied pairs, each taken both ways, of the
      mean sentiment that the two give to all (Newman 2003, doi 10.1103/PhysRevE.67.026126). What the two say to each other
      is in their means. n is the pairs; left out are those where one gives no sentiment.
    - sentiment returned: the correlation over pairs, each taken both ways, of what the two give each other. n is the pairs with
      sentiment both ways; left out are the others.

    Pairs that share a person hang together: the intervals are robust to that, the squares of what leaving out each person moves,
    less what is counted twice (Aronow, Samii and Assenova 2015, doi 10.1093/pan/mpv018), on the scale of logits or of atanh.
    Mean tones are taken as known. Null where a number is not defined, or sits on its bound; `clusters` is the people.
    Errors as in `find.relations`.

    >>> t = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "d"), ("d", "c"), ("d", "a")]
    >>> rows = [{"source": s, "target": t, "kind": "reply", "weight": 1.0} for s, t in t]
    >>> reciprocity(frames.ties(pl.DataFrame(rows))).select("measure", pl.col("estimate").round(3), "n", "left_out").rows()
    [('reciprocity', 0.667, 6, 0)]
    """
    if not 0 < level < 1:
        raise UsageError(f"level is {level}, not between 0 and 1")
    net = paired(ties, kinds=kinds)
    found: dict[str, _Row] = {"reciprocity": _returned(net, level)}
    if net.there is not None and net.back is not None:
        tone = _tones(net, net.there, net.back)
        found["sentiment assortativity"] = _correlated(net, tone[net.a], tone[net.b], level)
        found["sentiment returned"] = _correlated(net, net.there.mean, net.back.mean, level)
    names = ("estimate", "low", "high", "n", "left_out")
    kinds_of = dict.fromkeys(names[:3], pl.Float64) | dict.fromkeys(names[3:], pl.Int64)
    frame = pl.DataFrame(list(found.values()), schema=kinds_of, orient="row").with_columns(
        measure=pl.Series(list(found)), contrast=pl.lit("all"), clusters=pl.lit(net.persons.len(), pl.Int64)
    )
    return frames.effects(frame.select(*frames.SHAPES["effects"].columns, "left_out", "clusters"))


def _returned(net: Pairs, level: float) -> _Row:
    back = 2.0 * ((net.given > 0) & (net.received > 0))
    ties = np.where(back > 0, 2.0, 1.0)
    n = int(ties.sum())
    share = float(back.sum()) / n
    low, high = None, None
    if 0 < share < 1:
        error = _error(net, back - share * ties, ties)
        low, high = _ends(share, error / (share * (1 - share)), level, lambda p: float(np.log(p / (1 - p))), _logistic)
    return share, low, high, n, net.self_ties


def _correlated(net: Pairs, x: Floats, y: Floats, level: float) -> _Row:
    """The correlation of x and y over pairs taken both ways; NaN is no value."""
    told = np.isfinite(x) & np.isfinite(y)
    n, left_out = int(told.sum()), int((~told).sum())
    middle = float((x[told].sum() + y[told].sum()) / (2 * n)) if n else 0.0
    u, v = np.where(told, x - middle, 0.0), np.where(told, y - middle, 0.0)
    spread = float((u**2 + v**2).sum())
    if n < 2 or spread <= 1e-18 * n * max(middle**2, 1e-300):
        return None, None, None, n, left_out
    value = float(2 * (u * v).sum() / spread)
    low, high = None, None
    if abs(value) < 1 - 1e-12:
        error = _error(net, 2 * u * v - value * (u**2 + v**2), u**2 + v**2)
        low, high = _ends(value, error / (1 - value**2), level, np.arctanh, np.tanh)
    return value, low, high, n, left_out


def _error(net: Pairs, influence: Floats, base: Floats) -> float:
    """The standard error of a ratio of sums over pairs, those that share a person not taken as independent.

    `influence` of each pair sums to 0; `base` is its part of the denominator. What a person moves is what leaving it out moves.
    """
    size, total = net.persons.len(), float(base.sum())

    def of(values: Floats) -> Floats:
        ends = np.concatenate([net.a, net.b])
        return np.bincount(ends, np.concatenate([values, values]), minlength=size).astype(np.float64)

    left, rest = total - of(base), total - base
    if min(left.min(), rest.min()) <= 1e-12 * total:  # without one of them nothing is left
        return 0.0
    persons, alone = float(((of(influence) / left) ** 2).sum()), float(((influence / rest) ** 2).sum())
    # where people are few the difference may fall below what independent pairs have
    return float(np.sqrt(max(persons - alone, alone)))


def _ends(
    value: float, error: float, level: float, way: Callable[[float], float], back: Callable[[float], float]
) -> tuple[float | None, float | None]:
    from scipy.special import ndtri

    if not error > 0:
        return None, None
    half = float(ndtri(0.5 + level / 2)) * error
    return float(back(way(value) - half)), float(back(way(value) + half))


def _logistic(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def _tones(net: Pairs, there: Readings, back: Readings) -> Floats:
    """The mean of all the readings that each person gives; NaN where there are none."""
    size = net.persons.len()

    def summed(ends: Ints, rows: Readings) -> tuple[Floats, Floats]:
        n = rows.n.astype(np.float64)
        some = np.where(n > 0, n * rows.mean, 0.0)
        one, other = (np.bincount(ends, values, minlength=size).astype(np.float64) for values in (some, n))
        return one, other

    (one, n), (other, m) = summed(net.a, there), summed(net.b, back)
    return (one + other) / np.where(n + m > 0, n + m, np.nan)
