import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import RefusedError
from sociolect.find.declared import declared
from sociolect.find.leiden import leiden
from sociolect.find.placed import placed, unplaced
from sociolect.find.quality import adjusted_rand
from sociolect.find.ties import among
from sociolect.frames import Society, Ties
from sociolect.load.planted import planted

KNOWN = frames.members(pl.DataFrame({"person": ["a", "b", "c"], "community": ["x", "x", "y"]}))
PEOPLE = frames.people(pl.DataFrame({"person": ["a", "b", "c", "new", "far", "torn"]}))


def tied(*rows: tuple[str, str, float]) -> Ties:
    frame = pl.DataFrame(rows, schema=["source", "target", "weight"], orient="row")
    return frames.ties(frame.with_columns(kind=pl.int_range(frame.height).cast(pl.String)))


def test_the_heaviest_community_takes_and_a_draw_is_nobodys() -> None:
    ties = tied(
        ("new", "a", 1.0), ("b", "new", 1.5), ("new", "c", 2.0), ("new", "far", 99.0), ("a", "c", 9.0),
        ("torn", "a", 0.1), ("b", "torn", 0.2), ("torn", "c", 0.3),
    )  # fmt: skip
    assert placed(KNOWN, ties, PEOPLE).rows() == [("new", "x", 2.5 / 4.5)]
    left = unplaced(KNOWN, ties, PEOPLE)
    assert left.select("reason", "count", "where").rows() == [
        ("tied to members of two communities alike", 1, "torn"),
        ("no tie to a member", 1, "far"),
    ]
    assert placed(KNOWN, frames.ties(ties.reverse()), PEOPLE).equals(placed(KNOWN, ties, PEOPLE))


def test_nobody_to_place() -> None:
    inside = frames.people(pl.DataFrame({"person": ["a", "b", "c"]}))
    assert placed(KNOWN, tied(("a", "b", 1.0)), inside).is_empty()
    assert unplaced(KNOWN, tied(("a", "b", 1.0)), inside).is_empty()


def test_members_of_two_communities_are_refused() -> None:
    twice = frames.members(pl.DataFrame({"person": ["a", "a"], "community": ["x", "y"]}))
    with pytest.raises(RefusedError, match="1 rows put a person into a further community"):
        placed(twice, tied(("a", "new", 1.0)), PEOPLE)


def test_held_out_people_find_their_planted_community_without_a_say_in_it() -> None:
    world = planted(people=600, communities=6, mixing=0.1, seed=3)
    train = world.people.filter(pl.int_range(pl.len()) % 4 != 0)
    seen = among(world.ties, train["person"])
    members = leiden(Society(frames.people(train), world.posts, seen))
    assert set(members["person"]) <= set(train["person"])
    new = placed(members, world.ties, world.people)
    assert not set(new["person"]) & set(members["person"])
    assert new.height + members.height + unplaced(members, world.ties, world.people)["count"].sum() == 600
    assert new.height > 130
    whole = frames.members(pl.concat([members, new.select("person", "community")]))
    truth = declared(world, column="planted")
    assert adjusted_rand(whole, truth).value > 0.9
    assert adjusted_rand(frames.members(new), truth).value > 0.8
