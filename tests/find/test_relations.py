"""What two people give each other: against networkx, readings pooled by hand, and a planted network."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find.relations import embeddedness, paired, relations
from sociolect.find.stance import sentiments
from sociolect.find.ties import ties
from sociolect.frames import Society, Ties

Tie = tuple[str, str, str, float]


def tied(rows: Sequence[Tie], **columns: Any) -> Ties:
    frame = pl.DataFrame(rows, schema=["source", "target", "kind", "weight"], orient="row")
    return frames.ties(frame.with_columns(pl.Series(c, v) for c, v in columns.items()))


def drawn(n: int, m: int, seed: int) -> Ties:
    """m ties of n people, some far more than others, with sentiment: mentions and replies, about a third returned."""
    rng = np.random.default_rng(seed)
    share = np.arange(1, n + 1) ** -0.8
    ends = rng.choice(n, size=(m, 2), p=share / share.sum())
    ends = np.concatenate([ends, ends[rng.random(m) < 0.3][:, ::-1]])
    names = pl.Series([f"p{i}" for i in rng.permutation(n)])
    frame = pl.DataFrame({"source": names.gather(ends[:, 0]), "target": names.gather(ends[:, 1])}).with_columns(
        kind=pl.Series(rng.choice(["mention", "reply"], size=len(ends)))
    )
    frame = frame.unique(maintain_order=True)
    k = frame.height
    n_read = rng.integers(0, 6, size=k)
    mean, sd = rng.normal(size=k), rng.random(k)
    frame = frame.with_columns(
        weight=pl.Series(rng.integers(1, 5, size=k).astype(float)),
        sentiment=pl.Series(mean).set(pl.Series(n_read == 0), None),
        sentiment_n=pl.Series(n_read),
        sentiment_sd=pl.Series(sd).set(pl.Series(n_read < 2), None),
    )
    return frames.ties(frame)


def test_what_goes_there_and_comes_back() -> None:
    rows = [
        ("b", "a", "reply", 3.0),
        ("a", "b", "reply", 1.0),
        ("a", "b", "mention", 5.0),
        ("c", "a", "reply", 2.0),
        ("c", "c", "reply", 9.0),
    ]
    columns = ["a", "b", "given", "received", "strength", "reciprocity", "mutual"]
    found = relations(tied(rows))
    assert found.select(columns).rows() == [("a", "b", 6.0, 3.0, 9.0, 0.5, True), ("a", "c", 0.0, 2.0, 2.0, 0.0, False)]
    assert "stance" not in found.columns
    assert relations(tied(rows), kinds="reply").select(columns).row(0) == ("a", "b", 1.0, 3.0, 4.0, 1 / 3, True)
    assert paired(tied(rows)).self_ties == 1
    assert relations(tied(rows[::-1])).equals(found)


def test_shared_neighbours_and_overlap_are_those_of_networkx() -> None:
    here = drawn(120, 900, 1)
    found = relations(here)
    net = nx.Graph(here.filter(pl.col("source") != pl.col("target")).select("source", "target").iter_rows())
    assert found.height == net.number_of_edges()
    for a, b, shared, overlap in found.select("a", "b", "embeddedness", "overlap").iter_rows():
        both, either = set(net[a]) & set(net[b]), (set(net[a]) | set(net[b])) - {a, b}
        assert shared == len(both)
        assert overlap == (pytest.approx(len(both) / len(either)) if either else None)
    assert found["embeddedness"].sum() == sum(nx.triangles(net).values())
    alone = relations(tied([("a", "b", "x", 1.0)]))
    assert alone.select("embeddedness", "overlap").row(0) == (0, None)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.floats(-2, 2)), min_size=3, max_size=30))
def test_sentiment_of_pairs_is_that_of_all_readings_as_one_sample(said: list[tuple[str, str, float]]) -> None:
    """Posts of a and b to each other: means per tie and then per pair are those of the readings pooled by hand."""
    rows = pl.DataFrame(said, schema=["source", "kind", "value"], orient="row").with_columns(
        target=pl.when(pl.col("source") == "a").then(pl.lit("b")).otherwise(pl.lit("a"))
    )
    made = rows.group_by("source", "target", "kind").agg(
        weight=pl.len().cast(pl.Float64), sentiment=pl.col("value").mean(),
        sentiment_n=pl.len().cast(pl.Int64), sentiment_sd=pl.col("value").std(),
    )  # fmt: skip
    found = relations(frames.ties(made)).row(0, named=True)
    values = rows["value"].to_numpy()
    assert found["sentiment_n"] == len(values)
    assert found["sentiment"] == pytest.approx(values.mean(), abs=1e-12)
    assert found["sentiment_sd"] == pytest.approx(values.std(ddof=1), abs=1e-7)
    for side, name in (("a", "sentiment_given"), ("b", "sentiment_received")):
        own = rows.filter(source=side)["value"]
        assert found[name] == (pytest.approx(own.mean(), abs=1e-12) if own.len() else None)


def test_a_spread_that_one_tie_does_not_tell_is_not_known_of_the_pair() -> None:
    rows = [("a", "b", "x", 9.0), ("b", "a", "x", 9.0)]
    whole = relations(tied(rows, sentiment=[0.4, 0.6], sentiment_n=[9, 9], sentiment_sd=[0.1, 0.1]))
    assert whole["stance"].to_list() == ["for"]
    torn = relations(tied(rows, sentiment=[0.4, 0.6], sentiment_n=[9, 9], sentiment_sd=[0.1, None]))
    assert torn.select("sentiment", "sentiment_n", "sentiment_sd", "stance", "reason").rows() == [
        (0.5, 18, None, None, "spread not known")
    ]
    # where ties have no number of readings each is one, and the two of them have a spread
    single = relations(tied(rows, sentiment=[0.4, 0.6]), least=2)
    assert single["sentiment_n"].to_list() == [2]
    assert single["sentiment_sd"].item() == pytest.approx(np.std([0.4, 0.6], ddof=1))
    # nobody has a sentiment: every pair says so
    none = relations(tied(rows, sentiment=[None, None]))
    assert none.select("sentiment", "sentiment_n", "stance", "reason").rows() == [(None, 0, None, "no sentiment")]


def test_friends_and_foes_of_a_planted_society_are_told_apart() -> None:
    """60 people answer each other; 80 pairs are friends, 80 foes, 80 neither: of these about one in twenty is told."""
    rng = np.random.default_rng(3)
    pairs = [(f"p{i}", f"p{j}") for i in range(60) for j in range(i)]
    chosen = [pairs[k] for k in rng.permutation(len(pairs))[:240]]
    rows: list[tuple[str, str, str | None, float]] = []
    truth: dict[tuple[str, str], float] = {}
    for k, (a, b) in enumerate(chosen):
        truth[min(a, b), max(a, b)] = level = (k % 3 - 1) * 0.8
        roots = {a: f"{k}a", b: f"{k}b"}
        rows += [(roots[a], a, None, 0.0), (roots[b], b, None, 0.0)]
        rows += [
            (f"{k}.{i}", a if i % 2 else b, roots[b if i % 2 else a], float(rng.normal(level, 0.6))) for i in range(14)
        ]
    posts = pl.DataFrame(rows, schema=["post", "person", "parent", "tone"], orient="row")
    said = frames.posts(posts.with_columns(text=pl.lit(""), thread=pl.lit("")))
    here = Society(frames.people(frames.empty("people")), said, frames.ties(frames.empty("ties")))
    found = relations(sentiments(here, column="tone"))
    assert found.height == 240
    assert found["reciprocity"].to_list() == [1.0] * 240
    due = pl.Series([truth[a, b] for a, b in found.select("a", "b").iter_rows()])
    names = due.replace_strict({0.8: "for", -0.8: "against", 0.0: None}, return_dtype=pl.String)
    right = found["stance"].eq_missing(names)
    assert right.filter(due != 0).mean() > 0.95  # type: ignore[operator]  # the mean of booleans is a number
    assert 70 <= right.filter(due == 0).sum() < 80
    inside = (found["low"] < due) & (due < found["high"])
    assert 216 < inside.sum() < 238


def test_row_order_and_names_change_no_bit() -> None:
    here = drawn(80, 400, 5)
    found = relations(here)
    assert relations(frames.ties(here.sample(fraction=1.0, shuffle=True, seed=1))).equals(found)
    # sums of three depend on their order, of two they do not
    three = tied([("a", "b", k, w) for k, w in zip("xyz", (0.1, 0.2, 0.3), strict=True)], sentiment=[0.1, 0.2, 0.3])
    for rows in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        assert relations(frames.ties(three[rows])).equals(relations(three))
    turned = here.with_columns(pl.col("source", "target").str.replace("p", "q"))
    assert relations(frames.ties(turned)).drop("a", "b").equals(found.drop("a", "b"))
    assert embeddedness(paired(here))[0].tolist() == found["embeddedness"].to_list()


def test_what_tells_no_relation_is_refused() -> None:
    with pytest.raises(RefusedError, match="no relation can be told: 1 ties, none between two people; build some"):
        relations(tied([("a", "a", "x", 1.0)]))
    with pytest.raises(UsageError, match="no kind of tie 'y'; there are: x"):
        relations(tied([("a", "b", "x", 1.0)]), kinds="y")
    with pytest.raises(InputError, match="column 'sentiment' is String, not a number"):
        relations(tied([("a", "b", "x", 1.0)], sentiment=["bad"]))
    with pytest.raises(InputError, match="column 'sentiment' is NaN or infinite in 1 rows"):
        relations(tied([("a", "b", "x", 1.0)], sentiment=[float("nan")]))
    # a path from p00 to p30, each to the next: as undirected ties are written
    path = [(f"p{i:02}", f"p{i + 1:02}", "x", 1.0) for i in range(30)]
    with pytest.raises(RefusedError, match="all 30 ties run from the smaller name to the larger and none back"):
        relations(tied(path))
    assert relations(tied(path[:19])).height == 19
    assert relations(tied([*path, ("p09", "p01", "x", 1.0)])).height == 31
    fans = [(f"fan{i:02}", "star", "x", 1.0) for i in range(30)]
    assert not relations(tied(fans))["mutual"].any()


def test_undirected_ties_of_posts_are_refused_and_directed_ones_are_not() -> None:
    rows = [(f"{i}", f"p{i % 7}", None if i < 7 else str((i * 5) % 7), "", "") for i in range(90)]
    posts = pl.DataFrame(rows, schema=["post", "person", "parent", "text", "thread"], orient="row")
    here = Society(frames.people(frames.empty("people")), frames.posts(posts), frames.ties(frames.empty("ties")))
    both, one = ties(here, directed=True), ties(here)
    assert relations(both).height == one.height
    if one.height >= 20:
        with pytest.raises(RefusedError, match="as undirected ties do"):
            relations(one)


def test_a_hundred_thousand_ties_take_less_than_two_seconds() -> None:
    here = drawn(20_000, 80_000, 7)
    relations(drawn(20, 30, 1))  # the kernel is compiled once
    start = time.process_time()
    assert relations(here).height > 60_000
    assert time.process_time() - start < 2


def test_the_guide_to_relations_finds_its_planted_camps() -> None:
    """Of the pairs the guide tells a stance, those of one camp are for each other and the others against."""
    guide = Path(__file__).parents[2] / "docs" / "guide" / "relations.md"
    made: dict[str, Any] = {}
    exec(guide.read_text().split("```python\n")[2].split("```")[0], made)
    told = made["pairs"].filter(pl.col("q") < 0.05)
    same = told["a"].cast(pl.Int64) % 2 == told["b"].cast(pl.Int64) % 2
    assert told.height > 10
    assert (told["stance"].eq("for") == same).all()
    assert made["network"]["measure"].to_list() == ["reciprocity", "sentiment assortativity", "sentiment returned"]
