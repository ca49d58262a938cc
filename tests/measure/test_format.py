"""Planted: an arm that is people's own texts, and the same texts wrapped as chat models wrap them."""

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.differences import means
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Replies
from sociolect.measure.format import _folds, _placements, audit, features

WORDS = ["tea", "rain", "hill", "bread", "song", "lamp", "river", "chalk", "Oslo", "run", "so", "café"]


def plain(rng: np.random.Generator) -> str:
    said = " ".join(rng.choice(WORDS, rng.integers(6, 20)))
    return said + (' "ok"' if rng.random() < 0.1 else "") + (" #hill" if rng.random() < 0.1 else "")


def wrapped(said: str) -> str:
    return f'Sure! Here is a post: "{said.title()} #Tea #Hill"'


def heard(seed: int = 1, *, n: int = 120, loud: bool = True) -> Replies:
    """Two communities; `aligned` writes as people do, `in_context` too but wrapped. Lengths differ by person and topic."""
    rng = np.random.default_rng(seed)
    parts = []
    for arm in ("human", "aligned", "in_context"):
        for c in ("red", "blue"):
            said = [plain(rng) for _ in range(n)]
            parts.append(pl.DataFrame({
                "speaker": [f"{c}{i % 30}" if arm == "human" else "m" for i in range(n)],
                "source": "human" if arm == "human" else "model", "community": c, "item": [f"{i}" for i in range(n)],
                "condition": arm, "draw": 0, "turn": 0, "prompt": "p", "topic": [f"t{i % 12}" for i in range(n)],
                "template": [f"u{i % 11}" for i in range(n)],
                "text": [wrapped(t) if arm == "in_context" and loud else t for t in said],
            }))  # fmt: skip
    return frames.replies(pl.concat(parts).with_columns(pl.col("draw", "turn").cast(pl.Int64)))


def test_a_wrapped_arm_is_told_apart_and_the_wrapping_is_named() -> None:
    found = audit(heard())
    rows = {r["condition"]: r for r in found.arms.iter_rows(named=True)}
    assert rows["in_context"]["accuracy"] > 0.9
    assert rows["in_context"]["auc"] > 0.9
    assert {"preamble", "quotes", "hashtags", "capitals"} <= set(rows["in_context"]["gives_away"])
    assert "links" not in rows["in_context"]["gives_away"]
    assert rows["aligned"]["gives_away"] == []
    assert (rows["aligned"]["n"], rows["aligned"]["left_out"]) == (240, 0)
    form = {(r["condition"], r["feature"]): r for r in found.features.iter_rows(named=True)}
    assert (form["in_context", "preamble"]["mean"], form["in_context", "preamble"]["people"]) == (1.0, 0.0)
    assert form["in_context", "preamble"]["gap"] == pytest.approx(2)
    assert form["in_context", "hashtags"]["mean"] == pytest.approx(2 + form["aligned", "hashtags"]["mean"], abs=0.1)


def test_intervals_of_an_arm_like_people_cover_one_half_and_those_of_a_wrapped_one_do_not() -> None:
    hits, mean = {"": [], ":auc": []}, []  # type: ignore[var-annotated]
    for seed in range(6):
        scores = audit(heard(seed, n=90, loud=seed == 0), arms=None if seed == 0 else ["aligned"]).scores
        found = {r["measure"]: r for r in means(scores, by=("measure",), draws=200).iter_rows(named=True)}
        for kind, inside in hits.items():
            row = found[f"format:aligned{kind}"]
            inside.append(row["low"] <= 0.5 <= row["high"])
        mean.append(found["format:aligned"]["estimate"])
        if seed == 0:
            assert found["format:in_context"]["low"] > 0.9
            assert found["format:in_context:auc"]["low"] > 0.9
    assert min(map(sum, hits.values())) >= 5
    assert abs(np.mean(mean) - 0.5) < 0.03


def test_accuracy_and_auc_are_means_of_the_scores_and_the_auc_is_scikit_learns() -> None:
    from sklearn.metrics import roc_auc_score

    found = audit(heard(loud=False))
    mean = dict(found.scores.group_by("measure").agg(pl.col("value").mean()).rows())
    for row in found.arms.iter_rows(named=True):
        assert mean[f"format:{row['condition']}"] == pytest.approx(row["accuracy"])
        assert mean[f"format:{row['condition']}:auc"] == pytest.approx(row["auc"])
    rng = np.random.default_rng(0)
    truth, chance = rng.integers(0, 2, 400), np.round(rng.random(400), 2)
    one = _placements(chance, truth)
    assert one[truth == 1].mean() == pytest.approx(roc_auc_score(truth, chance))
    assert one[truth == 0].mean() == pytest.approx(roc_auc_score(truth, chance))


def test_row_order_changes_no_byte() -> None:
    replies = heard(n=40)
    one, two = audit(replies), audit(frames.replies(replies.sample(fraction=1, shuffle=True, seed=2)))
    assert one.arms.equals(two.arms)
    assert one.features.equals(two.features)
    assert one.scores.equals(two.scores)


def test_people_and_topics_never_stand_on_both_sides_of_a_fold() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 600)
    group = np.array([f"{'pt'[k]}{g}" for k, g in zip(truth, rng.integers(0, 13, 600), strict=True)], dtype=object)
    fold = _folds(group, truth, 5, rng)
    assert all(len(set(fold[group == g])) == 1 for g in set(group))
    assert all(set(fold[truth == k]) == set(range(5)) for k in (0, 1))


def test_the_raw_text_counts_where_there_is_one_and_silence_is_left_out() -> None:
    replies = heard()
    clean = replies.with_columns(raw=pl.when(pl.col("source") == "model").then("text"), text=pl.lit("tea rain"))
    own = clean.with_columns(raw=pl.coalesce("raw", replies["text"]))
    assert audit(frames.replies(own), arms=["in_context"]).arms["accuracy"][0] > 0.9
    silent = replies.with_columns(
        text=pl.when((pl.col("item") != "3") | (pl.col("condition") != "aligned")).then("text")
    )
    found = audit(frames.replies(silent), arms=["aligned"])
    assert found.arms.select("n", "left_out").row(0) == (238, 2)
    assert found.scores.filter(measure="format:aligned")["source"].value_counts().sort("source")["count"].to_list() == [
        238,
        238,
    ]


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ('Sure! Here is a post: "Ran"', 1.0), ("Here's one:\nran", 1.0), ('"ran today"', 0.0), ("“ran today”", 0.0),
        ("ran today", 0.0), ("Here is a post:", 1.0), ("  ran ", 0.0),
    ],
)  # fmt: skip
def test_a_preamble_is_more_than_a_quotation_mark(said: str, due: float) -> None:
    assert features(frames.replies(heard(n=12).head(1).with_columns(text=pl.lit(said))))["preamble"].item() == due


def test_what_cannot_be_audited_is_refused() -> None:
    replies = heard(n=24)
    with pytest.raises(InputError, match="no rows of 'machine' in 'condition'; column 'theme' is missing"):
        audit(replies, arms=["machine"], topic="theme")
    with pytest.raises(InputError, match="no arm beside people"):
        audit(frames.replies(replies.filter(condition="human")))
    with pytest.raises(RefusedError, match="1 values of 'topic' in 'aligned'; .* 1 values of 'topic' in 'in_context'"):
        audit(frames.replies(replies.with_columns(topic=pl.lit("t"))))
