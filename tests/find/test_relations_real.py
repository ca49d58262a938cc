"""Relations in the mention network of a referendum with two published camps: 669,701 mentions with sentiment. Only sums are told."""

from pathlib import Path

import networkx as nx
import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.cluster_bootstrap import cluster_bootstrap
from sociolect.find.reciprocity import reciprocity
from sociolect.find.relations import relations
from sociolect.find.ties import among
from sociolect.frames import Ties

pytestmark = [pytest.mark.realdata, pytest.mark.xdist_group("relations_real")]


@pytest.fixture(scope="module")
def mentions(data: Path) -> pl.DataFrame:
    said = pl.read_csv(data / "rt8_irish_abortion_mentions" / "RT8_mentions_anonymised_20240320.csv.gz")
    return said.select(source=pl.col("from").cast(pl.String), target=pl.col("to").cast(pl.String), tone="sentiment")


@pytest.fixture(scope="module")
def camps(data: Path) -> pl.DataFrame:
    told = pl.read_csv(data / "rt8_irish_abortion_mentions" / "RT8_communities_anonymised.csv")
    return told.select(person=pl.col("user").cast(pl.String), camp="membership")


@pytest.fixture(scope="module")
def tied(mentions: pl.DataFrame) -> Ties:
    made = mentions.sort("tone").group_by("source", "target", maintain_order=True).agg(
        weight=pl.len().cast(pl.Float64), sentiment=pl.col("tone").mean(),
        sentiment_n=pl.len().cast(pl.Int64), sentiment_sd=pl.col("tone").std(),
    )  # fmt: skip
    return frames.ties(made.with_columns(kind=pl.lit("mention")))


@pytest.fixture(scope="module")
def pairs(tied: Ties) -> pl.DataFrame:
    return relations(tied)


def test_reciprocity_is_that_of_networkx_and_tone_is_returned(tied: Ties, camps: pl.DataFrame) -> None:
    found = {row["measure"]: row for row in reciprocity(tied).iter_rows(named=True)}
    share = found["reciprocity"]
    assert share["estimate"] == 2 * 7_174 / 516_144  # as the source of the data counts them
    assert share["left_out"] == 1_958
    assert 0.02 < share["low"] < share["high"] < 0.035
    # who is mentioned kindly mentions kindly, and people of one tone are tied
    assert 0.3 < found["sentiment returned"]["low"] < found["sentiment returned"]["high"] < 0.5
    assert found["sentiment assortativity"]["low"] > 0.05
    inner = among(tied, camps["person"])
    net = nx.DiGraph(list(zip(inner["source"], inner["target"], strict=True)))
    net.remove_edges_from(list(nx.selfloop_edges(net)))
    assert reciprocity(inner)["estimate"][0] == pytest.approx(nx.overall_reciprocity(net), abs=1e-12)


def test_mutual_ties_are_kinder_and_more_embedded_than_one_way_ties(pairs: pl.DataFrame) -> None:
    assert pairs["mutual"].sum() == 7_174  # as the source of the data counts them
    mean = (pl.col("sentiment") * pl.col("sentiment_n")).sum() / pl.col("sentiment_n").sum()
    one, both = pairs.group_by("mutual").agg(mean, pl.col("overlap").mean()).sort("mutual").rows()
    assert both[1] > one[1] + 0.04
    assert both[2] > 4 * one[2]


def test_sentiment_is_higher_within_a_camp_than_across(mentions: pl.DataFrame, camps: pl.DataFrame) -> None:
    """A slope of .138 (.127 to .150, senders resampled): two fifths of a standard deviation of the tone of a mention."""
    said = mentions.join(camps.rename({"person": "source"}), on="source").join(
        camps.select(target="person", to="camp"), on="target"
    )
    said = said.filter(pl.col("source") != pl.col("target")).sort("source", "tone")
    within = (said["camp"] == said["to"]).cast(pl.Float64).to_numpy()
    x, y = np.column_stack([np.ones(within.size), within]), said["tone"].to_numpy()[:, None]
    sender = said["source"].rank("dense").to_numpy().astype(np.int64) - 1
    interval, _ = cluster_bootstrap(x, y, sender, draws=999, seed=1)
    assert 0.11 < interval.low[1].item() < 0.138 < interval.high[1].item() < 0.17
    assert interval.high[0].item() < 0  # across, mentions are unkind


def test_stances_are_for_within_a_camp_and_against_across(pairs: pl.DataFrame, camps: pl.DataFrame) -> None:
    known = pairs.join(camps.rename({"person": "a"}), on="a").join(camps.select(b="person", to="camp"), on="b")
    told = known.drop_nulls("stance").with_columns(same=pl.col("camp") == pl.col("to"))
    share = dict(told.group_by("same").agg(pl.col("stance").eq("for").mean()).iter_rows())
    assert share[True] > 0.85
    assert share[False] < 0.2
    # most pairs have too few mentions to tell, and say so
    reasons = dict(pairs["reason"].value_counts().iter_rows())
    assert reasons["fewer than 5 readings"] > 0.95 * pairs.height
    assert sum(reasons.values()) == pairs.height
