"""Crossed random intercepts, exactly: profiled REML or ML from sparse mixed-model equations."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sociolect.compare.fitted import Fitted
from sociolect.compare.interval import FloatArray
from sociolect.compare.mixed_model_equations import Equations, Point, equations, orthogonal, profile
from sociolect.compare.one_thread import one_thread
from sociolect.errors import InputError, RefusedError

_ROUNDS = 100
_CEILING = 1e9  # of theta times the weight of a group
_FLOOR = 1e-9  # of theta times rows a group: below it an intercept's variance is told from 0 by no data


@one_thread
def crossed(
    x: FloatArray,
    y: FloatArray,
    groups: Sequence[npt.NDArray[np.int64]],
    weights: FloatArray | None = None,
    *,
    reml: bool = True,
) -> Fitted:
    """The fit of y (n, k) on x (n, p) with one random intercept per group, crossed or nested: `Fitted`, r = len(groups).

    y = x b + sum_j Z_j u_j + e, u_j ~ N(0, tau2_j), e ~ N(0, sigma2 / w) with precision weights w (n,). With theta_j = tau2_j /
    sigma2 the criterion is (n - p)(log(2 pi sigma2) + 1) + log|M| - sum log w + log|x' H x|, M = I + D Z' W Z D, D = theta^(1/2)
    (Bates et al. 2015, doi 10.18637/jss.v067.i01, eq. 41; ML: n for n - p, no last term). It is solved by Newton steps with its
    exact gradient, d log|M| = (levels - trace of M^-1) / theta, and the average-information curvature (Gilmour, Thompson and
    Cullis 1995, doi 10.2307/2533274). M is never filled in: `elimination`. Each outcome is searched by itself; theta_j = 0 is
    compared for each group that lies within ten standard errors of it.

    Raises InputError where shapes or values do not fit, RefusedError where a variance is not identified: as many levels as rows,
    one level, or two groups that are the same; and where x has dependent columns.

    >>> table = np.array([[1.0, 2, 4], [2, 4, 5], [5, 6, 8]])  # balanced: (mean square of rows - residual's) / 3, and so on
    >>> rows, columns = np.divmod(np.arange(9), 3)
    >>> found = crossed(np.ones((9, 1)), table.reshape(9, 1), [rows, columns])
    >>> found.sigma2.round(6).tolist(), found.tau2.ravel().round(6).tolist()
    ([0.111111], [4.111111, 2.222222])
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
    codes = _checked(x, y, groups, w)
    flat, start, back, logdet = orthogonal(x, y, w)
    made = equations(flat, y - x @ start, codes, w)
    p, k, r = x.shape[1], y.shape[1], len(codes)
    beta, tau2 = np.empty((p, k)), np.empty((r, k))
    covariance, sigma2, deviance = np.empty((k, p, p)), np.empty(k), np.empty(k)
    residual, whitened = np.empty(y.shape), np.empty(y.shape)
    spread = np.diag(made.cross)[p:]
    if (stuck := np.flatnonzero(spread <= 1e-22 * (w @ y**2))).size:
        raise RefusedError(
            f"outcome {', '.join(map(str, stuck))} is fitted without remainder: nothing is left to explain"
        )
    for o in range(k):
        theta, point = _search(made, o, reml)
        beta[:, o], sigma2[o] = start[:, o] + back @ point.beta, point.sigma2
        deviance[o] = point.deviance + reml * logdet
        tau2[:, o], covariance[o] = theta * point.sigma2, point.sigma2 * back @ point.unscaled @ back.T
        residual[:, o] = y[:, o] - x @ beta[:, o]
        moved = sum(point.intercepts[made.starts[j] + code] for j, code in enumerate(codes))
        whitened[:, o] = w * (residual[:, o] - moved) / point.sigma2
    return Fitted(beta, covariance, sigma2, tau2, deviance, residual, whitened, reml)


