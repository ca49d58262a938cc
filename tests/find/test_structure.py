from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.find.declared import declared
from sociolect.find.graph import graph
from sociolect.find.label_propagation import label_propagation
from sociolect.find.leiden import leiden
from sociolect.find.quality import modularity
from sociolect.find.structure import looks_random, null, structure
from sociolect.frames import Society
from sociolect.load.planted import planted


def tied(*pairs: str) -> Society:
    rows = [{"source": pair[0], "target": pair[1], "kind": "reply", "weight": 1.0} for pair in pairs]
    nobody, nothing = frames.people(frames.empty("people")), frames.posts(frames.empty("posts"))
    return Society(nobody, nothing, frames.ties(pl.DataFrame(rows)))


def test_the_null_keeps_degrees_weights_and_kinds_and_breaks_communities() -> None:
    world = planted(people=300, communities=5, mixing=0.1, seed=2)
    rewired = null(world, seed=1)
    before, after = graph(world.ties), graph(rewired.ties)
    assert after.persons.to_list() == before.persons.to_list()
    assert [np.bincount(np.r_[g.a, g.b]).tolist() for g in (after, before)] == [
        np.bincount(np.r_[before.a, before.b]).tolist()
    ] * 2
    assert sorted(after.weight) == sorted(before.weight)
    kept = rewired.ties.group_by("kind").agg(pl.col("weight").sum()).sort("kind")
    assert kept.equals(world.ties.group_by("kind").agg(pl.col("weight").sum()).sort("kind"))
    truth = declared(world, column="planted")
    assert modularity(world.ties, truth) > 0.6
    assert abs(modularity(rewired.ties, truth)) < 0.06
    assert not null(world, seed=2).ties.equals(rewired.ties)


def test_a_single_tie_and_a_triangle_are_random() -> None:
    for society in (tied("ab"), tied("ab", "bc", "ca")):
        assert null(society, seed=1).ties.select("source", "target").equals(society.ties.select(
            source=pl.min_horizontal("source", "target"), target=pl.max_horizontal("source", "target")
        ).sort("source", "target"))  # fmt: skip
        assert looks_random(structure(society, leiden, seeds=2, nulls=19))


def test_planted_communities_are_told_from_rewired_ties() -> None:
    for mixing in (0.1, 0.3):
        found = structure(planted(people=300, communities=5, mixing=mixing, seed=1), leiden, seeds=3, nulls=19)
        assert found.filter(contrast="found")["p"].to_list() == [0.05, 0.05]
        assert not looks_random(found)
        apart = found.pivot(on="contrast", index="measure", values="estimate").select("found", "rewired").rows()
        assert all(f > r + 0.1 for f, r in apart)


def test_in_the_null_p_is_spread_and_seeds_disagree() -> None:
    p, agreement, random = [], [], []
    for seed in range(15):
        world = planted(people=100, communities=3, null=True, seed=seed)
        found = structure(world, leiden, seeds=2, nulls=19, seed=seed)
        here = found.filter(contrast="found")
        p.append(here["p"][0])
        agreement.append(here["estimate"][1])
        random.append(looks_random(found))
    # of 15 draws of a uniform p, 4 or more at .05, or a mean this far from .525, come less than once in 100 such tests
    assert sum(value <= 0.05 for value in p) <= 3
    assert 0.3 < np.mean(p) < 0.75
    assert np.mean(agreement) < 0.35
    assert sum(random) >= 12


def test_agreement_between_seeds_is_low_in_a_null_of_600() -> None:
    found = structure(planted(people=600, communities=6, null=True, seed=5), leiden, seeds=4, nulls=2)
    assert found.filter(measure="agreement of seeds", contrast="found")["estimate"][0] <= 0.20
    assert found["n"].to_list() == [found["n"][0]] * 4
    assert found["n"][0] + found["left_out"][0] == 600


def test_one_community_has_nothing_above_the_null() -> None:
    found = structure(planted(people=150, communities=3, null=True, seed=1), label_propagation, seeds=2, nulls=19)
    assert looks_random(found)


def test_row_order_changes_no_byte() -> None:
    world = planted(people=200, communities=5, mixing=0.5, seed=2)
    other = replace(world, ties=frames.ties(world.ties.sample(fraction=1, shuffle=True, seed=3)))
    assert null(other, seed=5).ties.equals(null(world, seed=5).ties)
    due = structure(world, leiden, seeds=2, nulls=2, seed=5)
    assert structure(other, leiden, seeds=2, nulls=2, seed=5).equals(due)


def test_bad_keywords() -> None:
    with pytest.raises(UsageError, match="seeds=1"):
        structure(tied("ab"), leiden, seeds=1)
    with pytest.raises(UsageError, match="nulls=0"):
        structure(tied("ab"), leiden, nulls=0)
    with pytest.raises(UsageError, match="no kind of tie 'follow'"):
        null(tied("ab"), kinds="follow")
