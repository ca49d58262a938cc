"""Profiles as shares, category by category, each share with its interval."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.clusters import factors
from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, RefusedError
from sociolect.frames import KEYS, Effects, Scores


def shares(
    scores: Scores,
    *,
    begins: str = "emotion:",
    by: Sequence[str] = ("community", "condition"),
    clusters: Sequence[str] = ("topic", "template"),
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Effects:
    """Each group's shares of the measures that begin with `begins`: confidences summed over texts, divided by their sum.

    One row per group and measure, with the columns of `by` and `category`, the measure without its beginning. The shares of
    a group sum to 1 (arXiv 2408.09366, Sec. 5.2.3). Intervals: people by speaker, models by `clusters`, crossed. A text without
    every value is left out and counted. A group of one cluster keeps its shares, has null ends, and says why in `method`.
    Raises InputError where no measure begins so, or a column is missing.

    >>> keys = ["s", "human", "red", "i", "human", 0, 0]
    >>> rows = [[f"s{i}", *keys[1:], m, v] for i in range(8) for m, v in (("emotion:joy", 0.9), ("emotion:fear", 0.3))]
    >>> said = frames.scores(pl.DataFrame(rows, schema=[*KEYS, "measure", "value"], orient="row"))
    >>> shares(said).select("category", "estimate", "n").rows()
    [('fear', 0.25, 8), ('joy', 0.75, 8)]
    """
    named = sorted(m for m in scores["measure"].unique() if m.startswith(begins))
    if not named:
        raise InputError(f"no measure begins with {begins!r}")
    columns = [*KEYS, *(c for c in (*by, *clusters) if c in scores.columns and c not in KEYS)]
    kept = scores.filter(pl.col("measure").is_in(named))
    wide = kept.pivot("measure", index=columns, values="value").sort(*KEYS)
    rows: list[dict[str, object]] = []
    for group, part in sorted(
        wide.partition_by(list(by), as_dict=True).items(), key=lambda item: tuple(map(str, item[0]))
    ):
        whole = part.drop_nulls(named)
        values = whole.select(named).to_numpy()
        doubt = {"low": np.full(len(named), np.nan), "high": np.full(len(named), np.nan)}
        method, fewest = "cluster bootstrap", None

        def statistic(w: FloatArray, values: FloatArray = values) -> FloatArray:
            mass = w @ values
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.asarray(mass / mass.sum(-1, keepdims=True))

        try:
            found = bootstrap(statistic, factors(whole, clusters), level=level, draws=draws, batched=True, seed=seed)
            doubt, fewest = {"low": found.low, "high": found.high}, int(np.min(found.clusters))
        except RefusedError as error:
            method = f"no interval: {error}"
        estimate = statistic(np.ones((1, len(values))))[0] if len(values) else np.full(len(named), np.nan)
        rows += [
            {
                "measure": name, "contrast": " ".join(map(str, group)), "estimate": float(estimate[i]), "low": float(doubt["low"][i]),
                "high": float(doubt["high"][i]), "n": whole.height, "method": method, "left_out": part.height - whole.height,
                "clusters": fewest, **dict(zip(by, group, strict=True)), "category": name.removeprefix(begins),
            }
            for i, name in enumerate(named)
        ]  # fmt: skip
    table = pl.DataFrame(rows, schema_overrides={"clusters": pl.Int64, "n": pl.Int64, "left_out": pl.Int64})
    return frames.effects(table.with_columns(pl.col("estimate", "low", "high").fill_nan(None)))
