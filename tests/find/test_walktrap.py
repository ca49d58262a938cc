from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find.declared import declared
from sociolect.find.graph import graph
from sociolect.find.quality import adjusted_rand, modularity, rand
from sociolect.find.walktrap import walktrap, walktrap_of
from sociolect.frames import Society
from sociolect.load.planted import planted


def tied(pairs: list[tuple[str, str]]) -> Society:
    rows = [{"source": s, "target": t, "kind": "reply", "weight": 1.0} for s, t in pairs]
    return Society(
        frames.people(frames.empty("people")), frames.posts(frames.empty("posts")), frames.ties(pl.DataFrame(rows))
    )


def test_planted_communities_are_found_and_none_in_the_null() -> None:
    world = planted(people=300, communities=5, mixing=0.1, seed=1)
    assert adjusted_rand(walktrap(world), declared(world, column="planted")).value >= 0.9
    null = planted(people=300, communities=5, null=True, seed=1)
    assert abs(adjusted_rand(walktrap(null), declared(null, column="planted")).value) < 0.05


def test_the_karate_club_is_that_of_networkx_and_igraph() -> None:
    # igraph's documentation of cluster_walktrap prints modularity .35 and 5 groups for this club without weights
    import networkx as nx

    club = nx.karate_club_graph()
    names = [f"v{i:02}" for i in club.nodes]
    world = tied([(names[a], names[b]) for a, b in club.edges])
    found = walktrap(world)
    groups = [set(part["person"]) for part in found.partition_by("community")]
    plain = nx.relabel_nodes(nx.Graph(list(club.edges)), dict(enumerate(names)))
    assert nx.community.modularity(plain, groups) == pytest.approx(modularity(world.ties, found), abs=1e-12)
    assert (round(modularity(world.ties, found), 4), len(groups)) == (0.3532, 5)
    assert walktrap(graph(world.ties)).equals(found)


def test_weights_and_steps_matter_and_the_order_of_rows_and_seeds_does_not() -> None:
    world = planted(people=150, communities=4, mixing=0.3, seed=2)
    due = walktrap(world)
    rows = world.ties.sample(fraction=1, shuffle=True, seed=1).rename({"source": "target", "target": "source"})
    assert walktrap(replace(world, ties=frames.ties(rows)), seed=9).equals(due)
    assert not walktrap(world, steps=1).equals(due)
    ring = np.array([[0, 9, 0, 1], [9, 0, 1, 0], [0, 1, 0, 9], [1, 0, 9, 0]], dtype=np.float64)
    assert walktrap_of(ring).tolist() == [0, 0, 1, 1]
    assert walktrap_of(np.where(ring == 9, 1, ring * 9)).tolist() == [0, 1, 1, 0]


def test_a_matrix_is_the_network_it_stands_for() -> None:
    rng = np.random.default_rng(0)
    home = np.repeat(np.arange(3), 20)
    weights = np.triu(rng.random((60, 60)) * np.where(home[:, None] == home, 1.0, 0.15), 1)
    labels = walktrap_of(weights + weights.T + np.eye(60))
    assert rand(labels, home) == 1.0
    a, b = np.nonzero(weights)
    frame = {"source": [f"v{i:02}" for i in a], "target": [f"v{i:02}" for i in b], "weight": weights[a, b]}
    society = replace(tied([("a", "b")]), ties=frames.ties(pl.DataFrame(frame).with_columns(kind=pl.lit("alike"))))
    assert walktrap(society)["community"].to_list() == [f"c{label:02}" for label in labels]


def test_rows_that_nothing_ties_are_apart_and_names_go_by_size() -> None:
    weights = np.zeros((7, 7))
    weights[0, 6] = weights[6, 0] = 1.0
    weights[np.ix_([2, 3, 4], [2, 3, 4])] = 1.0
    assert walktrap_of(weights).tolist() == [1, 2, 0, 0, 0, 3, 1]
    assert walktrap_of(np.zeros((3, 3))).tolist() == [0, 1, 2]
    assert walktrap_of(np.zeros((0, 0))).tolist() == []


def test_what_cannot_be_walked_is_said() -> None:
    with pytest.raises(UsageError, match="steps=0: due is 1 or more"):
        walktrap(tied([("a", "b")]), steps=0)
    with pytest.raises(RefusedError, match="there is no tie between two people"):
        walktrap(tied([("a", "a")]))
    with pytest.raises(UsageError, match="no kind of tie 'follow'"):
        walktrap(tied([("a", "b")]), kinds="follow")
    for bad in (np.array([[0, 1], [0, 0]]), -np.eye(2), np.full((2, 2), np.nan)):
        with pytest.raises(InputError, match="not symmetric, finite and 0 or above"):
            walktrap_of(bad)
    with pytest.raises(InputError, match=r"shape \(2, 3\): due is a square"):
        walktrap_of(np.ones((2, 3)))
