"""How near each reply lies to what a model learnt from, against how near it lies to what nobody taught it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.errors import InputError, RefusedError
from sociolect.frames import Replies, Scores
from sociolect.measure.ngrams import word_ngrams
from sociolect.measure.scoring import said, score, spread
from sociolect.seeds import substream

CELLS = 4_000_000  # pairs held in memory at once
Floats = NDArray[np.float64]


def neighbours(
    replies: Replies, train: Sequence[str | None], held_out: Sequence[str | None], *, seed: int = 0
) -> Scores:
    """Three distances per reply, null without text: to the nearest training text, to the nearest held-out text, their ratio.

    `neighbours:train` and `neighbours:held_out` are cosine distances (0 to 1) of TF-IDF vectors of words and word pairs, the
    inverse document frequencies taken from both references together. `neighbours:ratio` is the first over the second, and
    null where the second is 0. A model that repeats what it learnt has ratios below those of people who stand in neither
    reference: compare with theirs, not with 1. Two references of unequal size would favour the larger, so the larger is
    cut to the size of the other by seed; a copy of a text that was cut is not seen here (`overlap` sees it).

    The held-out texts are not the replies themselves: a reply that lies in them has distance 0 there, and no ratio.
    Raises RefusedError where a reference holds no word.
    Held-out texts of equal number as the yardstick: after Platzer and Reutterer 2021, doi 10.3389/fdata.2021.679939.

    >>> keys = {"speaker": "m", "source": "model", "community": "c", "item": "i", "condition": "a", "draw": 0, "turn": 0}
    >>> heard = pl.DataFrame([{**keys, "prompt": "say", "text": "so"}])
    >>> found = neighbours(Replies(heard), ["So!", "no"], ["go", "do", "to"])
    >>> found.select("measure", "value").rows()
    [('neighbours:train', 0.0), ('neighbours:held_out', 1.0), ('neighbours:ratio', 0.0)]
    """
    sides = {"training": _worded(train), "held-out": _worded(held_out)}
    if bare := [name for name, texts in sides.items() if not texts]:
        raise RefusedError(f"nearness cannot be measured: no {' and no '.join(bare)} text holds a word")
    most = min(map(len, sides.values()))
    near, far = (_cut(name, texts, most, seed) for name, texts in sides.items())
    places, texts = said(replies)
    counts = word_ngrams([*near, *far, *texts])
    both = counts[: 2 * most]
    # +1 on both sides as if one more text held every word, as scikit-learn smooths them
    idf = np.log((1 + 2 * most) / (1 + np.bincount(both.indices, minlength=both.shape[1]))) + 1
    unit = _unit(counts, idf)
    found = [_cosine(unit[2 * most :], side) for side in (unit[:most], unit[most : 2 * most])]
    return _scores(replies, *(spread(places, d, replies.height) for d in found))


def neighbours_in(replies: Replies, vectors: Floats, *, train: Floats, held_out: Floats, seed: int = 0) -> Scores:
    """The same three numbers per reply in any space, by Euclidean distance: `vectors` (replies, d), references (n, d).

    A row of `vectors` that is all nan is a reply without text: null. For cosine distance give vectors of length 1: their
    squared Euclidean distance is twice it. Raises InputError where shapes differ or a reference holds nan or infinity,
    RefusedError where a reference is empty.
    """
    sides = {"vectors": vectors, "train": train, "held_out": held_out}
    if any(x.ndim != 2 for x in sides.values()) or len({x.shape[1] for x in sides.values()}) > 1:
        seen = ", ".join(f"{name} {x.shape}" for name, x in sides.items())
        raise InputError(f"nearness cannot be measured between {seen}: due are (n, d), of one d")
    blank = np.isnan(vectors).all(1)
    odd = {name: int((~np.isfinite(x)).any(1).sum()) for name, x in {**sides, "vectors": vectors[~blank]}.items()}
    faults = [f"{n} rows of {name} hold nan or infinity" for name, n in odd.items() if n]
    if len(vectors) != replies.height:
        faults.append(f"{len(vectors)} vectors stand for {replies.height} replies")
    if faults:
        raise InputError(f"nearness cannot be measured: {'; '.join(faults)}; due is one finite row per reply or text")
    most = min(len(train), len(held_out))
    if not most:
        raise RefusedError(f"nearness cannot be measured: {len(train)} training and {len(held_out)} held-out vectors")
    places = np.flatnonzero(~blank)
    found = [
        nearest(vectors[places], _drawn(x, most, seed, name))
        for name, x in (("training", train), ("held-out", held_out))
    ]
    return _scores(replies, *(spread(places.tolist(), d, replies.height) for d in found))


def nearest(queries: Floats, references: Floats) -> Floats:
    """The Euclidean distance of each query to its nearest reference: exact, in blocks; a copy is at distance 0.

    >>> nearest(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0], [9.0, 9.0]])).tolist()
    [0.0, 5.0]
    """
    out = np.empty(len(queries))
    # A product of matrices loses digits where vectors lie far from 0 and near each other: it is taken about their middle.
    middle = references.mean(0)
    there = np.asarray(references - middle, dtype=np.float64)
    length = (there**2).sum(1)
    rows = max(1, CELLS // len(references))
    for start in range(0, len(queries), rows):
        block = np.asarray(queries[start : start + rows] - middle, dtype=np.float64)
        best = (length - 2 * block @ there.T).argmin(1)
        gap = np.asarray(queries[start : start + rows] - references[best], dtype=np.float64)
        out[start : start + rows] = np.sqrt((gap**2).sum(1))
    return out


def _worded(texts: Sequence[str | None]) -> list[str]:
    """The texts that hold a word, sorted: no draw depends on their order."""
    held = pl.Series(list(texts), dtype=pl.String)
    return held.filter(held.str.contains(r"[\p{L}\p{N}]").fill_null(value=False)).sort().to_list()


def _cut(name: str, texts: list[str], most: int, seed: int) -> list[str]:
    if len(texts) == most:
        return texts
    return [texts[i] for i in substream(seed, "neighbours", name).choice(len(texts), most, replace=False)]


def _drawn(rows: Floats, most: int, seed: int, name: str) -> Floats:
    if len(rows) == most:
        return rows
    ordered = rows[np.lexsort(rows.T)]
    return np.asarray(ordered[substream(seed, "neighbours", name).choice(len(rows), most, replace=False)])


def _unit(counts: Any, idf: Floats) -> Any:
    """Counts as TF-IDF rows of length 1; a row without a word stays 0."""
    out = counts.astype(np.float64)
    out.data *= idf[out.indices]
    row = np.repeat(np.arange(out.shape[0]), np.diff(out.indptr))
    length = np.sqrt(np.bincount(row, weights=out.data**2, minlength=out.shape[0]))
    out.data /= length[row]
    return out


def _cosine(queries: Any, references: Any) -> Floats:
    """The cosine distance to the nearest row: half the squared distance of unit rows, so that equal rows are at 0 exactly."""
    out = np.ones(queries.shape[0])
    across = references.T.tocsr()
    rows = max(1, CELLS // references.shape[0])
    for start in range(0, queries.shape[0], rows):
        block = queries[start : start + rows]
        met = (block @ across).tocsr()
        near = np.asarray(met.argmax(1)).ravel()
        gap = block - references[near]
        apart = np.asarray(gap.multiply(gap).sum(1)).ravel() / 2
        # a row that shares no word with any is at 1, and one without words has no direction: 1 as well
        out[start : start + rows] = np.where(np.asarray(met.max(1).todense()).ravel() > 0, apart, 1.0)
    return out


def _scores(replies: Replies, train: Floats, held_out: Floats) -> Scores:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(held_out > 0, train / held_out, np.nan)
    return score(replies, {"neighbours:train": train, "neighbours:held_out": held_out, "neighbours:ratio": ratio})
