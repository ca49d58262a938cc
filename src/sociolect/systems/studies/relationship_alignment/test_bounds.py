"""The floor, the ceiling, and false facts in the place of true ones."""

import re
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.models.model import Model
from sociolect.models.scripted import scripted
from sociolect.systems.studies.relationship_alignment.bounds import as_told, ceiling, shuffled
from sociolect.systems.studies.relationship_alignment.elicit import comment
from sociolect.systems.studies.relationship_alignment.test_elicit import people
from sociolect.systems.studies.relationship_alignment.wordings import (
    VARIABLES,
)


def words_of_posts(*, conditions: Sequence[str] = ("all",), n: int = 40, posts: int = 10) -> tuple[Replies, Replies]:
    pairs = people(n=n, posts=posts)
    number = re.compile(r"post number (\d+)")
    model: Model = scripted(lambda chat: f"to {number.findall(chat[-1].text)[0]}")
    return pairs, comment({"a": model, "b": model}, pairs, conditions=conditions)


@given(n=st.integers(8, 40), posts=st.integers(2, 12), seed=st.integers(0, 5))
@settings(max_examples=15)
def test_shuffled_gives_every_pair_a_comment_for_another_post_each_once(n: int, posts: int, seed: int) -> None:
    pairs, said = words_of_posts(n=n, posts=posts)
    if n < 2 * -(-n // posts):
        with pytest.raises(RefusedError, match="share one post"):
            shuffled(said, seed=seed)
        return
    floor = shuffled(said, seed=seed)
    assert floor.height == said.height
    assert (floor["text"] != "to " + floor["post"].str.slice(1)).all()
    for (_, _), part in floor.group_by("speaker", "draw"):
        assert sorted(part["text_of"]) == sorted(pairs["item"])
    home = dict(pairs.select("item", "post").iter_rows())
    assert all(f"to {home[of][1:]}" == t for of, t in floor.select("text_of", "text").iter_rows())
    assert floor.select("item", "text_of").n_unique() == n  # one exchange for all models and draws
    mixed = frames.replies(said.sample(fraction=1.0, shuffle=True, seed=1))
    order = ["speaker", "item", "draw"]
    assert shuffled(mixed, seed=seed).sort(order).equals(floor.sort(order))
    assert set(floor["condition"]) == {"shuffled"}


def test_only_an_asked_condition_is_shuffled() -> None:
    _, said = words_of_posts(conditions=("none", "gender"))
    with pytest.raises(UsageError, match="'all', so .*there are: gender, none"):
        shuffled(said)


def test_as_told_gives_the_false_facts_their_place() -> None:
    pairs, said = words_of_posts(conditions=("all", "false"))
    told = as_told(said)
    true = pairs.select("item", *VARIABLES)
    kept, false = told.filter(condition="all"), told.filter(condition="false")
    assert kept.select("item", *VARIABLES).unique().sort("item").equals(true.sort("item"), null_equal=True)
    seen = false.select(pl.col("facts_of").alias("item"), *VARIABLES).unique().sort("item")
    assert seen.equals(true.sort("item"), null_equal=True)
    assert told.columns == said.columns
    some = said.filter((pl.col("condition") == "false") & (pl.col("item") == "c000"))
    with pytest.raises(InputError, match="pairs that are not here"):
        as_told(frames.replies(some))


def test_the_ceiling_pairs_two_people_of_a_kind_on_one_post() -> None:
    pairs = people(
        n=8, posts=1, speaker=["a", "b", "c", "a", "d", "e", "f", "g"],
        commenter_gender=["woman"] * 4 + ["man"] * 4, commenter_age=[20.0, 25.0, 29.9, 22.0, 30.0, 44.5, 60.0, None],
        closeness=["close"] * 8,
    )  # fmt: skip
    both, counts = ceiling(pairs, seed=1)
    # women under 30: a, b, c and a again; men: 30 to 44 twice, 60 and older alone, one of no known age
    assert both["category"].value_counts().sort("category").rows() == [
        ("man x 30 to 44 x close", 1), ("woman x under 30 x close", 1),
    ]  # fmt: skip
    assert dict(counts.iter_rows()) == {
        "paired": 4, "category unknown": 1, "same commenter again": 1, "nobody of the category to pair with": 2,
    }  # fmt: skip
    assert counts["count"].sum() == pairs.height
    again, _ = ceiling(frames.replies(pairs.reverse()), seed=1)
    assert again.equals(both)
    with pytest.raises(UsageError, match="rising order"):
        ceiling(pairs, bands=[45, 30])


def test_nobody_stands_in_two_pairs_of_the_ceiling() -> None:
    pairs = people(n=300, posts=3).with_columns(commenter_age=pl.lit(33.0))
    both, counts = ceiling(frames.replies(pairs))
    items = [*both["first"], *both["second"]]
    assert len(set(items)) == len(items) == dict(counts.iter_rows())["paired"] > 20
    named = dict(pairs.select("item", "commenter").iter_rows())
    assert all(named[a] != named[b] for a, b in both.select("first", "second").iter_rows())
