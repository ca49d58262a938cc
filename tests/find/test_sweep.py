import numpy as np
import polars as pl
import pytest

from sociolect.errors import UsageError
from sociolect.find.declared import declared
from sociolect.find.graph import Graph, graph
from sociolect.find.leiden import leiden
from sociolect.find.louvain import louvain
from sociolect.find.quality import adjusted_rand, modularity
from sociolect.find.sweep import sweep
from sociolect.load.planted import planted


def told(found: pl.DataFrame, measure: str, column: str = "estimate") -> list[float]:
    values: list[float] = found.filter(measure=measure)[column].to_list()
    return values


def nested() -> Graph:
    """Four groups of five cliques of six: two levels, the truth at either is known."""
    r = np.random.default_rng(1)
    group, clique = np.repeat(np.arange(4), 30), np.repeat(np.arange(20), 6)
    a, b = np.triu_indices(120, 1)
    chance = np.where(clique[a] == clique[b], 1.0, np.where(group[a] == group[b], 0.15, 0.005))
    keep = r.random(a.size) < chance
    return Graph(pl.Series("person", [f"p{i:03}" for i in range(120)]), a[keep], b[keep], np.ones(int(keep.sum())))


def test_both_levels_of_a_nested_network_show() -> None:
    found = sweep(nested(), resolutions=(0.5, 1.0, 4.0, 8.0), seeds=4)
    assert told(found, "communities") == [4.0, 4.0, 20.0, 20.0]
    assert told(found, "largest") == pytest.approx([0.25, 0.25, 0.05, 0.05])
    assert told(found, "agreement of seeds") == [1.0] * 4
    # two plateaus, and between them the agreement of 4 groups with 20 cliques: the index by its definition
    same_clique, same_group, pairs = 20 * 15, 4 * 435, 7140
    by_chance = same_clique * same_group / pairs
    due = (same_clique - by_chance) / ((same_clique + same_group) / 2 - by_chance)
    assert told(found, "agreement with the next") == [1.0, pytest.approx(due), 1.0, None]


def test_a_planted_society_is_found_surely_and_a_null_one_is_not() -> None:
    world, nothing = (planted(people=300, communities=5, mixing=0.2, null=null, seed=2) for null in (False, True))
    sure, unsure = (sweep(society, resolutions=(1.0,), seeds=4) for society in (world, nothing))
    assert told(sure, "agreement of seeds", "low")[0] > 0.9
    assert told(unsure, "agreement of seeds", "high")[0] < 0.6
    best = adjusted_rand(leiden(world, seed=1), declared(world, column="planted")).value
    assert best > 0.9
    assert told(sure, "modularity")[0] == pytest.approx(modularity(world.ties, leiden(world, seed=1)), abs=0.01)


def test_resolutions_that_are_near_keep_their_names() -> None:
    found = sweep(nested(), resolutions=(1.0, 1.0000001), seeds=2)
    assert found["contrast"].unique(maintain_order=True).to_list() == ["resolution 1", "resolution 1.0000001"]


def test_ranges_hold_the_mean_and_threads_change_nothing() -> None:
    net = graph(planted(people=200, communities=4, mixing=0.5, seed=3).ties)
    found = sweep(net, louvain, resolutions=(2.0, 0.5), seeds=3, seed=9)
    assert found.equals(sweep(net, louvain, resolutions=(0.5, 2.0), seeds=3, seed=9))
    known = found.drop_nulls("estimate")
    assert (
        known.filter((pl.col("low") <= pl.col("estimate")) & (pl.col("estimate") <= pl.col("high"))).height
        == known.height
    )
    assert found["method"].unique().sort().to_list() == ["range over 0", "range over 3"]
    assert not found.equals(sweep(net, louvain, resolutions=(0.5, 2.0), seeds=3, seed=10))


def test_bad_keywords() -> None:
    for bad in ({"resolutions": ()}, {"resolutions": (1.0, 1.0)}, {"seeds": 1}):
        with pytest.raises(UsageError, match="due are resolutions, none twice, and two seeds or more"):
            sweep(nested(), **bad)
    with pytest.raises(UsageError, match="resolution=-1.0"):
        sweep(nested(), resolutions=(-1.0,))
