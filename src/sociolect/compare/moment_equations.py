"""Moment equations A'(y - X beta) = 0 of a regression in the metric of its fit, and what correcting them did to the slopes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FEW, FloatArray, IntArray
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Effects

_SMALL = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """Slopes (p,) corrected for the scorer's error, beside the `raw` ones; both with cluster-robust covariances (p, p).

    `shift` is the covariance of corrected - raw, which tells whether the correction matters. `matter` says which columns
    or outcomes were corrected, `labelled` counts their audited rows, `n` all rows, `clusters` the clusters, `degrees` those
    of Student's t. `surrogate` holds, by audited column, the p of "given the truth, the score says nothing of the outcome",
    which the correction of a predictor rests on.
    """

    beta: FloatArray
    covariance: FloatArray
    raw: FloatArray
    raw_covariance: FloatArray
    shift: FloatArray
    n: int
    labelled: int
    clusters: int
    degrees: int
    surrogate: Mapping[int, float] = field(default_factory=dict)

    def interval(self, column: int, *, level: float = 0.95) -> tuple[float, float]:
        """The ends of a corrected slope's interval."""
        from scipy.special import stdtrit

        reach = float(stdtrit(self.degrees, (1 + level) / 2)) * float(self.covariance[column, column]) ** 0.5
        return float(self.beta[column]) - reach, float(self.beta[column]) + reach

    def shifted(self, column: int) -> float:
        """The two-sided p of corrected = raw."""
        from scipy.special import stdtr

        error = float(self.shift[column, column]) ** 0.5
        gap = abs(float(self.beta[column] - self.raw[column]))
        return 2 * float(stdtr(self.degrees, -gap / error)) if error > 0 else float(gap == 0)

    @property
    def few(self) -> bool:
        return self.clusters < FEW


def corrections(found: Corrected, *, outcome: str, columns: Sequence[str], level: float = 0.95) -> Effects:
    """One row per column: the corrected slope with its interval, the raw one in `naive`, and `p_shift` of their being one.

    `surrogate` is the p of the assumption behind a corrected predictor, null in the other rows.
    Raises UsageError where `columns` are not as many as the slopes.
    """
    from scipy.special import stdtr

    if len(columns) != found.beta.size or not 0 < level < 1:
        raise UsageError(
            f"{len(columns)} columns are named, at level {level}: {found.beta.size} are due, and a level between 0 and 1"
        )
    ends = np.array([found.interval(j, level=level) for j in range(len(columns))])
    error = np.sqrt(np.diag(found.covariance))
    few = f"; few clusters ({found.clusters} < {FEW})" if found.clusters < FEW else ""
    return frames.effects(
        pl.DataFrame({
            "measure": [outcome] * len(columns), "contrast": list(columns), "estimate": found.beta, "low": ends[:, 0], "high": ends[:, 1],
            "n": [found.n] * len(columns), "se": error, "df": [float(found.degrees)] * len(columns),
            "p": 2 * stdtr(found.degrees, -np.abs(found.beta) / error), "naive": found.raw,
            "p_shift": [found.shifted(j) for j in range(len(columns))],
            "surrogate": pl.Series([found.surrogate.get(j) for j in range(len(columns))], dtype=pl.Float64),
            "labelled": [found.labelled] * len(columns), "clusters": [found.clusters] * len(columns),
            "method": [f"corrected for the scorer's error, cluster-robust{few}"] * len(columns),
        })
    )  # fmt: skip


def checked(
    x: FloatArray, y: FloatArray, cluster: IntArray, *, group: IntArray | None, theta: float, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """Design, outcome and weights as numbers, and the group of each row."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if theta < 0 or not np.isfinite(theta) or (group is None and theta):
        raise UsageError(f"theta is {theta}: tau2 / sigma2, 0 or above, is due, with the groups of its intercept")
    weight = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    parts = {"outcomes": y, "cluster codes": cluster, "weights": weight} | (
        {} if group is None else {"group codes": group}
    )
    faults = [f"{len(part)} {what}, {len(x)} rows" for what, part in parts.items() if len(part) != len(x)]
    faults += [
        f"{bad} {what} are not finite"
        for what, part in (("numbers of the design", x), ("outcomes", y))
        if (bad := int((~np.isfinite(part)).sum()))
    ]
    if bad := int((~((weight > 0) & np.isfinite(weight))).sum()):
        faults.append(f"{bad} weights are not finite and above 0")
    if faults:
        raise InputError("no correction: " + "; ".join(faults))
    if len(x) <= x.shape[1] or np.unique(cluster).size < 2:
        raise RefusedError(
            f"{len(x)} rows for {x.shape[1]} columns, in {np.unique(cluster).size} clusters: more rows than columns, in two or more, are due"
        )
    codes = np.arange(len(y)) if group is None else np.unique(group, return_inverse=True)[1]
    if theta and (torn := int(np.unique(np.column_stack([codes, cluster]), axis=0).shape[0] - codes.max() - 1)):
        raise InputError(f"{torn} groups lie in more than one cluster: clusters that hold the groups whole are due")
    return x, y, weight, codes


def shrink(codes: IntArray, theta: float, weight: FloatArray) -> FloatArray:
    """c_g = theta / (1 + theta s_g) of each group: V^-1 = W - c_g w w', times sigma2."""
    return np.asarray(theta / (1 + theta * np.bincount(codes, weight)))


def whiten(x: FloatArray, codes: IntArray, theta: float, weight: FloatArray) -> FloatArray:
    """sigma2 V^-1 X."""
    wide = x * weight[:, None]
    if theta == 0:
        return wide
    sums = np.stack([np.bincount(codes, column) for column in wide.T], axis=1)
    return np.asarray(wide - weight[:, None] * (shrink(codes, theta, weight)[:, None] * sums)[codes])


def solve(
    around: FloatArray,
    x: FloatArray,
    y: FloatArray,
    cluster: IntArray,
    noise: tuple[Sequence[int], FloatArray] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """beta with A'(y - X beta) + N beta = 0, and each cluster's part in its error (clusters, p)."""
    moment = around.T @ x
    if noise is not None:
        at, taken = noise
        moment[np.ix_(at, at)] -= taken.sum(0)
    scale = np.sqrt(np.abs(np.diag(around.T @ around)))
    if np.linalg.cond(moment / np.outer(scale, scale)) > 1 / _SMALL * len(x):
        raise RefusedError(
            "the columns depend on each other, or nothing of a noisy one is left once its noise is taken off"
        )
    beta = np.linalg.solve(moment, around.T @ y)
    score = around * (y - x @ beta)[:, None]
    if noise is not None:
        score[:, at] += taken @ beta[at]
    codes = np.unique(cluster, return_inverse=True)[1]
    sums = np.stack([np.bincount(codes, column) for column in score.T], axis=1)
    return np.asarray(beta), np.asarray(np.linalg.solve(moment, sums.T).T)


def corrected(
    beta: FloatArray, influence: FloatArray, raw: FloatArray, before: FloatArray, *,
    labelled: int, n: int, degrees: int, surrogate: Mapping[int, float],
) -> Corrected:  # fmt: skip
    clusters, p = influence.shape
    factor = clusters / (clusters - 1) * (n - 1) / (n - p)
    covariance, raw_covariance, shift = (factor * i.T @ i for i in (influence, before, influence - before))
    return Corrected(beta, covariance, raw, raw_covariance, shift, n, labelled, clusters, degrees, surrogate)
