"""What feelings a text shows, and a corpus's profile of them."""

from collections.abc import Sequence

import polars as pl

from sociolect.frames import Replies, Scores
from sociolect.measure.pretrained import Reader
from sociolect.measure.scoring import said, score, spread

MEASURE = "emotion:"


def emotion(replies: Replies, reader: Reader) -> Scores:
    """The reader's confidence in each emotion for each reply: measures `emotion:<label>`; null without text.

    One row per reply and emotion. Sec. 5.2 of arXiv 2408.09366 reads eleven emotions; any reader's labels do here.
    """
    places, texts = said(replies)
    chance = reader.probabilities(texts)
    return score(
        replies,
        {f"{MEASURE}{v}": spread(places, chance[:, k], replies.height) for k, v in enumerate(reader.labels)},
    )


def profile(
    scores: Scores, *, by: Sequence[str] = ("community", "condition"), weight: str | None = None
) -> pl.DataFrame:
    """Each group's emotions as shares that sum to 1: the summed confidences over texts, normalised (arXiv 2408.09366).

    Columns: those of `by`, `emotion`, `share`, `n` (texts with a value); rows sorted by them. `weight` names a column by
    which texts count. A group without any text has null shares. Other measures in the frame are left aside.
    """
    weigh = pl.lit(1.0) if weight is None else pl.col(weight)
    value = pl.col("value") * weigh
    return (
        scores.filter(pl.col("measure").str.starts_with(MEASURE))
        .group_by(*by, emotion=pl.col("measure").str.strip_prefix(MEASURE))
        # sorted before it is summed: floating sums depend on their order
        .agg(mass=value.drop_nulls().sort().sum(), n=value.count().cast(pl.Int64))
        .sort(*by, "emotion")
        .with_columns(total=pl.col("mass").sum().over(by))
        .select(*by, "emotion", pl.when(pl.col("total") > 0).then(pl.col("mass") / pl.col("total")).alias("share"), "n")
    )
