"""Closeness by the ties of a network: the classes, time where there is some, and who is no stranger because nobody knows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find.closeness import closeness
from sociolect.find.ties import ties
from sociolect.frames import Society

START = datetime(2024, 5, 1, tzinfo=UTC)
Said = Sequence[tuple[str, str | None, int | None]]


def society(said: Said, tied: Sequence[tuple[str, str, str, float]] = ()) -> Society:
    """Posts s0, s1, ... out of (person, parent, hour), and ties out of (source, target, kind, weight)."""
    made = {
        "post": [f"s{i}" for i in range(len(said))], "person": [p for p, _, _ in said], "parent": [q for _, q, _ in said],
        "time": [None if h is None else START + timedelta(hours=h) for _, _, h in said],
    }  # fmt: skip
    texts = pl.DataFrame(made, schema_overrides=dict.fromkeys(("post", "person", "parent"), pl.String))
    posts = texts.cast({"time": pl.Datetime("us", "UTC")}).with_columns(text=pl.lit("x"), thread=pl.lit("t"))
    network = pl.DataFrame(list(tied), schema=frames.empty("ties").schema, orient="row")
    return Society(frames.people(frames.empty("people")), frames.posts(posts), frames.ties(network))


NETWORK = [
    ("a", "b", "mention", 3.0), ("b", "a", "mention", 4.0), ("a", "c", "mention", 2.0),
    ("c", "b", "like", 0.5), ("d", "d", "mention", 9.0),
]  # fmt: skip


def test_ties_tell_close_not_close_and_stranger_only_within_the_network() -> None:
    found = closeness(society([], NETWORK), rule="ties")
    assert found.select("source", "target", "closeness", "given", "received", "reason").rows() == [
        ("a", "b", "close", 3.0, 4.0, None), ("a", "c", "not_close", 2.0, 0.0, None),
        ("b", "a", "close", 4.0, 3.0, None), ("b", "c", None, 0.0, 0.5, "hardly"),
        ("c", "a", "not_close", 0.0, 2.0, None), ("c", "b", None, 0.5, 0.0, "hardly"),
    ]  # fmt: skip
    said: Said = [
        ("a", None, 0),
        ("d", None, 1),
        ("b", "s0", 2),
        ("d", "s0", 3),
        ("c", "s2", 4),
    ]
    here = society(said, NETWORK)
    found = closeness(here, rule="ties", kinds="mention")
    rows = {post: (c, why) for post, c, why in found.select("post", "closeness", "reason").iter_rows()}
    # d has a tie to d alone, which puts nobody in the network
    assert rows == {"s2": ("close", None), "s3": (None, "not in the network"), "s4": ("stranger", None)}
    assert closeness(here, rule="ties", kinds="mention", often=4)["closeness"].to_list()[0] == "not_close"


def test_only_ties_before_the_comment_count_where_both_have_times() -> None:
    said: Said = [
        ("a", None, 0),
        ("b", "s0", 2),
        ("b", "s0", 5),
        ("b", "s0", 9),
        ("b", "s0", None),
    ]
    ties = [
        ("a", "b", "mention", 3.0),
        ("b", "a", "mention", 3.0),
        ("c", "b", "like", 1.0),
        ("c", "a", "like", 1.0),
    ]
    here = society(said, ties)
    hours = pl.Series([START + timedelta(hours=h) for h in (5, 6, 1, 3)])
    late = Society(here.people, here.posts, frames.ties(here.ties.with_columns(time=hours)))
    found = closeness(late, rule="ties").select("post", "closeness", "given", "received", "reason").rows()
    assert found == [
        ("s1", None, 0.0, 0.0, "not in the network"),  # a's first tie is later
        ("s2", "stranger", 0.0, 0.0, None),  # at the same moment is not before
        ("s3", "close", 3.0, 3.0, None),
        ("s4", None, None, None, "no time"),
    ]
    # a tie without a time may be earlier or later; without any time on either side there is no order
    gone = frames.ties(late.ties.with_columns(time=pl.Series([None, *hours[1:]], dtype=pl.Datetime("us", "UTC"))))
    unsure = closeness(Society(here.people, here.posts, gone), rule="ties")
    assert unsure["reason"].to_list() == ["a tie that may be later"] * 3 + ["no time"]
    for timeless in (here, Society(here.people, frames.posts(here.posts.drop("time")), late.ties)):
        assert closeness(timeless, rule="ties")["closeness"].to_list() == ["close"] * 4


def test_a_tie_under_way_at_the_comment_is_not_counted_as_before_it() -> None:
    """Ties of a and b from hour 1 to hour 5: unknown in between, close after, and strangers before they begin."""
    said: Said = [("a", None, 0), *[("b", "s0", hour) for hour in (1, 3, 5, 6)]]
    here = society(said, [(*way, "mention", 3.0) for way in ("ab", "ba", "ca", "cb")])
    begun, last = (pl.Series([START + timedelta(hours=h) for h in hours]) for hours in ((1, 1, 0, 0), (5, 4, 0, 0)))
    tied = frames.ties(here.ties.with_columns(time=begun, last=last))
    found = closeness(Society(here.people, here.posts, tied), rule="ties")
    assert found["closeness"].to_list() == ["stranger", None, None, "close"]
    assert found["reason"].to_list() == [None, "a tie that may be later", "a tie that may be later", None]
    assert found["received"].to_list() == [0.0, 0.0, 0.0, 3.0]
    assert found["given"].to_list() == [0.0, 0.0, 3.0, 3.0]


def test_a_heavy_pair_beside_changes_no_count() -> None:
    heavy = [("a", "b", 1e17), ("b", "a", 1.0), ("c", "d", 3.0), ("d", "c", 0.1)]
    here = society((), [(a, b, "mention", weight) for a, b, weight in heavy])
    found = closeness(here, rule="ties").select("source", "target", "given", "received").rows()
    assert found == [("a", "b", 1e17, 1.0), ("b", "a", 1.0, 1e17), ("c", "d", 3.0, 0.1), ("d", "c", 0.1, 3.0)]


def test_ties_that_declare_count_nothing_and_undirected_ones_are_refused() -> None:
    declared = [("a", "b", "relation", 1.0), ("b", "a", "declared", 1.0)]
    with pytest.raises(
        RefusedError, match="no tie between two people was given that counts exchanges; rule='exchanges'"
    ):
        closeness(society([("a", None, 0)], declared), rule="ties")
    assert closeness(society([], declared), rule="ties", kinds="relation").height == 2
    with pytest.raises(UsageError, match="no kind of tie 'mentions'; did you mean 'mention'"):
        closeness(society([], NETWORK), rule="ties", kinds=["mentions"])
    path = [(f"p{i:02}", f"p{i + 1:02}", "reply", 1.0) for i in range(20)]
    with pytest.raises(RefusedError, match="all 20 ties run from the smaller name to the larger"):
        closeness(society([], path), rule="ties")
    with pytest.raises(UsageError, match="often is 0.5, not `some` or more"):
        closeness(society([], NETWORK), rule="ties", often=0.5)
    here = society([("a", None, 0), ("b", "s0", 1)], NETWORK)
    for times in (["noon"] * 5, [1] * 5):
        wrong = frames.ties(here.ties.with_columns(time=pl.Series(times)))
        with pytest.raises(InputError, match="column 'time' of the ties is .* and that of the posts Datetime"):
            closeness(Society(here.people, here.posts, wrong), rule="ties")


def test_directed_ties_of_posts_tell_the_same_closeness_as_the_posts_do() -> None:
    """Ties built of the replies before a moment class its comment as its exchanges do, but for who was heard without a tie."""
    talk = [("ab"[i % 2], f"s{1 if i == 0 else i + 1}", i + 2) for i in range(8)]
    here = society([("a", None, 0), ("b", None, 1), *talk])
    built = ties(Society(here.people, frames.posts(here.posts.head(9)), here.ties), directed=True)
    last = closeness(Society(here.people, here.posts, built), rule="ties").filter(post="s9")
    due = closeness(here, rule="exchanges").filter(post="s9")
    assert last.select("closeness", "given", "received").rows() == due.select("closeness", "given", "received").rows()
    assert last["closeness"].item() == "close"
