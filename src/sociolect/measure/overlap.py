"""How much of what was said was copied: from a corpus, word for word or nearly so."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect import text
from sociolect.errors import RefusedError
from sociolect.frames import Replies, Scores
from sociolect.measure.duplicates import duplicates, jaccard, leaks, near_duplicates, same
from sociolect.measure.rouge import rouge_l
from sociolect.measure.scoring import said, score, spread
from sociolect.measure.spans import longest_spans

__all__ = ["duplicates", "leaks", "near_duplicates", "overlap"]


def overlap(
    replies: Replies, corpus: Sequence[str | None], *, rouge: float = 0.7, near: float = 0.8, span: int = 12
) -> Scores:
    """Five measures of copying per reply; null without text. The corpus is what a model learnt from, as texts.

    `overlap:rouge_l` the highest ROUGE-L F-measure against any corpus text (exact from .3 up: `rouge.rouge_l`) ·
    `overlap:exact` 1.0 where a corpus text has the same words · `overlap:near` 1.0 where the Jaccard index of three-word
    runs with some corpus text is `near` or more · `overlap:span` the words of the longest span that stands in one corpus
    text · `overlap:copied` 1.0 where the reply is exact, near, above `rouge` in ROUGE-L (.7: Sec. 4 of arXiv
    2408.09366), or has a span of `span` words or more. Case and punctuation make no difference.

    Raises RefusedError where the corpus holds no text.
    """
    known = [t for t in corpus if t is not None and t.strip()]
    if not known:
        raise RefusedError("copying cannot be measured: the corpus holds no text")
    places, texts = said(replies)
    keys = pl.DataFrame({"t": known}).select(same(pl.col("t")))["t"].unique()
    exact = (
        replies.select(same(pl.col("text")).is_in(keys.implode()))["text"].gather(places).cast(pl.Float64).to_numpy()
    )
    mine, theirs = [text.words(t) for t in texts], sorted({tuple(text.words(t)) for t in known} - {()})
    found = rouge_l(mine, theirs)
    nearest = exact.copy()
    for start, block in jaccard(mine, theirs):
        here = slice(start, start + block.shape[0])
        nearest[here] = np.maximum(nearest[here], block.max(axis=1).toarray().ravel())
    nearby = (nearest >= near).astype(np.float64)
    longest = longest_spans(mine, theirs)
    copied = (exact > 0) | (nearby > 0) | (found > rouge) | (longest >= span)
    values = {"rouge_l": found, "exact": exact, "near": nearby, "span": longest, "copied": copied}
    return score(
        replies,
        {f"overlap:{c}": spread(places, v.astype(np.float64), replies.height) for c, v in values.items()},
    )
