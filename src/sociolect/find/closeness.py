"""How close two people are: as they or others have declared it, or as their exchanges show."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.errors import InputError, RefusedError, UsageError, unknown
from sociolect.frames import Society

CLASSES = ("stranger", "not_close", "close")
_SHOWN = ("reply", "repost")
Floats = npt.NDArray[np.float64]


def closeness(
    society: Society,
    *,
    rule: Literal["declared", "exchanges"] = "declared",
    directed: bool = True,
    kinds: str | Sequence[str] = ("reply", "repost"),
    often: float = 3.0,  # ours: three each way is no accident
    some: float = 1.0,  # ours: one exchange and two people have met
    seen: int = 1,  # ours: who was never heard before may have talked elsewhere
) -> pl.DataFrame:
    """How close the author of a comment is to the author of its post: source, target, closeness; null where unknown.

    `declared`: the column `closeness` of the ties, one row for each source and target that carry one. With
    `directed=False` what one declares holds for the other as well, unless that one has declared something else.

    `exchanges`: one row for each reply, in column `post`, out of what went between the two **before** it; the comment itself
    never counts. Where no post has a time, all exchanges but it and the answers to it count, later ones too. `given` is how often source has
    turned to target, `received` how often target to source:

    - close: both are `often` or more;
    - not_close: one of them is `some` or more;
    - stranger: both are 0, and each was heard before: `seen` earlier posts or more beside the comment and what it answers;
    - null otherwise, and `reason` says why: not heard before, no time, an exchange without a time, hardly (below `some`).

    Replies and reposts are read off the posts; any other of `kinds` is taken from the given ties by weight, before the
    comment where those have a time. Null is not stranger. Sorted by all of its keys.
    Raises RefusedError where nothing is declared or nobody replies, InputError for classes that are none of the three or
    contradict each other, UsageError for thresholds that cannot be.

    >>> import sociolect.frames as f
    >>> said = {"post": ["1", "2", "3", "4"], "person": ["a", "b", "a", "b"], "text": "hi", "thread": "1"}
    >>> posts = f.posts(pl.DataFrame(said | {"parent": [None, "1", "2", "3"], "time": [1, 2, 3, 4]}))
    >>> here = closeness(Society(f.empty("people"), posts, f.empty("ties")), rule="exchanges")
    >>> here.sort("post").select("post", "given", "received", "closeness").rows()
    [('2', 0.0, 0.0, None), ('3', 0.0, 1.0, 'not_close'), ('4', 1.0, 1.0, 'not_close')]
    """
    if rule == "declared":
        return _declared(society, directed=directed)
    if rule != "exchanges":
        raise unknown("rule for closeness", rule, ("declared", "exchanges"))
    faults = [
        f"{name} is {value}, not {due}"
        for name, value, fine, due in (
            ("some", some, 0 < some < np.inf, "above 0"),
            ("often", often, some <= often < np.inf, "`some` or more"),
            ("seen", seen, seen >= 0, "0 or more"),
        )
        if not fine
    ]
    if faults:
        raise UsageError("; ".join(faults))
    return _exchanges(
        society, kinds=[kinds] if isinstance(kinds, str) else list(kinds), often=often, some=some, seen=seen
    )


def _declared(society: Society, *, directed: bool) -> pl.DataFrame:
    ties = society.ties
    if "closeness" not in ties.columns or not ties["closeness"].count():
        raise RefusedError("no tie declares a closeness; rule='exchanges' reads it off who replied to whom")
    told = ties.select("source", "target", pl.col("closeness").cast(pl.String)).drop_nulls().unique()
    odd = told.filter(~pl.col("closeness").is_in(CLASSES))["closeness"].unique().sort().to_list()
    if odd:
        raise InputError(f"closeness of ties holds {', '.join(map(repr, odd[:6]))}, not only {', '.join(CLASSES)}")
    if twice := told.filter(pl.struct("source", "target").is_duplicated()).select("source", "target").n_unique():
        raise InputError(
            f"ties of two kinds declare another closeness for {twice} pairs of people: keep one of the kinds"
        )
    if not directed:
        back = told.select(source="target", target="source", closeness="closeness")
        told = pl.concat([told, back.join(told, on=["source", "target"], how="anti")])
    return told.filter(pl.col("source") != pl.col("target")).sort("source", "target")


def _exchanges(society: Society, *, kinds: list[str], often: float, some: float, seen: int) -> pl.DataFrame:
    posts = society.posts
    timed = "time" in posts.columns and posts["time"].is_not_null().any()
    if timed and not (posts.schema["time"].is_temporal() or posts.schema["time"].is_numeric()):
        raise InputError(
            f"column 'time' of the posts is {posts.schema['time']}, not a time: read it with table(time=...)"
        )
    made = posts.select(
        "post", "person", "parent",
        kind=pl.col("kind") if "kind" in posts.columns else pl.lit(None, pl.String),
        time=pl.col("time").cast(pl.Int64) if timed else pl.lit(0, pl.Int64),
    )  # fmt: skip
    shown = made.with_columns(
        kind=pl.when(pl.col("kind") == "repost").then(pl.lit("repost")).otherwise(pl.lit("reply"))
    ).join(made.select(parent="post", target="person", parent_time="time"), on="parent", how="inner")
    shown = shown.filter(pl.col("person") != pl.col("target")).rename({"person": "source"})
    comments = shown.filter(kind="reply").sort("post")
    if not comments.height:
        raise RefusedError(
            "nobody replies to anybody here, so no exchange shows who is close: load posts with their parents"
        )
    events = shown.filter(pl.col("kind").is_in(kinds)).select("source", "target", "time", weight=pl.lit(1.0))
    others = [kind for kind in kinds if kind not in _SHOWN]
    given = society.ties.filter(pl.col("kind").is_in(others))
    if missing := sorted(set(others) - set(given["kind"])):
        raise unknown("kind of tie", missing[0], {*_SHOWN, *society.ties["kind"]})
    if given.height:
        # a given tie without a time column holds all along
        when = pl.lit(np.iinfo(np.int64).min)
        if "time" in given.columns and timed:
            when = pl.col("time").cast(posts.schema["time"]).cast(pl.Int64)
        events = pl.concat([events, given.select("source", "target", time=when, weight="weight")])
    mine, theirs, heard, gap = _told(made, comments, events, timed=timed)
    if not timed:  # then the comment itself, and what the other answered to it, is among the exchanges
        mine = mine - float("reply" in kinds)
        theirs = theirs - _answers(comments, shown.filter(pl.col("kind").is_in(kinds)))
    found = comments.select("source", "target", "post", "time").with_columns(
        given=pl.Series(mine), received=pl.Series(theirs), heard=pl.Series(heard), gap=pl.Series(gap)
    )
    return _classed(found, often=often, some=some, seen=seen).sort("source", "target", "post")


def _classed(found: pl.DataFrame, *, often: float, some: float, seen: int) -> pl.DataFrame:
    """The class of each counted comment, or why it has none."""
    strangers = (pl.col("given") == 0) & (pl.col("received") == 0)
    close = (pl.col("given") >= often) & (pl.col("received") >= often)
    met = pl.max_horizontal("given", "received") >= some
    reason = (
        pl.when(pl.col("time").is_null())
        .then(pl.lit("no time"))
        .when(close)
        .then(None)
        .when("gap")
        .then(pl.lit("an exchange without a time"))
        .when(met)
        .then(None)
        .when(~strangers)
        .then(pl.lit("hardly"))
        .when(pl.col("heard") < seen)
        .then(pl.lit("not heard before"))
    )
    known = pl.when(close).then(pl.lit("close")).when(met).then(pl.lit("not_close")).otherwise(pl.lit("stranger"))
    untimed = pl.col("time").is_null()
    return (
        found.with_columns(reason=reason)
        .with_columns(
            closeness=pl.when(pl.col("reason").is_null()).then(known),
            given=pl.when(~untimed).then("given"),
            received=pl.when(~untimed).then("received"),
        )
        .select("source", "target", "closeness", "post", "given", "received", "reason")
    )


def _answers(comments: pl.DataFrame, shown: pl.DataFrame) -> Floats:
    """How often the one each comment turns to has answered that very comment."""
    answers = shown.group_by(post="parent", target="source").agg(n=pl.len().cast(pl.Float64))
    return (
        comments.join(answers, on=["post", "target"], how="left", maintain_order="left")["n"].fill_null(0.0).to_numpy()
    )


def _told(
    made: pl.DataFrame, comments: pl.DataFrame, events: pl.DataFrame, *, timed: bool
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.bool_]]:
    """For each comment: what went forth and back before it, how often the less heard of the two was heard, and whether times lack."""
    there = comments.select("source", "target", "time")
    back = comments.select(source="target", target="source", time="time")
    mine, gap = _before(events, there, timed=timed)
    theirs, gap_back = _before(events, back, timed=timed)
    posts = made.select(source="person", target="person", time="time", weight=pl.lit(1.0))
    source, _ = _before(posts, there.with_columns(target="source"), timed=timed)
    target, _ = _before(posts, back.with_columns(target="source"), timed=timed)
    if timed:
        answered = (comments["parent_time"] < comments["time"]).fill_null(value=False).to_numpy().astype(np.float64)
        heard = np.minimum(source, target - answered)
    else:
        heard = np.minimum(source, target) - 1.0  # the comment, and what it answers
    return mine, theirs, heard, gap | gap_back


def _before(events: pl.DataFrame, asked: pl.DataFrame, *, timed: bool) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The weight of the events of each asked pair before its time (of all where not `timed`), and whether some have no time.

    One sorted key holds pair and time, so that a sum over a stretch of it is the difference of two running sums.
    """
    pair = ["source", "target"]
    codes = asked.select(pair).unique(maintain_order=True).with_row_index("pair")
    here = events.join(codes, on=pair, how="inner")
    at = asked.join(codes, on=pair, how="left", maintain_order="left")["pair"].to_numpy().astype(np.int64)
    gap = np.isin(at, here.filter(pl.col("time").is_null())["pair"].to_numpy())
    here = here.drop_nulls("time")
    moments = np.unique(here["time"].to_numpy())
    width = len(moments) + 1
    keys = here["pair"].to_numpy().astype(np.int64) * width + np.searchsorted(moments, here["time"].to_numpy())
    order = np.lexsort((here["weight"].to_numpy(), keys))
    keys, total = keys[order], np.concatenate([[0.0], np.cumsum(here["weight"].to_numpy()[order])])
    upto = np.full(len(at), width)
    if timed:
        upto = np.searchsorted(moments, asked["time"].fill_null(0).to_numpy())
    return total[np.searchsorted(keys, at * width + upto)] - total[np.searchsorted(keys, at * width)], gap
