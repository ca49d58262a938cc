"""Planted: posts of known surprise, and filters whose effect is known."""

from math import exp, log

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.measure.perplexity import lowest, perplexity, quality, survivorship
from sociolect.models.ngram import ngram


def world(n: int, *, people: int, seed: int, size: int = 400) -> pl.DataFrame:
    """Posts of 5 to 14 words by Zipf's law, written by people in turn."""
    rng = np.random.default_rng(seed)
    chance = 1 / (np.arange(size) + 2.7)
    said = [" ".join(f"w{k}" for k in rng.choice(size, rng.integers(5, 15), p=chance / chance.sum())) for _ in range(n)]
    return pl.DataFrame({
        "post": [f"p{i:04}" for i in range(n)], "person": [f"u{i % people:03}" for i in range(n)], "text": said,
        "community": [["red", "blue"][i % people % 2] for i in range(n)],
    })  # fmt: skip


def test_witten_bell_by_hand() -> None:
    said = pl.DataFrame({"person": ["a", "a", "b"], "text": ["x y", "X, y!", "x z y"]})
    found = quality(said, order=2)
    # b is weighed by a's two posts: single words x 2, y 2, end 2 of 3 kinds, floor 1/4; after start x 2, x -> y 2, y -> end 2
    one = {w: (c + 3 / 4) / 9 for w, c in {"x": 2, "y": 2, "end": 2, "z": 0}.items()}
    chances = [
        (2 + one["x"]) / 3,
        (0 + one["z"]) / 3,
        one["y"],
        (2 + one["end"]) / 3,
    ]  # z was never met: back to y alone
    assert found["perplexity"][2] == pytest.approx(exp(-sum(map(log, chances)) / 4), rel=1e-12)
    assert found["unknown"].to_list() == [0.0, 0.0, pytest.approx(1 / 3)]
    assert found["perplexity"][0] == found["perplexity"][1]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_each_half_is_weighed_by_the_word_model_of_the_other(order: int) -> None:
    posts = world(120, people=2, seed=order, size=30)  # two people are two halves
    found = quality(posts, order=order)
    for mine, other in (("u000", "u001"), ("u001", "u000")):
        model = ngram(posts.filter(person=other)["text"], order=order)
        due = model.perplexity(posts.filter(person=mine)["text"].to_list())
        assert found.filter(person=mine)["perplexity"].to_list() == pytest.approx(due, rel=1e-9)


def heard(texts: list[str | None]) -> Replies:
    keys = {"source": "model", "community": "c", "item": "t", "condition": "x"}
    rows = pl.DataFrame({"speaker": [f"s{i:04}" for i in range(len(texts))], "text": pl.Series(texts, dtype=pl.String)})
    numbers = {k: pl.lit(0, pl.Int64) for k in ("draw", "turn")}
    return frames.replies(
        rows.with_columns(prompt=pl.lit(None, pl.String), **{k: pl.lit(v) for k, v in keys.items()}, **numbers)
    )


def test_replies_are_weighed_by_a_corpus_that_they_do_not_change() -> None:
    corpus = world(150, people=9, seed=1, size=50)["text"].to_list()
    said: list[str | None] = [*world(40, people=9, seed=2, size=60)["text"].to_list(), None, ":-)"]
    found = perplexity(heard(said), [*corpus, None], order=2)
    due = ngram(corpus, order=2).perplexity([t for t in said[:40] if t is not None])
    assert found["value"].to_list()[40:] == [None, None]
    assert found["value"].to_list()[:40] == pytest.approx(due, rel=1e-9)
    assert perplexity(heard(said[:3]), corpus, order=2)["value"].to_list() == found["value"].to_list()[:3]
    known = {w for t in corpus for w in t.split()}
    strange = [sum(w not in known for w in t.split()) / len(t.split()) for t in said[:40] if t is not None]
    assert found["unknown"].to_list()[:40] == pytest.approx(strange)
    with pytest.raises(RefusedError, match="the corpus holds no word"):
        perplexity(heard(["a"]), [None, ":-)"])


def test_nobody_makes_their_own_posts_likely_and_what_many_say_is_likely() -> None:
    posts = world(600, people=60, seed=1)
    mine = pl.col("person") == "u000"
    own = posts.with_columns(text=pl.when(mine).then(pl.lit("zig zag zug")).otherwise("text"))
    stock = posts.with_columns(
        text=pl.when(pl.col("post").str.ends_with("7")).then(pl.lit("zig zag zug")).otherwise("text")
    )
    alone, shared = quality(own), quality(stock)
    typical = alone.filter(~mine)["perplexity"].median()
    assert typical is not None
    assert alone.filter(mine)["perplexity"].min() > typical  # type: ignore[operator]  # a number, not a date
    assert alone.filter(mine)["unknown"].unique().to_list() == [1.0]
    assert shared.filter(text="zig zag zug")["perplexity"].max() < 0.1 * typical  # type: ignore[operator]


