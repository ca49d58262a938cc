"""Communities in order, and how sure the order is: ranks from means, with intervals; majorities beside them."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.group_means import GroupMeans, group_means
from sociolect.compare.interval import FloatArray, IntArray
from sociolect.compare.multiplicity import adjusted
from sociolect.compare.simultaneous import Simultaneous, simultaneous
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Effects, Replies, Scores

RANKS = "ranks of means; intervals from simultaneous differences (Mogstad et al. 2024)"


def ranking(
    scores: Scores,
    *,
    clusters: Sequence[str] = ("template",),
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Effects:
    """Each community's mean over replies with its interval and its rank, 1 the highest, per measure.

    `rank_low` and `rank_high` hold the ranks of all communities together in 95 of 100 cases: a community stands below
    those whose difference to it has a simultaneous interval above 0, and above those with one below 0 (Mogstad, Romano,
    Shaikh and Wilhelm 2024, Review of Economic Studies 91, Sec. 3). Equal means share the better rank. `highest` is
    the share of bootstrap draws in which the mean is the highest, split between those that tie. `left_out` counts null
    values. Without an interval of every difference the ranks stand alone, and `method` says why.

    Raises RefusedError where a measure has fewer than two communities with a value.

    >>> said = pl.DataFrame([("m", "model", c, str(i), "a", 0, 0, "risk", i + 9.0 * k, f"u{i}")
    ...     for i in range(6) for k, c in enumerate(["calm", "grim"])], schema=[*frames.KEYS, "measure", "value", "template"], orient="row")
    >>> ranking(frames.scores(said)).select("contrast", "estimate", "rank", "rank_low", "rank_high", "highest").rows()
    [('calm', 2.5, 2, 2, 2, 0.0), ('grim', 11.5, 1, 1, 1, 1.0)]
    """
    rows: list[dict[str, object]] = []
    for measure, found in _by_measure(scores, clusters, level, draws, seed):
        names = found.groups["community"].to_list()
        mean = found.estimate[:, 0]
        above = (mean[:, None] - mean[None]) > 0
        rank = 1 + above.sum(0)
        firsts, seconds, joint = _pairs(found)
        low, high, note = rank, rank, "no interval of ranks: " + found.reason
        if joint is not None and not np.isnan(joint.low).any():
            beats = np.zeros(above.shape, dtype=bool)
            beats[firsts, seconds], beats[seconds, firsts] = joint.low > 0, joint.high < 0
            low, high, note = 1 + beats.sum(0), len(names) - beats.sum(1), RANKS
        sure = note == RANKS
        top = _highest(found.samples[:, :, 0]) if found.samples is not None and sure else None
        for i, name in enumerate(names):
            row = found.row(lambda x, i=i: x[:, i, 0], [i])  # type: ignore[misc]  # bound at once
            rows.append({"measure": measure, "contrast": name} | row | {
                "method": f"{row['method']}; {note}", "community": name, "rank": int(rank[i]),
                "rank_low": int(low[i]) if sure else None, "rank_high": int(high[i]) if sure else None,
                "highest": float(top[i]) if top is not None else None,
            })  # fmt: skip
    schema = {"estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64, "left_out": pl.Int64,
              "clusters": pl.Int64, "rank": pl.Int64, "rank_low": pl.Int64, "rank_high": pl.Int64,
              "highest": pl.Float64}  # fmt: skip
    return frames.effects(pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None).drop("p"))


def pairs(
    scores: Scores,
    *,
    clusters: Sequence[str] = ("template",),
    level: float = 0.95,
    draws: int = 1000,
    adjust: str = "holm",
    seed: int = 0,
) -> Effects:
    """Every difference between two communities' means, `first - second` by name, with p adjusted within its measure.

    Communities asked by the same templates are paired by them. `joint_low` and `joint_high` hold for all pairs of the
    measure together. Errors as in `ranking`.
    """
    rows: list[dict[str, object]] = []
    for measure, found in _by_measure(scores, clusters, level, draws, seed):
        names = found.groups["community"].to_list()
        firsts, seconds, joint = _pairs(found)
        made = []
        for at, (i, j) in enumerate(zip(firsts.tolist(), seconds.tolist(), strict=True)):
            row = found.row(lambda x, i=i, j=j: x[:, i, 0] - x[:, j, 0], [i, j], method="difference")  # type: ignore[misc]  # bound at once
            ends = (None, None) if joint is None else (float(joint.low[at]), float(joint.high[at]))
            made.append({"measure": measure, "contrast": f"{names[i]} - {names[j]}"} | row
                        | {"joint_low": ends[0], "joint_high": ends[1]})  # fmt: skip
        p = adjusted([row["p"] for row in made], adjust)  # type: ignore[misc]  # floats and nulls
        rows += [row | {"p_adjusted": value} for row, value in zip(made, p, strict=True)]
    schema = dict.fromkeys(("estimate", "low", "high", "p", "p_adjusted", "joint_low", "joint_high"), pl.Float64())
    whole = dict.fromkeys(("n", "left_out", "clusters"), pl.Int64())
    made_of = pl.DataFrame(rows, schema_overrides={**schema, **whole}, infer_schema_length=None)
    return frames.effects(made_of.with_columns(pl.col(pl.Float64).fill_nan(None)))


def kendall(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Kendall's tau-b between two orders of the same things: ties count for neither; null where one order is all ties.

    Kendall (1945). Equal to `scipy.stats.kendalltau`.

    >>> kendall([1, 2, 3, 4], [1, 2, 4, 3]), kendall([1, 1], [1, 2])
    (0.6666666666666666, None)
    """
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if x.shape != y.shape or x.ndim != 1 or np.isnan(x).any() or np.isnan(y).any():
        raise InputError(f"two orders of one length without nan are due; seen: {x.shape} and {y.shape}")
    upper = np.triu_indices(x.size, 1)
    a, b = np.sign(x[:, None] - x[None])[upper], np.sign(y[:, None] - y[None])[upper]
    room = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / room if room else None


