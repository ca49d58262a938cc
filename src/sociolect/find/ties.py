"""Ties: who is tied to whom, out of what they said to one another."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import RefusedError, UsageError, unknown
from sociolect.find.ties_shown import KINDS, added_up, answers, asked, is_repost, mentions, shared, summed, wanted
from sociolect.frames import Society, Ties

TIE = ["source", "target", "kind", "weight"]


def ties(
    society: Society,
    *,
    kind: str | Sequence[str] = "reply",
    directed: bool = False,
    window: tuple[Any, Any] | None = None,
    co_thread_limit: int = 50,  # ours: a thread of 51 would give each of its 1,275 pairs a fiftieth
) -> Ties:
    """The ties that the posts of a society show, sorted: one row per pair and kind, or per direction where `directed`.

    - `reply`: the author of a post that is no repost -> the author of its parent; weight is how many.
    - `repost`: the author of a post of kind repost -> the author of its parent; weight is how many.
    - `mention`: the author of a post -> each person of the society it names as `@person`; weight is how many posts.
      A repost's words are another's, so it mentions nobody. The `@` follows no letter; a name ends before punctuation.
    - `co-thread`: two people who wrote in one thread, reposts apart; weight is the sum of 1 / (k - 1) over the threads
      of k people they share (Newman 2001, doi 10.1103/PhysRevE.64.016132). It has no direction. **Threads of more than
      `co_thread_limit` people are skipped**: in a crowd nobody talks with everybody.

    Undirected, `source` < `target` and both directions are summed. Self ties, and replies to posts that are not here,
    make no tie. `window=(start, end)` takes the posts with start <= time < end (None leaves a side open; the parent may
    be older; posts without a time are out); ISO text is read where the column holds times.
    Raises UsageError for a kind that is not one of these, RefusedError for a window over posts without a time.

    >>> said = {"post": ["1", "2", "3"], "person": ["a", "b", "a"], "text": "", "thread": "1"}
    >>> posts = frames.posts(pl.DataFrame(said | {"parent": [None, "1", "2"]}))
    >>> society = Society(frames.empty("people"), posts, frames.empty("ties"))
    >>> ties(society).rows()
    [('a', 'b', 'reply', 2.0)]
    """
    kinds = asked(kind, directed=directed)
    posts = within(society.posts, window, "posts")
    reposts = is_repost(posts.columns)
    own = posts.filter(~reposts)
    parts = [frames.empty("ties")]
    for name in kinds:
        if name == "reply":
            # the parent is looked up among all posts: it may be older than the window
            found = _counted(answers(own, society.posts))
        elif name == "repost":
            found = _counted(answers(posts.filter(reposts), society.posts))
        elif name == "mention":
            known = pl.concat([society.people["person"], society.posts["person"]]).unique()
            found = _counted(mentions(own, known))
        else:
            found = _co_thread(own, co_thread_limit)
        parts.append(folded(found.with_columns(kind=pl.lit(name)), directed=directed))
    return frames.ties(pl.concat([frames.empty("ties"), *parts]).sort("source", "target", "kind"))


def link(
    society: Society,
    kinds: str | Sequence[str] = "reply",
    *,
    directed: bool = False,
    window: tuple[Any, Any] | None = None,
    co_thread_limit: int = 50,
) -> Ties:
    """The ties of the named kinds: those given with the society where it has any of that kind, else those of its posts.

    Never both: a given kind is not counted a second time out of the posts. Given ties may be of any kind (`follow`,
    ...). With `window`, given ties need a column `time`. Further keywords as in `ties`. To find communities in them:
    `leiden(dataclasses.replace(society, ties=link(society, kinds)))`.
    Raises UsageError for a kind that is neither given nor shown by posts, RefusedError for a window without times.

    >>> given = frames.ties(pl.DataFrame({"source": ["b"], "target": ["a"], "kind": "follow", "weight": 2.0}))
    >>> link(Society(frames.empty("people"), frames.empty("posts"), given), ["follow", "reply"]).rows()
    [('a', 'b', 'follow', 2.0)]
    """
    names = wanted(kinds)
    here = set(society.ties["kind"].unique())
    for name in names:
        if name not in here and name not in KINDS:
            raise unknown("kind of tie", name, {*here, *KINDS})
    given = society.ties.filter(pl.col("kind").is_in(names))
    if given.height:
        given = within(given, window, "given ties")
    built = ties(
        society,
        kind=[name for name in names if name not in here],
        directed=directed,
        window=window,
        co_thread_limit=co_thread_limit,
    )
    both = pl.concat([folded(given.select(TIE), directed=directed), built])
    return frames.ties(both.sort("source", "target", "kind"))


def among(ties: Ties, persons: Iterable[str]) -> Ties:
    """The ties between two of these people: what may be known when the others are held out.

    >>> t = pl.DataFrame({"source": ["a", "b"], "target": ["b", "c"], "kind": "reply", "weight": 1.0})
    >>> among(frames.ties(t), ["a", "b"]).rows()
    [('a', 'b', 'reply', 1.0)]
    """
    known = pl.Series(list(persons), dtype=pl.String).implode()
    return Ties(ties.filter(pl.col("source").is_in(known) & pl.col("target").is_in(known)))


def within(frame: pl.DataFrame, window: tuple[Any, Any] | None, what: str) -> pl.DataFrame:
    """The rows with start <= time < end; all of them where there is no window.

    Raises RefusedError for a frame without a column `time`, UsageError for a window that is no time of its type.

    >>> within(pl.DataFrame({"time": [1, 2, 3, None]}), (2, None), "posts")["time"].to_list()
    [2, 3]
    """
    if window is None:
        return frame
    if "time" not in frame.columns:
        raise RefusedError(f"a window was asked of {what} without a column 'time'; load it, or leave window out")
    dtype = frame.schema["time"]
    start, end = (_moment(side, dtype) for side in window)
    keep = pl.col("time").is_not_null()
    if start is not None:
        keep &= pl.col("time") >= start
    if end is not None:
        keep &= pl.col("time") < end
    try:
        return frame.filter(keep)
    except pl.exceptions.PolarsError:
        raise UsageError(f"window={window!r} cannot be held against column 'time', which is {dtype}") from None


def _moment(side: Any, dtype: pl.DataType) -> Any:
    """A side of a window in the type of the column: ISO text is read, and a bare time is in the column's time zone."""
    if not isinstance(dtype, pl.Datetime | pl.Date) or not isinstance(side, str | datetime):
        return side
    try:
        moment = datetime.fromisoformat(side) if isinstance(side, str) else side
    except ValueError:
        raise UsageError(f"window: {side!r} is no ISO time, like 2023-01-31 or 2023-01-31T12:00:00") from None
    zone = getattr(dtype, "time_zone", None)
    if zone and moment.tzinfo is None:
        return pl.lit(moment).dt.replace_time_zone(zone)
    return moment


