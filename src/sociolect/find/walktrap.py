"""Walktrap: communities that short random walks stay in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sociolect.errors import InputError, UsageError
from sociolect.find.graph import Graph, by_size, network_of, partition
from sociolect.frames import Members, Society


def walktrap(
    society: Society | Graph, *, steps: int = 4, kinds: str | Sequence[str] | None = None, seed: int = 0
) -> Members:
    """Communities by Walktrap over the ties of a society, or a network: undirected, weighted, kinds summed.

    People are merged, Ward's way, by how alike the walks of `steps` steps are that begin at them; the merging is cut
    where modularity is highest. It draws no random number: `seed` changes nothing, and is there so that it can stand where
    any finder does. Communities are c00, c01, ... by size. People without a tie are no members: their number is
    `society.people.height - members.height`. Time grows with ties times people: it is for some 10,000 people, not millions.
    Raises RefusedError without a tie, UsageError for a kind nobody has or steps below 1.
    Source: Pons and Latapy 2006, doi 10.7155/jgaa.00124; igraph's.

    >>> import polars as pl
    >>> from sociolect import frames
    >>> pairs = ["ab", "bc", "ca", "cd", "de", "ef", "fd"]
    >>> rows = [{"source": s, "target": t, "kind": "reply", "weight": 1.0} for s, t in pairs]
    >>> society = Society(frames.empty("people"), frames.empty("posts"), frames.ties(pl.DataFrame(rows)))
    >>> walktrap(society)["community"].to_list()
    ['c00', 'c00', 'c00', 'c01', 'c01', 'c01']
    """
    _check(steps)
    return partition(
        network_of(society, kinds),
        seed,
        lambda network: network.community_walktrap(weights="weight", steps=steps).as_clustering(),
    )


def walktrap_of(weights: NDArray[np.float64], *, steps: int = 4) -> NDArray[np.int64]:
    """The community of each row of a symmetric weight matrix (n, n), numbered from 0 by size, in draws by first row.

    The diagonal is left out; a row without a weight is a community of its own. Raises InputError for a matrix that is not
    square, symmetric, finite and 0 or above, UsageError for steps below 1. Source: as `walktrap`.

    >>> walktrap_of(np.kron(np.eye(2), np.ones((3, 3)))).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    import igraph

    _check(steps)
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        raise InputError(f"the weights have shape {weights.shape}: due is a square")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and np.array_equal(weights, weights.T)):
        raise InputError("the weights are not symmetric, finite and 0 or above")
    a, b = np.nonzero(np.triu(weights, 1))
    labels = np.arange(weights.shape[0])
    if a.size:
        tied = np.unique(np.concatenate([a, b]))
        network = igraph.Graph(n=tied.size, edges=np.column_stack([np.searchsorted(tied, a), np.searchsorted(tied, b)]))
        found = network.community_walktrap(weights=weights[a, b], steps=steps).as_clustering().membership
        labels = labels + tied.size
        labels[tied] = found
    return by_size(labels)


def _check(steps: int) -> None:
    if steps < 1:
        raise UsageError(f"steps={steps}: due is 1 or more")
