"""Means of an outcome had everybody been of each category: right if the propensity or the outcome model is."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FEW, FloatArray, IntArray
from sociolect.compare.multinomial_logit import NEVER, MultinomialLogit, multinomial_logit
from sociolect.compare.one_thread import one_thread
from sociolect.compare.propensity import LEAST, Flags, Propensity, propensity
from sociolect.errors import InputError, RefusedError, UsageError, unknown
from sociolect.frames import Effects
from sociolect.seeds import substream

_COLUMNS = {
    "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "n": pl.Int64, "se": pl.Float64, "df": pl.Float64, "p": pl.Float64, "method": pl.String, "left_out": pl.Int64,
    "clusters": pl.Int64,
}  # fmt: skip


class _Part(NamedTuple):
    """A propensity over some rows, and an outcome model per category (p, k) on the same design."""

    fit: MultinomialLogit
    slopes: list[FloatArray]


@one_thread
def doubly_robust(
    rows: pl.DataFrame,
    outcomes: str | Sequence[str],
    category: str | Sequence[str],
    covariates: Sequence[str],
    *,
    reference: str,
    cluster: str,
    folds: int = 0,
    drop: float | None = None,
    rare: Literal["refuse", "pool", "exclude"] = "refuse",
    least: int = LEAST,
    weight: str | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Effects:
    """Augmented inverse propensity weighted means of each category, and their differences from the reference.

    The mean over everybody of m_c(z) + 1[c] (y - m_c(z)) / P(c | z), with m_c a linear regression among the rows of category c
    and P the logit of `propensity`, whose keywords these are (Robins, Rotnitzky and Zhao 1994; Bang and Robins 2005,
    doi 10.1111/j.1541-0420.2005.00377.x). It is right where either model is. Errors are those of the influence function summed over
    `cluster`, G / (G - 1), on Student's t with one less than the clusters a category is met in; without `folds`
    they carry the doubt of both fitted models, whichever is wrong. `folds`: models are fitted on the other clusters (cross-fitting,
    Chernozhukov et al. 2018, doi 10.1111/ectj.12097), which clusters by `seed`.

    A covariate left out of both models is a negative control as an outcome: its differences are due at 0.

    `contrast` is a category, without p, or "category - reference"; `left_out` counts rows that are null in a used column,
    excluded or dropped. Raises UsageError for an unknown reference, what `propensity` raises, and RefusedError where a category is met
    in one cluster or cannot be fitted in a fold.

    >>> rows = pl.DataFrame({"close": ["no"] * 60 + ["yes"] * 40, "night": [0.0] * 45 + [1.0] * 15 + [0.0] * 10 + [1.0] * 30})
    >>> rows = rows.with_columns(tone=2 * pl.col("night") + (pl.col("close") == "yes"), post=pl.int_range(100) % 50)
    >>> doubly_robust(rows, "tone", "close", ["night"], reference="no", cluster="post")["estimate"].round(6).to_list()
    [0.9, 1.9, 1.0]
    """
    measured = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    faults = [f"{c!r} is both outcome and covariate" for c in measured if c in covariates]
    faults += [
        f"outcome {c!r} is {rows.schema[c]}, not a number"
        for c in measured
        if c in rows.columns and not rows.schema[c].is_numeric()
    ]
    if faults or not measured:
        raise InputError("no doubly robust means: " + ("; ".join(faults) or "name at least one outcome"))
    if folds == 1 or folds < 0 or not 0 < level < 1:
        raise UsageError(
            f"folds is {folds} and level {level}; due are 0 folds or two and more, and a level between 0 and 1"
        )
    model = propensity(
        rows, category, covariates, drop=drop, rare=rare, least=least, weight=weight, needed=[*measured, cluster]
    )
    if reference not in model.categories:
        raise unknown("category", reference, model.categories)
    used = rows.filter(pl.Series(model.used))
    y = used.select(pl.col(measured).cast(pl.Float64)).to_numpy()
    names = used[cluster].cast(pl.String)
    groups = names.rank("dense").to_numpy().astype(np.int64) - 1
    codes = model.codes[model.used]
    met = [np.unique(groups[codes == k]).size for k in range(len(model.categories))]
    if (alone := min(met)) < 2:
        raise RefusedError(
            f"{model.categories[met.index(alone)]!r} is met in one {cluster}: how much they differ cannot be seen"
        )
    means, moved = _means(model, codes, y, groups, folds=folds, seed=seed)
    few = f"; few clusters ({min(met)} < {FEW})" if min(met) < FEW else ""
    method = f"doubly robust (AIPW), errors by {cluster}" + (f", cross-fitted in {folds} folds" if folds else "") + few
    method += f"; {', '.join(model.pooled)} pooled" if model.pooled else ""
    base = model.categories.index(reference)
    others = [k for k in range(len(met)) if k != base]
    out = []
    for j, name in enumerate(measured):
        at = {"measure": name, "n": codes.size, "method": method, "left_out": rows.height - codes.size}
        for k, label in enumerate(model.categories):
            out.append(at | {"contrast": label} | _doubt(means[k, j], moved[k, :, j], met[k], level) | {"p": None})
        for k in others:
            gap, apart = means[k, j] - means[base, j], moved[k, :, j] - moved[base, :, j]
            told = {"contrast": f"{model.categories[k]} - {reference}"}
            out.append(at | told | _doubt(gap, apart, min(met[k], met[base]), level))
    return frames.effects(pl.DataFrame(out, schema_overrides=_COLUMNS).select(*_COLUMNS))


def _means(
    model: Propensity, codes: IntArray, y: FloatArray, groups: IntArray, *, folds: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """The means (c, k) and what each cluster moves them by (c, g, k)."""
    n, c = codes.size, len(model.categories)
    x, weight = model.x, model.weight / model.weight.sum()
    if folds:
        fold = substream(seed, "doubly_robust").integers(0, folds, groups.max() + 1)[groups]
        names = np.unique(fold).tolist()
        parts = [(fold == f, _part(model, y, codes, fold != f, f"without fold {f} ")) for f in names]
    else:
        parts = [(np.ones(n, dtype=bool), _part(model, y, codes, np.ones(n, dtype=bool)))]
    chance = np.empty((n, c))
    for at, part in parts:
        chance[at] = _chances(x[at], part.fit)
    back = np.linalg.inv(model.fit.information / model.weight.sum())
    means, moved = np.empty((c, y.shape[1])), np.empty((c, int(groups.max()) + 1, y.shape[1]))
    pulls = np.zeros((c - 1, x.shape[1], c, y.shape[1]))
    for k in range(c):
        guess = np.empty(y.shape)
        for at, part in parts:
            guess[at] = x[at] @ part.slopes[k]
        own, lean = codes == k, weight.copy()
        held, rest = x[own], y[own] - guess[own]
        gap = rest / chance[own, k, None]
        guess[own] += gap
        means[k] = weight @ guess
        influence = weight[:, None] * (guess - means[k])
        if not folds:
            # both models are estimated: a row also moves the mean by what it moves them
            lean[own] *= 1 - 1 / chance[own, k]
            inner = np.linalg.inv((held * weight[own, None]).T @ held)
            influence[own] += (weight[own] * (held @ (inner @ (x.T @ lean))))[:, None] * rest
            for j in range(y.shape[1]):
                tilt = (chance[own, 1:] - (np.arange(1, c) == k)) * (weight[own] * gap[:, j])[:, None]
                pulls[:, :, k, j] = (back @ (tilt.T @ held).ravel()).reshape(c - 1, -1)
        moved[k] = _summed(influence, groups)
    for k in range(1, c) if not folds else ():
        score = _summed(x * (weight * ((codes == k) - chance[:, k]))[:, None], groups)
        moved += np.moveaxis(np.tensordot(score, pulls[k - 1], 1), 0, 1)
    return means, moved


def _summed(values: FloatArray, groups: IntArray) -> FloatArray:
    """The sums of each column over groups (g, k)."""
    return np.stack([np.bincount(groups, column) for column in values.T], axis=1)


def _part(model: Propensity, y: FloatArray, codes: IntArray, here: Flags, where: str = "") -> _Part:
    """Both models on the rows that are `here`; RefusedError where a category cannot be fitted on them."""
    x, weight, slopes = model.x, model.weight, []
    for k, name in enumerate(model.categories):
        at = here & (codes == k)
        root = np.sqrt(weight[at] / weight.max())[:, None]
        b, _, rank, _ = np.linalg.lstsq(x[at] * root, y[at] * root)
        if at.sum() <= x.shape[1] or rank < x.shape[1]:
            raise RefusedError(
                f"{where}{name!r} has {at.sum()} rows that do not tell {x.shape[1]} columns apart: "
                "fewer covariates, fewer folds or rarer categories pooled are due"
            )
        slopes.append(np.asarray(b))
    if not where:
        return _Part(model.fit, slopes)
    fit = multinomial_logit(x[here], codes[here], weights=weight[here])
    if fit.separated:
        raise RefusedError(f"{where}propensities are 0 or 1: fewer covariates, or pooled categories, are due")
    return _Part(fit, slopes)


def _chances(x: FloatArray, fit: MultinomialLogit) -> FloatArray:
    odds = np.column_stack([np.zeros(len(x)), x @ fit.coefficients])
    odds = np.exp(odds - odds.max(1, keepdims=True))
    return np.asarray(np.maximum(odds / odds.sum(1, keepdims=True), NEVER))


def _doubt(estimate: float, moved: FloatArray, met: int, level: float) -> dict[str, object]:
    """The estimate with its interval and p, from what each cluster moves it by."""
    from scipy.special import stdtr, stdtrit

    error = float(np.sqrt(moved @ moved * moved.size / (moved.size - 1)))
    reach = -float(stdtrit(met - 1, (1 - level) / 2)) * error
    p = 2 * float(stdtr(met - 1, -abs(estimate) / error)) if error > 0 else None
    return {
        "estimate": float(estimate), "low": float(estimate) - reach, "high": float(estimate) + reach, "se": error,
        "df": float(met - 1), "p": p, "clusters": met,
    }  # fmt: skip
