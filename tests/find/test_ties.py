from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.find.ties import among, folded, link, ties
from sociolect.frames import Society
from sociolect.load.planted import planted

START = datetime(2024, 5, 1, tzinfo=UTC)


def society(*said: tuple[str, str, str, str | None, str], given: pl.DataFrame | None = None) -> Society:
    """Posts as (person, text, thread, parent, kind), numbered from 0, an hour apart."""
    rows = [
        {
            "post": str(i),
            "person": p,
            "text": t,
            "thread": h,
            "parent": up,
            "kind": k,
            "time": START + timedelta(hours=i),
        }
        for i, (p, t, h, up, k) in enumerate(said)
    ]
    posts = frames.posts(pl.DataFrame(rows, schema_overrides={"parent": pl.String}))
    people = frames.people(posts.select(pl.col("person").unique().sort()))
    return Society(people, posts, frames.ties(frames.empty("ties") if given is None else given))


TALK = society(
    ("ann", "hello", "0", None, "post"),
    ("bob", "hi @ann", "0", "0", "reply"),
    ("ann", "thanks", "0", "1", "reply"),
    ("cat", "hello", "0", "0", "repost"),
    ("ann", "to myself", "0", "0", "reply"),
    ("bob", "gone", "0", "99", "reply"),
    ("bob", "again", "0", "0", "reply"),
)


def test_replies_are_counted_by_direction_without_self_ties_and_missing_parents() -> None:
    assert ties(TALK, directed=True).rows() == [("ann", "bob", "reply", 1.0), ("bob", "ann", "reply", 2.0)]
    assert ties(TALK).rows() == [("ann", "bob", "reply", 3.0)]


def test_a_repost_is_no_reply_and_a_reply_no_repost() -> None:
    assert ties(TALK, kind="repost", directed=True).rows() == [("cat", "ann", "repost", 1.0)]


def test_posts_without_a_kind_are_replies_where_they_have_a_parent() -> None:
    bare = Society(TALK.people, frames.posts(TALK.posts.drop("kind")), TALK.ties)
    assert ties(bare).rows() == [("ann", "bob", "reply", 3.0), ("ann", "cat", "reply", 1.0)]
    assert ties(bare, kind="repost").is_empty()


def test_several_kinds_give_rows_per_kind() -> None:
    assert ties(TALK, kind=("mention", "reply", "repost", "mention")).rows() == [
        ("ann", "bob", "mention", 1.0),
        ("ann", "bob", "reply", 3.0),
        ("ann", "cat", "repost", 1.0),
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("@p1 hello", ["p1"]),
        ("ask @p1, or (@p2)!", ["p1", "p2"]),
        ("@p1's and @p1 again", ["p1"]),  # one post names one person once
        ("@p1/@p2", ["p1", "p2"]),
        ("@p1,@p2", ["p1", "p2"]),
        ("@team/p3.", ["team/p3"]),
        ("mail me@p1 or me@p1.org", []),
        ("@nobody and p1 and @", []),
        ("@p1-x is not @p1…", ["p1"]),
        ("@p12 @p1-x @p1.x", []),  # no prefix of a name is that person
        ("@odd[1]: hello", ["odd[1]"]),
        ("I am @p0", []),  # oneself
    ],
)
def test_mentions(text: str, named: list[str]) -> None:
    others = [(p, "", "1", None, "post") for p in ("p1", "p2", "team/p3", "odd[1]", "team")]
    found = ties(society(("p0", text, "0", None, "post"), *others), kind="mention", directed=True)
    assert found["target"].sort().to_list() == sorted(named)
    assert found["weight"].to_list() == [1.0] * len(named)


def test_a_mentioned_person_may_never_have_written_but_a_repost_mentions_nobody() -> None:
    said = society(("a", "@b", "0", None, "post"), ("a", "@b", "0", "0", "repost"))
    silent = Society(frames.people(pl.DataFrame({"person": ["a", "b"]})), said.posts, said.ties)
    assert ties(silent, kind="mention").rows() == [("a", "b", "mention", 1.0)]


def test_co_thread_weights_are_newmans() -> None:
    # thread x: a, b, c -> 1/2 each pair; thread y: a, b -> 1; a writes twice in y; thread z: one person; d only reposts
    said = [("a", "x"), ("b", "x"), ("c", "x"), ("a", "y"), ("b", "y"), ("a", "y"), ("c", "z")]
    talk = society(*[(p, "", h, None, "post") for p, h in said], ("d", "", "x", "0", "repost"))
    due = [("a", "b", "co-thread", 1.5), ("a", "c", "co-thread", 0.5), ("b", "c", "co-thread", 0.5)]
    assert ties(talk, kind="co-thread").rows() == due
    assert ties(talk, kind="co-thread", co_thread_limit=2).rows() == [("a", "b", "co-thread", 1.0)]
    assert ties(talk, kind="co-thread", co_thread_limit=1).is_empty()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("uvwxyz")), min_size=1, max_size=40))
