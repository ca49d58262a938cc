from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find.closeness import closeness
from sociolect.frames import Society

START = datetime(2024, 5, 1, tzinfo=UTC)


def society(
    said: list[tuple[str, str | None, int | None]],
    ties: list[tuple[str, str, str, float, str | None]] | None = None,
    *,
    timed: bool = True,
) -> Society:
    """Posts s0, s1, ... out of (person, parent, hour) and ties out of (source, target, kind, weight, closeness)."""
    made: dict[str, Any] = {
        "post": [f"s{i}" for i in range(len(said))], "person": [p for p, _, _ in said], "parent": [q for _, q, _ in said],
    }  # fmt: skip
    posts = pl.DataFrame(made, schema_overrides={"parent": pl.String}).with_columns(
        text=pl.lit("x"), thread=pl.lit("t")
    )
    if timed:
        hours = [None if h is None else START + timedelta(hours=h) for _, _, h in said]
        posts = posts.with_columns(time=pl.Series(hours, dtype=pl.Datetime("us", "UTC")))
    schema = {"source": pl.String, "target": pl.String, "kind": pl.String, "weight": pl.Float64, "closeness": pl.String}
    tied = pl.DataFrame(ties or [], schema=schema, orient="row")
    return Society(frames.people(frames.empty("people")), frames.posts(posts), frames.ties(tied))


def shown(here: Society, **keywords: Any) -> dict[str, tuple[str | None, str | None]]:
    found = closeness(here, rule="exchanges", **keywords)
    return {post: (close, why) for post, close, why in found.select("post", "closeness", "reason").iter_rows()}


def exchange(n: int) -> list[tuple[str, str | None, int | None]]:
    """a and b answer each other n times in turn, after a post of each."""
    said: list[tuple[str, str | None, int | None]] = [("a", None, 0), ("b", None, 1)]
    return said + [("ab"[i % 2], f"s{1 if i == 0 else i + 1}", i + 2) for i in range(n)]


def test_strangers_meet_and_become_close() -> None:
    """a and b answer each other: the first comment is a stranger's, the next are not, and after three each way they are close."""
    found = shown(society(exchange(8)), seen=0)
    assert [found[f"s{i}"][0] for i in range(2, 10)] == ["stranger", *["not_close"] * 5, "close", "close"]


def test_the_comment_itself_never_counts() -> None:
    once: list[tuple[str, str | None, int | None]] = [("a", None, 0), ("b", None, 1), ("b", None, 2), ("a", "s2", 3)]
    assert shown(society(once)) == {"s3": ("stranger", None)}
    assert shown(society(once, timed=False)) == {"s3": ("stranger", None)}
    # what the other answers to that very comment is no sign of closeness before it
    answered = [*once, ("b", "s3", 4)]
    assert shown(society(answered))["s3"] == ("stranger", None)
    assert shown(society(answered, timed=False))["s3"] == ("stranger", None)
    assert shown(society(answered, timed=False))["s4"] == ("not_close", None)


def test_later_exchanges_count_only_where_nothing_has_a_time() -> None:
    later = [
        ("a", None, 0),
        ("b", None, 0),
        ("b", None, 1),
        ("a", "s2", 2),
        *[("a", "s2", 5)] * 3,
        *[("b", "s0", 6)] * 3,
    ]
    assert shown(society(later))["s3"] == ("stranger", None)  # type: ignore[arg-type]  # a list of several tuple shapes
    assert shown(society(later, timed=False))["s3"] == ("close", None)  # type: ignore[arg-type]  # as above
    # at the same moment is not before
    assert shown(society([(p, q, min(h, 2)) for p, q, h in later]))["s4"] == ("stranger", None)


def test_unknown_is_not_stranger() -> None:
    new: list[tuple[str, str | None, int | None]] = [("b", None, 0), ("b", None, 1), ("a", "s1", 2)]
    assert shown(society(new)) == {"s2": (None, "not heard before")}
    # the poster was heard only in what is commented on
    assert shown(society([("a", None, 0), ("b", None, 1), ("a", "s1", 2)])) == {"s2": (None, "not heard before")}
    assert shown(society(new), seen=0) == {"s2": ("stranger", None)}
    two: list[tuple[str, str | None, int | None]] = [("a", None, 0), ("b", None, 0), ("b", None, 1)]
    assert shown(society([*two, ("a", "s2", None)])) == {"s3": (None, "no time")}
    assert shown(society([*two, ("b", "s0", None), ("a", "s2", 3)]))["s4"] == (None, "an exchange without a time")
    assert shown(society([*two, ("b", "s0", 2), ("a", "s2", 3)]), some=2)["s4"] == (None, "hardly")
    found = closeness(society([*two, ("a", "s2", None)]), rule="exchanges")
    assert found.select("given", "received").row(0) == (None, None)


def test_one_sided_devotion_is_not_close() -> None:
    fan: list[tuple[str, str | None, int | None]] = [
        ("a", None, 0),
        ("b", None, 0),
        *[("a", "s1", i) for i in range(1, 9)],
    ]
    assert shown(society(fan))["s9"] == ("not_close", None)
    assert shown(society(fan), often=4, some=4)["s4"] == (None, "hardly")


