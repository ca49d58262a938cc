from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.find.consensus import consensus
from sociolect.find.declared import declared
from sociolect.find.graph import graph
from sociolect.find.leiden import leiden
from sociolect.find.louvain import louvain
from sociolect.find.quality import adjusted_rand, modularity
from sociolect.frames import Members, Society
from sociolect.load.planted import planted


def tied(*pairs: str) -> Society:
    rows = [{"source": pair[0], "target": pair[1], "kind": "reply", "weight": 1.0} for pair in pairs]
    nobody, nothing = frames.people(frames.empty("people")), frames.posts(frames.empty("posts"))
    return Society(nobody, nothing, frames.ties(pl.DataFrame(rows)))


def scripted(*runs: dict[str, str]) -> partial[Members]:
    """A finder that says these partitions in turn."""
    said = iter(runs * 99)

    def find(society: Society, *, seed: int) -> Members:
        run = next(said)
        return frames.members(pl.DataFrame({"person": list(run), "community": list(run.values())}))

    return partial(find)


def test_planted_communities_are_agreed_on() -> None:
    world = planted(people=600, communities=6, mixing=0.1, seed=1)
    found = consensus(louvain, world, seeds=5)
    assert adjusted_rand(found, declared(world, column="planted")).value >= 0.95
    assert found["stability"].min() > 0.6  # type: ignore[operator]  # a column of numbers has a smallest one
    assert found["stability"].mean() > 0.98  # type: ignore[operator]


def test_consensus_is_nearer_the_truth_than_the_runs_are() -> None:
    world = planted(people=600, communities=6, mixing=0.4, seed=2)
    truth = declared(world, column="planted")
    runs = [adjusted_rand(louvain(world, seed=s), truth).value for s in range(10)]
    assert adjusted_rand(consensus(louvain, world), truth).value > np.mean(runs)


def test_the_null_is_unstable() -> None:
    found = consensus(leiden, planted(people=400, communities=6, null=True, seed=1), seeds=5)
    assert found["stability"].mean() < 0.5  # type: ignore[operator]
    assert found["stability"].is_between(0, 1).all()


def test_stability_by_hand() -> None:
    # c is with a and b in two runs of three, and d, e with c in one
    society = tied("ab", "bc", "ca", "cd", "de", "ec")
    most = {"a": "x", "b": "x", "c": "x", "d": "y", "e": "y"}
    other = {"a": "1", "b": "1", "c": "2", "d": "2", "e": "2"}
    found = consensus(scripted(most, other, most), society, seeds=3, rounds=0)
    assert found["community"].to_list() == ["c00", "c00", "c00", "c01", "c01"]
    assert found["stability"].to_list() == [pytest.approx(v) for v in (5 / 6, 5 / 6, 2 / 3, 1.0, 1.0)]


def test_whoever_the_finder_leaves_out_is_no_member() -> None:
    some = {"a": "x", "b": "x"}
    found = consensus(scripted(some, some | {"c": "y"}), tied("ab", "bc"), seeds=2, rounds=0)
    assert found.filter(pl.col("person") != "c").rows() == [("a", "c00", 1.0), ("b", "c00", 1.0)]


def test_a_community_that_every_run_has_whole_is_not_shattered() -> None:
    # on tied pairs alone, dropping what is between communities makes a sparse one fall apart at the next finding
    r = np.random.default_rng(3)
    rows = [(f"p{a:03}", f"p{b:03}") for a, b in r.integers(0, 200, (500, 2)) if a != b]
    frame = pl.DataFrame(rows, schema=["source", "target"], orient="row").unique()
    society = replace(tied("ab"), ties=frames.ties(frame.with_columns(kind=pl.lit("x"), weight=pl.lit(1.0))))
    found = consensus(leiden, society, seeds=5)
    runs = [leiden(society, seed=s) for s in range(5)]
    assert modularity(society.ties, found) > min(modularity(society.ties, run) for run in runs) - 0.01
    assert found["community"].n_unique() <= max(run["community"].n_unique() for run in runs) + 1


def test_row_order_changes_no_byte() -> None:
    world = planted(people=200, communities=5, mixing=0.5, seed=2)
    other = replace(world, ties=frames.ties(world.ties.sample(fraction=1, shuffle=True, seed=3)))
    assert consensus(leiden, other, seeds=3, seed=5).equals(consensus(leiden, world, seeds=3, seed=5))


def test_a_finder_of_one_kind() -> None:
    world = planted(people=200, communities=4, mixing=0.1, degree=20.0, seed=2)
    found = consensus(partial(leiden, kinds="reply"), world, seeds=3, kinds="reply")
    tied_so = graph(world.ties, kinds="reply").persons
    assert found["person"].to_list() == tied_so.to_list()
    assert adjusted_rand(found, declared(world, column="planted")).value > 0.8


def test_bad_keywords() -> None:
    with pytest.raises(UsageError, match="seeds=1"):
        consensus(leiden, tied("ab"), seeds=1)
    with pytest.raises(UsageError, match="threshold=0"):
        consensus(leiden, tied("ab"), threshold=0)
    with pytest.raises(UsageError, match="no kind of tie 'follow'"):
        consensus(leiden, tied("ab"), kinds="follow")
