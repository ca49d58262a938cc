"""The layout: communities stand apart, hubs stand inside, and the same network makes the same picture."""

import time

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from sociolect.errors import UsageError
from sociolect.explore.layout import backbone, layout
from sociolect.find.graph import Graph

Ints = NDArray[np.int64]


def _net(n: int, a: Ints, b: Ints, weight: NDArray[np.float64] | None = None) -> Graph:
    key, first = np.unique(np.minimum(a, b) * n + np.maximum(a, b), return_index=True)
    a, b = np.divmod(key, n)
    keep = a != b
    weight = np.ones(key.size) if weight is None else weight[first]
    return Graph(pl.Series([f"{i:07}" for i in range(n)]), a[keep], b[keep], weight[keep])


def _planted(k: int, size: int, inside: int, outside: int, seed: int = 0) -> tuple[Graph, Ints]:
    """k communities; each person draws ties inside (partners by popularity: rank ** -.7) and outside."""
    rng = np.random.default_rng(seed)
    n = k * size
    label = np.arange(n) // size
    popular = np.arange(1, size + 1) ** -0.7
    one = np.repeat(np.arange(n), inside)
    other = label[one] * size + rng.choice(size, one.size, p=popular / popular.sum())
    far = np.repeat(np.arange(n), outside)
    a, b = np.concatenate([one, far]), np.concatenate([other, rng.integers(0, n, far.size)])
    return _net(n, a, b), label


def _discs(at: NDArray[np.float32], label: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    k = int(label.max()) + 1
    centre = np.stack([at[label == c].mean(axis=0) for c in range(k)])
    return centre, np.array([np.hypot(*(at[label == c] - centre[c]).T).max() for c in range(k)])


def test_no_community_stands_in_another() -> None:
    net, label = _planted(12, 80, 6, 1)
    at = layout(net, label)
    # the nearest two people of different communities are further apart than a usual pair of nearest people
    gaps = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    other = label[:, None] != label[None]
    np.fill_diagonal(gaps, np.inf)
    assert gaps[other].min() > 1.2 * np.median(gaps.min(axis=1))
    centre, radius = _discs(at, label)
    far = np.hypot(*(centre[:, None] - centre[None]).transpose(2, 0, 1))
    assert (far + np.eye(12) * 9 > 0.9 * (radius[:, None] + radius[None])).all()


def test_the_nearest_neighbour_is_of_ones_own_community() -> None:
    net, label = _planted(12, 80, 6, 1)
    at = layout(net, label)
    gaps = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    np.fill_diagonal(gaps, np.inf)
    assert (label[gaps.argmin(axis=1)] == label).all()


def test_hubs_stand_inside_their_community() -> None:
    net, label = _planted(6, 200, 6, 1)
    at = layout(net, label)
    degree = np.bincount(np.concatenate([net.a, net.b]), minlength=label.size)
    centre, radius = _discs(at, label)
    far = np.hypot(*(at - centre[label]).T) / radius[label]
    hubs = np.arange(label.size) % 200 < 10
    assert degree[hubs].mean() > 3 * degree[~hubs].mean()
    assert far[hubs].mean() < 0.75 * far[~hubs].mean()


def test_two_halves_of_one_community_part() -> None:
    net, half = _planted(2, 150, 8, 0)
    bridge = np.arange(0, 150, 10)
    net = _net(300, np.concatenate([net.a, bridge]), np.concatenate([net.b, bridge + 150]))
    at = layout(net, np.zeros(300, dtype=np.int64))
    centre, _ = _discs(at, half)
    nearest = np.hypot(*(at[:, None] - centre[None]).transpose(2, 0, 1)).argmin(axis=1)
    assert (nearest == half).mean() > 0.97


def test_communities_that_share_ties_stand_near_one_another() -> None:
    # a path of ten communities: neighbours on it are nearer than others
    rng = np.random.default_rng(3)
    label = np.arange(500) // 50
    inside = np.arange(500).repeat(6)
    a, b = inside, label[inside] * 50 + rng.integers(0, 50, inside.size)
    chain = np.arange(450).repeat(2)
    net = _net(500, np.concatenate([a, chain]), np.concatenate([b, chain + 50]))
    centre, _ = _discs(layout(net, label), label)
    far = np.hypot(*(centre[:, None] - centre[None]).transpose(2, 0, 1))
    steps = np.abs(np.arange(10)[:, None] - np.arange(10)[None])
    assert 1.5 * far[steps == 1].mean() < far[steps > 1].mean()


def test_an_area_is_a_size() -> None:
    sizes = np.array([400, 100, 25])
    label = np.repeat(np.arange(3), sizes)
    rng = np.random.default_rng(0)
    first = (np.cumsum(sizes) - sizes)[label]
    a = np.arange(label.size).repeat(8)
    b = first[a] + (rng.random(a.size) * sizes[label[a]]).astype(np.int64)
    _, radius = _discs(layout(_net(label.size, a, b), label), label)
    np.testing.assert_allclose(radius[:2] / radius[1:], [2, 2], rtol=0.35)


def test_same_network_same_picture_and_another_seed_another() -> None:
    net, label = _planted(8, 60, 5, 1)
    first = layout(net, label, seed=4)
    assert first.tobytes() == layout(net, label, seed=4).tobytes()
    assert not np.allclose(first, layout(net, label, seed=5))


def test_names_of_communities_do_not_matter() -> None:
    net, label = _planted(5, 40, 5, 1)
    assert layout(net, label).tobytes() == layout(net, 100 - 7 * label).tobytes()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 700])
