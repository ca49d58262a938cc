"""Reciprocity and the two correlations of sentiment: against networkx, and their intervals over planted networks."""

import networkx as nx
import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.find.reciprocity import reciprocity
from sociolect.frames import Ties


def planted(people: int, *, mutual: float, single: float, tone: float, spread: float, rng: np.random.Generator) -> Ties:
    """Every pair tied both ways, one way or not at all; what is said shares `tone` of its variance; `spread`: some people return more."""
    i, j = np.triu_indices(people, 1)
    odds = np.exp(spread * rng.normal(size=people))
    back = np.clip(mutual * odds[i] * odds[j], 0, 1 - single)
    u = rng.random(i.size)
    both, one = u < back, (u >= back) & (u < back + single)
    flip = rng.random(i.size) < 0.5
    a, b = np.where(flip, j, i), np.where(flip, i, j)
    shared, own = rng.normal(size=i.size), rng.normal(size=(2, i.size))
    said = np.sqrt(tone) * shared + np.sqrt(1 - tone) * own
    source, target = np.concatenate([a[both | one], b[both]]), np.concatenate([b[both | one], a[both]])
    frame = pl.DataFrame({"source": source, "target": target}).with_columns(pl.all().cast(pl.String))
    values = np.concatenate([said[0, both | one], said[1, both]])
    return frames.ties(frame.with_columns(kind=pl.lit("x"), weight=pl.lit(1.0), sentiment=pl.Series(values)))


def drawn(seed: int) -> Ties:
    """A planted network of 60 with some self ties, 0 to 5 readings a tie."""
    rng = np.random.default_rng(seed)
    made = planted(60, mutual=0.06, single=0.1, tone=0.4, spread=0.5, rng=rng)
    rows = pl.concat([made, made.head(40).with_columns(source="target").unique("source", maintain_order=True)])
    n = pl.Series(rng.integers(0, 6, size=rows.height))
    return frames.ties(rows.with_columns(sentiment=rows["sentiment"].set(n == 0, None), sentiment_n=n))


def tied(rows: list[tuple[str, str]], **columns: list[float]) -> Ties:
    frame = pl.DataFrame(rows, schema=["source", "target"], orient="row")
    return frames.ties(
        frame.with_columns(kind=pl.lit("x"), weight=pl.lit(1.0), **{c: pl.Series(v) for c, v in columns.items()})
    )


def test_reciprocity_is_that_of_networkx() -> None:
    here = drawn(2)
    net = nx.DiGraph(here.select("source", "target").iter_rows())
    loops = here.filter(pl.col("source") == pl.col("target")).height
    net.remove_edges_from(list(nx.selfloop_edges(net)))
    row = reciprocity(here).row(0, named=True)
    assert row["estimate"] == pytest.approx(nx.overall_reciprocity(net))
    assert row["n"] == net.number_of_edges()
    assert (row["left_out"], row["clusters"]) == (loops, net.number_of_nodes())
    assert loops > 5


def test_sentiment_assortativity_is_that_of_networkx() -> None:
    here = drawn(3).with_columns(
        sentiment=pl.col("sentiment").fill_null(0.3), sentiment_n=pl.max_horizontal("sentiment_n", 1)
    )
    here = here.filter(pl.col("source") != pl.col("target"))
    net = nx.Graph(here.select("source", "target").iter_rows())
    tone = here.group_by("source").agg(
        (pl.col("sentiment") * pl.col("sentiment_n")).sum() / pl.col("sentiment_n").sum()
    )
    nx.set_node_attributes(net, dict(tone.iter_rows()), "tone")
    net.remove_nodes_from([node for node, told in net.nodes(data="tone") if told is None])
    row = reciprocity(frames.ties(here)).row(1, named=True)
    assert row["measure"] == "sentiment assortativity"
    assert row["estimate"] == pytest.approx(nx.numeric_assortativity_coefficient(net, "tone"))
    assert row["n"] == net.number_of_edges()


def test_sentiment_returned_is_the_correlation_of_both_ways() -> None:
    here = drawn(4).filter(pl.col("sentiment").is_not_null())
    one = here.group_by("source", "target").agg(
        tone=(pl.col("sentiment") * pl.col("sentiment_n")).sum() / pl.col("sentiment_n").sum()
    )
    both = one.join(one.select(source="target", target="source", back="tone"), on=["source", "target"])
    both = both.filter(pl.col("source") != pl.col("target"))
    row = reciprocity(frames.ties(here)).row(2, named=True)
    assert row["estimate"] == pytest.approx(np.corrcoef(both["tone"], both["back"])[0, 1])
    assert row["n"] == both.height / 2


@pytest.mark.parametrize(("spread", "tone"), [(0.0, 0.0), (0.0, 0.6), (0.5, 0.3)])
def test_intervals_hold_the_planted_truth_about_95_times_in_100(spread: float, tone: float) -> None:
    rng = np.random.default_rng(11)
    worlds = [planted(50, mutual=0.06, single=0.1, tone=tone, spread=spread, rng=rng) for _ in range(250)]
    found = pl.concat([reciprocity(w).with_columns(world=pl.lit(i)) for i, w in enumerate(worlds)])
    returned = found.filter(measure="sentiment returned")
    assert 0.91 < returned.select((pl.col("low") < tone) & (pl.col("high") > tone)).to_series().mean() < 0.98  # type: ignore[operator]  # booleans
    share = found.filter(measure="reciprocity")
    truth = 2 * 0.06 / (2 * 0.06 + 0.1)
    if spread:  # the odds of the world move it: the share over very many worlds
        many = [reciprocity(planted(300, mutual=0.06, single=0.1, tone=0, spread=spread, rng=rng)) for _ in range(30)]
        truth = float(np.mean([m["estimate"][0] for m in many]))
    assert 0.91 < share.select((pl.col("low") < truth) & (pl.col("high") > truth)).to_series().mean() < 0.98  # type: ignore[operator]  # booleans


def test_numbers_that_cannot_be_had_are_null() -> None:
    one_way = [("b", "a"), ("c", "b")]
    assert reciprocity(tied(one_way)).select("estimate", "low", "high", "n").rows() == [(0.0, None, None, 2)]
    found = reciprocity(tied(one_way, sentiment=[0.5, 0.5]))
    assert found["estimate"].to_list() == [0.0, None, None]
    assert found["left_out"].to_list() == [0, 1, 2]
    both = [*one_way, ("a", "b"), ("b", "c"), ("d", "d")]
    assert reciprocity(tied(both))["estimate"].to_list() == [1.0]
    assert reciprocity(tied(both))["left_out"].to_list() == [1]
    with pytest.raises(RefusedError, match="no relation can be told"):
        reciprocity(tied([("a", "a")]))
    with pytest.raises(UsageError, match="level is 2, not between 0 and 1"):
        reciprocity(tied(both), level=2)
