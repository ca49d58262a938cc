"""Comments of tone words among plain ones, each drawn from a stream of its own, tens of thousands in a second."""

from functools import cache

import numpy as np
import numpy.typing as npt

from sociolect import tones
from sociolect.load.planted_pairs_words import LONGEST, SHORTEST, filler

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_MOST = 60  # words of one tone: where its rate is so high, a comment is all of that tone anyway
_GOLDEN = 0x9E3779B97F4A7C15


def written(rates: Floats, stream: npt.NDArray[np.uint64], noise: float) -> list[str]:
    """A text for each row of log rates (n, 8, in the order of `TONES`), of 60 to 90 words, more where its tones alone are.

    Counts of tone words are Poisson with mean exp(rate + N(0, noise)) x length; plain words fill the rest, and all stand in
    random order, as planted people's do. All chance comes out of the row's own stream: rows change nothing of each other.
    """
    n, k = rates.shape
    u = _uniform(stream[:, None], np.arange(3 * k + 1, dtype=np.uint64)[None, :])
    normal = np.sqrt(-2 * np.log1p(-u[:, :k])) * np.cos(2 * np.pi * u[:, k : 2 * k])  # Box and Muller 1958
    length = SHORTEST + (u[:, -1] * (LONGEST - SHORTEST + 1)).astype(np.int64)
    counts = _poisson(np.exp(rates + noise * normal) * length[:, None], u[:, 2 * k : 3 * k])
    kinds = np.column_stack([np.maximum(length - counts.sum(axis=1), 0), counts])
    total = kinds.sum(axis=1)
    row = np.repeat(np.arange(n), total)
    kind = np.repeat(np.tile(np.arange(k + 1), n), kinds.ravel())
    nth = (np.arange(len(row)) - np.repeat(np.cumsum(total) - total, total)).astype(np.uint64)
    listed, starts = _vocabulary()
    sizes = np.diff(starts)
    word = starts[kind] + (_uniform(stream[row], nth * np.uint64(2) + np.uint64(1000)) * sizes[kind]).astype(np.int64)
    order = np.lexsort((_uniform(stream[row], nth * np.uint64(2) + np.uint64(1001)), row))
    flat = [listed[i] for i in word[order]]
    ends = np.cumsum(total).tolist()
    return [
        (said := " ".join(flat[a:b]))[:1].upper() + said[1:] + "." for a, b in zip([0, *ends[:-1]], ends, strict=True)
    ]


@cache
def _vocabulary() -> tuple[list[str], Ints]:
    """The plain words and those of each tone, one after the other, and where each list begins."""
    lists = [list(filler()), *(list(tones.words()[t]) for t in tones.TONES)]
    return [w for said in lists for w in said], np.cumsum([0, *map(len, lists)])


def _uniform(stream: npt.NDArray[np.uint64], nth: npt.NDArray[np.uint64]) -> Floats:
    """The n-th number in [0, 1) of each stream: splitmix64 (Steele, Lea and Flood 2014), so that no generator is built."""
    with np.errstate(over="ignore"):  # the hash is made of overflows
        x = stream + (nth + np.uint64(1)) * np.uint64(_GOLDEN)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
        x ^= x >> np.uint64(31)
    return np.asarray((x >> np.uint64(11)).astype(np.float64) / 2**53)


def _poisson(mean: Floats, u: Floats) -> Ints:
    """Poisson counts by inversion: how many steps of the distribution function lie at or below each uniform number."""
    p = np.exp(-mean)
    below, count = p.copy(), np.zeros(mean.shape, dtype=np.int64)
    for k in range(1, _MOST + 1):
        further = u >= below
        if not further.any():
            break
        count += further
        p = p * mean / k
        below += p
    return count
