"""Ties: who is tied to whom, out of what they said to one another."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import RefusedError, UsageError, unknown
from sociolect.frames import Society, Ties

KINDS = ("reply", "repost", "mention", "co-thread")
TIE = ["source", "target", "kind", "weight"]
_PAIRS_AT_ONCE = 2_000_000  # keeps the co-thread pairs in memory to some tens of megabytes


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
    kinds = _wanted(kind)
    for name in kinds:
        if name not in KINDS:
            raise unknown("kind of tie that posts show", name, KINDS)
    if directed and "co-thread" in kinds:
        raise UsageError("co-thread ties have no direction; take directed=False, or leave co-thread out")
    posts = _within(society.posts, window, "posts")
    reposts = pl.col("kind").eq_missing("repost") if "kind" in posts.columns else pl.lit(False)
    own = posts.filter(~reposts)
    parts = [frames.empty("ties")]
    for name in kinds:
        if name == "reply":
            found = _to_parents(own, society)
        elif name == "repost":
            found = _to_parents(posts.filter(reposts), society)
        elif name == "mention":
            found = _mentions(own, society)
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
    wanted = _wanted(kinds)
    here = set(society.ties["kind"].unique())
    for name in wanted:
        if name not in here and name not in KINDS:
            raise unknown("kind of tie", name, {*here, *KINDS})
    given = society.ties.filter(pl.col("kind").is_in(wanted))
    if given.height:
        given = _within(given, window, "given ties")
    built = ties(
        society,
        kind=[name for name in wanted if name not in here],
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


def _wanted(kinds: str | Sequence[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else list(dict.fromkeys(kinds))


def _within(frame: pl.DataFrame, window: tuple[Any, Any] | None, what: str) -> pl.DataFrame:
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

    Summed in sorted order, so that no bit of a sum depends on the order of the rows.

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
    summed = rows.sort("weight").group_by("source", "target", "kind", maintain_order=True).agg(pl.col("weight").sum())
    return summed.select(TIE)


def _counted(pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.group_by("source", "target").agg(weight=pl.len().cast(pl.Float64))


def _to_parents(posts: pl.DataFrame, society: Society) -> pl.DataFrame:
    # the parent is looked up among all posts: it may be older than the window
    parents = society.posts.select(parent="post", target="person")
    said = posts.select("parent", source="person").drop_nulls("parent")
    return _counted(said.join(parents, on="parent", how="inner").select("source", "target"))


def _mentions(posts: pl.DataFrame, society: Society) -> pl.DataFrame:
    # \B: no letter before the @, so an e-mail address mentions nobody
    said = (
        posts.filter(pl.col("text").str.contains("@", literal=True))
        .select("post", source="person", name=pl.col("text").str.extract_all(r"\B@[^\s@]+").list.unique())
        .filter(pl.col("name").list.len() > 0)
        .explode("name")
    )
    known = pl.concat([society.people["person"], society.posts["person"]]).unique().implode()
    # an id may hold almost any sign, so the longest reading that is somebody wins: the whole, less one sign at its end,
    # less all signs there, and up to the first sign that ids seldom hold (@p1's)
    bare = pl.col("name").str.strip_prefix("@")
    readings = [
        bare,
        bare.str.replace(r"[^\p{L}\p{N}_]$", ""),
        bare.str.replace(r"[^\p{L}\p{N}_]+$", ""),
        bare.str.extract(r"^([\w./-]*\w)"),
    ]
    people = [pl.when(reading.is_in(known)).then(reading) for reading in readings]
    names = said.select("name").unique().with_columns(target=pl.coalesce(people)).drop_nulls()
    return _counted(said.join(names, on="name").unique(["post", "target"]))


def _co_thread(posts: pl.DataFrame, limit: int) -> pl.DataFrame:
    wrote = posts.select("thread", "person").unique().with_columns(k=pl.len().over("thread"))
    persons = wrote["person"].unique().sort()
    wrote = wrote.filter(pl.col("k").is_between(2, limit)).sort("k", "thread")
    parts = [counts.with_columns(k=pl.lit(k)) for k, counts in _pairs(wrote, persons)]
    if not parts:
        return pl.DataFrame(
            schema={c: pl.Float64 if c == "weight" else pl.String for c in ("source", "target", "weight")}
        )
    # whole counts first, then one sum in the order of k: exact whatever the order of the threads
    summed = (
        pl.concat(parts)
        .sort("k")
        .group_by("pair", maintain_order=True)
        .agg(weight=(pl.col("count") / (pl.col("k") - 1)).sum())
    )
    n = persons.len()
    return summed.select(
        source=persons.gather(summed["pair"] // n), target=persons.gather(summed["pair"] % n), weight=summed["weight"]
    )


def _pairs(wrote: pl.DataFrame, persons: pl.Series) -> Iterator[tuple[int, pl.DataFrame]]:
    """For each size k of a thread, how many threads of that size each pair shares."""
    for (k,), block in wrote.group_by("k", maintain_order=True):
        codes = block["person"].cast(pl.Enum(persons)).to_physical().to_numpy().astype(np.int64).reshape(-1, int(k))
        i, j = np.triu_indices(int(k), 1)
        counts = []
        for at in range(0, len(codes), step := max(1, _PAIRS_AT_ONCE // i.size)):
            a, b = codes[at : at + step, i].ravel(), codes[at : at + step, j].ravel()
            pair = pl.Series("pair", np.minimum(a, b) * persons.len() + np.maximum(a, b))
            counts.append(pair.to_frame().group_by("pair").agg(count=pl.len().cast(pl.Int64)))
        yield int(k), pl.concat(counts).group_by("pair").agg(pl.col("count").sum())
