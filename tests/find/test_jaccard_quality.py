"""Each measure against a closed form, networkx, or all subsets of a small community."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find.jaccard_quality import jaccard_quality, quality_of
from sociolect.find.lsh import Index, index
from sociolect.find.minhash import signatures
from sociolect.load.planted_follows import planted_follows

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def lsh() -> Index:
    world = planted_follows(people=300, fans=1200, communities=3, size=40, seed=1)
    return index(signatures(world.ties.select(account="target", element="source"), hashes=200), bands=100)


def test_weights_inside_and_out_are_those_of_the_whole_matrix(lsh: Index) -> None:
    values, accounts = lsh.signatures.values, lsh.signatures.accounts
    whole = (values[:, None] == values[None]).mean(axis=2)
    some = np.array([3, 17, 44, 45, 200])
    outside = np.setdiff1d(np.arange(len(values)), some)
    found = jaccard_quality(lsh, accounts.gather(some[::-1]).to_list())
    m, c = whole[np.ix_(some, some)][np.triu_indices(5, 1)].sum(), whole[np.ix_(some, outside)].sum()
    assert found.n == 5
    assert (found.internal, found.external) == pytest.approx((m, c), abs=1e-9)
    assert found.density == pytest.approx(m / 10)
    assert found.separability == pytest.approx(m / c)
    assert found.conductance == pytest.approx(c / (2 * m + c))
    # networkx's conductance is over the smaller side, which the community is
    net = nx.from_numpy_array(whole - np.eye(len(whole)))
    assert found.conductance == pytest.approx(nx.conductance(net, some.tolist(), weight="weight"), abs=1e-9)


def test_a_planted_community_is_better_than_a_random_one(lsh: Index) -> None:
    world = planted_follows(people=300, fans=1200, communities=3, size=40, seed=1)
    ids = lsh.signatures.accounts
    truth = world.people.filter(planted="c1")["person"].to_list()
    found = jaccard_quality(lsh, truth)
    drawn = jaccard_quality(lsh, ids.sample(40, seed=1).to_list())
    assert found.density > 2 * drawn.density
    assert found.conductance is not None
    assert drawn.conductance is not None
    assert found.conductance < drawn.conductance - 0.1
    assert found.clustering is not None
    assert drawn.clustering is not None
    assert found.clustering > drawn.clustering


def test_closed_forms_of_a_clique() -> None:
    n, w = 6, 0.3
    found = quality_of(np.full((n, n), w), external=4.5)
    m = w * 15
    assert found.internal == pytest.approx(m)
    assert found.density == pytest.approx(w)
    assert found.separability == pytest.approx(1.0)
    assert found.conductance == pytest.approx(4.5 / (2 * m + 4.5))
    assert found.clustering == pytest.approx(w * (n - 2) / (n - 1))
    # a clique is cut best in halves: 9 pairs of 2 x 9 + 2 x 3 ends
    assert found.cohesiveness == pytest.approx(9 / 15)
    assert found.conductance_ratio == pytest.approx((4.5 / (2 * m + 4.5)) / 0.6)


def test_clustering_without_weights_is_made_of_triangles() -> None:
    net = nx.karate_club_graph()
    weights = nx.to_numpy_array(net, weight=None)
    triangles, degree = nx.triangles(net), dict(net.degree())
    due = np.mean([2 * triangles[v] / degree[v] ** 2 for v in net])
    assert quality_of(weights, external=0.0).clustering == pytest.approx(due, abs=1e-12)


def lowest(weights: Floats) -> float:
    """The smallest conductance over all subsets."""
    net = nx.from_numpy_array(weights)
    n = len(weights)
    parts = (part for k in range(1, n // 2 + 1) for part in combinations(range(n), k))
    return min(float(nx.conductance(net, part, weight="weight")) for part in parts)


def test_cohesiveness_is_the_best_cut_of_two_cliques_and_never_below_it() -> None:
    two: Floats = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    two[0, 5] = two[5, 0] = 0.5
    assert quality_of(two, external=1.0).cohesiveness == pytest.approx(0.5 / 20.5) == pytest.approx(lowest(two))
    for seed in range(4):
        rng = np.random.default_rng(seed)
        some: Floats = np.triu(rng.random((9, 9)) * (rng.random((9, 9)) < 0.5), 1)
        some += some.T
        found = quality_of(some, external=1.0, seed=seed).cohesiveness
        assert found is not None
        assert lowest(some) - 1e-12 <= found <= 1


def test_parts_that_nothing_joins_have_no_cohesiveness_left_and_no_ratio() -> None:
    two = np.kron(np.eye(2), np.ones((4, 4))).astype(np.float64)
    apart = quality_of(two, external=2.0)
    assert apart.cohesiveness == 0.0
    assert apart.conductance_ratio is None


def test_absent_is_null() -> None:
    nothing = quality_of(np.eye(3), external=0.0)
    assert (nothing.internal, nothing.density) == (0.0, 0.0)
    assert (nothing.separability, nothing.conductance, nothing.cohesiveness, nothing.clustering) == (None,) * 4
    alone = quality_of(np.ones((3, 3)), external=0.0)
    assert (alone.separability, alone.conductance, alone.conductance_ratio) == (None, 0.0, 0.0)
    far = quality_of(np.eye(3), external=2.0)
    assert (far.separability, far.conductance) == (0.0, 1.0)


def test_the_seed_decides_the_sweeps() -> None:
    rng = np.random.default_rng(5)
    some = np.triu(rng.random((60, 60)) * (rng.random((60, 60)) < 0.1), 1)
    runs = [quality_of(some + some.T, external=1.0, seed=s).cohesiveness for s in (1, 1, 2, 3, 4)]
    assert runs[0] == runs[1]
    assert len(set(runs)) > 1


def test_what_has_no_quality_is_said(lsh: Index) -> None:
    with pytest.raises(RefusedError, match="a community of 1 account has no pair inside"):
        jaccard_quality(lsh, [lsh.signatures.accounts[0]] * 2)
    with pytest.raises(UsageError, match="no account 'nobody' in the index"):
        jaccard_quality(lsh, ["nobody"])
    with pytest.raises(RefusedError, match="a community of 1 has no pair inside"):
        quality_of(np.ones((1, 1)), external=0.0)
    for bad in (np.ones((2, 3)), np.array([[0.0, 1.0], [0.5, 0.0]])):
        with pytest.raises(InputError, match="due is a square, and symmetric"):
            quality_of(bad, external=0.0)
    with pytest.raises(InputError, match="not finite and 0 or above"):
        quality_of(-np.ones((2, 2)), external=0.0)
    with pytest.raises(InputError, match="not finite and 0 or above"):
        quality_of(np.ones((2, 2)), external=float("inf"))
