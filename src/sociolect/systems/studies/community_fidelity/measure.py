"""The study's instruments, each trained on the judge side's people or on a labelled table, and blind to who speaks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.frames import Posts, Replies, Scores
from sociolect.load.labelled import labelled
from sociolect.measure.classifier import Classifier, classifier
from sociolect.measure.emotion import emotion
from sociolect.measure.origin import origin
from sociolect.measure.pretrained import Reader, pretrained
from sociolect.measure.toxicity import toxicity

RIDERS = ("topic", "template")


def judge(posts: Posts, *, seed: int) -> Classifier:
    """The classifier of communities, trained on the judge side: equally many posts of each, calibrated by author."""
    return classifier(
        posts["text"].to_list(), posts["community"].to_list(), groups=posts["person"].to_list(), seed=seed
    )


def reader(table: pl.DataFrame, *, balance: bool | None = None, seed: int) -> Classifier:
    """A classifier out of a labelled table: columns text and labels, and group where texts share an author.

    One label a text makes it single-label, several anywhere multi-label.
    """
    table = table.filter(pl.col("labels").list.len() > 0)
    many = table["labels"].list.len().max() != 1
    found = table["labels"].to_list()
    groups = table["group"].to_list() if "group" in table.columns else None
    return classifier(table["text"].to_list(), found if many else [one[0] for one in found], groups=groups, seed=seed)


def planted_labels(posts: Posts, column: str) -> pl.DataFrame:
    """The planted truth of the judge side's posts as a labelled table: what a human annotator would give."""
    said = (
        pl.col(column)
        if posts.schema[column] == pl.String
        else pl.when(column).then(pl.lit("toxic")).otherwise(pl.lit("fine"))
    )
    return posts.select("text", labels=pl.concat_list(said), group="person")


def origins(replies: Replies, posts: Posts, *, seed: int) -> Scores:
    return ridden(origin(replies, judge(posts, seed=seed)), replies)


def tones(replies: Replies, by: pl.DataFrame | str | Path, *, instrument: str, positive: str, seed: int) -> Scores:
    """Emotions by a balanced reader, or toxicity by one that keeps its table's own rate of toxic texts; or by a model.

    `by` is a labelled table to learn from, or a Hugging Face classifier (a folder, whose content counts, or a hub id).
    """
    if not isinstance(by, pl.DataFrame):
        found: Reader = pretrained(by)
    else:
        found = reader(by, balance=None if instrument == "emotion" else False, seed=seed)
    if instrument == "emotion":
        return ridden(emotion(replies, found), replies)
    return ridden(toxicity(replies, found, positive=positive), replies)


def readers(
    judge: Posts,
    tables: Mapping[str, tuple[Path | None, Mapping[str, str]]],
    models: Mapping[str, str | None],
    *,
    plants: bool,
) -> dict[str, pl.DataFrame | str | Path]:
    """What each instrument reads by: the classifier named; else the labelled table named; else, in a planted society, the
    judge side's planted truth; else nothing, and the instrument is left out.
    """
    found: dict[str, pl.DataFrame | str | Path] = {}
    if plants:
        found = {"emotion": planted_labels(judge, "emotion"), "toxicity": planted_labels(judge, "toxic")}
    for name, (path, said) in tables.items():
        model = models.get(name)
        if path is not None and model:
            raise UsageError(
                f"--{name} and --{name}-model: name a table to learn from or a model that has learnt, not both"
            )
        if path is not None:
            beside: dict[str, Any] = {k: path.parent / said[k] for k in ("names", "labels") if k in said}
            given: dict[str, Any] = {k: said[k] for k in ("text", "label") if k in said}
            found[name] = labelled(path, **given, **beside, header=said.get("header", "true") != "false")
        elif model:
            where = Path(model.removeprefix("hf/"))
            found[name] = where if where.is_dir() else str(where)
    return found


def ridden(scores: Scores, replies: Replies) -> Scores:
    """The scores with the replies' topic and template: what the intervals resample."""
    keys = list(frames.KEYS)
    bare = scores.drop([c for c in RIDERS if c in scores.columns])
    return frames.scores(bare.join(replies.select(*keys, *RIDERS), on=keys, how="left"))
