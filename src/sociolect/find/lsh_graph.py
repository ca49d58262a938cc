"""Communities among accounts that share elements: ties of estimated Jaccard similarity out of an LSH index, then Leiden."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.find.leiden import leiden
from sociolect.find.lsh import Index, index
from sociolect.find.minhash import jaccard, signatures
from sociolect.find.sets import sets
from sociolect.frames import Members, Society, Ties
from sociolect.seeds import derive, substream

KIND = "alike"
_PAIRS_AT_ONCE = 20_000  # rows of two signatures compared at a time: 160 MB at 1,000 hashes


class Alike(NamedTuple):
    """The ties of an index, and what they are made of.

    `pairs` is how many pairs of accounts share a bucket and were compared, `thinned` how many buckets were too large to
    pair everybody in them, `alone` how many accounts have no tie.
    """

    ties: Ties
    pairs: int
    thinned: int
    alone: int


def alike(
    lsh: Index,
    *,
    neighbours: int = 25,  # ours: the paper has no graph of all accounts
    bucket: int = 50,  # ours: everybody is paired in buckets of up to 51
    least: float = 0.0,
    seed: int = 0,
) -> Alike:
    """Ties of kind `alike` between accounts that share a bucket, weighed by estimated Jaccard similarity.

    Pairs stream out of the buckets, band by band. In a bucket of more than `bucket` + 1 accounts each is paired with the
    next `bucket` in an order drawn anew for every band, so that a large bucket binds all its accounts and costs no square.
    A tie stays where it is among the `neighbours` strongest of either end and its estimate is above `least`; in a draw the
    earlier name stays. Memory: 8 bytes per pair that shares a bucket. Raises UsageError for numbers below 1 and `least`
    outside 0 to 1.
    """
    if neighbours < 1 or bucket < 1 or not 0 <= least < 1:
        raise UsageError(
            f"neighbours={neighbours}, bucket={bucket}, least={least}: due are 1 or more, 1 or more, and 0 to below 1"
        )
    signed = lsh.signatures
    n = signed.accounts.len()
    codes, thinned = _pairs(lsh, bucket, seed)
    i, j = np.divmod(codes, max(n, 1))
    steps = range(0, codes.size, _PAIRS_AT_ONCE)
    parts = [jaccard(signed, i[at : at + _PAIRS_AT_ONCE], j[at : at + _PAIRS_AT_ONCE]) for at in steps]
    weight = np.concatenate([*parts, np.zeros(0)])
    keep = weight > least
    i, j, weight = i[keep], j[keep], weight[keep]
    near = _strongest(i, j, weight, neighbours)
    i, j, weight = i[near], j[near], weight[near]
    ties = pl.DataFrame({"source": signed.accounts.gather(i), "target": signed.accounts.gather(j)}).with_columns(
        kind=pl.lit(KIND), weight=pl.Series(weight, dtype=pl.Float64)
    )
    alone = n - int(np.unique(np.concatenate([i, j])).size)
    return Alike(frames.ties(ties.sort("source", "target")), int(codes.size), thinned, alone)


def communities(
    society: Society,
    *,
    of: str = "neighbours",
    kinds: str | Sequence[str] | None = None,
    hashes: int = 1000,
    bands: int = 500,
    cap: int | None = None,
    neighbours: int = 25,
    bucket: int = 50,
    resolution: float = 1.0,
    seed: int = 0,
) -> Members:
    """Communities of accounts whose sets are alike: signatures, LSH index, ties of `alike`, then Leiden.

    `of` names the sets, as `find.sets.sets` does: neighbours, followers, followed, hashtags, threads, or a column. Accounts
    without a set, or that share a bucket with nobody, are no members. Raises what `sets`, `signatures`, `index` and `leiden`
    raise, and RefusedError where nobody shares a bucket.
    Source: arXiv 1601.03958 for the signatures and buckets; the graph of all accounts is ours.

    >>> follows = [(f"f{f}", f"{side}{s}") for side in "xy" for s in range(4) for f in range(50) if (f < 25) == (side == "x")]
    >>> rows = [{"source": f, "target": s, "kind": "follow", "weight": 1.0} for f, s in follows]
    >>> society = Society(frames.empty("people"), frames.empty("posts"), frames.ties(pl.DataFrame(rows)))
    >>> communities(society, of="followers", hashes=100, bands=50)["community"].to_list()
    ['c00', 'c00', 'c00', 'c00', 'c01', 'c01', 'c01', 'c01']
    """
    signed = signatures(sets(society, of=of, kinds=kinds), hashes=hashes, cap=cap, seed=derive(seed, "signatures"))
    found = alike(index(signed, bands=bands), neighbours=neighbours, bucket=bucket, seed=derive(seed, "alike"))
    if not found.ties.height:
        raise RefusedError(
            f"no communities can be found: none of {signed.accounts.len()} accounts shares a bucket with another; take more "
            "bands, or other sets (of=...)"
        )
    return leiden(replace(society, ties=found.ties), resolution=resolution, seed=derive(seed, "leiden"))


def _pairs(lsh: Index, bucket: int, seed: int) -> tuple[NDArray[np.int64], int]:
    """Every pair of rows (lower * n + higher) that shares a bucket, once and sorted; and how many buckets were thinned."""
    n = lsh.signatures.accounts.len()
    known, fresh, thinned, waiting = np.zeros(0, dtype=np.int64), [], 0, 0
    for band, (start, end) in enumerate(pairwise(lsh.starts.tolist())):
        keys, rows = np.asarray(lsh.keys[start:end]), np.asarray(lsh.rows[start:end]).astype(np.int64)
        if keys.size and np.diff(np.flatnonzero(np.diff(keys, prepend=-1)), append=keys.size).max() > bucket + 1:
            # rows are in the order of names, so the order drawn rests on nothing else
            rows = rows[np.lexsort((substream(seed, "bucket", band).permutation(n)[rows], keys))]
        at, step = np.arange(keys.size - 1), 1
        while at.size and step <= bucket:
            at = at[keys[at] == keys[at + step]]
            a, b = rows[at], rows[at + step]
            fresh.append(np.minimum(a, b) * n + np.maximum(a, b))
            waiting += at.size
            step += 1
            at = at[at + step < keys.size]
        thinned += np.unique(keys[at[keys[at] == keys[at + step]]]).size if at.size else 0
        if waiting > known.size + 1_000_000:  # pairs met again and again would else fill the memory
            known, fresh, waiting = np.unique(np.concatenate([known, *fresh])), [], 0
    return np.unique(np.concatenate([known, *fresh])), thinned


def _strongest(i: NDArray[np.int64], j: NDArray[np.int64], weight: NDArray[np.float64], most: int) -> NDArray[np.bool_]:
    """Whether a tie is among the `most` strongest of one of its ends; in a draw, the other end's lower number stays."""
    ends, others, edge = np.concatenate([i, j]), np.concatenate([j, i]), np.tile(np.arange(i.size), 2)
    by = np.lexsort((others, -weight[edge], ends))
    start = np.flatnonzero(np.diff(ends[by], prepend=-1))
    run = np.arange(by.size) - np.repeat(start, np.diff(np.append(start, by.size)))
    keep = np.zeros(i.size, dtype=bool)
    keep[edge[by[run < most]]] = True
    return keep
