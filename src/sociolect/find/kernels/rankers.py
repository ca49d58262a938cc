"""Counts of equal entries between signatures, by groups of accounts that share a value: no matrix of pairs is made.

Per hash, accounts of equal values are one group. A sum over all pairs that agree is then a sum over groups: with A
accounts and K hashes it takes A x K steps, and not A x A x K. Tables are open addressing, 2**bits places for each hash.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sociolect.find.kernels import kernel

Values = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_GOLDEN = np.uint64(2654435769)  # 2**32 over the golden ratio: multiplied by it, near values fall far apart


@kernel
def tables(values: Values, members: Ints, bits: int, held: Any, count: Any) -> None:
    """Into held and count (hashes, 2**bits): the values that the members have at a hash, and how many have each."""
    shift, mask = np.uint64(32 - bits), np.uint64(held.shape[1] - 1)
    for m in members:
        for k in range(held.shape[0]):
            value = values[m, k]
            at = (np.uint64(value) * _GOLDEN >> shift) & mask
            while count[k, at] and held[k, at] != value:
                at = (at + np.uint64(1)) & mask
            held[k, at] = value
            count[k, at] += 1


@kernel
def matched(values: Values, rows: Ints, bits: int, tabled: Any, out: Ints) -> None:
    """To out[i] is added how many entries of row i equal a member's, each counted; `tabled` is the pair of `tables`."""
    held, count = tabled
    shift, mask = np.uint64(32 - bits), np.uint64(held.shape[1] - 1)
    coarse, wide = np.uint64(29 - bits), np.uint64(8 * held.shape[1] - 1)
    marked = np.zeros(8 * held.shape[1], dtype=np.uint8)  # most values are no member's: one look, one way to go
    for low in range(0, rows.size, 2048):  # so few rows at once that their lines stay near while the hashes go by
        high = min(low + 2048, rows.size)
        for k in range(held.shape[0]):
            marked[:] = 0
            for at in range(held.shape[1]):
                if count[k, at]:
                    marked[(np.uint64(held[k, at]) * _GOLDEN >> coarse) & wide] = 1
            for i in range(low, high):
                value = values[rows[i], k]
                mixed = np.uint64(value) * _GOLDEN
                if marked[(mixed >> coarse) & wide]:
                    place = (mixed >> shift) & mask
                    while count[k, place]:
                        if held[k, place] == value:
                            out[i] += count[k, place]
                            break
                        place = (place + np.uint64(1)) & mask


@kernel
def pairwise(values: Values, rows: Ints, low: int, high: int, out: Floats) -> None:
    """Into out[i, j], low <= i < high, j < i: how many entries of rows i and j are equal."""
    for i in range(low, high):
        for j in range(i):
            one, other, same = values[rows[i]], values[rows[j]], 0
            for k in range(values.shape[1]):
                same += one[k] == other[k]
            out[i, j] = same


@kernel
def grouped(values: Values, rows: Ints, first: int, bits: int, into: Any) -> None:
    """The groups of two rows or more at the hashes from `first` on, as many as `start` has; into (start, order, used, ...).

    order[k, :used[k]] lists the rows group by group, the last of each as its complement (~row); start[k, i] is where row
    i's group begins, -1 where i is alone. To met[i] is added at how many hashes somebody agrees with row i, to others[i] how
    many others do, summed over the hashes.
    """
    start, order, used, met, others = into
    n, wide = rows.size, 64  # entries of a row that are read at once
    shift, mask = np.uint64(32 - bits), np.uint64((1 << bits) - 1)
    columns, table = np.empty((wide, n), dtype=np.uint32), np.empty(1 << bits, dtype=np.int32)
    head, count, cursor = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    second = np.empty(n, dtype=np.int32)
    for k in range(start.shape[0]):
        if k % wide == 0:
            for i in range(n):
                row = values[rows[i]]
                for c in range(min(wide, start.shape[0] - k)):
                    columns[c, i] = row[first + k + c]
        column = columns[k % wide]
        table[:] = -1
        later = 0
        for i in range(n):
            at = (np.uint64(column[i]) * _GOLDEN >> shift) & mask
            while table[at] >= 0 and column[table[at]] != column[i]:
                at = (at + np.uint64(1)) & mask
            if table[at] < 0:
                table[at] = i
                count[i] = 1
            else:
                head[i] = table[at]
                count[head[i]] += 1
                second[later] = i
                later += 1
        # most rows are alone: only the others are looked at again
        start[k, :] = -1
        end = 0
        for s in range(later):
            i = second[s]
            h = head[i]
            if start[k, h] < 0:
                start[k, h] = end
                order[k, end] = h
                cursor[h] = end + 1
                end += count[h]
                met[h] += 1
                others[h] += count[h] - 1
            start[k, i] = start[k, h]
            p = cursor[h]
            cursor[h] = p + 1
            order[k, p] = ~i if p + 1 == start[k, h] + count[h] else i
            met[i] += 1
            others[i] += count[h] - 1
        used[k] = end


@kernel
def spread(order: Any, used: Ints, share: Floats, out: Floats) -> None:
    """To out[i] is added, for each hash at which row i is in a group, the sum of the shares of its group."""
    for k in range(used.size):
        begin, total = 0, 0.0
        for p in range(used[k]):
            i = order[k, p]
            if i >= 0:
                total += share[i]
                continue
            total += share[~i]
            for q in range(begin, p):
                out[order[k, q]] += total
            out[~i] += total
            begin, total = p + 1, 0.0


@kernel
def agglomerated(start: Any, order: Any, near: Ints, taken: Ints, counts: Ints) -> None:
    """Into taken the rows one after another, into counts the `near` of each when taken; near[i] < 0 is out of the race.

    near[i] is how many entries of row i equal a member's, each member counted: the highest is taken, of equal ones the
    first, and it is a member from then on.
    """
    for turn in range(taken.size):
        best = 0
        for i in range(near.size):
            if near[i] > near[best]:
                best = i
        taken[turn], counts[turn] = best, near[best]
        near[best] = -1
        for k in range(start.shape[0]):
            p = start[k, best]
            while p >= 0:
                i = order[k, p]
                p = p + 1 if i >= 0 else -1
                i = i if i >= 0 else ~i
                if near[i] >= 0:
                    near[i] += 1
