"""Resampling of whole clusters: authors, threads, topics, templates; never of single texts."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray, IntArray, Interval, interval
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.seeds import substream

Codes = npt.NDArray[np.int64]
_CELLS = 4_000_000  # numbers in one chunk of row weights: 32 MB


def bootstrap(
    statistic: Callable[[FloatArray], FloatArray | float],
    clusters: Codes | Sequence[Codes],
    *,
    strata: Codes | None = None,
    draws: int = 2000,
    level: float = 0.95,
    method: str = "percentile",
    batched: bool = False,
    expand: bool = True,
    seed: int = 0,
) -> Interval:
    """The statistic of the rows with an interval, by resampling clusters with replacement.

    `statistic` takes row weights (n,), all ones for the estimate, and gives one number or k of them; with `batched` it
    takes (m, n) and gives (m, k) or (m,). `clusters` is one code per row (cluster bootstrap: a row weighs as often as
    its cluster was drawn) or several such arrays (pigeonhole bootstrap of crossed factors: the product of the
    factors' weights; Owen 2007; Owen and Eckles 2012; conservative). A code below 0 says that the row
    does not vary with that factor, so that people clustered by author and models clustered by topic and template stand
    in one statistic. `strata` (n,): clusters are drawn within strata; a factor whose clusters lie in several strata is
    crossed with them, and drawn as a whole.

    `method`: percentile, basic, or bca, whose acceleration is the skewness of the delete-one-cluster jackknife, the
    factors taken as independent samples (Davison and Hinkley 1997, Sec. 5.3.2). How intervals are widened for few
    clusters and what undefined draws do: `interval`.

    Raises RefusedError where a factor or a stratum has one cluster only, or where no number has an interval;
    InputError where codes are no integers of one length, or a row is in no cluster at all.

    >>> height, author = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0]), np.array([0, 0, 1, 1, 2, 2])
    >>> found = bootstrap(lambda w: (w @ height) / w.sum(), author, seed=1)
    >>> float(found.estimate), int(found.clusters), found.few
    (2.0, 3, True)
    """
    factors = _checked([clusters] if isinstance(clusters, np.ndarray) else list(clusters), strata)
    if draws < 100:
        raise UsageError(f"draws is {draws}; an interval needs at least 100")
    rows = len(factors[0])

    def run(weights: FloatArray) -> FloatArray:
        out = statistic(weights) if batched else np.array([statistic(row) for row in weights])
        return np.asarray(out, dtype=float)

    whole = run(np.ones((1, rows)))
    shape = whole.shape[1:]
    chunks = weights(factors, strata=strata, draws=draws, seed=seed)
    samples = np.concatenate([run(chunk).reshape(len(chunk), -1) for chunk in chunks])
    estimate = whole.reshape(-1)
    counts, groups = _smallest(run, factors, strata, estimate, seed)
    acceleration = _acceleration(run, factors) if method == "bca" else np.zeros(estimate.size)
    found = interval(
        estimate.reshape(shape), samples, n=rows, clusters=counts.reshape(shape), strata=groups.reshape(shape),
        level=level, method=method, acceleration=acceleration, expand=expand,
    )  # fmt: skip
    if np.isnan(found.low).all():
        raise RefusedError(f"no interval: {found.reasons[0]}; more rows or more clusters are due")
    return found


def weights(
    clusters: Sequence[Codes], *, strata: Codes | None = None, draws: int = 2000, seed: int = 0
) -> Iterator[FloatArray]:
    """Chunks (m, n) of row weights, `draws` rows in all; whatever statistics share them are paired.

    The draws of a factor depend on the seed, its place among the factors and its codes, not on the order of the rows.

    >>> chunk = next(weights([np.array([0, 0, 1])], draws=200, seed=1))
    >>> chunk.shape, bool((chunk[:, 0] + chunk[:, 2] == 2).all())
    ((200, 3), True)
    """
    plans = [_plan(codes, strata) for codes in clusters]
    streams = [substream(seed, "bootstrap", place) for place in range(len(plans))]
    rows = len(clusters[0])
    step = max(1, min(draws, _CELLS // max(rows, *(p.size for _, p, _ in plans), 1)))
    for start in range(0, draws, step):
        m = min(step, draws - start)
        out: FloatArray | None = None
        for (index, size, first), stream in zip(plans, streams, strict=True):
            drawn = np.take(_drawn(m, size, first, stream), index, axis=1)
            out = drawn if out is None else np.multiply(out, drawn, out=out)
        assert out is not None
        yield out


def cells(clusters: Sequence[Codes]) -> tuple[list[Codes], Codes]:
    """The distinct rows of codes, and each row's place among them: rows of one cell always weigh alike.

    Sums by cell make a bootstrap of sums as cheap as its cells are few.

    >>> cells([np.array([0, 0, 1]), np.array([5, 5, 5])])[1].tolist()
    [0, 0, 1]
    """
    table, place = np.unique(np.stack(clusters, axis=1), axis=0, return_inverse=True)
    return [np.ascontiguousarray(column) for column in table.T], place.reshape(-1)


def _drawn(m: int, size: IntArray, first: IntArray, stream: np.random.Generator) -> FloatArray:
    """How often each cluster came in m draws (m, clusters + 1); the last column is the 1 of rows outside the factor."""
    n = size.size
    picked = first + (stream.random((m, n)) * size).astype(np.int64)
    picked += (np.arange(m) * (n + 1))[:, None]
    counts = np.bincount(picked.ravel(), minlength=m * (n + 1)).reshape(m, n + 1).astype(float)
    counts[:, n] = 1.0
    return counts


def _plan(codes: Codes, strata: Codes | None) -> tuple[Codes, IntArray, IntArray]:
    """Each row's column among the counts; for each cluster the size of its stratum and where that begins."""
    inside = codes >= 0
    names, place = np.unique(codes[inside], return_inverse=True)
    index = np.full(codes.size, names.size)
    stratum = _nested(place, strata[inside]) if strata is not None else None
    if stratum is None:
        index[inside] = place
        return index, np.full(names.size, names.size), np.zeros(names.size, dtype=np.int64)
    order = np.argsort(stratum, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    index[inside] = rank[place]
    _, start, size = np.unique(stratum[order], return_index=True, return_counts=True)
    return index, np.repeat(size, size), np.repeat(start, size)


def _nested(place: Codes, strata: Codes) -> Codes | None:
    """The stratum of each cluster; None where a cluster lies in several."""
    pairs = np.unique(np.stack([place, strata], axis=1), axis=0)
    return pairs[:, 1] if len(pairs) == place.max(initial=-1) + 1 else None


def _checked(clusters: list[Codes], strata: Codes | None) -> list[Codes]:
    faults = []
    arrays = [np.asarray(codes) for codes in clusters]
    if not arrays:
        raise InputError("no clusters were given: one integer code per row is due, in one array or several")
    for place, codes in enumerate([*arrays, *([] if strata is None else [np.asarray(strata)])]):
        what = f"factor {place}" if place < len(arrays) else "strata"
        if codes.ndim != 1 or codes.dtype.kind not in "iu":
            faults.append(f"{what} is {codes.dtype} of shape {codes.shape}, not integers of shape (n,)")
        elif codes.shape != arrays[0].shape:
            faults.append(f"{what} has {codes.size} rows, factor 0 has {arrays[0].size}")
    if not faults and (fixed := int(np.all([codes < 0 for codes in arrays], axis=0).sum())):
        faults.append(
            f"{fixed} of {arrays[0].size} rows are in no cluster of any factor: they would be held for certain"
        )
    if faults:
        raise InputError("these clusters cannot be resampled: " + "; ".join(faults))
    arrays = [codes.astype(np.int64) for codes in arrays if (codes >= 0).any()]
    if not arrays:
        raise RefusedError("there are no rows: nothing to resample")
    for place, codes in enumerate(arrays):
        size = _plan(codes, strata)[1]
        if (size == 1).any():
            where = "one of its strata" if size.size > 1 else "all"
            raise RefusedError(f"factor {place} has one cluster in {where}: how much clusters differ cannot be seen")
    return arrays


def _smallest(
    run: Callable[[FloatArray], FloatArray], factors: list[Codes], strata: Codes | None, estimate: FloatArray, seed: int
) -> tuple[IntArray, IntArray]:
    """The number of clusters, and of strata, of the factor with the fewest among those a number varies with."""
    sizes = [_plan(codes, strata) for codes in factors]
    counts = np.array([size.size for _, size, _ in sizes])
    groups = np.array([np.unique(first).size for _, _, first in sizes])
    varies = np.ones((len(factors), estimate.size), dtype=bool)
    if len(factors) > 1:
        for place, codes in enumerate(factors):
            alone = next(weights([codes], strata=strata, draws=4, seed=seed + place))
            moved = np.abs(run(alone).reshape(4, -1) - estimate) > 1e-12 * np.maximum(1, np.abs(estimate))
            varies[place] = moved.any(0)
    varies[:, ~varies.any(0)] = True
    degrees = np.where(varies, (counts - groups)[:, None], np.iinfo(np.int64).max)
    fewest = degrees.argmin(0)
    return counts[fewest], groups[fewest]


def _acceleration(run: Callable[[FloatArray], FloatArray], factors: list[Codes]) -> FloatArray:
    cubes: list[FloatArray] = []
    squares: list[FloatArray] = []
    for codes in factors:
        names = np.unique(codes[codes >= 0])
        step = max(1, _CELLS // codes.size)
        parts = [names[i : i + step] for i in range(0, names.size, step)]
        left = np.concatenate(
            [run((codes[None] != part[:, None]).astype(float)).reshape(part.size, -1) for part in parts]
        )
        influence = (names.size - 1) * (left.mean(0) - left) / names.size
        cubes.append((influence**3).sum(0))
        squares.append((influence**2).sum(0))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.sum(cubes, axis=0) / (6 * np.sum(squares, axis=0) ** 1.5)
    return np.asarray(np.nan_to_num(found))
