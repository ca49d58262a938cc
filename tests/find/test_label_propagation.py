from dataclasses import replace

import pytest

from sociolect import frames
from sociolect.errors import RefusedError
from sociolect.find.declared import declared
from sociolect.find.label_propagation import label_propagation
from sociolect.find.quality import adjusted_rand
from sociolect.load.planted import planted


def test_planted_communities_are_found() -> None:
    for seed in range(5):
        world = planted(people=600, communities=6, mixing=0.1, seed=seed)
        assert adjusted_rand(label_propagation(world, seed=seed), declared(world, column="planted")).value >= 0.9


def test_the_null_is_one_community() -> None:
    found = label_propagation(planted(people=600, communities=6, null=True, seed=1))
    assert found.filter(community="c00").height >= 590


def test_row_order_changes_nothing() -> None:
    world = planted(people=300, communities=5, mixing=0.3, seed=2)
    rows = frames.ties(world.ties.sample(fraction=1, shuffle=True, seed=3))
    assert label_propagation(replace(world, ties=rows), seed=7).equals(label_propagation(world, seed=7))


def test_no_ties_is_refused() -> None:
    world = planted(people=60, communities=2, seed=1)
    with pytest.raises(RefusedError, match="no communities can be found: there is no tie"):
        label_propagation(replace(world, ties=frames.ties(frames.empty("ties"))))
