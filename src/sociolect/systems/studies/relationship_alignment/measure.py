"""The reader of the eight tones: the built-in words, classifiers trained on labelled tables, a model from Hugging Face, or a judge."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.load.aside import Aside
from sociolect.load.labelled import labelled
from sociolect.load.read import opened
from sociolect.measure.judge import judge
from sociolect.measure.pretrained import Reader
from sociolect.measure.tone import tone, wide, with_posts
from sociolect.measure.tone_labels import tone_labels, tone_reader
from sociolect.measure.tone_readers import joined, tone_model
from sociolect.measure.tone_words import lexicon
from sociolect.models.open import open_model
from sociolect.workspace import Workspace

GROUP = {"offmychest": "id"}  # sentences of one post are not independent


def reader(
    by: str,
    *,
    goemotions: Path | None,
    offmychest: Path | None,
    labels: Path | None,
    columns: Mapping[str, str],
    seed: int,
) -> Reader:
    """The reader that `by` names: `words`, `trained` (on the labelled tables given), `judge:<model>`, or a Hugging Face id or folder.

    Raises UsageError where `trained` is given no table.
    """
    if by == "words":
        return lexicon()
    if by.startswith("judge:"):
        return judge(open_model(by.removeprefix("judge:")))
    if by != "trained":
        return tone_model(by, columns.get("mapping", "goemotions"))
    readers: dict[str, Reader] = {}
    if goemotions is not None:
        readers["goemotions"] = tone_reader(emotions(goemotions), "goemotions", seed=seed)
    if offmychest is not None:
        told = disclosures(offmychest)
        readers["offmychest"] = tone_reader(told, "offmychest", text="full_text", group="id", seed=seed)
    if labels is not None:
        readers["labels"] = tone_reader(own(labels, columns), columns.get("mapping", "tones"), seed=seed)
    if not readers:
        raise UsageError(
            "--reader trained learns from labelled tables: name one with --goemotions, --offmychest or --labels"
        )
    return joined(readers, take=_preferred(readers))


def _preferred(readers: Mapping[str, Reader]) -> dict[str, str]:
    """Who reads a tone that several tables know: one's own labels first, then offmychest, whose labels were made for it."""
    order = [n for n in ("labels", "offmychest", "goemotions") if n in readers]
    several = {v for r in readers.values() for v in r.labels if sum(v in o.labels for o in readers.values()) > 1}
    return {v: next(n for n in order if v in readers[n].labels) for v in sorted(several)}


def emotions(path: Path) -> pl.DataFrame:
    """A table of goemotions' form: text, comma-separated label ids, the names in `original_labels.txt` beside it."""
    return labelled(path, text="column_1", label="column_2", names=path.parent / "original_labels.txt", header=False)


def disclosures(path: Path) -> pl.DataFrame:
    """A table of offmychest's form: full_text, id (its post), and a column of 0 and 1 per label."""
    wanted = [*tone_labels("offmychest")]
    with opened(path, Aside()) as source:
        said = source.read(["full_text", "id", *(c for c in wanted if c in source.columns)])
    return said.with_columns(pl.col([c for c in wanted if c in said.columns]).cast(pl.Int64, strict=False)).drop_nulls(
        "full_text"
    )


def own(path: Path, columns: Mapping[str, str]) -> pl.DataFrame:
    """Any labelled table, as `load.labelled` reads one."""
    keep = {k: v for k, v in columns.items() if k in ("text", "label")}
    files = {k: path.parent / v for k, v in columns.items() if k in ("labels", "names")}
    return labelled(
        path,
        text=keep.get("text"),
        label=keep.get("label"),
        labels=files.get("labels"),
        names=files.get("names"),
        header=columns.get("header", "true") != "false",
    )


def scored(workspace: Workspace, replies: Replies, by: Reader, *, name: str) -> pl.DataFrame:
    """One row per reply with a column per tone: what the regressions read."""
    scores = workspace.frame(name, frames.scores, tone, replies, by)
    return wide(scores)


def posts_read(people: Replies, by: Reader) -> Replies:
    """People's comments with the tones of the posts they answer, where those are at hand."""
    if people["post_text"].null_count() == people.height:
        return people
    return with_posts(people, by)


def weak(card: pl.DataFrame) -> list[str]:
    """The tones that the reader does not tell well: AUC under .75 on people's or on models' text, or none at all."""
    if not card.height:
        raise RefusedError("an empty validity card marks nothing")
    marked = card.filter((pl.col("metric") == "auc") & (pl.col("weak").fill_null(value=True)))
    return sorted(set(marked["tone"]))
