"""Conditions and populations held against each other: the run is the unit, and every number has its interval over runs."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.interval import FEW, FloatArray
from sociolect.compare.mixed_effects import mixed_effects
from sociolect.errors import RefusedError
from sociolect.frames import Effects
from sociolect.systems.worlds.donor_game.measure import MEASURES

DRAWS = 2000
Z = 1.959963984540054
_EFFECTS = {
    "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "n": pl.Int64, "left_out": pl.Int64, "method": pl.String,
}  # fmt: skip
_GROWN = {
    "panel": pl.String, "series": pl.String, "generation": pl.Int64, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "n": pl.Int64,
}  # fmt: skip


def grown(runs: pl.DataFrame, measure: str = "donated", *, seed: int = 0) -> pl.DataFrame:
    """The mean over runs by generation, for `report.plots.lines`: panel, series, generation, value, low, high, n."""
    rows = []
    for (community, condition), mine in _arms(runs):
        wide = mine.pivot("generation", index="run", values=measure, sort_columns=False).sort("run")
        numbers = sorted(int(c) for c in wide.columns if c != "run")
        values = wide.select(str(g) for g in numbers).to_numpy().astype(float)
        for k, g in enumerate(numbers):
            (value,), (low,), (high,), n, _ = _doubt(values[:, [k]], _mean, seed)
            rows.append((condition, community, g, value, low, high, n))
    told = pl.DataFrame(rows, schema=_GROWN, orient="row")
    return told.with_columns(_within(measure, "low", "high"))


def ends(runs: pl.DataFrame, *, seed: int = 0) -> Effects:
    """Each arm in its first and last generation: the mean over runs of `donated` and `log_units`."""
    rows = []
    for measure in MEASURES:
        for (community, condition), mine in _arms(runs):
            for g in sorted({int(mine["generation"].min() or 1), int(mine["generation"].max() or 1)}):  # type: ignore[arg-type]  # integers
                found = mine.filter(generation=g).sort("run")[measure].to_numpy().astype(float)
                rows.append(_row(measure, f"{community}, {condition}, generation {g}", found[:, None], _mean, seed))
    return frames.effects(
        pl.concat(
            part.with_columns(_within(str(name), "low", "high"))
            for (name,), part in _effects(rows).partition_by("measure", as_dict=True, maintain_order=True).items()
        )
    )


def contrasts(runs: pl.DataFrame, *, seed: int = 0) -> Effects:
    """Each two conditions of a population in the last generation, the later less the earlier, paired by run."""
    rows = []
    last = runs.filter(pl.col("generation") == pl.col("generation").max().over("community"))
    for (community,), mine in last.partition_by("community", as_dict=True, maintain_order=True).items():
        for one, other in combinations(mine["condition"].unique(maintain_order=True), 2):
            pairs = mine.filter(condition=other).join(mine.filter(condition=one), on="run", suffix="_one").sort("run")
            for measure in MEASURES:
                found = pairs.select(pl.col(measure) - pl.col(f"{measure}_one")).to_numpy().astype(float)
                rows.append(_row(measure, f"{community}: {other} - {one}", found, _mean, seed))
    return _effects(rows)


def between(runs: pl.DataFrame, *, condition: str, order: Sequence[str] = (), seed: int = 0) -> Effects:
    """Each two populations in the last generation of one condition: the earlier in `order` less the later, runs resampled in each."""
    mine = runs.filter(pl.col("generation") == pl.col("generation").max(), condition=condition)
    rows = []
    for one, other in combinations(order or mine["community"].unique(maintain_order=True), 2):
        for measure in MEASURES:
            a, b = (mine.filter(community=c).sort("run")[measure].to_numpy().astype(float) for c in (one, other))
            side = np.repeat([0, 1], [len(a), len(b)])
            rows.append(_row(measure, f"{one} - {other}", np.concatenate([a, b])[:, None], None, seed, strata=side))
    return _effects(rows)


def spread(runs: pl.DataFrame) -> Effects:
    """How much runs of one arm differ in the last generation: their standard deviation, with Bonett's interval (`deviation`)."""
    rows = []
    for (community, condition), mine in _arms(runs):
        last = mine.filter(pl.col("generation") == pl.col("generation").max()).sort("run")
        for measure in MEASURES:
            known = last[measure].drop_nulls().to_numpy().astype(float)
            sd, low, high, method = deviation(known)
            told = (f"sd of {measure}", f"{community}, {condition}", sd, low, high, known.size)
            rows.append((*told, last.height - known.size, method))
    return _effects(rows)


