from dataclasses import replace

import pytest

from sociolect import frames
from sociolect.errors import RefusedError
from sociolect.find.declared import declared
from sociolect.find.louvain import louvain
from sociolect.find.quality import adjusted_rand
from sociolect.load.planted import planted


@pytest.mark.parametrize(("mixing", "least"), [(0.1, 0.95), (0.3, 0.80)])
def test_planted_communities_are_found(mixing: float, least: float) -> None:
    for seed in range(5):
        world = planted(people=600, communities=6, mixing=mixing, seed=seed)
        assert adjusted_rand(louvain(world, seed=seed), declared(world, column="planted")).value >= least


def test_nothing_is_found_in_the_null() -> None:
    world = planted(people=600, communities=6, null=True, seed=1)
    assert abs(adjusted_rand(louvain(world), declared(world, column="planted")).value) < 0.03


def test_row_order_changes_nothing_and_the_seed_does() -> None:
    world = planted(people=300, communities=5, null=True, seed=2)
    rows = frames.ties(world.ties.sample(fraction=1, shuffle=True, seed=3))
    assert louvain(replace(world, ties=rows), seed=7).equals(louvain(world, seed=7))
    assert not louvain(world, seed=8).equals(louvain(world, seed=7))


def test_resolution_splits() -> None:
    world = planted(people=200, communities=4, mixing=0.1, seed=1)
    assert louvain(world, resolution=0.01)["community"].n_unique() == 1
    assert louvain(world, resolution=8.0)["community"].n_unique() > 8


def test_no_ties_is_refused() -> None:
    world = planted(people=60, communities=2, seed=1)
    with pytest.raises(RefusedError, match="no communities can be found: there is no tie"):
        louvain(replace(world, ties=frames.ties(frames.empty("ties"))))
