"""The loops of find/minhash: names to numbers, accounts to rows, and the smallest value of every hash.

No kernel reads the order of rows into its numbers: a minimum is the same whatever came first.
"""

import numpy as np
from numpy.typing import NDArray

from sociolect.find.kernels import kernel

_NONE = np.uint32(0xFFFFFFFF)
_START = np.uint64(0x9E3779B97F4A7C15)
_STEP = np.uint64(0xBF58476D1CE4E5B9)
_LAST = np.uint64(0x94D049BB133111EB)
_OTHER = np.uint64(0xD6E8FEB86659FD93)


@kernel
def _mixed(z: np.uint64) -> np.uint64:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014): each bit that comes in turns half of those that go out."""
    z = (z ^ (z >> np.uint64(30))) * _STEP
    z = (z ^ (z >> np.uint64(27))) * _LAST
    return np.uint64(z ^ (z >> np.uint64(31)))


@kernel
def hashed(
    letters: NDArray[np.uint8], lengths: NDArray[np.uint32], first: NDArray[np.uint64], second: NDArray[np.uint64]
) -> None:
    """Two 64-bit hashes of each name into `first` and `second`; `letters` are the UTF-8 bytes of all, end to end.

    Eight bytes make a word, its first byte the lowest, whatever the machine; the length starts the hash.
    """
    at = 0
    for i in range(lengths.size):
        length = int(lengths[i])
        h = _START ^ np.uint64(length)
        g = _OTHER + np.uint64(length)
        end = at + length
        while at < end:
            word = np.uint64(0)
            if end - at >= 8:
                for j in range(8):
                    word |= np.uint64(letters[at + j]) << np.uint64(8 * j)
            else:
                for j in range(end - at):
                    word |= np.uint64(letters[at + j]) << np.uint64(8 * j)
            h = (h ^ word) * _STEP
            h ^= h >> np.uint64(32)
            g = (g + word) * _LAST
            g ^= g >> np.uint64(29)
            at += 8
        at = end
        first[i] = _mixed(h)
        second[i] = _mixed(g ^ _OTHER)


@kernel
def settled(slots: NDArray[np.int32], first: NDArray[np.uint64], count: int) -> None:
    """The table of rows (-1 is free, its size a power of two) filled anew with the first `count` known accounts."""
    slots[:] = -1
    mask = np.uint64(slots.size - 1)
    for row in range(count):
        at = first[row] & mask
        while slots[at] >= 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = row


@kernel
def placed(
    first: NDArray[np.uint64],
    second: NDArray[np.uint64],
    slots: NDArray[np.int32],
    known_first: NDArray[np.uint64],
    known_second: NDArray[np.uint64],
    count: int,
    rows: NDArray[np.int32],
    fresh: NDArray[np.int64],
) -> int:
    """The row of each account, by 128 bits of hash; a new one gets the next row, its place goes into `fresh`.

    Returns how many are known now. `slots`, `known_first` and `known_second` have room for every name that comes in.
    """
    mask = np.uint64(slots.size - 1)
    start = count
    for i in range(first.size):
        f, s = first[i], second[i]
        if i and f == first[i - 1] and s == second[i - 1]:
            rows[i] = rows[i - 1]
            continue
        at = f & mask
        while True:
            row = slots[at]
            if row < 0:
                slots[at] = count
                known_first[count] = f
                known_second[count] = s
                fresh[count - start] = i
                rows[i] = count
                count += 1
                break
            if known_first[row] == f and known_second[row] == s:
                rows[i] = row
                break
            at = (at + np.uint64(1)) & mask
    return count


@kernel
def gathered(
    rows: NDArray[np.int32], elements: NDArray[np.uint32], starts: NDArray[np.int64], out: NDArray[np.uint32]
) -> None:
    """The elements row after row (counting sort): those of row i are out[starts[i]:starts[i + 1]]."""
    starts[:] = 0
    for i in range(rows.size):
        starts[rows[i] + 1] += 1
    for i in range(1, starts.size):
        starts[i] += starts[i - 1]
    for i in range(rows.size):
        row = rows[i]
        out[starts[row]] = elements[i]
        starts[row] += 1
    for i in range(starts.size - 1, 0, -1):
        starts[i] = starts[i - 1]
    starts[0] = 0


@kernel
def smallest(
    values: NDArray[np.uint32],
    starts: NDArray[np.int64],
    elements: NDArray[np.uint32],
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    known: int,
    low: int,
    high: int,
) -> None:
    """values[row, k] = the least of itself and of a[k] x + b[k] mod 2^32 over the row's elements x, rows low to high.

    Rows from `known` on are new: what stands in them is not read, and each of them has an element.
    Eight elements at a time, so that the row is read and written once for eight; the last one stands in for those
    that are missing: a minimum does not count.
    """
    for row in range(low, high):
        at, end = starts[row], starts[row + 1]
        mine = values[row]
        if row >= known:
            mine[:] = _NONE
        while at < end:
            last = end - 1
            x0, x1 = elements[at], elements[min(at + 1, last)]
            x2, x3 = elements[min(at + 2, last)], elements[min(at + 3, last)]
            x4, x5 = elements[min(at + 4, last)], elements[min(at + 5, last)]
            x6, x7 = elements[min(at + 6, last)], elements[min(at + 7, last)]
            for k in range(a.size):
                p, q = a[k], b[k]
                v = min(mine[k], np.uint32(p * x0 + q))
                v = min(v, np.uint32(p * x1 + q))
                v = min(v, np.uint32(p * x2 + q))
                v = min(v, np.uint32(p * x3 + q))
                v = min(v, np.uint32(p * x4 + q))
                v = min(v, np.uint32(p * x5 + q))
                v = min(v, np.uint32(p * x6 + q))
                mine[k] = min(v, np.uint32(p * x7 + q))
            at += 8


@kernel
def ordered(values: NDArray[np.uint32], order: NDArray[np.int64], low: int, high: int) -> None:
    """Row i becomes what row order[i] was, in place, columns low to high: cycle by cycle, with one row aside."""
    done = np.zeros(order.size, dtype=np.uint8)
    aside = np.empty(high - low, dtype=np.uint32)
    for start in range(order.size):
        if done[start] or order[start] == start:
            continue
        aside[:] = values[start, low:high]
        here = start
        while order[here] != start:
            values[here, low:high] = values[order[here], low:high]
            done[here] = 1
            here = order[here]
        values[here, low:high] = aside
        done[here] = 1


@kernel
def agreeing(
    values: NDArray[np.uint32], i: NDArray[np.int64], j: NDArray[np.int64], shares: NDArray[np.float64]
) -> None:
    """The share of equal entries of rows i[p] and j[p], for each p."""
    for p in range(i.size):
        x, y = values[i[p]], values[j[p]]
        equal = 0
        for k in range(x.size):
            equal += x[k] == y[k]
        shares[p] = equal / x.size
