"""Signatures cut into bands, and rows into buckets: which accounts are likely to be alike, without looking at the others."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from sociolect.errors import InputError, UsageError
from sociolect.find.minhash import Signatures, workers

_AT_ONCE = 64  # entries of a signature read together: one pass over the values serves several bands


@dataclass(frozen=True, slots=True)
class Index:
    """Signatures cut into `bands`, and per band the keys in order beside the rows that have them.

    Band i is keys[starts[i]:starts[i + 1]] (uint32, ascending; each key at least twice) and the same of `rows` (int32).
    With r = hashes / bands, two accounts of similarity J share a bucket with probability 1 - (1 - J^r)^bands.
    Source: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, Sec. 3.4.
    """

    signatures: Signatures
    bands: int
    starts: NDArray[np.int64]
    keys: NDArray[np.uint32]
    rows: NDArray[np.int32]

    @property
    def hashes(self) -> int:
        """How many entries a signature has."""
        return int(self.signatures.values.shape[1])

    def rows_of(self, accounts: Sequence[str]) -> NDArray[np.int64]:
        """The rows of the accounts, in their order; UsageError names those that are not there, with the nearest name."""
        if odd := [a for a in accounts if not isinstance(a, str | None)]:
            raise UsageError(f"account {odd[0]!r} is no text, as {len(odd)} of {len(accounts)}: due are names")
        names = pl.Series(list(accounts), dtype=pl.String)
        if names.null_count():
            raise UsageError(f"{names.null_count()} of {names.len()} accounts are null, due are names")
        known = self.signatures.accounts
        at = np.minimum(known.search_sorted(names, side="left").to_numpy().astype(np.int64), known.len() - 1)
        if (absent := names.filter(known.gather(at) != names)).len():
            raise _absent(absent.unique(maintain_order=True), known)
        return np.asarray(at, dtype=np.int64)

    def candidates(self, rows: ArrayLike) -> NDArray[np.int64]:
        """The rows that share a bucket with any of these rows, themselves included, ascending.

        Raises UsageError for a row that is not there.
        """
        asked = np.ascontiguousarray(np.atleast_1d(np.asarray(rows, dtype=np.int64)))
        n = self.signatures.accounts.len()
        if asked.size and not 0 <= asked.min() <= asked.max() < n:
            raise UsageError(f"rows reach from {asked.min()} to {asked.max()}; the index has rows 0 to {n - 1}")
        seen = self._met(self.signatures.values, asked)
        seen[asked] = 1
        return np.flatnonzero(seen).astype(np.int64)

    def candidates_of(self, others: Signatures) -> NDArray[np.int64]:
        """The rows that share a bucket with any of these signatures, whose accounts need not be in the index.

        Raises InputError where they come from another family of hashes.
        """
        same_family(self.signatures, others)
        return np.flatnonzero(self._met(others.values, np.arange(others.accounts.len()))).astype(np.int64)

    def _met(self, values: NDArray[np.uint32], asked: NDArray[np.int64]) -> NDArray[np.uint8]:
        from sociolect.find.kernels.lsh import met

        seen = np.zeros(self.signatures.accounts.len(), dtype=np.uint8)
        met(values, asked, self.starts, self.keys, self.rows, seen)
        return seen


def width(hashes: int, bands: int) -> int:
    """How many hashes make a band: hashes / bands; UsageError where that is no whole number.

    >>> width(1000, 500)
    2
    """
    if bands < 1:
        raise UsageError(f"bands={bands}: due is 1 or more")
    if hashes % bands:
        near = [b for b in range(1, hashes + 1) if hashes % b == 0]
        best = min(near, key=lambda b: (abs(b - bands), b))
        raise UsageError(f"{hashes} hashes do not go into {bands} bands of equal width; bands={best} would do")
    return hashes // bands


def buckets(values: NDArray[np.uint32], bands: int) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.int32]]:
    """Where each band begins, its keys in order, and their rows; buckets of one row are not kept.

    >>> starts, keys, rows = buckets(np.array([[1, 2], [1, 3], [4, 3]], dtype=np.uint32), 2)
    >>> starts.tolist(), rows.tolist()
    ([0, 2, 4], [0, 1, 1, 2])
    """
    n, at = len(values), 0
    starts = np.zeros(bands + 1, dtype=np.int64)
    # room for all: the pages of what is not kept are never touched
    keys, rows = np.empty(n * bands, dtype=np.uint32), np.empty(n * bands, dtype=np.int32)
    for band, (some_keys, some_rows) in enumerate(_bands(values, bands)):
        end = at + some_keys.size
        keys[at:end], rows[at:end] = some_keys, some_rows
        starts[band + 1] = at = end
    return starts, keys[:at], rows[:at]


def same_family(one: Signatures, other: Signatures) -> None:
    """Nothing, where two sets of signatures can be held together; else InputError."""
    pairs = [("hashes", one.values.shape[1], other.values.shape[1]), ("seed", one.seed, other.seed)]
    faults = [f"{name}={theirs} where the index has {name}={ours}" for name, ours, theirs in pairs if ours != theirs]
    if faults:
        raise InputError(
            "these signatures are of another family of hashes: "
            + ", ".join(faults)
            + "; sign the pairs anew with those"
        )


def _bands(values: NDArray[np.uint32], bands: int) -> Iterator[tuple[NDArray[np.uint32], NDArray[np.int32]]]:
    from sociolect.find.kernels.lsh import banded, bucketed

    n, wide = len(values), values.shape[1] // bands
    some = max(1, _AT_ONCE // wide)

    def block(low: int) -> list[tuple[NDArray[np.uint32], NDArray[np.int32]]]:
        high = min(low + some, bands)
        keys, found = np.empty((high - low, n), dtype=np.uint32), []
        banded(values, wide, low, high, keys)
        for mine in keys:
            sorted_keys, sorted_rows = np.empty(n, dtype=np.uint32), np.empty(n, dtype=np.int32)
            kept = bucketed(mine, sorted_keys, sorted_rows)
            found.append((sorted_keys[:kept].copy(), sorted_rows[:kept].copy()))
        return found

    with ThreadPoolExecutor(workers()) as pool:
        for found in pool.map(block, range(0, bands, some)):
            yield from found


def _absent(names: pl.Series, known: pl.Series) -> UsageError:
    from rapidfuzz import process

    said = []
    everyone = known.to_list()
    for name in names[:5].to_list():
        near = process.extractOne(name, everyone, score_cutoff=60)
        said.append(f"no account {name!r} in the index" + (f"; did you mean {near[0]!r}?" if near else ""))
    more = [f"and {names.len() - 5} more"] if names.len() > 5 else []
    return UsageError("; ".join(said + more))
