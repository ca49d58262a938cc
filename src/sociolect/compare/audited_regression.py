"""Regressions on what a classifier says, corrected by rows that people labelled; and whether it errs alike on both sources."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FloatArray, IntArray
from sociolect.compare.moment_equations import Corrected, checked, corrected, solve, whiten
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Effects

Flags = npt.NDArray[np.bool_]
_LABELS = 10  # a column: fewer, and the guess of the truth fits its own noise
_WEAK = 10.0  # Staiger and Stock (1997): an instrument whose F is lower gives a biased ratio and intervals too narrow


def audited_regression(
    x: FloatArray,
    y: FloatArray,
    cluster: IntArray,
    *,
    outcome: FloatArray | None = None,
    predictors: Mapping[int, FloatArray] | None = None,
    chance: FloatArray | float | None = None,
    group: IntArray | None = None,
    theta: float = 0.0,
    weights: FloatArray | None = None,
) -> Corrected:
    """Least squares, or a random intercept, with the scores of an audit put right: those of the outcome, of predictors, or both.

    `x` (n, p) and `y` (n,) are what the scorer says; `outcome` (n,) the true outcome and `predictors`, by column, the true
    column (n,), nan where nobody labelled. A row is labelled for all of them or none, with the known `chance` (a number or (n,);
    none: the labelled share, for a simple random sample). `cluster` (n,) codes hold the groups.

    Outcome: y~ = f - (r / pi) (f - y) in place of the score f, right however wrong the scorer is (design-based supervised
    learning; Egami et al. 2023, arXiv 2306.04746, eq. 4). Predictors: regression calibration in the metric of the fit. With
    A = V^-1 X, V the covariance of a random intercept of `group` with theta = tau2 / sigma2, the slopes solve
    A' (y~ - X~ beta) = 0, where column j of X~ is g - (r / pi) (g - truth) and g the truth as guessed from the row and
    its group's means: the score is the instrument, and the truth's slope on it is taken with the same V. Dividing by a
    reliability taken with another V is wrong. It holds where, given the truth, the score says nothing of the outcome
    (`surrogate` tests it in the audit) and the truth none of the intercept. Errors: the cluster sandwich (CR1).

    Raises InputError for shapes, missing numbers, or a chance that is not above 0 and up to 1; RefusedError where labels are
    too few (10 per column) or in one cluster, columns depend on each other, or a score does not follow the truth (its
    slope is under 3.2 of its errors).
    """
    truths = dict(predictors or {})
    x, y, weight, codes = checked(x, y, cluster, group=group, theta=theta, weights=weights)
    known, pi = _labelled(y, cluster, outcome, truths, chance, columns=x.shape[1] + len(truths))
    around = whiten(x, codes, theta, weight)
    ratio = np.where(known, 1 / pi, 0.0)
    told = y if outcome is None else y + ratio * (np.where(known, outcome, 0.0) - y)
    true, z = x.copy(), _beside(x, codes, list(truths))
    for j, column in truths.items():
        truth = np.where(known, column, 0.0)
        guess = _guess(z, truth, known, pi)
        true[:, j] = guess + ratio * (truth - guess)
        _, influence = solve(around, x, true[:, j], cluster)
        _strong(j, around, x, true[:, j], influence)
    beta, influence = solve(around, true, told, cluster)
    raw, before = solve(around, x, y, cluster)
    surrogate = _surrogate(x, y if outcome is None else np.where(known, outcome, 0.0), truths, known, cluster)
    held = np.unique(cluster[known]).size
    return corrected(
        beta, influence, raw, before, labelled=int(known.sum()), n=len(y), degrees=held - 1, surrogate=surrogate
    )


def error_gap(
    verdict: FloatArray, truth: FloatArray, second: Flags, cluster: IntArray, *, chance: FloatArray | float | None = None,
    names: tuple[str, str] = ("human", "model"), level: float = 0.95,
) -> Effects:  # fmt: skip
    """Sensitivity and specificity of verdicts on two kinds of text, and their gaps, second less first: six rows.

    `verdict` and `truth` (n,) are 0 or 1, `truth` nan where nobody labelled; `second` says which rows are of the second kind;
    `chance` weighs labels as in `audited_regression`. Errors by clusters (CR1), Student's t. A kind with no labelled positive or
    negative has null numbers. Raises InputError for other values than 0 and 1, or lengths that differ.

    >>> told, true = np.array([1.0, 0, 1, 1] * 4), np.ones(16)
    >>> found = error_gap(told, true, np.arange(16) >= 8, np.arange(16))
    >>> found.filter(measure="sensitivity", contrast="human")["estimate"][0]
    0.75
    """
    from scipy.special import stdtr, stdtrit

    verdict, truth, second = np.asarray(verdict, float), np.asarray(truth, float), np.asarray(second, bool)
    if len({len(verdict), len(truth), len(second), len(cluster)}) > 1:
        raise InputError(
            f"{len(verdict)} verdicts, {len(truth)} labels, {len(second)} kinds, {len(cluster)} cluster codes: as many of each are due"
        )
    known = ~np.isnan(truth)
    if odd := int((~np.isin(verdict, [0, 1]) | (known & ~np.isin(truth, [0, 1]))).sum()):
        raise InputError(f"{odd} rows have a verdict or label other than 0 and 1: cut probabilities first")
    weight = known / np.where(known, 1.0 if chance is None else chance, 1.0)
    codes = np.unique(cluster, return_inverse=True)[1]
    rows = []
    for measure, kind, right in (("sensitivity", truth == 1, verdict), ("specificity", truth == 0, 1 - verdict)):
        rates, moved = [], []
        for side in (~second, second):
            w = weight * (kind & side)
            rate = float(w @ right / w.sum()) if w.sum() else np.nan
            rates.append(rate)
            moved.append(w * (right - rate) / w.sum() if w.sum() else w * np.nan)
        for contrast, value, part, used in (
            (names[0], rates[0], moved[0], kind & ~second), (names[1], rates[1], moved[1], kind & second),
            (f"{names[1]} - {names[0]}", rates[1] - rates[0], moved[1] - moved[0], kind),
        ):  # fmt: skip
            held = np.unique(codes[used]).size
            sums = np.bincount(codes, part)
            error = float(sums @ sums * held / (held - 1)) ** 0.5 if held > 1 else np.nan
            reach = float(stdtrit(held - 1, (1 + level) / 2)) * error if held > 1 else np.nan
            gap = "-" in contrast and error > 0
            rows.append({
                "measure": measure, "contrast": contrast, "estimate": value, "low": value - reach, "high": value + reach,
                "n": int(used.sum()), "se": error, "p": 2 * float(stdtr(held - 1, -abs(value) / error)) if gap else np.nan,
                "clusters": held, "method": "labelled rows, cluster-robust",
            })  # fmt: skip
    return frames.effects(
        pl.DataFrame(rows, schema_overrides={"n": pl.Int64}).with_columns(pl.col(pl.Float64).fill_nan(None))
    )


def _beside(x: FloatArray, codes: IntArray, noisy: Sequence[int]) -> FloatArray:
    """What a truth is guessed from: the row, and its group's mean scores."""
    count = np.bincount(codes)
    means = [(np.bincount(codes, x[:, j]) / count)[codes] for j in noisy] if (count > 1).any() else []
    return np.column_stack([x, *means])


