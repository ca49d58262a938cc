"""Maximum mean discrepancy: how far two samples of vectors lie apart to a kernel."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray
from sociolect.compare.samples import CELLS, EXACT, Vectors, samples, squares
from sociolect.errors import RefusedError, UsageError
from sociolect.seeds import substream

Kernel = Callable[[Vectors, Vectors], Vectors]
SEEN = 1000  # ours: rows whose distances give the bandwidth


def kid(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """The kernel inception distance: unbiased MMD^2 of the cubic kernel (x.y / d + 1)^3; about 0 for equal distributions.

    Binkowski et al. (2018), eq. 4 and Sec. 4; over all pairs, not over blocks. It can fall below 0, and does not fall
    with n. Errors as in `samples`.

    >>> round(kid([[1.0], [1.0]], [[-1.0], [-1.0]]), 10)
    16.0
    """
    first, second = samples(x, y)
    return float(mmds(np.concatenate([first, second]), *sides(len(first), len(second)), kernel=cubic())[0])


def mmd(x: npt.ArrayLike, y: npt.ArrayLike, *, bandwidth: float | None = None, seed: int = 0) -> float:
    """Unbiased MMD^2 of the Gaussian kernel exp(-|x - y|^2 / (2 bandwidth^2)); about 0 for equal distributions.

    Gretton et al. (2012), eq. 3. `bandwidth` defaults to the median distance of the pooled rows (of 1,000 of them,
    drawn by seed, where there are more).

    >>> round(mmd([[0.0], [0.0]], [[1.0], [1.0]], bandwidth=1.0), 10)
    0.7869386806
    """
    first, second = samples(x, y)
    pooled = np.concatenate([first, second])
    kernel = gaussian(pooled, bandwidth=bandwidth, seed=seed)
    return float(mmds(pooled, *sides(len(first), len(second)), kernel=kernel)[0])


def sides(n: int, m: int) -> tuple[FloatArray, FloatArray]:
    """Weights (1, n + m) of the pooled rows: the first n are x, the others y."""
    x = np.concatenate([np.ones(n), np.zeros(m)])[None]
    return x, 1 - x


def cubic() -> Kernel:
    """(x.y / d + 1)^3 - 1: a constant taken off a kernel changes no MMD, and loses no digits to it."""

    def kernel(x: Vectors, y: Vectors) -> Vectors:
        t = x @ y.T
        t /= x.shape[1]
        out = t + 3
        out *= t
        out += 3
        out *= t
        return np.asarray(out)

    return kernel


def gaussian(pooled: Vectors, *, bandwidth: float | None = None, seed: int = 0) -> Kernel:
    """The Gaussian kernel, its bandwidth by default the median distance of the pooled rows (over different rows)."""
    if bandwidth is None:
        n = len(pooled)
        seen = pooled if n <= SEEN else pooled[np.sort(substream(seed, "bandwidth").choice(n, SEEN, replace=False))]
        apart = squares(seen, seen, same=True)[np.triu_indices(len(seen), 1)]
        bandwidth = float(np.sqrt(np.median(apart)))
        if not bandwidth > 0:
            raise RefusedError("half the texts or more lie on one point: their median distance 0 is no bandwidth")
    if not bandwidth > 0:
        raise UsageError(f"bandwidth is {bandwidth}; it lies above 0")

    def kernel(x: Vectors, y: Vectors) -> Vectors:
        out = squares(x, y)
        out *= -1 / (2 * bandwidth**2)
        return np.asarray(np.exp(out, out=out))

    return kernel


def mmds(pooled: Vectors, x_weights: FloatArray, y_weights: FloatArray, *, kernel: Kernel) -> FloatArray:
    """Unbiased MMD^2 under each of m weightings of the pooled rows, (m, n) each; no row meets itself.

    The mean of k over pairs of x, plus that over pairs of y, less twice that over pairs of both. The kernel matrix is
    made in slices and never held whole. A weighting whose side has less than two rows gives nan.

    >>> z = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    >>> mmds(z, *sides(2, 2), kernel=cubic()).round(10).tolist()
    [16.0]
    """
    n, m = len(pooled), len(x_weights)
    kind: type[np.floating[Any]] = np.float64 if n <= EXACT else np.float32
    z: Vectors = pooled.astype(kind, copy=False)
    both: Vectors = np.concatenate([x_weights, y_weights]).T.astype(kind)
    xx, xy, yy = np.zeros((3, m))
    step = max(1, CELLS // n)
    for i in range(0, n, step):
        rows = slice(i, min(n, i + step))
        block = kernel(z[rows], z)
        block[np.arange(len(block)), np.arange(rows.start, rows.stop)] = 0
        reached = (block @ both).astype(float)
        u, v = x_weights[:, rows].T, y_weights[:, rows].T
        xx += np.einsum("ij,ij->j", u, reached[:, :m])
        xy += np.einsum("ij,ij->j", u, reached[:, m:])
        yy += np.einsum("ij,ij->j", v, reached[:, m:])
    a, b = x_weights.sum(1), y_weights.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        within = xx / (a**2 - (x_weights**2).sum(1)) + yy / (b**2 - (y_weights**2).sum(1))
        return np.asarray(within - 2 * xy / (a * b - (x_weights * y_weights).sum(1)))
