"""Coefficients with intervals by resampling whole clusters and fitting anew, from sums of clusters alone."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sociolect.compare.bootstrap import weights as resampled
from sociolect.compare.interval import FloatArray, IntArray, Interval, interval
from sociolect.compare.mixed_model_equations import orthogonal
from sociolect.compare.one_thread import one_thread
from sociolect.errors import InputError, RefusedError, UsageError

Codes = npt.NDArray[np.int64]
_NODES = 48  # the criterion is analytic in log theta: this many hold seven digits over the range below
_REACH = np.log(1e4)  # theta times the mean group's weight, from 1e-4 to 1e4; 0 is tried besides


@one_thread
def cluster_bootstrap(
    x: FloatArray,
    y: FloatArray,
    cluster: Codes,
    *,
    groups: Sequence[Codes] = (),
    weights: FloatArray | None = None,
    reml: bool = True,
    draws: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[Interval, FloatArray]:
    """The coefficients (p * k, outcomes running fastest) with intervals, and their covariance (k, p, p), clusters resampled.

    Each of `draws` samples of clusters with replacement is fitted anew: weighted least squares without `groups`; with one, a random intercept whose variance is sought
    anew by REML or ML (a group of a cluster drawn twice is two groups). The criterion and coefficients are
    made at 48 Chebyshev nodes of log theta and at 0; the minimum is read off their polynomial.
    The intervals are `interval`'s percentiles, widened for few clusters; the covariance is widened by G / (G - 1). A draw whose
    design is singular is undefined and counted; more than 1% of them leave no interval.

    Raises InputError where arrays do not fit, RefusedError where there are two random intercepts, a group in several
    clusters, or one cluster.

    >>> cluster, y = np.repeat(np.arange(40), 5), np.cos(np.arange(200.0) ** 2)[:, None]
    >>> found, covariance = cluster_bootstrap(np.ones((200, 1)), y, cluster, groups=[cluster], draws=2000, seed=1)
    >>> bool(found.low.item() < y.mean() < found.high.item()), round(float(np.sqrt(covariance.item())), 3)
    (True, 0.051)
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
    codes, level_of, home = _checked(x, y, w, cluster, groups, draws=draws)
    size, (p, k) = int(codes.max()) + 1, (x.shape[1], y.shape[1])
    flat, start, back, _ = orthogonal(x, y, w)
    z = np.concatenate([flat, y - x @ start], axis=1)
    rows = np.stack([np.bincount(codes, minlength=size).astype(float)], axis=1)
    plain = _sums(z, w, codes, size)
    if level_of is None:
        one = np.ones((1, size))
        found = [_least_squares(chunk @ plain, p, k) for chunk in (one, *_chunks(size, draws, seed))]
        made = np.concatenate(found)
    else:
        made = _refitted(z, w, (level_of, home), plain, rows=rows, p=p, reml=reml, draws=draws, seed=seed)
    beta = start + np.einsum("ij,djk->dik", back, made)
    found_interval = interval(beta[0].ravel(), beta[1:].reshape(draws, -1), n=len(x), clusters=size, level=level)
    whole = beta[1:][~np.isnan(beta[1:]).any((1, 2))]
    if len(whole) < 2:
        raise RefusedError(f"{draws - len(whole)} of {draws} draws have a singular design: more clusters are due")
    left = whole - whole.mean(0)
    covariance = np.einsum("dik,djk->kij", left, left) / (len(whole) - 1) * size / (size - 1)
    return found_interval, covariance


def _chunks(size: int, draws: int, seed: int) -> list[FloatArray]:
    return list(resampled([np.arange(size)], draws=draws, seed=seed))


def _sums(z: FloatArray, w: FloatArray, codes: IntArray, size: int) -> FloatArray:
    """Per cluster the upper triangle of z' W z: (clusters, m (m + 1) / 2)."""
    from scipy.sparse import csr_array

    member = csr_array((w, codes, np.arange(len(z) + 1)), shape=(len(z), size)).T.tocsr()
    return np.concatenate([member @ (z[:, [i]] * z[:, i:]) for i in range(z.shape[1])], axis=1)


def _square(upper: FloatArray, m: int) -> FloatArray:
    out = np.empty((len(upper), m, m))
    i, j = np.triu_indices(m)
    out[:, i, j] = out[:, j, i] = upper
    return out


def _least_squares(upper: FloatArray, p: int, k: int) -> FloatArray:
    """Coefficients (draws, p, k), nan where the design of a draw is singular."""
    whole = _square(upper, p + k)
    return _solved(whole, p)[0]


def _solved(whole: FloatArray, p: int) -> tuple[FloatArray, FloatArray]:
    """Coefficients (d, p, k) and log|x' H x| (d,); the columns are orthonormal in the full data, so a small eigenvalue is a fault."""
    gram = whole[:, :p, :p]
    value = np.linalg.eigvalsh(gram)
    bad = value[:, 0] < 1e-10 * np.maximum(value[:, -1], 1e-300)
    gram = np.where(bad[:, None, None], np.eye(p), gram)
    beta = np.linalg.solve(gram, whole[:, :p, p:])
    beta[bad] = np.nan
    return np.asarray(beta, dtype=float), np.asarray(np.linalg.slogdet(gram)[1], dtype=float)