def test_no_words_is_null_and_row_order_changes_nothing() -> None:
    posts = world(200, people=20, seed=2)
    posts = posts.with_columns(text=pl.when(pl.col("post") == "p0003").then(pl.lit(":-)")).otherwise("text"))
    posts = posts.with_columns(text=pl.when(pl.col("post") == "p0004").then(None).otherwise("text"))
    found = quality(posts, seed=5)
    assert found.filter(pl.col("perplexity").is_null())["post"].to_list() == ["p0003", "p0004"]
    assert found.filter(pl.col("unknown").is_null())["post"].to_list() == ["p0003", "p0004"]
    assert quality(posts.sample(fraction=1, shuffle=True, seed=1), seed=5).sort("post").equals(found)
    assert not quality(posts, seed=6).equals(found)
    assert found["perplexity"].is_finite().all()


def test_lowest_keeps_the_least_surprising_of_each_community() -> None:
    posts = pl.DataFrame({
        "community": ["a", "a", "b", "a", "a", "b"], "post": ["5", "4", "3", "2", "1", "0"],
        "perplexity": [7.0, 5.0, 9.0, 5.0, 3.0, None],
    })  # fmt: skip
    assert lowest(posts, 2)["post"].to_list() == ["3", "2", "1"]
    assert lowest(posts, 9)["post"].to_list() == ["5", "4", "3", "2", "1"]
    assert sorted(lowest(posts.reverse(), 2)["post"]) == ["1", "2", "3"]


def test_a_filter_of_long_posts_shows_in_length_and_one_topic_in_its_exposure() -> None:
    posts = world(800, people=80, seed=3)
    length = pl.col("text").str.count_matches(" ") + 1
    topics = pl.DataFrame({"topic": ["t"], "words": ["w0"]})
    red = pl.col("community") == "red"
    holds = pl.col("text").str.contains(r"\bw0\b")
    odd = pl.col("post").str.slice(-2, 1).cast(pl.Int64) % 2 == 1  # every other ten posts
    after = posts.filter(pl.when(red).then(length <= 9).otherwise(~holds | odd))
    found = {(c, f): (b, a, r, chance) for c, f, b, a, r, chance in survivorship(posts, after, topics).iter_rows()}
    short = posts.filter(red, length <= 9)
    assert found["red", "posts"] == (400.0, short.height, short.height / 400, short.height / 400)
    for frame, place in ((posts, 0), (after, 1)):
        due = frame.filter(red).select(length.mean()).item()
        assert found["red", "words"][place] == pytest.approx(due, rel=1e-12)
        assert found["red", "types"][place] == len(set(" ".join(frame.filter(red)["text"]).split()))
    assert found["red", "words"][3] == 1.0
    assert found["blue", "topic:t"][2] == pytest.approx(0.5, abs=0.1)
    assert found["blue", "topic:t"][3] == found["blue", "posts"][2]
    assert found["blue", "topic:t"][3] > 0.75


def test_chance_is_what_a_random_cut_leaves_and_rare_words_go_first_in_a_perplexity_filter() -> None:
    posts = world(600, people=60, seed=4, size=3000)
    rng, cuts = np.random.default_rng(1), []
    for _ in range(40):
        cut = posts[np.sort(rng.choice(600, 240, replace=False))]
        cuts.append(survivorship(posts, cut).filter(figure="types", community="red").select("ratio", "chance").row(0))
    ratio, chance = np.array(cuts).T  # the size of each community's cut varies a little, and its chance with it
    assert abs((ratio - chance).mean()) < 3 * (ratio - chance).std() / 40**0.5
    assert chance.mean() < 0.75
    kept = lowest(quality(posts), 120)
    for row in survivorship(posts, kept).filter(figure="types").iter_rows(named=True):
        assert row["ratio"] < row["chance"] - 0.05


def test_a_community_that_is_gone() -> None:
    posts = world(40, people=4, seed=1)
    after = posts.filter(community="red")
    gone = survivorship(posts, after).filter(community="blue")
    assert gone["after"].to_list() == [0.0, None, 0.0]
    assert gone["ratio"].to_list() == [0.0, None, 0.0]
    assert gone["chance"].to_list() == [0.0, 1.0, pytest.approx(0.0, abs=1e-9)]


def test_refused() -> None:
    posts = world(10, people=1, seed=1)
    with pytest.raises(RefusedError, match="persons or more, one half to weigh the other: there are 1"):
        quality(posts)
    with pytest.raises(InputError, match="column 'thread' is missing"):
        quality(posts, group="thread")
    with pytest.raises(InputError, match="'person' is null in 10 rows"):
        quality(posts.with_columns(person=pl.lit(None, pl.String)))
    with pytest.raises(UsageError, match="order=0"):
        quality(world(10, people=2, seed=1), order=0)
    with pytest.raises(InputError, match="no column 'perplexity'"):
        lowest(posts, 1)
    with pytest.raises(InputError, match="9 posts stand after the filter and not before it; 1 rows repeat a post"):
        survivorship(posts.head(1), pl.concat([posts, posts.head(1)]))