def majority(replies: Replies, *, by: Sequence[str] = ("source", "community", "item")) -> Replies:
    """One row per group: its most frequent choice, null where several are (`ties` names them), ready to be scored.

    `share` is that choice's share of the answers, `n` the answers, `left_out` the replies without one. The majority is
    printed beside the mean, never in its place: it hides how flat the answers were. `condition` and `speaker` are
    "majority" where `by` does not name them, draw and turn are 0, so it enters `measure.instrument.score` as one reply.

    Raises InputError where `choice` or a column of `by` is missing.

    >>> said = pl.DataFrame([("m", "model", "red", "q", "a", d, 0, None, None, c) for d, c in enumerate(["1", "2", None, "2"])],
    ...     schema={**{k: v.dtype for k, v in frames.SHAPES["replies"].columns.items()}, "choice": pl.String}, orient="row")
    >>> majority(frames.replies(said)).select("choice", "ties", "share", "n", "left_out").row(0)
    ('2', ['2'], 0.6666666666666666, 3, 1)
    """
    if missing := [c for c in (*by, "choice") if c not in replies.columns]:
        raise InputError(f"these replies have no column {', '.join(map(repr, missing))}")
    counts = replies.group_by([*by, "choice"]).len(name="_n").sort([*by, "choice"])
    answered = pl.col("choice").is_not_null()
    most = pl.col("_n").filter(answered).max()
    found = counts.group_by(by, maintain_order=True).agg(
        pl.col("choice").filter(answered & (pl.col("_n") == most)).alias("ties"),
        most.alias("_most"),
        pl.col("_n").filter(answered).sum().cast(pl.Int64).alias("n"),
        pl.col("_n").filter(~answered).sum().cast(pl.Int64).alias("left_out"),
    )
    fill = {"speaker": pl.lit("majority"), "condition": pl.lit("majority"), "turn": pl.lit(0, pl.Int64),
            "draw": pl.lit(0, pl.Int64)}  # fmt: skip
    told = found.with_columns(
        *(value.alias(c) for c, value in fill.items() if c not in by),
        prompt=pl.lit(None, pl.String),
        text=pl.lit(None, pl.String),
        choice=pl.when(pl.col("ties").list.len() == 1).then(pl.col("ties").list.first()),
        share=pl.when(pl.col("n") > 0).then(pl.col("_most") / pl.col("n")),
    )
    shape = frames.SHAPES["replies"].columns
    return frames.replies(told.drop("_most").select(*shape, pl.exclude(*shape)))


def _by_measure(
    scores: Scores, clusters: Sequence[str], level: float, draws: int, seed: int
) -> list[tuple[str, GroupMeans]]:
    if scores.is_empty():
        raise RefusedError("there are no scores: nothing to rank")
    out = []
    for (measure,), part in sorted(scores.partition_by("measure", as_dict=True).items()):
        value = part["value"].to_numpy()
        found = group_means(part, value, by=["community"], clusters=clusters, level=level, draws=draws, seed=seed)
        empty = found.groups.filter(pl.col("n") == 0)["community"].to_list()
        if empty or found.groups.height < 2:
            due = "two communities or more, each with a value, are due"
            seen = f"no value of {', '.join(empty)}" if empty else f"{found.groups.height} community"
            raise RefusedError(f"{measure!r} cannot be ranked: {due}; seen: {seen}")
        out.append((str(measure), found))
    return out


def _pairs(found: GroupMeans) -> tuple[IntArray, IntArray, Simultaneous | None]:
    """The places of the first and the second of every pair, and all differences under one family."""
    at = np.array(list(combinations(range(found.groups.height), 2)))
    firsts, seconds = at[:, 0], at[:, 1]
    if found.samples is None:
        return firsts, seconds, None
    mean, drawn = found.estimate[:, 0], found.samples[:, :, 0]
    joint = simultaneous(
        mean[firsts] - mean[seconds], drawn[:, firsts] - drawn[:, seconds], clusters=int(found.clusters.min()),
        level=found.level,
    )  # fmt: skip
    return firsts, seconds, joint


def _highest(samples: FloatArray) -> FloatArray:
    whole = samples[~np.isnan(samples).any(1)]
    top = whole == whole.max(1, keepdims=True)
    return np.asarray((top / top.sum(1, keepdims=True)).mean(0))


def spearman(
    first: Sequence[float], second: Sequence[float], *, level: float = 0.95
) -> tuple[float | None, float | None, float | None]:
    """Spearman's rank correlation and its interval over communities; null ends below four, all null where one side is all ties.

    The interval is Fisher's z with the variance (1 + r^2 / 2) / (n - 3) (Bonett and Wright 2000, doi 10.1007/BF02294183).

    >>> spearman([1, 2, 3], [1, 2, 3]), spearman([1, 1], [1, 2])
    ((1.0, None, None), (None, None, None))
    """
    from scipy.stats import norm, rankdata

    x, y = (rankdata(np.asarray(side, dtype=float)) for side in (first, second))
    if x.size < 2 or x.std() == 0 or y.std() == 0:
        return None, None, None
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))
    if x.size < 4 or abs(r) == 1:
        return r, None, None
    half = float(norm.ppf((1 + level) / 2)) * ((1 + r * r / 2) / (x.size - 3)) ** 0.5
    return r, float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))