def folded(rows: pl.DataFrame, *, directed: bool) -> pl.DataFrame:
    """Ties with the rows of one pair and kind summed, self ties dropped; undirected where not `directed`.

    Sorted, and summed in sorted order, so that no bit of a sum depends on the order of the rows, or on the pairs beside.

    >>> t = pl.DataFrame({"source": ["b", "a"], "target": ["a", "b"], "kind": "reply", "weight": [1.0, 2.0]})
    >>> folded(t, directed=False).rows()
    [('a', 'b', 'reply', 3.0)]
    """
    rows = rows.filter(pl.col("source") != pl.col("target"))
    if not directed:
        source, target = pl.col("source"), pl.col("target")
        rows = rows.with_columns(
            source=pl.when(source < target).then(source).otherwise(target),
            target=pl.when(source < target).then(target).otherwise(source),
        )
    rows = rows.select(TIE).sort(TIE)
    same = (pl.col(column) == pl.col(column).shift() for column in TIE[:3])
    first = np.flatnonzero(~rows.select(pl.all_horizontal(same).fill_null(value=False)).to_series().to_numpy())
    # not a sum by group_by: it adds in an order that depends on how many rows are beside the group
    weight = pl.Series("weight", added_up(rows["weight"].to_numpy(), first))
    return rows[first].with_columns(weight)


def _counted(pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.group_by("source", "target").agg(weight=pl.len().cast(pl.Float64))


def _co_thread(posts: pl.DataFrame, limit: int) -> pl.DataFrame:
    persons = posts["person"].unique().sort()
    number = pl.col("person").cast(pl.Enum(persons)).to_physical()
    parts = list(shared(posts.select("thread", number), n := persons.len(), limit))
    if not parts:
        return frames.empty("ties").select("source", "target", "weight")
    found = summed(pl.concat(parts))
    return found.select(
        source=persons.gather(found["pair"] // n), target=persons.gather(found["pair"] % n), weight="weight"
    )
