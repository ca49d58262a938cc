"""Trait and agreement told apart: what reversed items are for."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.group_means import group_means
from sociolect.compare.interval import FloatArray
from sociolect.compare.scales import Scales, item_rows, scales_of
from sociolect.errors import InputError
from sociolect.frames import KEYS, Scores

ONE_SIDED = "not identified: all keyed items point one way, so trait and agreement cannot be told apart"


def orthogonality(share: float | None) -> float | None:
    """2 min(r, 1 - r) of a share r: 1 is balanced, 0 says that two things cannot be told apart.

    >>> orthogonality(0.5), orthogonality(0.9), orthogonality(None)
    (1.0, 0.19999999999999996, None)
    """
    return None if share is None else 2 * min(share, 1 - share)


def balanced(scores: Scores, *, scales: Scales | None = None) -> Scores:
    """Each speaker's trait and agreement bias per scale, draw by draw: measures "<scale>/trait" and "<scale>/bias".

    m+ and m- are the raw means over items with key +1 and key -1, as distances from each item's midpoint:
    bias = (m+ + m-) / 2, trait = (m+ - m-) / 2, both in score units. Null unless answers to both kinds are there: on a
    one-sided scale trait and agreement are one number. `scores` holds item rows with `sign`, `low` and `high`.
    Raises InputError where these are missing.

    >>> said = pl.DataFrame([("ada", "human", "red", i, "a", 0, 0, f"q:{i}", v, s, 1.0, 5.0) for i, v, s in
    ...     [("1", 5.0, 1), ("2", 1.0, -1)]], schema=[*KEYS, "measure", "value", "sign", "low", "high"], orient="row")
    >>> balanced(frames.scores(said)).select("measure", "value").rows()  # agrees with an item and with its reverse
    [('q:all/bias', 2.0), ('q:all/trait', 0.0)]
    """
    instrument, rows = item_rows(scores)
    faults(rows)
    keys = [k for k in KEYS if k != "item"]
    parts = []
    for scale, items in scales_of(instrument, rows, scales).items():
        kept = rows.filter(pl.col("item").is_in(items)).sort(*keys, "item")
        away = pl.col("value") - (pl.col("low") + pl.col("high")) / 2
        plus, minus = away.filter(pl.col("sign") == 1).mean(), away.filter(pl.col("sign") == -1).mean()
        both = kept.group_by(keys, maintain_order=True).agg(bias=(plus - minus) / 2, trait=(plus + minus) / 2)
        long = both.unpivot(["bias", "trait"], index=keys, variable_name="measure")
        parts.append(long.with_columns(item=pl.lit(instrument), measure=scale + "/" + pl.col("measure")))
    return frames.scores(pl.concat(parts).select(*KEYS, "measure", "value").sort(*keys, "measure"))


def leanings(
    rows: pl.DataFrame,
    scales: Scales,
    *,
    by: Sequence[str],
    clusters: Sequence[str],
    level: float,
    draws: int,
    seed: int,
) -> list[dict[str, object]]:
    """Bias and trait of each group of `by`, per scale, with intervals: items weigh alike within their direction."""
    away = (rows["value"] - (rows["low"] + rows["high"]) / 2).to_numpy()
    found = group_means(rows, away, by=[*by, "item"], clusters=clusters, level=level, draws=draws, seed=seed)
    keys = dict(rows.select("item", "sign").unique().iter_rows())
    out = []
    for group in found.groups.select(by).unique(maintain_order=True).iter_rows(named=True):
        here = {found.groups["item"][at]: at for at in found.where(**group)}
        for scale, items in scales.items():
            plus, minus = ([here[i] for i in items if i in here and keys[i] == side] for side in (1, -1))
            for line, side in (("bias", -1.0), ("trait", 1.0)):

                def half(
                    x: FloatArray, plus: list[int] = plus, minus: list[int] = minus, side: float = side
                ) -> FloatArray:
                    return np.asarray((x[:, plus, 0].mean(1) + side * x[:, minus, 0].mean(1)) / 2)

                used = plus + minus if plus and minus else []
                row = (
                    {"line": line, "measure": scale, "contrast": "both directions"}
                    | group
                    | found.row(half, used, method="direction-balanced")
                )
                verdict = "ok" if used and row["estimate"] is not None else ONE_SIDED
                low, high = row["low"], row["high"]
                if line == "bias" and isinstance(low, float) and isinstance(high, float) and not low <= 0 <= high:
                    verdict = (
                        f"warning: answers lean to {'agreement' if low > 0 else 'disagreement'}, whatever the item says"
                    )
                out.append(row | {"verdict": verdict})
    return out


def faults(rows: pl.DataFrame) -> None:
    """Raises InputError unless the item rows say each item's key and range."""
    if missing := [c for c in ("sign", "low", "high") if c not in rows.columns]:
        raise InputError(
            f"these item scores have no column {', '.join(map(repr, missing))}: they say an item's key (1, -1 or null) "
            "and the range of its score, and ride along from `measure.instrument.items`"
        )
    if (
        twice := rows.select("item", "sign")
        .unique()
        .filter(pl.col("item").is_duplicated())["item"]
        .unique()
        .sort()
        .to_list()
    ):
        raise InputError(f"item {', '.join(twice)} has two keys")
