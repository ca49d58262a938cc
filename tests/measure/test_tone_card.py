"""The validity card by source, held against scikit-learn and against planted errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.measure.tone_card import cleared, tone_card
from sociolect.measure.validity import card

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """A reader that says of each text what it was told to."""

    known: Mapping[str, Sequence[float]]
    labels: tuple[str, ...] = ("thankful", "funny")
    multi: bool = True

    def probabilities(self, texts: Sequence[str]) -> Floats:
        return np.array([self.known[t] for t in texts]).reshape(-1, len(self.labels))


def planted(
    n: int, *, seed: int = 0, human: float = 1.5, model: float = 1.5, shared: bool = False, reach: float = 0.0
) -> tuple[Replies, Told]:
    """n texts a source, two tones each; `human` and `model` say how far apart the reader's scores of yes and no are."""
    rng = np.random.default_rng(seed)
    truth = rng.random((2 * n, 2)) < [0.4, 0.3]
    source = np.repeat(["human", "model"], n)
    mood = reach * np.tile(rng.normal(size=n), 2)[:, None]
    z = truth * np.where(source == "human", human, model)[:, None] + mood + rng.normal(size=(2 * n, 2))
    texts = [f"t{i}" for i in range(2 * n)]
    frame = pl.DataFrame(
        {
            "speaker": texts, "source": source, "item": texts, "text": texts,
            "post": [f"p{i % n}" for i in range(2 * n)] if shared else texts,
            "truth": [[v for v, on in zip(("thankful", "funny"), row, strict=True) if on] for row in truth],
        },
        schema_overrides={"truth": pl.List(pl.String)},
    ).with_columns(
        community=pl.lit("everyone"), condition=pl.lit("observed"), draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64),
        prompt=pl.lit(None, pl.String),
    )  # fmt: skip
    return frames.replies(frame), Told(dict(zip(texts, (1 / (1 + np.exp(0.7 - z))).tolist(), strict=True)))


def cell(found: pl.DataFrame, tone: str, source: str, metric: str) -> dict[str, Any]:
    return found.row(
        by_predicate=(pl.col("tone") == tone) & (pl.col("source") == source) & (pl.col("metric") == metric), named=True
    )


def test_every_estimate_is_scikit_learns_and_the_cards() -> None:
    replies, reader = planted(150, model=0.6)
    found = tone_card(replies, reader, cut=0.4, bins=10)
    plain = card(
        reader, replies["text"].to_list(), replies["truth"].to_list(), source=replies["source"].to_list(), bins=10
    )
    for side in ("human", "model"):
        rows = replies.filter(source=side)
        p = reader.probabilities(rows["text"].to_list())
        for k, tone in enumerate(reader.labels):
            y = np.array([tone in t for t in rows["truth"]])
            due = {
                "auc": metrics.roc_auc_score(y, p[:, k]),
                "accuracy": metrics.accuracy_score(y, p[:, k] >= 0.4),
                "sensitivity": metrics.recall_score(y, p[:, k] >= 0.4),
                "specificity": metrics.recall_score(~y, p[:, k] < 0.4),
                "brier": metrics.brier_score_loss(y, p[:, k]),
                "bias": p[:, k].mean() - y.mean(),
                "ece": plain.filter(source=side, label=tone)["ece"][0],
            }
            for metric, value in due.items():
                one = cell(found, tone, side, metric)
                assert one["estimate"] == pytest.approx(value, rel=1e-12), (tone, side, metric)
                assert one["n"] == 150
                assert one["positives"] == y.sum()
                assert metric == "ece" or one["low"] < value < one["high"]
                both = cell(found, tone, "human - model", metric)["estimate"]
                assert both == pytest.approx(
                    cell(found, tone, "human", metric)["estimate"] - cell(found, tone, "model", metric)["estimate"]
                )


def test_weak_tones_are_marked_and_carry_no_claim() -> None:
    replies, reader = planted(400, human=2.0, model=0.3)
    found = tone_card(replies, reader)
    assert cell(found, "funny", "human", "auc")["weak"] is False
    assert cell(found, "funny", "model", "auc")["weak"] is True
    assert cell(found, "funny", "human - model", "auc")["weak"] is True
    assert cleared(found) == ()
    assert cleared(found.filter(pl.col("source") == "human")) == ("funny", "thankful")


def test_a_planted_gap_in_sensitivity_is_found_and_none_in_the_null() -> None:
    """500 and 500 texts with a tone; sensitivity .80 on people's and .70 on models'. Detected in 90% of worlds, null in 4-6%."""
    worlds, found, false, covered = 60, 0, 0, 0
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        texts = [f"t{i}" for i in range(1000)]
        first, _ = planted(500, seed=seed)
        replies = frames.replies(first.with_columns(truth=pl.Series([["thankful", "funny"]] * 1000)))
        hit = rng.random((1000, 2)) < np.where(np.arange(1000) < 500, 0.8, 0.7)[:, None]
        hit[500:, 1] = rng.random(500) < 0.8
        rows = tone_card(replies, Told(dict(zip(texts, np.where(hit, 0.9, 0.1).tolist(), strict=True))))
        gap, null = (cell(rows, t, "human - model", "sensitivity") for t in ("thankful", "funny"))
        found += gap["low"] > 0
        covered += gap["low"] < 0.1 < gap["high"]
        false += not null["low"] < 0 < null["high"]
    assert found / worlds >= 0.9
    assert covered / worlds > 0.9
    assert false / worlds < 0.1


