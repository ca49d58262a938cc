"""Which claims depend on how the question was put: a claim in all forms together, and in each form alone."""

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import polars as pl

from sociolect.compare.group_means import group_means
from sociolect.compare.interval import FloatArray, IntArray, interval
from sociolect.compare.simultaneous import simultaneous
from sociolect.errors import InputError, RefusedError

_KINDS: dict[str, Any] = {
    "claim": pl.String, "first": pl.String, "second": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "n": pl.Int64, "cells": pl.Int64, "sign": pl.Float64, "sure": pl.Float64, "significance": pl.Float64,
    "reversed": pl.Float64, "apart": pl.Float64,
    "named": pl.String, "where": pl.String, "left_out": pl.Int64, "method": pl.String,
}  # fmt: skip
_RANKS: dict[str, Any] = {
    "community": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64, "rank": pl.Int64,
    "best": pl.Int64, "worst": pl.Int64, "cells": pl.Int64, "rank changes": pl.Float64, "where": pl.String,
}  # fmt: skip


def flips(
    values: pl.DataFrame,
    *,
    formats: Sequence[str],
    claims: Mapping[str, tuple[str, str]] | None = None,
    on: str = "community",
    unit: str = "item",
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> pl.DataFrame:
    """One row per claim `first - second`: the difference over all forms, and the share of forms that would change it.

    A cell is one combination of `formats`. `sign`: the share of cells whose difference has another sign than all together;
    `sure`: whose interval excludes 0; `significance`: that exclude 0 where the pooled interval does not, or the other way
    round; `reversed`: whose interval lies wholly on the other side; `apart`: whose difference is another than the mean of all
    cells. `sign`, `sure` and `significance` take each cell by itself, so that noise alone moves them; `reversed` and `apart` hold
    over all cells and claims together (`simultaneous`). `where` lists these cells, `named` the levels (as order=reversed) that hold them and no other.
    `claims` name pairs of `on`; without it all pairs are claims. Items are resampled, once for all cells and sides.
    `left_out` counts values that are null.

    Raises InputError where a column or a side is missing, RefusedError where one form only was asked.

    >>> said = pl.DataFrame([(c, i, o, v) for i in "pqr" for c, o, v in
    ...     (("ash", "up", 0.9), ("ash", "down", 0.1), ("elm", "up", 0.1), ("elm", "down", 0.5))], schema=["community", "item", "order", "value"], orient="row")
    >>> flips(said, formats=["order"]).select("claim", "sign", "named").row(0)
    ('ash - elm', 0.5, 'order=down')
    """
    made, cells = _means(values, formats, on, unit, level=level, draws=draws, seed=seed)
    sides = sorted(values[on].unique())
    pairs = dict(claims) if claims is not None else {f"{a} - {b}": (a, b) for a, b in combinations(sides, 2)}
    if strange := sorted({s for pair in pairs.values() for s in pair} - set(sides)):
        raise InputError(f"no {on} {', '.join(map(repr, strange))}; there are: {', '.join(sides)}")
    mean = made.estimate[:, 0]
    at = {(row[on], *(row[f] for f in formats)): i for i, row in enumerate(made.groups.iter_rows(named=True))}
    at = {key: i for key, i in at.items() if not np.isnan(mean[i])}
    met = {name: [c for c in cells if (a, *c) in at and (b, *c) in at] for name, (a, b) in pairs.items()}
    met = {name: found for name, found in met.items() if found}
    if not met or made.samples is None:
        raise RefusedError(f"there is no claim that could flip: {made.reason or 'none has both its sides in one form'}")
    one, two = (np.array([at[pairs[name][side], *c] for name, found in met.items() for c in found]) for side in (0, 1))
    gaps, drawn = mean[one] - mean[two], made.samples[:, one, 0] - made.samples[:, two, 0]
    fewest = int(made.clusters[np.concatenate([one, two])].min())
    alone = interval(gaps, drawn, n=values.height, clusters=fewest, level=level)
    # a cell is named where all cells and claims together leave no doubt of it
    joint = simultaneous(gaps, drawn, clusters=fewest, level=level)
    sizes = np.array([len(found) for found in met.values()])
    off = simultaneous(_off(gaps[None], sizes)[0], _off(drawn, sizes), clusters=fewest, level=level)
    rows, start = [], 0
    for name, found in met.items():
        here = slice(start, start + len(found))
        start += len(found)
        whole = made.row(
            lambda x, a=one[here], b=two[here]: (x[:, a, 0] - x[:, b, 0]).mean(1),
            [*one[here], *two[here]],
            method="difference, items paired",
        )
        sign = _sign(whole["estimate"])
        lone = [_side(a, b) for a, b in zip(alone.low[here], alone.high[here], strict=True)]
        beyond = [_side(a, b) for a, b in zip(joint.low[here], joint.high[here], strict=True)]
        against = sign or next((s for s in beyond if s), 0)
        turned = [c for c, s in zip(found, beyond, strict=True) if s == -against != 0]
        pooled = _side(*(np.nan if whole[e] is None else whole[e] for e in ("low", "high"))) != 0
        departs = sum(_side(a, b) != 0 for a, b in zip(off.low[here], off.high[here], strict=True))
        n = len(found)
        rows.append({"claim": name, "first": pairs[name][0], "second": pairs[name][1], "cells": n}
                    | {c: whole[c] for c in ("estimate", "low", "high", "n", "left_out", "method")}
                    | {"sign": sum(_sign(g) != sign for g in gaps[here]) / n, "reversed": len(turned) / n, "apart": departs / n,
                       "sure": sum(s != 0 for s in lone) / n, "significance": sum((s != 0) != pooled for s in lone) / n,
                       "named": _named(turned, found, formats), "where": "; ".join("/".join(c) for c in turned) or None})  # fmt: skip
    made_of = pl.DataFrame([{c: row[c] for c in _KINDS} for row in rows], schema=_KINDS)
    # what cancels in decimals leaves dust in binary
    return made_of.with_columns(estimate=pl.when(pl.col("estimate").abs() < 1e-12).then(0.0).otherwise("estimate"))


def rank_flips(
    values: pl.DataFrame,
    *,
    formats: Sequence[str],
    on: str = "community",
    unit: str = "item",
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> pl.DataFrame:
    """One row per community: its mean and rank over all forms (1 is the highest), and the share of forms that change its rank.

    `best` and `worst` are its ranks over the cells, `where` lists the cells in which the rank is another. Communities that lack
    a cell have no rank there and are not counted in it. Errors as in `flips`.
    """
    made, cells = _means(values, formats, on, unit, level=level, draws=draws, seed=seed)
    names = sorted(values[on].unique())
    at = {(row[on], *(row[f] for f in formats)): i for i, row in enumerate(made.groups.iter_rows(named=True))}
    mean = made.estimate[:, 0]
    table = {c: {s: mean[at[s, *c]] for s in names if (s, *c) in at and not np.isnan(mean[at[s, *c]])} for c in cells}
    own = {s: [at[s, *c] for c in cells if s in table[c]] for s in names}
    rows: list[dict[str, Any]] = []
    whole = {s: made.row(lambda x, i=tuple(i): x[:, list(i), 0].mean(1), i, method="mean") for s, i in own.items() if i}
    every = {s: row["estimate"] for s, row in whole.items()}
    for name, row in whole.items():
        rank = _rank(name, every)
        seen = {c: _rank(name, table[c]) for c in cells if name in table[c]}
        moved = [c for c, r in seen.items() if r != rank]
        rows.append({"community": name, "rank": rank, "best": min(seen.values()), "worst": max(seen.values()), "cells": len(seen),
                     "rank changes": len(moved) / len(seen), "where": "; ".join("/".join(c) for c in moved) or None}
                    | {c: row[c] for c in ("estimate", "low", "high", "n")})  # fmt: skip
    return pl.DataFrame([{c: row[c] for c in _RANKS} for row in rows], schema=_RANKS)


def _means(
    values: pl.DataFrame, formats: Sequence[str], on: str, unit: str, *, level: float, draws: int, seed: int
) -> Any:
    """The means of every side in every cell under one bootstrap of the items, and the cells."""
    if missing := [c for c in dict.fromkeys(["value", unit, on, *formats]) if c not in values.columns]:
        raise InputError(f"these values have no column {', '.join(map(repr, missing))}")
    cells = sorted(tuple(map(str, c)) for c in values.select(formats).unique().drop_nulls().rows())
    if len(cells) < 2:
        raise RefusedError(f"{len(cells)} form of the question was asked ({', '.join(formats)}): two or more are due")
    rows = values.with_columns(pl.col(list(formats)).cast(pl.String), speaker=pl.lit(""), source=pl.lit("model"))
    numbers = rows["value"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return group_means(rows, numbers, by=[on, *formats], clusters=[unit], level=level, draws=draws, seed=seed), cells


def _off(gaps: FloatArray, sizes: IntArray) -> FloatArray:
    """How far each cell's difference (m, cells) lies from the mean of its claim's cells, `sizes` of them a claim."""
    means = np.add.reduceat(gaps, np.cumsum(sizes) - sizes, axis=1) / sizes
    return np.asarray(gaps - np.repeat(means, sizes, axis=1))


def _sign(estimate: Any) -> int:
    return 0 if estimate is None or abs(estimate) < 1e-12 else int(np.sign(estimate))


def _side(low: float, high: float) -> int:
    """The side of 0 on which the whole interval lies; 0 where it holds 0 or there is none."""
    return 1 if low > 0 else -1 if high < 0 else 0


def _named(other: Sequence[tuple[str, ...]], met: Sequence[tuple[str, ...]], formats: Sequence[str]) -> str | None:
    """The fewest levels that hold these cells and no other; null where no such combination does."""
    if not other or len(other) == len(met):
        return None
    for size in range(1, len(formats) + 1):
        for places in combinations(range(len(formats)), size):
            for ways in product(*(sorted({c[i] for c in met}) for i in places)):
                held = [c for c in met if all(c[i] == w for i, w in zip(places, ways, strict=True))]
                if set(held) == set(other):
                    return ", ".join(f"{formats[i]}={w}" for i, w in zip(places, ways, strict=True))
    return None


def _rank(name: str, means: Mapping[str, Any]) -> int:
    return 1 + sum(1 for other in means.values() if other > means[name] + 1e-12)
