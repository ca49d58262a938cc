"""The Frechet distance of two corpora in a space: how far their means and covariances lie apart."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray
from sociolect.compare.samples import Vectors, ones, samples
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.seeds import substream


@dataclass(frozen=True, slots=True, eq=False)
class Extrapolated:
    """The distance at 1/n = 0, the slope over 1/n, and the n and distances the line was fitted to."""

    estimate: float
    slope: float
    sizes: tuple[int, ...]
    values: tuple[float, ...]


def moments_distance(mean_x: npt.ArrayLike, cov_x: npt.ArrayLike, mean_y: npt.ArrayLike, cov_y: npt.ArrayLike) -> float:
    """The Frechet distance of two Gaussians by their moments: |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2).

    Dowson and Landau (1982), eq. 4. The root is taken of a symmetric matrix by its eigenvalues: no complex number and
    no dropped imaginary part. Raises InputError where shapes disagree, a covariance is not symmetric or has a negative
    eigenvalue beyond rounding, or a number is undefined.

    >>> round(moments_distance([0, 0], [[1, 0], [0, 4]], [1, 2], [[9, 0], [0, 16]]), 10)
    13.0
    """
    given = [np.asarray(v, dtype=float) for v in (mean_x, cov_x, mean_y, cov_y)]
    d = given[0].size
    due = [(d,), (d, d), (d,), (d, d)]
    names = ("mean_x", "cov_x", "mean_y", "cov_y")
    faults = [f"{n} is of shape {v.shape}, not {s}" for n, v, s in zip(names, given, due, strict=True) if v.shape != s]
    faults += [f"{n} holds undefined numbers" for n, v in zip(names, given, strict=True) if not np.isfinite(v).all()]
    for name, cov in zip(names[1::2], given[1::2], strict=True) if not faults else ():
        if not np.allclose(cov, cov.T, rtol=1e-8, atol=1e-12 * np.abs(cov).max(initial=0)):
            faults.append(f"{name} is not symmetric")
        elif (low := np.linalg.eigvalsh(cov).min(initial=0)) < -1e-8 * np.abs(cov).max():
            faults.append(f"{name} has the eigenvalue {low:.3g}: no covariance")
    if faults:
        raise InputError("no Frechet distance of these moments: " + "; ".join(faults))
    m1, s1, m2, s2 = given
    return _distance(m1 - m2, s1, s2, _root(s1))


def frechet(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """The Frechet distance of two samples of vectors of equal n, by their means and covariances (n - 1).

    Heusel et al. (2017), eq. 6. It is biased upward by about 1/n and the more the more dimensions: compare values of
    one n only. Warns below n = 2 d. Raises RefusedError where n differs or is not above d, or a number is undefined.

    >>> round(frechet([[0.0], [2.0]], [[3.0], [5.0]]), 10)
    9.0
    """
    first, second = samples(x, y, equal=True)
    n, d = first.shape
    if fault := too_few(n, d):
        raise RefusedError(f"no Frechet distance: {fault}")
    if n < 2 * d:
        warnings.warn(
            f"Frechet distance of {n} texts in {d} dimensions: below n = 2 d most of it is bias", stacklevel=2
        )
    return float(frechets(first, second, *ones(first, second))[0])


def too_few(n: int, d: int) -> str | None:
    """What stands against a Frechet distance of n texts in d dimensions; None where nothing does.

    >>> too_few(100, 100)
    'there are 100 texts on a side and 100 dimensions, so their covariance has no inverse: take fewer dimensions (dims=) or more texts'
    """
    if n > d:
        return None
    return (
        f"there are {n} texts on a side and {d} dimensions, so their covariance has no inverse: "
        "take fewer dimensions (dims=) or more texts"
    )


def frechets(x: Vectors, y: Vectors, x_weights: FloatArray, y_weights: FloatArray) -> FloatArray:
    """The Frechet distance under each of m weightings, (m, n) and (m, k): a row counts as often as it weighs.

    Moments are those of all rows less what a weighting takes away: weightings that leave out little cost little.

    >>> x = np.array([[0.0], [2.0], [9.0]])
    >>> frechets(x, x[:2] + 3, np.array([[1.0, 1.0, 0.0]]), np.ones((1, 2))).round(10).tolist()
    [9.0]
    """
    centre = y.mean(0, dtype=float)
    first, second = (np.asarray(v, dtype=float) - centre for v in (x, y))
    whole = [_sums(first), _sums(second)]
    found = [_moments(v, s, np.ones(len(v))) for v, s in zip((first, second), whole, strict=True)]
    roots = [_root(cov) for _, cov in found]
    out = np.empty(len(x_weights))
    for i, (u, w) in enumerate(zip(x_weights, y_weights, strict=True)):
        full = (bool((u == 1).all()), bool((w == 1).all()))
        (m1, s1), (m2, s2) = (
            found[j] if full[j] else _moments(v, whole[j], weight)
            for j, (v, weight) in enumerate(((first, u), (second, w)))
        )
        root, other = (roots[1], s1) if full[1] else (roots[0], s2) if full[0] else (_root(s2), s1)
        middle = root @ other @ root
        spread = np.sqrt(np.maximum(np.linalg.eigvalsh((middle + middle.T) / 2), 0)).sum()
        out[i] = (m1 - m2) @ (m1 - m2) + np.trace(s1) + np.trace(s2) - 2 * spread
    return out


def extrapolated(
    x: npt.ArrayLike, y: npt.ArrayLike, *, sizes: Sequence[int] | None = None, seed: int = 0
) -> Extrapolated:
    """The Frechet distance carried to 1/n = 0: a least-squares line over 1/n through the distances at several n.

    Chong and Forsyth (2020, Sec. 3.1): 15 evenly spaced n, each a fresh draw of rows without replacement. `sizes`
    defaults to 15 from the larger of n / 4 and 2 d up to n  (ours: below 2 d the bias is no longer a line in 1/n).
    Raises RefusedError where n is below 3 d or a size cannot be drawn.

    >>> z = np.random.default_rng(0).normal(size=(2, 4000, 20))
    >>> frechet(*z) > 4 * abs(extrapolated(*z, seed=1).estimate)
    True
    """
    first, second = samples(x, y, equal=True)
    n, d = first.shape
    if sizes is None:
        if n < 3 * d:
            raise RefusedError(f"no line over n: {n} texts in {d} dimensions; 3 d = {3 * d} or more are due")
        sizes = np.unique(np.linspace(max(n // 4, 2 * d), n, 15).astype(int)).tolist()
    if len(set(sizes)) < 3 or min(sizes) <= d or max(sizes) > n:
        raise UsageError(f"sizes are {list(sizes)}: due are three or more, above d = {d} and up to n = {n}")
    values = []
    for size in sizes:
        rows = [
            np.sort(substream(seed, "frechet", side, int(size)).choice(n, size, replace=False)) for side in ("x", "y")
        ]
        part = (first[rows[0]], second[rows[1]])
        values.append(float(frechets(*part, *ones(*part))[0]))
    slope, level = np.polyfit(1 / np.array(sizes, dtype=float), values, 1)
    return Extrapolated(float(level), float(slope), tuple(map(int, sizes)), tuple(values))


def _sums(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    return x.sum(0), x.T @ x


def _moments(x: FloatArray, whole: tuple[FloatArray, FloatArray], weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    gone = np.flatnonzero(weight != 1)
    lost, n = x[gone], weight.sum()
    total = whole[0] - (1 - weight[gone]) @ lost
    square = whole[1] - (lost * (1 - weight[gone])[:, None]).T @ lost
    mean = total / n
    return mean, (square - n * np.outer(mean, mean)) / (n - 1)


def _root(cov: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh((cov + cov.T) / 2)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


def _distance(gap: FloatArray, s1: FloatArray, s2: FloatArray, root: FloatArray) -> float:
    middle = root @ s2 @ root
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh((middle + middle.T) / 2), 0)).sum()
    return float(gap @ gap + np.trace(s1) + np.trace(s2) - 2 * spread)
