"""Texts that say again what was said: repeats within a corpus, and leaks from one corpus into another."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import text
from sociolect.frames import Replies, Scores
from sociolect.measure.scoring import score

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SHINGLE = 3  # words
CELLS = 4_000_000  # pairs held in memory at once


def same(words: pl.Expr) -> pl.Expr:
    """What exact duplicates share: `text.key`, or the text itself where it has no word, as emoji do; null without text.

    >>> pl.DataFrame({"t": ["A, b!", "a b", ":-)", " "]}).select(same(pl.col("t")))["t"].to_list()
    ['a b', 'a b', ':-)', None]
    """
    bare = words.str.strip_chars()
    keyed = text.key(words)
    return pl.when(keyed != "").then(keyed).when(bare != "").then(bare)


def duplicates(replies: Replies, *, by: Sequence[str] = ("community", "condition")) -> Scores:
    """Which replies repeat an earlier one of their group word for word: measure `duplicate`, 1.0 or 0.0; null without text.

    The first of each set, by community, condition, item, speaker, draw and turn, is kept: it scores 0.0. Case,
    punctuation and spacing make no difference.
    """
    order = ("community", "condition", "item", "speaker", "draw", "turn")
    again = (
        replies.select(*{*order, *by, "source"}, said=same(pl.col("text")), row=pl.int_range(pl.len()))
        .sort(*order, "source")
        .with_columns(
            value=pl.when(pl.col("said").is_not_null()).then(
                (pl.int_range(pl.len()).over(*by, "said") > 0).cast(pl.Float64)
            )
        )
        .sort("row")
    )
    return score(replies, {"duplicate": again["value"]})


def near_duplicates(texts: Sequence[str], others: Sequence[str], *, threshold: float = 0.8) -> pl.DataFrame:
    """The pairs of a text and an other whose sets of three-word runs have a Jaccard index of `threshold` or more.

    Columns text, other, jaccard; each different pair once, sorted. Exact, not hashed. Texts of fewer than three words
    are near only to themselves. To look within one corpus give it twice: each text then pairs with itself as well.

    >>> near_duplicates(["a b c d e f"], ["a b c d e f g", "x y z"], threshold=0.8)["jaccard"].to_list()
    [0.8]
    """
    left, right = sorted({t for t in texts if t}), sorted({t for t in others if t})
    found = [
        {"text": left[i], "other": right[j], "jaccard": float(v)}
        for start, near in jaccard([text.words(t) for t in left], [text.words(t) for t in right])
        for i, j, v in _cells(near, start, threshold)
    ]
    return pl.DataFrame(found, schema={"text": pl.String, "other": pl.String, "jaccard": pl.Float64}).sort(
        "text", "other"
    )


def leaks(held_out: Sequence[str], train: Sequence[str], *, threshold: float = 0.8) -> list[bool]:
    """For each held-out text, whether a training text is an exact or near duplicate of it.

    >>> leaks(["Hello, World!", "good night"], ["hello world"])
    [True, False]
    """
    keys = pl.DataFrame({"t": list(train)}, schema={"t": pl.String}).select(same(pl.col("t")))["t"].drop_nulls()
    mine = pl.DataFrame({"t": list(held_out)}, schema={"t": pl.String}).select(same(pl.col("t")))["t"]
    exact = mine.is_in(keys.unique().implode()).fill_null(value=False).to_list()
    near = set(near_duplicates(held_out, train, threshold=threshold)["text"])
    return [e or t in near for e, t in zip(exact, held_out, strict=True)]


def jaccard(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> "Iterator[tuple[int, csr_matrix]]":
    """The Jaccard index of three-word runs of all pairs that share one: sparse blocks of rows, with each block's first row."""
    from scipy.sparse import csr_matrix

    if not left or not right:
        return
    runs: dict[tuple[str, ...], int] = {}
    a, b = _shingles(left, runs), _shingles(right, runs)
    a, b = (csr_matrix((m.data, m.indices, m.indptr), shape=(m.shape[0], len(runs))) for m in (a, b))
    sizes_a, sizes_b = np.diff(a.indptr), np.diff(b.indptr)
    across = b.T.tocsr()
    rows = max(1, CELLS // max(1, len(right)))
    for start in range(0, len(left), rows):
        both = csr_matrix(a[start : start + rows] @ across)
        i = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr)) + start
        both.data = both.data / (sizes_a[i] + sizes_b[both.indices] - both.data)
        yield start, both


def _shingles(texts: Sequence[Sequence[str]], runs: dict[tuple[str, ...], int]) -> Any:
    """Which three-word runs each text holds; a shorter text is one run of its own."""
    from scipy.sparse import csr_matrix

    cells: list[int] = []
    ends = [0]
    for words in texts:
        held = {tuple(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))} if words else set()
        cells.extend(sorted(runs.setdefault(run, len(runs)) for run in sorted(held)))
        ends.append(len(cells))
    return csr_matrix((np.ones(len(cells)), cells, ends), shape=(len(texts), len(runs)))


def _cells(near: Any, start: int, threshold: float) -> "list[tuple[int, int, float]]":
    kept: NDArray[np.intp] = np.flatnonzero(near.data >= threshold)
    rows = np.repeat(np.arange(near.shape[0]), np.diff(near.indptr))[kept] + start
    return list(zip(rows.tolist(), near.indices[kept].tolist(), near.data[kept].tolist(), strict=True))
