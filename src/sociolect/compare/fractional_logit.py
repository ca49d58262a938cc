"""A logit for shares: 0 and 1 are values like any other, so no offset inside a logarithm can set the slope."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FEW, FloatArray, IntArray
from sociolect.compare.one_thread import one_thread
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Effects

_STEPS, _SETTLED, _FAR = 100, 1e-10, 30.0
_SMALL = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class FractionalLogit:
    """k shares over one design: `beta` (p, k) in log odds, cluster-robust `covariance` (k, p, p), n rows in `clusters`."""

    beta: FloatArray
    covariance: FloatArray
    n: int
    clusters: int


@one_thread
def fractional_logit(
    x: FloatArray, y: FloatArray, cluster: IntArray, *, weights: FloatArray | None = None, small: bool = True
) -> FractionalLogit:
    """Quasi-maximum-likelihood logits E[y | x] = 1 / (1 + exp(-x beta)) of shares in [0, 1].

    `x` (n, p) holds its own intercept; `y` (n,) or (n, k); `cluster` (n,) codes; `weights` (n,) above 0. Only the mean is
    assumed, so the errors are the cluster sandwich. `small`: times G/(G-1) (n-1)/(n-p) (CR1, else CR0). Papke and Wooldridge
    (1996), doi 10.1002/(SICI)1099-1255(199611)11:6<619::AID-JAE418>3.0.CO;2-1. Equal to R's glm(quasibinomial) with
    sandwich::vcovCL.

    Raises InputError where a share lies outside [0, 1], a number is missing, or shapes differ; RefusedError for columns
    that depend on each other, fewer than two clusters, and shares that the columns separate into 0 and 1 (no finite slope).

    >>> x = np.column_stack([np.ones(4), [0.0, 0, 1, 1]])
    >>> found = fractional_logit(x, np.array([0.2, 0.4, 0.5, 0.7]), np.arange(4))
    >>> found.beta[:, 0].round(4).tolist()  # logit(.3), logit(.6) - logit(.3)
    [-0.8473, 1.2528]
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    y = y[:, None] if y.ndim == 1 else y
    n, p = x.shape
    weight = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    _checked(x, y, cluster, weight)
    names, codes = np.unique(cluster, return_inverse=True)
    scale = np.sqrt((x**2).mean(0))
    z = x / scale
    beta, covariance = np.zeros((p, y.shape[1])), np.zeros((y.shape[1], p, p))
    for k in range(y.shape[1]):
        b, bread = _newton(z, y[:, k], weight, k)
        score = z * (weight * (y[:, k] - _expit(z @ b)))[:, None]
        sums = np.stack([np.bincount(codes, score[:, j], minlength=names.size) for j in range(p)], axis=1)
        moved = sums @ bread / scale
        beta[:, k], covariance[k] = b / scale, moved.T @ moved
    if small:
        covariance *= names.size / (names.size - 1) * (n - 1) / (n - p)
    return FractionalLogit(beta, covariance, n, names.size)


@one_thread
def average_marginal_effects(
    fit: FractionalLogit,
    x: FloatArray,
    *,
    columns: Sequence[str],
    outcomes: Sequence[str],
    weights: FloatArray | None = None,
    level: float = 0.95,
) -> Effects:
    """What a step of 1 in each column does to the share, averaged over the rows; measure = outcome, contrast = column.

    A column of 0 and 1 is switched from 0 to 1 in every row; any other counts by its slope, mean of beta p (1 - p).
    Errors by the delta method, x held as it is, with Student's t at clusters - 1. A constant column has none, and no row.
    Interactions are columns of their own: the effect of one is that of its product alone, which is seldom what is asked.

    >>> x = np.column_stack([np.ones(4), [0.0, 0, 1, 1]])
    >>> fit = fractional_logit(x, np.array([0.2, 0.4, 0.5, 0.7]), np.arange(4))
    >>> found = average_marginal_effects(fit, x, columns=["Intercept", "close"], outcomes=["thankful"])
    >>> found["contrast"].to_list(), round(found["estimate"][0], 6)
    (['close'], 0.3)
    """
    from scipy.special import stdtr, stdtrit

    x = np.asarray(x, dtype=float)
    p, k = fit.beta.shape
    if x.ndim != 2 or x.shape[1] != p or len(columns) != p or len(outcomes) != k or not 0 < level < 1:
        raise UsageError(
            f"{len(columns)} columns and {len(outcomes)} outcomes are named for a design of shape {x.shape}, at level {level}: "
            f"the fit has {p} columns and {k} outcomes, and a level lies between 0 and 1"
        )
    share = np.ones(len(x)) / len(x) if weights is None else np.asarray(weights, dtype=float) / np.sum(weights)
    reach = float(stdtrit(fit.clusters - 1, (1 + level) / 2))
    few = f"; few clusters ({fit.clusters} < {FEW})" if fit.clusters < FEW else ""
    rows = []
    for m, outcome in enumerate(outcomes):
        beta = fit.beta[:, m]
        eta = x @ beta
        for j, column in enumerate(columns):
            if np.ptp(x[:, j]) == 0:
                continue
            if set(np.unique(x[:, j]).tolist()) <= {0.0, 1.0}:
                off, on = x.copy(), x.copy()
                off[:, j], on[:, j] = 0.0, 1.0
                zero, one = _expit(off @ beta), _expit(on @ beta)
                effect = float(share @ (one - zero))
                gradient = (share * one * (1 - one)) @ on - (share * zero * (1 - zero)) @ off
            else:
                mean = _expit(eta)
                slope = mean * (1 - mean)
                effect = float(beta[j] * (share @ slope))
                gradient = beta[j] * ((share * slope * (1 - 2 * mean)) @ x)
                gradient[j] += share @ slope
            error = float(gradient @ fit.covariance[m] @ gradient) ** 0.5
            chance = 2 * float(stdtr(fit.clusters - 1, -abs(effect) / error)) if error > 0 else None
            rows.append({
                "measure": outcome, "contrast": column, "estimate": effect, "low": effect - reach * error, "high": effect + reach * error,
                "n": fit.n, "se": error, "df": float(fit.clusters - 1), "p": chance, "clusters": fit.clusters,
                "method": f"average marginal effect of a fractional logit, cluster-robust{few}",
            })  # fmt: skip
    return frames.effects(pl.DataFrame(rows, schema_overrides={"n": pl.Int64, "p": pl.Float64, "clusters": pl.Int64}))


