"""Which community a text seems to come from."""

import numpy as np
import polars as pl

from sociolect.errors import RefusedError
from sociolect.frames import Replies, Scores
from sociolect.measure.classifier import Classifier
from sociolect.measure.scoring import said, score, spread


def origin(replies: Replies, judge: Classifier) -> Scores:
    """Whether each reply is taken for one of its own community's: measure `origin`, 1.0 or 0.0, one row per reply.

    `label` is the community the judge names and `confidence` how likely it holds it to be. A reply without text is a miss:
    value 0.0, label and confidence null. Raises RefusedError where a community is not among the judge's labels, and for
    a judge that gives many labels. Sec. 5.2.1 of arXiv 2408.09366; the judge never sees `source` or `condition`.
    """
    unknown = sorted(set(replies["community"].unique()) - set(judge.labels))
    faults = [f"the judge was never shown {', '.join(unknown)}: it knows {', '.join(judge.labels)}"] if unknown else []
    faults += ["the judge gives a text many labels; origin needs one"] * judge.multi
    if faults:
        raise RefusedError("origin cannot be told: " + "; ".join(faults))
    places, texts = said(replies)
    chance = judge.probabilities(texts)
    named: list[str | None] = [None] * replies.height
    for i, k in zip(places, chance.argmax(1), strict=True):
        named[i] = judge.labels[k]
    label = pl.Series("label", named, dtype=pl.String)
    sure = pl.Series(spread(places, chance.max(1), replies.height)).fill_nan(None)
    right = (label == replies["community"]).fill_null(value=False).cast(pl.Float64)
    return score(replies, {"origin": right.to_numpy().astype(np.float64)}, label=label, confidence=sure)
