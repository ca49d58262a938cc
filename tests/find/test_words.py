"""Typical words and exemplar posts: the planted ones are found, none in the null, none that points at a person."""

import math

import polars as pl
import pytest

from sociolect import frames
from sociolect.find.declared import declared
from sociolect.find.words import exemplars, keywords, typical, used
from sociolect.frames import Members, Posts
from sociolect.load.planted import planted


def crowd(**texts: list[str]) -> tuple[Posts, Members]:
    """Each community's posts, every one by a person of its own."""
    rows = [(f"{c}{i:03}", c, text) for c, some in texts.items() for i, text in enumerate(some)]
    said = pl.DataFrame(rows, schema=["person", "community", "text"], orient="row").with_columns(post="person")
    posts = said.select("post", "person", "text", thread="post", parent=pl.lit(None, pl.String))
    return frames.posts(posts), frames.members(said.select("person", "community"))


def test_typical_words_are_the_planted_ones() -> None:
    rest = "we had tea and talked about nothing much today"
    found = keywords(*crowd(**{c: [f"{rest} {w} {n}" for n in range(20)] for c, w in (("birds", "kestrel"), ("rocks", "gneiss"))}), most=1)  # fmt: skip
    assert found.select("community", "word", "uses").rows() == [("birds", "kestrel", 20.0), ("rocks", "gneiss", 20.0)]


def test_no_word_is_typical_in_a_null_society() -> None:
    society = planted(people=400, communities=4, null=True, habit=0.0, seed=3)
    said = frames.posts(society.posts.filter(pl.col("kind") == "post"))
    assert keywords(said, declared(society, column="planted"), most=10**6)["z"].abs().to_numpy().max() < 4.5


def test_what_all_say_alike_and_what_others_say_more_is_typical_of_nobody() -> None:
    assert keywords(*crowd(red=["tea and ale"] * 12, blue=["tea and ale"] * 12)).is_empty()
    found = keywords(*crowd(red=["tea"] * 12, blue=["tea ale"] * 12 + ["ale"] * 12), most=9)
    assert found.select("community", "word").rows() == [("blue", "ale"), ("red", "tea")]


def test_z_is_the_formula_of_the_paper() -> None:
    """Monroe, Colaresi and Quinn 2008, eqs. 16, 20 and 22, worked by hand: y = 8 of 10 against 2 of 10, prior 4."""
    counts = pl.DataFrame({"community": ["x", "x", "y", "y"], "word": ["tea", "ale"] * 2, "uses": [8.0, 2.0, 2.0, 8.0]})
    a, a0 = 10 / 20 * 4, 4.0
    inside, outside = 8 + a, 2 + a
    odds = math.log(inside / (10 + a0 - inside)) - math.log(outside / (10 + a0 - outside))
    top = typical(counts, counts, most=1, prior=4.0)
    assert top["word"].to_list() == ["tea", "ale"]
    assert top["z"].to_list() == pytest.approx([odds / math.sqrt(1 / inside + 1 / outside)] * 2, rel=1e-12)


@pytest.mark.parametrize(("people", "least", "told"), [(9, 10, False), (10, 10, True), (10, 11, False), (3, 3, True)])
def test_a_word_is_told_from_so_many_people_on(people: int, least: int, told: bool) -> None:
    texts = [f"we talk of tea {'zebrafish ' * 9 if i < people else ''}today" for i in range(12)]
    posts, members = crowd(red=texts, blue=["we talk of tea today"] * 12)
    assert ("zebrafish" in keywords(posts, members, most=3, least=least)["word"]) is told


def test_people_are_counted_once_however_often_they_say_it() -> None:
    said = pl.DataFrame({"community": "x", "person": ["a", "a", "b"], "text": ["tea", "Tea TEA", "ale"]})
    assert used(said, people=True).rows() == [("x", "ale", 1.0, 1), ("x", "tea", 3.0, 1)]


def test_exemplars_hold_typical_words_each_by_another_person() -> None:
    birds = [f"the kestrel flew over the field near us today {i}" for i in range(12)]
    plain = [f"we had tea and talked about nothing much at all {i}" for i in range(12)]
    posts, members = crowd(birds=[*birds, *plain], others=[*plain, *plain])
    assert exemplars(posts, members).filter(community="birds")["text"].str.contains("kestrel").all()
    one = posts.with_columns(person=pl.when(pl.col("text").str.contains("kestrel")).then(pl.lit("birds000")).otherwise("person"))  # fmt: skip
    alone = exemplars(frames.posts(one), members, least=2).filter(community="birds")
    assert alone["text"].str.contains("kestrel").sum() <= 1, "one person, one post"


def test_a_community_of_fewer_people_is_not_quoted() -> None:
    birds = [f"the kestrel flew over the field {i}" for i in range(9)]
    posts, members = crowd(few=birds, many=["we had tea and ale at home"] * 12)
    assert exemplars(posts, members)["community"].unique().to_list() == ["many"]
    assert set(exemplars(posts, members, least=9)["community"]) == {"few", "many"}


def test_the_order_of_the_rows_changes_nothing() -> None:
    posts, members = crowd(birds=[f"kestrel tern {i % 3} gull" for i in range(12)], rocks=["gneiss and tern"] * 12)
    turned = frames.posts(posts.reverse())
    assert keywords(posts, members).equals(keywords(turned, members))
    assert exemplars(posts, members).equals(exemplars(turned, members))
