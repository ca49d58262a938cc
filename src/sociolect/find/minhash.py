"""MinHash: each account's set of elements as a row of small numbers, out of one pass over the pairs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import shake_256
from os import cpu_count
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find.set_pairs import COLUMNS, Pairs, capped, opened, pieces
from sociolect.seeds import derive

_CHUNK = 1 << 16  # rows whose names are in memory at once
_BUFFER = 1 << 20  # pairs that wait, two numbers each, until the rows of their accounts are opened together


class Signatures(NamedTuple):
    """Accounts in the order of their names, the smallest value of each hash over their elements, and how many pairs.

    `accounts` String (n), no two alike; `values` uint32 (n, hashes); `sizes` int64 (n): pairs seen, repeats too.
    `seed` names the family of hashes: only signatures of one family and one number of hashes can be held together.
    `set_aside` counts what was left out, by reason.
    """

    accounts: pl.Series
    values: NDArray[np.uint32]
    sizes: NDArray[np.int64]
    seed: int
    set_aside: pl.DataFrame = pl.DataFrame(schema=frames.SET_ASIDE)


def signatures(pairs: Pairs, *, hashes: int = 1000, cap: int | None = None, seed: int = 0) -> Signatures:
    """The MinHash signature of each account: for each of `hashes` hash functions, the least value over its elements.

    `pairs` has the columns account and element, in any order, repeats allowed: a frame, a lazy frame, or the path of a
    parquet file, which is read in one pass, a piece at a time. Memory beyond the pairs: 4 bytes per hash and account,
    and less than 100 MB; more where a row group of the file holds millions of rows, for it is unpacked whole. An element enters as 32 bits of a hash of its name, and hash k is (a_k x + b_k) mod 2^32, a_k
    odd: names, `hashes` and `seed` alone decide the values, so data of another day, machine or order compare. Two sets
    of some 10^6 elements look alike by n / 2^32 more than they are: far below the standard error.
    `cap` leaves out elements that more than `cap` accounts have (a fan who follows everybody makes all alike), after a
    counting pass; `set_aside` says how many, and how many accounts had no other.
    Raises InputError for missing columns, other types, nulls or an unreadable file, UsageError for hashes or cap below
    1, RefusedError where there are no pairs.
    Source: Broder 1997, doi 10.1109/SEQUEN.1997.666900; one pass over the pairs: Chamberlain et al., arXiv 1601.03958.

    >>> rows = {"account": ["b", "a", "b", "a"], "element": ["x", "x", "y", "z"]}
    >>> s = signatures(pl.DataFrame(rows), hashes=400)
    >>> s.accounts.to_list(), s.values.shape, s.sizes.tolist(), float(jaccard(s, 0, 1)[0])
    (['a', 'b'], (2, 400), [2, 2], 0.3225)
    """
    faults = [f"hashes={hashes}: due is 1 or more"] if hashes < 1 else []
    faults += [f"cap={cap}: due is 1 or more, or None"] if cap is not None and cap < 1 else []
    if faults:
        raise UsageError("; ".join(faults))
    lazy, set_aside = opened(pairs), pl.DataFrame(schema=frames.SET_ASIDE)
    if cap is not None:
        lazy, set_aside = capped(lazy, cap)
    # a cap filters the rows: a slice of what is left would read all before it again
    file = Path(pairs) if isinstance(pairs, str | Path) and cap is None else None
    accounts, values, sizes = _minima(lazy, family(hashes, seed), file)
    if not accounts.len():
        why = f"; cap={cap} left out every element" if set_aside.height else ""
        raise RefusedError(f"there are no pairs of account and element, so there is nothing to sign{why}")
    return Signatures(accounts, values, sizes, seed, set_aside)


def family(hashes: int, seed: int) -> NDArray[np.uint32]:
    """The multipliers (odd) and offsets of the hash functions, uint32 (2, hashes); fewer hashes are the first of more.

    They come straight from SHAKE-256, for a stored signature must outlive any library's generator of random numbers.

    >>> bool((family(3, 1) == family(5, 1)[:, :3]).all()), family(2, 0)[0].tolist()
    (True, [595906903, 2395900805])
    """
    drawn = np.frombuffer(shake_256(str(derive(seed, "minhash")).encode()).digest(8 * hashes), dtype="<u4")
    a, b = drawn.reshape(hashes, 2).T.astype(np.uint32)
    return np.ascontiguousarray(np.stack([a | np.uint32(1), b]))


def jaccard(signatures: Signatures, i: ArrayLike, j: ArrayLike) -> NDArray[np.float64]:
    """The estimated similarity of accounts in rows i and j: the share of equal entries; standard error √(J(1 - J)/K).

    >>> s = Signatures(pl.Series(["a", "b"]), np.array([[1, 2], [1, 3]], dtype=np.uint32), np.array([1, 1]), 0)
    >>> jaccard(s, [0, 0], [0, 1]).tolist()
    [1.0, 0.5]
    """
    from sociolect.find.kernels.minhash import agreeing

    left, right = np.broadcast_arrays(np.asarray(i, dtype=np.int64), np.asarray(j, dtype=np.int64))
    left, right = np.ascontiguousarray(left.ravel()), np.ascontiguousarray(right.ravel())
    n = signatures.accounts.len()
    if left.size and (min(left.min(), right.min()) < 0 or max(left.max(), right.max()) >= n):
        raise UsageError(
            f"rows reach from {min(left.min(), right.min())} to {max(left.max(), right.max())}, due 0 to {n - 1}"
        )
    shares = np.empty(left.size)
    agreeing(np.asarray(signatures.values), left, right, shares)
    return shares


def workers() -> int:
    """How many threads share the work; no result depends on it.

    >>> workers() >= 1
    True
    """
    return cpu_count() or 1


def _minima(
    pairs: pl.LazyFrame, ab: NDArray[np.uint32], file: Path | None
) -> tuple[pl.Series, NDArray[np.uint32], NDArray[np.int64]]:
    """Accounts in order, their least values, and their pairs: numbers wait in a buffer, and a full one goes into the rows."""
    from sociolect.find.kernels.minhash import ordered

    names = [pl.Series("account", [], dtype=pl.String)]
    values, sizes = np.empty((0, ab.shape[1]), dtype=np.uint32), np.zeros(0, dtype=np.int64)
    rows, elements, full, count = np.empty(_BUFFER, dtype=np.int32), np.empty(_BUFFER, dtype=np.uint32), 0, 0
    with ThreadPoolExecutor(workers()) as pool:
        for fresh, their_rows, their_elements in _numbered(pairs, pool, file):
            if (after := full + their_rows.size) > _BUFFER:
                values, sizes = _into_rows(values, sizes, rows[:full], elements[:full], count=count, ab=ab, pool=pool)
                full, after = 0, their_rows.size
            rows[full:after], elements[full:after] = their_rows, their_elements
            names.append(fresh)
            full, count = after, count + fresh.len()
        values, sizes = _into_rows(values, sizes, rows[:full], elements[:full], count=count, ab=ab, pool=pool)
        accounts = pl.concat(names)
        if not accounts.is_sorted():
            order = accounts.arg_sort().to_numpy().astype(np.int64)
            accounts, sizes = accounts.gather(order), sizes[order]
            edges = np.linspace(0, ab.shape[1], workers() + 1).astype(int).tolist()
            # in place, by columns: a sorted copy would be as large as all signatures
            list(pool.map(lambda low, high: ordered(values, order, low, high), edges[:-1], edges[1:]))
    return accounts, values, sizes


def _into_rows(
    values: NDArray[np.uint32],
    sizes: NDArray[np.int64],
    rows: NDArray[np.int32],
    elements: NDArray[np.uint32],
    *,
    count: int,
    ab: NDArray[np.uint32],
    pool: ThreadPoolExecutor,
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The least values and the pairs per account brought up to date, with room for `count` accounts."""
    from sociolect.find.kernels.minhash import gathered, smallest

    known = sizes.size
    if known:
        values.resize((count, ab.shape[1]), refcheck=False)  # in place: a larger copy would double the peak
    else:
        values = np.empty((count, ab.shape[1]), dtype=np.uint32)
    starts, mine = np.empty(count + 1, dtype=np.int64), np.empty_like(elements)
    gathered(rows, elements, starts, mine)
    shares = np.linspace(0, mine.size, 4 * workers() + 1)
    edges = np.unique(np.r_[0, np.searchsorted(starts, shares[1:-1]), count]).tolist()
    list(pool.map(lambda low, high: smallest(values, starts, mine, *ab, known, low, high), edges[:-1], edges[1:]))
    grown = np.diff(starts)
    grown[:known] += sizes
    return values, grown


