"""Tones as scores and as the wide table; readers of readers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import InputError, UsageError
from sociolect.frames import Replies, Scores
from sociolect.measure.tone import tone, wide, with_posts
from sociolect.measure.tone_readers import grouped, joined, tone_model
from sociolect.measure.tone_words import lexicon

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fixed:
    """A reader that gives every text the same row."""

    labels: tuple[str, ...]
    row: tuple[float, ...]
    multi: bool = True

    def probabilities(self, texts: Sequence[str]) -> Floats:
        return np.tile(np.array(self.row), (len(texts), 1))


def heard(texts: Sequence[str | None], posts: Sequence[str | None] | None = None, **columns: object) -> Replies:
    n = len(texts)
    rows = {
        "speaker": [f"s{i}" for i in range(n)], "source": ["human", "model"] * (n // 2) + ["human"] * (n % 2),
        "community": ["everyone"] * n, "item": [f"i{i}" for i in range(n)], "condition": ["observed"] * n,
        "draw": [0] * n, "turn": [0] * n, "prompt": ["say"] * n, "text": list(texts),
    }  # fmt: skip
    frame = pl.DataFrame({**rows, **columns}, schema_overrides={"text": pl.String})
    if posts is not None:
        frame = frame.with_columns(
            post_text=pl.Series(list(posts), dtype=pl.String), post=pl.Series([f"p-{p}" for p in posts])
        )
    return frames.replies(frame)


def test_scores_are_the_readers_in_the_order_of_tones_and_null_without_text() -> None:
    found = tone(heard(["a", None, "  "]), Fixed(("thankful", "funny"), (0.25, 0.75)))
    assert found.select("item", "measure", "value").rows() == [
        ("i0", "tone:funny", 0.75), ("i1", "tone:funny", None), ("i2", "tone:funny", None),
        ("i0", "tone:thankful", 0.25), ("i1", "tone:thankful", None), ("i2", "tone:thankful", None),
    ]  # fmt: skip
    assert not {"text", "prompt", "post_text"} & set(tone(heard(["a"], ["p"]), lexicon()).columns)


def test_another_column_is_read_where_it_is_named() -> None:
    replies = heard(["so sad", "so sad"], ["haha lol", None])
    found = tone(replies, lexicon(), column="post_text").filter(pl.col("measure") == "tone:funny")["value"].to_list()
    assert found == [pytest.approx((1 + 0.01) / (1 + 0.5)), None]
    with pytest.raises(InputError, match="column 'body' is missing; there are: speaker"):
        tone(replies, lexicon(), column="body")
    with pytest.raises(InputError, match="column 'draw' is Int64, not String"):
        tone(replies, lexicon(), column="draw")


def test_a_reader_with_other_labels_or_numbers_is_refused() -> None:
    with pytest.raises(UsageError, match=r"fixed reads joy, which are no tones: map its labels"):
        tone(heard(["a"]), Fixed(("joy", "funny"), (0.5, 0.5)))
    with pytest.raises(
        InputError, match=r"outside \[0, 1\]: funny: 2 of 2 \(from 1\.5 to 1\.5\); insult: 2 of 2 \(from -0\.1"
    ):
        tone(heard(["a", "b"]), Fixed(("funny", "insult", "worried"), (1.5, -0.1, 1.0)))
    with pytest.raises(InputError, match=r"shape \(1, 1\), not \(1, 2\)"):
        tone(heard(["a"]), Fixed(("funny", "insult"), (0.5,)))


def test_the_source_changes_no_score() -> None:
    replies = heard(["haha", "thanks a lot", "oh no", "haha"])
    turned = frames.replies(
        replies.with_columns(
            source=pl.when(pl.col("source") == "human").then(pl.lit("model")).otherwise(pl.lit("human"))
        )
    )
    assert tone(replies, lexicon())["value"].to_list() == tone(turned, lexicon())["value"].to_list()


def test_posts_have_the_same_tones_as_the_same_words_in_a_comment() -> None:
    replies = heard(["yes", "no", "well", "so"], ["haha lol", "thank you", "haha lol", None])
    found = with_posts(replies, lexicon())
    assert found["post_funny"].to_list() == [pytest.approx(1.01 / 1.5), 0.02, pytest.approx(1.01 / 1.5), None]
    direct = tone(heard(["thank you"]), lexicon()).filter(pl.col("measure") == "tone:thankful")["value"][0]
    assert found["post_thankful"][1] == direct
    assert found["item"].to_list() == replies["item"].to_list()
    assert with_posts(found, lexicon()).equals(found)


def test_posts_that_do_not_hold_together_are_refused() -> None:
    with pytest.raises(InputError, match="column 'post', 'post_text' is missing"):
        with_posts(heard(["a"]), lexicon())
    torn = frames.replies(heard(["a", "b"], ["x", "y"]).with_columns(post=pl.lit("same")))
    with pytest.raises(InputError, match="1 posts come with more than one post_text"):
        with_posts(torn, lexicon())


def test_wide_has_a_row_per_reply_with_its_riders_and_its_tones() -> None:
    replies = with_posts(
        heard(["haha", None, "thank you"], ["lol", "x", "x"], commenter_age=[30.0, None, 41.5]), lexicon()
    )
    found = wide(tone(replies, lexicon()))
    assert found.height == 3
    assert found["item"].to_list() == ["i0", "i1", "i2"]
    assert found["commenter_age"].to_list() == [30.0, None, 41.5]
    assert found["funny"].to_list() == [pytest.approx(1.01 / 1.5), None, 0.02]
    assert found["thankful"][2] == pytest.approx(0.51 / 1.0)
    assert found["post_funny"].to_list() == replies["post_funny"].to_list()
    assert not {"measure", "value", "text", "post_text"} & set(found.columns)
    assert found.schema["funny"] == pl.Float64


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.none() | st.floats(0, 1), min_size=2, max_size=2), min_size=1, max_size=8), st.randoms())
def test_wide_undoes_what_long_did(values: list[list[float | None]], rng: object) -> None:
    replies = heard(["x"] * len(values)).drop("prompt", "text")
    long = pl.concat(
        [
            replies.with_columns(measure=pl.lit(f"tone:{t}"), value=pl.Series([v[k] for v in values], dtype=pl.Float64))
            for k, t in enumerate(("funny", "relaxed"))
        ]
    )
    rng.shuffle(order := list(range(long.height)))  # type: ignore[attr-defined]  # hypothesis types its Random as an object
    found = wide(frames.scores(long[order])).sort("item")
    assert found.select("funny", "relaxed").rows() == [tuple(v) for v in values]


def test_scores_that_make_no_wide_table_are_refused() -> None:
    good = tone(heard(["a", "b"]), Fixed(("funny", "insult"), (0.5, 0.5)))
    bad = good.with_columns(value=pl.when(pl.col("measure") == "tone:funny").then(1.25).otherwise("value"))
    with pytest.raises(
        InputError,
        match=r"tone:funny is outside \[0, 1\] in 1 rows of human, observed \(from 1\.25 to 1\.25\); tone:funny.*model",
    ):
        wide(Scores(bad))
    nan = good.with_columns(value=pl.lit(float("nan")))
    with pytest.raises(InputError, match="tone:insult is outside"):
        wide(Scores(nan))
    with pytest.raises(InputError, match="toxicity: no tones"):
        wide(Scores(good.with_columns(measure=pl.lit("toxicity"))))
    with pytest.raises(InputError, match="'funny' bears the name of a tone"):
        wide(Scores(good.with_columns(funny=1.0)))
    with pytest.raises(InputError, match="'label' differs between the tones of one reply"):
        wide(Scores(good.with_columns(label=pl.col("measure"))))


def test_grouped_labels_are_the_chance_that_any_holds() -> None:
    told = {"fear": "worried", "nervousness": "worried", "joy": None, "amusement": "funny"}
    labels = ("amusement", "fear", "joy", "nervousness")
    sigmoids, softmax = Fixed(labels, (0.3, 0.5, 0.9, 0.2)), Fixed(labels, (0.3, 0.4, 0.1, 0.2), multi=False)
    assert grouped(sigmoids, told).labels == ("funny", "worried")
    assert grouped(sigmoids, told).probabilities(["x"])[0] == pytest.approx([0.3, 0.6])
    assert grouped(sigmoids, told, how="max").probabilities(["x"])[0] == pytest.approx([0.3, 0.5])
    assert grouped(softmax, told).probabilities(["x"])[0] == pytest.approx([0.3, 0.6])
    certain = grouped(Fixed(labels, (1e-30, 1.0, 0.0, 1.0)), told).probabilities(["x"])[0]
    assert certain == pytest.approx([1e-30, 1.0])
    assert certain.max() <= 1
    emotions = Fixed(("fear", "gratitude", "neutral"), (0.1, 0.2, 0.7))
    assert grouped(emotions, "goemotions").labels == ("worried", "thankful")


def test_a_grouping_that_does_not_fit_is_refused_with_every_fault() -> None:
    reader = Fixed(("joy", "fear"), (0.5, 0.5))
    with pytest.raises(
        UsageError, match="how is 'sum', not any or max; no tone is said for joy; .*rage are no labels of fixed"
    ):
        grouped(reader, {"fear": "worried", "rage": "insult"}, how="sum")  # type: ignore[arg-type]  # the fault under test
    with pytest.raises(UsageError, match="no label of fixed has a tone"):
        grouped(reader, {"joy": None, "fear": None})
    with pytest.raises(UsageError, match="glad: no such tone"):
        grouped(reader, {"joy": "glad", "fear": None})


def test_joined_readers_give_each_tone_from_the_one_named() -> None:
    one, two = (
        Fixed(("thankful", "emotional_support"), (0.1, 0.2)),
        Fixed(("self_disclosure", "emotional_support"), (0.3, 0.4)),
    )
    both = joined({"one": one, "two": two}, take={"emotional_support": "two"})
    assert both.labels == ("emotional_support", "self_disclosure", "thankful")
    assert both.probabilities(["x"]).tolist() == [[0.4, 0.3, 0.1]]
    assert both.probabilities([]).shape == (0, 3)
    with pytest.raises(UsageError, match="emotional_support is given by one and two: say which"):
        joined({"one": one, "two": two})
    with pytest.raises(UsageError, match=r"take gives thankful to two; it is given by: one; .*support is given"):
        joined({"one": one, "two": two}, take={"thankful": "two"})
    with pytest.raises(UsageError, match="no readers"):
        joined({})


def test_a_models_labels_become_tones_and_its_keywords_go_through(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def opened(name: str, **keywords: object) -> Fixed:
        asked.update(keywords, name=name)
        return Fixed(("gratitude", "relief", "neutral"), (0.75, 0.5, 0.1))

    monkeypatch.setattr("sociolect.measure.tone_readers.pretrained", opened)
    reader = tone_model("some/classifier", batch=4)
    assert asked == {"name": "some/classifier", "batch": 4}
    found = tone(heard(["a"]), reader)
    assert found.select("measure", "value").rows() == [("tone:thankful", 0.75), ("tone:relaxed", 0.5)]
