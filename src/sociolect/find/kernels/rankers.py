"""Counts of equal entries between signatures: pair by pair for a few members, by groups that share a value for all pairs.

Per hash, accounts of equal values are one group. A sum over all pairs that agree is then a sum over groups: with A
accounts and K hashes it takes A x K steps, and not A x A x K.
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
def compared(values: Values, rows: Ints, members: Ints, out: Any) -> None:
    """Into out[m, i] (members, rows): how many entries of row i and member m are equal.

    Four rows at once, so that a member's entries are read once for four; the last row stands in for those that are
    missing. Counts are 32 bits wide all along, as the entries are: wider ones would halve how many fit a register.
    """
    last = rows.size - 1
    for i in range(0, rows.size, 4):
        j, k, l = min(i + 1, last), min(i + 2, last), min(i + 3, last)
        row_i, row_j, row_k, row_l = values[rows[i]], values[rows[j]], values[rows[k]], values[rows[l]]
        for m in range(members.size):
            member = values[members[m]]
            in_i, in_j, in_k, in_l = np.uint32(0), np.uint32(0), np.uint32(0), np.uint32(0)
            for h in range(member.size):
                value = member[h]
                in_i = np.uint32(in_i + np.uint32(row_i[h] == value))
                in_j = np.uint32(in_j + np.uint32(row_j[h] == value))
                in_k = np.uint32(in_k + np.uint32(row_k[h] == value))
                in_l = np.uint32(in_l + np.uint32(row_l[h] == value))
            out[m, i], out[m, j], out[m, k], out[m, l] = in_i, in_j, in_k, in_l


@kernel
def grouped(values: Values, rows: Ints, first: int, bits: int, groups: Any, used: Ints) -> None:
    """Into groups[k, i] the number of row i's group at hash first + k, into used[k] how many groups there are.

    Groups are numbered in the order they are met. The table of values is open addressing, 2**bits places.
    """
    n, wide = rows.size, min(32, used.size)  # entries of a row that are read at once
    shift, mask = np.uint64(32 - bits), np.uint64((1 << bits) - 1)
    columns = np.empty((wide, n), dtype=np.uint32)
    held, number = np.empty(1 << bits, dtype=np.uint32), np.empty(1 << bits, dtype=np.int32)
    for low in range(0, used.size, wide):
        high = min(low + wide, used.size)
        for i in range(n):
            row = values[rows[i]]
            for k in range(low, high):
                columns[k - low, i] = row[first + k]
        for k in range(low, high):
            number[:] = -1
            count = 0
            for i in range(n):
                value = columns[k - low, i]
                at = (np.uint64(value) * _GOLDEN >> shift) & mask
                while number[at] >= 0 and held[at] != value:
                    at = (at + np.uint64(1)) & mask
                if number[at] < 0:
                    held[at], number[at] = value, count
                    count += 1
                groups[k, i] = number[at]
            used[k] = count


@kernel
def spread(groups: Any, used: Ints, share: Floats, out: Floats) -> None:
    """To out[i] is added, for each hash, the sum of the shares of row i's group, its own among them."""
    total = np.empty(share.size)
    for k in range(used.size):
        total[: used[k]] = 0.0
        for i in range(share.size):
            total[groups[k, i]] += share[i]
        for i in range(share.size):
            out[i] += total[groups[k, i]]
