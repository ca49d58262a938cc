"""Communities against each other and against the base model: the numbers behind a claim."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from sociolect.compare.answers import Answers
from sociolect.compare.bias import Row, alike
from sociolect.compare.fidelity import centred
from sociolect.compare.group_means import GroupMeans, group_means
from sociolect.compare.interval import FloatArray, interval
from sociolect.compare.scales import Scales
from sociolect.compare.simultaneous import simultaneous

SPREAD = 0.5  # dossier section 4: above this wording weighs more than half as much as the communities
_NONE: Row = dict.fromkeys(("estimate", "low", "high", "p", "clusters", "floor"))


def contrasts(
    scores: pl.DataFrame, items: pl.DataFrame, scales: Scales, instrument: str, *, arm: str, aligned: str, base: str,
    clusters: Sequence[str], level: float, draws: int, seed: int,
) -> list[Row]:  # fmt: skip
    """`difference` between each two communities of the aligned arm, and `base-model control` of each, per measure.

    Subscales and rules where they are scored, else each scale's mean over its items' rows. A difference stands overall,
    forward, reversed, and less the base model's own difference. A base model that was asked for one community only (it
    never heard the name) takes part in no difference: then the control of either community must exclude 0.
    """
    rows = _measured(scores, items, scales, instrument)
    out: list[Row] = []
    for (measure,), part in sorted(rows.partition_by("measure", as_dict=True).items()):
        doubt: dict[str, Any] = {"clusters": clusters, "level": level, "draws": draws, "seed": seed}
        found = group_means(part, part["value"].to_numpy(), by=[arm, "community"], **doubt)
        arms = {name: {found.groups["community"][g]: g for g in found.where(**{arm: name})} for name in (aligned, base)}
        here, there = arms[aligned], arms[base]
        lone = next(iter(there.values())) if len(there) == 1 else None
        for name, at in here.items():
            told = {
                "line": "base-model control",
                "measure": measure,
                "contrast": f"{aligned} - {base}",
                "community": name,
            }
            against = there.get(name, lone)
            if against is None:
                out.append(told | _NONE | {"n": 0, "left_out": 0, "method": "difference",
                                           "verdict": f"not identified: the arm {base!r} was not asked"})  # fmt: skip
                continue
            row = _less(found, [at], [against])
            out.append(told | row | {"verdict": _seen(row, "aligning is not seen to move this scale")})
        turned = part.filter(pl.col("order").is_in(["forward", "reversed"]))
        ways = group_means(turned, turned["value"].to_numpy(), by=[arm, "community", "order"], **doubt)
        for a, b in combinations(here, 2):
            told = {"measure": measure, "contrast": f"{a} - {b}", "first": a, "second": b}
            row = _less(found, [here[a]], [here[b]])
            out.append({"line": "difference"} | told | row | {"verdict": _seen(row, "the interval holds 0")})
            for order in ("forward", "reversed"):
                one, two = (ways.where(**{arm: aligned, "community": c, "order": order}) for c in (a, b))
                row = _less(ways, one, two)
                missing = row["estimate"] is None
                said = f"not identified: not asked {order}" if missing else "ok"
                out.append({"line": f"difference, {order}"} | told | row | {"verdict": said})
            if a in there and b in there:
                row = _weighed(found, [(1.0, [here[a]]), (-1.0, [here[b]]), (-1.0, [there[a]]), (1.0, [there[b]])])
                said = _seen(row, "the base model differs as much")
                out.append({"line": "difference, less base"} | told | row | {"verdict": said})
    return out


def placebos(
    told: Answers, instrument: str, *, arm: str, clusters: Sequence[str], level: float, draws: int, seed: int
) -> list[Row]:
    """Differences between communities on items that mean nothing, in option units: due null.

    Per arm each pair with its own p, and `any pair` with the largest difference and the p of the whole family
    (`simultaneous`), which is the verdict on the arm.
    """
    out: list[Row] = []
    if not told.rows.height:
        row = {
            "line": "placebo",
            "measure": instrument,
            "contrast": "any pair",
            "n": 0,
            "left_out": 0,
            "method": "difference",
        }
        return [row | _NONE | {"verdict": "not identified: no placebo item was asked"}]
    found = group_means(
        told.rows, told.level, by=[arm, "community", "item"], clusters=clusters, level=level, draws=draws, seed=seed
    )
    for name in found.groups[arm].unique().sort():
        mine = found.groups.with_row_index("_at").filter(pl.col(arm) == name, pl.col("n") > 0)
        every = mine["community"].n_unique()
        # Only items that all communities answered: else a difference between items passes for one between communities.
        shared = mine.filter(pl.col("community").n_unique().over("item") == every).sort("community", "item")
        places = {
            str(c): part["_at"].to_list() for (c,), part in shared.partition_by("community", as_dict=True).items()
        }
        pairs = list(combinations(places, 2))
        told_of = {"line": "placebo", "measure": instrument, arm: name}
        for a, b in pairs:
            row = _less(found, places[a], places[b])
            said = "warning: communities differ on what means nothing" if _excludes(row) else "ok"
            out.append(
                told_of | row | {"contrast": f"{a} - {b}", "verdict": said if row["low"] is not None else _why(row)}
            )
        if not pairs or found.samples is None:
            why = "no item was answered in two communities" if not pairs else found.reason
            out.append(told_of | _NONE | {"contrast": "any pair", "n": told.rows.height, "left_out": 0, "method": "difference",
                                          "verdict": f"not identified: {why}"})  # fmt: skip
            continue
        estimate, samples = (
            np.stack([x[:, places[a], 0].mean(1) - x[:, places[b], 0].mean(1) for a, b in pairs], axis=1)
            for x in (found.estimate[None], found.samples)
        )
        used = [g for at in places.values() for g in at]
        fewest = int(found.clusters[used].min())
        joint = simultaneous(estimate[0], samples, clusters=fewest, level=level)
        top = int(np.abs(estimate[0]).argmax())
        p = None if np.isnan(joint.p).any() else float(joint.p.min())
        said = (
            "not identified: no interval"
            if p is None
            else "ok"
            if p >= 1 - level
            else "warning: communities differ on what means nothing"
        )
        out.append(told_of | _NONE | {
            "contrast": "any pair", "estimate": float(estimate[0, top]), "p": p, "n": int(found.groups[used]["n"].sum()),
            "low": None if p is None else float(joint.low[top]), "high": None if p is None else float(joint.high[top]),
            "left_out": 0, "clusters": fewest, "method": "largest difference, joint interval", "verdict": said,
        })  # fmt: skip
    return out


def spreads(
    items: pl.DataFrame, scales: Scales, *, arm: str, clusters: Sequence[str], level: float, draws: int, seed: int
) -> list[Row]:
    """How far wordings move a scale, next to how far communities lie apart: the ratio of their standard deviations.

    Over wordings within a community (pooled over communities), over communities of their mean over wordings. Both hold
    sampling noise; the interval is centred on the estimate.
    """
    out: list[Row] = []
    for scale, own in scales.items():
        kept = items.filter(pl.col("item").is_in(own), pl.col("paraphrase").is_not_null())
        for name in items[arm].unique().sort():
            part = kept.filter(pl.col(arm) == name)
            told: Row = {"line": "paraphrase spread", "measure": scale, arm: name, "contrast": "wordings / communities"}
            # Only items in all wordings, with all else alike: else other items pass for another wording.
            every = part["paraphrase"].n_unique()
            part = part.filter(pl.col("paraphrase").n_unique().over("community", *alike(part, "paraphrase")) == every)
            shape = (part["community"].n_unique(), part["paraphrase"].n_unique())
            found = group_means(part, part["value"].to_numpy(), by=["community", "paraphrase"], clusters=clusters, level=level,
                                draws=draws, seed=seed) if min(shape) > 1 else None  # fmt: skip
            if found is None or found.groups.height != shape[0] * shape[1]:
                said = (
                    f"not identified: {shape[0]} communities and {shape[1]} wordings, two of each are due, all crossed"
                )
                out.append(told | _NONE | {"n": part.height, "left_out": 0, "method": "ratio", "verdict": said})
                continue

            def ratio(x: FloatArray, shape: tuple[int, int] = shape) -> FloatArray:
                grid = x[:, :, 0].reshape(-1, *shape)
                wording = np.sqrt(grid.var(2, ddof=1).mean(1))
                between = grid.mean(2).std(1, ddof=1)
                return np.asarray(np.where(between > 1e-12, wording / np.maximum(between, 1e-300), np.nan))

            used = list(range(found.groups.height))
            row = found.row(ratio, used, method="ratio of standard deviations") | {"p": None}
            if row["low"] is not None and found.samples is not None:
                whole = ratio(found.estimate[None])
                fair = interval(
                    whole,
                    centred(whole, ratio(found.samples)[:, None]),
                    n=0,
                    clusters=int(found.clusters.min()),
                    level=level,
                )
                row |= {"low": max(0.0, float(fair.low[0])), "high": float(fair.high[0])}
            said = "not identified: the communities do not differ at all"
            if isinstance(row["estimate"], float):
                loud = f"warning: WORDING MOVES THIS SCALE {row['estimate']:.2f} TIMES AS FAR AS COMMUNITIES LIE APART"
                said = loud if row["estimate"] > SPREAD else "ok"
            out.append(told | {"floor": None} | row | {"verdict": said})
    return out


def _measured(scores: pl.DataFrame, items: pl.DataFrame, scales: Scales, instrument: str) -> pl.DataFrame:
    """Subscale and rule rows; where there are none, item rows under the name of each scale they are in."""
    made = scores.filter(pl.col("item") == instrument)
    if made.height:
        return made
    parts = [items.filter(pl.col("item").is_in(list(own))).with_columns(measure=pl.lit(s)) for s, own in scales.items()]
    return pl.concat(parts)


def _weighed(found: GroupMeans, parts: Sequence[tuple[float, Sequence[int]]]) -> Row:
    """A weighted sum of the means of sets of groups; no number where a set is empty."""
    used = [g for _, at in parts for g in at] if all(at for _, at in parts) else []

    def total(x: FloatArray) -> FloatArray:
        return np.asarray(sum(weight * x[:, list(at), 0].mean(1) for weight, at in parts))

    return {"floor": None} | found.row(total, used, method="difference")


def _less(found: GroupMeans, one: Sequence[int], two: Sequence[int]) -> Row:
    return _weighed(found, [(1.0, one), (-1.0, two)])


def _excludes(row: Row) -> bool:
    low, high = row["low"], row["high"]
    return isinstance(low, float) and isinstance(high, float) and not low <= 0 <= high


def _seen(row: Row, said: str) -> str:
    if row["low"] is None:
        return _why(row)
    return "ok" if _excludes(row) else f"warning: {said}"


def _why(row: Row) -> str:
    return f"not identified: {str(row['method']).rpartition(': ')[2]}"