def test_everybody_gives_each_thread_one_unit(said: list[tuple[str, str]]) -> None:
    # a person's co-thread weights sum to the number of threads shared with somebody (Newman 2001)
    found = ties(society(*[(p, "", h, None, "post") for p, h in said]), kind="co-thread")
    for person in "abcdefg":
        shared = {h for p, h in said if p == person and any(q != person and g == h for q, g in said)}
        mine = found.filter((pl.col("source") == person) | (pl.col("target") == person))
        assert mine["weight"].sum() == pytest.approx(len(shared))
    shuffled = ties(society(*[(p, "", h, None, "post") for p, h in reversed(said)]), kind="co-thread")
    assert shuffled.equals(found)


def test_a_window_is_half_open_and_takes_the_time_of_the_later_post() -> None:
    at = [START + timedelta(hours=h) for h in range(8)]
    assert ties(TALK, directed=True, window=(at[1], at[2])).rows() == [("bob", "ann", "reply", 1.0)]
    assert ties(TALK, window=(None, at[1])).is_empty()
    assert ties(TALK, window=(at[2], None)).rows() == [("ann", "bob", "reply", 2.0)]
    assert ties(TALK, window=("2024-05-01T01:00", "2024-05-01T02:00")).rows() == [("ann", "bob", "reply", 1.0)]


def test_a_window_that_cannot_be_is_refused() -> None:
    timeless = Society(TALK.people, frames.posts(TALK.posts.drop("time")), TALK.ties)
    with pytest.raises(RefusedError, match="without a column 'time'"):
        ties(timeless, window=(START, None))
    with pytest.raises(UsageError, match="cannot be held against"):
        ties(TALK, window=([1], None))
    with pytest.raises(UsageError, match="no ISO time"):
        ties(TALK, window=("May", None))


def test_unknown_kinds_and_directed_threads_are_errors() -> None:
    with pytest.raises(UsageError, match="did you mean 'mention'"):
        ties(TALK, kind="mentions")
    with pytest.raises(UsageError, match="no direction"):
        ties(TALK, kind=("reply", "co-thread"), directed=True)


GIVEN = pl.DataFrame(
    {
        "source": ["bob", "ann", "bob"],
        "target": ["ann", "bob", "cat"],
        "kind": ["reply", "reply", "follow"],
        "weight": 5.0,
    }
)


def test_given_ties_stand_in_for_those_of_the_posts() -> None:
    both = society(*TALK.posts.select("person", "text", "thread", "parent", "kind").iter_rows(), given=GIVEN)
    assert link(both).rows() == [("ann", "bob", "reply", 10.0)]  # not 13: the posts are not counted again
    assert link(both, "reply", directed=True)["weight"].to_list() == [5.0, 5.0]
    assert link(both, ("follow", "repost")).rows() == [("ann", "cat", "repost", 1.0), ("bob", "cat", "follow", 5.0)]
    assert link(TALK).equals(ties(TALK))
    with pytest.raises(UsageError, match="no kind of tie 'folow'; did you mean 'follow'"):
        link(both, "folow")
    with pytest.raises(RefusedError, match="given ties without a column 'time'"):
        link(both, window=(START, None))


def test_among_keeps_ties_between_both_only() -> None:
    assert among(frames.ties(GIVEN), {"bob", "cat"}).rows() == [("bob", "cat", "follow", 5.0)]


def test_folded_sums_alike_in_any_order() -> None:
    weights = [0.1, 0.2, 0.3, 1e16, 1.0, 0.7]
    rows = pl.DataFrame({"source": list("ababab"), "target": list("bababa"), "kind": "x", "weight": weights})
    assert {folded(rows.sample(fraction=1, shuffle=True, seed=i), directed=False)["weight"][0] for i in range(20)} == {
        folded(rows, directed=False)["weight"][0]
    }


def test_the_planted_posts_show_the_planted_ties() -> None:
    world = planted(people=120, communities=3, seed=4)
    built = ties(world, kind=("reply", "repost", "mention"), directed=True)
    keys = ["source", "target", "kind"]
    assert built.equals(world.ties.select(built.columns).sort(keys))
    again = Society(world.people, frames.posts(world.posts.sample(fraction=1, shuffle=True, seed=1)), world.ties)
    kinds = ("reply", "repost", "mention", "co-thread")
    assert ties(again, kind=kinds).equals(ties(world, kind=kinds))


def test_no_posts_make_no_ties() -> None:
    nothing = Society(frames.people(frames.empty("people")), frames.posts(frames.empty("posts")), TALK.ties)
    assert ties(nothing, kind=("reply", "repost", "mention", "co-thread")).shape == (0, 4)
