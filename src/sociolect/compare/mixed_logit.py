"""Logistic regression with random intercepts, crossed or alone, by the Laplace approximation."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray, IntArray
from sociolect.compare.laplace import Objective, laplace
from sociolect.errors import InputError, RefusedError

_SMALL = 200_000  # numbers in a design that is held as a plain array
_FAR = 12.0  # log-odds beyond which an estimate is on its way to infinity
_NONE = 1e-3  # a standard deviation below this is 0


@dataclass(frozen=True, slots=True, eq=False)
class MixedLogit:
    """Fixed effects (log-odds), their covariance, one standard deviation per random factor, and the deviance."""

    fixed: FloatArray
    covariance: FloatArray
    sd: FloatArray
    deviance: float


def mixed_logit(y: npt.ArrayLike, x: npt.ArrayLike, random: Sequence[Any] = ()) -> MixedLogit:
    """The fit of logit P(y = 1) = x b + sum of Z_j u_j, u_j ~ N(0, sd_j^2).

    y (n,) of 0 and 1; x (n, k); each of `random` is an array of codes from 0 (n,), a random intercept per code, or a
    scipy sparse matrix Z_j (n, q_j). Deviance and covariance (from its Hessian over all parameters) are those of the
    Laplace approximation, as in lme4's glmer with nAGQ = 1 (Bates et al. 2015; Breslow and Clayton 1993): near exact where
    each random effect is seen often, and too small an sd where it is seen two or three times.

    Raises InputError where shapes do not fit or x is not of full rank, RefusedError where no finite estimate exists.

    >>> fit = mixed_logit([1] * 30 + [0] * 10, np.ones((40, 1)))
    >>> round(float(fit.fixed[0]), 4), round(float(fit.covariance[0, 0] ** 0.5), 4)
    (1.0986, 0.3651)
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    said, fixed = np.asarray(y, dtype=float), np.asarray(x, dtype=float)
    z = [r.tocsr() if hasattr(r, "tocsr") else _indicators(np.asarray(r)) for r in random]
    if fixed.ndim != 2 or {len(said), *(m.shape[0] for m in z)} != {len(fixed)} or not np.isin(said, (0, 1)).all():
        raise InputError(
            f"y {said.shape} of 0 and 1, x {fixed.shape} and the random factors must have one row per answer"
        )
    k = fixed.shape[1]
    if np.linalg.matrix_rank(fixed) < k:
        raise InputError(f"the {k} fixed effects cannot be told apart by these answers: leave one out")
    start = np.concatenate([_plain(said, fixed), np.ones(len(z))])
    objective = _objective(said, fixed, z, [not hasattr(r, "tocsr") for r in random])
    bounds = [(-40.0, 40.0)] * k + [(0.0, 20.0)] * len(z)
    with threadpool_limits(1):  # the matrices are small: threads would wait for each other, and sum in another order
        found = minimize(
            objective, start, method="L-BFGS-B", jac=True, bounds=bounds, options={"ftol": 1e-13, "gtol": 1e-7}
        )
        at = np.where((np.arange(len(start)) >= k) & (found.x < _NONE), 0.0, found.x)
        free = np.flatnonzero((np.arange(len(start)) < k) | (at > 0))
        curve, value = _hessian(objective, at, free), objective(at)[0]
    if np.abs(at[:k]).max() > _FAR or (at[k:] > _FAR).any() or np.linalg.eigvalsh(curve).min() <= 1e-8:
        raise RefusedError(
            f"the mixed logit of {len(said)} answers has no finite estimate: an effect decides every answer; "
            "report shares with a Wilson interval instead"
        )
    covariance = np.asarray(2 * np.linalg.inv(curve), dtype=float)
    return MixedLogit(at[:k], covariance[:k, :k], at[k:], value)


def _indicators(codes: IntArray) -> Any:
    from scipy.sparse import csr_matrix

    n = len(codes)
    return csr_matrix((np.ones(n), codes, np.arange(n + 1)), shape=(n, int(codes.max()) + 1))


def _plain(y: FloatArray, x: FloatArray) -> FloatArray:
    """The estimate without random effects, ridged a little so that it is finite: a place to start from."""
    b = np.zeros(x.shape[1])
    for _ in range(25):
        mu = 1 / (1 + np.exp(-x @ b))
        curve = (x * (mu * (1 - mu))[:, None]).T @ x + 0.01 * np.eye(len(b))
        b = b + np.linalg.solve(curve, x.T @ (y - mu) - 0.01 * b)
    return b


def _objective(y: FloatArray, x: FloatArray, z: Sequence[Any], single: Sequence[bool]) -> Objective:
    """The deviance of these answers, those that only chance can part counted together."""
    from scipy.sparse import csr_matrix, hstack

    every = hstack([csr_matrix(x), *z]).tocsr()
    every.sum_duplicates()
    rows = [(every.indices[a:b].tobytes(), every.data[a:b].tobytes()) for a, b in pairwise(every.indptr)]
    places = {row: i for i, row in enumerate(dict.fromkeys(rows))}
    cell = np.array([places[row] for row in rows])
    first = np.unique(cell, return_index=True)[1]
    hits, of = np.bincount(cell, y).astype(float), np.bincount(cell).astype(float)
    # The intercept with the most codes is the one that costs nothing.
    own = max((j for j, one in enumerate(single) if one), key=lambda j: z[j].shape[1], default=-1)
    others = [j for j in range(len(z)) if j != own]
    owner = np.repeat(others, [z[j].shape[1] for j in others]).astype(np.int64)
    rest: Any = hstack([z[j] for j in others]).tocsr()[first] if others else np.zeros((len(first), 0))
    if others and rest.shape[0] * rest.shape[1] <= _SMALL:
        rest = rest.toarray()
    codes = z[own].indices[first] if own >= 0 else None
    return laplace(hits, of, x[first], codes=codes, own=own, z=rest, owner=owner)


def _hessian(objective: Objective, at: FloatArray, free: IntArray) -> FloatArray:
    """Second derivatives over the free parameters, by central differences of the slope."""
    rows = []
    for i in free:
        step = np.zeros(len(at))
        step[i] = _NONE / 2  # no standard deviation goes below 0
        rows.append((objective(at + step)[1] - objective(at - step)[1])[free] / (2 * step[i]))
    return np.asarray((np.array(rows) + np.array(rows).T) / 2)
