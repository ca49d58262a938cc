"""What a model's likeness to people stands between: the comments of another post below, two people of one kind above."""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.seeds import substream
from sociolect.systems.studies.relationship_alignment.wordings import VARIABLES

WORDS = ("text", "raw", "length", "refused", "outcome")


def shuffled(replies: Replies, *, condition: str = "all", seed: int = 0) -> Replies:
    """The replies of one condition, each with the comment made for another post: the floor. No model is asked.

    The new condition is `shuffled`; `text_of` names the pair whose comment it is. Every comment is taken once, by the same
    exchange for every model and draw. All that belongs to the comment moves (text, raw, length, refused, outcome), all that belongs to
    the pair stays. Raises UsageError where the condition was not asked, RefusedError where half of the pairs share a post.
    """
    said = replies.filter((pl.col("condition") == condition) & (pl.col("source") == "model"))
    if said.is_empty():
        there = ", ".join(replies.filter(pl.col("source") == "model")["condition"].unique().sort()) or "none"
        raise UsageError(
            f"no model was asked in condition {condition!r}, so there is nothing to shuffle; there are: {there}"
        )
    pairs = said.select("item", "post").unique().sort("item")
    rng = substream(seed, "shuffled")
    pairs = pairs.with_columns(u=rng.random(pairs.height))
    # whole posts in a drawn order, and pairs in a drawn order within them
    pairs = pairs.sort(pl.col("u").min().over("post"), "u")
    n, largest = pairs.height, int(pairs["post"].value_counts()["count"].max() or 0)  # type: ignore[arg-type]  # a count
    if n < 2 * largest:
        raise RefusedError(
            f"{largest} of {n} pairs share one post: no exchange gives each of them a comment made for another post"
        )
    # posts lie together, so a turn by the largest post's size, from either end, brings every pair to another post
    turn = int(rng.integers(largest, n - largest + 1))
    items = pairs["item"]
    other = pl.DataFrame({"item": items, "text_of": pl.concat([items[turn:], items[:turn]])})
    moved = [c for c in WORDS if c in said.columns]
    words = said.select("speaker", "draw", text_of="item", **{c: pl.col(c) for c in moved})
    whole = said.drop(moved).join(other, on="item", how="left", maintain_order="left")
    whole = whole.join(words, on=["speaker", "draw", "text_of"], how="inner", maintain_order="left")
    return frames.replies(whole.with_columns(condition=pl.lit("shuffled")).select([*said.columns, "text_of"]))


def as_told(replies: Replies, *, variables: Sequence[str] = VARIABLES) -> Replies:
    """The replies with the facts that their prompts told in the place of the true ones: those told false facts differ.

    A model that follows what it is told reacts to these columns; `facts_of` names the pair they belong to.
    """
    facts = replies.select("item", *variables).unique("item", maintain_order=True)
    told = facts.select(pl.col("item").alias("facts_of"), *(pl.col(v).alias(f"_{v}") for v in variables))
    both = replies.join(told, on="facts_of", how="left", maintain_order="left")
    lost = both.filter(pl.col("facts_of").is_not_null() & ~pl.col("facts_of").is_in(facts["item"].implode())).height
    if lost:
        raise InputError(f"{lost} replies were told the facts of pairs that are not here: give all rows together")
    false = pl.col("facts_of").is_not_null()
    return frames.replies(
        both.with_columns(pl.when(false).then(f"_{v}").otherwise(v).alias(v) for v in variables).drop(
            [f"_{v}" for v in variables]
        )
    )


def ceiling(pairs: Replies, *, bands: Sequence[int] = (30, 45, 60), seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Comments of two people of one category on one post, two by two, and a count of every comment by what became of it.

    The category is gender x age band x closeness of the commenter; `bands` are the ages at which a band begins. The first
    frame has post, category, first, second (items): how alike these are bounds what a model can reach. Every comment stands
    in one row at most, and no person is paired with himself. The second has outcome and count: paired, category unknown,
    same commenter again, nobody of the category to pair with.
    """
    gender, age, close = "commenter_gender", "commenter_age", "closeness"
    edges = list(bands)
    if not edges or sorted(set(edges)) != edges:
        raise UsageError(f"bands={edges}: due are ages in rising order")
    rows = pairs.filter(pl.col("source") == "human").sort("item")
    # ages are told in whole years, so one who is 44.5 is 44
    names = [f"under {edges[0]}", *(f"{a} to {b - 1}" for a, b in pairwise(edges)), f"{edges[-1]} and over"]
    place = pl.sum_horizontal(pl.col(age) >= edge for edge in edges)
    band = pl.when(pl.col(age).is_finite()).then(place.replace_strict(range(len(names)), names, return_dtype=pl.String))
    rows = rows.select(
        "item", "post", "commenter", category=pl.concat_str([pl.col(gender), band, pl.col(close)], separator=" x ")
    ).with_columns(u=substream(seed, "ceiling").random(rows.height))
    known = rows.filter(pl.col("category").is_not_null()).sort("post", "category", "u", "item")
    # a comment whose author is unknown is nobody's second one
    once = known.filter(
        pl.col("commenter").is_null() | pl.col("commenter").is_first_distinct().over("post", "category")
    )
    place = pl.int_range(pl.len()).over("post", "category")
    once = once.with_columns(couple=place // 2)
    both = once.group_by("post", "category", "couple", maintain_order=True).agg("item")
    made = both.filter(pl.col("item").list.len() == 2).select(
        "post", "category", first=pl.col("item").list.get(0), second=pl.col("item").list.get(1)
    )
    counts = {
        "paired": 2 * made.height,
        "category unknown": rows.height - known.height,
        "same commenter again": known.height - once.height,
        "nobody of the category to pair with": once.height - 2 * made.height,
    }
    return made, pl.DataFrame({"outcome": list(counts), "count": list(counts.values())})
