"""The inner loops of Louvain and Leiden: a network in compressed rows, moving, refining, folding.

Source: Blondel et al. 2008, doi 10.1088/1742-5468/2008/10/P10008; Traag, Waltman, van Eck 2019, doi 10.1038/s41598-019-41695-z, algorithm A.2.
A community's number is below the number of nodes. `pull` is resolution / (2 m): joining a community of summed degrees K costs a
node of degree k the weight pull k K.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sociolect.find.kernels import kernel

Ints = npt.NDArray[np.uint32]  # unsigned: an index below 0 need not be looked for
Floats = npt.NDArray[np.float64]
_HAIR = 1e-10  # of a node's degree: rounding is no gain


@kernel
def rows(a: Any, b: Any, weight: Floats, n: int) -> Any:
    """The compressed rows of undirected edges: where each node's neighbours begin, who they are, and the weights."""
    start = np.zeros(n + 1, np.uint64)
    for e in range(a.size):
        start[a[e] + 1] += np.uint64(1)
        start[b[e] + 1] += np.uint64(1)
    for v in range(n):
        start[v + 1] += start[v]
    at = start[:-1].copy()
    other = np.empty(2 * a.size, np.uint32)
    heavy = np.empty(2 * a.size, np.float64)
    for e in range(a.size):
        x, y = a[e], b[e]
        other[at[x]], heavy[at[x]] = y, weight[e]
        other[at[y]], heavy[at[y]] = x, weight[e]
        at[x] += np.uint64(1)
        at[y] += np.uint64(1)
    return start, other, heavy


@kernel
def moved(
    start: Any, other: Ints, weight: Floats, degree: Floats, labels: Ints, pull: float, order: Any, again: bool
) -> int:
    """Move each node in turn to the community that gains most, until none would; `labels` changes in place.

    Who has a neighbour that moved away is asked again; with `again` everybody is, until nobody moves. Comes back: how often
    somebody moved.
    """
    n = degree.size
    total = np.zeros(n, np.float64)
    size = np.zeros(n, np.int64)
    for v in range(n):
        total[labels[v]] += degree[v]
        size[labels[v]] += 1
    free = np.empty(n, np.uint32)
    frees = 0
    for c in range(n):
        if size[c] == 0:
            free[frees] = c
            frees += 1
    waiting = np.ones(n, np.bool_)
    queue = order.copy()
    head, length, moves, before = 0, n, 0, 0
    shared = np.zeros(n, np.float64)
    met = np.empty(n + 1, np.uint32)
    while True:
        if length == 0:
            if not again or moves == before:
                break
            queue[:] = order
            waiting[:] = True
            head, length, before = 0, n, moves
        v = queue[head]
        head = head + 1 if head + 1 < n else 0
        length -= 1
        waiting[v] = False
        home, k, mets = labels[v], degree[v], 0
        for e in range(start[v], start[v + 1]):
            c = labels[other[e]]
            met[mets] = c
            mets += shared[c] == 0.0  # counted without a branch, which would be guessed wrong half of the time
            shared[c] += weight[e]
        cost = pull * k
        best, most = home, shared[home] - cost * (total[home] - k)
        hair = _HAIR * k
        for i in range(mets):
            c = met[i]
            gain = shared[c] - cost * total[c]
            if c != home and gain > most + hair:
                best, most = c, gain
            shared[c] = 0.0
        if most < -hair and size[home] > 1:  # alone is better than anywhere
            frees -= 1
            best = free[frees]
        if best != home:
            moves += 1
            total[home] -= k
            size[home] -= 1
            total[best] += k
            size[best] += 1
            labels[v] = best
            if size[home] == 0:
                total[home] = 0.0  # no crumb of rounding stays
                free[frees] = home
                frees += 1
            for e in range(start[v], start[v + 1]):
                u = other[e]
                if not waiting[u] and labels[u] != best:
                    waiting[u] = True
                    at = head + length
                    queue[at if at < n else at - n] = u
                    length += 1
    return moves


