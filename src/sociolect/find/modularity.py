"""Communities of high modularity in a network of numbered people, by Louvain or by Leiden."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sociolect.errors import RefusedError
from sociolect.find.graph import Graph
from sociolect.seeds import substream

Labels = npt.NDArray[np.int64]
_HEAT = 0.01  # Traag et al. 2019: theta; ours: in units of the mean weight of a tie
_ENOUGH = 1e-5  # ours: an iteration that adds less modularity is the last


def optimised(net: Graph, *, refine: bool, resolution: float = 1.0, iterations: int = -1, seed: int = 0) -> Labels:
    """The community number of each person, found by moving people, then whole communities, to where modularity gains most.

    `refine` is Leiden: communities are taken apart before they are folded, so that each hangs together; without it, Louvain.
    Each of the `iterations` starts from what the last one found; -1 goes on until one adds less than 1e-5.
    Raises RefusedError where the resolution or the weights are so large or small that modularity is no number.

    >>> import polars as pl
    >>> pairs = np.array([[0, 1], [1, 2], [0, 2], [2, 3], [3, 4], [4, 5], [3, 5]])
    >>> net = Graph(pl.Series(list("abcdef")), pairs[:, 0], pairs[:, 1], np.ones(7))
    >>> optimised(net, refine=True).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    from sociolect.find.kernels import modularity as kernels

    n, both = net.persons.len(), 2 * float(net.weight.sum())
    start, other, weight = kernels.rows(net.a, net.b, net.weight, n)
    degree = np.bincount(net.a, net.weight, n) + np.bincount(net.b, net.weight, n)
    random = substream(seed, "modularity")
    pull, heat = resolution / both, _HEAT * both / max(other.size, 1)
    labels = np.arange(n, dtype=np.uint32)
    level: Any = (start, other, weight, degree)
    least = kernels.lost(*level, labels, pull)
    if not np.isfinite(least):  # no gain could be told from none, and the search would never end
        raise RefusedError(
            f"modularity is no number at resolution={resolution} with weights that sum to {both / 2:g}: take others"
        )
    turn = 0
    while turn != iterations:
        found, loses = _iteration(level, labels.copy(), pull, heat, random, refine=refine)
        if loses > least:
            break
        gained, labels, least = least - loses, found, loses
        turn += 1
        if gained <= _ENOUGH * both:
            break
    return labels.astype(np.int64)


def _iteration(
    level: Any, labels: npt.NDArray[np.uint32], pull: float, heat: float, random: np.random.Generator, *, refine: bool
) -> tuple[npt.NDArray[np.uint32], float]:
    """One way up through all levels, from the communities in `labels`; and what the communities found lose."""
    from sociolect.find.kernels import modularity as kernels

    place = None  # the node of this level that each person lies in
    while True:
        n = labels.size
        # Leiden comes back to everybody in its next iteration
        kernels.moved(*level, labels, pull, _shuffled(n, random), not refine)
        communities = kernels.dense(labels)
        parts = labels.copy()
        if refine and communities < n:
            draw = np.uint64(random.integers(2**63))
            parts = kernels.refined(*level, labels, pull, _shuffled(n, random), heat, draw)
        count = kernels.dense(parts)
        if communities == n or count == n:
            break
        home = np.empty(count, dtype=np.uint32)
        home[parts] = labels
        level = kernels.folded(*level, parts, count)
        place = parts if place is None else parts[place]
        if not refine:
            home = np.arange(count, dtype=np.uint32)
        labels = home
    loses = float(kernels.lost(*level, labels, pull))
    return labels if place is None else labels[place], loses


def _shuffled(n: int, random: np.random.Generator) -> npt.NDArray[np.uint32]:
    """The nodes in a random order, sixteen neighbours in memory at a time where there are many: their rows are read together."""
    wide = 16 if n > 10_000 else 1
    order = random.permutation(-(-n // wide))[:, None] * wide + np.arange(wide)
    return order[order < n].astype(np.uint32)
