"""Whether what some dimensions show holds for the others: clusters found on a few of them, held against clusters found on all."""

from collections.abc import Sequence
from itertools import combinations
from math import fsum
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FloatArray, IntArray
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Effects
from sociolect.seeds import derive, substream

Labels = npt.NDArray[np.int64]
MOST = 10  # dossier, C.3: clusters are sought from 2 to 10
_KINDS: dict[str, Any] = {
    "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64,
    "p": pl.Float64, "line": pl.String, "size": pl.Int64, "clusters": pl.Int64, "left_out": pl.Int64, "method": pl.String,
}  # fmt: skip


def extrapolation(
    vectors: pl.DataFrame,
    dimensions: Sequence[str],
    *,
    name: str = "community",
    clusters: int | None = None,
    permutations: int = 2000,
    starts: int = 10,
    level: float = 0.95,
    seed: int = 0,
) -> Effects:
    """The adjusted Rand index of clusters found on every subset of the dimensions with those found on all of them.

    `vectors` has a row per community and a column per dimension. k-means on z-scores; k is `clusters`, or the one of 2 to 10
    with the highest silhouette on all dimensions, for every subset alike. `line`: subset (against all), held out (against
    the dimensions that the subset lacks), mean (over subsets, by size and in all), impact (of a dimension: mean index of the
    subsets of one size that hold it, less those that do not).

    A subset shares its dimensions with all of them, so that its index lies above 0 without any structure; that of what was
    held out does not. p: communities' labels are permuted, as often as `permutations` says; 1 / (permutations + 1) is the
    least, and `method` says so. Intervals: jackknife over communities, the clusterings kept. A community with a null is left
    out and counted. Hubert and Arabie 1985, doi 10.1007/BF01908075.

    Raises InputError where a column is missing or a name comes twice, UsageError for fewer than 1,000 permutations or
    three dimensions, RefusedError where too few communities are left or a dimension is the same for all.

    >>> made = np.random.default_rng(1).normal(size=(30, 3)) + np.repeat([[0, 0, 0], [9, 0, 0], [0, 9, 0]], 10, axis=0)
    >>> named = pl.DataFrame(made, schema=["a", "b", "c"]).with_columns(community=pl.int_range(30).cast(str))
    >>> found = extrapolation(named, ["a", "b", "c"], clusters=3)
    >>> found.filter(line="subset", contrast="a + b")["estimate"].round(1).item()
    0.9
    """
    z, left_out = _standardised(vectors, list(dimensions), name, permutations)
    n, d = z.shape
    k = clusters or best_k(z, starts=starts, seed=seed)
    if not 2 <= k < n:
        raise UsageError(f"{k} clusters of {n} communities: 2 to {n - 1} are due")
    every = tuple(range(d))
    subsets = [s for size in range(1, d) for s in combinations(every, size)]
    labels = {s: k_means(z[:, list(s)], k, starts=starts, seed=derive(seed, "k-means", *s)) for s in [*subsets, every]}
    index = {s: _index(labels[every], labels[s]) for s in subsets}
    shuffled = np.stack([substream(seed, "labels", i).permutation(n) for i in range(permutations)])
    how = f"k-means, {k} clusters; jackknife over {n} communities"
    floor = f"{how}; p by {permutations} permutations, 1/{permutations + 1} at least"
    told: dict[str, Any] = {"measure": "adjusted Rand index", "n": n, "clusters": k, "left_out": left_out, "p": None}
    rows: list[dict[str, Any]] = []

    def words(s: Sequence[int]) -> str:
        return " + ".join(dimensions[i] for i in s)

    for s in subsets:
        p = _p(labels[every], labels[s], shuffled)
        row = told | {"line": "subset", "contrast": words(s), "size": len(s), "p": p, "method": floor}
        rows.append(row | _doubt(index[s], level))
    held_out = []
    for s in subsets:
        rest = tuple(i for i in every if i not in s)
        if s[0] == 0 and rest:  # a subset and its rest are one comparison
            held = _index(labels[s], labels[rest])
            row = told | {"line": "held out", "contrast": f"{words(s)} | {words(rest)}", "size": len(s)}
            rows.append(row | {"p": _p(labels[s], labels[rest], shuffled), "method": floor} | _doubt(held, level))
            held_out.append(held)
    for size in range(1, d):
        mean = np.mean([index[s] for s in subsets if len(s) == size], axis=0)
        rows.append(
            told | {"line": "mean", "contrast": f"subsets of {size}", "size": size, "method": how} | _doubt(mean, level)
        )
    for line, found in (("all subsets", list(index.values())), ("all held out", held_out)):
        mean = np.mean(found, axis=0)
        rows.append(told | {"line": "mean", "contrast": line, "size": None, "method": how} | _doubt(mean, level))
    for i in every:
        gains = []
        for size in range(1, d):
            inside = np.mean([index[s] for s in subsets if len(s) == size and i in s], axis=0)
            gains.append(inside - np.mean([index[s] for s in subsets if len(s) == size and i not in s], axis=0))
            row = told | {
                "line": "impact",
                "contrast": f"{dimensions[i]}, subsets of {size}",
                "size": size,
                "method": how,
            }
            rows.append(row | _doubt(gains[-1], level))
        row = told | {"line": "impact", "contrast": f"{dimensions[i]}, mean over sizes", "size": None, "method": how}
        rows.append(row | _doubt(np.mean(gains, axis=0), level))
    return frames.effects(pl.DataFrame([{c: row[c] for c in _KINDS} for row in rows], schema=_KINDS))