@kernel
def refined(
    start: Any,
    other: Ints,
    weight: Floats,
    degree: Floats,
    labels: Ints,
    pull: float,
    order: Any,
    heat: float,
    seed: Any,
) -> Ints:
    """Each community taken apart into parts that hang together: who stands alone joins a part of its own community.

    Only well-connected nodes join, and only well-connected parts are joined; among those that lose nothing one is drawn with
    chances proportional to exp(gain / heat).
    """
    n = degree.size
    whole = np.zeros(n, np.float64)
    for v in range(n):
        whole[labels[v]] += degree[v]
    part = np.arange(n).astype(np.uint32)
    total = degree.copy()
    size = np.ones(n, np.int64)
    cut = np.zeros(n, np.float64)
    for v in range(n):
        for e in range(start[v], start[v + 1]):
            if labels[other[e]] == labels[v]:
                cut[v] += weight[e]
    shared = np.zeros(n, np.float64)
    met = np.empty(n + 1, np.uint32)
    chance = np.empty(n, np.float64)
    state = np.uint64(seed)
    for v in order:
        home, k = labels[v], degree[v]
        if size[part[v]] != 1 or cut[v] < pull * k * (whole[home] - k) - _HAIR * k:
            continue
        mets = 0
        for e in range(start[v], start[v + 1]):
            u = other[e]
            if labels[u] == home:
                r = part[u]
                met[mets] = r
                mets += shared[r] == 0.0
                shared[r] += weight[e]
        most = 0.0
        for i in range(mets):
            r = met[i]
            gain = shared[r] - pull * k * total[r]
            fits = gain >= 0.0 and cut[r] >= pull * total[r] * (whole[home] - total[r]) - _HAIR * total[r]
            chance[i] = gain if fits else -1.0
            most = max(most, chance[i])
        everything = 0.0
        for i in range(mets):
            if chance[i] >= 0.0:
                everything += np.exp((chance[i] - most) / heat)
        if everything > 0.0:
            state += np.uint64(0x9E3779B97F4A7C15)  # splitmix64
            z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            left = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53 * everything
            best = part[v]
            for i in range(mets):
                if chance[i] >= 0.0:
                    best = met[i]
                    left -= np.exp((chance[i] - most) / heat)
                    if left < 0.0:
                        break
            cut[best] += cut[v] - 2.0 * shared[best]
            total[best] += k
            size[best] += 1
            size[part[v]] = 0
            part[v] = best
        for i in range(mets):
            shared[met[i]] = 0.0
    return part


@kernel
def dense(labels: Ints) -> int:
    """Number the communities anew from 0 in the order they are met, in place; comes back: how many."""
    new = np.full(labels.size, labels.size, np.uint32)
    n = 0
    for v in range(labels.size):
        if new[labels[v]] == labels.size:
            new[labels[v]] = n
            n += 1
        labels[v] = new[labels[v]]
    return n


@kernel
def folded(start: Any, other: Ints, weight: Floats, degree: Floats, part: Ints, n: int) -> Any:
    """The network whose nodes are the `n` parts: compressed rows without self ties, and summed degrees."""
    first = np.zeros(n + 1, np.int64)
    for v in range(part.size):
        first[part[v] + 1] += 1
    for c in range(n):
        first[c + 1] += first[c]
    at = first[:-1].copy()
    inside = np.empty(part.size, np.uint32)
    for v in range(part.size):
        inside[at[part[v]]] = v
        at[part[v]] += 1
    shared = np.zeros(n, np.float64)
    met = np.empty(n + 1, np.uint32)
    begin = np.zeros(n + 1, np.uint64)
    neighbour = np.empty(other.size, np.uint32)
    heavy = np.empty(other.size, np.float64)
    summed = np.zeros(n, np.float64)
    end = 0
    for c in range(n):
        mets = 0
        for i in range(first[c], first[c + 1]):
            v = inside[i]
            summed[c] += degree[v]
            for e in range(start[v], start[v + 1]):
                d = part[other[e]]
                met[mets] = d
                mets += shared[d] == 0.0
                shared[d] += weight[e]
        for i in range(mets):
            d = met[i]
            if d != c:
                neighbour[end], heavy[end] = d, shared[d]
                end += 1
            shared[d] = 0.0
        begin[c + 1] = end
    return begin, neighbour[:end].copy(), heavy[:end].copy(), summed


@kernel
def lost(start: Any, other: Ints, weight: Floats, degree: Floats, labels: Ints, pull: float) -> float:
    """The weight of the ties between communities, both ways, and what their degrees cost: modularity is 1 - lost / 2 m.

    Ties within a node count for nothing here, so a folded network gives what the network it was folded from would.
    """
    total = np.zeros(degree.size, np.float64)
    between = 0.0
    for v in range(degree.size):
        total[labels[v]] += degree[v]
        for e in range(start[v], start[v + 1]):
            if labels[other[e]] != labels[v]:
                between += weight[e]
    for c in range(degree.size):
        between += pull * total[c] * total[c]
    return between
