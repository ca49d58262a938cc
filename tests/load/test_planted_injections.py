"""Injections are planted where it is said: the share, the posts, the words."""

import polars as pl
import pytest

from sociolect import frames
from sociolect.align.in_context import in_context
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Society
from sociolect.load.hostile import orders
from sociolect.load.planted import planted
from sociolect.load.planted_injections import WORD, injected
from sociolect.models.model import Chat, user
from sociolect.models.scripted import scripted

SOCIETY = planted(people=200, communities=4, posts=6, seed=1)


def test_the_share_is_what_was_asked_for_and_reposts_and_the_rest_stay() -> None:
    posts = injected(SOCIETY, share=0.3, seed=1).posts
    own = posts.filter(pl.col("kind") != "repost")
    n = own.height
    assert abs(own["injected"].mean() - 0.3) < 3 * (0.3 * 0.7 / n) ** 0.5  # type: ignore[operator]  # a mean of truths
    assert not posts.filter(kind="repost")["injected"].any()
    beside = posts.join(SOCIETY.posts.select("post", was="text"), on="post")
    assert beside.filter(~pl.col("injected")).select((pl.col("text") == pl.col("was")).all()).item()
    hit = beside.filter("injected")
    assert hit.select(pl.col("text").str.ends_with(pl.col("was")).all()).item()
    heads = hit.select(head=pl.col("text").str.strip_suffix(pl.col("was")).str.strip_chars_end())["head"]
    assert set(heads) == set(orders(WORD)), "every wording of the one direction is used"
    assert posts.drop("text", "injected").equals(SOCIETY.posts.drop("text"))


def test_a_smaller_share_is_part_of_a_larger_one_whatever_the_order_of_the_rows() -> None:
    few, many = (set(injected(SOCIETY, share=s, seed=1).posts.filter("injected")["post"]) for s in (0.05, 0.5))
    assert few < many
    turned = Society(SOCIETY.people, frames.posts(SOCIETY.posts.reverse()), SOCIETY.ties)
    again = injected(turned, share=0.5, seed=1).posts
    assert again.sort("post").equals(injected(SOCIETY, share=0.5, seed=1).posts.sort("post"))
    assert set(injected(SOCIETY, share=0.5, seed=2).posts.filter("injected")["post"]) != many


def test_none_and_all() -> None:
    assert injected(SOCIETY, share=0.0).posts.drop("injected").equals(SOCIETY.posts)
    assert injected(SOCIETY, share=1.0).posts.filter(pl.col("kind") != "repost")["injected"].all()
    bare = Society(SOCIETY.people, frames.posts(SOCIETY.posts.drop("kind")), SOCIETY.ties)
    assert injected(bare, share=1.0).posts["injected"].all()


def test_an_order_survives_into_what_a_prompt_shows() -> None:
    posts = injected(SOCIETY, share=1.0, seed=1).posts.filter(kind="post").head(20)
    taught = posts.select("post", "person", community=pl.lit("red"), prompt=pl.lit("say"), reply="text")
    seen: list[Chat] = []
    model = scripted(lambda chat: seen.append(chat) or "ok")  # type: ignore[func-returns-value]  # append is called for what it does
    in_context(model, frames.examples(taught), exemplars=20, seed=1).generate([user("What would you like to post?")])
    shown = [line for line in seen[0][-1].text.splitlines() if line.startswith("- ")]
    assert len(shown) == 20
    assert all(WORD in line for line in shown)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_every_fault_at_once(share: float) -> None:
    with pytest.raises(UsageError, match=r"not a share from 0 to 1; word is 'two words', not one word"):
        injected(SOCIETY, share=share, word="two words")


def test_a_word_that_people_say_proves_nothing() -> None:
    with pytest.raises(RefusedError, match=r"\d+ posts hold 'people' already: choose a word that nobody says"):
        injected(SOCIETY, share=0.1, word="people")
