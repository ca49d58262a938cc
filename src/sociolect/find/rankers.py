"""Rankers: how near each of some accounts is to the seeds, by the estimated Jaccard of all their pairs at once.

Rows are places in `values` (accounts, hashes), seeds are places in `rows`. Counts of equal entries are whole numbers, so
the average and the agglomerative ranker are exact; sums of personalised PageRank are taken in one order, whatever the
number of threads. Source of the three rules: the released code of Chamberlain et al. 2018, doi 10.1371/journal.pone.0188702.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise as steps
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
T = TypeVar("T")
U = TypeVar("U")

_CHUNKS = 16  # parts of the work; always as many, so that no sum depends on the number of threads
_KEPT = 1 << 25  # places in memory for the groups of one query: 256 MB; beyond, groups are made anew when needed
_WORTH = 1 << 20  # entries below which a second thread costs more than it saves
_MEMBERS = 256  # members in one table: 8 MB at 1,000 hashes


def matches(values: NDArray[np.uint32], rows: Ints, members: Ints) -> Ints:
    """How many entries of each row equal a member's, summed over the members (rows of `values` too).

    >>> values = np.array([[1, 2], [1, 3], [4, 3]], dtype=np.uint32)
    >>> matches(values, np.arange(3), np.array([0, 1])).tolist()
    [3, 3, 1]
    """
    from sociolect.find.kernels.rankers import matched, tables

    values, hashes = fixed(values), values.shape[1]
    out = np.zeros(rows.size, dtype=np.int64)
    for low in range(0, members.size, _MEMBERS):
        some = members[low : low + _MEMBERS]
        bits = int(4 * some.size - 1).bit_length()
        held, count = np.zeros((hashes, 1 << bits), dtype=np.uint32), np.zeros((hashes, 1 << bits), dtype=np.int32)
        tables(values, some, bits, held, count)

        def one(part: slice, bits: int = bits, tabled: tuple[Any, Any] = (held, count)) -> None:
            matched(values, rows[part], bits, tabled, out[part])

        each(one, _slices(rows.size, min(_CHUNKS, rows.size // 1024 + 1)), worth=rows.size * hashes)
    return out


def similarities(values: NDArray[np.uint32], rows: Ints) -> Floats:
    """The estimated Jaccard of all pairs of rows, 1 on the diagonal: (rows, rows).

    >>> similarities(np.array([[1, 2], [1, 3]], dtype=np.uint32), np.arange(2)).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    from sociolect.find.kernels.rankers import pairwise

    values = fixed(values)
    same = np.zeros((rows.size, rows.size))
    # equal areas of the triangle
    ends = np.round(np.sqrt(np.linspace(0, 1, _CHUNKS + 1)) * rows.size).astype(int).tolist()
    bounds = [(a, b) for a, b in steps(ends) if a < b]
    each(lambda b: pairwise(values, rows, b[0], b[1], same), bounds, worth=rows.size**2 * values.shape[1] // 2)
    same /= values.shape[1]
    return np.asarray(same + same.T + np.eye(rows.size))


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
    from sociolect.find.kernels.rankers import agglomerated

    near = matches(values, rows, rows[seeds])
    near[seeds] = -1
    taken, counts = (np.zeros(min(size, rows.size - seeds.size), dtype=np.int64) for _ in range(2))
    if rows.size * values.shape[1] <= _KEPT:
        groups = _groups(values, rows)
        agglomerated(groups.start, groups.order, near, taken, counts)
    else:
        for turn in range(taken.size):
            row = taken[turn] = np.argmax(near)
            counts[turn], near[row] = near[row], -1
            near += np.where(near >= 0, matches(values, rows, rows[[row]]), 0)
    return taken, counts / (values.shape[1] * (seeds.size + np.arange(taken.size)))


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
    groups = _groups(values, rows)
    hashes = values.shape[1]
    sums = groups.others + hashes  # of the columns of A, times the hashes: whole numbers
    rank = np.ones(rows.size)
    for _ in range(turns):
        share = rank / sums
        alone = (hashes - groups.met) * share
        rank = beta * (_spread(values, rows, groups, share) + alone)
        rank[seeds] += (rows.size - rank.sum()) / seeds.size
    return _best(rank, seeds, size)


RANKERS: dict[str, Callable[..., tuple[Ints, Floats]]] = {
    "average": average,
    "agglomerative": agglomerative,
    "pagerank": pagerank,
}


def _slices(n: int, parts: int = _CHUNKS) -> list[slice]:
    """0 to n in parts of equal length."""
    ends = np.linspace(0, n, parts + 1).astype(int).tolist()
    return [slice(a, b) for a, b in steps(ends) if a < b]


class _Groups(NamedTuple):
    """Who agrees with whom at some hashes, as `kernels.rankers.grouped` has it; start and order may be left out (empty)."""

    start: NDArray[np.int32]
    order: NDArray[np.int32]
    used: Ints
    met: Ints
    others: Ints


def _groups(values: NDArray[np.uint32], rows: Ints) -> _Groups:
    """The groups at all hashes; without start and order where they would take more than 256 MB."""
    fits = rows.size * values.shape[1] <= _KEPT
    start, order = (np.empty((values.shape[1] if fits else 0, rows.size), dtype=np.int32) for _ in range(2))

    def one(part: slice) -> tuple[Ints, Ints, Ints]:
        return _grouped(values, rows, part, (start[part], order[part]) if fits else None)[2:]

    used, met, others = zip(*each(one, _chunks(values, rows), worth=rows.size * values.shape[1]), strict=True)
    return _Groups(start, order, np.concatenate(used), np.sum(met, axis=0), np.sum(others, axis=0))


def _grouped(
    values: NDArray[np.uint32],
    rows: Ints,
    part: slice,
    room: tuple[NDArray[np.int32], NDArray[np.int32]] | None = None,
) -> _Groups:
    """The groups at a part of the hashes, start and order in the room that is given."""
    from sociolect.find.kernels.rankers import grouped

    n, hashes = rows.size, part.stop - part.start
    start, order = room or (np.empty((hashes, n), dtype=np.int32), np.empty((hashes, n), dtype=np.int32))
    used = np.zeros(hashes, dtype=np.int64)
    met, others = (np.zeros(n, dtype=np.int64) for _ in range(2))
    grouped(fixed(values), rows, part.start, int(4 * n - 1).bit_length(), (start, order, used, met, others))
    return _Groups(start, order, used, met, others)


def _spread(values: NDArray[np.uint32], rows: Ints, groups: _Groups, share: Floats) -> Floats:
    """For each row, the shares of its groups, summed over the hashes."""
    from sociolect.find.kernels.rankers import spread

    def one(part: slice) -> Floats:
        out = np.zeros(rows.size)
        order = groups.order[part] if groups.order.size else _grouped(values, rows, part).order
        spread(order, groups.used[part], share, out)
        return out

    return np.asarray(np.sum(each(one, _chunks(values, rows), worth=rows.size * values.shape[1]), axis=0))


def _chunks(values: NDArray[np.uint32], rows: Ints) -> list[slice]:
    """The hashes in parts, by their sizes alone: no sum depends on the number of threads."""
    return _slices(values.shape[1], max(_CHUNKS, rows.size * values.shape[1] // (_KEPT // 2)))


def _best(score: Floats, seeds: Ints, size: int) -> tuple[Ints, Floats]:
    """The places of the highest scores but the seeds'; of equal scores the first goes first."""
    order = np.argsort(-score, kind="stable")
    order = order[~np.isin(order, seeds)][:size]
    return order, score[order]


def each(function: Callable[[T], U], parts: Sequence[T], *, worth: int) -> list[U]:
    """function(part) for each part, in their order; on all cores where that is worth it."""
    if worth < _WORTH:
        return [function(part) for part in parts]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, parts))


def fixed(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The values read-only and row by row: one type to compile for, be they in memory or in a mapped file."""
    plain = np.ascontiguousarray(np.asarray(values))
    plain = plain.view()
    plain.flags.writeable = False
    return plain
