"""Recall with its doubt: means over communities, the same communities under two indexes, and under random seeds."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.frames import Effects
from sociolect.systems.networks.minhash_communities.find import GRID

MEASURES = {"recall": "recall", "area": "area under the recall curve", "candidates": "candidate recall"}
FEW = 5  # ours: fewer communities are taken as given, and the doubt is that of the seeds drawn
UNITS = {"community": "t, communities", "restart": "t, restarts, communities as given"}
SCHEMA = {
    "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "n": pl.Int64, "method": pl.String,
}  # fmt: skip


def mean(values: Sequence[float]) -> tuple[float, float | None, float | None, int]:
    """The mean of independent values with its 95 % interval (Student's t), and their number; no interval for one value.

    >>> mean([1.0, 2.0, 3.0])[0], [round(v, 3) for v in mean([1.0, 2.0, 3.0])[1:3]], mean([1.0])
    (2.0, [-0.484, 4.484], (1.0, None, None, 1))
    """
    from scipy.stats import t

    x = np.asarray(values, dtype=float)
    if x.size < 2:
        return float(x.mean()), None, None, x.size
    half = float(t.ppf(0.975, x.size - 1)) * float(x.std(ddof=1)) / x.size**0.5
    return float(x.mean()), float(x.mean()) - half, float(x.mean()) + half, x.size


def units(frame: pl.DataFrame, value: str) -> tuple[list[float], str]:
    """One value per independent unit, and what the unit is: communities (the mean of their restarts), or, where there are
    fewer than five, restarts (the mean over the communities).
    """
    unit = "community" if frame["community"].n_unique() >= FEW else "restart"
    found = frame.group_by(unit).agg(pl.col(value).mean()).sort(unit)
    return found[value].to_list(), UNITS[unit]


def recalls(told: Mapping[str, pl.DataFrame]) -> Effects:
    """Recall and area per ranker and index, candidate recall per index; for several truths, the truth stands before them.

    Intervals are cut to 0 and 1, which no share passes.
    """
    rows = []
    for name, frame in told.items():
        for (truth,), known in frame.group_by("truth", maintain_order=True):
            of = f"{truth}: " if frame["truth"].n_unique() > 1 else ""
            for (ranker,), part in known.group_by("ranker", maintain_order=True):
                rows += [_share(part, column, f"{of}{ranker}, {name}") for column in ("recall", "area")]
            first = known.filter(ranker=known["ranker"][0])  # the candidates are the same for every ranker
            rows.append(_share(first, "candidates", f"{of}{name}"))
    return _effects(rows)


def _share(part: pl.DataFrame, column: str, contrast: str) -> tuple[object, ...]:
    values, method = units(part, column)
    value, low, high, n = mean(values)
    ends = (None, None) if low is None or high is None else (max(low, 0.0), min(high, 1.0))
    return MEASURES[column], contrast, value, *ends, n, method


def gained(fine: pl.DataFrame, coarse: pl.DataFrame) -> Effects:
    """What the finer index gains over the coarser one, in the same communities from the same seeds (paired)."""
    keys = ["truth", "community", "restart", "ranker"]
    both = fine.join(coarse, on=keys, suffix="_coarse", maintain_order="left")
    first = both["ranker"][0]
    rows = []
    for (truth, ranker), part in both.group_by("truth", "ranker", maintain_order=True):
        of = f"{truth}: " if both["truth"].n_unique() > 1 else ""
        # the candidates are the same for every ranker
        for column in ("recall", "area", *(["candidates"] if ranker == first else [])):
            values, method = units(part.with_columns(gain=pl.col(column) - pl.col(f"{column}_coarse")), "gain")
            contrast = f"{of}{'any ranker' if column == 'candidates' else ranker}"
            rows.append((MEASURES[column], contrast, *mean(values), f"{method}, paired"))
    return _effects(rows)


def against(fine: pl.DataFrame) -> Effects:
    """How far each ranker's recall is from another's, in the same communities from the same seeds (paired)."""
    rankers = fine["ranker"].unique(maintain_order=True).to_list()
    wide = fine.pivot("ranker", index=["truth", "community", "restart"], values="recall")
    rows = []
    for (truth,), part in wide.group_by("truth", maintain_order=True):
        of = f"{truth}: " if wide["truth"].n_unique() > 1 else ""
        for k, one in enumerate(rankers):
            for other in rankers[:k]:
                values, method = units(part.with_columns(gap=pl.col(one) - pl.col(other)), "gap")
                rows.append(("recall", f"{of}{one} - {other}", *mean(values), f"{method}, paired"))
    return _effects(rows)


def controls(frame: pl.DataFrame) -> Effects:
    """Recall from seeds drawn at random, the base rate, and their difference with its interval, per ranker.

    `se` is the standard error of the difference; `within` whether it is within three of them of 0.
    """
    rows = []
    for (ranker,), part in frame.group_by("ranker", maintain_order=True):
        for measure, column in (("recall, random seeds", "recall"), ("base rate", "base")):
            values, method = units(part, column)
            rows.append((measure, ranker, *mean(values), method))
        values, method = units(part.with_columns(gap=pl.col("recall") - pl.col("base")), "gap")
        rows.append(("recall - base rate", ranker, *mean(values), method))
    return _effects(rows)


def within(frame: pl.DataFrame) -> bool | None:
    """Whether, for every ranker, the recall from random seeds is within three standard errors of the base rate.

    None where one unit only was drawn, so that there is no standard error.

    >>> rows = {"community": list("abcde"), "restart": 0, "ranker": "average", "base": 0.15}
    >>> within(pl.DataFrame(rows | {"recall": [0.1, 0.2, 0.1, 0.2, 0.1]})), within(pl.DataFrame(rows | {"recall": 0.9}))
    (True, False)
    """
    for _, part in frame.group_by("ranker"):
        gap = np.asarray(units(part.with_columns(gap=pl.col("recall") - pl.col("base")), "gap")[0])
        if gap.size < 2:
            return None
        if abs(float(gap.mean())) > 3 * float(gap.std(ddof=1)) / gap.size**0.5:
            return False
    return True


def curve(told: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The mean recall curves with intervals: panel (the index, and the truth where there are several), arm, x, value, low,
    high, and the ceiling (mean candidate recall).
    """
    rows = []
    truths = next(iter(told.values()))["truth"].unique(maintain_order=True).to_list()
    for truth, (name, frame) in product(truths, told.items()):
        known = frame.filter(truth=truth)
        ceiling = mean(units(known, "candidates")[0])[0]
        for (ranker,), part in known.group_by("ranker", maintain_order=True):
            for k, x in enumerate(GRID.tolist()):
                values, _ = units(part.with_columns(y=pl.col("curve").list.get(k)), "y")
                value, low, high, _n = mean(values)
                ends = (value, value) if low is None or high is None else (max(low, 0.0), min(high, 1.0))
                rows.append((f"{truth}, {name}" if len(truths) > 1 else name, ranker, x, value, *ends, ceiling))
    columns = dict.fromkeys(["x", "value", "low", "high", "ceiling"], pl.Float64)
    return pl.DataFrame(rows, schema={"panel": pl.String, "arm": pl.String, **columns}, orient="row")


def padded(told: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """How much of the curves is padding: queries that returned fewer accounts than the community has, and how many lacked."""
    rows = []
    for name, frame in told.items():
        for (truth, ranker), part in frame.group_by("truth", "ranker", maintain_order=True):
            lack = ((part["size"] - part["returned"]) / part["size"]).to_numpy()
            due = float(part["due"].to_numpy().mean())
            rows.append((truth, name, ranker, part.height, int((lack > 0).sum()), float(lack.mean()), due))
    kinds = {"truth": pl.String, "index": pl.String, "ranker": pl.String, "queries": pl.Int64, "padded": pl.Int64, "mean share padded": pl.Float64, "largest possible area": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=kinds, orient="row")


def _effects(rows: Sequence[tuple[object, ...]]) -> Effects:
    return frames.effects(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
