"""Fidelity stratified by exposure: is an arm nearer to people where it was taught more?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import cells, weights
from sociolect.compare.clusters import Codes, factors
from sociolect.compare.f1 import codes, scored
from sociolect.compare.interval import FEW, FloatArray, IntArray, interval
from sociolect.compare.multiplicity import adjusted
from sociolect.compare.origin import AVERAGES
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import KEYS, Effects, Scores

ON = ("community", "topic")


def cut(
    exposures: pl.DataFrame, *, parts: int = 3, of: str = "share", on: Sequence[str] = ON, within: str = "community"
) -> pl.DataFrame:
    """The strata of topics by exposure, low to high: the columns of `on`, `stratum` from 1 to `parts`, and `exposure`.

    Each community's topics are ranked by the column `of` among themselves, so that every stratum holds every community; equal
    exposures stand in one stratum. Raises InputError where a column is missing or null, RefusedError where ties leave a
    stratum empty.

    >>> told = pl.DataFrame({"community": "a", "topic": ["t", "u", "v"], "share": [0.5, 0.0, 0.1]})
    >>> cut(told).select("topic", "stratum").rows()
    [('t', 3), ('u', 1), ('v', 2)]
    """
    if parts < 2:
        raise UsageError(f"parts={parts}: a trend needs two strata or more")
    if missing := [c for c in dict.fromkeys([*on, within, of]) if c not in exposures.columns]:
        raise InputError(f"these exposures have no column {', '.join(map(repr, missing))}")
    if bare := exposures.filter(pl.col(of).is_null()).height:
        raise InputError(f"{bare} exposures are null: a topic nobody counted has no stratum")
    place = (pl.col(of).rank("average").over(within) - 0.5) / pl.len().over(within)
    made = exposures.select(
        *on, stratum=(place * parts).floor().cast(pl.Int64).clip(0, parts - 1) + 1, exposure=pl.col(of).cast(pl.Float64)
    ).sort(*on)
    if empty := sorted(set(range(1, parts + 1)) - set(made["stratum"])):
        raise RefusedError(
            f"stratum {', '.join(map(str, empty))} of {parts} is empty: too few different exposures; ask for fewer parts"
        )
    return made


def by_stratum(
    scores: Scores, strata: pl.DataFrame, *, on: Sequence[str] = ON, arms: Sequence[str] | None = None,
    pairs: Sequence[tuple[str, str]] = (), clusters: Sequence[str] = ("topic", "template"), level: float = 0.95,
    draws: int = 2000, adjust: str = "holm", seed: int = 0,
) -> Effects:  # fmt: skip
    """The mean of each measure by arm and stratum, the slope over strata, and both for each pair of arms' differences.

    `strata` gives each value of `on` a `stratum` (`cut`). The slope is the least-squares line through the strata's means,
    each counting alike: the change from one stratum to the next. An arm's own slope may be that of the topics, which are easy
    or hard for all; a pair's slope, say `aligned - base`, is free of what both share. Columns besides those of every effect:
    `arm`, `stratum` (null for a slope), `exposure` (the stratum's mean, where `strata` has it). `n` counts rows, `left_out` the
    arm's rows that are null or in no stratum, `clusters` the fewest of any factor: in the stratum, or in all for a slope.

    One bootstrap for all: people by speaker, model rows by `clusters`, crossed; clusters are drawn within strata where each
    lies in one. P is of slopes and of differences, adjusted within either. Raises InputError where arms or columns
    are missing, RefusedError where an arm has fewer than two clusters of a factor in a stratum.
    """
    rows = _placed(scores, strata, on, arms)
    told = partial(_told, strata=strata, pairs=pairs, clusters=clusters, level=level, draws=draws, seed=seed)
    parts = []
    for name in sorted(rows["measure"].unique()):
        mine = rows.filter(measure=name)
        known = mine.filter(pl.col("_stratum").is_not_null() & pl.col("value").is_finite())
        value = known["value"].to_numpy()
        table = np.stack([value, np.ones(value.size)], axis=1)
        parts.append(told(mine, known, table, _mean, measures=[str(name)]))
    return _effects(parts, adjust)


def f1_by_stratum(
    scores: Scores, strata: pl.DataFrame, *, labels: Sequence[str], on: Sequence[str] = ON,
    arms: Sequence[str] | None = None, pairs: Sequence[tuple[str, str]] = (),
    clusters: Sequence[str] = ("topic", "template"), level: float = 0.95, draws: int = 2000, adjust: str = "holm",
    seed: int = 0,
) -> Effects:  # fmt: skip
    """Macro F1, weighted F1 and accuracy of the named community by arm and stratum, and their slopes: else as `by_stratum`.

    `scores` are those of origin: the truth is `community`, the verdict `label`, and null is a miss. F1 is taken inside a
    stratum, among its rows alone, so strata should hold every community (`cut` sees to it).
    """
    if "label" not in scores.columns:
        raise InputError("these scores have no column 'label', a classifier's verdict: are they origin scores?")
    origin = scores.filter(pl.col("measure") == "origin") if "origin" in scores["measure"] else scores
    rows = _placed(frames.scores(origin), strata, on, arms)
    known = rows.filter(pl.col("_stratum").is_not_null())
    k = len(labels)
    at = codes(known["community"], labels, strict=True) * (k + 1) + codes(known["label"], labels, strict=False)
    table = np.zeros((known.height, k * (k + 1)))
    table[np.arange(known.height), at] = 1
    told = partial(_told, strata=strata, pairs=pairs, clusters=clusters, level=level, draws=draws, seed=seed)
    return _effects([told(rows, known, table, partial(_averages, k=k), measures=AVERAGES)], adjust)


def _mean(sums: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[:, :1] / sums[:, 1:])


def _averages(sums: FloatArray, *, k: int) -> FloatArray:
    return scored(sums.reshape(len(sums), k, k + 1))[0]


def _placed(scores: Scores, strata: pl.DataFrame, on: Sequence[str], arms: Sequence[str] | None) -> pl.DataFrame:
    """The arms' scores with the stratum of each row, sorted; every fault of the two frames at once."""
    faults = [f"the strata have no column {c!r}" for c in [*on, "stratum"] if c not in strata.columns]
    faults += [f"the scores have no column {c!r}" for c in on if c not in scores.columns]
    if not faults:
        if not strata.schema["stratum"].is_integer() or strata["stratum"].null_count():
            faults.append(f"column 'stratum' is {strata.schema['stratum']} with {strata['stratum'].null_count()} nulls")
        if twice := strata.height - strata.select(on).n_unique():
            faults.append(f"{twice} rows of the strata repeat their {', '.join(on)}")
        if strata["stratum"].n_unique() < 2:
            faults.append("the strata are fewer than two")
    here = set(scores["condition"].unique())
    if absent := [arm for arm in arms or () if arm not in here]:
        faults.append(f"no scores of {', '.join(absent)}; there are: {', '.join(sorted(here)) or 'none'}")
    if faults:
        raise InputError(f"these scores cannot be stratified: {'; '.join(faults)}")
    if scores.is_empty():
        raise RefusedError("there are no scores: nothing to stratify")
    kept = scores.filter(pl.col("condition").is_in(list(arms))) if arms is not None else scores
    where = strata.select(*on, _stratum=pl.col("stratum").cast(pl.Int64))
    return kept.join(where, on=[*on], how="left").sort(*KEYS, "measure")


@dataclass(frozen=True, slots=True, eq=False)
class _Layers:
    """Arms and strata as rows: their codes, the factors drawn, and the smallest number of clusters of each."""

    arms: Sequence[str]
    numbers: Sequence[int]
    arm: Codes
    stratum: Codes
    apart: list[Codes]
    fewest: Mapping[tuple[int, int | None], tuple[int, int]]  # by arm and stratum, None for slopes: clusters, groups


def _layers(known: pl.DataFrame, arms: Sequence[str], numbers: Sequence[int], clusters: Sequence[str]) -> _Layers:
    arm = codes(known["condition"], arms, strict=True)
    stratum = np.searchsorted(numbers, known["_stratum"].to_numpy()).astype(np.int64)
    apart = factors(known, clusters)
    human = known["source"] == "human"
    names = [*(["speaker"] if human.any() else []), *(clusters if (~human).any() else [])]
    nested = [_in_one(factor, stratum) for factor in apart]
    faults: list[str] = []
    fewest: dict[tuple[int, int | None], tuple[int, int]] = {}
    for a, name in enumerate(arms):
        totals = []
        for place, factor in enumerate(apart):
            mine = (arm == a) & (factor >= 0)
            groups = len(numbers) if nested[place] else 1
            totals += [(int(np.unique(factor[mine]).size), groups)] if mine.any() else []
        fewest[a, None] = min(totals, key=lambda t: t[0] - t[1], default=(0, 1))
        for s, number in enumerate(numbers):
            here = (arm == a) & (stratum == s)
            sizes = [int(np.unique(factor[here & (factor >= 0)]).size) for factor in apart]
            varied = [(n, what) for n, what in zip(sizes, names, strict=True) if n]
            faults += [f"{name!r} has {n} {what} in stratum {number}" for n, what in varied if n < 2]
            faults += [] if varied else [f"{name!r} has no row in stratum {number}"]
            fewest[a, number] = (min((n for n, _ in varied), default=0), 1)
    if faults:
        raise RefusedError(
            f"{'; '.join(faults)}: two or more are due, or how much they differ cannot be seen; ask for fewer strata"
        )
    return _Layers(arms, numbers, arm, stratum, apart, fewest)


def _in_one(factor: Codes, stratum: Codes) -> bool:
    """Whether every cluster lies in one stratum: then the bootstrap draws within strata."""
    pairs = np.stack([factor, stratum], axis=1)[factor >= 0]
    return len(np.unique(pairs, axis=0)) == np.unique(pairs[:, 0]).size


def _drawn(
    laid: _Layers, table: FloatArray, finish: Callable[[FloatArray], FloatArray], *, draws: int, seed: int
) -> tuple[FloatArray, FloatArray, IntArray]:
    """The numbers of each arm by stratum, slope last (arms, strata + 1, measures); their draws; rows (arms, strata)."""
    distinct, place = cells([*laid.apart, laid.stratum])
    sums, n = {}, np.zeros((len(laid.arms), len(laid.numbers)), dtype=np.int64)
    for a, s in np.ndindex(n.shape):
        here = np.flatnonzero((laid.arm == a) & (laid.stratum == s))
        mine, at = np.unique(place[here], return_inverse=True)
        held = np.zeros((mine.size, table.shape[1]))
        np.add.at(held, at, table[here])
        sums[a, s], n[a, s] = (mine, held), here.size
    x = np.array(laid.numbers, dtype=float)
    lean = (x - x.mean()) / ((x - x.mean()) ** 2).sum()

    def run(w: FloatArray) -> FloatArray:
        by = {key: finish(w[:, mine] @ held) for key, (mine, held) in sums.items()}
        found = np.array([[by[a, s] for s in range(n.shape[1])] for a in range(n.shape[0])]).transpose(2, 0, 1, 3)
        return np.concatenate([found, np.einsum("masq,s->maq", found, lean)[:, :, None]], axis=2)

    chunks = weights(distinct[:-1], strata=distinct[-1], draws=draws, seed=seed)
    return run(np.ones((1, distinct[0].size)))[0], np.concatenate([run(chunk) for chunk in chunks]), n


def _told(
    rows: pl.DataFrame, known: pl.DataFrame, table: FloatArray, finish: Callable[[FloatArray], FloatArray], *,
    measures: Sequence[str], strata: pl.DataFrame, pairs: Sequence[tuple[str, str]], clusters: Sequence[str],
    level: float, draws: int, seed: int,
) -> pl.DataFrame:  # fmt: skip
    """Effects of one table of sums, a row of it per known row: by arm and stratum, slopes, and pairs of arms."""
    arms = sorted(rows["condition"].unique())
    if odd := sorted({arm for pair in pairs for arm in pair} - set(arms)):
        raise InputError(f"pairs name {', '.join(odd)}; the arms are: {', '.join(arms)}")
    laid = _layers(known, arms, sorted(strata["stratum"].unique()), clusters)
    estimate, samples, n = _drawn(laid, table, finish, draws=draws, seed=seed)
    exposure: dict[int | None, float] = {}
    if "exposure" in strata.columns:
        exposure = dict(strata.group_by("stratum").agg(pl.col("exposure").sort().mean()).iter_rows())
    sides: list[tuple[str, tuple[int, ...]]] = [(name, (a,)) for a, name in enumerate(arms)]
    sides += [(f"{p} - {q}", (arms.index(p), arms.index(q))) for p, q in pairs]
    out = []
    for name, used in sides:
        one, drawn = (x[:, used[0]] - (x[:, used[1]] if len(used) > 1 else 0.0) for x in (estimate[None], samples))
        asked = sum(rows.filter(condition=arms[a]).height for a in used)
        for s, number in enumerate([*laid.numbers, None]):
            rested = int(n[list(used)].sum() if number is None else n[list(used), s].sum())
            fewest, groups = min((laid.fewest[a, number] for a in used), key=lambda t: t[0] - t[1])
            found = interval(one[0, s], drawn[:, s], n=rested, clusters=fewest, strata=groups, level=level)
            p = found.p() if number is None or len(used) > 1 else np.full(len(measures), np.nan)
            few = f"; few clusters ({fewest} < {FEW})" if found.few else ""
            for q, measure in enumerate(measures):
                reason = f"; no interval: {found.reasons[q]}" if found.reasons[q] else ""
                out.append({
                    "measure": measure, "contrast": f"{name}, {'slope' if number is None else f'stratum {number}'}",
                    "estimate": float(found.estimate[q]), "low": float(found.low[q]), "high": float(found.high[q]),
                    "n": rested, "p": float(p[q]), "method": f"cluster bootstrap{reason}{few}",
                    "left_out": asked - int(n[list(used)].sum()), "clusters": fewest, "arm": name, "stratum": number,
                    "exposure": exposure.get(number),
                })  # fmt: skip
    made = pl.DataFrame(out, schema_overrides={"stratum": pl.Int64, "exposure": pl.Float64})
    return made.with_columns(pl.col("estimate", "low", "high", "p").fill_nan(None))


def _effects(parts: Sequence[pl.DataFrame], adjust: str) -> Effects:
    whole = pl.concat(parts).with_row_index("_place")
    slope = pl.col("stratum").is_null()
    families = [
        part.with_columns(pl.Series("p_adjusted", adjusted(part["p"].to_list(), adjust), dtype=pl.Float64))
        for part in (whole.filter(slope), whole.filter(~slope))
    ]
    made = pl.concat(families).sort("_place").drop("_place")
    return frames.effects(made.select(*made.columns[:7], "p_adjusted", *made.columns[7:-1]))