def test_given_ties_count_by_weight() -> None:
    two: list[tuple[str, str | None, int | None]] = [("a", None, 0), ("b", None, 0), ("b", None, 1), ("a", "s2", 2)]
    friends = [("a", "b", "friend", 3.0, None), ("b", "a", "friend", 5.0, None)]
    here = society(two, friends)  # type: ignore[arg-type]  # None is a closeness
    assert shown(here, kinds="friend") == {"s3": ("close", None)}
    assert shown(here) == {"s3": ("stranger", None)}
    with pytest.raises(UsageError, match="no kind of tie 'frend'; did you mean 'friend'"):
        shown(here, kinds=["frend"])
    late = frames.ties(here.ties.with_columns(time=pl.lit(START + timedelta(hours=1))))
    assert shown(Society(here.people, here.posts, late), kinds="friend") == {"s3": ("close", None)}
    late = frames.ties(here.ties.with_columns(time=pl.lit(START + timedelta(hours=2))))
    assert shown(Society(here.people, here.posts, late), kinds="friend") == {"s3": ("stranger", None)}


def test_reposts_are_exchanges_and_no_comments() -> None:
    two: list[tuple[str, str | None, int | None]] = [("a", None, 0), ("b", None, 0), ("b", "s0", 1), ("a", "s1", 2)]
    here = society(two)
    kinds = here.posts.with_columns(kind=pl.Series(["post", "post", "repost", "reply"]))
    here = Society(here.people, frames.posts(kinds), here.ties)
    assert shown(here) == {"s3": ("not_close", None)}
    assert shown(here, kinds="reply") == {"s3": ("stranger", None)}


def slow(here: Society, often: float, some: float, seen: int) -> dict[str, str | None]:
    """The rule, written out again as one loop over comments."""
    rows = here.posts.rows(named=True)
    by = {row["post"]: row for row in rows}
    found: dict[str, str | None] = {}
    for row in rows:
        if row["parent"] is None or by[row["parent"]]["person"] == row["person"]:
            continue
        a, b = row["person"], by[row["parent"]]["person"]
        past = [r for r in rows if r["time"] < row["time"]]
        acts = [(r["person"], by[r["parent"]]["person"]) for r in past if r["parent"]]
        forth, back = acts.count((a, b)), acts.count((b, a))
        heard = min(sum(r["person"] == p for r in past if r["post"] != row["parent"]) for p in (a, b))
        if min(forth, back) >= often:
            found[row["post"]] = "close"
        elif max(forth, back) >= some:
            found[row["post"]] = "not_close"
        else:
            found[row["post"]] = "stranger" if forth == back == 0 and heard >= seen else None
    return found


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 99), st.integers(0, 12)), min_size=4, max_size=40),
    st.integers(1, 2), st.integers(0, 2), st.integers(0, 2),
)  # fmt: skip
def test_the_counts_are_those_of_a_loop(acts: list[tuple[str, int, int]], some: int, more: int, seen: int) -> None:
    said = [(p, f"s{at % i}" if i and at % 3 else None, hour) for i, (p, at, hour) in enumerate(acts)]
    here = society(said)  # type: ignore[arg-type]  # a list of tuples of str | None
    due = slow(here, some + more, some, seen)
    if not due:
        with pytest.raises(RefusedError, match="nobody replies"):
            closeness(here, rule="exchanges")
        return
    found = shown(here, often=some + more, some=some, seen=seen)
    assert {post: close for post, (close, _) in found.items()} == due
    mixed = Society(here.people, frames.posts(here.posts.reverse()), here.ties)
    assert shown(mixed, often=some + more, some=some, seen=seen) == found


def test_declared_closeness_is_directed_unless_said() -> None:
    ties = [
        ("a", "b", "relation", 1.0, "close"),
        ("b", "c", "relation", 1.0, "stranger"),
        ("c", "b", "declared", 1.0, "close"),
    ]
    here = society([("a", None, 0)], [*ties, ("a", "c", "reply", 1.0, None)])
    due = [("a", "b", "close"), ("b", "c", "stranger"), ("c", "b", "close")]
    assert closeness(here).rows() == due
    assert closeness(here, directed=False).rows() == [due[0], ("b", "a", "close"), *due[1:]]


def test_what_cannot_be_said_is_refused() -> None:
    here = society([("a", None, 0)])
    with pytest.raises(RefusedError, match="no tie declares a closeness; rule='exchanges'"):
        closeness(here)
    with pytest.raises(RefusedError, match="nobody replies to anybody"):
        closeness(here, rule="exchanges")
    with pytest.raises(UsageError, match="no rule for closeness 'exchange'; did you mean 'exchanges'"):
        closeness(here, rule="exchange")  # type: ignore[arg-type]  # the fault under test
    with pytest.raises(UsageError, match=r"some is 0, not above 0; often is -1, not `some` or more; seen is -2"):
        closeness(here, rule="exchanges", some=0, often=-1, seen=-2)
    with pytest.raises(InputError, match="holds 'best', not only stranger"):
        closeness(society([("a", None, 0)], [("a", "b", "relation", 1.0, "best")]))
    twice = [("a", "b", "relation", 1.0, "close"), ("a", "b", "declared", 1.0, "stranger")]
    with pytest.raises(InputError, match="another closeness for 1 pairs of people"):
        closeness(society([("a", None, 0)], twice))  # type: ignore[arg-type]  # closeness is never null here
    words = frames.posts(society([("a", None, 0), ("b", "s0", 1)]).posts.with_columns(time=pl.lit("noon")))
    with pytest.raises(InputError, match="column 'time' of the posts is String"):
        closeness(Society(here.people, words, here.ties), rule="exchanges")
