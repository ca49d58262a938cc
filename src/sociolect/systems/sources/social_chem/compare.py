"""How far a model's distribution over levels lies from the annotators', beside how far their halves lie from each other."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import Codes, bootstrap
from sociolect.compare.distances import hellingers, jensen_shannons
from sociolect.compare.interval import FloatArray
from sociolect.errors import RefusedError
from sociolect.frames import Effects, Replies
from sociolect.seeds import substream
from sociolect.systems.sources.social_chem.planted import LEVELS

DRAWS = 400  # ours: of the bootstrap over annotators
FEWEST = 5  # [code] rules with fewer annotators have no distribution to speak of
Masses = Callable[[FloatArray], FloatArray]
HALVES = "annotators' halves"
KINDS = {"measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64, "clusters": pl.Int64, "annotators": pl.String}  # fmt: skip


def divergences(p: FloatArray, q: FloatArray) -> FloatArray:
    """The Jensen-Shannon divergence of each row to base 2, 0 to 1: the square of `distances.jensen_shannons`.

    >>> divergences(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])).round(6).tolist()
    [0.311278]
    """
    return np.asarray(jensen_shannons(p, q) ** 2)


def match(said: Replies, shares: pl.DataFrame, *, seed: int = 0) -> Effects:
    """Mean divergence (JS) and Hellinger distance of each arm from the annotators, and of their halves from each other.

    Means over rules; `n` counts them. Annotators are resampled, all their judgements together; sampling alone makes a distance
    larger, so the basic bootstrap's interval, which takes that off, reaches down from the estimate. Rules of 5 and of 50 annotators
    are never averaged: those of 50 were chosen for being divided; `annotators` says which. A half holds half as many people: its
    distance is an upper bound of what a perfect model would show. Few annotators leave a distance from sampling alone.
    Raises RefusedError where no rule has five annotators.
    """
    out = []
    for (m,), part in sorted(said.filter(pl.col("m") >= FEWEST).group_by("m")):
        if part["speaker"].n_unique() > 1:
            out += _matched(part.sort("item", "speaker", "draw"), shares, of=f"{m} each", seed=seed)
    if not out:
        raise RefusedError(f"no rule has {FEWEST} annotators: there is no distribution to match")
    return frames.effects(pl.DataFrame(out, schema=KINDS, orient="row"))


def halves(said: Replies, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0) -> Effects:
    """By how much two random halves of the annotators differ in their mean level, with an interval over annotators.

    The halves are alike by design: the interval covers 0 in as many draws of annotators as its level says.
    """
    rows = said.sort("item", "speaker", "draw")
    value = rows["choice"].replace_strict({w: k - 2 for k, w in enumerate(LEVELS)}, return_dtype=pl.Float64).to_numpy()
    codes = _codes(rows)
    first = _half(codes, seed)

    def statistic(w: FloatArray) -> FloatArray:
        return np.asarray(
            (w * first) @ value / (w * first).sum(1) - (w * ~first) @ value / (w * ~first).sum(1), dtype=float
        )

    found = bootstrap(
        statistic, codes, strata=first.astype(np.int64), draws=draws, level=level, batched=True, seed=seed
    )
    row = ("mean level", "one half - the other", float(found.estimate), float(found.low), float(found.high), rows["item"].n_unique(), int(codes.max()) + 1, "all")  # fmt: skip
    return frames.effects(pl.DataFrame([row], schema=KINDS, orient="row"))


def _matched(rows: pl.DataFrame, shares: pl.DataFrame, *, of: str, seed: int) -> list[tuple[object, ...]]:
    masses, rules, codes = _masses(rows)
    first = _half_of_each(rows, seed)
    out = []
    for arm in shares["arm"].unique().sort().to_list():
        mine = pl.DataFrame({"rule": rules}).join(shares.filter(arm=arm), on="rule", how="left", maintain_order="left")
        told = mine.select(LEVELS).to_numpy()[None]
        out += _rows(partial(_beside, masses, told), codes, f"{arm} - annotators", rules=len(rules), of=of, seed=seed)
    return out + _rows(partial(_split, masses, first), codes, HALVES, rules=len(rules), of=of, seed=seed)


def _beside(masses: Masses, told: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    return masses(w), told


def _split(masses: Masses, first: np.ndarray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    return masses(w * first), masses(w * ~first)


def _rows(
    sides: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    codes: Codes,
    contrast: str,
    *,
    rules: int,
    of: str,
    seed: int,
) -> list[tuple[object, ...]]:
    def statistic(w: FloatArray) -> FloatArray:
        p, q = sides(w)
        return np.column_stack([_mean(distance(p, q)) for distance in (divergences, hellingers)])

    whole = statistic(np.ones((1, len(codes))))[0]
    lows, highs = np.full(2, np.nan), np.full(2, np.nan)
    # too few annotators leave an estimate without an interval
    with suppress(RefusedError):
        found = bootstrap(statistic, codes, draws=DRAWS, method="basic", batched=True, seed=seed)
        lows, highs = found.low, found.high
    people = len(np.unique(codes))
    out: list[tuple[object, ...]] = []
    for k, name in enumerate(("Jensen-Shannon divergence", "Hellinger distance")):
        estimate, low, high = (
            round(float(whole[k]), 12),
            float(lows[k]),
            float(highs[k]),
        )  # rounding error is no distance
        # a distance ends at 0 and 1, and rounding must not cut off the estimate itself
        ends = (None, None) if np.isnan(low) else (min(max(low, 0.0), estimate), max(min(high, 1.0), estimate))
        out.append((name, f"{contrast}, {of}", estimate, *ends, rules, people, of))
    return out


def _mean(distance: FloatArray) -> FloatArray:
    """The mean over rules; a rule that lost all its annotators in a draw has no distance there."""
    n = (~np.isnan(distance)).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nansum(distance, axis=1) / n)


def _masses(rows: pl.DataFrame) -> tuple[Masses, list[str], Codes]:
    """How weights of the rows become masses (m, rules, levels), the rules in order, and each row's annotator."""
    from scipy.sparse import csr_array

    rules = rows["item"].unique().sort().to_list()
    place = rows["item"].rank("dense").to_numpy().astype(np.int64) - 1
    level = rows["choice"].replace_strict({w: k for k, w in enumerate(LEVELS)}, return_dtype=pl.Int64).to_numpy()
    k = len(LEVELS)
    onto = csr_array((np.ones(rows.height), (place * k + level, np.arange(rows.height))), shape=(len(rules) * k, rows.height))  # fmt: skip
    return lambda w: np.asarray((onto @ w.T).T).reshape(len(w), len(rules), k), rules, _codes(rows)


def _codes(rows: pl.DataFrame) -> Codes:
    return np.asarray(rows["speaker"].rank("dense").to_numpy().astype(np.int64) - 1)


def _half(codes: Codes, seed: int) -> np.ndarray:
    people = int(codes.max()) + 1
    taken = substream(seed, "halves").permutation(people) < people // 2
    return np.asarray(taken[codes])


def _half_of_each(rows: pl.DataFrame, seed: int) -> np.ndarray:
    """Which rows are in the first half, drawn for each rule by itself: no rule has all its annotators in one half."""
    drawn = rows.select("item", at=pl.Series(substream(seed, "halves of each").random(rows.height)))
    return (drawn.select(pl.col("at").rank().over("item") % 2 == 0).to_series()).to_numpy()