def _refitted(
    z: FloatArray,
    w: FloatArray,
    nested: tuple[IntArray, IntArray],
    plain: FloatArray,
    *,
    rows: FloatArray,
    p: int,
    reml: bool,
    draws: int,
    seed: int,
) -> FloatArray:
    level, home = nested
    m, clusters = z.shape[1], len(plain)
    from scipy.sparse import csr_array

    count = home.size
    sums = np.asarray(csr_array((w, level, np.arange(len(z) + 1)), shape=(len(z), count)).T @ z)
    size = np.bincount(level, w, minlength=count)
    angle = np.pi * (np.arange(_NODES) + 0.5) / _NODES
    nodes = np.cos(angle)
    thetas = np.concatenate([[0.0], np.exp(_REACH * nodes) / size.mean()])
    deviance, beta = [], []
    chunks = [np.ones((1, clusters)), *_chunks(clusters, draws, seed)]
    n = np.concatenate([chunk @ rows for chunk in chunks])[:, 0]
    freedom = (n - p if reml else n)[:, None]
    for theta in thetas:
        share = theta / (1 + theta * size)
        here = plain - _sums(sums, share, home, clusters) if theta else plain
        logs = np.bincount(home, np.log1p(theta * size), minlength=clusters)
        whole = _square(np.concatenate([chunk @ here for chunk in chunks]), m)
        found, logdet = _solved(whole, p)
        rss = np.einsum("dkk->dk", whole[:, p:, p:]) - np.einsum("dpk,dpk->dk", whole[:, :p, p:], found)
        logm = np.concatenate([chunk @ logs for chunk in chunks])
        with np.errstate(invalid="ignore", divide="ignore"):
            deviance.append(freedom * np.log(rss / freedom) + (logm + reml * logdet)[:, None])
        beta.append(found)
    return _lowest(angle, np.array(deviance), np.array(beta))


def _lowest(angle: FloatArray, deviance: FloatArray, beta: FloatArray) -> FloatArray:
    """Coefficients (d, p, k) where the criterion is least; the first of the nodes is theta = 0, the others Chebyshev's."""
    order = np.arange(_NODES)
    to_series = np.cos(order[:, None] * angle) * (2 - (order == 0))[:, None] / _NODES
    series = np.tensordot(to_series, deviance[1:], 1)
    fine = np.linspace(0, np.pi, 4 * _NODES + 1)
    low, high = np.zeros(deviance.shape[1:]), np.zeros(deviance.shape[1:])
    best = np.full(deviance.shape[1:], np.inf)
    for at, t in enumerate(fine):
        value = np.tensordot(np.cos(order * t), series, 1)
        better = value < best
        best = np.where(better, value, best)
        low = np.where(better, fine[max(at - 1, 0)], low)
        high = np.where(better, fine[min(at + 1, fine.size - 1)], high)
    for _ in range(40):  # halve the bracket on the sign of the slope in the angle
        middle = (low + high) / 2
        slope = -np.einsum("odk,odk->dk", order[:, None, None] * np.sin(order[:, None, None] * middle), series)
        low, high = np.where(slope < 0, middle, low), np.where(slope < 0, high, middle)
    turned = np.cos(order[:, None, None] * (low + high) / 2)
    best = np.einsum("odk,odk->dk", turned, series)
    coefficients = np.tensordot(to_series, beta[1:], 1)
    inside = np.einsum("odk,odpk->dpk", turned, coefficients)
    # the polynomial holds seven digits of the criterion: a lead below that is none
    return np.asarray(np.where((deviance[0] <= best + 1e-9 * np.abs(best))[:, None], beta[0], inside))


def _checked(
    x: FloatArray, y: FloatArray, w: FloatArray, cluster: Codes, groups: Sequence[Codes], *, draws: int
) -> tuple[IntArray, IntArray | None, IntArray]:
    """Cluster codes; the group of each row and the cluster of each group where there is one."""
    if draws < 100:
        raise UsageError(f"draws is {draws}; an interval needs at least 100")
    faults = [f"{what} has {np.size(v) if what == 'the cluster' else len(v)} rows" for what, v in (
        ("the outcome", y), ("weights", w), ("the cluster", cluster), *((f"group {j}", g) for j, g in enumerate(groups)),
    ) if len(v) != len(x)]  # fmt: skip
    if bad := int((~np.isfinite(x)).sum() + (~np.isfinite(y)).sum()):
        faults.append(f"{bad} values are undefined or infinite")
    if bad := int((~((w > 0) & np.isfinite(w))).sum()):
        faults.append(f"{bad} weights are not above 0: leave those rows out first")
    if faults:
        raise InputError(f"nothing to resample in a design of {len(x)} rows: " + "; ".join(faults))
    if len(groups) > 1:
        raise RefusedError(
            f"{len(groups)} random intercepts: a cluster drawn twice would share levels with itself; take CR1 errors, two-way if due"
        )
    codes = np.unique(cluster, return_inverse=True)[1].reshape(-1).astype(np.int64)
    if codes.max(initial=0) < 1:
        raise RefusedError("one cluster holds all rows: how much clusters differ cannot be seen")
    if not groups:
        return codes, None, codes
    level = np.unique(groups[0], return_inverse=True)[1].reshape(-1).astype(np.int64)
    home = np.empty(int(level.max()) + 1, dtype=np.int64)
    home[level] = codes
    if (home[level] != codes).any():
        raise RefusedError("the random group reaches over several clusters: cluster by it, or by a coarser one")
    return codes, level, home
