"""The longest run of words each text shares with some one corpus text."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def longest_spans(texts: Sequence[Sequence[str]], corpus: Sequence[Sequence[str]]) -> Ints:
    """How many words the longest span has that stands verbatim both in the text and in one corpus text; 0 for none.

    Exact, by a suffix array over all words (Manber and Myers 1993): the corpus suffix most like a text's suffix is its
    nearest neighbour in sorted order. The time grows with the words times the log of the longest text.

    >>> longest_spans([["a", "b", "c", "d"], ["x"]], [["b", "c", "d", "e"], ["a", "b"]]).tolist()
    [3, 0]
    """
    out = np.zeros(len(texts), dtype=np.int64)
    if not len(texts) or not len(corpus):
        return out
    words, row = _laid([*texts, *corpus])
    ranks = _ranks(words, max(len(t) for t in (*texts, *corpus)) + 1)
    order = np.argsort(ranks[-1], kind="stable")
    theirs = row[order] >= len(texts)
    place = np.arange(len(order))
    before = np.maximum.accumulate(np.where(theirs, place, -1))
    after = np.minimum.accumulate(np.where(theirs, place, len(order))[::-1])[::-1]
    for near, there in ((before, before >= 0), (after, after < len(order))):
        mine = ~theirs & there
        at = order[mine]
        np.maximum.at(out, row[at], _common(ranks, at, order[near[mine]]))
    return out


def _laid(texts: Sequence[Sequence[str]]) -> tuple[Ints, Ints]:
    """All texts' words as numbers in one row, and the text of each place; each text ends in a number of its own.

    So no span runs from one text into the next.
    """
    vocabulary: dict[str, int] = {}
    words = [k for n, t in enumerate(texts) for k in (*(vocabulary.setdefault(w, len(vocabulary)) for w in t), -1 - n)]
    return np.array(words, dtype=np.int64), np.repeat(np.arange(len(texts)), [len(t) + 1 for t in texts])


def _ranks(words: Ints, reach: int) -> list[Ints]:
    """The rank of the run of 1, 2, 4, ... words at each place, up to `reach` words: equal runs have equal ranks."""
    ranks = [np.unique(words, return_inverse=True)[1].astype(np.int64)]
    length = 1
    while length < reach:
        later = np.concatenate([ranks[-1][length:] + 1, np.zeros(min(length, len(words)), dtype=np.int64)])
        ranks.append(np.unique(ranks[-1] * (len(words) + 1) + later, return_inverse=True)[1].astype(np.int64))
        length *= 2
    return ranks


def _common(ranks: Sequence[Ints], a: Ints, b: Ints) -> Ints:
    """How many words the runs that begin at `a` and at `b` have in common."""
    run = np.zeros(len(a), dtype=np.int64)
    for level in range(len(ranks) - 1, -1, -1):
        run += (ranks[level][a + run] == ranks[level][b + run]).astype(np.int64) << level
    return run