def _search(made: Equations, outcome: int, reml: bool) -> tuple[FloatArray, Point]:
    theta = np.full(made.starts.size - 1, 0.25)
    theta, here = _descend(made, theta, outcome, reml)
    while True:
        # z = 10 from 0 is not compared: a factorisation each
        near = (theta > 0) & (theta**2 * np.diag(here.curvature) < 200)
        tries = []
        for j in np.flatnonzero(near):
            less = np.where(np.arange(theta.size) == j, 0.0, theta)
            tries.append((profile(made, less, outcome, reml, slopes=False).deviance, j, less))
        if not tries:
            break
        best, _, less = min(tries, key=lambda one: one[:2])
        if best > here.deviance + 1e-10 * abs(here.deviance):
            break
        theta, here = _descend(made, less, outcome, reml)
    return theta, here


def _descend(made: Equations, theta: FloatArray, outcome: int, reml: bool) -> tuple[FloatArray, Point]:
    """Newton steps over the thetas above 0, halved while the criterion rises; one that meets its floor is set to 0."""
    floor = _FLOOR * np.diff(made.starts) / made.size.sum() * made.starts.size
    here, moved = profile(made, theta, outcome, reml), 1.0
    for _ in range(_ROUNDS):
        live = np.flatnonzero(theta > 0)
        if not live.size:
            break
        step = np.zeros(theta.size)
        step[live] = -np.linalg.lstsq(here.curvature[np.ix_(live, live)], here.gradient[live], rcond=1e-12)[0]
        size = 1.0
        while True:
            # no theta grows or shrinks by more than a factor of ten at once: far out the curvature is a guess
            trial = np.where(theta > 0, np.clip(theta + size * step, np.minimum(theta / 10, theta), 10 * theta), 0.0)
            trial[trial < floor] = 0.0
            there = profile(made, trial, outcome, reml)
            if there.deviance <= here.deviance + 1e-12 * abs(here.deviance) or size < 1e-6:
                break
            size /= 2
        moved, before = float((np.abs(trial - theta) / np.maximum(theta, floor)).max()), moved
        theta, here = trial, there
        if (theta * made.size.sum() / theta.size > _CEILING * np.diff(made.starts)).any():
            raise RefusedError(f"outcome {outcome} is fitted without remainder: no variance is left within the groups")
        # steps shrink by a steady share, so what is left to go is a geometric sum
        if (moved < 1e-6 and moved * min(moved / before, 0.5) < 1e-10) or size < 1e-6:
            break
    else:
        raise RefusedError(f"the variances of outcome {outcome} did not settle in {_ROUNDS} steps; simplify the groups")
    return theta, here


def _checked(
    x: FloatArray, y: FloatArray, groups: Sequence[npt.NDArray[np.int64]], w: FloatArray
) -> list[npt.NDArray[np.int64]]:
    """The groups' codes from 0 with no gap, or one error with all faults."""
    faults = [f"{what} has {len(v)} rows, the design {len(x)}"
              for what, v in (("the outcome", y), ("weights", w), *((f"group {j}", g) for j, g in enumerate(groups)))
              if len(v) != len(x)]  # fmt: skip
    for what, v in (("design", x), ("outcome", y)):
        if bad := int((~np.isfinite(v)).sum()):
            faults.append(f"{bad} values of the {what} are undefined or infinite")
    if bad := int((~((w > 0) & np.isfinite(w))).sum()):
        faults.append(f"{bad} weights are not above 0: leave those rows out first")
    if not groups:
        faults.append("no group was given: one integer code per row is due for each random intercept")
    if faults:
        raise InputError("no mixed model: " + "; ".join(faults))
    if len(x) <= x.shape[1]:
        raise RefusedError(f"{len(x)} rows for {x.shape[1]} coefficients: more rows than columns are due")
    codes = [np.unique(np.asarray(g), return_inverse=True)[1].reshape(-1).astype(np.int64) for g in groups]
    for j, code in enumerate(codes):
        levels = int(code.max()) + 1
        if levels == len(x) or levels < 2:
            seen = "as many levels as rows" if levels > 1 else "one level"
            faults.append(f"group {j} has {seen} ({levels:,} of {len(x):,}): its variance cannot be told")
        for i in range(j):
            pairs = np.unique(code * (int(codes[i].max()) + 1) + codes[i]).size
            if pairs == levels == int(codes[i].max()) + 1:
                faults.append(f"groups {i} and {j} are the same ({levels:,} levels): drop one")
    if faults:
        raise RefusedError("no mixed model: " + "; ".join(faults))
    return codes
