"""Accuracy on the ladder, adaptation, yes-bias, order effect: each with its interval, countries as clusters."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.clusters import factors
from sociolect.compare.f1 import codes, scored
from sociolect.compare.group_means import GroupMeans, Statistic, group_means
from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Effects, Replies, Scores
from sociolect.measure.scoring import score
from sociolect.systems.instruments.normad.load import LABELS

MEASURE = "normad:right"
ROWS = {"all": LABELS, "yes and no": LABELS[:2]}  # neutral rows are suspect: both are printed
CLUSTERS = ("country",)  # stories of one country share one background
_MADE = {"measure": pl.String, "contrast": pl.String, "what": pl.String, "community": pl.String, "rows": pl.String, "estimate": pl.Float64, "low": pl.Float64,
         "high": pl.Float64, "p": pl.Float64, "floor": pl.Float64, "n": pl.Int64, "left_out": pl.Int64, "clusters": pl.Int64, "method": pl.String}  # fmt: skip


def adapted(replies: Replies) -> Scores:
    """Whether each answer is the gold label: measure `normad:right`, 1.0 or 0.0; null where there was no answer.

    A reply that was unparsed, refused or empty is not wrong: it is no answer, and counted (`asked`). All columns ride along.
    Raises InputError where `gold`, `choice` or `rung` is missing.
    """
    if missing := [c for c in ("gold", "choice", "rung", "country") if c not in replies.columns]:
        raise InputError(f"these replies have no column {', '.join(map(repr, missing))}: ask them with `ladder`")
    # without a choice the comparison is null, and stays so
    right = replies.select((pl.col("choice") == pl.col("gold")).cast(pl.Float64)).to_series()
    return score(replies, {MEASURE: right})


def rungs_of(scores: Scores, *, draws: int = 1000, seed: int = 0) -> Effects:
    """Accuracy per community, rung and rows (`all`; `yes and no`, without neutral stories), and what each rung adds to none.

    Contrasts `rule - none` (adaptation), `country - none` (country knowledge) and the other rungs less none are paired: the
    same countries are drawn for both.
    """
    out: list[dict[str, Any]] = []
    for rows, labels in ROWS.items():
        found = _means(scores.filter(pl.col("gold").is_in(list(labels))), ["community", "rung"], draws=draws, seed=seed)
        for community in found.groups["community"].unique().sort():
            at = {r: found.where(community=community, rung=r) for r in found.groups["rung"].unique().sort()}
            out += [_row(found, "accuracy", rung, own, (), community=community, rows=rows) for rung, own in at.items()]
            if base := at.get("none"):
                out += [
                    _row(found, "gain", f"{rung} - none", own, base, community=community, rows=rows)
                    for rung, own in at.items() if rung != "none"
                ]  # fmt: skip
    return _effects(out)


def labels_of(scores: Scores, *, draws: int = 1000, seed: int = 0) -> Effects:
    """Recall per community, rung and label, and yes-bias: recall of yes less recall of no."""
    found = _means(scores, ["community", "rung", "gold"], draws=draws, seed=seed)
    out: list[dict[str, Any]] = []
    for community, rung in found.groups.select("community", "rung").unique().sort("community", "rung").iter_rows():
        at = {label: found.where(community=community, rung=rung, gold=label) for label in LABELS}
        out += [
            _row(found, "recall", f"{rung}: {label}", own, (), community=community, rows=label)
            for label, own in at.items()
            if own
        ]
        if at["yes"] and at["no"]:
            out.append(_row(found, "yes-bias", rung, at["yes"], at["no"], community=community, rows="yes and no"))
    return _effects(out)


def orders_of(scores: Scores, *, draws: int = 1000, seed: int = 0) -> Effects:
    """Accuracy per order in which the options stood less the mean over the orders, and their range, per community and rung.

    By chance alone a range is above 0: `floor` is what it would be were all orders alike (the mean over draws centred at
    what was found), and `p` the share of such draws that reach it. A range has no interval of its own.
    """
    found = _means(
        scores.with_columns(order=pl.col("shown").list.join(" / ")),
        ["community", "rung", "order"],
        draws=draws,
        seed=seed,
    )
    out: list[dict[str, Any]] = []
    for community, rung in found.groups.select("community", "rung").unique().sort("community", "rung").iter_rows():
        own = found.where(community=community, rung=rung)
        if len(own) < 2:
            continue
        told = {"community": community, "rows": "all"}
        for at in own:
            row = found.row(lambda m, at=at, own=own: m[:, at, 0] - m[:, own, 0].mean(1), own, method="difference")  # type: ignore[misc]  # a default binds the loop's value
            out.append(
                row | told | {"measure": "accuracy by order", "contrast": f"{rung}: {found.groups['order'][at]} - mean"}
            )
        spread = float(np.ptp(found.estimate[own, 0]))
        row = {"measure": "order effect", "contrast": rung, "estimate": spread, "n": int(found.groups["n"][own].sum()),
               "left_out": int(found.groups["left_out"][own].sum()), "method": f"range; no interval: {found.reason}"}  # fmt: skip
        if found.samples is not None:
            chance = np.ptp(found.samples[:, own, 0] - found.estimate[own, 0], axis=1)
            reached = float((1 + (chance >= spread - 1e-12).sum()) / (1 + len(chance)))
            row |= {
                "floor": float(chance.mean()),
                "p": reached,
                "method": "range, held against draws without an effect of order",
            }
        out.append(row | told)
    return _effects(out)


def parts_of(scores: Scores, part: str, *, rung: str, draws: int = 1000, seed: int = 0) -> Effects:
    """Accuracy on one rung per value of a column (`group`, `subaxis`), and each value less all others.

    Where countries lie in one value each, as in groups, they are drawn within it; else whole. Rows whose value is null are in
    no part. A part of one country has no interval, and its `method` says so.
    """
    held = scores.filter(pl.col(part).is_not_null(), rung=rung)
    out: list[dict[str, Any]] = []
    for community in held["community"].unique().sort():
        mine = held.filter(community=community)
        for value in mine[part].unique().sort():
            at = _cells(mine.with_columns(_in=pl.col(part) == value))
            inside, right, n = (
                at["_in"].to_numpy().astype(float),
                at["right"].to_numpy(),
                at["n"].to_numpy().astype(float),
            )

            def mean(w: FloatArray, side: FloatArray, right: FloatArray = right, n: FloatArray = n) -> FloatArray:
                with np.errstate(invalid="ignore", divide="ignore"):
                    return np.asarray((w @ (side * right)) / (w @ (side * n)))

            told = {"measure": f"accuracy by {part}", "community": community, "rows": "all"}
            kept = at.filter(pl.col("_in"))
            own = np.ones(kept.height)
            alone = partial(mean, side=own, right=kept["right"].to_numpy(), n=kept["n"].to_numpy().astype(float))
            out.append(told | {"contrast": value} | _doubted(alone, kept, None, draws=draws, seed=seed))
            if (1 - inside).any():
                less = lambda w, inside=inside, mean=mean: mean(w, inside) - mean(w, 1 - inside)  # noqa: E731  # bound to the loop's values
                out.append(
                    told
                    | {"contrast": f"{value} - others"}
                    | _doubted(less, at, inside.astype(np.int64), draws=draws, seed=seed)
                )
    return _effects(out)


def weighted_f1(replies: Replies, part: str = "group", *, rung: str, draws: int = 1000, seed: int = 0) -> Effects:
    """Weighted F1 of the three labels per community and value of `part` on one rung; no answer is a miss.

    A part of one country has no interval, and its `method` says so.
    """
    out: list[dict[str, Any]] = []
    held = replies.filter(pl.col(part).is_not_null(), rung=rung)
    for (community, value), rows in sorted(held.partition_by("community", part, as_dict=True).items()):
        at = (
            rows.group_by("source", "speaker", "country", "gold", "choice")
            .agg(n=pl.len(), left_out=pl.lit(0))
            .sort("country", "gold", "choice")
        )
        place = codes(at["gold"], LABELS, strict=True) * 4 + codes(at["choice"], LABELS, strict=False)
        counts = np.zeros((at.height, 12))
        counts[np.arange(at.height), place] = at["n"].to_numpy()

        def statistic(w: FloatArray, counts: FloatArray = counts) -> FloatArray:
            return scored((w @ counts).reshape(len(w), 3, 4))[0][:, 1]

        told = {"measure": "weighted F1", "contrast": value, "community": community, "rows": "all"}
        out.append(told | _doubted(statistic, at, None, draws=draws, seed=seed))
    return _effects(out)


def _cells(rows: pl.DataFrame) -> pl.DataFrame:
    """Right answers and answers per country and side, from which any share of them is made."""
    at = rows.group_by("source", "speaker", "country", "_in").agg(right=pl.col("value").sum(), n=pl.col("value").count(), left_out=pl.col("value").null_count())  # fmt: skip
    return at.sort("country", "_in")


def _doubted(statistic: Statistic, at: pl.DataFrame, strata: Any, *, draws: int, seed: int) -> dict[str, Any]:
    """A number of cells with its interval, countries drawn; or the reason why it has none."""
    whole = float(statistic(np.ones((1, at.height)))[0])
    told: dict[str, Any] = {
        "estimate": None if np.isnan(whole) else whole,
        "n": int(at["n"].sum()),
        "left_out": int(at["left_out"].sum()),
    }
    try:
        found = bootstrap(statistic, factors(at, CLUSTERS), strata=strata, draws=draws, batched=True, seed=seed)
    except RefusedError as error:
        return told | {"clusters": at["country"].n_unique(), "method": f"no interval: {error}"}
    ends = {"low": float(found.low), "high": float(found.high), "p": float(found.p())}
    return told | ends | {"clusters": int(found.clusters), "method": "cluster bootstrap"}


def asked(replies: Replies) -> pl.DataFrame:
    """Per community and rung: asked, answered, unparsed, refused, blank, masked, and accuracy were every lost answer wrong."""
    kinds = ("answered", "unparsed", "refused", "blank")
    wrong = ((pl.col("choice") == pl.col("gold")).fill_null(value=False)).mean().alias("accuracy, no answer is wrong")
    told = replies.group_by("community", "rung").agg(
        pl.len().alias("asked"), *((pl.col("outcome") == k).sum().alias(k) for k in kinds),
        (1 - (pl.col("outcome") == "answered").mean()).alias("share without an answer"), wrong, pl.col("masked").sum().alias("country masked"),
    )  # fmt: skip
    return told.sort("community", "rung")


def _means(rows: pl.DataFrame, by: Sequence[str], *, draws: int, seed: int) -> GroupMeans:
    values = rows["value"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return group_means(rows, values, by=list(by), clusters=CLUSTERS, draws=draws, seed=seed)


def _row(
    found: GroupMeans, measure: str, contrast: str, own: Sequence[int], less: Sequence[int], **told: str
) -> dict[str, Any]:
    """One group's mean, or what it is above another's."""
    statistic: Statistic = (lambda m: m[:, own[0], 0] - m[:, less[0], 0]) if less else (lambda m: m[:, own[0], 0])
    return found.row(statistic, [*own, *less], method="difference" if less else "mean") | {
        "measure": measure,
        "contrast": contrast,
        **told,
    }


def _level(row: Mapping[str, Any]) -> dict[str, Any]:
    """A share has no p against 0, and its interval ends at 0 and 1; a difference stays as it is."""
    if " - " in row["contrast"] or row["measure"] in ("yes-bias", "order effect"):
        return dict(row)
    ends = {e: None if row.get(e) is None else min(1.0, max(0.0, row[e])) for e in ("low", "high")}
    return {**row, **ends, "p": None}


def _effects(rows: Sequence[Mapping[str, Any]]) -> Effects:
    """The rows as effects: `what` is the contrast alone, `contrast` also says whose it is and over which rows."""
    told = [
        _level(row) | {"what": row["contrast"], "contrast": f"{row['community']}, {row['rows']}: {row['contrast']}"}
        for row in rows
    ]
    return frames.effects(pl.DataFrame([{c: row.get(c) for c in _MADE} for row in told], schema=_MADE))
