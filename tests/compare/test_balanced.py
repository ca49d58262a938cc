"""Trap 8 of the dossier: acquiescence passes for a trait on a one-sided scale, and not on a balanced one."""

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.balanced import ONE_SIDED, balanced, leanings, orthogonality
from sociolect.compare.scales import item_rows, scales_of
from sociolect.errors import InputError
from sociolect.frames import Scores


def answered(bias: np.ndarray, trait: np.ndarray, signs: np.ndarray, rng: np.random.Generator) -> Scores:
    """Answers 1 to 5: the middle, plus the bias, plus the trait in the item's direction, plus noise; scored by key."""
    n, k = bias.size, signs.size
    raw = 3 + bias[:, None] + signs * trait[:, None] + rng.normal(0, 0.4, (n, k))
    raw = np.clip(np.rint(raw), 1, 5)
    s, j = (x.ravel() for x in np.meshgrid(np.arange(n), np.arange(k), indexing="ij"))
    frame = pl.DataFrame({
        "speaker": [f"s{i:03}" for i in s], "source": "human", "community": "red", "item": [str(i) for i in j],
        "condition": "asked", "draw": 0, "turn": 0, "measure": [f"toy:{i}" for i in j],
        "value": np.where(signs == 1, raw, 6 - raw).ravel(), "sign": signs[j], "low": 1.0, "high": 5.0,
    })  # fmt: skip
    return frames.scores(frame.with_columns(pl.col("draw", "turn", "sign").cast(pl.Int64)))


def of(found: Scores, line: str) -> np.ndarray:
    return found.filter(measure=f"toy:all/{line}").sort("speaker")["value"].to_numpy()


def plain(scores: Scores) -> np.ndarray:
    return scores.group_by("speaker").agg(pl.col("value").mean()).sort("speaker")["value"].to_numpy()


@pytest.mark.parametrize("seed", range(10))
def test_bias_alone_is_no_trait(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bias, none = rng.normal(0, 0.8, 200), np.zeros(200)
    for reversed_items in (10, 6, 14):
        signs = np.repeat([1, -1], [20 - reversed_items, reversed_items])
        scores = answered(bias, none, signs, rng)
        found = balanced(scores)
        assert abs(np.corrcoef(of(found, "trait"), bias)[0, 1]) <= 0.20
        assert np.corrcoef(of(found, "bias"), bias)[0, 1] >= 0.95
        if reversed_items != 10:  # the plain score of an unbalanced scale is mostly bias
            assert abs(np.corrcoef(plain(scores), bias)[0, 1]) >= 0.9


@pytest.mark.parametrize("seed", range(5))
def test_a_trait_is_found_beside_the_bias(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    bias, trait = rng.normal(0, 0.8, 200), rng.normal(0, 0.5, 200)
    scores = answered(bias, trait, np.repeat([1, -1], [14, 6]), rng)
    found = np.corrcoef(of(balanced(scores), "trait"), trait)[0, 1]
    assert found >= 0.95
    assert np.corrcoef(plain(scores), trait)[0, 1] < 0.94 < found


def test_a_one_sided_scale_is_never_identified() -> None:
    rng = np.random.default_rng(7)
    for seed in range(20):
        signs = np.full(10, 1 if seed % 2 else -1)
        scores = answered(rng.normal(0, 0.8, 50), np.zeros(50), signs, rng)
        assert balanced(scores)["value"].null_count() == 100
        name, rows = item_rows(scores)
        lines = leanings(
            rows, scales_of(name, rows), by=["community"], clusters=("template",), level=0.95, draws=100, seed=1
        )
        assert [(row["estimate"], row["verdict"]) for row in lines] == [(None, ONE_SIDED)] * 2


def test_a_community_s_leaning_is_told_with_its_interval() -> None:
    rng = np.random.default_rng(8)
    scores = answered(rng.normal(0.5, 0.3, 150), rng.normal(-0.4, 0.3, 150), np.repeat([1, -1], [14, 6]), rng)
    name, rows = item_rows(scores)
    bias, trait = leanings(
        rows, scales_of(name, rows), by=["community"], clusters=("template",), level=0.95, draws=300, seed=1
    )
    assert bias["low"] < 0.5 < bias["high"]  # type: ignore[operator]  # floats
    assert bias["verdict"] == "warning: answers lean to agreement, whatever the item says"
    assert trait["low"] < -0.4 < trait["high"]  # type: ignore[operator]  # floats
    assert bias["clusters"] == 150


def test_refused() -> None:
    scores = answered(np.zeros(3), np.zeros(3), np.array([1, -1]), np.random.default_rng(1))
    with pytest.raises(InputError, match="no column 'sign', 'low'"):
        balanced(frames.scores(scores.drop("sign", "low")))
    with pytest.raises(InputError, match="item 0 has two keys"):
        balanced(
            frames.scores(scores.with_columns(sign=pl.when(speaker="s000").then(-1).otherwise("sign").cast(pl.Int64)))
        )
    with pytest.raises(InputError, match="the item scores of one instrument are due; seen: no measure"):
        balanced(frames.scores(scores.with_columns(measure=pl.lit("toy:sum"))))
    assert orthogonality(0.2) == pytest.approx(0.4)
