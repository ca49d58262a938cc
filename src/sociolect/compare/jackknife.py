"""Doubt by leaving out a group of clusters at a time: for statistics too dear, or too biased, to be resampled."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sociolect.compare.bootstrap import Codes, weights
from sociolect.compare.interval import FloatArray
from sociolect.seeds import substream


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Per factor the group of each row, -1 where the row does not vary with it; the pool each group was made in."""

    codes: tuple[Codes, ...]
    pools: Codes

    def sizes(self) -> Codes:
        """How many groups are in each group's pool."""
        return np.bincount(self.pools)[self.pools]


def groups(apart: Sequence[Codes], *, strata: Codes | None = None, most: int = 20, seed: int = 0) -> Groups:
    """Clusters put into at most `most` groups per factor, drawn by seed; within strata where clusters lie within them.

    Twenty groups leave 19 degrees of freedom, and cost twenty statistics instead of hundreds (Kott 2001).

    >>> groups([np.array([0, 0, 1, -1]), np.array([-1, -1, -1, 0])]).codes
    (array([ 0,  0,  1, -1]), array([-1, -1, -1,  2]))
    """
    out, pools = [], list[int]()
    for place, codes in enumerate(apart):
        made = np.full(codes.size, -1, dtype=np.int64)
        inside = codes >= 0
        stratum = np.zeros(codes.size, dtype=np.int64) if strata is None else strata
        pairs = np.unique(np.stack([codes[inside], stratum[inside]], axis=1), axis=0)
        if len(pairs) > np.unique(pairs[:, 0]).size:  # a cluster in several strata is left out of all at once
            names = np.unique(pairs[:, 0])
            stratum, pairs = np.zeros_like(stratum), np.stack([names, np.zeros_like(names)], axis=1)
        for s in np.unique(pairs[:, 1]):
            names = pairs[pairs[:, 1] == s, 0]
            group = np.arange(names.size)
            if names.size > most:
                group = substream(seed, "groups", place, int(s)).permutation(names.size) % most
            rows = inside & (stratum == s)
            made[rows] = len(pools) + group[np.searchsorted(names, codes[rows])]
            pools += [pools[-1] + 1 if pools else 0] * int(group.max() + 1)
        out.append(made)
    return Groups(tuple(out), np.array(pools, dtype=np.int64))


def left_out(found: Groups, x: Codes, y: Codes) -> tuple[Codes, FloatArray, FloatArray]:
    """The groups m that rows x or y are in, and weights (1 + m, n), (1 + m, k): all ones, then 0 for one group in turn.

    >>> found = groups([np.array([0, 1, 2])])
    >>> ids, u, w = left_out(found, np.array([0, 1]), np.array([2]))
    >>> ids.tolist(), u.tolist(), w.ravel().tolist()
    ([0, 1, 2], [[1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [1.0, 1.0, 1.0, 0.0])
    """
    ids, parts = [], [[np.ones(x.size)], [np.ones(y.size)]]
    for codes in found.codes:
        here = np.unique(np.concatenate([codes[x], codes[y]]))
        for group in here[here >= 0]:
            ids.append(group)
            for part, rows in zip(parts, (x, y), strict=True):
                part.append((codes[rows] != group).astype(float))
    return np.array(ids, dtype=np.int64), np.stack(parts[0]), np.stack(parts[1])


def influences(found: Groups, ids: Codes, values: FloatArray) -> FloatArray:
    """How far each group moves k statistics (groups, k), out of `values` (1 + m, k) made under `left_out`'s weights.

    The squares of a pool sum to (g - 1) / g times its jackknife variance (Efron and Stein 1981), which is on average no
    smaller than the statistic's own; `interval` widens by the g / (g - 1) that is missing. Crossed factors add up, so what
    topic and template share counts twice: conservative, as in the pigeonhole bootstrap.

    >>> found = groups([np.array([0, 1, 2])])
    >>> influences(found, np.array([0, 1, 2]), np.array([[2.0], [2.5], [2.0], [1.5]])).ravel().round(6).tolist()
    [-0.333333, 0.0, 0.333333]
    """
    whole = np.repeat(values[:1], found.pools.size, axis=0)
    whole[ids] = values[1:]
    size = found.sizes()[:, None]
    count = np.bincount(found.pools)
    mean = np.stack([np.bincount(found.pools, weights=column) / count for column in whole.T], axis=1)[found.pools]
    out = (size - 1) * (mean - whole) / size
    touched = np.isin(found.pools, found.pools[ids])
    return np.where(touched[:, None], out, 0.0)


def linear_draws(found: Groups, estimate: FloatArray, influence: FloatArray, *, draws: int, seed: int) -> FloatArray:
    """Draws (draws, k) of estimates (k,): groups drawn with replacement, each moving a statistic by its influence (groups, k).

    They lie around the estimate whatever its bias, and whatever is drawn together moves together.

    >>> found = groups([np.arange(9)])
    >>> moved = np.linspace(-1, 1, 9)[:, None]
    >>> drawn = linear_draws(found, np.array([1.0]), moved, draws=20_000, seed=1)
    >>> round(float(drawn.mean()), 1), round(float(drawn.var() / (moved**2).sum()), 1)
    (1.0, 1.0)
    """
    chunks = weights([np.arange(found.pools.size)], strata=found.pools, draws=draws, seed=seed)
    return np.concatenate([estimate + (chunk - 1) @ influence for chunk in chunks])
