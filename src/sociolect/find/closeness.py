"""How close two people are: as they or others have declared it, as their exchanges show, or as a network has it."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.errors import InputError, RefusedError, UsageError, unknown
from sociolect.find.closeness_exchanges import Floats, before, classed, has_times, turned
from sociolect.find.closeness_ties import tied_closeness
from sociolect.frames import Society

CLASSES = ("stranger", "not_close", "close")
RULES = ("declared", "exchanges", "ties")
_SHOWN = ("reply", "repost")


def closeness(
    society: Society,
    *,
    rule: Literal["declared", "exchanges", "ties"] = "declared",
    directed: bool = True,
    kinds: str | Sequence[str] | None = None,
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

    Replies and reposts are read off the posts; any other of `kinds` (None: these two) is taken from the given ties by weight,
    before the comment where those have a time.

    `ties`: one row for each reply, out of the given directed ties of `kinds` (None: all but relation and declared), whose weights
    are numbers of exchanges; posts are not counted. Classes as above, but **there is no time order**: the comment may itself be in
    the ties, and they may be later. Where both ties and posts have a time, the ties before the comment count; one that has
    begun but whose `last` exchange is not before it leaves null, `a tie that may be later`, and so does one without a time.
    Stranger needs both people in the network, each with some tie; else null, `not in the network`. Where nobody replies
    there is a row for every tied pair, both ways, without `post`.

    Null is not stranger. Sorted by all of its keys.
    Raises RefusedError where nothing is declared, nobody replies, or no directed tie is given, InputError for classes that are
    none of the three or contradict each other and for times of ties that are none, UsageError for thresholds that cannot be.

    >>> import sociolect.frames as f
    >>> said = {"post": ["1", "2", "3", "4"], "person": ["a", "b", "a", "b"], "text": "hi", "thread": "1"}
    >>> posts = f.posts(pl.DataFrame(said | {"parent": [None, "1", "2", "3"], "time": [1, 2, 3, 4]}))
    >>> here = closeness(Society(f.empty("people"), posts, f.empty("ties")), rule="exchanges")
    >>> here.sort("post").select("post", "given", "received", "closeness").rows()
    [('2', 0.0, 0.0, None), ('3', 0.0, 1.0, 'not_close'), ('4', 1.0, 1.0, 'not_close')]
    """
    if rule == "declared":
        return _declared(society, directed=directed)
    if rule not in RULES:
        raise unknown("rule for closeness", rule, RULES)
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
    wanted = [kinds] if isinstance(kinds, str) else kinds
    if rule == "ties":
        return tied_closeness(society, kinds=wanted, often=often, some=some)
    return _exchanges(society, kinds=list(_SHOWN if wanted is None else wanted), often=often, some=some, seen=seen)


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
    posts, timed = society.posts, has_times(society.posts)
    made, shown = turned(posts)
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
    return classed(found, often=often, some=some, seen=seen).sort("source", "target", "post")


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
    mine, gap = before(events, there, timed=timed)
    theirs, gap_back = before(events, back, timed=timed)
    posts = made.select(source="person", target="person", time="time", weight=pl.lit(1.0))
    source, _ = before(posts, there.with_columns(target="source"), timed=timed)
    target, _ = before(posts, back.with_columns(target="source"), timed=timed)
    if timed:
        answered = (comments["parent_time"] < comments["time"]).fill_null(value=False).to_numpy().astype(np.float64)
        heard = np.minimum(source, target - answered)
    else:
        heard = np.minimum(source, target) - 1.0  # the comment, and what it answers
    return mine, theirs, heard, gap | gap_back
