"""The highest ROUGE-L of each text against a corpus, exactly, without comparing every pair."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sociolect.errors import RefusedError

Words = Sequence[str]
CELLS = 4_000_000  # pairs held in memory at once
FIRST = 32  # the texts tried first, by their bound


def rouge_l(texts: Sequence[Words], corpus: Sequence[Words], *, floor: float = 0.3) -> NDArray[np.float64]:
    """The ROUGE-L F-measure of each text with the corpus text it is most like: 2 L / (m + n) (Lin 2004, Sec. 3.1, beta 1).

    L is the longest common subsequence of words, m and n the lengths. No subsequence is longer than the two texts'
    shared words, repeats counted, so twice that number over m + n bounds the value from above. Pairs are tried in order of the
    bound until it falls to the best value found: that value is then the maximum. Where the bound falls below `floor`
    first, the search ends after 32 texts: a value below `floor` is reached by some text and may fall short of the
    maximum, which is itself below `floor`; every value of `floor` or more is exact. `floor=0` makes all exact, at the price
    of comparing most pairs of long texts. Without a word, or a shared one, the value is 0.

    >>> rouge_l(["the gunman was killed by police".split()], ["police ended the gunman".split()]).tolist()
    [0.4]
    """
    left, where = _distinct(texts)
    right, _ = _distinct(corpus)
    out = np.zeros(len(left))
    if not right or not left:
        return out[where]
    a, b, shared = _bags(left, right)
    sizes_a, sizes_b = np.array([len(t) for t in left]), np.array([len(t) for t in right])
    coded_a, coded_b = _coded(left, shared), _coded(right, shared)
    rows = max(1, CELLS // len(right))
    for start in range(0, len(left), rows):
        common = (a[start : start + rows] @ b).toarray()
        for i, met in enumerate(common, start):
            if sizes_a[i]:
                bound = 2 * met / (sizes_a[i] + sizes_b)
                out[i] = _best(coded_a[i], coded_b, sizes_a[i] + sizes_b, bound, floor)
    return out[where]


def _best(
    said: str, corpus: Sequence[str], sizes: NDArray[np.int64], bound: NDArray[np.float64], floor: float
) -> float:
    """The highest value over the corpus: first the texts of highest bound, then whichever could still beat it."""
    first = np.argpartition(-bound, FIRST)[:FIRST] if len(bound) > FIRST else np.arange(len(bound))
    best = _highest(said, corpus, sizes, first[bound[first] > 0])
    could = bound > best if best >= floor else (bound > best) & (bound >= floor)
    could[first] = False
    return max(best, _highest(said, corpus, sizes, np.flatnonzero(could)))


def _highest(said: str, corpus: Sequence[str], sizes: NDArray[np.int64], places: NDArray[np.intp]) -> float:
    from rapidfuzz import process
    from rapidfuzz.distance import LCSseq

    if not len(places):
        return 0.0
    longest = process.cdist([said], [corpus[j] for j in places], scorer=LCSseq.similarity, dtype=np.int64)[0]
    return float((2 * longest / sizes[places]).max())


def _distinct(texts: Sequence[Words]) -> tuple[list[tuple[str, ...]], NDArray[np.intp]]:
    """The different texts, and the place of each text among them: models repeat themselves."""
    place: dict[tuple[str, ...], int] = {}
    where = [place.setdefault(tuple(t), len(place)) for t in texts]
    return list(place), np.array(where, dtype=np.intp)


def _bags(left: Sequence[Words], right: Sequence[Words]) -> tuple[Any, Any, dict[str, int]]:
    """Texts as sets of (word, its n-th time), so that a product of the two counts shared words with their repeats."""
    from scipy.sparse import csr_matrix

    shared = sorted({w for t in left for w in t} & {w for t in right for w in t})
    place = {w: k for k, w in enumerate(shared)}
    column: dict[tuple[int, int], int] = {}
    sides = []
    for side in (left, right):
        cells, ends = [], [0]
        for t in side:
            times: Counter[int] = Counter()
            for w in t:
                if (k := place.get(w)) is not None:
                    cells.append(column.setdefault((k, times[k]), len(column)))
                    times[k] += 1
            ends.append(len(cells))
        sides.append((cells, ends))
    a, b = (csr_matrix((np.ones(len(c), np.int32), c, e), shape=(len(e) - 1, max(1, len(column)))) for c, e in sides)
    return a, b.T.tocsr(), place


def _coded(texts: Sequence[Words], shared: dict[str, int]) -> list[str]:
    """Each text as a string of one character a word, without the words that only one side has: no subsequence holds them."""
    if len(shared) > 0x10F7FF:
        raise RefusedError(f"ROUGE-L takes 1,112,063 different shared words; there are {len(shared)}: cut the corpus")
    # surrogates are skipped: they are no characters of their own
    letter = {w: chr(k if k < 0xD800 else k + 0x800) for w, k in shared.items()}
    return ["".join(letter[w] for w in t if w in letter) for t in texts]
