"""Ridge regression of many targets at once on TF-IDF of n-grams: the fast linear text classifier behind `classifier`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sociolect.measure.ngrams import char_ngrams, word_ngrams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_matrix

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """A fitted ridge: `kept` n-gram columns of the word and of the character block, their idf, and a weight per target."""

    kept: tuple[NDArray[np.int64], ...]
    idf: tuple[Floats, ...]
    weights: Floats
    level: Floats


def counts(texts: "Sequence[str]") -> "tuple[csr_matrix, ...]":
    """The word and the character n-grams of the texts: what `ridge` and `scores` take."""
    return word_ngrams(texts), char_ngrams(texts)


def ridge(
    blocks: "tuple[csr_matrix, ...]", targets: Floats, weights: Floats, *, penalty: float = 5.0, steps: int = 12
) -> Ridge:
    """The ridge of `targets` (n, k) under row weights (n, k) or (n, 1), by conjugate gradients on all k targets at once.

    An n-gram is kept where at least two texts hold it. `steps` is small on purpose: early stopping regularises too, and
    more steps change no held-out F1 beyond its noise.
    """
    n = targets.shape[0]
    seen = [np.bincount(b.indices, minlength=b.shape[1]) for b in blocks]
    kept = tuple(np.flatnonzero(s >= 2) for s in seen)
    idf = tuple((np.log((1 + n) / (1 + s[k])) + 1).astype(np.float32) for s, k in zip(seen, kept, strict=True))
    x = _tfidf(blocks, kept, idf)
    level = ((weights * targets).sum(0) / np.maximum((weights * np.ones_like(targets)).sum(0), 1e-12)).astype(
        np.float32
    )
    across = x.T.tocsr()
    left = across @ (weights * (targets - level))
    out, step, size = np.zeros_like(left), left.copy(), (left * left).sum(0)
    for _ in range(steps):
        bent = across @ (weights * (x @ step)) + np.float32(penalty) * step
        rate = size / np.maximum((step * bent).sum(0), 1e-30)
        out += rate * step
        left -= rate * bent
        grown = (left * left).sum(0)
        step = left + (grown / np.maximum(size, 1e-30)) * step
        size = grown
    return Ridge(kept, idf, out.astype(np.float32), level)


def scores(blocks: "tuple[csr_matrix, ...]", fit: Ridge) -> NDArray[np.float64]:
    """The fitted value of every text and target: (n, k)."""
    return np.asarray(_tfidf(blocks, fit.kept, fit.idf) @ fit.weights + fit.level, dtype=np.float64)


def _tfidf(blocks: "tuple[csr_matrix, ...]", kept: tuple[NDArray[np.int64], ...], idf: tuple[Floats, ...]) -> Any:
    """Each block with sublinear counts times idf, its rows of length 1, side by side."""
    from scipy.sparse import csr_matrix, hstack

    parts = []
    for block, columns, weight in zip(blocks, kept, idf, strict=True):
        part = csr_matrix(block[:, columns])
        part.data = (1 + np.log(part.data)) * weight[part.indices]
        rows = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
        length = np.sqrt(np.bincount(rows, part.data.astype(np.float64) ** 2, minlength=part.shape[0]))
        part.data = (part.data / length[rows]).astype(np.float32)
        parts.append(part)
    return hstack(parts, format="csr")
