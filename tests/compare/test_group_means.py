"""Trap 7 of the dossier (draws counted as people), and what many worlds under one bootstrap say of its intervals."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.differences import differences
from sociolect.compare.group_means import group_means
from sociolect.errors import InputError

TEMPLATES, DRAWS = 20, 50


def means(rng: np.random.Generator, worlds: int) -> tuple[np.ndarray, np.ndarray]:
    """Two arms' template means (2, templates, worlds) and their variances within, no difference planted."""
    by_arm = rng.normal(0, 0.3, (2, TEMPLATES, worlds))
    mean = by_arm + rng.normal(0, DRAWS**-0.5, by_arm.shape)
    return mean, rng.chisquare(DRAWS - 1, by_arm.shape)


def test_a_plain_t_test_rejects_two_in_five_and_the_clustered_one_one_in_twenty() -> None:
    worlds = 4000
    mean, within = means(np.random.default_rng(1), worlds)
    n = TEMPLATES * DRAWS
    pooled = (within.sum(1) + DRAWS * ((mean - mean.mean(1, keepdims=True)) ** 2).sum(1)) / (n - 1)
    t = (mean[0] - mean[1]).mean(0) / np.sqrt(pooled.sum(0) / n)
    plain = float((2 * stats.t.sf(np.abs(t), 2 * n - 2) < 0.05).mean())
    gap = mean[0] - mean[1]
    found = bootstrap(
        lambda w: w @ gap / w.sum(1, keepdims=True), np.arange(TEMPLATES), draws=1000, batched=True, seed=1
    )
    clustered = float((found.p() < 0.05).mean())
    assert plain == pytest.approx(0.40, abs=0.04)
    assert 0.04 <= clustered <= 0.06  # 4,000 worlds: a standard error of .0035

    # the same worlds as frames, through `differences` and `group_means`, give the same p
    for world in range(2):
        frame = pl.DataFrame({
            "speaker": "m", "source": "model", "community": "red", "item": [f"u{i:02}" for i in range(TEMPLATES)] * 2,
            "condition": ["a"] * TEMPLATES + ["b"] * TEMPLATES, "draw": 0, "turn": 0, "measure": "toy:warm",
            "value": mean[:, :, world].ravel(), "template": [f"u{i:02}" for i in range(TEMPLATES)] * 2,
        }).with_columns(pl.col("draw", "turn").cast(pl.Int64))  # fmt: skip
        row = differences(frames.scores(frame), between=("a", "b"), clusters=["template"], draws=1000, seed=1)
        assert row["p"][0] == pytest.approx(found.p()[world], abs=0.002)
        both = group_means(
            frame, frame["value"].to_numpy(), by=["condition"], clusters=["template"], draws=1000, seed=1
        )
        told = both.row(lambda x: x[:, 0, 0] - x[:, 1, 0], [0, 1])
        assert told["p"] == pytest.approx(row["p"][0], abs=1e-12)
        assert (told["low"], told["high"]) == pytest.approx((row["low"][0], row["high"][0]), abs=1e-12)


def test_groups_nulls_and_the_order_of_rows() -> None:
    rng = np.random.default_rng(2)
    frame = pl.DataFrame({
        "source": "model", "speaker": "m", "arm": [["a", "b", None][i] for i in rng.integers(0, 3, 300)], "template": rng.choice(list("uvwxyz"), 300),
        "value": rng.normal(0, 1, 300),
    })  # fmt: skip
    holes = frame.with_columns(pl.when(pl.int_range(pl.len()) < 10).then(None).otherwise("value").alias("value"))
    found = group_means(holes, holes["value"].to_numpy(), by=["arm"], clusters=["template"], draws=100)
    due = holes.group_by("arm").agg(pl.col("value").mean(), n=pl.col("value").count(), out=pl.col("value").null_count())
    due = due.sort("arm", nulls_last=True)
    assert found.estimate[:, 0] == pytest.approx(due["value"].to_numpy(), abs=1e-12)
    assert found.groups.select("arm", "n", "left_out").rows() == due.select("arm", "n", "out").rows()
    assert found.where(arm=None) == [2]
    assert found.clusters.tolist() == [6, 6, 6]
    turned = holes.reverse()
    again = group_means(turned, turned["value"].to_numpy(), by=["arm"], clusters=["template"], draws=100)
    assert found.samples is not None
    assert again.samples is not None
    assert np.array_equal(found.samples, again.samples)
    with pytest.raises(InputError, match="no column 'mood'"):
        group_means(frame, frame["value"].to_numpy(), by=["mood"], clusters=["template"])


def test_people_are_clusters_and_one_template_is_none() -> None:
    frame = pl.DataFrame(
        {"source": "human", "speaker": list("aabbcc"), "template": None, "value": [1.0, 1, 2, 2, 6, 6]}
    )
    found = group_means(frame, frame["value"].to_numpy(), by=["source"], clusters=["template"], draws=100)
    assert found.clusters.tolist() == [3]
    alone = frame.with_columns(source=pl.lit("model"), template=pl.lit("u"))
    row = group_means(alone, alone["value"].to_numpy(), by=["source"], clusters=["template"], draws=100).row(
        lambda x: x[:, 0, 0], [0]
    )
    assert (row["estimate"], row["low"]) == (3.0, None)
    assert "one cluster only" in str(row["method"])