def test_texts_that_share_a_post_make_the_difference_surer() -> None:
    replies, reader = planted(300, shared=True, reach=2.0)
    apart = frames.replies(replies.with_columns(post=pl.col("item")))
    paired, alone = (cell(tone_card(r, reader), "funny", "human - model", "bias") for r in (replies, apart))
    assert paired["high"] - paired["low"] < 0.9 * (alone["high"] - alone["low"])
    off = replies.select(
        p=pl.Series(reader.probabilities(replies["text"].to_list())[:, 1]), y=pl.col("truth").list.contains("funny")
    )
    beyond = (off["p"] - off["y"].cast(pl.Float64)).to_numpy()
    due = stats.ttest_rel(beyond[:300], beyond[300:]).confidence_interval()
    assert (paired["low"], paired["high"]) == pytest.approx((due.low, due.high), abs=1e-9)


def test_what_is_left_out_is_counted() -> None:
    replies, reader = planted(40)
    known = {t: [float("nan") if t == "t1" else p[0], p[1]] for t, p in reader.known.items()}
    some = frames.replies(
        replies.with_columns(
            truth=pl.when(pl.col("item") == "t2").then(None).otherwise("truth"),
            text=pl.when(pl.col("item").is_in(["t3", "t50"])).then(None).otherwise("text"),
        )
    )
    found = tone_card(some, Told(known))
    counts = {
        (t, s): (cell(found, t, s, "auc")["n"], cell(found, t, s, "auc")["left_out"])
        for t in reader.labels
        for s in ("human", "model", "human - model")
    }
    assert counts == {
        ("thankful", "human"): (37, 3), ("thankful", "model"): (39, 1), ("thankful", "human - model"): (76, 4),
        ("funny", "human"): (38, 2), ("funny", "model"): (39, 1), ("funny", "human - model"): (77, 3),
    }  # fmt: skip


def test_one_source_alone_has_no_difference_and_no_positives_no_area() -> None:
    replies, reader = planted(30)
    alone = frames.replies(
        replies.filter(pl.col("source") == "model").with_columns(truth=pl.Series([[]] * 30, dtype=pl.List(pl.String)))
    )
    found = tone_card(alone, reader, tones=["funny"])
    assert found["source"].unique().to_list() == ["model"]
    assert found["tone"].unique().to_list() == ["funny"]
    area = cell(found, "funny", "model", "auc")
    assert (area["estimate"], area["low"], area["weak"]) == (None, None, None)
    assert cell(found, "funny", "model", "specificity")["estimate"] is not None
    assert cleared(found) == ()


def test_the_order_of_rows_and_names_of_posts_change_nothing() -> None:
    replies, reader = planted(60, shared=True, reach=1.0)
    mixed = frames.replies(
        replies.sample(fraction=1, shuffle=True, seed=3).with_columns(post=pl.lit("z") + pl.col("post").str.reverse())
    )
    one, two = (tone_card(r, reader) for r in (replies, mixed))
    assert one.select("tone", "source", "metric").equals(two.select("tone", "source", "metric"))
    a, b = (r.select("estimate", "low", "high").to_numpy() for r in (one, two))
    assert np.nanmax(np.abs(a - b)) < 1e-10


def test_what_makes_no_card_is_refused_with_every_fault() -> None:
    replies, reader = planted(10)
    with pytest.raises(
        UsageError,
        match=r"cut is 0, .*level is 1, .*bins is 0, .*tones names worried; the reader's are: funny, thankful",
    ):
        tone_card(replies, reader, cut=0, level=1, bins=0, tones=["worried"])
    with pytest.raises(InputError, match="'gold' is missing; column 'thread' is missing"):
        tone_card(replies, reader, truth="gold", cluster="thread")
    bad = replies.with_columns(post=pl.lit(None, pl.String), truth=pl.lit(["glad", "funny"]))
    with pytest.raises(InputError, match="'post' is null in 20 rows.*'truth' holds glad; the tones are: surprised"):
        tone_card(Replies(bad), reader)
    with pytest.raises(InputError, match=r"'truth' is String, not List\(String\)"):
        tone_card(Replies(replies.with_columns(truth=pl.lit("funny"))), reader)
    with pytest.raises(RefusedError, match="no reply has labels in 'truth'"):
        tone_card(Replies(replies.with_columns(truth=pl.lit(None, pl.List(pl.String)))), reader)