def _newton(x: FloatArray, y: FloatArray, weight: FloatArray, outcome: int) -> tuple[FloatArray, FloatArray]:
    """The slopes, and the inverse of X'WX at them. The quasi-likelihood is concave: a step that lowers it is halved."""
    b = np.zeros(x.shape[1])
    eta = x @ b
    value = _likelihood(eta, y, weight)
    for _ in range(_STEPS):
        mean = _expit(eta)
        try:
            bread = np.linalg.inv((x * (weight * mean * (1 - mean))[:, None]).T @ x)
        except np.linalg.LinAlgError:
            break
        step = bread @ (x.T @ (weight * (y - mean)))
        while (new := _likelihood(x @ (b + step), y, weight)) < value - 1e-12 * abs(value) and np.abs(
            step
        ).max() > _SETTLED:
            step = step / 2
        b, value = b + step, new
        eta = x @ b
        if np.abs(eta).max() > _FAR:
            break
        if np.abs(step).max() <= _SETTLED * max(1.0, float(np.abs(b).max())):
            return b, np.asarray(bread)
    raise RefusedError(
        f"the fractional logit of outcome {outcome} has no finite slope: its columns separate shares of 0 or 1 from the rest; "
        "leave out or merge the levels in which every share is 0 or 1"
    )


def _likelihood(eta: FloatArray, y: FloatArray, weight: FloatArray) -> float:
    return float(weight @ (y * eta - np.logaddexp(0, eta)))


def _expit(eta: FloatArray) -> FloatArray:
    from scipy.special import expit

    return np.asarray(expit(eta))


def _checked(x: FloatArray, y: FloatArray, cluster: IntArray, weight: FloatArray) -> None:
    n, p = x.shape
    faults = [
        f"{len(part)} {name}, {n} rows"
        for name, part in (("shares", y), ("cluster codes", cluster), ("weights", weight))
        if len(part) != n
    ]
    if bad := int((~np.isfinite(x)).any(1).sum()):
        faults.append(f"{bad} rows of the design are not finite")
    if bad := int((~((y >= 0) & (y <= 1))).any(1).sum()):
        faults.append(f"{bad} rows have a share that is missing or outside [0, 1]")
    if bad := int((~((weight > 0) & np.isfinite(weight))).sum()):
        faults.append(f"{bad} weights are not finite and above 0")
    if faults:
        raise InputError("no fractional logit: " + "; ".join(faults))
    if n <= p:
        raise RefusedError(f"{n} rows for {p} columns: more rows than columns are due")
    if (groups := np.unique(cluster).size) < 2:
        raise RefusedError(f"{groups} cluster: errors that are robust to clusters need two or more")
    size = np.sqrt((x**2).sum(0))
    if (zero := np.flatnonzero(size == 0)).size:
        raise RefusedError(f"columns {zero.tolist()} are all 0: leave them out")
    _, r = np.linalg.qr(x / size)
    if (bad_columns := np.flatnonzero(np.abs(np.diag(r)) < _SMALL)).size:
        raise RefusedError(f"columns {bad_columns.tolist()} depend on those before them: leave them out")
