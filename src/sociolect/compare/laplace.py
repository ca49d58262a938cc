"""The likelihood of a logistic model with random effects, which Laplace's approximation integrates out, and its slope."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sociolect.compare.interval import FloatArray, IntArray

Objective = Callable[[FloatArray], tuple[float, FloatArray]]  # parameters -> deviance, slope


def laplace(
    hits: FloatArray, of: FloatArray, x: FloatArray, *, codes: IntArray | None, own: int, z: Any, owner: IntArray
) -> Objective:
    """The deviance of (fixed effects, one standard deviation per factor), and its slope.

    `hits` of `of` answers are 1 in each row. One factor, the `own`-th, is an intercept per code: however many codes there
    are, it costs no more than a division (its block of the Hessian is diagonal). Of the others column j of `z`, an array
    or a scipy sparse matrix, belongs to factor owner[j]. As lme4 at nAGQ = 1: Bates et al. (2015), Sec. 5.4, for
    linear models; Breslow and Clayton (1993), Eq. 4, with the determinant's slope kept.
    """
    from scipy.sparse import csr_matrix

    rows, k = len(hits), x.shape[1]
    place = np.zeros(rows, dtype=np.int64) if codes is None else codes
    levels = int(place.max()) + 1
    sums = csr_matrix((np.ones(rows), (place, np.arange(rows))), shape=(levels, rows))
    sparse = not isinstance(z, np.ndarray)
    held = [np.zeros(levels), np.zeros(z.shape[1])]  # the last mode found: the next begins there

    def fits(eta: FloatArray) -> float:
        return float(2 * (of @ np.logaddexp(0, eta) - hits @ eta))

    def factored(w: FloatArray, s: float, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, float]:
        """Diagonal d, cross block over d, inverse of the other block's complement, and the log determinant, of L Z'WZ L + I."""
        weighted = z.multiply(w[:, None]).tocsr() if sparse else z * w[:, None]
        inner, cross = z.T @ weighted, sums @ weighted
        inner, cross = (inner.toarray(), cross.toarray()) if sparse else (inner, cross)
        d = 1 + s * s * (sums @ w)
        cross = s * cross * t
        share = cross / d[:, None]
        complement = inner * t[:, None] * t + np.eye(len(t)) - cross.T @ share
        return d, share, np.linalg.inv(complement), float(np.log(d).sum() + np.linalg.slogdet(complement)[1])

    def solved(a: FloatArray, b: FloatArray, d: FloatArray, share: FloatArray, inverse: FloatArray) -> list[FloatArray]:
        second = inverse @ (b - share.T @ a)
        return [a / d - share @ second, second]

    def objective(at: FloatArray) -> tuple[float, FloatArray]:
        base, sd = x @ at[:k], at[k:]
        s, t = (float(sd[own]) if codes is not None else 0.0), sd[owner]

        def eta(u: list[FloatArray]) -> FloatArray:
            return np.asarray(base + s * u[0][place] + z @ (t * u[1]))

        def joint(u: list[FloatArray]) -> float:
            return fits(eta(u)) + float(u[0] @ u[0] + u[1] @ u[1])

        u, value = held, joint(held)
        for _ in range(100):
            mu = 1 / (1 + np.exp(-eta(u)))
            w, left = of * mu * (1 - mu), hits - of * mu
            d, share, inverse, logdet = factored(w, s, t)
            step = solved(s * (sums @ left) - u[0], t * (z.T @ left) - u[1], d, share, inverse)
            size, new = 1.0, joint([a + b for a, b in zip(u, step, strict=True)])
            while new > value + 1e-12 and size > 1e-6:
                size /= 2
                new = joint([a + size * b for a, b in zip(u, step, strict=True)])
            u, value = [a + size * b for a, b in zip(u, step, strict=True)], min(new, value)
            if size * max(np.abs(b).max(initial=0.0) for b in step) < 1e-9:
                break
        held[:] = u
        # The slope of the log determinant: by the leverage of each row, and by the way the mode moves.
        crossed = -share @ inverse
        first = 1 / d - (crossed * share).sum(1)  # the inverse's diagonal
        scaled = z.multiply(t).tocsr() if sparse else z * t
        reach = 2 * s * crossed[place] + scaled @ inverse
        leverage = (
            s * s * first[place] + np.asarray((scaled.multiply(reach) if sparse else scaled * reach).sum(1)).ravel()
        )
        curved = leverage * w * (1 - 2 * mu)
        moved = solved(s * (sums @ curved), t * (z.T @ curved), d, share, inverse)
        e = curved - 2 * left - w * (s * moved[0][place] + z @ (t * moved[1]))
        slope = np.zeros(len(sd))
        other = u[1] * (z.T @ e) + moved[1] * (z.T @ left)
        shrunk = 1 - np.diag(inverse)
        np.add.at(slope, owner, other + np.divide(2 * shrunk, t, out=np.zeros(len(t)), where=t > 0))
        if codes is not None:
            slope[own] = u[0] @ (sums @ e) + moved[0] @ (sums @ left) + (2 * (1 - first).sum() / s if s > 0 else 0.0)
        return value + logdet, np.concatenate([x.T @ e, slope])

    return objective
