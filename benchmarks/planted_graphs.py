"""Planted networks of any size for the benchmarks: power-law degrees and communities, a share of the ties across."""

import numpy as np
import numpy.typing as npt

from sociolect.seeds import substream

Ints = npt.NDArray[np.int64]


def planted_graph(
    edges: int, *, mean_degree: float = 20.0, mixing: float = 0.3, seed: int = 0
) -> tuple[Ints, Ints, Ints]:
    """Both ends of `edges` ties (a < b, none twice), and the planted community of each of the people.

    Degrees follow a power law of exponent 2.5, sizes of communities one of exponent 1.5 between 20 and 2,000; each end of a
    tie lies across with chance `mixing` (Lancichinetti, Fortunato, Radicchi 2008, doi 10.1103/PhysRevE.78.046110, by matching stubs at random).
    """
    random = substream(seed, "planted graph", edges)
    n = round(2 * edges / mean_degree)
    sizes = np.minimum(20 * (1 - random.random(n // 20 + 1)) ** -2.0, 2000).astype(np.int64)
    upto = np.searchsorted(np.cumsum(sizes), n)
    community = np.repeat(np.arange(upto + 1), sizes[: upto + 1])[:n]
    degree = np.minimum((1 - random.random(n)) ** (-1 / 1.5), n**0.5)
    degree *= 2.3 * edges / degree.sum()  # a tenth of the stubs meet themselves, or a pair twice
    stubs = np.repeat(np.arange(n), random.poisson(degree))
    across = random.random(stubs.size) < mixing
    pairs = [_matched(stubs[across], np.zeros(int(across.sum()), np.int64), random)]
    pairs.append(_matched(stubs[~across], community[stubs[~across]], random))
    a, b = np.concatenate(pairs, axis=1)
    keep = a != b
    a, b = np.minimum(a, b)[keep], np.maximum(a, b)[keep]
    key = np.unique(a * n + b)
    key = random.permutation(key)[:edges]
    named = random.permutation(n)  # so that a number says nothing of the community
    a, b = named[key // n], named[key % n]
    of = np.empty(n, np.int64)
    of[named] = community
    return np.minimum(a, b), np.maximum(a, b), of


def _matched(stubs: Ints, group: Ints, random: np.random.Generator) -> Ints:
    """Stubs paired at random within their groups; an odd one out is left."""
    order = np.lexsort((random.random(stubs.size), group))
    stubs, group = stubs[order], group[order]
    place = np.arange(stubs.size) - np.searchsorted(group, group)
    first = np.flatnonzero((place % 2 == 0) & (np.append(group[1:], -1) == group))
    return np.stack([stubs[first], stubs[first + 1]])
