"""Planted: communities with words of their own; the judge must name them, and know nothing of who speaks."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.load.planted import planted
from sociolect.measure.classifier import Classifier, classifier
from sociolect.measure.emotion import emotion
from sociolect.measure.origin import origin
from sociolect.measure.overlap import duplicates, overlap
from sociolect.measure.style import normalise, style
from sociolect.measure.toxicity import toxicity


def heard(texts: list[str | None], communities: list[str], **columns: object) -> Replies:
    n = len(texts)
    return frames.replies(
        pl.DataFrame(
            {"speaker": [f"s{i:03}" for i in range(n)], "source": ["human", "model"] * (n // 2) + ["human"] * (n % 2)}
        ).with_columns(
            community=pl.Series(communities, dtype=pl.String),
            item=pl.lit("t"),
            condition=pl.lit("x"),
            draw=pl.lit(0, pl.Int64),
            turn=pl.lit(0, pl.Int64),
            prompt=pl.lit(None, pl.String),
            text=pl.Series(texts, dtype=pl.String),
            **{k: pl.lit(v) for k, v in columns.items()},
        )
    )


@pytest.fixture(scope="module")
def judge() -> Classifier:
    return classifier(
        [f"diet meal fast {i}" for i in range(20)] + [f"engine wheel oil {i}" for i in range(20)],
        ["diet"] * 20 + ["cars"] * 20,
    )


def test_origin_is_right_wrong_or_missed(judge: Classifier) -> None:
    found = origin(heard(["a meal", "my engine", None, " "], ["diet", "diet", "cars", "cars"]), judge)
    assert found["value"].to_list() == [1.0, 0.0, 0.0, 0.0]
    assert found["label"].to_list() == ["diet", "cars", None, None]
    assert found["confidence"].null_count() == 2
    assert found["confidence"][0] > 0.5


def test_a_community_the_judge_never_saw_is_refused(judge: Classifier) -> None:
    with pytest.raises(RefusedError, match="never shown boats"):
        origin(heard(["a boat"], ["boats"]), judge)


def test_planted_communities_are_told_apart_by_people_never_seen_and_not_in_the_null() -> None:
    for null in (False, True):
        said = planted(people=200, communities=4, posts=6, null=null, seed=2)
        posts = said.posts.filter(pl.col("kind") == "post").join(said.people.select("person", "planted"), on="person")
        late = pl.col("person").hash(1) % 2 == 0
        train, test = posts.filter(~late), posts.filter(late)
        judge = classifier(train["text"].to_list(), train["planted"].to_list(), groups=train["person"].to_list())
        found = origin(heard(test["text"].to_list(), test["planted"].to_list()), judge)
        right = found.group_by("community").agg(pl.col("value").mean())["value"].mean()
        assert isinstance(right, float)
        assert (abs(right - 0.25) < 0.1) if null else (right > 0.55)


def test_summed_confidences_follow_planted_shares() -> None:
    reader = classifier(
        [f"happy glad joy {i}" for i in range(40)] + [f"sad cry tears {i}" for i in range(40)],
        ["joy"] * 40 + ["sad"] * 40,
    )
    texts: list[str | None] = [*["glad joy"] * 6, *["tears cry"] * 2, None]
    scores = emotion(heard(texts, ["a"] * 9), reader)
    assert scores.height == 18
    assert scores.filter(pl.col("speaker") == "s008")["value"].to_list() == [None, None]
    sums = dict(scores.drop_nulls("value").group_by("measure").agg(pl.col("value").sum()).iter_rows())
    assert sums["emotion:joy"] / sum(sums.values()) == pytest.approx(0.75, abs=0.05)


def test_toxicity_is_the_probability_of_its_label(judge: Classifier) -> None:
    replies = heard(["engine oil", None], ["x", "x"])
    found = toxicity(replies, judge, positive="cars")["value"].to_list()
    assert found == [judge.probabilities(["engine oil"])[0, 0], None]
    with pytest.raises(UsageError, match="did you mean 'cars'"):
        toxicity(replies, judge, positive="car")


def test_style_counts_what_was_planted() -> None:
    found = style(heard(['"So TRUE" #keto #Diet http://x.y', "all lower", None, "123"], ["a"] * 4))
    wide = {m: found.filter(pl.col("measure") == f"style:{m}")["value"].to_list() for m in ("capitals", "quotes", "hashtags", "links", "lower", "words")}  # fmt: skip
    assert wide["words"] == [7.0, 2.0, None, 1.0]
    assert wide["capitals"] == [pytest.approx(6 / 20), 0.0, None, None]
    assert wide["quotes"] == [2.0, 0.0, None, 0.0]
    assert wide["hashtags"] == [2.0, 0.0, None, 0.0]
    assert wide["links"] == [1.0, 0.0, None, 0.0]
    assert wide["lower"] == [0.0, 1.0, None, 1.0]


def test_wrapping_is_all_that_normalise_takes_off() -> None:
    plain = "i don't eat keto today"
    assert normalise(f'Sure! Here is a post: "{plain.capitalize().replace("keto", "#Keto")}"') == plain
    assert normalise(plain) == plain


def test_no_measure_sees_who_speaks_or_the_order_of_rows(judge: Classifier) -> None:
    texts: list[str | None] = ["a meal", "engine oil", "a meal", None, "fast wheel", "A MEAL!", "oil oil"] * 4
    replies = heard(texts, ["diet", "cars", "diet", "cars", "diet", "diet", "cars"] * 4)
    corpus = ["a meal", "the wheel of my engine"]
    blind = frames.replies(
        replies.with_columns(
            source=pl.when(pl.col("source") == "human").then(pl.lit("model")).otherwise(pl.lit("human"))
        )
        .with_columns(source=pl.when(pl.col("speaker") < "s010").then(pl.lit("model")).otherwise("source"))
        .sample(fraction=1, shuffle=True, seed=1)
    )
    for measure in (
        lambda r: origin(r, judge),
        lambda r: emotion(r, judge),
        lambda r: toxicity(r, judge, positive="cars"),
        lambda r: overlap(r, corpus),
        duplicates,
        style,
    ):
        one, two = (measure(r).drop("source").sort("speaker", "measure") for r in (replies, blind))
        assert one.equals(two)


@pytest.mark.realdata
def test_six_real_communities_in_twenty_words(data: Path) -> None:
    names = ["loseit", "keto", "fasting", "gainit", "xxfitness", "Supplements"]
    posts = (
        pl.read_csv(data / "reddit_top_2013" / "selfposts.csv.gz", infer_schema=False)
        .filter(pl.col("subreddit").is_in(names))
        .sort(pl.col("created_utc").cast(pl.Float64), "id")
        .with_columns(
            text=pl.concat_str("title", "selftext", separator=" ").str.split(" ").list.head(20).list.join(" ")
        )
    )
    early = pl.int_range(pl.len()).over("subreddit") < 0.8 * pl.len().over("subreddit")
    posts = posts.with_columns(early=early)
    train, test = posts.filter("early"), posts.filter(~pl.col("early"))
    judge = classifier(train["text"].to_list(), train["subreddit"].to_list())
    found = origin(heard(test["text"].to_list(), test["subreddit"].to_list()), judge)
    f1 = [
        2 * found.filter((pl.col("community") == v) & (pl.col("label") == v)).height
        / (found.filter(pl.col("community") == v).height + found.filter(pl.col("label") == v).height)
        for v in names
    ]  # fmt: skip
    assert np.mean(f1) >= 0.70
