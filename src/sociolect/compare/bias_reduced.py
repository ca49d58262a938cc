"""CR2: cluster-robust errors that are unbiased with few clusters where the working covariance is right, with their degrees."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sociolect.compare.fitted import Fitted
from sociolect.compare.hotelling import Shares
from sociolect.compare.interval import FloatArray, IntArray
from sociolect.errors import InputError, RefusedError

Codes = npt.NDArray[np.int64]
_HELD = (
    8_000_000  # numbers of the clusters' shares kept for joint tests: 64 MB; with so many clusters degrees hardly count
)
LARGEST = 2_000  # rows, or groups, of a cluster whose working covariance is taken apart: seconds each


class _Cluster(NamedTuple):
    """A cluster in coordinates that hold all that x and the working covariance single out; elsewhere nothing is adjusted.

    `x` (d, p); `wx` = W x with W the weights of the estimator; `phi` (d, d) the working covariance, in units of
    sigma2; `residual` (d, outcomes).
    """

    x: FloatArray
    wx: FloatArray
    phi: FloatArray
    residual: FloatArray


def bias_reduced(
    x: FloatArray,
    fitted: Fitted,
    codes: IntArray,
    groups: Sequence[Codes],
    weights: FloatArray | None,
    *,
    working: Literal["fit", "identity"],
) -> tuple[FloatArray, FloatArray, Shares | None]:
    """The CR2 covariance (k, p, p), the degrees of freedom (p, k), as `sandwich` says, and what joint tests need.

    `codes` (n,) are the clusters, from 0. The shares are None where they would take more than 64 MB.

    Each cluster's scores are x' W A e with A the symmetric root of A (I - H) Phi (I - H)' A = Phi, Phi the working covariance; the
    degrees are trace(P)^2 / trace(P^2), P_gh = a_g (I - H)_g Phi (I - H)_h' a_h' over the clusters' shares a in a coefficient.

    >>> from sociolect.compare.random_intercept import least_squares
    >>> x, y, cluster = np.ones((6, 1)), np.array([1.0, 1, 2, 2, 3, 3])[:, None], np.array([0, 0, 1, 1, 2, 2])
    >>> covariance, degrees, _ = bias_reduced(x, least_squares(x, y), cluster, (), None, working="fit")
    >>> round(covariance.item(), 6), round(degrees.item(), 6)  # of the three means: their variance / 3, and 3 - 1
    (0.333333, 2.0)
    """
    n, p = x.shape
    w = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    alike = bool((w == w[0]).all())
    faults = [f"{what} have {v.size} rows, the design {n}"
              for what, v in (("weights", w), *((f"codes of group {j}", g) for j, g in enumerate(groups))) if v.size != n]  # fmt: skip
    if len(groups) != len(fitted.tau2):
        faults.append(f"the fit has {len(fitted.tau2)} random intercepts, {len(groups)} groups were given")
    if faults:
        raise InputError("no CR2: " + "; ".join(faults))
    levels = [np.unique(g, return_inverse=True)[1].reshape(-1) for g in groups]
    for j, level in enumerate(levels):
        met = np.unique(level * (int(codes.max()) + 1) + codes).size - int(level.max()) - 1
        if met and working == "fit" and (fitted.tau2[j] > 0).any():
            raise RefusedError(
                f"CR2 takes rows of different clusters as independent, but random group {j} reaches over several clusters: "
                "cluster by that group or a coarser one, or ask for CR1"
            )
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    if working == "fit" and (groups or not alike):
        rows = not alike or len(groups) > 1
        largest = max(part.size if rows else np.unique(levels[0][part]).size for part in parts)
        if largest > LARGEST:
            raise RefusedError(
                f"CR2 takes the covariance of {largest:,} {'rows' if rows else 'groups'} of one cluster apart, at most {LARGEST:,}: "
                "ask for CR1, or cluster more finely"
            )
    covariance, degrees = np.empty((fitted.sigma2.size, p, p)), np.empty((p, fitted.sigma2.size))
    # in units of sigma2 outcomes of one theta, and all of least squares, share everything but their residuals
    kinds, kind = np.unique(fitted.tau2 / fitted.sigma2, axis=1, return_inverse=True)
    held = kinds.shape[1] * len(parts) * p * p * 3 <= _HELD
    shares = np.empty((3, kinds.shape[1], len(parts), p, p)) if held else None
    breads, middles = np.empty((2, kinds.shape[1], p, p))
    for at, theta in enumerate(kinds.T):
        here = np.flatnonzero(kind.reshape(-1) == at)
        bread = fitted.covariance[here[0]] / fitted.sigma2[here[0]]
        omega = x.T @ (x * (w**2)[:, None]) if working == "identity" else np.linalg.inv(bread)
        middle = bread @ omega @ bread
        breads[at], middles[at] = bread, middle
        meat, spread = np.zeros((here.size, p, p)), _Spread.empty(p)
        for g, part in enumerate(parts):
            left = fitted.residual[np.ix_(part, here)]
            inside = [level[part] for level in levels]
            made = (
                _flat(x[part], w[part], left)
                if working == "identity"
                else _split(x[part], 1 / w[0], theta, inside, residual=left)
                if alike and len(groups) < 2
                else _whole(x[part], w[part], theta, inside, residual=left)
            )
            twin = made.phi @ made.wx
            half = made.x @ bread @ twin.T
            adjusted = _adjustment(made.phi, made.phi - half - half.T + made.x @ middle @ made.x.T) @ made.wx
            score = made.residual.T @ adjusted
            meat += score[:, :, None] * score[:, None, :]
            lever = adjusted @ bread
            own, b, v = lever.T @ made.phi @ lever, lever.T @ made.x, lever.T @ twin
            spread.add(np.diag(own), b, v, bread, middle)
            if shares is not None:
                shares[:, at, g] = own, b, v
        covariance[here] = bread @ meat @ bread
        degrees[:, here] = spread.degrees(bread, middle)[:, None]
    held_back = None if shares is None else Shares(kind.reshape(-1), shares[0], shares[1], shares[2], breads, middles)
    return covariance, degrees, held_back


class _Spread(NamedTuple):
    """Sums over clusters of what the degrees read: for each coefficient P = diag(d) + R K R', R = [b, v]."""

    trace: FloatArray
    squares: FloatArray
    gram: FloatArray

    @classmethod
    def empty(cls, p: int) -> "_Spread":
        return cls(np.zeros(p), np.zeros(p), np.zeros((p, 2 * p, 2 * p)))

    def add(self, d: FloatArray, b: FloatArray, v: FloatArray, bread: FloatArray, middle: FloatArray) -> None:
        own = np.einsum("ci,ij,cj->c", b, middle, b) - 2 * np.einsum("ci,ij,cj->c", b, bread, v)
        r = np.concatenate([b, v], axis=1)
        self.trace[:] += d + own
        self.squares[:] += d**2 + 2 * d * own
        self.gram[:] += r[:, :, None] * r[:, None, :]

    def degrees(self, bread: FloatArray, middle: FloatArray) -> FloatArray:
        k = np.block([[middle, -bread], [-bread, np.zeros_like(bread)]])
        low = k @ self.gram
        return np.asarray(self.trace**2 / (self.squares + np.einsum("cij,cji->c", low, low)))


