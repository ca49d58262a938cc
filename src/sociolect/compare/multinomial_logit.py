"""Multinomial logit by maximum likelihood: the chances of categories given numbers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray, IntArray
from sociolect.errors import InputError, RefusedError

NEVER = 1e-10  # a fitted chance below this is 0
_LOST = 1e-14  # the second derivatives of such chances are rounding: no step can be made of them
_SURE = 1e-10  # the Newton decrement, in standard errors, after whose step the estimate stands
_NEAR = 0.1  # a decrement after which little is left to gain: chances of 0 stay so
_ROUNDING = 1e-7  # below this a decrement that no longer shrinks is rounding
_STEPS = 100
_CHUNK = 2_000_000  # numbers held at once while the information is summed: 16 MB
_MANY = 40_000  # rows above which a first fit on some of them tells where to start


@dataclass(frozen=True, slots=True, eq=False)
class MultinomialLogit:
    """log P(k) / P(0) = x b_k for k = 1 .. c - 1.

    `coefficients` (p, c - 1); `probability` (n, c); `information` (q, q), q = (c - 1) p, minus the second derivatives,
    the p columns of category 1 first: its inverse is the covariance of the coefficients; `deviance` is -2 log-likelihood.
    `separated`: some chance is below 1e-10, which is where chances end up when no finite estimate exists; the steps
    then stop on their way.
    """

    coefficients: FloatArray
    probability: FloatArray
    information: FloatArray
    deviance: float
    separated: bool


def multinomial_logit(
    x: npt.ArrayLike, codes: npt.ArrayLike, *, weights: npt.ArrayLike | None = None
) -> MultinomialLogit:
    """The maximum-likelihood fit of categories `codes` (n,), 0 to c - 1, on `x` (n, p), which holds its own intercept.

    Newton's method on whitened columns with step halving; the second derivatives are summed anew only where the steps stop
    shrinking fast. At the end the scores, sum of w (1[code = k] - P_k) x, are 0 to rounding: each category's total of every
    column is what its chances say (McFadden 1974). `weights` (n,) above 0 are sampling weights.

    Raises InputError where shapes do not fit, a category has no row, or x is not of full rank,
    RefusedError where the steps find no end. Separated categories raise nothing here: the fit says so, and its chances where.

    >>> fit = multinomial_logit(np.ones((10, 1)), [0] * 5 + [1] * 3 + [2] * 2)
    >>> fit.probability[0].round(12).tolist(), round(fit.deviance, 6)
    ([0.5, 0.3, 0.2], 20.59306)
    """
    from threadpoolctl import threadpool_limits

    design, kind = np.asarray(x, dtype=float), np.asarray(codes)
    if design.ndim != 2 or kind.shape != design.shape[:1] or kind.dtype.kind not in "iu" or not kind.size:
        raise InputError(f"x {design.shape} and codes {kind.shape} are due as (n, p) numbers and (n,) integers from 0")
    weight = np.ones(len(design)) if weights is None else np.asarray(weights, dtype=float)
    if weight.shape != kind.shape or not (np.isfinite(weight) & (weight > 0)).all():
        raise InputError(f"weights {weight.shape} are due as one finite number above 0 for each of {kind.size} rows")
    met = np.bincount(kind)
    if met.size < 2 or not met.all():
        raise InputError(f"categories are counted {met.tolist()}: two or more are due, each with a row")
    with threadpool_limits(1):  # one order of sums, whatever the machine
        gram = (design * weight[:, None]).T @ design / weight.sum()
        size = np.sqrt(np.diag(gram))
        if not np.isfinite(gram).all() or not size.all() or np.linalg.cond(gram / np.outer(size, size)) > 1e13:
            raise InputError("x is not of full rank, or not finite: leave out columns that others tell")
        white = np.linalg.inv(np.linalg.cholesky(gram)).T
        scale = float(weight.mean())  # the fit stops at a number of standard errors: of as many rows as there are
        fit = _newton(design, kind, weight / scale, white)
    return MultinomialLogit(
        fit.coefficients, fit.probability, fit.information * scale, fit.deviance * scale, fit.separated
    )


def _newton(x: FloatArray, codes: IntArray, weight: FloatArray, white: FloatArray) -> MultinomialLogit:
    p, c = x.shape[1], int(codes.max()) + 1
    flat = x @ white
    b = _start(flat, codes, weight, c)
    value, chance = _likelihood(flat, codes, weight, b)
    curve, before = np.zeros((0, 0)), np.inf
    for _ in range(_STEPS):
        score = _score(flat, codes, weight, chance)
        if curve.size:
            step = np.asarray(np.linalg.lstsq(curve, score)[0])  # nearly singular where categories are separated
            decrement = float(np.sqrt(max(float(score @ step), 0.0)))
        if not curve.size or decrement > 0.2 * before:
            curve = _information(flat, weight, chance)
            step = np.asarray(np.linalg.lstsq(curve, score)[0])
            decrement = float(np.sqrt(max(float(score @ step), 0.0)))
        stalled = 0.5 * before < decrement < _ROUNDING
        before, share = decrement, 1.0
        while True:
            tried = b + share * step.reshape(c - 1, p).T
            found, there = _likelihood(flat, codes, weight, tried)
            if (
                found >= value - 1e-12 * max(abs(value), 1.0) or share < 1e-6
            ):  # close to the end they differ by rounding
                break
            share /= 2
        b, value, chance = tried, found, there
        if stalled or decrement < _SURE or (decrement < _NEAR and float(chance.min()) < _LOST):
            break
    else:
        raise RefusedError(
            f"no multinomial logit: no end after {_STEPS} steps; pool rare categories, or leave out covariates"
        )
    back = np.kron(np.eye(c - 1), np.linalg.inv(white))
    information = back.T @ _information(flat, weight, chance) @ back
    return MultinomialLogit(white @ b, chance, information, -2 * value, float(chance.min()) < NEVER)


def _start(x: FloatArray, codes: IntArray, weight: FloatArray, c: int) -> FloatArray:
    """Coefficients to start from: none, or those of a part of the rows where they are many."""
    none = np.zeros((x.shape[1], c - 1))
    every = len(x) // (_MANY // 2)
    part = slice(None, None, max(every, 1))
    if len(x) <= _MANY or np.bincount(codes[part], minlength=c).min() < 10 * x.shape[1]:
        return none
    some, own = x[part], weight[part]
    b, (value, chance) = none, _likelihood(some, codes[part], own, none)
    for _ in range(8):
        curve, score = _information(some, own, chance), _score(some, codes[part], own, chance)
        step = np.asarray(np.linalg.lstsq(curve, score)[0])
        tried = b + step.reshape(c - 1, -1).T
        found, there = _likelihood(some, codes[part], own, tried)
        if found < value or there.min() < NEVER:
            return b
        b, value, chance = tried, found, there
    return b


def _likelihood(x: FloatArray, codes: IntArray, weight: FloatArray, b: FloatArray) -> tuple[float, FloatArray]:
    """The log-likelihood, and the chances (n, c)."""
    odds = np.concatenate([np.zeros((len(x), 1)), x @ b], axis=1)
    odds -= odds.max(1, keepdims=True)
    own = odds[np.arange(len(x)), codes].copy()
    np.exp(odds, out=odds)
    total = odds.sum(1)
    odds /= total[:, None]
    return float(weight @ (own - np.log(total))), odds


def _score(x: FloatArray, codes: IntArray, weight: FloatArray, chance: FloatArray) -> FloatArray:
    gap = -chance
    gap[np.arange(len(x)), codes] += 1
    gap *= weight[:, None]
    return np.asarray((gap[:, 1:].T @ x).ravel())


def _information(x: FloatArray, weight: FloatArray, chance: FloatArray) -> FloatArray:
    """The sum of w (diag(P) - P P') x x x', categories outside, columns inside."""
    n, p = x.shape
    c = chance.shape[1] - 1
    out = np.zeros((c * p, c * p))
    rows = max(1, _CHUNK // (c * p))
    for first in range(0, n, rows):
        part, w, own = x[first : first + rows], weight[first : first + rows], chance[first : first + rows, 1:]
        spread = (own[:, :, None] * part[:, None, :]).reshape(len(part), c * p)
        spread *= np.sqrt(w)[:, None]
        out -= spread.T @ spread
        for k in range(c):
            at = slice(k * p, (k + 1) * p)
            out[at, at] += (part * (w * own[:, k])[:, None]).T @ part
    return out
