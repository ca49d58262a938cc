"""Regression with one random intercept, or none: exact REML and ML from the sums of groups, many outcomes over one design."""

from dataclasses import dataclass

import numpy as np

from sociolect.compare.fitted import Fitted
from sociolect.compare.group_sums import Codes, GroupSums, standardised, summed
from sociolect.compare.interval import FloatArray
from sociolect.compare.one_thread import one_thread
from sociolect.compare.profile import minimum, profile, satterthwaite
from sociolect.errors import RefusedError

_NOTHING = 1e-13  # a residual variance below this share of the outcome's mean square is rounding


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """A fit from sums alone: `beta` (p, k), `covariance` (k, p, p), `sigma2`, `theta` = tau2 / sigma2, `deviance` (k,),
    and `degrees` (p, k), Satterthwaite's.
    """

    beta: FloatArray
    covariance: FloatArray
    sigma2: FloatArray
    theta: FloatArray
    deviance: FloatArray
    degrees: FloatArray
    n: int


@one_thread
def random_intercept(
    x: FloatArray,
    y: FloatArray,
    codes: Codes,
    weights: FloatArray | None = None,
    *,
    reml: bool = True,
    names: tuple[str, ...] = (),
    outcomes: tuple[str, ...] = (),
) -> Fitted:
    """The fit of y = x b + u[group] + e, u ~ N(0, tau2), e ~ N(0, sigma2 / weight), for each column of y.

    x (n, p), y (n, k), `codes` (n,) group codes from 0, `weights` (n,) above 0 or None: precision weights, as in lme4.
    Bates et al. (2015), doi 10.18637/jss.v067.i01; the criterion is profiled down to theta = tau2 / sigma2 and its
    derivative solved, so that tau2 is exact to rounding, not to a search's tolerance; theta = 0 is compared.
    Raises RefusedError where groups are all of size 1 (tau2 and sigma2 cannot be told apart), where there is one group, where
    columns are aliased (named by `names`), or where an outcome is fitted without remainder.

    >>> y = np.array([[1.0], [2.0], [4.0], [5.0], [9.0], [10.0]])  # balanced: sigma2 is the mean square within groups
    >>> fit = random_intercept(np.ones((6, 1)), y, np.array([0, 0, 1, 1, 2, 2]))
    >>> fit.sigma2.round(6).tolist(), fit.tau2.round(6).tolist()
    ([0.5], [[16.083333]])
    """
    groups = int(codes.max(initial=-1)) + 1
    names, outcomes = _named(x, y, names, outcomes)
    sums = summed(x, y, codes, weights, groups)
    solved = solve(sums, names, outcomes, reml=reml)
    left = y - x @ solved.beta
    return fitted(solved, left, whitened(solved, left, codes, weights, sums.weight), reml=reml)


@one_thread
def least_squares(
    x: FloatArray,
    y: FloatArray,
    weights: FloatArray | None = None,
    *,
    reml: bool = True,
    names: tuple[str, ...] = (),
    outcomes: tuple[str, ...] = (),
) -> Fitted:
    """The weighted least squares of each column of y on x: sigma2 is RSS / (n - p), or RSS / n where not `reml`.

    >>> fit = least_squares(np.array([[1.0, 0], [1, 1], [1, 2]]), np.array([[1.0], [2.0], [4.0]]))
    >>> fit.beta.ravel().round(3).tolist(), fit.sigma2.round(4).tolist()
    ([0.833, 1.5], [0.1667])
    """
    names, outcomes = _named(x, y, names, outcomes)
    codes = np.zeros(len(x), dtype=np.int64)
    sums = summed(x, y, codes, weights, 1)
    solved = solve(sums, names, outcomes, reml=reml, intercept=False)
    left = y - x @ solved.beta
    return fitted(solved, left, whitened(solved, left, codes, weights, sums.weight), reml=reml, intercept=False)


def solve(
    sums: GroupSums, names: tuple[str, ...], outcomes: tuple[str, ...], *, reml: bool = True, intercept: bool = True
) -> Solved:
    """The fit that these sums hold; without `intercept` theta is 0. Errors as in `random_intercept`.

    Satterthwaite's degrees of freedom (Kuznetsova et al. 2017, doi 10.18637/jss.v082.i13): 2 C^2 / var(C) for each
    diagonal C of the covariance, from the Hessian of the deviance in (sigma2, theta), analytic; n - p at the boundary.
    """
    p, k, n = len(names), len(outcomes), sums.n
    if intercept and len(sums.weight) == n:
        raise RefusedError(
            f"each of the {n} groups has one row: the variance between groups cannot be told from that within; "
            "leave the random intercept out, or name larger groups"
        )
    if intercept and len(sums.weight) < 2:
        raise RefusedError("there is one group only: a variance between groups needs two or more")
    standard = standardised(sums, names, outcomes)
    made = profile(sums.weight, standard, n=n, columns=p, reml=reml)
    best = minimum(made) if intercept else np.zeros(k)
    found = made.at(np.where(np.isfinite(best), best, 0.0))
    if stuck := [o for o, t, rss in zip(outcomes, best, found.rss, strict=True) if np.isinf(t) or rss <= _NOTHING * n]:
        raise RefusedError(
            f"outcome {', '.join(map(repr, stuck))} is fitted without remainder: no residual variance is left"
        )
    unit, back = standard.unit, standard.back
    sigma2 = found.rss / made.m * unit**2
    inverse = back @ found.inverse @ back.T
    deviance = found.deviance + 2 * made.m * np.log(unit) - sums.log_weight + 2 * reml * standard.log_scale
    degrees = np.full((p, k), float(n - p))
    if (best > 0).any():
        degrees = np.where(best > 0, satterthwaite(made, found, back), degrees)
    return Solved(
        back @ found.beta.T * unit + standard.shift, sigma2[:, None, None] * (inverse + inverse.transpose(0, 2, 1)) / 2,
        sigma2, best, deviance, degrees, n,
    )  # fmt: skip


def whitened(
    solved: Solved, left: FloatArray, codes: Codes, weights: FloatArray | None, sizes: FloatArray
) -> FloatArray:
    """V^-1 (y - x b) of each row (n, k): what the scores of the coefficients are made of."""
    out = left.copy() if weights is None else left * weights[:, None]
    for j in np.flatnonzero(solved.theta):
        share = solved.theta[j] / (1 + solved.theta[j] * sizes)
        drawn = (share * np.bincount(codes, out[:, j], minlength=len(sizes)))[codes]
        out[:, j] -= drawn if weights is None else drawn * weights
    out /= solved.sigma2
    return out


def fitted(solved: Solved, residual: FloatArray, whitened: FloatArray, *, reml: bool, intercept: bool = True) -> Fitted:
    """The shape in which every engine answers."""
    tau2 = (solved.theta * solved.sigma2)[None] if intercept else np.zeros((0, len(solved.sigma2)))
    return Fitted(solved.beta, solved.covariance, solved.sigma2, tau2, solved.deviance, residual, whitened, reml)


def _named(
    x: FloatArray, y: FloatArray, names: tuple[str, ...], outcomes: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return names or tuple(f"x{j}" for j in range(x.shape[1])), outcomes or tuple(f"y{j}" for j in range(y.shape[1]))
