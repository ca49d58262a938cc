"""The robustness audit any study can call: stability over presentation, variance split, flips, extrapolation, steerability."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import fsum
from typing import Any, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.compare.answers import answers
from sociolect.compare.extrapolation import extrapolation
from sociolect.compare.flips import flips, rank_flips
from sociolect.compare.format_variance import format_variance
from sociolect.compare.stability import FORMATS, acquiescence, by_line, position_bias, stability
from sociolect.compare.steerability import steerability
from sociolect.errors import InputError, RefusedError
from sociolect.frames import KEYS, Effects, Replies, Scores

WAYS = (
    *FORMATS,
    "paraphrase",
    "framing",
    "mode",
)  # columns of replies by which one question may be put in several ways
_MISSING: dict[str, Any] = {"part": pl.String, "of": pl.String, "why": pl.String}


class Audit(NamedTuple):
    """What an audit found; a part that cannot be had is None, and `missing` (part, of, why) says why.

    `stability` holds effects, shifts, retests, position and acquiescence (`line`), with `in_spreads`, `spread_low`, `spread_high`
    where people's spread is known. `variance` has shares, `flips` and `ranks` the claims, `missing` is never None.
    """

    stability: Effects | None
    variance: Effects | None
    flips: pl.DataFrame | None
    ranks: pl.DataFrame | None
    extrapolation: Effects | None
    steerability: Effects | None
    missing: pl.DataFrame


def audit(
    asked: Replies | Scores | pl.DataFrame,
    *,
    formats: Sequence[str] | None = None,
    within: str | None = None,
    claims: Mapping[str, tuple[str, str]] | None = None,
    people: pl.DataFrame | None = None,
    dimension: str | None = None,
    level: float = 0.95,
    draws: int = 1000,
    permutations: int = 2000,
    adjust: str = "holm",
    seed: int = 0,
) -> Audit:
    """Which conclusions of a study stand when the form of its questions, its dimensions or its prompts change.

    `asked` are the replies to a questionnaire, asked in several forms (`elicit.variants`), or scores that carry the same
    columns (a column `value` of numbers); replies count by `positions`, which takes options to be in order: score those that
    are not. `formats` name the columns of the forms, else order, label_style, template and whatever else of WAYS varies. Answers with `draw` 1 or more are the retest that every effect is read against.
    `within` names a column (speaker) in whose levels all is made apart; without it communities are compared over speakers.
    Claims, ranks, variance and dimensions rest on means over items: of replies, reverse-keyed items (`sign` -1) are turned
    round there and placebo items left out; pass one facet at a time where facets mean different things.
    `claims` are pairs of communities, else all pairs. `people` (community, item, value): what the communities' people
    answer, for steerability and as the yardstick: effects are also told in standard deviations between communities.
    `dimension` names the column that groups items, for extrapolation. p is adjusted over groups x effects of each line.

    Raises InputError where a column is missing or several measures stand in one frame, RefusedError where no part can be had.

    >>> said = pl.DataFrame([("m", "model", c, i, o, d, 0, "view", v) for d in (0, 1) for c, v in (("ash", 0.75), ("elm", 0.25))
    ...     for i in "pqr" for o in ("up", "down")], schema=[*frames.KEYS, "measure", "value"], orient="row")
    >>> found = audit(frames.scores(said.with_columns(order="condition")), formats=["order"])
    >>> found.flips.select("claim", "estimate", "sign").row(0), sorted(found.missing["part"])
    (('ash - elm', 0.5, 0.0), ['acquiescence', 'extrapolation', 'position', 'steerability'])
    """
    told_in = asked.schema.get("value")
    scored = told_in is not None and told_in.is_numeric()
    values = asked if scored else positions(Replies(asked))
    plain = values.filter(~pl.col("negated")) if "negated" in values.columns else values
    if formats is None:
        formats = [f for f in WAYS if f in FORMATS or (f in plain.columns and plain[f].n_unique() > 1)]
    if "measure" in values.columns and values["measure"].n_unique() > 1:
        raise InputError(
            f"these scores hold {values['measure'].n_unique()} measures: audit one at a time, as scores.filter(measure=...)"
        )
    needed = ["community", "item", "draw", "value", *formats, *([within] if within else [])]
    if absent := [c for c in dict.fromkeys(needed) if c not in values.columns]:
        raise InputError(
            f"no audit: column {', '.join(map(repr, absent))} is missing; formats are the columns of `variants`"
        )
    varied = [f for f in formats if values[f].n_unique() > 1]
    missing: list[tuple[str, str, str]] = [("format", f, "asked in one way only") for f in formats if f not in varied]
    by = [*([within] if within else []), "community"]
    told: dict[str, Any] = {"level": level, "draws": draws, "seed": seed}
    tests = told | {"permutations": permutations, "adjust": "none"}
    keyed = plain if scored else _keyed(plain)
    if (lost := plain["item"].n_unique() - keyed["item"].n_unique()) > 0:
        missing.append(("claims", "", f"{lost} placebo items are no part of them"))
    chosen = "choice" in values.columns and "shown" in values.columns

    def made(part: str, of: str, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except RefusedError as refusal:
            missing.append((part, of, str(refusal)))
            return None

    def lacking(why: str) -> Any:
        raise RefusedError(why)

    lines = [
        made("stability", "", lambda: stability(plain, formats=varied, by=by, **tests)),
        made("position", "", lambda: position_bias(Replies(plain), formats=varied, by=by, **tests) if chosen
             else lacking("scores do not say which option was chosen where: hand over the replies")),
        made("acquiescence", "", lambda: acquiescence(values, formats=[f for f in varied if f != "framing"], by=by, **tests) if "negated" in values.columns
             else lacking("no item was asked with its denial (framings plain and negated)")),
    ]  # fmt: skip
    sides = (
        {str(k): keyed.filter(pl.col(within) == k) for k in sorted(keyed[within].unique())} if within else {"": keyed}
    )
    split, claimed, ranked, extra = [], [], [], []
    for of, part in sides.items():
        split.append((of, made("variance", of, partial(format_variance, part, formats=varied, **told))))
        claimed.append((of, made("flips", of, partial(flips, part, formats=varied, claims=claims, **told))))
        ranked.append((of, made("ranks", of, partial(rank_flips, part, formats=varied, **told))))
        clustered = partial(_extrapolated, part, dimension, level=level, permutations=permutations, seed=seed)
        extra.append((of, made("extrapolation", of, clustered)))
    steered = made("steerability", "", lambda: steerability(plain, people, by=within, **told) if people is not None
                   else lacking("no people were given: there is nothing to stand for"))  # fmt: skip
    stable = _joined([("", one) for one in lines])
    if stable is not None:
        stable = frames.effects(_in_spreads(stable, people, adjust))
    found = (stable, _joined(split), _joined(claimed), _joined(ranked), _joined(extra))
    if all(one is None for one in (*found, steered)):
        raise RefusedError("nothing can be audited: " + "; ".join(f"{part}: {why}" for part, _, why in missing))
    effects = [None if one is None else frames.effects(one) for one in (found[0], found[1], found[4])]
    return Audit(
        effects[0],
        effects[1],
        found[2],
        found[3],
        effects[2],
        steered,
        pl.DataFrame(missing, schema=_MISSING, orient="row"),
    )


def positions(replies: Replies) -> pl.DataFrame:
    """The replies with `value`: the place of the chosen option on its item's own scale, 0 to 1; null where none was chosen.

    By option id, (place - 1) / (k - 1) in the published order, whatever order and labels were shown; of `shares` their mean.

    >>> said = pl.DataFrame([("m", "model", "m", "q", o, 0, 0, None, None, list(s), c, f) for o, s, c, f in
    ...     (("x", "abc", "b", "forward"), ("y", "cba", "b", "reversed"), ("z", "abc", None, "forward"))],
    ...     schema=[*frames.KEYS, "prompt", "text", "shown", "choice", "order"], orient="row")
    >>> positions(Replies(said))["value"].to_list()
    [0.5, 0.5, None]
    """
    found = answers(replies)
    place = pl.Series(found.level, dtype=pl.Float64) / (found.rows["options_n"] - 1)
    told = found.rows.select(*KEYS).with_columns(value=place)
    return replies.drop("value", strict=False).join(told, on=list(KEYS), how="left", maintain_order="left")


def _keyed(plain: pl.DataFrame) -> pl.DataFrame:
    """The answers whose means say something: no placebo items, and those of reverse-keyed items turned round."""
    told = plain.filter(~pl.col("placebo").fill_null(value=False)) if "placebo" in plain.columns else plain
    if "sign" not in told.columns:
        return told
    turned = pl.when(pl.col("sign") == -1).then(1 - pl.col("value")).otherwise("value")
    return told.with_columns(value=turned)


def between(people: pl.DataFrame) -> float:
    """How far communities of people lie apart: the standard deviation over communities, averaged over items.

    >>> between(pl.DataFrame({"item": ["p", "p", "q", "q"], "community": list("abab"), "value": [0.0, 1.0, 0.5, 0.5]}))
    0.3535533905932738
    """
    known = people.filter(pl.col("value").is_not_null()).sort("item", "value", "community")
    spread = known.group_by("item", maintain_order=True).agg(pl.col("value").std()).drop_nulls()
    if not spread.height:
        raise RefusedError("no item has two communities of people: how far they lie apart cannot be seen")
    return fsum(spread["value"]) / spread.height


def _in_spreads(stable: pl.DataFrame, people: pl.DataFrame | None, adjust: str) -> pl.DataFrame:
    """Effects also in standard deviations between communities of people, and p adjusted line by line.

    A pull of the first place is a share of choices, not a distance on the scale: it has no such size.
    """
    unit = between(people) if people is not None else None
    here = pl.col("line") != "position"
    scale = {c: pl.when(here).then(pl.col(o) / unit) if unit else pl.lit(None, pl.Float64) for c, o in
             (("in_spreads", "estimate"), ("spread_low", "low"), ("spread_high", "high"))}  # fmt: skip
    return by_line(stable.with_columns(**scale), adjust)


def _extrapolated(
    values: pl.DataFrame, dimension: str | None, *, level: float, permutations: int, seed: int
) -> Effects:
    """Each community's mean of each dimension, over items that weigh alike, clustered."""
    if dimension is None:
        raise RefusedError("no column was named that groups items into dimensions")
    if dimension not in values.columns:
        raise InputError(f"these values have no column {dimension!r}")
    known = values.filter(pl.col("value").is_not_null(), pl.col(dimension).is_not_null()).sort(
        "community", dimension, "item", "value"
    )
    items = known.group_by("community", dimension, "item", maintain_order=True).agg(pl.col("value").mean())
    means = items.group_by("community", dimension, maintain_order=True).agg(pl.col("value").mean())
    wide = means.pivot(dimension, index="community", values="value")
    names = sorted(set(wide.columns) - {"community"})
    if len(names) < 3 or wide.height < 4:
        raise RefusedError(
            f"{wide.height} communities with {len(names)} dimensions: four, and three dimensions, are due"
        )
    return extrapolation(wide, names, permutations=max(1000, permutations), level=level, seed=seed)


def _joined(parts: Sequence[tuple[str, pl.DataFrame | None]]) -> pl.DataFrame | None:
    """The parts as one frame; where they are of several speakers, `of` and the contrast say whose a row is."""
    there = [(of, one) for of, one in parts if one is not None]
    if not there:
        return None
    named = [
        one.with_columns(of=pl.lit(of)) if "contrast" not in one.columns or not of
        else one.with_columns(of=pl.lit(of), contrast=pl.format("{}, {}", pl.col("contrast"), pl.lit(of)))
        for of, one in there
    ]  # fmt: skip
    return pl.concat(named, how="diagonal_relaxed")
