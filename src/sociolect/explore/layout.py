"""Where each person of a network stands on a plane, so that communities stand apart; and the few ties worth drawing."""

import numpy as np
from numpy.typing import NDArray

from sociolect.errors import UsageError
from sociolect.find.graph import Graph
from sociolect.seeds import substream

_SPACED = 400  # communities placed by forces; the time grows with the square
_ROOM = 1.25  # ours: a disc's area over what its people need, so that they are not stacked like bricks


def layout(net: Graph, labels: NDArray[np.int64], *, seed: int = 0) -> NDArray[np.float32]:
    """A place (n, 2) for each person, in [-1, 1]: each community a disc of its own, its people inside.

    A disc's area goes with its community's size. Discs that share more weight than chance stand near one another, and
    none overlaps. Inside, people start at the two slowest modes of the random walk (so parts of a community stand
    apart, and hubs stand in the middle), then ties pull and neighbours push, as in Fruchterman and Reingold 1991 with
    its grid. Beyond the 400 largest, communities stand in rings around the rest, and so does whoever is in none
    (a negative label). Distances between two people are no measure of anything.
    Same network, labels and seed: same places. Takes time in proportion to ties. Raises UsageError where labels are
    not one per person.

    >>> import polars as pl
    >>> pairs = np.array([[0, 1], [0, 2], [1, 2], [2, 3], [3, 4], [3, 5], [4, 5]])
    >>> net = Graph(pl.Series(list("abcdef")), pairs[:, 0], pairs[:, 1], np.ones(7))
    >>> at = layout(net, np.array([0, 0, 0, 1, 1, 1]))
    >>> at.shape, float(np.abs(at).max())
    ((6, 2), 1.0)
    """
    from sociolect.find.kernels.forces import settle, spectral

    n = net.persons.len()
    if labels.shape != (n,):
        raise UsageError(f"labels have shape {labels.shape}: due is one number per person, ({n},)")
    if not n:
        return np.zeros((0, 2), dtype=np.float32)
    label = _communities(labels)
    size = np.bincount(label)
    start, other, weight = _neighbours(net)
    radius = np.sqrt(_ROOM * size / np.pi)
    centre = _centres(net, label, radius, seed)
    places = substream(seed, "layout", "people").normal(size=(n, 2))
    spectral(start, other, weight, label, size, places, 60)
    places = centre[label] + _spread(places, label, size) * radius[label, None]
    settle(start, other, weight, label, centre, radius, places, 0.04, 0.12, 80)
    low, high = places.min(axis=0), places.max(axis=0)
    half = float((high - low).max()) / 2
    placed: NDArray[np.float32] = np.clip((places - (low + high) / 2) / (half or 1.0), -1, 1).astype(np.float32)
    return placed


def backbone(net: Graph, *, per_node: int = 4) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ties worth drawing, as two arrays of positions: each person's `per_node` strongest.

    Of equal weights, the tie to the person of smaller strength comes first: it tells more. A tie that one of its ends
    keeps is kept, so a hub may show more. Never more than `per_node` ties per person overall, in the order of the network.

    >>> import polars as pl
    >>> star = Graph(pl.Series(list("abcd")), np.array([0, 0, 0, 1]), np.array([1, 2, 3, 2]), np.array([5.0, 4, 3, 1]))
    >>> [side.tolist() for side in backbone(star, per_node=1)]
    [[0, 0, 0], [1, 2, 3]]
    """
    if per_node < 1:
        raise UsageError(f"per_node={per_node}: due is 1 or more")
    n, m = net.persons.len(), net.a.size
    ends, others = np.concatenate([net.a, net.b]), np.concatenate([net.b, net.a])
    edge, weight = np.tile(np.arange(m), 2), np.tile(net.weight, 2)
    strength = np.bincount(ends, weight, minlength=n)
    order = np.lexsort((others, strength[others], -weight, ends))
    degree = np.bincount(ends, minlength=n)
    rank = np.arange(2 * m) - np.repeat(np.cumsum(degree) - degree, degree)
    kept = np.unique(edge[order][rank < per_node])
    return net.a[kept], net.b[kept]


def _communities(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Community numbers from 0, the largest first; whoever has a negative label is one alone."""
    own = labels.astype(np.int64)
    none = np.flatnonzero(own < 0)
    own[none] = max(int(own.max()), 0) + 1 + np.arange(none.size)
    _, first, place, size = np.unique(own, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(size.size, dtype=np.int64)
    rank[np.lexsort((first, -size))] = np.arange(size.size)
    return rank[place]


def _neighbours(net: Graph) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The ties in compressed rows: where each person's begin, the other ends, and the weights."""
    ends = np.concatenate([net.a, net.b])
    order = np.argsort(ends, kind="stable")
    degree = np.bincount(ends, minlength=net.persons.len())
    start = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(degree)])
    return start, np.concatenate([net.b, net.a])[order], np.tile(net.weight, 2)[order]


def _centres(net: Graph, label: NDArray[np.int64], radius: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """The centre of each community's disc."""
    from sociolect.find.kernels.forces import discs

    k = min(radius.size, _SPACED)
    x, y = label[net.a], label[net.b]
    between = (x != y) & (x < k) & (y < k)
    shared = (
        np.bincount(x[between] * k + y[between], net.weight[between], minlength=k * k).astype(np.float64).reshape(k, k)
    )
    shared = shared + shared.T
    # over what chance would share, so that a large community does not draw everybody
    degree = shared.sum(axis=1)
    due = np.outer(degree, degree) / max(float(degree.sum()), 1e-300)
    pull = np.divide(shared, due, out=np.zeros_like(shared), where=due > 0)
    pull = np.minimum(pull / 4, 1)  # ours: four times what chance would share is as near as two can be
    turn = substream(seed, "layout", "communities").random() * 2 * np.pi
    # a sunflower: largest in the middle, each further one on the golden angle
    angle = turn + np.arange(k) * np.pi * (3 - np.sqrt(5))
    far = np.sqrt(np.cumsum(radius[:k] ** 2) - radius[0] ** 2)
    places = np.column_stack([far * np.cos(angle), far * np.sin(angle)])
    discs(places, radius[:k], pull, 300)
    return np.concatenate([places, _rings(places, radius, k)])


def _rings(places: NDArray[np.float64], radius: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Centres of the discs from the k-th on, in rings around those before."""
    out = np.zeros((radius.size - k, 2))
    if not out.size:
        return out
    places -= places.mean(axis=0)
    far = float((np.hypot(*places.T) + radius[:k]).max()) + 2 * radius[k] + 2
    angle, deep = 0.0, radius[k]
    for i, r in enumerate(radius[k:].tolist()):
        step = 2 * np.arcsin(min(1.0, 1.2 * r / far))
        if angle + step > 2 * np.pi:
            far, angle = far + 1.3 * (deep + r), 0.0
            deep = r
        out[i] = far * np.cos(angle + step / 2), far * np.sin(angle + step / 2)
        angle += step
    return out


def _spread(places: NDArray[np.float64], label: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.float64]:
    """The places with their distances from the middle made even within each community: a full disc of radius 1."""
    far = np.hypot(*places.T)
    order = np.lexsort((np.arange(label.size), far, label))
    rank = np.empty(label.size)
    rank[order] = np.arange(label.size) - np.repeat(np.cumsum(size) - size, size)
    due = np.sqrt((rank + 0.5) / size[label])
    times: NDArray[np.float64] = np.divide(due, far, out=np.zeros_like(far), where=far > 0)
    return places * times[:, None]