def k_means(z: FloatArray, k: int, *, starts: int = 10, seed: int = 0) -> Labels:
    """The cluster of each row, 0 to k - 1, by the best of `starts` runs of k-means (k-means++ starts)."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    distinct = len(np.unique(z, axis=0))
    # one thread: sums of centres run in one order, whatever the machine
    with threadpool_limits(1):
        found = KMeans(min(k, distinct), n_init=starts, random_state=seed % 2**32).fit(z)
    return np.asarray(found.labels_, dtype=np.int64)


def best_k(z: FloatArray, *, most: int = MOST, starts: int = 10, seed: int = 0) -> int:
    """The number of clusters, 2 to `most`, with the highest mean silhouette; the smaller where two are equal."""
    from sklearn.metrics import silhouette_score

    tried = range(2, min(most, len(z) - 1, len(np.unique(z, axis=0)) - 1) + 1)
    labels = {k: k_means(z, k, starts=starts, seed=derive(seed, "k", k)) for k in tried}
    worth = {k: round(float(silhouette_score(z, found)), 12) for k, found in labels.items()}
    if not worth:
        raise RefusedError("fewer than three communities differ: there is nothing to cluster")
    return max(worth, key=lambda k: (worth[k], -k))


def adjusted_rand(x: Labels, y: Labels) -> float:
    """The adjusted Rand index of two clusterings: 1 the same, 0 by chance. Equal to `sklearn.metrics.adjusted_rand_score`.

    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2]))
    0.5714285714285715
    """
    return float(_index(x, y)[0])


def _standardised(vectors: pl.DataFrame, dimensions: list[str], name: str, permutations: int) -> tuple[FloatArray, int]:
    if missing := [c for c in (name, *dimensions) if c not in vectors.columns]:
        raise InputError(f"these vectors have no column {', '.join(map(repr, missing))}")
    if permutations < 1000 or len(dimensions) < 3:
        raise UsageError(
            f"{permutations} permutations of {len(dimensions)} dimensions: 1,000 or more, and three dimensions, are due"
        )
    known = vectors.select(name, *dimensions).drop_nulls().sort(name)
    if twice := known.height - known[name].n_unique():
        raise InputError(f"{twice} rows repeat the {name} of another: one vector each is due")
    x = known.select(dimensions).to_numpy().astype(float)
    if known.height < 4:
        raise RefusedError(f"{known.height} communities have all {len(dimensions)} dimensions: four or more are due")
    spread = x.std(0)
    if flat := [c for c, s in zip(dimensions, spread, strict=True) if s <= 1e-12]:
        raise RefusedError(
            f"all communities are alike in {', '.join(flat)}: such a dimension clusters nothing; leave it out"
        )
    return (x - x.mean(0)) / spread, vectors.height - known.height


def _index(x: Labels, y: Labels) -> FloatArray:
    """The index (1 + n,): of all rows, then without each row in turn, from the counts of pairs."""
    n = x.size
    table = np.zeros((x.max() + 1, y.max() + 1))
    np.add.at(table, (x, y), 1)
    a, b = table.sum(1), table.sum(0)
    pairs = [(v * (v - 1) / 2).sum() for v in (table, a, b)]
    # a row that leaves takes with it the pairs it makes with the others of its cell
    both = np.concatenate([[0.0], table[x, y] - 1])
    left, right = np.concatenate([[0.0], a[x] - 1]), np.concatenate([[0.0], b[y] - 1])
    size = np.concatenate([[n], np.full(n, n - 1)]).astype(float)
    return _rand(pairs[0] - both, pairs[1] - left, pairs[2] - right, size * (size - 1) / 2)


def _rand(both: FloatArray, left: FloatArray, right: FloatArray, total: FloatArray | float) -> FloatArray:
    chance = left * right / total
    room = (left + right) / 2 - chance
    with np.errstate(invalid="ignore", divide="ignore"):
        # two clusterings that are both one cluster, or both all apart, are the same
        return np.asarray(np.where(np.abs(room) < 1e-12, np.where(both == left, 1.0, np.nan), (both - chance) / room))


def _p(x: Labels, y: Labels, shuffled: IntArray) -> float:
    """How often the labels dealt out by chance agree as well."""
    one, two = np.eye(x.max() + 1)[x], np.eye(y.max() + 1)[y]
    tables = np.concatenate(
        [np.einsum("mni,nj->mij", one[part], two) for part in np.array_split(shuffled, max(1, len(shuffled) // 250))]
    )
    a, b = one.sum(0), two.sum(0)
    left, right, n = (a * (a - 1) / 2).sum(), (b * (b - 1) / 2).sum(), x.size
    drawn = _rand((tables * (tables - 1) / 2).sum((1, 2)), left, right, n * (n - 1) / 2)
    seen = float(_index(x, y)[0])
    return (1 + int((drawn >= seen - 1e-12).sum())) / (1 + len(shuffled))


def _doubt(values: FloatArray, level: float) -> dict[str, Any]:
    """Estimate and interval out of the number and what it is without each community in turn."""
    from scipy.special import stdtrit

    estimate, without = float(values[0]), values[1:]
    if np.isnan(values).any():
        return {"estimate": None if np.isnan(estimate) else estimate, "low": None, "high": None}
    n = without.size
    mean = fsum(without) / n
    error = np.sqrt((n - 1) / n * fsum((without - mean) ** 2))
    reach = float(-stdtrit(n - 1, (1 - level) / 2) * error)
    return {"estimate": estimate, "low": max(-1.0, estimate - reach), "high": min(max(1.0, estimate), estimate + reach)}
