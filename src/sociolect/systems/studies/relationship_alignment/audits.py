"""How far the reader can be trusted: labelled texts of people and of models, and the regressions put right by them."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.errors import InputError
from sociolect.frames import Replies
from sociolect.load.aside import Aside
from sociolect.load.read import opened
from sociolect.measure.pretrained import Reader
from sociolect.measure.tone_card import tone_card
from sociolect.measure.tone_labels import as_tones, mapped, tone_labels
from sociolect.report.content import Section
from sociolect.systems.studies.relationship_alignment import measure
from sociolect.systems.studies.relationship_alignment.elicit import EVERYONE
from sociolect.tones import TONES


def card(path: Path, reader: Reader, *, labels: str, columns: Mapping[str, str]) -> pl.DataFrame:
    """The reader's validity card on a labelled table it did not learn from: per tone, on people's text and on models' apart.

    `labels` says whose labels they are: goemotions and offmychest in those tables' own form, `tones` in any table with
    the columns `text`, `labels` (comma-separated tones) and, where models wrote some of it, `source` and `post`.
    """
    held = audited(path, labels=labels, columns=columns)
    known = {t for t in mapped(labels).values() if t} & {*reader.labels}
    return tone_card(held, reader, tones=[t for t in TONES if t in known])


def audited(path: Path, *, labels: str, columns: Mapping[str, str]) -> Replies:
    """The labelled texts as replies, with their tones in `truth`."""
    if labels == "goemotions":
        told = measure.emotions(path)
    elif labels == "offmychest":
        told = measure.disclosures(path).rename({"full_text": "text", "id": "post"})
    else:
        with opened(path, Aside()) as source:
            wanted = [c for c in ("text", "labels", "source", "post") if c in source.columns]
            if missing := [c for c in ("text", "labels") if c not in wanted]:
                raise InputError(
                    f"{path.name} has no column {' and '.join(missing)}: an audit holds texts and their tones"
                )
            told = source.read(wanted)
        told = told.with_columns(
            pl.col("labels")
            .fill_null("")
            .str.split(",")
            .list.eval(pl.element().str.strip_chars())
            .list.filter(pl.element() != "")
        )
    ids = pl.format("a{}", pl.int_range(pl.len()))
    rows = told.with_columns(
        truth=as_tones(told, tone_labels(labels) if labels in ("goemotions", "offmychest") else "tones")
    )
    rows = rows.with_columns(
        item=ids, speaker=ids, condition=pl.lit("audit"), community=pl.lit(EVERYONE), prompt=pl.lit(None, pl.String),
        source=pl.col("source") if "source" in rows.columns else pl.lit("human"),
        post=pl.col("post").cast(pl.String) if "post" in rows.columns else ids,
        draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64),
    )  # fmt: skip
    bare = rows.select(*frames.KEYS, "prompt", "text", "post", "truth")
    return frames.replies(bare.filter(pl.col("text").fill_null("").str.strip_chars() != ""))


def sections(card: pl.DataFrame) -> list[Section]:
    """The validity card, and a loud line about the tones that are read badly."""
    out = [Section("How well the tones are read", CARD, table=card, name="reader")]
    if weak := measure.weak(card):
        told = (
            f"The reader does not tell {', '.join(weak)} well (AUC under .75, or unknown): no claim about it is judged."
        )
        out.append(Section("Weak tones", told, level="warning"))
    low = card.filter((pl.col("source") == "human - model") & (pl.col("metric") == "auc") & (pl.col("low") > 0))
    if low.height:
        told = f"The reader tells {', '.join(low['tone'])} worse on models' text than on people's: betas of it are too small, and unequal errors move the gaps."
        out.append(Section("Worse on models' text", told, level="warning"))
    return out


CARD = """On labelled texts the reader did not learn from: AUC, calibration and the error rates at .5, on people's text and on models' apart, with intervals \
by post. Labels of emotions and disclosure are mapped to the tones by a table (`measure/tone_labels.csv`): nobody labelled these texts for the eight \
tones themselves."""
