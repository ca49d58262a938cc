"""Rankers: how near each of some accounts is to the seeds, by the estimated Jaccard of all their pairs.

Rows are places in `values` (accounts, hashes), seeds are places in `rows`. Counts of equal entries are whole numbers, so
the average and the agglomerative ranker are exact; sums of personalised PageRank are taken in one order, whatever the
number of threads. Source of the three rules: the released code of Chamberlain et al. 2018, doi 10.1371/journal.pone.0188702.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Groups = NDArray[np.uint16] | NDArray[np.uint32]
T = TypeVar("T")
U = TypeVar("U")

_CHUNKS = 16  # parts of the work; always as many, so that no sum depends on the number of threads
_KEPT = 1 << 26  # places in memory for what one query keeps: 256 MB; beyond, it is made anew when needed
_WORTH = 1 << 20  # entries below which a second thread costs more than it saves
_ROWS, _MEMBERS = 4096, 64  # of one comparison: the members' entries stay near, 256 KB at 1,000 hashes
_NARROW = 1 << 16  # rows whose groups have numbers of 16 bits


def matches(values: NDArray[np.uint32], rows: Ints, members: Ints) -> Ints:
    """How many entries of each row equal a member's, summed over the members (rows of `values` too).

    >>> values = np.array([[1, 2], [1, 3], [4, 3]], dtype=np.uint32)
    >>> matches(values, np.arange(3), np.array([0, 1])).tolist()
    [3, 3, 1]
    """
    values, out = fixed(values), np.zeros(rows.size, dtype=np.int64)

    def one(part: slice) -> None:
        for low in range(0, members.size, _MEMBERS):
            out[part] += _compared(values, rows[part], members[low : low + _MEMBERS]).sum(axis=0, dtype=np.int64)

    each(one, _slices(rows.size, max(_CHUNKS, rows.size // _ROWS)), worth=rows.size * members.size * values.shape[1])
    return out


def similarities(values: NDArray[np.uint32], rows: Ints) -> Floats:
    """The estimated Jaccard of all pairs of rows, 1 on the diagonal: (rows, rows).

    >>> similarities(np.array([[1, 2], [1, 3]], dtype=np.uint32), np.arange(2)).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    values, same = fixed(values), np.zeros((rows.size, rows.size))
    parts = _slices(rows.size, max(_CHUNKS, rows.size // _MEMBERS))

    def one(part: slice) -> None:
        # a square is symmetric: each row is held against those up to its own part
        same[part, : part.stop] = _compared(values, rows[: part.stop], rows[part])
        same[: part.start, part] = same[part, : part.start].T

    each(one, parts, worth=rows.size**2 * values.shape[1] // 2)
    same /= values.shape[1]
    return same


def average(values: NDArray[np.uint32], rows: Ints, seeds: Ints, *, size: int) -> tuple[Ints, Floats]:
    """The places of the `size` rows of the highest mean Jaccard to the seeds, best first, and that mean.

    >>> values = np.array([[1, 2], [1, 3], [4, 3], [4, 5]], dtype=np.uint32)
    >>> average(values, np.arange(4), np.array([0]), size=2)
    (array([1, 2]), array([0.5, 0. ]))
    """
    near = matches(values, rows, rows[seeds])
    return _best(near / (values.shape[1] * seeds.size), seeds, size)


def agglomerative(values: NDArray[np.uint32], rows: Ints, seeds: Ints, *, size: int) -> tuple[Ints, Floats]:
    """As `average`, one row after another: whoever is taken counts as a seed from then on.

    The rule: take the highest mean mu, then mu <- (n mu + x) / (n + 1) for all, x the Jaccard to the row just taken. The
    score is mu when taken. It need not fall from one to the next.

    >>> values = np.array([[1, 2], [1, 3], [4, 3], [4, 5]], dtype=np.uint32)
    >>> agglomerative(values, np.arange(4), np.array([0]), size=3)
    (array([1, 2, 3]), array([0.5       , 0.25      , 0.16666667]))
    """
    values, hashes, n = fixed(values), values.shape[1], rows.size
    near = matches(values, rows, rows[seeds])
    near[seeds] = out = np.iinfo(np.int64).min // 2  # stays below 0, whatever is added
    taken, counts = (np.zeros(min(size, n - seeds.size), dtype=np.int64) for _ in range(2))
    alike: dict[int, NDArray[np.int32]] = {}  # to whom a row is alike: all rows that are near are compared at once
    for turn in range(taken.size):
        best = int(np.argmax(near))
        if best not in alike:
            if len(alike) * n > _KEPT // 2:
                alike.clear()
            wide = min(_MEMBERS, (taken.size - turn) // 3 + 8, max(1, _KEPT // (4 * n)))
            next_best = [i for i in np.argsort(-near, kind="stable")[: 2 * _MEMBERS].tolist() if near[i] >= 0]
            some = np.array([i for i in next_best if i not in alike][:wide])
            # copies: a row of the matrix would keep all of it
            alike.update(
                {i: row.copy() for i, row in zip(some.tolist(), _alike(values, rows, rows[some]), strict=True)}
            )
        taken[turn], counts[turn], near[best] = best, near[best], out
        near += alike.pop(best)
    return taken, counts / (hashes * (seeds.size + np.arange(taken.size)))


def pagerank(
    values: NDArray[np.uint32], rows: Ints, seeds: Ints, *, size: int, beta: float = 0.9, turns: int = 3
) -> tuple[Ints, Floats]:
    """The places of the `size` rows of the highest personalised PageRank, best first, and that rank (mean 1).

    A is the Jaccard of all pairs, diagonal 1, columns divided by their sums. R begins at 1; `turns` times R <- beta A R, and
    the mass that is lost goes to the seeds alike.

    >>> values = np.array([[1, 2], [1, 3], [4, 3], [4, 5]], dtype=np.uint32)
    >>> places, score = pagerank(values, np.arange(4), np.array([0]), size=3)
    >>> places.tolist(), score.round(3).tolist()
    ([1, 2, 3], [1.072, 0.853, 0.632])
    """
    values = fixed(values)
    parts = _slices(values.shape[1], max(_CHUNKS, rows.size * values.shape[1] // (_KEPT // 8)))
    fits, worth = rows.size * values.shape[1] <= _KEPT, rows.size * values.shape[1]
    kept: Sequence[_Grouped | None] = [None] * len(parts)
    if fits:
        kept = each(lambda part: _grouped(values, rows, part), parts, worth=worth)

    def spread_over(share: Floats) -> Floats:
        """For each row, the shares of its groups, summed over the hashes: A's product, times the hashes."""
        from sociolect.find.kernels.rankers import spread

        def one(at: int) -> Floats:
            out = np.zeros(rows.size)
            spread(*(kept[at] or _grouped(values, rows, parts[at])), share, out)
            return out

        return np.asarray(np.sum(each(one, range(len(parts)), worth=worth), axis=0))

    rank = np.ones(rows.size)
    sums = spread_over(rank)  # of the columns of A, times the hashes: whole numbers
    for _ in range(turns):
        rank = beta * spread_over(rank / sums)
        rank[seeds] += (rows.size - rank.sum()) / seeds.size
    return _best(rank, seeds, size)


RANKERS: dict[str, Callable[..., tuple[Ints, Floats]]] = {
    "average": average,
    "agglomerative": agglomerative,
    "pagerank": pagerank,
}


class _Grouped(NamedTuple):
    """Who agrees with whom at some hashes: the number of each row's group (hashes, rows), and how many groups."""

    groups: Groups
    used: Ints


def _grouped(values: NDArray[np.uint32], rows: Ints, part: slice) -> _Grouped:
    from sociolect.find.kernels.rankers import grouped

    shape, used = (part.stop - part.start, rows.size), np.zeros(part.stop - part.start, dtype=np.int64)
    groups: Groups = np.empty(shape, np.uint16) if rows.size <= _NARROW else np.empty(shape, np.uint32)
    grouped(values, rows, part.start, int(4 * rows.size - 1).bit_length(), groups, used)
    return _Grouped(groups, used)


def _compared(values: NDArray[np.uint32], rows: Ints, members: Ints) -> NDArray[np.int32]:
    """How many entries a member and a row have in common: (members, rows)."""
    from sociolect.find.kernels.rankers import compared

    out = np.empty((members.size, rows.size), dtype=np.int32)
    compared(values, np.ascontiguousarray(rows), np.ascontiguousarray(members), out)
    return out


def _alike(values: NDArray[np.uint32], rows: Ints, members: Ints) -> NDArray[np.int32]:
    """The same, on all cores."""
    parts = _slices(rows.size, max(_CHUNKS, rows.size // _ROWS))
    worth = rows.size * members.size * values.shape[1]
    return np.concatenate(each(lambda part: _compared(values, rows[part], members), parts, worth=worth), axis=1)


def _slices(n: int, parts: int) -> list[slice]:
    """0 to n in parts of equal length."""
    ends = np.linspace(0, n, parts + 1).astype(int).tolist()
    return [slice(a, b) for a, b in pairwise(ends) if a < b]


def _best(score: Floats, seeds: Ints, size: int) -> tuple[Ints, Floats]:
    """The places of the highest scores but the seeds'; of equal scores the first goes first."""
    order = np.argsort(-score, kind="stable")
    order = order[~np.isin(order, seeds)][:size]
    return order, score[order]


def each(function: Callable[[T], U], parts: Sequence[T], *, worth: int) -> list[U]:
    """function(part) for each part, in their order; on all cores where that is worth it. The function calls no `each`."""
    if worth < _WORTH:
        return [function(part) for part in parts]
    return list(_pool(os.getpid(), os.cpu_count()).map(function, parts))


@lru_cache(maxsize=2)
def _pool(process: int, cores: int | None) -> ThreadPoolExecutor:
    """Threads that stay: new ones for each question would take as long as a small one. A fork has none, and gets its own."""
    return ThreadPoolExecutor(cores, thread_name_prefix="rankers")


def fixed(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The values read-only and row by row: one type to compile for, be they in memory or in a mapped file."""
    plain = np.ascontiguousarray(np.asarray(values))
    plain = plain.view()
    plain.flags.writeable = False
    return plain
