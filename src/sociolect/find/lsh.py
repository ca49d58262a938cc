"""An LSH index of signatures: in memory, or in a folder, where it is mapped when opened and added to without being torn."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import InputError
from sociolect.find.lsh_buckets import Index, buckets, same_family, width
from sociolect.find.lsh_files import ARRAYS, checked, committed, fitting, held, mapped, saved, unused, whole
from sociolect.find.minhash import Signatures, signatures
from sociolect.find.set_pairs import Pairs

__all__ = ["Index", "append", "index", "opened"]

_AT_ONCE = 1 << 24  # entries of signatures merged at once: 64 MB


def index(signatures: Signatures, *, bands: int = 500, folder: Path | None = None) -> Index:
    """The index of the signatures; with `folder` it is written there, and comes back mapped from the disk.

    Memory or disk: at most 8 bytes per account and band beside the signatures. Written as `find.lsh_files` says.
    Raises UsageError where the hashes do not go into bands, WorkspaceError where the folder cannot be written.

    >>> from sociolect.find.minhash import signatures
    >>> rows = {"account": ["a", "a", "b", "b", "c"], "element": ["x", "y", "x", "y", "z"]}
    >>> made = index(signatures(pl.DataFrame(rows), hashes=20), bands=10)
    >>> made.candidates(made.rows_of(["b"])).tolist(), made.keys.size
    ([0, 1], 20)
    """
    width(signatures.values.shape[1], bands)
    if folder is not None:
        with held(folder := Path(folder)):
            number = unused(folder)
            saved(folder / f"values-{number}.npy", [signatures.values], signatures.values.shape)
            return _finished(folder, number, signatures, bands)
    return Index(signatures, bands, *buckets(signatures.values, bands))


def opened(folder: Path, *, verified: bool = False) -> Index:
    """The index in the folder, mapped from the disk: what a query does not touch is not read.

    Every file's size is held against `index.json`; its bytes too where `verified`, which reads all of them. Raises
    WorkspaceError where there is no index, a newer one, or a file is missing or cut: all faults at once.
    """
    folder = Path(folder)
    said = checked(folder, verified=verified)
    number = said["number"]
    found = {name: mapped(folder / f"{name}-{number}.npy") for name in ARRAYS}
    with whole(folder):
        known = pl.read_parquet(folder / f"accounts-{number}.parquet").select(
            pl.col("account").cast(pl.String), pl.col("size").cast(pl.Int64)
        )
        set_aside = pl.DataFrame(said["set_aside"], schema=frames.SET_ASIDE, orient="row")
        fitting(said, found, known)
    sizes = known["size"].to_numpy().astype(np.int64)
    signed = Signatures(known["account"], found["values"], sizes, said["seed"], set_aside)
    return Index(signed, said["bands"], found["starts"], found["keys"], found["rows"])


def append(
    folder: Path,
    pairs: Pairs | Signatures,
    *,
    hashes: int | None = None,
    bands: int | None = None,
    seed: int | None = None,
) -> Index:
    """The index in the folder with further pairs: new accounts get rows, known ones their new elements.

    The same bytes as one index of all pairs at once, for a minimum does not care when it was taken. The pairs are signed
    with the index's own hashes; `hashes`, `bands` and `seed` only say what is expected. Rows move: ask for `rows_of`
    again. A `cap` cannot see what was counted before, and is not taken. A kill on the way leaves the old index whole.
    Costs: a copy of the signatures on disk, and all buckets anew. Raises InputError where the pairs or what is expected
    are of another family, WorkspaceError for a torn index or while another process writes.
    """
    folder = Path(folder)
    checked(folder, verified=False)  # a folder without an index is left as it is
    with held(folder):
        old = opened(folder)
        expected = {"hashes": hashes, "bands": bands, "seed": seed}
        here = {"hashes": old.hashes, "bands": old.bands, "seed": old.signatures.seed}
        if faults := [f"{k}={v}, not {k}={here[k]}" for k, v in expected.items() if v is not None and v != here[k]]:
            built = ", ".join(f"{k}={v}" for k, v in here.items())
            raise InputError(
                f"the index in {folder} was built with {built}: asked was {'; '.join(faults)}; build it anew with index(...)"
            )
        new = pairs if isinstance(pairs, Signatures) else signatures(pairs, hashes=old.hashes, seed=here["seed"])
        same_family(old.signatures, new)
        number = unused(folder)
        merged = _merged(old.signatures, new, folder / f"values-{number}.npy")
        return _finished(folder, number, merged, old.bands)


def _merged(old: Signatures, new: Signatures, path: Path) -> Signatures:
    """Both as one, accounts in order, the lesser value where both have the account; the values are a file."""
    accounts = pl.concat([old.accounts, new.accounts]).unique().sort()
    at_old, at_new = (accounts.search_sorted(s.accounts).to_numpy().astype(np.int64) for s in (old, new))
    sizes = np.zeros(accounts.len(), dtype=np.int64)
    sizes[at_old] += old.sizes
    sizes[at_new] += new.sizes
    hashes = old.values.shape[1]
    some = max(1, _AT_ONCE // hashes)

    def blocks() -> Iterator[NDArray[np.uint32]]:
        for low in range(0, accounts.len(), some):
            block = np.full((min(some, accounts.len() - low), hashes), 0xFFFFFFFF, dtype=np.uint32)
            for at, values in ((at_old, old.values), (at_new, new.values)):
                begin, end = np.searchsorted(at, [low, low + some])
                here = at[begin:end] - low
                block[here] = np.minimum(block[here], values[begin:end])
            yield block

    saved(path, blocks(), (accounts.len(), hashes))
    aside = pl.concat([old.set_aside, new.set_aside])
    return Signatures(accounts, mapped(path), sizes, old.seed, aside)


def _finished(folder: Path, number: int, signed: Signatures, bands: int) -> Index:
    """The files beside the values, and then, at once, the index that they are."""
    starts, keys, rows = buckets(signed.values, bands)
    for name, array in (("starts", starts), ("keys", keys), ("rows", rows)):
        saved(folder / f"{name}-{number}.npy", [array], array.shape)
    parameters = {"hashes": signed.values.shape[1], "bands": bands, "seed": signed.seed}
    counts = {"accounts": signed.accounts.len(), "entries": keys.size, "set_aside": signed.set_aside.rows()}
    names = pl.DataFrame({"account": signed.accounts, "size": signed.sizes})
    committed(folder, number, names, parameters | counts)
    return opened(folder)
