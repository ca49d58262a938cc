"""The chance of each category given covariates: who comments on what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.compare.interval import FloatArray, IntArray
from sociolect.compare.multinomial_logit import NEVER, MultinomialLogit, multinomial_logit
from sociolect.compare.one_thread import one_thread
from sociolect.errors import InputError, RefusedError, unknown

Flags = npt.NDArray[np.bool_]
RARE = ("refuse", "pool", "exclude")
LEAST = 20  # ours: a propensity of fewer rows than these is a guess
POOLED = "other"
_ROUNDS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Propensity:
    """P(category | covariates) of the rows that count, in the order they came in.

    `codes` (n,) is the category of each of all n rows, -1 where it is counted out by a reason of `left_out`, which add up
    to the -1. `fit` is over the m other rows, `x` (m, p) their design, `names` its columns, `weight` (m,) their sampling
    weights (ones without), `pooled` the categories that went into "other".
    """

    categories: tuple[str, ...]
    codes: IntArray
    x: FloatArray
    names: tuple[str, ...]
    weight: FloatArray
    fit: MultinomialLogit
    left_out: Mapping[str, int]
    pooled: tuple[str, ...]

    @property
    def used(self) -> Flags:
        """Which rows count."""
        return self.codes >= 0


class Columns(NamedTuple):
    """Covariates as numbers (n, p), nan where a value is missing; each with its name, its covariate and its level."""

    values: FloatArray
    covariate: tuple[str, ...]
    level: tuple[str | None, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c if k is None else f"{c}={k}" for c, k in zip(self.covariate, self.level, strict=True))


@one_thread
def propensity(
    rows: pl.DataFrame,
    category: str | Sequence[str],
    covariates: Sequence[str],
    *,
    drop: float | None = None,
    rare: Literal["refuse", "pool", "exclude"] = "refuse",
    least: int = LEAST,
    weight: str | None = None,
    needed: Sequence[str] = (),
) -> Propensity:
    """A multinomial logit of the category, or of several category columns crossed, on numbers and words.

    Words become indicators, their first level in sorted order the reference. Rows that are null or not finite in the
    category, a covariate, `weight` (sampling weights) or a `needed` column are counted out, each under the first such column.
    A category of fewer than `least` rows is refused, pooled with other such into "other", or excluded (`rare`). `drop`
    counts out rows where some category has a smaller propensity and fits again until none has (Crump et al. 2009;
    Yoshida et al. 2019): the answer is then about the others only.

    Raises InputError where columns are missing, weights are negative or all 0, or a covariate is constant or told by others;
    RefusedError where categories are rare or fewer than two, and where a propensity is 0 or 1, with the categories and covariates.

    >>> rows = pl.DataFrame({"close": ["no"] * 60 + ["yes"] * 40, "night": ([0.0] * 45 + [1.0] * 15) + ([0.0] * 10 + [1.0] * 30)})
    >>> found = propensity(rows, "close", ["night"])
    >>> found.fit.probability[0].round(6).tolist()  # 45 and 10 of 55 rows by day
    [0.818182, 0.181818]
    """
    if rare not in RARE:
        raise unknown("way with rare categories", rare, RARE)
    crossed = [category] if isinstance(category, str) else list(category)
    base, keep, left_out = _complete(rows, crossed, covariates, weight, needed)
    table = columns(rows, covariates)
    label = rows.select(pl.concat_str([pl.col(c).cast(pl.String) for c in crossed], separator=", ")).to_series()
    label, pooled, few = _common(label, keep, rare, least)
    for name, count in few.items():
        left_out[f"{name}: fewer than {least} rows"] = count
    keep &= label.is_not_null().to_numpy()
    for _ in range(_ROUNDS):
        names = sorted(set(label.filter(pl.Series(keep)).to_list()))
        if len(names) < 2:
            raise RefusedError(
                f"{_in(crossed)} has {len(names)} categories in {keep.sum()} rows that count: two are due"
            )
        codes = label.replace_strict(names, range(len(names)), default=-1, return_dtype=pl.Int64).to_numpy().copy()
        codes[~keep] = -1
        if (thin := np.bincount(codes[keep])).min() < least:
            raise RefusedError(
                f"{names[thin.argmin()]!r} keeps {thin.min()} rows of {least} due: pool it, or lower drop"
            )
        x, told = _design(table, keep)
        fit = multinomial_logit(x, codes[keep], weights=base[keep])
        low = fit.probability.min(1) < (NEVER if drop is None else max(drop, NEVER))
        if drop is None and fit.separated:
            raise RefusedError(_separated(fit, table, keep, codes[keep], names))
        if not low.any():
            return Propensity(tuple(names), codes, x, told, base[keep], fit, left_out, pooled)
        reason = f"a propensity below {drop:g}"
        left_out[reason] = left_out.get(reason, 0) + int(low.sum())
        keep[np.flatnonzero(keep)[low]] = False
    raise RefusedError(
        f"after {_ROUNDS} rounds rows still have a propensity below {drop:g}: {keep.sum()} are left; "
        "pool categories, or leave out the covariate that tells them apart"
    )


def columns(rows: pl.DataFrame, covariates: Sequence[str]) -> Columns:
    """Numbers as they are, words and booleans as an indicator of every level that occurs.

    >>> columns(pl.DataFrame({"age": [30, None], "from": ["x", "y"]}), ["age", "from"]).names
    ('age', 'from=x', 'from=y')
    """
    out: list[FloatArray] = []
    owner: list[str] = []
    level: list[str | None] = []
    for name in covariates:
        column = rows[name]
        if column.dtype.is_numeric():
            values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
            out.append(np.where(np.isfinite(values), values, np.nan))
            owner.append(name)
            level.append(None)
            continue
        said = column.cast(pl.String)
        for one in sorted(set(said.drop_nulls().to_list())):
            out.append((said == one).cast(pl.Float64).fill_null(float("nan")).to_numpy())
            owner.append(name)
            level.append(one)
    values = np.column_stack(out) if out else np.zeros((rows.height, 0))
    return Columns(values, tuple(owner), tuple(level))


def _complete(
    rows: pl.DataFrame, category: Sequence[str], covariates: Sequence[str], weight: str | None, needed: Sequence[str]
) -> tuple[FloatArray, Flags, dict[str, int]]:
    """The sampling weights, which rows have every value, and the others by reason."""
    own = [weight] if weight else []
    due = dict.fromkeys([*category, *covariates, *own, *needed])
    faults = [f"column {c!r} is missing" for c in due if c not in rows.columns]
    if not category or not covariates:
        faults.append("name at least one category and one covariate")
    faults += [f"{c!r} is both category and covariate" for c in category if c in covariates]
    here = [c for c in due if c in rows.columns]
    floats = [c for c in category if c in here and rows.schema[c].is_float()]
    faults += [f"category {c!r} holds numbers with decimals: cut it into bands first" for c in floats]
    base = np.ones(rows.height)
    if weight in here and weight is not None:
        if not rows.schema[weight].is_numeric():
            faults.append(f"weight {weight!r} is {rows.schema[weight]}, not a number")
        else:
            base = rows[weight].cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()
            if bad := int((base < 0).sum()):
                faults.append(f"weight {weight!r} is below 0 in {bad} rows")
            elif not np.nansum(base) > 0:
                faults.append(f"weight {weight!r} is 0 or null in all rows")
    if faults:
        raise InputError("no propensity can be fitted: " + "; ".join(faults))
    keep, left_out = np.ones(rows.height, dtype=bool), {}
    for name in due:
        absent = rows[name].is_null()
        if rows.schema[name].is_numeric():
            absent |= ~rows[name].cast(pl.Float64).is_finite().fill_null(value=False)
        gone = absent.to_numpy() & keep
        if gone.any():
            left_out[f"{name} is null or not finite"] = int(gone.sum())
            keep &= ~gone
    if (gone := keep & (base == 0)).any():
        left_out[f"{weight} is 0"] = int(gone.sum())
        keep &= ~gone
    return base, keep, left_out


def _common(label: pl.Series, keep: Flags, rare: str, least: int) -> tuple[pl.Series, tuple[str, ...], dict[str, int]]:
    """The labels once rare ones are refused, pooled, or excluded (null, with their counts)."""
    count = label.filter(pl.Series(keep)).value_counts(sort=False)
    few = dict(sorted(count.filter(pl.col("count") < least).iter_rows()))
    if not few:
        return label, (), {}
    if rare == "refuse":
        said = ", ".join(f"{k!r} {v}" for k, v in few.items())
        raise RefusedError(
            f"categories of fewer than {least} rows: {said}; pool or exclude them with rare=, or merge them"
        )
    if rare == "exclude":
        return label.replace(list(few), [None] * len(few)), (), few
    if (total := sum(few.values())) < least:
        said = ", ".join(map(repr, few))
        raise RefusedError(f"{said} pooled have {total} rows of {least} due: exclude them with rare='exclude'")
    if POOLED in set(count[label.name]) - set(few):
        raise InputError(
            f"a category is named {POOLED!r} already: rename it before rare ones are pooled under this name"
        )
    return label.replace(list(few), [POOLED] * len(few)), tuple(few), {}


def _design(table: Columns, keep: Flags) -> tuple[FloatArray, tuple[str, ...]]:
    """An intercept and the covariates in standard units, without the first level of words that the rows hold."""
    values = table.values[keep]
    names, faults, picked, first = table.names, [], [], ""
    for j, (owner, level) in enumerate(zip(table.covariate, table.level, strict=True)):
        held = np.ptp(values[:, j]) > 1e-12 * np.abs(values[:, j]).max()
        if level is not None and not held and not values[0, j]:
            continue  # no row that counts has this level
        if level is not None and held and first != owner:
            first = owner
            continue
        if not held:
            faults.append(f"{owner!r} is constant ({level if level is not None else f'{values[0, j]:g}'})")
            continue
        picked.append(j)
    x = values[:, picked]
    x = np.column_stack([np.ones(len(x)), (x - x.mean(0)) / x.std(0)])
    told = ("intercept", *(names[j] for j in picked))
    if len(x) > x.shape[1]:
        pivot = np.abs(np.diag(np.linalg.qr(x, mode="r"))) / np.sqrt(len(x))
        faults += [f"{told[j]!r} is told by the covariates before it" for j in np.flatnonzero(pivot < 1e-6).tolist()]
    else:
        faults.append(f"{x.shape[1]} columns and {len(x)} rows: more rows, or fewer covariates, are due")
    if faults:
        raise InputError("no propensity can be fitted: " + "; ".join(faults) + "; leave these out")
    return x, told


def _separated(fit: MultinomialLogit, table: Columns, keep: Flags, codes: IntArray, names: Sequence[str]) -> str:
    """Which categories have a propensity of 0 for some rows, and what tells them apart."""
    faults, x = [], table.values[keep]
    for k in np.flatnonzero(fit.probability.min(0) < NEVER).tolist():
        own, other = x[codes == k], x[codes != k]
        ends = (own.max(0) <= other.min(0)) | (own.min(0) >= other.max(0))
        apart = ", ".join(repr(table.names[j]) for j in np.flatnonzero(ends & (np.ptp(x, axis=0) > 0)).tolist())
        never = int((fit.probability[:, k] < NEVER).sum())
        faults.append(f"{names[k]!r} never occurs in {never} rows by {apart or 'several covariates together'}")
    return (
        f"propensities of 0 or 1: {'; '.join(faults)}: leave the covariate out, merge "
        "categories, or count such rows out with drop="
    )


def _in(category: Sequence[str]) -> str:
    return " x ".join(category)
