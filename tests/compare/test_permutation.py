"""Planted: arms that are one, arms that differ, clusters whose texts are alike."""

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.distances import jensen_shannon, wasserstein
from sociolect.compare.interval import FloatArray
from sociolect.compare.multiplicity import holm
from sociolect.compare.permutation import Statistic, permutation, permutations
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Scores

FEELINGS = ["anger", "fear", "joy"]


def gap(value: FloatArray) -> Statistic:
    return lambda w, v: np.abs(w @ value / w.sum(1) - v @ value / v.sum(1))


@pytest.mark.parametrize("paired", [True, False])
def test_p_is_uniform_where_nothing_differs_though_texts_of_a_cluster_are_alike(paired: bool) -> None:
    from scipy.stats import kstest

    rng = np.random.default_rng(1)
    if paired:  # 20 topics x 2 arms x 3 replies; a topic moves each arm on its own
        side, topic = np.tile(np.repeat([1, 0], 3), 20), np.repeat(np.arange(20), 6)
        lift = rng.normal(0, 1, (500, 40))[:, np.repeat(np.arange(40), 3)]
    else:  # 24 people, 5 texts each
        side, topic = np.repeat([1, 0], 60), np.repeat(np.arange(24), 5)
        lift = rng.normal(0, 1, (500, 24))[:, topic]
    values = lift + rng.normal(0, 1, lift.shape)
    p = [float(permutation(gap(x), side, topic, draws=199, seed=i).p[0]) for i, x in enumerate(values)]
    assert kstest(p, "uniform").pvalue > 0.01
    # single texts moved instead of clusters find what is not there
    alone = np.arange(side.size)
    wrong = [float(permutation(gap(x), side, alone, draws=199, seed=i).p[0]) for i, x in enumerate(values[:200])]
    assert np.mean(np.array(wrong) <= 0.05) > 0.12


def test_few_clusters_give_the_exact_p_of_all_labellings() -> None:
    """Sign flips: of 2**5 labellings 2 are as far, so p is 1/16. Dealt: of C(6, 3) = 20 labellings 2 are, so p is 1/10."""
    x = np.array([3.0, 4, 5, 6, 7, 0, 0, 0, 0, 0])
    side, topic = np.repeat([1, 0], 5), np.tile(np.arange(5), 2)
    found = permutation(gap(x), side, topic, draws=20_000, seed=1)
    assert found.p[0] == pytest.approx(2 / 32, abs=0.006)
    assert (found.swapped, found.dealt) == (5, 0)
    people = permutation(gap(np.array([5.0, 6, 7, 1, 2, 3])), np.repeat([1, 0], 3), np.arange(6), draws=20_000)
    assert people.p[0] == pytest.approx(2 / 20, abs=0.007)
    assert (people.swapped, people.dealt) == (0, 6)


def test_p_equals_scipys_permutation_test() -> None:
    from scipy.stats import permutation_test

    rng = np.random.default_rng(2)
    a, b = rng.normal(0.5, 1, 30), rng.normal(0, 1, 25)
    due = permutation_test((a, b), lambda x, y, axis: x.mean(axis) - y.mean(axis), n_resamples=20_000, vectorized=True)
    side = np.repeat([1, 0], [30, 25])
    found = permutation(gap(np.concatenate([a, b])), side, np.arange(55), draws=20_000)
    assert found.p[0] == pytest.approx(due.pvalue, abs=0.01)


def test_p_is_never_0_and_weights_count_as_rows() -> None:
    x, side, topic = np.concatenate([np.ones(40), np.zeros(40)]), np.repeat([1, 0], 40), np.tile(np.arange(40), 2)
    assert permutation(gap(x), side, topic, draws=199).p[0] == 1 / 200
    rng = np.random.default_rng(1)
    y, w = rng.random(80), np.tile(rng.integers(1, 4, 40), 2)
    heavy = permutation(gap(y), side, topic, weight=w.astype(float), draws=499)
    long = permutation(gap(np.repeat(y, w)), np.repeat(side, w), np.repeat(topic, w), draws=499)
    assert heavy.statistic[0] == pytest.approx(long.statistic[0])
    assert heavy.p[0] == long.p[0]


def world(seed: int, *, lift: float = 0.0, communities: int = 4, topics: int = 16, each: int = 3) -> Scores:
    """Two arms with one truth and topic effects of their own; `lift` plants anger and toxicity in `a` of community c0."""
    rng = np.random.default_rng(seed)
    n = communities * 2 * topics * each
    grid = [x.ravel() for x in np.indices((communities, 2, topics, each))]
    cell = np.ravel_multi_index(tuple(grid[:3]), (communities, 2, topics))
    raw = np.exp(rng.normal(0, 0.4, (cell.max() + 1, 3))[cell] + rng.normal(0, 0.6, (n, 3)))
    raw[:, 0] *= np.where((grid[0] == 0) & (grid[1] == 0), np.exp(lift), 1.0)
    felt = raw / raw.sum(1, keepdims=True)
    wide = pl.DataFrame({
        "speaker": "m", "source": "model", "community": [f"c{c}" for c in grid[0]],
        "item": [f"{t}-{e}" for t, e in zip(grid[2], grid[3], strict=True)], "condition": ["ab"[s] for s in grid[1]],
        "draw": 0, "turn": 0, "topic": [f"t{t}" for t in grid[2]],
        **{f"emotion:{f}": felt[:, i] for i, f in enumerate(FEELINGS)}, "toxicity": felt[:, 0] ** 2,
    }).with_columns(pl.col("draw", "turn").cast(pl.Int64))  # fmt: skip
    measures = [c for c in wide.columns if c.startswith("emotion:") or c == "toxicity"]
    return frames.scores(
        wide.unpivot(measures, index=[c for c in wide.columns if c not in measures], variable_name="measure")
    )


