"""Degrees of freedom of a mixed model's coefficients, from how uncertain its variances are."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sociolect.compare.fitted import Fitted
from sociolect.compare.interval import FloatArray
from sociolect.compare.mixed_model_equations import equations, orthogonal, profile
from sociolect.errors import InputError

_STEP = 1e-4  # of theta: the gradient is exact, so its difference holds eight digits


def satterthwaite(
    x: FloatArray, fitted: Fitted, groups: Sequence[npt.NDArray[np.int64]], weights: FloatArray | None = None
) -> FloatArray:
    """Satterthwaite's degrees of freedom (p, k) for the model-based errors of a fit with random intercepts, crossed or not.

    2 v^2 / (g' A g) for each coefficient's variance v, g its slopes in (sigma2, theta), A twice the inverse Hessian of
    -2 log L there (Fai and Cornelius 1996, doi 10.1080/00949659608811740; Kuznetsova, Brockhoff and Christensen 2017, doi
    10.18637/jss.v082.i13). g is analytic, the Hessian a central difference of the analytic gradient. An intercept variance at the
    boundary is held at 0; with all of them there the degrees are n - p (n under ML). Groups and weights are those of the fit.

    Raises InputError where arrays do not fit the fit.

    >>> from sociolect.compare.crossed import crossed
    >>> i = np.arange(60)
    >>> y = np.cos(i * i) + 2 * np.sin(7.0 * (i % 6))
    >>> x = np.ones((60, 1))
    >>> satterthwaite(x, crossed(x, y[:, None], [i % 6]), [i % 6]).round(3).tolist()  # balanced: groups - 1
    [[5.0]]
    """
    x = np.asarray(x, dtype=float)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
    seen = [len(fitted.residual), w.size, *(np.size(g) for g in groups)]
    if len(groups) != len(fitted.tau2) or any(size != len(x) for size in seen):
        raise InputError(
            f"the fit has {len(fitted.residual)} rows and {len(fitted.tau2)} random intercepts; the design has {len(x)} rows, "
            f"weights {w.size}, groups {', '.join(str(s) for s in seen[2:]) or 'none'}: hand in what was fitted"
        )
    p, k = x.shape[1], fitted.sigma2.size
    freedom = len(x) - p if fitted.reml else len(x)
    out = np.full((p, k), float(freedom))
    if not len(groups):
        return out
    codes = [np.unique(g, return_inverse=True)[1].reshape(-1).astype(np.int64) for g in groups]
    flat, _, back, _ = orthogonal(x, fitted.residual, w)
    made = equations(flat, fitted.residual, codes, w)
    for o in range(k):
        sigma2, theta = float(fitted.sigma2[o]), fitted.tau2[:, o] / fitted.sigma2[o]
        live = np.flatnonzero(theta > 0)
        if not live.size:
            continue
        here = profile(made, theta, o, fitted.reml, sigma2=sigma2)
        hessian = np.empty((live.size + 1, live.size + 1))
        hessian[0, 0] = freedom / sigma2**2
        hessian[0, 1:] = hessian[1:, 0] = here.score[live] / sigma2**2
        for at, j in enumerate(live):
            step = np.where(np.arange(theta.size) == j, _STEP * theta, 0.0)
            above, below = (profile(made, theta + s * step, o, fitted.reml, sigma2=sigma2).gradient for s in (1, -1))
            hessian[1:, at + 1] = (above - below)[live] / (2 * step[j])
        hessian[1:, 1:] = (hessian[1:, 1:] + hessian[1:, 1:].T) / 2
        reach = back @ here.unscaled
        unit = np.einsum("ci,ij,cj->c", back, here.unscaled, back)
        slopes = np.stack([unit, *(sigma2 * np.einsum("ci,ij,cj->c", reach, here.inner[j], reach) for j in live)])
        spread = np.einsum("ac,ac->c", slopes, np.linalg.solve(hessian, slopes))
        out[:, o] = (sigma2 * unit) ** 2 / spread
    return out
