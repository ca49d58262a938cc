"""The validity card: what stands between a questionnaire's scores and a claim about communities."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.answers import Answers, answers
from sociolect.compare.balanced import ONE_SIDED, faults, leanings, orthogonality
from sociolect.compare.bias import Row, negations, places, shifts, two_ways
from sociolect.compare.contrasts import contrasts, placebos, spreads
from sociolect.compare.criteria import proportion
from sociolect.compare.group_means import group_means
from sociolect.compare.reliability import reliability
from sociolect.compare.scales import Scales, item_rows, scales_of
from sociolect.errors import InputError
from sociolect.frames import Effects, Replies, Scores

OUTCOMES = ("refused", "unparsed", "blank")
MOST_LOST = 0.1  # ours: above this share of refused, unparsed or blank replies a row warns
LEAST_MASS = 0.9  # ours: below this answer mass the options are not what the model would say


def validity(
    scores: Scores,
    replies: Replies,
    *,
    scales: Scales | None = None,
    arm: str = "arm",
    aligned: str = "aligned",
    base: str = "base",
    clusters: Sequence[str] = ("template",),
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Effects:
    """The validity card of one instrument: a row per line, scale, community and arm, with interval and `verdict`.

    `scores` are those of `measure.instrument.score` (item rows with `sign`, `low`, `high`; subscale and rule rows), and
    `replies` the administered ones (`outcome`, `shown`, `choice`, `shares`, `mass`, `order`, `label_style`, `paraphrase`,
    `negated`, `template`, `placebo`, `mode`). A further column `arm` says aligned, base, ...; without it all model rows
    are `aligned` and people are "human". `scales`: a scale's measure -> its items (default: `scales.scales_of`).
    Placebo items and negated framings stand in their own lines only.

    `line` is one of: reverse share, agree-orthogonality, position-orthogonality, bias, trait, order effect, label effect,
    mode agreement (each with its total variation), position share, position effect, paraphrase spread, negation
    consistency, placebo, base-model control, difference (between two communities; also ", forward", ", reversed" and ", less base"),
    answer mass, refused, unparsed, blank, reliability. `verdict` is "ok", "warning: ..." or "not identified: ...": a line
    that the design cannot answer is there, with null numbers. `floor` is what chance alone gives, where that is not 0.
    Intervals resample people by speaker and models by `clusters`. Status, licence and period are on the card.

    Raises InputError where a column is missing or the item scores are of no or several instruments.
    """
    instrument, items = item_rows(scores)
    faults(items)
    needed = ("outcome", "choice", "shown", "order", "template")
    if missing := [c for c in needed if c not in replies.columns]:
        raise InputError(
            f"these replies have no column {', '.join(map(repr, missing))}: administer the items by `elicit`"
        )
    whole, asked = _armed(scores, arm, aligned), _armed(replies, arm, aligned)
    plain = ~pl.col("placebo").fill_null(False) & ~pl.col("negated").fill_null(False)
    whole = whole.filter(plain)
    items = item_rows(Scores(whole))[1]
    made = scales_of(instrument, items, scales)
    doubt: dict[str, Any] = {"clusters": clusters, "level": level, "draws": draws, "seed": seed}
    told = answers(Replies(asked))
    rows = _structure(items, made)
    rows += leanings(items, made, by=[arm, "community"], **doubt)
    rows += _asking(told, instrument, arm, items, doubt)
    rows += spreads(items, made, arm=arm, **doubt)
    rows += placebos(told.where(pl.col("placebo")), instrument, arm=arm, **doubt)
    rows += contrasts(whole, items, made, instrument, arm=arm, aligned=aligned, base=base, **doubt)
    rows += _outcomes(asked, instrument, arm, doubt)
    sure = reliability(Scores(items), scales=made, by=[arm], level=level, draws=draws, seed=seed)
    rows += [
        {"line": "reliability"} | row | {"contrast": row["contrast"].removesuffix(f" in {row[arm]}")}
        for row in sure.iter_rows(named=True)
    ]
    return _card(rows, arm)


def claimable(card: Effects, first: str, second: str, *, aligned: str = "aligned") -> Effects:
    """Whether "`first` scores above `second`" may be printed, per measure of the card: `claim`, or null and what `failed`.

    The number is the difference in the aligned arm. It is a claim only if its interval lies above 0 (templates or
    paraphrases the clusters), the options forward and reversed both give it above 0, the base model's own difference
    does not account for it (for a base model asked without a community: one of the two communities differs from it),
    and the placebo items differ between no communities. A line that is not identified has failed.

    Raises InputError where the card has no difference between the two.
    """
    turned = card.filter(first=second, second=first).with_columns(
        -pl.col("estimate"), low=-pl.col("high"), high=-pl.col("low")
    )
    lines = pl.concat([card.filter(first=first, second=second), turned])
    if lines.is_empty():
        raise InputError(
            f"this card has no difference between {first!r} and {second!r}: were both asked in the aligned arm?"
        )
    placebo = card.filter(pl.col("line") == "placebo", pl.col("contrast").str.contains("any pair", literal=True))
    meant = placebo.filter(pl.col("arm").is_null() | (pl.col("arm") == aligned))["verdict"].to_list()
    rows = []
    for measure in lines["measure"].unique().sort():
        part = {row["line"]: row for row in lines.filter(measure=measure).iter_rows(named=True)}
        whole, less = part["difference"], part.get("difference, less base")
        failed = [] if (whole["low"] or 0) > 0 else ["the interval does not lie above 0"]
        for order in ("forward", "reversed"):
            found = part[f"difference, {order}"]["estimate"]
            failed += [f"{order} options: {'not asked' if found is None else 'no difference of this sign'}"] * (
                not (found or 0) > 0
            )
        alone = card.filter(
            pl.col("line") == "base-model control", pl.col("community").is_in([first, second]), measure=measure
        )
        seen = (alone["verdict"] == "ok").any() if less is None else (less["low"] or 0) > 0
        failed += (
            []
            if seen
            else [
                "base-model control: "
                + (
                    "neither community differs from it"
                    if less is None
                    else "less its own difference, the interval does not lie above 0"
                )
            ]
        )
        failed += [f"placebo: {verdict}" for verdict in meant or ["not identified"] if verdict != "ok"]
        held = {c: whole[c] for c in ("measure", "estimate", "low", "high", "n", "left_out", "clusters", "method")}
        rows.append(held | {"contrast": f"{first} - {second}", "claim": None if failed else f"{first} scores above {second}",
                            "failed": "; ".join(failed) or None})  # fmt: skip
    kinds = {"low": pl.Float64, "high": pl.Float64, "clusters": pl.Int64, "claim": pl.String, "failed": pl.String}
    return frames.effects(pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None))


def _armed(frame: pl.DataFrame, arm: str, aligned: str) -> pl.DataFrame:
    """With every column that the lines read: an arm, and null where a way of asking was not varied."""
    kinds = {"order": pl.String, "label_style": pl.String, "paraphrase": pl.String, "negated": pl.Boolean,
             "placebo": pl.Boolean, "mode": pl.String, "mass": pl.Float64, arm: pl.String}  # fmt: skip
    full = frame.with_columns(pl.lit(None, t).alias(c) for c, t in kinds.items() if c not in frame.columns)
    own = pl.when(pl.col("source") == "human").then(pl.lit("human")).otherwise(pl.lit(aligned))
    return full.with_columns(pl.col(arm).fill_null(own))


def _structure(items: pl.DataFrame, scales: Scales) -> list[Row]:
    """How the keys of a scale, and the places its high scores were shown at, oppose trait and bias."""
    keys = dict(items.select("item", "sign").unique().iter_rows())
    none: Row = dict.fromkeys(("low", "high", "p", "clusters", "floor"))
    shown = answers(Replies(items)) if {"shown", "choice", "order"} <= set(items.columns) else None
    out: list[Row] = []
    for scale, own in scales.items():
        signs = [keys[i] for i in own if keys[i] is not None]
        share = float(np.mean([s == -1 for s in signs])) if signs else None
        base: Row = {"measure": scale, "contrast": "items", "n": len(signs), "left_out": len(own) - len(signs),
                     "method": "counted"} | none  # fmt: skip
        said = (
            "not identified: no item has a key"
            if share is None
            else "ok"
            if 0 < share < 1
            else "warning: " + ONE_SIDED[16:]
        )
        free = orthogonality(share)
        out.append(base | {"line": "reverse share", "estimate": share, "verdict": said})
        thin = free is not None and 0 < free < 0.5  # ours: under one item in four points the other way
        lean = "warning: few items point the other way" if thin else said
        out.append(base | {"line": "agree-orthogonality", "estimate": free, "verdict": lean})
        last = _high_last(shown.where(pl.col("item").is_in(own))) if shown is not None else None
        free, n = orthogonality(last[0] if last else None), last[1] if last else 0
        said = "not identified: no answer says where the high score stood" if free is None else "ok"
        said = "warning: the high score always stood at the same end" if free == 0 else said
        out.append(base | {"line": "position-orthogonality", "contrast": "as shown", "estimate": free, "n": n, "left_out": 0,
                           "verdict": said})  # fmt: skip
    return out


def _high_last(told: Answers) -> tuple[float, int] | None:
    """The share of answered presentations whose high score stood after its low one."""
    rows = told.rows.select("item", "value", "ascending", level=told.level)
    rising = pl.cov("level", "value").over("item").sign()
    known = rows.with_columns(_up=rising).filter(pl.col("_up").is_not_null() & (pl.col("_up") != 0))
    last = (known["_up"] > 0) == known["ascending"]
    return (float(last.mean()), known.height) if known.height else None  # type: ignore[arg-type]  # a mean of booleans


def _asking(told: Answers, instrument: str, arm: str, items: pl.DataFrame, doubt: dict[str, Any]) -> list[Row]:
    """Order, label, mode, place and negation, in each arm and community."""
    plain = told.where(~pl.col("placebo").fill_null(False) & ~pl.col("negated").fill_null(False))
    rising = answers(Replies(items)) if {"shown", "choice", "order"} <= set(items.columns) else None
    up = _agreeing(rising) if rising is not None else {}
    out: list[Row] = []
    for group in told.rows.select(arm, "community").unique().sort(arm, "community").iter_rows(named=True):
        here = pl.all_horizontal(pl.col(c) == v for c, v in group.items())
        mine = plain.where(here)
        if not mine.rows.height:
            continue
        labels, modes = (mine.rows[c].drop_nulls().unique().to_list() for c in ("label_style", "mode"))
        rows = [
            *_shifted(mine, "order", "order effect", [("forward", "reversed")], doubt),
            *_shifted(mine, "label_style", "label effect", two_ways(labels), doubt),
            *_shifted(mine, "mode", "mode agreement", two_ways(modes), doubt),
            *places(mine, **doubt),
        ]
        both = told.where(here & ~pl.col("placebo").fill_null(False))
        middle = both.level - (both.rows["options_n"].to_numpy() - 1) / 2
        side = np.array([up.get(i, 1.0) for i in both.rows["item"]])
        rows += negations(both.rows.with_columns(pl.col("negated").fill_null(False)), middle * side, **doubt)
        out += [row | {"measure": instrument} | group for row in rows]
    return out


def _shifted(
    told: Answers, column: str, line: str, pairs: Sequence[tuple[str, str]], doubt: dict[str, Any]
) -> list[Row]:
    met = set(told.rows[column].drop_nulls().unique())
    if any(first in met and second in met for first, second in pairs):
        return shifts(told.where(pl.col(column).is_not_null()), column, line, pairs, **doubt)
    none: Row = dict.fromkeys(("estimate", "low", "high", "p", "clusters", "floor"))
    seen = ", ".join(sorted(met)) or "none"
    row = {"line": line, "contrast": column, "n": 0, "left_out": told.rows.height, "method": "difference"}
    return [row | none | {"verdict": f"not identified: two values of {column!r} are due; asked: {seen}"}]


def _agreeing(told: Answers) -> dict[str, float]:
    """Per item 1 where its published options rise towards agreement, -1 where they fall."""
    rows = told.rows.select("item", "sign", "value", level=told.level)
    cov = (pl.cov("level", "value") * pl.col("sign").first()).sign()
    found = rows.filter(pl.col("sign").is_not_null()).group_by("item").agg(_up=cov)
    return {i: float(up) for i, up in found.iter_rows() if up}


def _outcomes(asked: pl.DataFrame, instrument: str, arm: str, doubt: dict[str, Any]) -> list[Row]:
    """Answer mass and the shares of replies that are no answer, per arm."""
    values = np.column_stack([(asked["outcome"] == o).fill_null(False).to_numpy().astype(float) for o in OUTCOMES])
    found = group_means(asked, values, by=[arm], **doubt)
    out: list[Row] = []
    for at, name in enumerate(found.groups[arm]):
        for place, outcome in enumerate(OUTCOMES):
            row = proportion(found, at, place) | {"p": None, "floor": None}
            lost = found.estimate[at, place] > MOST_LOST
            said = f"warning: {outcome} more than {MOST_LOST:g} of the time" if lost else "ok"
            out.append(
                {"line": outcome, "measure": instrument, "contrast": "replies", arm: name} | row | {"verdict": said}
            )
    weighed = asked.filter(pl.col("mass").is_not_null())
    if weighed.is_empty():
        none: Row = dict.fromkeys(("estimate", "low", "high", "p", "clusters", "floor"))
        row = {
            "line": "answer mass",
            "measure": instrument,
            "contrast": "replies",
            "n": 0,
            "left_out": asked.height,
            "method": "mean",
        }
        return [*out, row | none | {"verdict": "not identified: no reply was asked by log-probabilities"}]
    mass = group_means(weighed, weighed["mass"].to_numpy(), by=[arm], **doubt)
    for at, name in enumerate(mass.groups[arm]):
        row = mass.row(lambda x, at=at: x[:, at, 0], [at]) | {"p": None, "floor": None}  # type: ignore[misc]  # bound at once
        said = (
            "ok"
            if mass.estimate[at, 0] >= LEAST_MASS
            else f"warning: less than {LEAST_MASS:g} of the mass is on the options"
        )
        out.append(
            {"line": "answer mass", "measure": instrument, "contrast": "replies", arm: name} | row | {"verdict": said}
        )
    return out


def _card(rows: list[Row], arm: str) -> Effects:
    kinds = {"line": pl.String, "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64,
             "high": pl.Float64, "n": pl.Int64, "verdict": pl.String, "community": pl.String, "arm": pl.String,
             "first": pl.String, "second": pl.String, "p": pl.Float64, "floor": pl.Float64, "method": pl.String,
             "left_out": pl.Int64, "clusters": pl.Int64}  # fmt: skip
    full = pl.DataFrame([dict.fromkeys(kinds) | row | {"arm": row.get(arm)} for row in rows], schema=kinds)
    within = pl.concat_str(pl.lit(" in "), pl.concat_str("community", "arm", separator=", ", ignore_nulls=True))
    named = pl.any_horizontal(pl.col("community", "arm").is_not_null())
    what = pl.when(named).then(pl.col("contrast") + within).otherwise("contrast")
    return frames.effects(full.with_columns(contrast=pl.col("line") + ": " + what))
