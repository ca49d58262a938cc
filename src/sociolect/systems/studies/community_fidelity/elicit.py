"""What is asked of every arm, and which replies are kept: the same items, the same decoding, the same filters for all."""

from collections.abc import Sequence

import polars as pl

from sociolect import frames
from sociolect.align.templates import render
from sociolect.align.templates import templates as all_templates
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Items, Replies, Scores
from sociolect.seeds import substream

KEYS = list(frames.KEYS)
CELL = ["community", "item", "draw"]
GARBLED = 400.0  # Sec. 4.2 [code]: the most perplexity a kept reply may have, under another model than ours
COPIED = 0.7  # Sec. 4.3: the most ROUGE-L a kept reply may have with any training post


def prompts(topics: pl.DataFrame, *, community: str | None = None, templates: int = 20) -> Items:
    """Every topic in each of the first `templates` templates: items `topic|template` with the columns topic and template."""
    known = all_templates()
    if not 2 <= templates <= known.height:
        raise UsageError(
            f"--templates {templates}: due is 2 to {known.height}; with one, how much templates differ cannot be seen"
        )
    rows = [
        (f"{topic}|{row['template']}", render(row, topic=words, community=community), None, topic, row["template"])
        for topic, words in topics.select("topic", "words").iter_rows()
        for row in known.head(templates).iter_rows(named=True)
    ]
    columns = {
        "item": pl.String(),
        "prompt": pl.String(),
        "options": pl.List(pl.String),
        "topic": pl.String(),
        "template": pl.String(),
    }
    return frames.items(pl.DataFrame(rows, schema=columns, orient="row"))


def together(parts: Sequence[Replies]) -> Replies:
    """People and models in one frame, with the columns that all of them have."""
    shared = [c for c in parts[-1].columns if all(c in p.columns for p in parts)]
    return frames.replies(pl.concat([p.select(shared) for p in parts]))


def fates(replies: Replies, overlaps: Scores, repeats: Scores, *, garbled: Scores | None = None) -> pl.DataFrame:
    """Every reply with its fate: kept, or the first reason why not: no answer, refused, repeated, copied, garbled.

    A copy has a ROUGE-L above .7 with a training post, or is one. `garbled` holds perplexities, where the study filters by
    them: above 400 a reply is garbled. People's posts pass the same filter as every arm's.
    """
    worst = overlaps.filter(pl.col("measure") == "overlap:rouge_l").select(*KEYS, rouge="value")
    again = repeats.filter(pl.col("measure") == "duplicate").select(*KEYS, again="value")
    known = replies.join(worst, on=KEYS, how="left").join(again, on=KEYS, how="left")
    if garbled is not None:
        known = known.join(garbled.select(*KEYS, perplexity="value"), on=KEYS, how="left")
    odd = pl.col("perplexity") > GARBLED if garbled is not None else pl.lit(value=False)
    fate = (
        pl.when(pl.col("text").is_null())
        .then(pl.lit("no answer"))
        .when(pl.col("refused"))
        .then(pl.lit("refused"))
        .when(pl.col("again") > 0)
        .then(pl.lit("repeated"))
        .when(pl.col("rouge") > COPIED)
        .then(pl.lit("copied"))
        .when(odd)
        .then(pl.lit("garbled"))
        .otherwise(pl.lit("kept"))
    )
    return known.with_columns(fate=fate)


def attrition(known: pl.DataFrame) -> pl.DataFrame:
    """How many of each arm's replies met which fate: asked = kept + no answer + refused + repeated + copied (+ garbled)."""
    fates = [
        "no answer",
        "refused",
        "repeated",
        "copied",
        *(["garbled"] if "perplexity" in known.columns else []),
        "kept",
    ]
    counted = known.group_by("condition").agg(
        asked=pl.len(),
        **{f: (pl.col("fate") == f).sum() for f in fates},
        **{"rouge_l above .7": (pl.col("rouge") > COPIED).sum()},
    )
    return counted.sort("condition")


def level(known: pl.DataFrame, *, seed: int = 0) -> Replies:
    """The kept replies, equally many of every model arm and community; people's too, equally many of every community.

    Cells that every arm kept come first, then a draw: so arms stay paired wherever they can be, and no measure that depends
    on n favours the arm that lost fewer. People have an n of their own: half of them is the ceiling, half the reference.
    """
    kept = known.filter(pl.col("fate") == "kept").sort(KEYS)
    arms = kept.filter(pl.col("source") == "model").group_by(CELL).agg(pl.col("condition").n_unique().alias("arms"))
    # One draw a cell, shared by the arms; people who spoke in one thread share one too, and then their names decide.
    cells = kept.select(CELL).unique().sort(CELL)
    cells = cells.with_columns(u=substream(seed, "level").random(cells.height))
    kept = kept.join(arms, on=CELL, how="left").join(cells, on=CELL, how="left")
    _none_empty(known, kept)
    n = kept.group_by("source", "condition", "community").len().group_by("source").agg(pl.col("len").min().alias("n"))
    # neither a join nor a rank among equals keeps an order
    kept = kept.join(n, on="source").sort(-pl.col("arms").fill_null(0).cast(pl.Int64), "u", *KEYS)
    kept = kept.filter(pl.int_range(pl.len()).over("condition", "community") < pl.col("n"))
    return frames.replies(kept.drop("arms", "u", "n", "rouge", "again", "fate", "perplexity", strict=False).sort(KEYS))


def _none_empty(known: pl.DataFrame, kept: pl.DataFrame) -> None:
    """Refuse where an arm lost everything it said for a community: no equal number of replies can be had then."""
    lost = known.select("condition", "community").unique().join(kept, on=["condition", "community"], how="anti")
    if lost.height:
        named = ", ".join(
            f"{arm} for {community}" for arm, community in lost.sort("condition", "community").iter_rows()
        )
        raise RefusedError(
            f"no reply was kept of {named}: train longer (--size), ask more (--topics), or leave the community out (--only)"
        )


def halves(replies: Replies, *, seed: int = 0) -> pl.DataFrame:
    """People's half by author (columns speaker, half): a is held against b for the ceiling of a profile."""
    people = (
        replies.filter(pl.col("source") == "human").select("community", "speaker").unique().sort("community", "speaker")
    )
    drawn = people.with_columns(u=substream(seed, "halves").random(people.height))
    first = pl.col("u").rank("ordinal").over("community") <= pl.len().over("community") / 2
    return drawn.select("speaker", half=pl.when(first).then(pl.lit("a")).otherwise(pl.lit("b")))
