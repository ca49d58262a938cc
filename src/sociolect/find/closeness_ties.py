"""How close two people are by the ties of a network."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect.errors import InputError, RefusedError, unknown
from sociolect.find.closeness_exchanges import before, classed, has_times, turned
from sociolect.find.relations import directed
from sociolect.frames import Society

DECLARING = ("relation", "declared")  # such a tie is a word about two people, not a count of exchanges
_UNSURE = "a tie that may be later"


def tied_closeness(society: Society, *, kinds: Sequence[str] | None, often: float, some: float) -> pl.DataFrame:
    """Closeness by the given directed ties: a row for each reply, or for each tied pair, both ways, where nobody replies.

    The rule and the errors are in `find.closeness`, under `ties`.

    >>> from sociolect import frames
    >>> rows = {"source": ["a", "b", "c"], "target": ["b", "a", "a"], "kind": "mention", "weight": [3.0, 4.0, 1.0]}
    >>> here = Society(frames.empty("people"), frames.empty("posts"), frames.ties(pl.DataFrame(rows)))
    >>> tied_closeness(here, kinds=None, often=3, some=1).select("source", "target", "closeness").rows()[:2]
    [('a', 'b', 'close'), ('a', 'c', 'not_close')]
    """
    ties = _given(society, kinds)
    _, shown = turned(society.posts)
    comments = shown.filter(kind="reply").select("source", "target", "post", "time")
    replied = comments.height > 0
    timed = replied and has_times(society.posts) and has_times(ties)
    if not replied:
        ends = ties.select("source", "target")
        comments = pl.concat([ends, ends.select(source="target", target="source")]).unique()
        comments = comments.with_columns(post=pl.lit(None, pl.String))
    if not timed:
        comments = comments.with_columns(time=pl.lit(0, pl.Int64))
    begun, ended = _events(ties, society.posts, timed=timed)
    back = comments.select(source="target", target="source", time="time")
    counts, gaps = [], []
    for way in (comments, back):
        count, gap = before(ended, way, timed=timed)
        # ties, not their weights: sums of weights in another order may differ by rounding
        first, last = (before(side.with_columns(weight=pl.lit(1.0)), way, timed=timed)[0] for side in (begun, ended))
        counts.append(count)
        gaps.append(gap | (first > last))
    # a person is in the network from the first tie on, whoever made it
    met = pl.concat(begun.select("time", source=side, target=side, weight=pl.lit(1.0)) for side in ("source", "target"))
    seen = [before(met, side.with_columns(target="source"), timed=timed)[0] for side in (comments, back)]
    found = comments.with_columns(
        given=pl.Series(counts[0]),
        received=pl.Series(counts[1]),
        heard=pl.Series(np.minimum(*seen)),
        gap=pl.Series(gaps[0] | gaps[1]),
    )
    made = classed(found, often=often, some=some, seen=1, unheard="not in the network", unsure=_UNSURE)
    return made.sort("source", "target", "post").drop([] if replied else ["post"])


def _given(society: Society, kinds: Sequence[str] | None) -> pl.DataFrame:
    """The ties that count exchanges between two people."""
    here = society.ties["kind"].unique().to_list()
    wanted = [kind for kind in here if kind not in DECLARING] if kinds is None else list(kinds)
    if missing := sorted(set(wanted) - set(here)):
        raise unknown("kind of tie", missing[0], here)
    ties = society.ties.filter(pl.col("kind").is_in(wanted) & (pl.col("source") != pl.col("target")))
    if not ties.height:
        raise RefusedError(
            "no tie between two people was given that counts exchanges; rule='exchanges' reads them off the posts"
        )
    directed(ties)
    return ties


def _events(ties: pl.DataFrame, posts: pl.DataFrame, *, timed: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The ties when they began, and when the last of their exchanges was: `last` where they have that column."""
    pairs = ties.select("source", "target", "weight")
    if not timed:
        whole = pairs.with_columns(time=pl.lit(0, pl.Int64))
        return whole, whole
    due = posts.schema["time"]
    begun = _moments(ties["time"], due)
    ended = _moments(ties["last"], due) if "last" in ties.columns else begun
    return pairs.with_columns(time=begun), pairs.with_columns(time=ended)


def _moments(times: pl.Series, due: pl.DataType) -> pl.Series:
    """The times of the ties as those of the posts, in whole numbers."""
    try:
        if times.dtype.is_temporal() == due.is_temporal() and times.dtype.is_numeric() == due.is_numeric():
            return times.cast(due).cast(pl.Int64)
    except pl.exceptions.PolarsError:
        pass
    raise InputError(f"column 'time' of the ties is {times.dtype} and that of the posts {due}: give both alike")
