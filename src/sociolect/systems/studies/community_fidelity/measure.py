"""The study's instruments, each trained on the judge side's people or on a labelled table, and blind to who speaks."""

import polars as pl

from sociolect import frames
from sociolect.frames import Posts, Replies, Scores
from sociolect.measure.classifier import Classifier, classifier
from sociolect.measure.emotion import emotion
from sociolect.measure.origin import origin
from sociolect.measure.toxicity import toxicity

RIDERS = ("topic", "template")


def judge(posts: Posts, *, seed: int) -> Classifier:
    """The classifier of communities, trained on the judge side: equally many posts of each, calibrated by author."""
    return classifier(
        posts["text"].to_list(), posts["community"].to_list(), groups=posts["person"].to_list(), seed=seed
    )


def reader(labelled: pl.DataFrame, *, seed: int) -> Classifier:
    """A classifier out of a labelled table: columns text and labels, and group where texts share an author.

    One label a text makes it single-label, several anywhere multi-label.
    """
    many = labelled["labels"].list.len().max() != 1
    labels = labelled["labels"].to_list()
    groups = labelled["group"].to_list() if "group" in labelled.columns else None
    return classifier(
        labelled["text"].to_list(), labels if many else [one[0] for one in labels], groups=groups, seed=seed
    )


def planted_labels(posts: Posts, column: str) -> pl.DataFrame:
    """The planted truth of the judge side's posts as a labelled table: what a human annotator would give."""
    said = (
        pl.col(column)
        if posts.schema[column] == pl.String
        else pl.when(column).then(pl.lit("toxic")).otherwise(pl.lit("fine"))
    )
    return posts.select("text", labels=pl.concat_list(said), group="person")


def origins(replies: Replies, posts: Posts, *, seed: int) -> Scores:
    return _with(origin(replies, judge(posts, seed=seed)), replies)


def emotions(replies: Replies, labelled: pl.DataFrame, *, seed: int) -> Scores:
    return _with(emotion(replies, reader(labelled, seed=seed)), replies)


def toxicities(replies: Replies, labelled: pl.DataFrame, *, positive: str, seed: int) -> Scores:
    return _with(toxicity(replies, reader(labelled, seed=seed), positive=positive), replies)


def _with(scores: Scores, replies: Replies) -> Scores:
    """The scores with the replies' topic and template: what the intervals resample."""
    keys = list(frames.KEYS)
    return frames.scores(
        scores.drop([c for c in RIDERS if c in scores.columns]).join(
            replies.select(*keys, *RIDERS), on=keys, how="left"
        )
    )
