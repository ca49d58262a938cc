"""The loops of find/lsh: bands to keys, keys to sorted buckets, and all the buckets that some rows fall into."""

import numpy as np
from numpy.typing import NDArray

from sociolect.find.kernels import kernel


@kernel
def _key(row: NDArray[np.uint32], low: int, high: int) -> np.uint32:
    """32 bits of the entries low to high: equal entries, equal key; others share one in 2^32."""
    h = np.uint64(0x9E3779B97F4A7C15)
    for k in range(low, high):
        h = (h ^ np.uint64(row[k])) * np.uint64(0xBF58476D1CE4E5B9)
        h ^= h >> np.uint64(32)
    h *= np.uint64(0x94D049BB133111EB)
    return np.uint32(h >> np.uint64(32))


@kernel
def banded(values: NDArray[np.uint32], width: int, low: int, high: int, keys: NDArray[np.uint32]) -> None:
    """keys[band - low, row] for the bands low to high, each `width` entries wide."""
    for row in range(values.shape[0]):
        mine = values[row]
        for band in range(low, high):
            keys[band - low, row] = _key(mine, band * width, (band + 1) * width)


@kernel
def bucketed(keys: NDArray[np.uint32], sorted_keys: NDArray[np.uint32], sorted_rows: NDArray[np.int32]) -> int:
    """The keys in order with their rows, rows ascending under one key; keys of one row only are dropped.

    Returns how many entries are left, at the front of the two arrays. A radix sort, 11 bits at a time.
    """
    n = keys.size
    other_keys, other_rows = np.empty_like(sorted_keys), np.empty_like(sorted_rows)
    sorted_keys[:] = keys
    for i in range(n):
        sorted_rows[i] = i
    counts = np.empty(2049, dtype=np.int64)
    here, to, here_rows, to_rows = sorted_keys, other_keys, sorted_rows, other_rows
    for shift in (0, 11, 22):
        counts[:] = 0
        for i in range(n):
            counts[((here[i] >> np.uint32(shift)) & np.uint32(2047)) + np.uint32(1)] += 1
        for d in range(2048):
            counts[d + 1] += counts[d]
        for i in range(n):
            digit = (here[i] >> np.uint32(shift)) & np.uint32(2047)
            at = counts[digit]
            to[at] = here[i]
            to_rows[at] = here_rows[i]
            counts[digit] = at + 1
        here, to, here_rows, to_rows = to, here, to_rows, here_rows
    # three passes end in the other pair of arrays
    kept = 0
    for i in range(n):
        if (i and here[i] == here[i - 1]) or (i + 1 < n and here[i] == here[i + 1]):
            sorted_keys[kept] = here[i]
            sorted_rows[kept] = here_rows[i]
            kept += 1
    return kept


@kernel
def met(
    values: NDArray[np.uint32],
    asked: NDArray[np.int64],
    starts: NDArray[np.int64],
    keys: NDArray[np.uint32],
    rows: NDArray[np.int32],
    seen: NDArray[np.uint8],
) -> None:
    """seen[row] = 1 for each row that shares a bucket with one of the asked rows of `values`, in any band."""
    bands = starts.size - 1
    widest = 0
    for band in range(bands):
        widest = max(widest, starts[band + 1] - starts[band])
    # the last band, counted from 1, that opened a bucket beginning there: seeds that share one open it once
    opened = np.zeros(widest, dtype=np.int32)
    width = values.shape[1] // bands
    for band in range(bands):
        begin, end = starts[band], starts[band + 1]
        for i in range(asked.size):
            key = _key(values[asked[i]], band * width, (band + 1) * width)
            low, high = begin, end
            while low < high:
                middle = (low + high) >> 1
                if keys[middle] < key:
                    low = middle + 1
                else:
                    high = middle
            if low == end or keys[low] != key or opened[low - begin] == band + 1:
                continue
            opened[low - begin] = band + 1
            while low < end and keys[low] == key:
                seen[rows[low]] = 1
                low += 1
