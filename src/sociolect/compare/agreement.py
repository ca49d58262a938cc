"""How far annotators agree beyond chance: percent agreement, Cohen's kappa, Krippendorff's alpha, Gwet's AC1."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.coefficients import LEVELS, MEASURES, Statistic, statistic
from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, RefusedError, unknown
from sociolect.frames import Effects
from sociolect.seeds import derive


def percent(ratings: npt.ArrayLike) -> float:
    """The share of pairs of ratings of one unit that are alike, units weighing alike; ratings (units, raters), nan = none.

    >>> percent([[1, 1], [1, 2], [2, float("nan")]])
    0.5
    """
    return _whole(ratings, "agreement")


def kappa(ratings: npt.ArrayLike) -> float:
    """Cohen's kappa of two raters over the units both rated; the mean over pairs of raters for more (Light 1971).

    nan where both raters know one category only. Cohen (1960).

    >>> round(kappa([[1, 1]] * 41 + [[1, 0]] * 20 + [[0, 1]] * 29 + [[0, 0]] * 270), 10)
    0.5432418436
    """
    return _whole(ratings, "kappa")


def ac1(ratings: npt.ArrayLike, *, categories: int | None = None) -> float:
    """Gwet's AC1 of any number of raters. `categories`: how many there were to choose from; those seen else.

    Gwet (2008), Eq. 7; units with one rating count in the shares of the categories (Gwet 2014, Sec. 2.4).

    >>> round(ac1([[1, 1]] * 41 + [[1, 0]] * 20 + [[0, 1]] * 29 + [[0, 0]] * 270), 10)
    0.806197505
    """
    return _whole(ratings, "ac1", categories=categories)


def alpha(ratings: npt.ArrayLike, *, level: str = "nominal") -> float:
    """Krippendorff's alpha of any number of raters; level: nominal, ordinal or interval. Ratings are numbers, nan = none.

    nan where every rating is the same. Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability".

    >>> round(alpha([[1, 1], [2, 3], [3, 3], [1, 1]], level="interval"), 4)
    0.8727
    """
    if level not in LEVELS:
        raise unknown("level of measurement", level, LEVELS)
    return _whole(ratings, "alpha", level=level)


def agreement(
    answers: pl.DataFrame,
    *,
    unit: str = "unit",
    rater: str = "annotator",
    value: str = "answer",
    by: str | None = "question",
    level: str = "nominal",
    categories: Sequence[str | float] | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> Effects:
    """One row per question and measure: agreement and alpha; kappa and ac1 too where the level is nominal.

    Intervals are by bootstrap over units, paired over the measures. `categories` are the answers there were to choose
    from, in their order where the level is ordinal; without them those seen are taken, sorted. n counts the units with
    two ratings or more, left_out the others, annotators the raters. A measure that is undefined is null, and
    so are the ends where the draws are all alike. A pair shown again (repeat_of) is no unit of its own.

    Raises InputError where a rater rated a unit twice, or an answer is none of the categories; RefusedError where fewer
    than two units have two ratings.
    """
    if level not in LEVELS:
        raise unknown("level of measurement", level, LEVELS)
    faults = [
        f"column {c!r} is missing" for c in (unit, rater, value, *([by] if by else [])) if c not in answers.columns
    ]
    if not faults:
        said = answers.filter(pl.col(value).is_not_null())
        said = said.filter(pl.col("repeat_of").is_null()) if "repeat_of" in said.columns else said
        twice = said.height - said.select(unit, rater, *([by] if by else [])).n_unique()
        faults += [f"{twice} answers are a rater's second to one question on one unit: choose one"] * bool(twice)
        if categories is not None and (odd := sorted(set(said[value].unique()) - set(categories), key=str)):
            faults.append(f"answer {odd[0]!r} is none of {', '.join(map(str, categories))}")
        if level == "interval" and not said[value].dtype.is_numeric():
            faults.append(f"column {value!r} is {said[value].dtype}: distances need numbers")
        if level == "ordinal" and categories is None and not said[value].dtype.is_numeric():
            faults.append(f"the order of the answers in {value!r} is not known: name it in categories=")
    if faults:
        raise InputError("no agreement can be found in these answers: " + "; ".join(faults))
    parts = sorted(said.partition_by(by, as_dict=True).items()) if by else [(("all",), said)]
    rows = []
    for (name,), part in parts:
        wide = _matrix(part.select(unit=unit, rater=rater, value=value), level, categories)
        rated = (~np.isnan(wide)).sum(1)
        if (n := int((rated > 1).sum())) < 2:
            raise RefusedError(f"{name}: {n} units have two ratings or more; agreement needs at least two such units")
        measures = MEASURES if level == "nominal" else ("agreement", "alpha")
        k = len(categories) if categories is not None else None
        found = _together([statistic(wide, measure, level=level, categories=k) for measure in measures])
        stream = derive(seed, "agreement", str(name))
        drawn = bootstrap(found, np.arange(len(wide)), draws=draws, batched=True, seed=stream)
        means = {"alpha": f"Krippendorff's alpha, {level}", "ac1": "Gwet's AC1", "agreement": "percent agreement",
                 "kappa": "Cohen's kappa" if wide.shape[1] == 2 else "Light's kappa, the mean over pairs"}  # fmt: skip
        rows += [
            {"measure": measure, "contrast": str(name), "estimate": drawn.estimate[i], "low": drawn.low[i], "high": drawn.high[i],
             "n": n, "left_out": len(wide) - n, "annotators": wide.shape[1], "method": f"{means[measure]}; bootstrap over units"}
            for i, measure in enumerate(measures)
        ]  # fmt: skip
    table = pl.DataFrame(rows).with_columns(pl.col("estimate", "low", "high").fill_nan(None))
    # Where all agree no draw differs from another: that is no doubt of width 0, it is none that could be seen.
    seen = pl.when(pl.col("low") < pl.col("high"))
    return frames.effects(table.with_columns(seen.then("low").alias("low"), seen.then("high").alias("high")))


def _together(statistics: Sequence[Statistic]) -> Statistic:
    return lambda w: np.stack([one(w) for one in statistics], axis=1)


def _matrix(said: pl.DataFrame, level: str, categories: Sequence[str | float] | None) -> FloatArray:
    """The columns unit, rater, value as numbers (units, raters), in the order of the names."""
    if level == "interval":
        number = said["value"].cast(pl.Float64)
    else:
        order = list(categories) if categories is not None else sorted(said["value"].unique())
        number = said["value"].replace_strict(order, list(range(len(order))), return_dtype=pl.Float64)
    rows, columns = (said[c].rank("dense").cast(pl.Int64).to_numpy() - 1 for c in ("unit", "rater"))
    out = np.full((rows.max() + 1, columns.max() + 1), np.nan)
    out[rows, columns] = number.to_numpy()
    return out


def _whole(ratings: npt.ArrayLike, measure: str, *, level: str = "nominal", categories: int | None = None) -> float:
    given = np.asarray(ratings, dtype=float)
    if given.ndim != 2 or given.shape[1] < 2 or np.isinf(given).any():
        raise InputError(
            f"ratings are of shape {given.shape}: units x raters, two raters or more, finite or nan, are due"
        )
    if ((~np.isnan(given)).sum(1) > 1).sum() == 0:
        raise RefusedError("no unit has two ratings: there is nothing that could agree")
    return float(statistic(given, measure, level=level, categories=categories)(np.ones((1, len(given))))[0])
