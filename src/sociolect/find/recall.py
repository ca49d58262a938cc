"""Recall: how much of a known community a search brings back."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import fsum

import numpy as np

from sociolect.errors import RefusedError, UsageError
from sociolect.find.lsh import Index


def recall(found: Sequence[str], community: Iterable[str], seeds: Iterable[str]) -> float:
    """The share of a community, its seeds apart, that is among the first of the found: as many as there are to find.

    Seeds among the found are passed over: they take no place in the list. Raises RefusedError where the community has
    nobody but seeds.

    >>> recall(["a", "b", "s", "x", "c"], "abcds", ["s"])
    0.75
    """
    return recall_curve(found, community, seeds, every=max(1, len(_due(community, seeds))))[1][1]


def recall_curve(
    found: Sequence[str], community: Iterable[str], seeds: Iterable[str], *, every: int = 10, until: int | None = None
) -> list[tuple[int, float]]:
    """(how many were added, recall) after every `every` additions, from (0, 0) to `until`: by default, those to find.

    The curve stays flat once the found run out. Raises RefusedError where the community has nobody but seeds,
    UsageError for `every` or `until` below 1.

    >>> recall_curve(["a", "x", "b"], "abcds", ["s"], every=2, until=6)
    [(0, 0.0), (2, 0.25), (4, 0.5), (6, 0.5)]
    """
    due = _due(community, seeds)
    until = len(due) if until is None else until
    if every < 1 or until < 1:
        raise UsageError(f"every={every}, until={until}: due is 1 or more")
    without = set(seeds)
    hits = np.cumsum([account in due for account in dict.fromkeys(found) if account not in without])
    steps = [*range(0, until, every), until]
    return [(n, float(hits[min(n, hits.size) - 1] / len(due)) if n and hits.size else 0.0) for n in steps]


def area(curve: Sequence[tuple[int, float]]) -> float:
    """The area under a recall curve, additions as a share of its last: 1 would be all at once, 1/2 a list that is all hits.

    By trapezia. It depends on where the curve ends and on how a short list is padded (flat): compare like with like.
    Raises UsageError for a curve without two points.

    >>> area([(0, 0.0), (5, 0.5), (10, 1.0)]), area([(0, 0.0), (5, 1.0), (10, 1.0)])
    (0.5, 0.75)
    """
    if len(curve) < 2:
        raise UsageError(f"a curve of {len(curve)} points has no area: due are two or more")
    total = fsum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(curve))
    return total / (curve[-1][0] - curve[0][0])


def candidate_recall(index: Index, community: Sequence[str], seeds: Sequence[str]) -> float:
    """The share of a community, its seeds apart, that shares a bucket with a seed: no ranker can find more.

    Members who are not in the index count as missed. Raises RefusedError where the community has nobody but seeds,
    UsageError for a seed that is not in the index.

    >>> import polars as pl
    >>> from sociolect.find.lsh import index
    >>> from sociolect.find.minhash import signatures
    >>> pairs = pl.DataFrame({"account": ["a", "b", "c"], "element": ["x", "x", "y"]})
    >>> candidate_recall(index(signatures(pairs)), ["a", "b", "c"], ["a"])
    0.5
    """
    due = _due(community, seeds)
    accounts = index.signatures.accounts
    active = accounts.gather(index.candidates(index.rows_of(list(seeds))))
    return len(due.intersection(active)) / len(due)


def _due(community: Iterable[str], seeds: Iterable[str]) -> set[str]:
    due = set(community) - set(seeds)
    if not due:
        raise RefusedError("the community has nobody but seeds, so there is no recall: take fewer seeds")
    return due