def test_people_without_a_tie_and_without_a_community(n: int) -> None:
    nobody = np.zeros(0, dtype=np.int64)
    at = layout(_net(max(n, 1), nobody, nobody)._replace(persons=pl.Series([str(i) for i in range(n)])), np.full(n, -1))
    assert at.shape == (n, 2)
    assert at.dtype == np.float32
    assert (np.abs(at) <= 1).all()
    assert np.unique(at, axis=0).shape[0] == n


def test_many_small_communities_and_those_in_none_stand_in_rings_around_the_large_ones() -> None:
    net, label = _planted(4, 100, 6, 0)
    pairs = 400 + np.arange(1200)
    a, b = np.concatenate([net.a, pairs[::2]]), np.concatenate([net.b, pairs[1::2]])
    label = np.concatenate([label, 4 + np.arange(500).repeat(2), np.full(200, -1)])
    at = layout(_net(1600, a, b), label)
    assert np.unique(at, axis=0).shape[0] == 1600
    far = np.hypot(*at.T)
    assert far[label == -1].min() > far[:400].max()


def test_people_stand_apart_where_all_are_tied_to_all() -> None:
    a, b = np.triu_indices(60, 1)
    at = layout(_net(60, a, b), np.zeros(60, dtype=np.int64))
    gaps = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)) + np.eye(60) * 9
    assert gaps.min() > 0.05


def test_nobody_leaves_the_disc_however_strong_the_pull() -> None:
    from sociolect.find.kernels.forces import settle

    start, other = np.arange(3), np.array([1, 0])  # two people, tied, of two communities
    centre, radius = np.array([[0.0, 0.0], [30.0, 0.0]]), np.array([2.0, 3.0])
    at = centre.copy()
    settle(start, other, np.ones(2), np.arange(2), centre, radius, at, 0.05, 1.0, 80)
    np.testing.assert_allclose(at, [[2, 0], [27, 0]], atol=1e-9)


def test_the_wrong_number_of_labels_is_refused() -> None:
    with pytest.raises(UsageError, match=r"labels have shape \(3,\): due is one number per person, \(2,\)"):
        layout(_net(2, np.array([0]), np.array([1])), np.zeros(3, dtype=np.int64))


def test_tens_of_thousands_are_placed_in_seconds() -> None:
    net, label = _planted(10, 1000, 10, 2)
    layout(*_planted(2, 10, 2, 1))
    begun = time.process_time()
    layout(net, label)
    assert time.process_time() - begun < 6  # measured: about .6


def test_backbone_keeps_the_strongest_of_each_and_never_more_than_due() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 200, 3000), rng.integers(0, 200, 3000)
    net = _net(200, a, b, rng.permutation(3000).astype(np.float64) + 1)
    kept = set(zip(*(side.tolist() for side in backbone(net, per_node=3)), strict=True))
    due = set()
    for i in range(200):
        mine = np.flatnonzero((net.a == i) | (net.b == i))
        best = mine[np.argsort(-net.weight[mine])][:3]
        due |= set(zip(net.a[best].tolist(), net.b[best].tolist(), strict=True))
    assert kept == due
    assert len(kept) <= 600


def test_backbone_of_equal_weights_takes_the_rarer_partner() -> None:
    # 0 is tied to the hub 1 and to 2, who has one more tie; 1 has three more
    net = _net(7, np.array([0, 0, 1, 1, 1, 2]), np.array([1, 2, 3, 4, 5, 6]))
    kept = set(zip(*(side.tolist() for side in backbone(net, per_node=1)), strict=True))
    assert (0, 2) in kept
    assert (0, 1) not in kept


def test_backbone_of_nothing_and_of_a_bad_number() -> None:
    nobody = np.zeros(0, dtype=np.int64)
    assert [side.size for side in backbone(_net(3, nobody, nobody))] == [0, 0]
    with pytest.raises(UsageError, match="per_node=0: due is 1 or more"):
        backbone(_net(3, nobody, nobody), per_node=0)
