"""Ties as a network of numbered people, the same whatever the order of the rows."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError, unknown
from sociolect.find.ties_parquet import scanned
from sociolect.frames import Members, Society, Ties
from sociolect.seeds import derive

_LOCK = RLock()
_LIGHT, _HEAVY = 1e-150, 1e150


class Graph(NamedTuple):
    """An undirected weighted network: people in the order of their names, and one edge (a < b) per tied pair."""

    persons: pl.Series
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    weight: NDArray[np.float64]


def chosen(ties: Ties, kinds: str | Sequence[str] | None) -> Ties:
    """The ties of the named kinds, or all of them; a kind that is not there is an error.

    Raises UsageError for a kind that no tie has.
    """
    if kinds is None:
        return ties
    wanted = [kinds] if isinstance(kinds, str) else list(kinds)
    here = ties["kind"].unique().to_list()
    for kind in wanted:
        if kind not in here:
            raise unknown("kind of tie", kind, here)
    return Ties(ties.filter(pl.col("kind").is_in(wanted)))


def graph(ties: Ties | pl.LazyFrame | Path, *, kinds: str | Sequence[str] | None = None) -> Graph:
    """The network of the ties: kinds and directions summed, one edge per pair, self ties dropped.

    Ties are a frame, or a parquet file or lazy frame of any size with `source`, `target` and, where they have them, `kind`
    and `weight` (see `scanned`): ten million rows take seconds and some 1.1 gigabytes. People and edges are sorted, and weights
    are summed in sorted order, so that row order changes no bit. Raises UsageError for a kind that no tie has, InputError for weights
    whose sum is too large or too small to be divided by, and what `scanned` raises.

    >>> t = {"source": ["b", "a", "c"], "target": ["a", "b", "c"], "kind": "reply", "weight": [1.0, 2.0, 9.0]}
    >>> g = graph(frames.ties(pl.DataFrame(t)))
    >>> g.persons.to_list(), g.weight.tolist()
    (['a', 'b'], [3.0])
    """
    rows = chosen(ties, kinds) if isinstance(ties, pl.DataFrame) else scanned(ties, kinds)
    rows = rows.select("source", "target", "weight").filter(pl.col("source") != pl.col("target"))
    persons = pl.concat([rows["source"].unique(), rows["target"].unique()]).unique().sort().alias("person")
    code = pl.Enum(persons)
    source, target = (rows[side].cast(code).to_physical().to_numpy() for side in ("source", "target"))
    weight = rows["weight"].to_numpy()
    del rows
    from sociolect.find.kernels import pairs

    net = Graph(persons, *pairs.summed(source, target, weight, persons.len()))
    # beyond, no modularity is a number: it divides by the sum, and by its square
    if net.a.size and not _LIGHT < (total := float(np.sum(net.weight / net.weight.size)) * net.weight.size) < _HEAVY:
        raise InputError(
            f"the weights of the ties sum to {total:g}: due is a sum between 1e-150 and 1e150; rescale them"
        )
    return net


def network_of(society: Society | Graph, kinds: str | Sequence[str] | None = None) -> Graph:
    """The network of a society's ties; a network stays what it is. Raises UsageError for kinds of what has none."""
    if isinstance(society, Society):
        return graph(society.ties, kinds=kinds)
    if kinds is not None:
        raise UsageError(f"kinds={kinds!r}: a network has its kinds summed; choose them in graph(ties, kinds=...)")
    return society


@contextmanager
def seeded(seed: int) -> Iterator[Any]:
    """igraph with random numbers of our own for as long as the block lasts; the `random` module is left as it was.

    igraph draws from one generator for the whole process: here it gets a private one, and then its default again.
    """
    import igraph

    with _LOCK:
        igraph.set_random_number_generator(random.Random(derive(seed, "igraph")))
        try:
            yield igraph
        finally:
            igraph.set_random_number_generator(random)


def found(net: Graph, way: Callable[[Graph], NDArray[np.int64]]) -> Members:
    """The communities that `way` finds in the network, named by size; people without a tie are no members.

    Raises RefusedError where there is no tie between two people.
    """
    if not net.a.size:
        raise RefusedError(
            "no communities can be found: there is no tie between two people; build some with link(society, kinds=...), "
            "give a ties file, or take declared communities: declared(society, column=...)"
        )
    return named(way(net), net.persons)


def partition(net: Graph, seed: int, way: Callable[[Any], Any]) -> Members:
    """The communities that a way of igraph finds in the network, likewise; `way` takes its graph and gives its clustering."""

    def labels(net: Graph) -> NDArray[np.int64]:
        with seeded(seed) as igraph:
            network = igraph.Graph(n=net.persons.len(), edges=np.column_stack([net.a, net.b]))
            network.es["weight"] = net.weight
            return np.asarray(way(network).membership, dtype=np.int64)

    return found(net, labels)


def named(labels: NDArray[np.int64], persons: pl.Series) -> Members:
    """Members out of community numbers: c00 is the largest; equal sizes go by their smallest member's name.

    `persons` is sorted. A negative number is nobody's community, and makes no member.

    >>> named(np.array([7, 3, 3]), pl.Series("person", ["a", "b", "c"]))["community"].to_list()
    ['c01', 'c00', 'c00']
    """
    persons, labels = persons.filter(pl.Series(labels >= 0)), labels[labels >= 0]
    place = by_size(labels)
    count = int(place.max(initial=-1)) + 1
    width = max(2, len(str(count - 1)))
    names = pl.Series([f"c{i:0{width}}" for i in range(count)], dtype=pl.String)
    return frames.members(pl.DataFrame({"person": persons, "community": names.gather(place)}))


def by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The community numbers anew, from 0 for the largest; equal sizes go by their first place.

    >>> by_size(np.array([7, 3, 3, 5])).tolist()
    [1, 0, 0, 2]
    """
    _, first, place, size = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(size.size, dtype=np.int64)
    rank[np.lexsort((first, -size))] = np.arange(size.size)
    return np.asarray(rank[place])