def _adjustment(phi: FloatArray, left: FloatArray) -> FloatArray:
    """The symmetric A with A left A = phi, 0 where left is: D' (D left D')^(-1/2) D with phi = D' D (eq. 8)."""
    d = np.linalg.cholesky(phi).T
    value, vector = np.linalg.eigh(d @ left @ d.T)
    kept = value > 1e-10 * np.diag(phi).max() ** 2
    root = vector[:, kept] * value[kept] ** -0.25
    half = root.T @ d
    return np.asarray(half.T @ half)


def _basis(columns: FloatArray, whole: FloatArray) -> FloatArray:
    """Orthonormal columns (n, d) that span those given, less what is rounding beside the columns of `whole`."""
    scale = np.sqrt((whole**2).sum(0))
    u, s, _ = np.linalg.svd(columns / np.where(scale > 0, scale, 1.0), full_matrices=False)
    return np.asarray(u[:, s > 1e-10])


def _flat(x: FloatArray, w: FloatArray, residual: FloatArray) -> _Cluster:
    both = np.concatenate([x, x * w[:, None]], axis=1)
    q = _basis(both, both)
    return _Cluster(q.T @ x, q.T @ (x * w[:, None]), np.eye(q.shape[1]), q.T @ residual)


def _split(
    x: FloatArray, unit: float, theta: FloatArray, levels: Sequence[IntArray], *, residual: FloatArray
) -> _Cluster:
    """Means of the groups, scaled to length 1, and the deviations that x has from them: both diagonal in the covariance."""
    if not levels or theta[0] == 0:
        inside, between, phi = _basis(x, x), np.zeros((len(x), 0)), np.zeros(0)
    else:
        level = np.unique(levels[0], return_inverse=True)[1].reshape(-1)
        size = np.bincount(level)
        between = (level[:, None] == np.arange(size.size)) / np.sqrt(size)
        inside = _basis(x - between @ (between.T @ x), x)
        phi = unit + theta[0] * size
    q = np.concatenate([between, inside], axis=1)
    phi = np.concatenate([phi, np.full(inside.shape[1], unit)])
    xs = q.T @ x
    return _Cluster(xs, xs / phi[:, None], np.diag(phi), q.T @ residual)


def _whole(
    x: FloatArray, w: FloatArray, theta: FloatArray, levels: Sequence[IntArray], *, residual: FloatArray
) -> _Cluster:
    phi: FloatArray = np.diag(1 / w)
    for level, share in zip(levels, theta, strict=True):
        phi += share * (level[:, None] == level)
    return _Cluster(x, np.asarray(np.linalg.solve(phi, x), dtype=float), phi, residual)