def test_no_family_of_true_nulls_is_broken_more_often_than_stated() -> None:
    tested = [permutations(world(i), between=("a", "b"), clusters=["topic"], draws=399, seed=i) for i in range(100)]
    broken = [any(p <= 0.05 for p in found["p_adjusted"]) for found in tested]
    assert np.mean(broken) <= 0.08


def test_a_planted_difference_is_found_where_it_is_and_nowhere_else() -> None:
    found = permutations(world(7, lift=1.5), between=("a", "b"), clusters=["topic"], draws=999)
    planted, rest = (found.filter(keep) for keep in (pl.col("community") == "c0", pl.col("community") != "c0"))
    assert planted["p_adjusted"].max() < 0.02  # type: ignore[operator]
    assert rest["p_adjusted"].min() > 0.05  # type: ignore[operator]
    assert found["p_adjusted"].to_list() == holm(found["p"].to_list())
    assert planted.filter(measure="toxicity mean")["estimate"][0] > 0.1
    one = planted.filter(measure="emotion").row(0, named=True)
    assert one["estimate"] < one["chance"]


def test_estimates_are_the_distances_and_row_order_changes_no_byte() -> None:
    scores = world(3, lift=0.5)
    found = permutations(scores, between=("a", "b"), clusters=["topic"], draws=99)
    assert found["measure"].unique().sort().to_list() == ["emotion", "toxicity", "toxicity mean"]
    rows = scores.filter(community="c0")
    a, b = (rows.filter(condition=c, measure="toxicity")["value"].to_numpy() for c in "ab")
    get = {r["measure"]: r for r in found.filter(community="c0").iter_rows(named=True)}
    assert get["toxicity"]["estimate"] == pytest.approx(1 - wasserstein(a, b), abs=1e-12)
    assert get["toxicity mean"]["estimate"] == pytest.approx(a.mean() - b.mean(), abs=1e-12)
    sums = [[rows.filter(condition=c, measure=f"emotion:{f}")["value"].sum() for f in FEELINGS] for c in "ab"]
    due = 1 - jensen_shannon(*(np.array(s) / sum(s) for s in sums))
    assert get["emotion"]["estimate"] == pytest.approx(due, abs=1e-12)
    assert (get["emotion"]["n"], get["emotion"]["clusters"], get["emotion"]["low"]) == (96, 16, None)
    shuffled = frames.scores(scores.sample(fraction=1, shuffle=True, seed=1))
    assert permutations(shuffled, between=("a", "b"), clusters=["topic"], draws=99).equals(found)


def test_people_move_by_speaker_and_the_larger_p_of_crossed_factors_stands() -> None:
    scores = world(4).with_columns(template=pl.col("item").str.split("-").list.last())
    people = scores.filter(condition="b").with_columns(
        source=pl.lit("human"), condition=pl.lit("human"), speaker=pl.col("topic") + pl.col("community")
    )
    both = frames.scores(pl.concat([scores, people]))
    mixed = permutations(both, between=("a", "human"), clusters=["topic"], draws=99)
    assert mixed["method"][0] == "permutation of clusters (0 swapped, 32 dealt out)"
    crossed = permutations(both, between=("a", "b"), draws=99)
    alone = [permutations(both, between=("a", "b"), clusters=[c], draws=99) for c in ("topic", "template")]
    assert crossed["p"].to_list() == [max(x, y) for x, y in zip(alone[0]["p"], alone[1]["p"], strict=True)]
    assert crossed["clusters"].to_list() == [3] * 12
    assert "few clusters (3 < 10)" in crossed["method"][0]


def test_what_cannot_be_permuted_is_refused_or_said() -> None:
    scores = world(1, communities=2)
    lone = scores.filter(~((pl.col("community") == "c1") & (pl.col("condition") == "b")))
    found = permutations(frames.scores(lone), between=("a", "b"), clusters=["topic"], draws=99).filter(community="c1")
    assert found["p"].null_count() == found["p_adjusted"].null_count() == 3
    assert found["method"][0] == "permutation; no p: one side has no row"
    empty = scores.filter(pl.col("measure") != "toxicity").with_columns(
        value=pl.when((pl.col("community") == "c1") & (pl.col("condition") == "b")).then(0.0).otherwise("value")
    )
    found = permutations(frames.scores(empty), between=("a", "b"), clusters=["topic"], draws=99)
    assert found.filter(community="c1").select("estimate", "p", "method").row(0) == (
        None, None, "permutation; no p: no mass to compare",
    )  # fmt: skip
    silent = scores.with_columns(value=pl.when(pl.col("item") != "0-0").then("value"))
    assert (
        permutations(frames.scores(silent), between=("a", "b"), clusters=["topic"], draws=99)["left_out"].to_list()
        == [2] * 6
    )
    with pytest.raises(InputError, match="no column 'template'"):
        permutations(scores, between=("a", "b"))
    with pytest.raises(InputError, match="no rows of 'zzz' in 'condition'"):
        permutations(scores, between=("a", "zzz"), clusters=["topic"])
    with pytest.raises(UsageError, match="leave them out"):
        permutations(scores, between=("a", "b"), clusters=["topic"], by=["measure"])
    one = frames.scores(scores.filter(topic="t1"))
    with pytest.raises(RefusedError, match="1 clusters stand on both sides and 0 could be dealt out"):
        permutations(one, between=("a", "b"), clusters=["topic"])
    with pytest.raises(InputError, match="2 sides, 3 clusters, 2 weights; sides are due as 1"):
        permutation(gap(np.ones(2)), np.ones(2, dtype=np.int64), np.arange(3))
