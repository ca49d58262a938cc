"""What a population did in a generation, run by run: shares given, units at the end, and answers nobody could read."""

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect import frames
from sociolect.compare.criteria import criteria
from sociolect.elicit.outcomes import outcomes
from sociolect.frames import KEYS
from sociolect.systems.worlds.donor_game.elicit import CONDITIONS
from sociolect.systems.worlds.donor_game.evolution import game
from sociolect.systems.worlds.donor_game.schedule import rounds

BY = ("community", "condition", "run", "generation")
MEASURES = ("donated", "log_units")


def bound(agents: int, *, schedule: str = "released", endowment: float = 10.0, multiplier: float = 2.0) -> float:
    """The mean units at the end where everybody always gives everything, on this schedule.

    >>> bound(12), bound(12, schedule="alternating")
    (15360.0, 30720.0)
    """
    everything = np.tile([1.0, 1.0, 0.0, 0.0], (1, agents, 1))
    done = game(everything, rounds(agents, schedule), endowment=endowment, multiplier=multiplier)
    return float(done.final.mean())


def per_run(acts: pl.DataFrame, *, bound: float) -> pl.DataFrame:
    """One row per community, condition (in the order of `CONDITIONS`), run and generation.

    `donated`: the mean over readable acts of the share of its units that the donor gave (0 where it punished or refused; a
    donor without units is left out). `seen_given` counts these acts. `punished`, `refused`, `invalid`: shares of all acts;
    an unreadable answer is in none but the last. `log_units`: the mean over agents and both games of log(1 + units);
    `median_units`, `mean_units`; `of_bound`: the mean as a fraction of `bound`.
    """
    rows = acts.sort("community", ordered(), "run", "generation", "match", "round", "speaker")
    share = pl.when(pl.col("kind") == "give").then("share").when(pl.col("share").is_not_null()).then(0.0)
    ends = rows.select(*BY, "match", "speaker", "final").unique(maintain_order=True)
    told = rows.group_by(BY, maintain_order=True).agg(
        acts=pl.len().cast(pl.Int64), seen_given=pl.col("share").count().cast(pl.Int64),
        **{name: (pl.col("kind") == kind).sum() for name, kind in (("punished", "punish"), ("refused", "refuse"), ("invalid", "invalid"))},
    )  # fmt: skip
    counted = told.with_columns(pl.col("punished", "refused", "invalid").cast(pl.Float64) / pl.col("acts"))
    middle = ends.group_by(BY, maintain_order=True).agg(median_units=pl.col("final").median())
    donated = _means(rows, rows.select(share).to_series())
    return counted.with_columns(
        donated=donated, log_units=_means(ends, ends["final"].log1p()), mean_units=_means(ends, ends["final"]),
        median_units=middle["median_units"],
    ).with_columns(of_bound=pl.col("mean_units") / bound)  # fmt: skip


def _means(rows: pl.DataFrame, values: pl.Series) -> pl.Series:
    """The mean of the values of each group of sorted rows, null where a group has none; summed in the order of the rows."""
    begins = rows.select(pl.struct(BY).rle_id()).to_series().to_numpy()
    known = values.is_not_null().to_numpy()
    size = int(begins.max()) + 1 if begins.size else 0
    total = np.bincount(begins[known], weights=values.to_numpy()[known], minlength=size)
    count: npt.NDArray[np.int64] = np.bincount(begins[known], minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pl.Series(total / count).fill_nan(None)


def ordered() -> pl.Expr:
    """The place of a condition among all: what tables and figures are sorted by."""
    return pl.col("condition").replace_strict({c: i for i, c in enumerate(CONDITIONS)}, return_dtype=pl.Int64)


def attrition(replies: pl.DataFrame, *, seed: int = 0) -> pl.DataFrame:
    """What became of every question, per arm and kind: asked, answered, refused, invalid, blank; `calls` counts every try.

    `unreadable` is the share that is not answered, with an interval over runs (`criteria`).
    """
    arm = ("community", "condition", "asked for")
    kind = pl.when(pl.col("phase") == "strategy").then(pl.lit("a strategy")).otherwise(pl.lit("a gift"))
    told = replies.with_columns(kind.alias("asked for"))
    counts = outcomes(told, by=arm, unread="invalid", calls=pl.col("tries").sum())
    scores = told.select(
        *KEYS, "asked for", pl.format("run {}", "run").alias("run"), measure=pl.lit("unreadable"),
        value=(pl.col("outcome") != "answered").cast(pl.Float64),
    )  # fmt: skip
    found = criteria(frames.scores(scores), by=arm, clusters=("run",), seed=seed)
    doubt = found.select(*arm, pl.col("estimate").alias("unreadable"), "low", "high")
    return counts.join(doubt, on=arm, how="left").sort("community", ordered(), "asked for")
