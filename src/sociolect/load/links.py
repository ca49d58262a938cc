"""Ties that come in a table of their own: between posts (links), or between people."""

import polars as pl

from sociolect.errors import InputError
from sociolect.load import columns
from sociolect.load.aside import Aside

_WORDS = ("tie", "reply", "repost", "mention", "co-thread", "follow", "friend")


def linked(
    child: pl.Series, parent: pl.Series, posts: pl.DataFrame, name: str, aside: Aside
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each post's parent (post, parent) and who replied to whom (source, target, kind, weight), from links between posts.

    A post with several parents keeps the nearest earlier one in the order of `posts`, or the first of the later ones; the ties
    count every link between two people. `posts` has post and person.
    """
    links = pl.DataFrame({"post": child, "parent": parent})
    whole = links.drop_nulls()
    aside.add("link without a child or a parent", links.height - whole.height, name, "fill in both, or delete the row")
    other = whole.filter(pl.col("post") != pl.col("parent"))
    aside.add(
        "link of a post to itself",
        whole.height - other.height,
        name,
        "nothing: it is taken for the start of a conversation",
    )
    once = other.unique(maintain_order=True)
    aside.add("link that repeats another", other.height - once.height, name, "nothing: it is counted once")
    place = posts.with_row_index("at").select("post", "person", "at")
    found = once.join(place, on="post", how="inner").join(
        place.rename({"post": "parent", "person": "target", "at": "parent_at"}), on="parent", how="inner"
    )
    aside.add(
        "link to or from a post that is not here",
        once.height - found.height,
        name,
        "load the posts it names, or check where=",
    )
    if once.height and not found.height:
        raise InputError(
            f"no link of {name} names two posts that are here: are link_child and link_parent spelt as post is?"
        )
    earlier = pl.col("parent_at") < pl.col("at")
    # nearest earlier first, then the first of the later ones
    rank = (
        pl.when(earlier)
        .then(pl.col("at").cast(pl.Int64) - pl.col("parent_at"))
        .otherwise(pl.col("parent_at").cast(pl.Int64) + posts.height + 1)
    )
    parents = found.with_columns(rank=rank).sort("post", "rank").unique("post", keep="first", maintain_order=True)
    between = found.drop_nulls(["person", "target"]).filter(pl.col("person") != pl.col("target"))
    ties = between.group_by(source="person", target="target").agg(weight=pl.len().cast(pl.Float64))
    return parents.select("post", "parent"), ties.select("source", "target", kind=pl.lit("reply"), weight="weight")


def given(
    frame: pl.DataFrame,
    names: tuple[str, ...],
    ends: tuple[pl.Series, pl.Series],
    *,
    kind: str | None,
    weight: str | None,
    name: str,
    aside: Aside,
) -> pl.DataFrame:
    """Ties between people as a table says them, one row per pair and kind, weights summed."""
    ties = pl.DataFrame({"source": ends[0], "target": ends[1]}).with_columns(
        kind=columns.ids(frame, kind, names) if kind in names else pl.lit(kind or "tie"),
        weight=frame[weight].cast(pl.Float64, strict=False) if weight else pl.lit(1.0),
    )
    whole = ties.drop_nulls(["source", "target", "kind"])
    aside.add(
        "tie without a source, a target or a kind", ties.height - whole.height, name, "fill them in, or delete the row"
    )
    good = whole.filter(pl.col("weight").is_finite() & (pl.col("weight") > 0))
    aside.add("tie whose weight is no number above 0", whole.height - good.height, name, "give it a weight above 0")
    other = good.filter(pl.col("source") != pl.col("target"))
    aside.add("tie of a person to itself", good.height - other.height, name, "nothing: it ties nobody")
    return other.select("source", "target", "kind", "weight")


def kind_fault(kind: str | None, names: tuple[str, ...], name: str) -> list[str]:
    """What is wrong with tie_kind: it is a column, or one of a few words that hold for every row."""
    if kind is None or kind in names or kind in _WORDS:
        return []
    return [f"{name} has no column {kind!r} (tie_kind), and it is none of {', '.join(_WORDS)}"]


def folded(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """All ties, summed by pair and kind, sorted."""
    every = pl.concat(parts)
    order = ["source", "target", "kind"]
    # sorted first: a sum of floats depends on its order
    return every.sort(*order, "weight").group_by(order, maintain_order=True).agg(pl.col("weight").sum())
