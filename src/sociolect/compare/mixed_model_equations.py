"""The mixed-model equations of random intercepts as sums, and one outcome's profiled criterion with its derivatives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sociolect.compare import elimination
from sociolect.compare.elimination import Plan
from sociolect.compare.interval import FloatArray, IntArray
from sociolect.errors import RefusedError


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """The mixed-model equations as sums: all that a fit reads, whatever the number of rows.

    z = [x, y], m = p + k columns. `cross` (m, m) is z' W z; `sums` (q, m) is Z' W z over the levels of all groups laid end to
    end; `starts` (r + 1,) where each group begins; `size` (q,) the weight of each level. `shared`: the weight of the rows that two
    levels share, for each two that meet; `plan` says how to eliminate them, `factors` which two groups they belong to. `logw` is
    sum log w.
    """

    cross: FloatArray
    sums: FloatArray
    starts: IntArray
    size: FloatArray
    shared: FloatArray
    plan: Plan
    factors: tuple[IntArray, IntArray]
    n: int
    p: int
    logw: float


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One outcome's profile at one theta (r,): the criterion, its gradient and curvature in theta, and what they came from.

    `unscaled` is (x' H x)^-1 with H = sigma2 V^-1, `score` (r,) minus the slope of the residual sum of squares in theta, `inner`
    (r, p, p) minus that of x' H x.
    """

    deviance: float
    gradient: FloatArray
    curvature: FloatArray
    beta: FloatArray
    unscaled: FloatArray
    sigma2: float
    intercepts: FloatArray
    score: FloatArray
    inner: FloatArray


def orthogonal(x: FloatArray, y: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Columns x R^-1 that are orthonormal under w, the least squares (p, k) of y, R^-1, and log|R'R|.

    Years near 2024 and outcomes far from 0 then cost no digits. RefusedError where columns are dependent.
    """
    root = np.sqrt(w)[:, None]
    length = np.sqrt(((root * x) ** 2).sum(0))
    q, r = np.linalg.qr(root * x / np.where(length > 0, length, 1.0))
    flat = np.flatnonzero(np.abs(np.diag(r)) < 1e-7)
    if flat.size:
        raise RefusedError(
            f"column {', '.join(map(str, flat))} of the design is a combination of those before it, or 0: leave it out"
        )
    back = np.linalg.solve(r, np.eye(len(r))) / length[:, None]
    logdet = 2 * float(np.log(np.abs(np.diag(r))).sum() + np.log(length).sum())
    return q / root, back @ (q.T @ (root * y)), back, logdet


def equations(x: FloatArray, y: FloatArray, codes: Sequence[IntArray], w: FloatArray) -> Equations:
    """The sums that every fit of these columns and groups reads; codes run from 0, with no gap."""
    from scipy.sparse import csr_array

    z = np.concatenate([x, y], axis=1)
    count = [int(code.max()) + 1 for code in codes]
    starts = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    rows = np.arange(len(z) + 1)
    indicator = [csr_array((w, code, rows), shape=(len(z), m)) for code, m in zip(codes, count, strict=True)]
    sums = np.concatenate([np.asarray(one.T @ z) for one in indicator])
    size = np.concatenate([np.bincount(code, w, minlength=m) for code, m in zip(codes, count, strict=True)])
    low, high, shared = [], [], []
    for a in range(len(codes)):
        for b in range(a + 1, len(codes)):
            names, place = np.unique(codes[a] * count[b] + codes[b], return_inverse=True)
            low.append(starts[a] + names // count[b])
            high.append(starts[b] + names % count[b])
            shared.append(np.bincount(place, w))
    empty = np.zeros(0, dtype=np.int64)
    lows, highs = np.concatenate([empty, *low]), np.concatenate([empty, *high])
    factor = np.repeat(np.arange(len(codes)), count)
    return Equations(
        z.T @ (z * w[:, None]), sums, starts, size, np.concatenate([np.zeros(0), *shared]),
        elimination.plan(int(starts[-1]), lows, highs), (factor[lows], factor[highs]), len(z), x.shape[1],
        float(np.log(w).sum()),
    )  # fmt: skip


def profile(
    made: Equations, theta: FloatArray, outcome: int, reml: bool, *, slopes: bool = True, sigma2: float | None = None
) -> Point:
    """The criterion of one outcome at theta (r,), with its gradient and curvature where theta > 0 (nan elsewhere).

    `sigma2` holds the residual variance: then the criterion and gradient are those at that value, not profiled over it.
    """
    p, r = made.p, theta.size
    count = np.diff(made.starts)
    root = np.repeat(np.sqrt(theta), count)
    a, b = made.factors
    entries = np.sqrt(theta[a] * theta[b]) * made.shared
    found = elimination.factor(made.plan, 1 + root**2 * made.size, entries)
    columns = [*range(p), p + outcome]
    right = root[:, None] * made.sums[:, columns]
    spread = elimination.solve(found, right)
    whole = made.cross[np.ix_(columns, columns)] - right.T @ spread
    unscaled, logdet = _inverse(whole[:p, :p])
    beta = unscaled @ whole[:p, p]
    rss = float(whole[p, p] - whole[p, :p] @ beta)
    freedom = made.n - p if reml else made.n
    free = sigma2 is None
    scale = rss / freedom if sigma2 is None else sigma2
    deviance = freedom * np.log(2 * np.pi * scale) + rss / scale + found.logdet - made.logw + reml * logdet
    left = spread[:, p] - spread[:, :p] @ beta
    gradient, curvature = np.full(r, np.nan), np.full((r, r), np.nan)
    score, inner = np.full(r, np.nan), np.full((r, p, p), np.nan)
    live = np.flatnonzero(theta > 0)
    if slopes and live.size:
        inverse = elimination.inverse_diagonal(found)
        across, block = np.empty((live.size, p)), np.zeros((root.size, live.size))
        for at, j in enumerate(live):
            part = slice(made.starts[j], made.starts[j + 1])
            slope = spread[part, :p]
            score[j] = left[part] @ left[part] / theta[j]
            inner[j] = slope.T @ slope / theta[j]
            gradient[j] = (count[j] - inverse[part].sum()) / theta[j] - score[j] / scale
            gradient[j] -= reml * (inner[j] * unscaled).sum()
            block[part, at] = left[part] / theta[j]
            across[at] = slope.T @ block[part, at]
        solved = elimination.solve(found, block)
        information = block.T @ (block - solved) - across @ unscaled @ across.T
        curvature[np.ix_(live, live)] = (
            information / scale - np.outer(score[live], score[live]) / scale**2 / freedom * free
        )
    return Point(float(deviance), gradient, curvature, beta, unscaled, float(scale), root * left, score, inner)


def _inverse(gram: FloatArray) -> tuple[FloatArray, float]:
    scale = np.sqrt(np.diag(gram))
    if not (scale > 0).all() or np.linalg.eigvalsh(gram / np.outer(scale, scale))[0] < 1e-12:
        raise RefusedError("the columns of the design are linearly dependent: drop one of those that say the same")
    inverse = np.linalg.inv(gram / np.outer(scale, scale)) / np.outer(scale, scale)
    return np.asarray((inverse + inverse.T) / 2), float(np.linalg.slogdet(gram)[1])
