"""Seed expansion: a few accounts grow into the community they come from, by the similarity of who follows them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.errors import InputError, RefusedError, UsageError, unknown
from sociolect.find.lsh import Index
from sociolect.find.rankers import RANKERS, similarities


class Grown(NamedTuple):
    """Who was found, and among how many.

    `members` has account and score, best first, without the seeds; `active` is how many accounts share a bucket with a seed,
    seeds included; `rows` are the rows of the members in the index.
    """

    members: pl.DataFrame
    active: int
    rows: NDArray[np.int64]


def grow(index: Index, seeds: Sequence[str], *, size: int, ranker: str = "average") -> Grown:
    """The `size` accounts nearest to the seeds, or as many as share a bucket with one; a seed given twice counts once.

    Rankers, all on estimated Jaccard similarity and only on the accounts that share a bucket with a seed:
    - `average`: the mean similarity to the seeds.
    - `agglomerative`: the same, one account after another, and each that is taken counts as a seed from then on.
      Its score is that mean when taken, so it may rise down the list.
    - `pagerank`: personalised PageRank, three turns, damping .9; the score is the rank, 1 on average.

    Which is best depends on the data. Of equal scores the lower name goes first: the order of the index's rows changes
    nothing. Memory beside the signatures: some 300 MB at most; where more than some 60,000 share a bucket, PageRank counts anew.
    Raises UsageError for no seeds, a size below 1, an unknown ranker or a seed that is not in the index,
    RefusedError where the seeds share a bucket with nobody else.
    Source: Chamberlain et al. 2018, doi 10.1371/journal.pone.0188702.

    >>> from sociolect.find.lsh import index
    >>> from sociolect.find.minhash import signatures
    >>> fans = {"a": "1234", "b": "1567", "c": "1239", "x": "08"}
    >>> pairs = pl.DataFrame([(account, fan) for account, f in fans.items() for fan in f], ["account", "element"], orient="row")
    >>> grow(index(signatures(pairs)), ["a"], size=5).members["account"].to_list()
    ['c', 'b']
    """
    faults = [] if len(seeds) else ["there are no seeds: name one account or more"]
    faults += [] if size >= 1 else [f"size={size}: due is 1 or more"]
    if faults:
        raise UsageError("; ".join(faults))
    if ranker not in RANKERS:
        raise unknown("ranker", ranker, RANKERS)
    accounts, values = index.signatures.accounts, index.signatures.values
    given = np.unique(index.rows_of(list(dict.fromkeys(seeds))))
    active = index.candidates(given)  # by row, which is by name
    if active.size == given.size:
        who = "the seed shares" if given.size == 1 else f"the {given.size} seeds share"
        raise RefusedError(f"{who} a bucket with nobody else, so nobody is near: take other seeds, or more bands")
    at = np.flatnonzero(np.isin(active, given))
    best, score = RANKERS[ranker](values, active, at, size=size)
    rows = active[best]
    members = pl.DataFrame({"account": accounts.gather(rows), "score": score})
    return Grown(members, active.size, rows)


def similarity(index: Index, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The estimated Jaccard similarity of all pairs of these rows of the index, 1 on the diagonal: (rows, rows).

    Standard error of each: sqrt(J (1 - J) / hashes). Raises InputError for a row that is not there.

    >>> from sociolect.find.lsh import index
    >>> from sociolect.find.minhash import signatures
    >>> pairs = pl.DataFrame({"account": ["a", "b", "c"], "element": ["x", "x", "y"]})
    >>> similarity(index(signatures(pairs)), np.array([0, 1, 2])).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    rows, n = np.asarray(rows, dtype=np.int64), index.signatures.accounts.len()
    if rows.size and not 0 <= rows.min() <= rows.max() < n:
        raise InputError(
            f"rows {rows.min()} to {rows.max()} are asked of an index of {n} accounts: due is 0 to {n - 1}"
        )
    return similarities(index.signatures.values, rows)