def deviation(values: FloatArray) -> tuple[float | None, float | None, float | None, str]:
    """The standard deviation of runs, the ends of its 95 % interval, and how they were had: null where there are none.

    Bonett 2006 (doi 10.1016/j.csda.2004.10.003), Eq. 2 and 3: of the logarithm of the variance, with a pooled kurtosis about the
    trimmed mean. A percentile bootstrap of so few runs covers 69 to 93 % where this covers 90 to 99 (measured at 4, 5 and 20
    normal, even and exponential runs). Below five runs the mean is the median of the runs (ours: the trimming is undefined).

    >>> deviation(np.array([0.1, 0.4, 0.2, 0.9, 0.6]))[3]
    "Bonett's interval over runs; few runs"
    """
    n = values.size
    if n < 2:
        return None, None, None, "no number: one run has no spread" if n else "no run has a number"
    sd = float(values.std(ddof=1))
    if n < 4 or sd <= 1e-12 * max(1.0, float(np.abs(values).max())):
        why = "fewer than four runs" if n < 4 else "all runs are alike"
        return sd, None, None, f"no interval: {why}"
    cut = int(n / (2 * (n - 4) ** 0.5)) if n > 4 else n
    kept = np.sort(values)[cut : n - cut]
    middle = float(kept.mean()) if kept.size else float(np.median(values))
    fourth = n * float(((values - middle) ** 4).sum()) / float(((values - values.mean()) ** 2).sum()) ** 2
    scale = n / (n - Z)
    error = scale * (max(fourth - (n - 3) / n, 0.0) / (n - 1)) ** 0.5
    low, high = (sd * float(np.sqrt(scale * np.exp(side * Z * error))) for side in (-1, 1))
    return sd, min(low, sd), high, f"Bonett's interval over runs{'; few runs' if n < FEW else ''}"


def reciprocity(acts: pl.DataFrame) -> Effects:
    """By how much the share given rises with the share that the recipient was last seen to give: slope, runs as clusters.

    A regression of the gifts of the last generation with a random intercept of the run (within and between runs together);
    errors by run. Where no gift was seen, or runs are too few, there is no number, and `method` says why.
    """
    parts = []
    last = acts.filter(pl.col("generation") == pl.col("generation").max().over("community"), pl.col("kind") == "give")
    for (community, condition), mine in _arms(last):
        rows = mine.filter(pl.col("share").is_not_null()).select(
            "share", "seen", pl.format("run {}", "run").alias("run")
        )
        name, known = f"{community}, {condition}", rows["seen"].count()
        empty: dict[str, object] = {
            "measure": "slope on the seen share",
            "contrast": name,
            "n": known,
            "left_out": rows.height - known,
        }
        try:
            if not known:
                raise RefusedError("no gift was seen")
            found = (
                mixed_effects(rows, "share ~ seen + (1 | run)", errors="CR2")
                .summary(columns=["seen"])
                .row(0, named=True)
            )
            told = {k: found[k] for k in ("estimate", "low", "high", "method")}
        except RefusedError as error:
            told = {"method": f"no number: {error}"}
        parts.append(pl.DataFrame([empty | told], schema=_EFFECTS))
    return frames.effects(pl.concat(parts))