def _numbered(
    pairs: pl.LazyFrame, pool: ThreadPoolExecutor, file: Path | None
) -> Iterator[tuple[pl.Series, NDArray[np.int32], NDArray[np.uint32]]]:
    """Piece by piece: the accounts met for the first time, the row of each pair's account, the 32 bits of its element.

    Rows are given out in the order accounts are met. Raises InputError, at the end, where names are null.
    """
    from sociolect.find.kernels.minhash import placed, settled

    slots, known, count = np.empty(0, dtype=np.int32), np.empty((2, 0), dtype=np.uint64), 0
    nulls = dict.fromkeys(COLUMNS, 0)
    for piece in pieces(pairs, _CHUNK, file=file):
        for column in COLUMNS:
            nulls[column] += piece[column].null_count()
        if any(nulls.values()):
            continue
        elements = pool.submit(_hashed, piece["element"])
        accounts = _hashed(piece["account"])
        room = count + piece.height
        if known.shape[1] < room:
            known = np.concatenate([known[:, :count], np.empty((2, 2 * room - count), dtype=np.uint64)], axis=1)
            slots = np.empty(1 << (2 * known.shape[1]).bit_length(), dtype=np.int32)
            settled(slots, known[0], count)
        rows, fresh = np.empty(piece.height, dtype=np.int32), np.empty(piece.height, dtype=np.int64)
        after = placed(*accounts, slots, *known, count, rows, fresh)
        names = piece["account"].gather(fresh[: after - count])
        count = after
        yield names, rows, (elements.result()[0] >> np.uint64(32)).astype(np.uint32)
    faults = [f"column {c!r} is null in {n} row{'s' * (n > 1)}" for c, n in nulls.items() if n]
    if faults:
        raise InputError("; ".join(faults) + ": drop those rows, a pair needs both names")


def _hashed(names: pl.Series) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Two 64-bit hashes of each name's UTF-8 bytes: no library's hash, for those may change from one version to the next."""
    from sociolect.find.kernels.minhash import hashed

    letters = np.frombuffer(names.str.join("").item().encode(), dtype=np.uint8)
    first, second = np.empty(names.len(), dtype=np.uint64), np.empty(names.len(), dtype=np.uint64)
    hashed(letters, names.str.len_bytes().to_numpy(), first, second)
    return first, second
