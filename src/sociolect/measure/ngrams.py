"""Texts as sparse counts of hashed word and character n-grams: no vocabulary, so nothing leaks from a fold into another."""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sociolect import text

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BITS = 20  # ours: a million columns a block; 300,000 distinct n-grams then share a column with another in a quarter of cases
CHUNK = 1_000_000  # characters taken at once, so that memory does not grow with the corpus
_PRIME = np.uint64(0x100000001B3)  # FNV
Hashes = NDArray[np.uint64]


def word_ngrams(texts: Sequence[str]) -> "csr_matrix":
    """How often each word and each pair of neighbouring words comes, one row per text.

    >>> word_ngrams(["so it goes so it goes"]).nnz  # so, it, goes, so it, it goes, goes so
    6
    """
    return _stack([_words(part) for part in _chunks(texts)])


def char_ngrams(texts: Sequence[str], *, low: int = 2, high: int = 5) -> "csr_matrix":
    """How often each run of `low` to `high` characters comes, one row per text.

    Lower-cased; a run never crosses from one word into the next, and a word's ends count as a character (the `char_wb`
    of scikit-learn).

    >>> char_ngrams(["No"], low=2, high=3).nnz  # " n", "no", "o ", " no", "no "
    5
    """
    return _stack([_chars(part, low, high) for part in _chunks(texts)])


def _chunks(texts: Sequence[str]) -> list[Sequence[str]]:
    ends = np.cumsum([len(t) + 1 for t in texts], dtype=np.int64) // CHUNK
    cuts = [0, *(np.flatnonzero(np.diff(ends)) + 1).tolist(), len(texts)]
    return [texts[a:b] for a, b in pairwise(cuts)]


def _stack(parts: list["csr_matrix"]) -> "csr_matrix":
    from scipy.sparse import vstack

    return parts[0] if len(parts) == 1 else vstack(parts, format="csr")


def _words(texts: Sequence[str]) -> "csr_matrix":
    said = [text.words(t) for t in texts]
    known: dict[str, int] = {}
    ids = np.array([known.setdefault(w, len(known)) for words in said for w in words], dtype=np.int64)
    digests = b"".join(blake2b(w.encode("utf-8", "surrogatepass"), digest_size=8).digest() for w in known)
    one = np.frombuffer(digests, dtype="<u8").astype(np.uint64)[ids]
    row = np.repeat(np.arange(len(said)), [len(words) for words in said])
    same = row[1:] == row[:-1]
    two = one[:-1] * _PRIME + one[1:]
    return _counts(np.concatenate([row, row[1:][same]]), np.concatenate([one, two[same]]), len(texts))


def _chars(texts: Sequence[str], low: int, high: int) -> "csr_matrix":
    split = [t.lower().split() for t in texts]
    codes = np.frombuffer(
        "".join(f" {w} " for words in split for w in words).encode("utf-32-le", "surrogatepass"), dtype="<u4"
    ).astype(np.uint64)
    sizes = np.array([len(w) + 2 for words in split for w in words], dtype=np.int64)
    word = np.repeat(np.arange(len(sizes)), sizes)
    row = np.repeat(np.arange(len(split)), [len(words) for words in split])[word]
    rows, hashes = [], []
    run = np.zeros(len(codes), dtype=np.uint64)
    for n in range(1, high + 1):
        run = run[: len(codes) - n + 1] * _PRIME + codes[n - 1 :] if len(codes) >= n else run[:0]
        if n >= low:
            inside = word[: len(run)] == word[n - 1 :]
            rows.append(row[: len(run)][inside])
            hashes.append(run[inside])
    return _counts(np.concatenate(rows), np.concatenate(hashes), len(texts))


def _counts(rows: NDArray[np.int64], hashes: Hashes, n: int) -> "csr_matrix":
    """A sparse matrix of how often each hash falls in each row; columns are the top bits after splitmix64's finish."""
    from scipy.sparse import csr_matrix

    mixed = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    columns = (mixed ^ (mixed >> np.uint64(31))) >> np.uint64(64 - BITS)
    cells = (rows.astype(np.uint64) << np.uint64(BITS)) | columns
    cells, times = np.unique(cells, return_counts=True)
    starts = np.searchsorted(cells, np.arange(n + 1, dtype=np.uint64) << np.uint64(BITS))
    indices = (cells & np.uint64((1 << BITS) - 1)).astype(np.int32)
    return csr_matrix((times.astype(np.float32), indices, starts), shape=(n, 1 << BITS))