def without_richest(runs: pl.DataFrame) -> pl.DataFrame:
    """Each contrast of two conditions by log units and by raw means, with all runs and without the richest; whether the sign stays.

    The richest is the run with the largest raw mean in either condition.
    """
    rows = []
    last = runs.filter(pl.col("generation") == pl.col("generation").max().over("community"))
    for (community,), mine in last.partition_by("community", as_dict=True, maintain_order=True).items():
        for one, other in combinations(mine["condition"].unique(maintain_order=True), 2):
            pairs = mine.filter(condition=other).join(mine.filter(condition=one), on="run", suffix="_one").sort("run")
            richest = int(np.argmax(pairs.select(pl.max_horizontal("mean_units", "mean_units_one")).to_numpy()))
            told: list[object] = [f"{community}: {other} - {one}", pairs.height]
            for measure in ("log_units", "mean_units"):
                gap = (pairs[measure] - pairs[f"{measure}_one"]).to_numpy()
                rest = np.delete(gap, richest)
                less = float(rest.mean()) if rest.size else None
                told += [float(gap.mean()), less, None if less is None else bool(np.sign(less) == np.sign(gap.mean()))]
            rows.append(tuple(told))
    names = [f"{m}{k}" for m in ("log units", "raw units") for k in ("", ", without the richest", ": same order")]
    kinds = [pl.Float64, pl.Float64, pl.Boolean] * 2
    return pl.DataFrame(
        rows, schema={"contrast": pl.String, "n": pl.Int64, **dict(zip(names, kinds, strict=True))}, orient="row"
    )


def _within(measure: str, *ends: str) -> pl.Expr:
    """The ends of an interval, no further than the measure can reach: a share lies from 0 to 1, log units from 0 on."""
    return pl.col(ends).clip(0.0, 1.0 if measure == "donated" else None)


Statistic = Callable[[FloatArray, FloatArray], FloatArray]  # weights (m, n) and values (n, k) to (m, k)


def _mean(w: FloatArray, values: FloatArray) -> FloatArray:
    return np.asarray(w @ values / w.sum(-1, keepdims=True))


def _gap(side: np.ndarray) -> Statistic:
    def gap(w: FloatArray, values: FloatArray) -> FloatArray:
        return _mean(w * (side == 0), values) - _mean(w * (side == 1), values)

    return gap


def _doubt(
    values: FloatArray, named: Statistic | None, seed: int, strata: np.ndarray | None = None
) -> tuple[list[float | None], list[float | None], list[float | None], int, str]:
    """Estimate, low and high of each column over the runs without a gap, how many those are, and how it was done.

    Without a statistic it is the first stratum's mean less the second's.
    """
    whole = ~np.isnan(values).any(1)
    kept, groups = values[whole], strata[whole] if strata is not None else None
    n = len(kept)
    none: list[float | None] = [None] * values.shape[1]
    if not n or (groups is not None and len({*groups}) < 2):
        return none, none, none, n, "no run has a number" if not n else "the runs of one side have no number"
    statistic = named or _gap(np.zeros(n) if groups is None else groups)
    try:
        found = bootstrap(
            lambda w: statistic(w, kept), np.arange(n), strata=groups, draws=DRAWS, batched=True, seed=seed
        )
    except RefusedError as error:
        one = statistic(np.ones((1, n)), kept)[0] if n > 1 or statistic is _mean else np.full(values.shape[1], np.nan)
        return [None if np.isnan(v) else float(v) for v in one], none, none, n, f"no interval: {error}"
    told = [
        [None if np.isnan(v) else float(v) for v in part.ravel()] for part in (found.estimate, found.low, found.high)
    ]
    return told[0], told[1], told[2], n, f"bootstrap over runs{'; few runs' if found.few else ''}"


def _row(
    measure: str,
    contrast: str,
    values: FloatArray,
    statistic: Statistic | None,
    seed: int,
    *,
    strata: np.ndarray | None = None,
) -> tuple[object, ...]:
    (estimate,), (low,), (high,), n, method = _doubt(values, statistic, seed, strata)
    return measure, contrast, estimate, low, high, n, len(values) - n, method


def _effects(rows: Sequence[tuple[object, ...]]) -> Effects:
    return frames.effects(pl.DataFrame(rows, schema=_EFFECTS, orient="row"))


def _arms(frame: pl.DataFrame) -> list[tuple[tuple[str, str], pl.DataFrame]]:
    parts = frame.partition_by("community", "condition", as_dict=True, maintain_order=True)
    return [((str(c), str(d)), part) for (c, d), part in parts.items()]
