"""The study's own comments given to people to label: a blinded sheet with a known chance, a form, and the labels that come back."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from sociolect import frames, text
from sociolect.elicit.pairs import singles
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.load.answers import answers
from sociolect.measure.judge import DEFINITIONS
from sociolect.report.form import Question, write_form
from sociolect.report.table import legible
from sociolect.seeds import substream
from sociolect.tones import TONES

OBSERVED = "observed"
NONE = "none"  # what an annotator writes where no tone is shown: an empty cell is one that nobody filled
GUIDE = """Each text is a comment under a post on a social network, and the post stands above it. Please say for each of eight tones whether the \
comment shows it. A comment may show several tones, or none. Judge the comment, not the post. There is no right answer. You can stop at any time and \
go on later on the same machine; save your answers to a file at the end."""


def sheet(
    people: Replies, told: Sequence[Replies], *, speaker: str, condition: str = "all", pairs: int = 500, seed: int = 0
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sheet that annotators see, and the key that tells who spoke: both comments, the person's and the model's, of `pairs` pairs.

    The pairs are a simple random sample of those with words on both sides, so each was drawn with the same `chance`, which the
    key holds. Of the model it is the first draw in one condition. sheet: unit, post (the words commented on), text, in an
    order that says nothing, and alike for both sources. key: unit, chance, post and the keys of the comment.

    Raises UsageError for a model or condition that was not asked, RefusedError where fewer pairs have words on both sides.
    """
    asked = [r for r in told if speaker in set(r["speaker"].unique())]
    made = asked[0].filter(speaker=speaker, condition=condition, draw=0) if asked else people.clear()
    if made.is_empty():
        there = sorted({f"{s} told {c}" for r in told for s, c in r.select("speaker", "condition").unique().rows()})
        raise UsageError(
            f"{speaker} was not asked {condition!r}, so there is no sheet; there are: {', '.join(there) or 'none'}"
        )
    sides = [_worded(people.filter(source="human")).with_columns(condition=pl.lit(OBSERVED)), _worded(made)]
    both = sides[0].select("item").join(sides[1].select("item"), on="item", how="semi")["item"].sort()
    if not 1 <= pairs <= len(both):
        raise RefusedError(
            f"{len(both)} pairs have words of a person and of {speaker}: a sheet of 1 to {len(both)} can be made, not of {pairs}"
        )
    drawn = both.gather(sorted(substream(seed, "audit sheet").permutation(len(both))[:pairs].tolist()))
    columns = [*frames.KEYS, "prompt", "text", "post", "post_text"]
    rows = pl.concat([s.filter(pl.col("item").is_in(drawn.implode())).select(columns) for s in sides])
    shown, key = singles(
        frames.replies(rows.with_columns(topic=pl.lit("any"))), arms=(OBSERVED, condition), per_arm=pairs, seed=seed
    )
    posts = rows.select("item", "post", "post_text").unique("item")
    key = key.drop("arm", "topic", "words").join(posts, on="item", how="left", maintain_order="left")
    key = key.with_columns(chance=pl.lit(pairs / len(both)))
    legibly = pl.Series("post", [legible(p) if p else "" for p in key["post_text"]], dtype=pl.String)
    shown = shown.drop("community", "topic").join(
        key.select("unit").with_columns(legibly), on="unit", how="left", maintain_order="left"
    )
    return shown.select("unit", "post", "text"), key.drop("post_text")


def questions() -> list[Question]:
    """One question per tone: does the comment show it?"""
    return [Question(t, f"Is this so: {DEFINITIONS[t]}?", (("yes", "Yes"), ("no", "No"))) for t in TONES]


def write(made: pl.DataFrame, key: pl.DataFrame, *, sensitive: bool = False, folder: Path) -> None:
    """audit.html, the form; audit.csv, the same sheet with an empty column `labels`; audit_key.csv, which annotators must not see."""
    write_form(
        made, folder / "audit.html", title="Which tones does this comment show?", questions=questions(), guide=GUIDE,
        context=("post",), sensitive=sensitive,
    )  # fmt: skip
    safe = made.with_columns(text.cells(pl.col("post", "text")), labels=pl.lit(""))
    safe.write_csv(folder / "audit.csv")
    key.with_columns(text.cells(pl.col(pl.String))).write_csv(folder / "audit_key.csv")


def returned(files: Path, made: pl.DataFrame, key: pl.DataFrame) -> pl.DataFrame:
    """What came back, with who spoke: the keys of each comment, chance, post, `labels` (List, null where nobody looked), `tied`.

    `files` is a folder with the form's saved answers, or audit.csv with its column `labels` filled in: tones parted by
    commas, or `none`; an empty cell is a comment that nobody looked at. Of several annotators a tone is taken as shown
    where more than half say so; `tied` counts a comment's tones on which they are even, which are taken as not shown.
    """
    if files.is_dir():
        said = answers(files, sheet=made, questions=questions())
        votes = said.group_by("unit", "question").agg(yes=(pl.col("answer") == "yes").mean())
        whole = votes.group_by("unit").agg(
            labels=pl.col("question").filter(pl.col("yes") > 0.5).sort(), tied=(pl.col("yes") == 0.5).sum().cast(pl.Int64), n=pl.len(),
        )  # fmt: skip
        if torn := whole.filter(pl.col("n") < len(TONES)).height:
            raise InputError(
                f"{torn} comments were judged on some of the {len(TONES)} tones only: finish them on the form"
            )
        told = whole.drop("n")
    else:
        told = _filled(files)
    if odd := sorted(set(told["unit"]) - set(key["unit"])):
        raise InputError(
            f"{len(odd)} units of {files.name} are not on this sheet, the first is {odd[0]}: same seed, pairs and size are due"
        )
    return key.join(told, on="unit", how="left", maintain_order="left").drop("unit")


def split(labels: pl.Series) -> pl.Series:
    """Cells as lists of tones: `none` is an empty list, an empty cell null. InputError for other words.

    >>> split(pl.Series(["funny, worried", "none", None])).to_list()
    [['funny', 'worried'], [], None]
    """
    said = pl.DataFrame({"c": labels.cast(pl.String)}).with_columns(pl.col("c").str.strip_chars().replace("", None))
    parts = said["c"].str.split(",").list.eval(pl.element().str.strip_chars())
    whole = parts.list.eval(pl.element().filter(~pl.element().is_in([NONE, ""])))
    if odd := sorted(set(whole.explode().drop_nulls()) - set(TONES)):
        raise InputError(f"labels hold {', '.join(odd[:5])}; due are {', '.join(TONES)}, or {NONE}")
    return whole.alias("labels")


def _filled(path: Path) -> pl.DataFrame:
    told = pl.read_csv(path, infer_schema=False)
    if missing := [c for c in ("unit", "labels") if c not in told.columns]:
        raise InputError(f"{path.name} has no column {' and '.join(missing)}: fill in the labels of audit.csv")
    if twice := told.height - told["unit"].n_unique():
        raise InputError(f"{twice} rows of {path.name} repeat a unit: one row each is due")
    return told.select("unit", split(told["labels"]), tied=pl.lit(0, pl.Int64))


def _worded(replies: pl.DataFrame) -> pl.DataFrame:
    """The replies that can be shown to somebody: with words, and no refusal."""
    bare = pl.Series([text.unwrap(legible(t)).strip() != "" if t else False for t in replies["text"]], dtype=pl.Boolean)
    refused = (
        replies["refused"].fill_null(value=False)
        if "refused" in replies.columns
        else pl.Series([False] * replies.height)
    )
    return replies.filter(bare & ~refused)
