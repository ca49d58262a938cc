from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from scipy import stats

from sociolect import frames
from sociolect.compare.ranking import kendall, majority, pairs, ranking
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Replies, Scores

NAMES = list("abcdef")


def scored(values: np.ndarray) -> Scores:
    """Values (communities, replies, items) as scores: the mean over items of each reply."""
    told = values.mean(2)
    at = [x.ravel() for x in np.indices(told.shape)]
    frame = pl.DataFrame({
        "speaker": "m", "source": "model", "community": np.array(NAMES)[at[0]], "item": "toy",
        "condition": "aligned", "draw": at[1], "turn": 0, "measure": "toy:risk", "value": told.ravel(),
        "template": [f"u{i:02}" for i in at[1]],
    })  # fmt: skip
    return frames.scores(frame.with_columns(pl.col("draw", "turn").cast(pl.Int64)))


def world(seed: int, gap: float) -> np.ndarray:
    """Five items with five options, 50 replies each: the severity plus noise, rounded to an option."""
    severity = gap * (np.arange(6) - 2.5)
    rng = np.random.default_rng(seed)
    return np.clip(np.rint(3 + severity[:, None, None] + rng.normal(0, 1, (6, 50, 5))), 1, 5)


def test_the_planted_order_is_recovered_by_means_and_the_rank_intervals_hold_it() -> None:
    good, held = 0, 0
    for seed in range(100):
        found = ranking(scored(world(seed, 0.4)), draws=200, seed=seed)
        good += (kendall(found["estimate"].to_list(), list(range(6))) or 0) >= 0.8
        due = np.arange(6, 0, -1)
        held += bool(((found["rank_low"].to_numpy() <= due) & (due <= found["rank_high"].to_numpy())).all())
    assert good >= 95
    assert held >= 93


def test_the_null_has_no_significant_pair() -> None:
    worlds = 200
    found = [
        pairs(scored(world(5000 + seed, 0)), draws=200, seed=seed)["p_adjusted"].to_numpy().min()
        for seed in range(worlds)
    ]
    assert sum(float(p) < 0.05 for p in found) <= 0.08 * worlds


def test_equal_communities_share_all_ranks_and_the_chance_of_being_highest() -> None:
    found = ranking(scored(np.repeat(world(1, 0)[:1], 6, axis=0)), draws=200)
    assert found["rank"].to_list() == [1] * 6
    assert found["rank_low"].to_list() == [1] * 6
    assert found["rank_high"].to_list() == [6] * 6
    assert found["highest"].to_numpy() == pytest.approx(1 / 6)


def test_the_row_order_changes_no_byte_and_pairs_agree_with_ranks() -> None:
    scores = scored(world(2, 0.2))
    found, differ = ranking(scores, draws=300), pairs(scores, draws=300)
    shuffled = frames.scores(scores.sample(fraction=1, shuffle=True, seed=9))
    assert ranking(shuffled, draws=300).equals(found)
    assert pairs(shuffled, draws=300).equals(differ)
    means = dict(found.select("contrast", "estimate").iter_rows())
    assert differ.height == 15
    for contrast, estimate, low, high, wide_low, wide_high in differ.select(
        "contrast", "estimate", "low", "high", "joint_low", "joint_high"
    ).iter_rows():
        a, b = contrast.split(" - ")
        assert estimate == pytest.approx(means[a] - means[b], abs=1e-12)
        assert wide_low < low < estimate < high < wide_high
    beaten = differ.filter(pl.col("joint_high") < 0)["contrast"].to_list()
    due = 1 + sum(c.startswith("a - ") for c in beaten)
    assert found["rank_low"][0] == due


def test_kendall_with_ties_against_scipy() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        x, y = rng.integers(0, 4, 9), rng.integers(0, 4, 9)
        assert kendall(x.tolist(), y.tolist()) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
    with pytest.raises(InputError, match="two orders of one length"):
        kendall([1, 2], [1, 2, 3])


def replies(choices: dict[tuple[str, str], list[str | None]]) -> Replies:
    rows = [
        ("m", "model", c, i, "aligned", d, 0, None, None, x)
        for (c, i), said in choices.items()
        for d, x in enumerate(said)
    ]
    schema = {**{k: v.dtype for k, v in frames.SHAPES["replies"].columns.items()}, "choice": pl.String()}
    return frames.replies(pl.DataFrame(rows, schema=schema, orient="row"))


def test_majority_reports_ties_as_ties_whatever_came_first() -> None:
    said = replies({
        ("red", "1"): ["b", "a", "b", None], ("red", "2"): ["b", "a", "a", "b", None], ("blue", "1"): [None, None],
    })  # fmt: skip
    found = majority(said)
    rows = {
        (c, i): rest
        for c, i, *rest in found.select("community", "item", "choice", "ties", "share", "n", "left_out").iter_rows()
    }
    assert rows["red", "1"] == ["b", ["b"], 2 / 3, 3, 1]
    assert rows["red", "2"] == [None, ["a", "b"], 0.5, 4, 1]
    assert rows["blue", "1"] == [None, [], None, 0, 2]
    assert majority(frames.replies(said.reverse())).equals(found)
    with pytest.raises(InputError, match="no column 'choice'"):
        majority(frames.replies(said.drop("choice")))


def test_refused_and_left_out() -> None:
    scores = scored(world(1, 0.4))
    with pytest.raises(RefusedError, match="seen: 1 community"):
        ranking(frames.scores(scores.filter(community="a")))
    null = scores.with_columns(value=pl.when(community="b").then(None).otherwise("value"))
    with pytest.raises(RefusedError, match="no value of b"):
        ranking(frames.scores(null))
    some = frames.scores(scores.with_columns(value=pl.when(pl.col("draw") < 4).then(None).otherwise("value")))
    assert ranking(some, draws=200)["left_out"].to_list() == [4] * 6
    one = ranking(frames.scores(scores.with_columns(template=pl.lit("u"))))
    assert one["rank"].to_list() == [6, 5, 4, 3, 2, 1]
    assert one["rank_low"].null_count() == one["low"].null_count() == 6
    assert "one cluster only" in one["method"][0]
    assert all(a < b for a, b in pairwise(one["estimate"]))
