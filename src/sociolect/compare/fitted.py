"""What a regression found, several outcomes over one design: what the engines return and everything after them reads."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """k outcomes over one design of n rows and p columns, with r random intercepts (0 for least squares).

    `beta` (p, k); `covariance` (k, p, p), the model-based one, sigma2 (X' V^-1 X)^-1; `sigma2` (k,) the residual variance;
    `tau2` (r, k) the variances of the intercepts, 0 where they lie at the boundary; `deviance` (k,) is -2 log-likelihood,
    restricted where `reml`. `residual` (n, k) is y - X beta; `whitened` (n, k) is V^-1 (y - X beta) with sigma2 in V, so that
    the score of a row is x * whitened, whatever the engine.
    """

    beta: FloatArray
    covariance: FloatArray
    sigma2: FloatArray
    tau2: FloatArray
    deviance: FloatArray
    residual: FloatArray
    whitened: FloatArray
    reml: bool

    @property
    def boundary(self) -> npt.NDArray[np.bool_]:
        """Which intercept variances lie at 0: (r, k)."""
        return np.asarray(self.tau2 == 0)
