"""Linear regression with random intercepts, many outcomes over one design: what `lmer` fits, at millions of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bias_reduced import LARGEST
from sociolect.compare.cluster_bootstrap import cluster_bootstrap
from sociolect.compare.crossed import crossed
from sociolect.compare.design import Design
from sociolect.compare.fitted import Fitted
from sociolect.compare.group_sums import standardised, summed
from sociolect.compare.interval import FEW, FloatArray, Interval
from sociolect.compare.model_frame import ModelFrame, Numbers, Rows, numbers, scan
from sociolect.compare.one_thread import one_thread
from sociolect.compare.random_intercept import fitted, solve, whitened
from sociolect.compare.sandwich import Clustered, clustered
from sociolect.compare.satterthwaite import satterthwaite
from sociolect.compare.streaming import opened, robust, streamed
from sociolect.errors import RefusedError, UsageError, unknown
from sociolect.frames import Effects

ERRORS = ("model", "CR0", "CR1", "CR2", "bootstrap")
Errors = Literal["model", "CR0", "CR1", "CR2", "bootstrap"]
MANY = 100  # clusters from which on CR1 serves as well as CR2: joint tests at .05 reject .067 at 50, .055 at 100


@dataclass(frozen=True, slots=True, eq=False)
class MixedEffects:
    """A regression of k outcomes on p columns: the fit, and the covariance of its coefficients under the errors asked for.

    `terms` maps a term of the formula to its columns, by position; `sizes` are the clusters of each random intercept;
    `covariance` (k, p, p); `degrees` (p, k) of freedom; `clusters` how many the errors rest on (rows, where the model has
    neither groups nor clusters); `explained` (k,) the variance of the fixed part over n - 1, `centre` (k,) the outcomes'
    means; `left_out` rows by reason.
    """

    outcomes: tuple[str, ...]
    columns: tuple[str, ...]
    terms: Mapping[str, tuple[int, ...]]
    groups: tuple[str, ...]
    sizes: tuple[int, ...]
    fit: Fitted
    covariance: FloatArray
    degrees: FloatArray
    errors: str
    clusters: int
    n: int
    left_out: Mapping[str, int]
    level: float
    explained: FloatArray
    centre: FloatArray
    weighting: str
    design: Design
    split: str | None
    x: FloatArray  # the design (n, p) of the rows that count, in their order; no rows where they were streamed
    interval: Interval | None = None  # the bootstrap's, of p * k numbers, outcomes running fastest
    sandwich: Clustered | None = None  # what clustered errors say of themselves

    def summary(self, *, columns: Sequence[str] = ()) -> Effects:
        """The coefficients as effects: one row per outcome (`measure`) and column (`contrast`), with se, df, p, method.

        `columns` keeps some of them, or all columns of a term by the term's name.
        """
        from scipy.special import stdtr, stdtrit

        kept = [j for c in columns for j in self.places(c)] if columns else list(range(len(self.columns)))
        out, beta, shape = sum(self.left_out.values()), self.fit.beta, self.fit.beta.shape
        se = np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2)).T
        reach = -stdtrit(self.degrees, (1 - self.level) / 2) * se
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high, p = beta - reach, beta + reach, 2 * stdtr(self.degrees, -np.abs(beta) / se)
        if self.interval:
            low, high, p = (a.reshape(shape) for a in (self.interval.low, self.interval.high, self.interval.p()))
        rows = [
            (
                outcome, self.columns[j], *(float(a[j, k]) for a in (beta, low, high)), self.n,
                *(float(a[j, k]) for a in (se, self.degrees, p)), self._method(k), out, self.clusters,
            )
            for k, outcome in enumerate(self.outcomes)
            for j in dict.fromkeys(kept)
        ]  # fmt: skip
        schema = {
            "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
            "n": pl.Int64, "se": pl.Float64, "df": pl.Float64, "p": pl.Float64, "method": pl.String, "left_out": pl.Int64,
            "clusters": pl.Int64,
        }  # fmt: skip
        return frames.effects(pl.DataFrame(rows, schema=schema, orient="row").fill_nan(None))

    def places(self, name: str) -> tuple[int, ...]:
        """The positions of a column, or of all columns of a term."""
        if name in self.columns:
            return (self.columns.index(name),)
        if name not in self.terms:
            raise unknown("column", name, [*self.columns, *self.terms])
        return self.terms[name]

    def _method(self, k: int) -> str:
        kind = f"random intercept of {', '.join(self.groups)}" if self.groups else "least squares"
        how = "REML" if self.fit.reml else "ML"
        zero = [g for g, none in zip(self.groups, self.fit.boundary[:, k], strict=True) if none]
        few = f"; few clusters ({self.clusters} < {FEW})" if self.clusters < FEW else ""
        return (
            (f"{how}, " if self.groups else "") + kind + f", {self.errors} errors" + few
            + (f"; no variance between {', '.join(zero)}" if zero else "")
            + ("; sampling weights" if self.weighting == "sampling" else "") + self._said(k)
        )  # fmt: skip

    def _said(self, k: int) -> str:
        if self.sandwich is None:
            return ""
        alone = [name for name, one in zip(self.columns, self.sandwich.alone, strict=True) if one]
        return ("; two-way errors, upper bound" if self.sandwich.bound[k] else "") + (
            f"; no error for {', '.join(alone)}: one cluster alone makes it out" if alone else ""
        )


@one_thread
def mixed_effects(
    rows: pl.DataFrame | pl.LazyFrame | Path,
    formula: str,
    *,
    outcomes: Sequence[str] = (),
    constants: Mapping[str, float] = MappingProxyType({}),
    reml: bool = True,
    weights: str | None = None,
    weighting: Literal["precision", "sampling"] = "precision",
    errors: Errors | None = None,
    cluster: str | Sequence[str] | None = None,
    within: str | None = None,
    draws: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> MixedEffects:
    """The regression of one or many outcomes on the columns of a formula, with none, one or several random intercepts.

    `formula`: `y ~ x*g + (1 | post)`, or `~ ...` with `outcomes`; the grammar is that of `formula.read`. Text columns are
    categories (reference level: `design.levels`). Without `(1 | g)` it is (weighted) least squares, with one it is exact
    from sums of groups, with several they are crossed. `reml=False` is maximum likelihood, which likelihood-ratio tests need.

    `weights` names a column. `precision`: a row's variance is sigma2 / weight, as in lme4. `sampling`: a row stands for weight
    rows; weights are scaled to mean 1, and model-based errors are refused, because they would take the weights for knowledge.
    `errors`: None is `model` (Satterthwaite's degrees), or with sampling weights CR1, CR2 under 100 clusters (with intercepts, of at most 2,000 rows). CR0, CR1, CR2 and
    `bootstrap` (`draws`, `seed`) are by `cluster`, one column or two crossed ones, by default the first group of the formula.
    `within` splits every column that varies inside that group into its deviation from the group's mean and this mean
    (Mundlak 1978, doi 10.2307/1913646), named `<column> [within post]` and `<column> [between post]`.

    `rows` may be a parquet file or a lazy frame: then it is read in batches and only sums of groups are held. Rows with a gap
    in any used column, in any outcome, are left out and counted by column in `left_out`.

    Raises UsageError for formulas and keywords, InputError for columns, weights, and values that are infinite once
    transformed, RefusedError where coefficients or variances cannot be told: aliased or constant columns by name, no more rows
    than columns, groups of one row each, an outcome fitted without remainder.

    >>> rows = pl.DataFrame({"y": [1.0, 2, 4, 5, 9, 10], "post": list("aabbcc")})
    >>> mixed_effects(rows, "y ~ 1 + (1 | post)").summary().select("contrast", pl.col("estimate", "df").round(6)).row(0)
    ('Intercept', 5.166667, 2.0)
    """
    clusters = (cluster,) if isinstance(cluster, str) else tuple(cluster or ())
    _keywords(errors, weights, weighting, clusters, level)
    with opened(rows) as batches:
        frame = scan(
            batches, formula, outcomes=outcomes, constants=constants, weights=weights, sampling=weighting == "sampling",
            coded=clusters, within=within,
        )  # fmt: skip
        by = clusters or frame.formula.groups[:1]
        kind = errors or _kind(frame, by, weighting)
        if kind != "model":
            _clustered(frame, by, kind)
        if not isinstance(rows, pl.DataFrame):
            return _streamed(frame, batches, by, kind, reml=reml, level=level, weighting=weighting)
        part = numbers(frame)
    groups = frame.formula.groups
    codes = [part.codes[g] for g in groups]
    fit, degrees = _engine(frame, part, reml, degrees=kind == "model")
    covariance, interval, robust_errors = fit.covariance, None, None
    if kind == "bootstrap":
        interval, covariance = cluster_bootstrap(
            part.x, part.y, part.codes[by[0]], groups=codes, weights=part.weights, reml=reml, draws=draws, level=level,
            seed=seed,
        )  # fmt: skip
        degrees = np.full_like(degrees, frame.names[by[0]].len() - 1.0)
    elif kind != "model":
        robust_errors = clustered(
            part.x, fit, [part.codes[c] for c in by], kind=cast('Literal["CR0", "CR1", "CR2"]', kind), groups=codes, weights=part.weights,
            working="identity" if weighting == "sampling" and not groups else "fit",
        )  # fmt: skip
        covariance, degrees = robust_errors.covariance, robust_errors.degrees
    return _answer(
        frame, fit, covariance, degrees, errors=kind, by=by, level=level, weighting=weighting,
        explained=(part.y - fit.residual).var(0, ddof=1), centre=_centre(part), x=part.x, interval=interval,
        sandwich=robust_errors,
    )  # fmt: skip


def _engine(frame: ModelFrame, part: Numbers, reml: bool, *, degrees: bool) -> tuple[Fitted, FloatArray]:
    """The fit of rows in memory, and model-based degrees of freedom (p, k)."""
    groups, names, outcomes = frame.formula.groups, frame.columns, frame.formula.outcomes
    codes = part.codes[groups[0]] if len(groups) == 1 else np.zeros(frame.n, dtype=np.int64)
    count = frame.names[groups[0]].len() if len(groups) == 1 else 1
    sums = summed(part.x, part.y, codes, part.weights, count)
    if len(groups) > 1:
        standardised(sums, names, outcomes)  # refuses aliased columns by name
        fit = crossed(part.x, part.y, [part.codes[g] for g in groups], part.weights, reml=reml)
        if not degrees:
            return fit, np.full(fit.beta.shape, np.nan)
        return fit, satterthwaite(part.x, fit, [part.codes[g] for g in groups], part.weights)
    solved = solve(sums, names, outcomes, reml=reml, intercept=bool(groups))
    left = part.y - part.x @ solved.beta
    white = whitened(solved, left, codes, part.weights, sums.weight)
    return fitted(solved, left, white, reml=reml, intercept=bool(groups)), solved.degrees


def _streamed(
    frame: ModelFrame, batches: Rows, by: Sequence[str], kind: str, *, reml: bool, level: float, weighting: str
) -> MixedEffects:
    groups = frame.formula.groups
    if len(groups) > 1 or kind in {"CR2", "bootstrap"} or (kind != "model" and len(by) > 1):
        what = "crossed intercepts" if len(groups) > 1 else "crossed clusters" if len(by) > 1 else f"{kind} errors"
        raise RefusedError(f"{what} need all rows in memory: hand over a frame (pl.read_parquet), or ask for CR1")
    group = groups[0] if groups else None
    sums = streamed(frame, batches, group)
    solved = solve(sums, frame.columns, frame.formula.outcomes, reml=reml, intercept=bool(groups))
    cluster = by[0] if kind != "model" else None
    covariance, explained = robust(frame, batches, sums, solved, group=group, cluster=cluster, corrected=kind == "CR1")
    degrees = np.full_like(solved.degrees, frame.names[cluster].len() - 1.0) if cluster else solved.degrees
    none = np.empty((0, len(frame.formula.outcomes)))
    fit = fitted(solved, none, none, reml=reml, intercept=bool(groups))
    return _answer(
        frame, fit, covariance, degrees, errors=kind, by=by, level=level, weighting=weighting, explained=explained,
        centre=sums.weight @ sums.mean[:, len(frame.columns) :] / sums.weight.sum(), x=np.empty((0, len(frame.columns))),
    )  # fmt: skip


def _centre(part: Numbers) -> FloatArray:
    return np.asarray(np.average(part.y, axis=0, weights=part.weights))


def _answer(
    frame: ModelFrame, fit: Fitted, covariance: FloatArray, degrees: FloatArray, *, errors: str, by: Sequence[str],
    **rest: Any,
) -> MixedEffects:  # fmt: skip
    groups = frame.formula.groups
    sizes = tuple(frame.names[g].len() for g in groups)
    counted = [frame.names[c].len() for c in by] if errors != "model" else list(sizes)
    return MixedEffects(
        outcomes=frame.formula.outcomes, columns=frame.columns, terms=frame.terms, groups=groups, sizes=sizes, fit=fit,
        covariance=covariance, degrees=degrees, errors=errors, clusters=min(counted, default=frame.n), n=frame.n,
        left_out=frame.left_out, design=frame.design, split=frame.split.within if frame.split else None, **rest,
    )  # fmt: skip


def _kind(frame: ModelFrame, by: Sequence[str], weighting: str) -> str:
    if weighting == "precision":
        return "model"
    few = len(by) == 1 and frame.names[by[0]].len() < MANY
    if (
        few and frame.formula.groups and frame.held
    ):  # weighted rows of one cluster share a covariance that must be taken apart
        few = int(np.bincount(frame.held[1][by[0]]).max()) <= LARGEST
    return "CR2" if few else "CR1"


def _keywords(errors: str | None, weights: str | None, weighting: str, clusters: Sequence[str], level: float) -> None:
    if errors is not None and errors not in ERRORS:
        raise unknown("errors", errors, ERRORS)
    if weighting not in {"precision", "sampling"}:
        raise unknown("weighting", weighting, ["precision", "sampling"])
    if not 0 < level < 1:
        raise UsageError(f"level is {level}; it lies between 0 and 1, such as 0.95")
    if weighting == "sampling" and weights is None:
        raise UsageError("weighting='sampling' weighs by a column: name it in `weights`")
    if weighting == "sampling" and errors == "model":
        raise RefusedError(
            "model-based errors take weights for precision, which sampling weights are not: leave `errors` out, or ask for CR1"
        )
    if clusters and errors in {None, "model"} and weighting == "precision":
        raise UsageError(f"clusters {', '.join(clusters)} were named, but errors are model-based: ask for errors='CR1'")


def _clustered(frame: ModelFrame, by: Sequence[str], kind: str) -> None:
    if not by:
        raise UsageError(
            f"{kind} errors need clusters, and the formula has no random intercept: name them in `cluster`"
        )
    if kind in {"CR2", "bootstrap"} and len(by) > 1:
        raise UsageError(f"{kind} errors take one cluster, not {' and '.join(by)}: name the coarser, or ask for CR1")
    if single := [c for c in by if frame.names[c].len() < 2]:
        raise RefusedError(f"cluster {single[0]!r} holds all rows: two clusters or more are due")
