"""Fidelity: a number between its floor and its ceiling, all three under one bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FEW, FloatArray, IntArray, Interval, interval
from sociolect.compare.origin import draw
from sociolect.errors import InputError
from sociolect.frames import Effects, Scores

METHOD = "paired cluster bootstrap"


@dataclass(frozen=True, slots=True, eq=False)
class Fidelity:
    """k values with their floors, ceilings and normalised fidelity, each with its interval, and a flag for each.

    `caricature`: the value lies above the ceiling (interval of value - ceiling above 0). `at floor`: the interval of
    value - floor holds 0; `below floor`: it lies under 0. `no room`: the ceiling does not stand above the floor, so
    nothing can be said in between. None: between floor and ceiling.
    """

    value: Interval
    floor: Interval
    ceiling: Interval
    normalised: Interval
    flags: tuple[str | None, ...]


def normalised(value: float | None, floor: float | None, ceiling: float | None) -> float | None:
    """Where a value stands: 0 at the floor, 1 at the ceiling; null where the ceiling is not above the floor.

    >>> normalised(0.5, 0.2, 0.7), normalised(0.5, 0.7, 0.7)
    (0.6, None)
    """
    if value is None or floor is None or ceiling is None or not ceiling > floor:
        return None
    return round((value - floor) / (ceiling - floor), 15)


def fidelity(
    estimates: FloatArray,
    samples: FloatArray,
    *,
    n: int,
    clusters: IntArray | int,
    centre: bool = False,
    level: float = 0.95,
) -> Fidelity:
    """Value, floor and ceiling (3, k) with draws (draws, 3, k) made under the same weights: intervals, fidelity, flags.

    `centre` moves each column of draws so that its mean is the estimate. Distances between samples need it: resampling
    adds noise, and noise adds distance, so their draws lie farther out than the estimate (Efron and Tibshirani 1993,
    ch. 10). The intervals are then about the distance expected at this n, the same for value, floor and ceiling.
    Draws whose ceiling is not above the floor have no fidelity; more than 1% of them leave it without an interval.

    >>> noise = np.random.default_rng(1).normal(0, 0.02, (2000, 3, 1))
    >>> found = fidelity(np.array([[0.6], [0.2], [0.7]]), np.array([[0.6], [0.2], [0.7]]) + noise, n=90, clusters=30)
    >>> round(float(found.normalised.estimate[0]), 2), found.flags
    (0.8, (None,))
    """
    if centre:
        samples = centred(estimates, samples)

    def over(estimate: FloatArray, drawn: FloatArray) -> Interval:
        return interval(estimate, drawn, n=n, clusters=clusters, level=level)

    value, floor, ceiling = (over(estimates[i], samples[:, i]) for i in range(3))
    above = over(estimates[0] - estimates[2], samples[:, 0] - samples[:, 2])
    over_floor = over(estimates[0] - estimates[1], samples[:, 0] - samples[:, 1])
    room = over(estimates[2] - estimates[1], samples[:, 2] - samples[:, 1])
    flags: list[str | None] = []
    for i in range(estimates.shape[1]):
        flag = "no room" if not room.low[i] > 0 else None
        if flag is None and over_floor.low[i] <= 0:
            flag = "at floor" if over_floor.high[i] >= 0 else "below floor"
        flags.append(flag or ("caricature" if above.low[i] > 0 else None))
    return Fidelity(value, floor, ceiling, over(_share(estimates[None])[0], _share(samples)), tuple(flags))


def centred(estimate: FloatArray, samples: FloatArray) -> FloatArray:
    """Draws (m, ...) moved so that their mean is the estimate (...); undefined draws stay undefined.

    >>> centred(np.array([1.0]), np.array([[2.0], [4.0]])).ravel().tolist()
    [0.0, 2.0]
    """
    defined = ~np.isnan(samples)
    mean = np.where(defined, samples, 0.0).sum(0) / np.maximum(defined.sum(0), 1)
    return np.asarray(samples + (estimate - mean))


def origin_fidelity(
    scores: Scores,
    *,
    labels: Sequence[str],
    arms: Sequence[str] | None = None,
    floor: str = "shuffled",
    ceiling: str = "human",
    clusters: Sequence[str] = ("topic", "template"),
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Effects:
    """Origin F1 of each arm between the floor arm and the ceiling arm: columns as in `table`.

    Macro F1, weighted F1, accuracy and `f1:<community>`; arms, clusters and errors as in `origin.f1_effects`, whose
    draws these are. The classifier met neither arm: only then is people's own F1 the ceiling.
    """
    if absent := sorted({floor, ceiling} - set(scores["condition"].unique())):
        raise InputError(f"no rows of {', '.join(absent)} in 'condition': fidelity needs its floor and its ceiling")
    named = arms if arms is not None else sorted(set(scores["condition"].unique()) - {floor, ceiling})
    drawn = draw(
        scores, labels=labels, arms=[*named, *(a for a in (floor, ceiling) if a not in named)], clusters=clusters,
        draws=draws, seed=seed,
    )  # fmt: skip
    parts = []
    for arm in named:
        used = [drawn.arms.index(a) for a in (arm, floor, ceiling)]
        found = fidelity(
            drawn.estimate[used], drawn.samples[:, used], n=int(drawn.n[used[0]]),
            clusters=int(drawn.clusters[used].min()), level=level,
        )  # fmt: skip
        parts.append(table(found, measures=drawn.measures, contrasts=[arm] * len(drawn.measures)))
    return frames.effects(pl.concat(parts).with_columns(left_out=pl.lit(0, pl.Int64)))


def table(found: Fidelity, *, measures: Sequence[str], contrasts: Sequence[str], method: str = METHOD) -> pl.DataFrame:
    """Effects rows: estimate, low, high, n; floor and ceiling with their ends; normalised fidelity with its ends; flag."""
    few = [f"{method}; few clusters ({c} < {FEW})" if c < FEW else method for c in found.value.clusters.tolist()]
    columns = {
        "measure": list(measures), "contrast": list(contrasts), "estimate": found.value.estimate,
        "low": found.value.low, "high": found.value.high,
        "n": [found.value.n] * len(measures),
        "floor": found.floor.estimate, "floor_low": found.floor.low, "floor_high": found.floor.high,
        "ceiling": found.ceiling.estimate, "ceiling_low": found.ceiling.low, "ceiling_high": found.ceiling.high,
        "normalised": found.normalised.estimate, "normalised_low": found.normalised.low,
        "normalised_high": found.normalised.high, "flag": list(found.flags), "method": few,
        "clusters": found.value.clusters,
    }  # fmt: skip
    made = pl.DataFrame(columns, schema_overrides={"flag": pl.String, "n": pl.Int64})
    return made.with_columns(pl.col(pl.Float64).fill_nan(None))


def _share(x: FloatArray) -> FloatArray:
    """(value - floor) / (ceiling - floor) of (m, 3, k); nan where the ceiling is not above the floor."""
    room = x[:, 2] - x[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(room > 0, (x[:, 0] - x[:, 1]) / room, np.nan))
