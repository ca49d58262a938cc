"""What became of each reply: answered, refused, empty or unparsed, and whether it repeats a fact it was told."""

import re

import polars as pl

from sociolect import frames, text
from sociolect.errors import InputError
from sociolect.frames import Replies
from sociolect.systems.studies.relationship_alignment.wordings import echoes

# the marker at the head of a line, in bold or behind a bullet too
_MARKER = re.compile(r"^[ \t>*_#-]*comment[ \t*_]*:[ \t*_]*", re.IGNORECASE | re.MULTILINE)


def read(said: pl.DataFrame, *, reason: bool) -> pl.DataFrame:
    """The replies with what each came to, and only the comment of it as text."""
    if reason:
        ends = [[m.end() for m in _MARKER.finditer(raw)][-1:] for raw in said["raw"]]
        bare = [text.unwrap(raw[end[0] :]) if end else raw for raw, end in zip(said["raw"], ends, strict=True)]
        parsed = pl.Series([bool(end) for end in ends], dtype=pl.Boolean)
        said = said.with_columns(text=pl.Series(bare, dtype=pl.String))
        said = said.with_columns(refused=text.refuses(pl.col("text")), parsed=parsed)
    else:
        said = said.with_columns(parsed=pl.lit(value=True))
    outcome = (
        pl.when(pl.col("text").fill_null("").str.strip_chars() == "")
        .then(pl.lit("empty"))
        .when(pl.col("refused"))
        .then(pl.lit("refused"))
        .when(~pl.col("parsed"))
        .then(pl.lit("unparsed"))
        .otherwise(pl.lit("answered"))
    )
    said = said.with_columns(outcome=outcome).drop("parsed")
    said = said.with_columns(text=pl.when(pl.col("outcome") == "answered").then("text"))
    # a refusal stays told when its words are set aside
    refused = pl.when(pl.col("outcome") != "empty").then(pl.col("outcome") == "refused")
    return said.with_columns(refused=refused, length=pl.col("text").str.count_matches(text.WORD).cast(pl.Int64))


def echoed(replies: Replies) -> pl.Series:
    """Whether each comment repeats a fact that its prompt stated: the number of an age, a word of a gender or closeness.

    Null without a text. The phrases are those of `prompts.toml`, found as whole words; of facts that were not stated, none
    is looked for. A word that the post holds too counts: a scorer reads it all the same.
    """
    found: list[bool | None] = []
    for said, stated in replies.select(text.key(pl.col("text")), "stated").iter_rows():
        line = f" {said} "
        told = (echoes(*one.split("=", 1)) for one in stated or ())
        found.append(None if said is None else any(f" {p} " in line for phrases in told for p in phrases))
    return pl.Series("echo", found, dtype=pl.Boolean)


def outcomes(replies: Replies) -> pl.DataFrame:
    """What became of the replies of every model and condition; answered, refused, empty and unparsed sum to `asked`.

    Further columns: `facts` and `unknown` (facts told and left out, mean per prompt), `echoes` (share of the answers that repeat
    a stated fact; null without an answer), `length` (mean words of an answer). Raises InputError for replies not asked here.
    """
    if missing := [c for c in ("outcome", "stated", "facts", "unknown", "length") if c not in replies.columns]:
        raise InputError(f"outcomes are of replies that comment() brought: column {', '.join(missing)} is missing")
    kinds = ("answered", "refused", "empty", "unparsed")
    said = replies.filter(pl.col("source") == "model")
    said = said.with_columns(echoed(frames.replies(said)))
    counted = said.group_by("speaker", "condition").agg(
        asked=pl.len(),
        **{k: (pl.col("outcome") == k).sum() for k in kinds},
        facts=pl.col("facts").mean(),
        unknown=pl.col("unknown").mean(),
        echoes=pl.col("echo").mean(),
        length=pl.col("length").mean(),
    )
    return counted.sort("speaker", "condition")