def _guess(z: FloatArray, truth: FloatArray, known: Flags, pi: FloatArray) -> FloatArray:
    """The truth as weighted least squares of the audited rows guess it."""
    root = np.sqrt(1 / pi[known])
    slope = np.linalg.lstsq(z[known] * root[:, None], truth[known] * root, rcond=None)[0]
    return np.asarray(z @ slope)


def _strong(column: int, around: FloatArray, x: FloatArray, truth: FloatArray, influence: FloatArray) -> None:
    slope = np.linalg.solve(around.T @ x, around.T @ truth)[column]
    error = float((influence[:, column] ** 2).sum()) ** 0.5
    if slope < _WEAK**0.5 * error:
        raise RefusedError(
            f"the score in column {column} hardly follows the truth in the audit (slope {slope:.2f} +- {error:.2f}): "
            "a slope divided by it says nothing; label more rows, or bring a better scorer"
        )


def _surrogate(
    x: FloatArray, y: FloatArray, truths: Mapping[int, FloatArray], known: Flags, cluster: IntArray
) -> dict[int, float]:
    """By column, the p of the score's own slope beside the truth's, in the audited rows."""
    from scipy.special import stdtr

    if not truths:
        return {}
    true = x[known].copy()
    for j, column in truths.items():
        true[:, j] = column[known]
    z = np.column_stack([true, x[known][:, list(truths)]])
    out = {}
    for place, j in enumerate(truths, start=x.shape[1]):
        beta, influence = solve(z, z, y[known], cluster[known])
        error = float((influence[:, place] ** 2).sum()) ** 0.5
        out[j] = 2 * float(stdtr(len(influence) - 1, -abs(beta[place]) / error))
    return out


def _labelled(
    y: FloatArray,
    cluster: IntArray,
    outcome: FloatArray | None,
    truths: Mapping[int, FloatArray],
    chance: FloatArray | float | None,
    *,
    columns: int,
) -> tuple[Flags, FloatArray]:
    """Which rows are labelled, and with what chance (n,)."""
    named = ({} if outcome is None else {"outcome": outcome}) | {f"column {j}": t for j, t in truths.items()}
    if not named:
        raise UsageError("nothing to correct: give the true outcome, or the truth of a predictor")
    if faults := [f"{len(t)} labels of {what}, {len(y)} rows" for what, t in named.items() if len(t) != len(y)]:
        raise InputError("no correction: " + "; ".join(faults))
    known = ~np.isnan(next(iter(named.values())))
    faults = [
        f"{what} is labelled in other rows than {next(iter(named))}"
        for what, t in named.items()
        if (np.isnan(t) == known).any()
    ]
    faults += [f"{bad} labels of {what} are infinite" for what, t in named.items() if (bad := int(np.isinf(t).sum()))]
    pi = np.full(len(y), known.mean() if chance is None else 0.0) + (0.0 if chance is None else chance)
    if bad := int((~((pi > 0) & (pi <= 1)))[known if chance is None else slice(None)].sum()):
        faults.append(f"{bad} chances of being labelled are not above 0 and up to 1")
    if faults:
        raise InputError("no correction: " + "; ".join(faults))
    held = np.unique(cluster[known]).size
    if known.sum() < _LABELS * columns or held < 2:
        raise RefusedError(
            f"{int(known.sum())} labelled rows in {held} clusters: {_LABELS * columns} are due for {columns} columns, in two or more"
        )
    return known, pi
