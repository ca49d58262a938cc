"""Several regressions of the same clusters with one covariance: contrasts between fits stay paired.

Each estimate is carried with what every cluster contributes to it, its influence. Sums of products over clusters are the
covariances within and across fits (Weesie 1999, seemingly unrelated estimation), so a contrast of two arms that answered for the
same posts is as sharp as pairing makes it, and one of disjoint clusters has none to share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sociolect.compare.fitted import Fitted
from sociolect.compare.interval import FloatArray
from sociolect.compare.one_thread import one_thread
from sociolect.errors import InputError

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Jointly:
    """q estimates and the influence of each of C clusters on each of them: (q,) and (C, q). `n` counts rows."""

    estimate: FloatArray
    influence: FloatArray
    n: int

    @property
    def covariance(self) -> FloatArray:
        """(q, q): sums over clusters of products of influences."""
        return self.influence.T @ self.influence

    @property
    def errors(self) -> FloatArray:
        """(q,) standard errors."""
        return np.asarray(np.sqrt((self.influence**2).sum(0)))

    @property
    def clusters(self) -> int:
        """How many clusters took part in any of the estimates."""
        return int((np.nan_to_num(self.influence) != 0).any(1).sum())  # nan: an estimate that there is none of

    def at(self, places: Sequence[int]) -> "Jointly":
        """Some of the estimates."""
        return Jointly(self.estimate[list(places)], self.influence[:, list(places)], self.n)

    def times(self, matrix: npt.ArrayLike) -> "Jointly":
        """The linear combinations matrix (m, q) @ estimate, by the same clusters."""
        made = np.atleast_2d(np.asarray(matrix, dtype=float))
        return Jointly(made @ self.estimate, self.influence @ made.T, self.n)

    def ends(self, level: float = 0.95) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Low, high and two-sided p of each, by Student's t at clusters - 1 degrees of freedom; nan where nothing varies."""
        from scipy.special import stdtr, stdtrit

        degrees = max(self.clusters - 1, 1)
        t = stdtrit(degrees, (1 + level) / 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.where(self.errors > 0, self.errors, np.nan)
            p = 2 * stdtr(degrees, -np.abs(self.estimate / error))
        return self.estimate - t * error, self.estimate + t * error, np.asarray(p)


@one_thread
def jointly(x: FloatArray, fitted: Fitted, codes: Codes, clusters: int) -> Jointly:
    """All coefficients of a fit, p of the first outcome, then p of the second, with their influences.

    `x` (n, p) is the fit's design, `codes` (n,) the cluster of each of its rows, 0 to `clusters` - 1; every fit that is to
    stand beside this one counts clusters alike. A row's score is x * whitened; the influences hold CR1's factor
    G/(G-1) (n-1)/(n-p), with G the clusters that take part here.

    >>> from sociolect.compare.fitted import Fitted
    >>> y = np.array([[1.0], [3.0], [5.0], [7.0]])
    >>> mean = Fitted(np.array([[4.0]]), np.array([[[0.25]]]), np.ones(1), np.zeros((0, 1)), np.zeros(1), y - 4, y - 4, True)
    >>> found = jointly(np.ones((4, 1)), mean, np.arange(4), 4)
    >>> float(found.estimate[0]), round(float(found.errors[0]), 4)  # the standard error of a mean: sd / sqrt(n)
    (4.0, 1.291)
    """
    n, p = x.shape
    if len(codes) != n or (n and (codes.min() < 0 or codes.max() >= clusters)):
        raise InputError(
            f"{len(codes)} cluster codes up to {codes.max(initial=-1)} for {n} rows and {clusters} clusters"
        )
    taken = len(np.unique(codes))
    factor = np.sqrt(taken / max(taken - 1, 1) * (n - 1) / max(n - p, 1))
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    here = codes[order][starts]
    parts = []
    for j in range(fitted.beta.shape[1]):
        scores = np.add.reduceat((x * fitted.whitened[:, [j]])[order], starts, axis=0)
        influence = np.zeros((clusters, p))
        influence[here] = factor * scores @ fitted.covariance[j]
        parts.append(influence)
    return Jointly(fitted.beta.T.ravel(), np.hstack(parts), n)


def beside(parts: Sequence[Jointly]) -> Jointly:
    """The estimates of several fits in one; all must count their clusters alike. `n` is that of the largest."""
    if len({p.influence.shape[0] for p in parts}) != 1:
        raise InputError("these fits do not count the same clusters: code the clusters once, over all rows")
    return Jointly(
        np.concatenate([p.estimate for p in parts]), np.hstack([p.influence for p in parts]), max(p.n for p in parts)
    )
