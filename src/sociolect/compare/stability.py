"""What the form of a question does to its answer: paired differences, shifts beside a retest, position, acquiescence."""

from collections.abc import Sequence
from math import fsum
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.answers import answers
from sociolect.compare.bias import two_ways
from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.interval import FEW, FloatArray
from sociolect.compare.multiplicity import adjusted
from sociolect.compare.permutation import permutation
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Effects, Replies

FORMATS = ("order", "label_style", "template")
_SAID = ("prompt", "text", "raw", "value", "choice", "outcome", "refused", "position", "mass", "stated", "stop", "uuid")
_KINDS: dict[str, Any] = {
    "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64,
    "p": pl.Float64, "p_adjusted": pl.Float64, "left_out": pl.Int64, "line": pl.String, "factor": pl.String, "who": pl.String, "method": pl.String,
}  # fmt: skip


def stability(
    values: pl.DataFrame,
    *,
    formats: Sequence[str] = FORMATS,
    by: Sequence[str] = ("community",),
    unit: str = "item",
    level: float = 0.95,
    draws: int = 1000,
    permutations: int = 2000,
    adjust: str = "holm",
    seed: int = 0,
) -> Effects:
    """For each group and each pair of levels of a format: its effect, its shift, and the shift of a retest beside it.

    `values` has `value`, `unit`, `draw` and the formats asked. `line` says what a row is. effect: the mean over items of the
    paired difference between two levels, all other formats alike. shift: the mean over items of its absolute value. retest:
    the same of two draws of one form. over retest: shift less retest, item by item, over the items that have both.
    Two answers are held against each other where speaker (if there is one), item, draw and all other formats are the same.
    An effect has a p by sign-flip permutation over items, adjusted over groups x effects of its line; its least possible
    value is 1 / (permutations + 1), which `method` states. Intervals resample items. `left_out` counts answers without a
    value or without their twin. Sign-flip test: Fisher 1935, ch. 3.

    Raises InputError where a column is missing or two answers share all of these, RefusedError where no two differ in a
    format alone.

    >>> said = pl.DataFrame({"community": ["m"] * 8, "item": list("aabbccdd"), "draw": [0] * 8, "order": ["up", "down"] * 4,
    ...     "value": [1.0, 0.5, 0.5, 0.0, 1.0, 0.75, 0.75, 0.0]})
    >>> stability(said, formats=["order"]).select("line", "estimate", "n").rows()
    [('effect', -0.5, 4), ('shift', 0.5, 4)]
    """
    needed = ["value", unit, "draw", *formats, *by]
    if missing := [c for c in dict.fromkeys(needed) if c not in values.columns]:
        raise InputError(f"these values have no column {', '.join(map(repr, missing))}: ask in more than one form")
    how: dict[str, Any] = {"level": level, "draws": draws, "permutations": permutations, "seed": seed}
    own = _one_each(values, [*by, unit, "draw", *formats])
    rows: list[dict[str, Any]] = []
    for name, part in _groups(values, by):
        known = part.filter(pl.col("value").is_not_null())
        again = _again(known, [*own, unit, *formats], unit)
        for factor in formats:
            rest = [*own, unit, "draw", *(f for f in formats if f != factor)]
            for first, second in two_ways(known[factor].drop_nulls().to_list()):
                apart = _apart(known, factor, (first, second), rest, unit)
                if not apart.height:
                    continue
                told: dict[str, Any] = {
                    "contrast": f"{factor}: {first} - {second}{name}",
                    "factor": factor,
                    "who": name[2:],
                }
                told["left_out"] = part.height - 2 * int(fsum(apart["pairs"]))
                rows.append({"line": "effect"} | told | _mean(apart["gap"], test=True, **how))
                rows.append({"line": "shift"} | told | _mean(apart["shift"], **how))
                both = apart.join(again, on=unit, how="inner", maintain_order="left") if again.height else again
                if both.height:
                    more = both["shift"] - both["shift_right"]
                    rows.append({"line": "over retest"} | told | _mean(more, test=True, **how))
        if again.height:
            told = {"contrast": f"draw: 0 - 1{name}", "factor": "retest", "who": name[2:]}
            told["left_out"] = part.height - 2 * int(fsum(again["pairs"]))
            rows.append({"line": "retest"} | told | _mean(again["shift"], **how))
    if not rows:
        raise RefusedError(f"no two answers to an item differ in one of {', '.join(formats)} alone: nothing to compare")
    return _effects(rows, adjust)


def position_bias(
    replies: Replies,
    *,
    by: Sequence[str] = ("community",),
    formats: Sequence[str] = FORMATS,
    level: float = 0.95,
    draws: int = 1000,
    permutations: int = 2000,
    adjust: str = "holm",
    seed: int = 0,
) -> Effects:
    """How much oftener the option shown first is chosen than the one shown last, over items asked in both directions.

    Who takes the first option with probability b, else its own answer, scores b: its own answers cancel over the two
    directions. Below 0 the last option draws. Items count in the cells asked forward and reversed; p, intervals and errors
    as in `stability`.
    """
    found = answers(replies)
    own = ["speaker"] if "speaker" in found.rows.columns else []
    rest = [*own, "item", "draw", *(f for f in formats if f != "order")]
    if missing := [c for c in dict.fromkeys([*rest, *by]) if c not in found.rows.columns]:
        raise InputError(f"these replies have no column {', '.join(map(repr, missing))}")
    if found.rows.is_empty():
        raise RefusedError(f"none of {replies.height} replies could be read as an option: no place can pull")
    last = np.take_along_axis(found.shown, found.rows["options_n"].to_numpy()[:, None] - 1, axis=1)[:, 0]
    ends = found.rows.with_columns(value=pl.Series(found.shown[:, 0] - last, dtype=pl.Float64))
    rows: list[dict[str, Any]] = []
    for name, part in _groups(ends.filter(pl.col("order").is_in(["forward", "reversed"])), by):
        twice = part.filter(pl.col("order").n_unique().over(rest) == 2)
        if not twice.height:
            continue
        items = twice.sort("item", "value").group_by("item", maintain_order=True).agg(pl.col("value").mean())
        told = {"line": "position", "contrast": f"first - last{name}", "factor": "position", "who": name[2:]}
        rows.append(told | {"left_out": part.height - twice.height} | _mean(
            items["value"], test=True, level=level, draws=draws, permutations=permutations, seed=seed))  # fmt: skip
    if not rows:
        raise RefusedError(
            "no item was asked forward and reversed: a pull of the first place cannot be told from a view"
        )
    return _effects(rows, adjust)


def acquiescence(
    values: pl.DataFrame,
    *,
    by: Sequence[str] = ("community",),
    formats: Sequence[str] = FORMATS,
    level: float = 0.95,
    draws: int = 1000,
    permutations: int = 2000,
    adjust: str = "holm",
    seed: int = 0,
) -> Effects:
    """How often an item is agreed with whatever it says: agreement with it plus agreement with its denial, less 1.

    `value` is agreement, 0 to 1, as answered (not turned round); `negated` tells an item from its denial. Who agrees
    fully with probability a, else answers its own view (t to an item, 1 - t to its denial), scores a. Errors as in `stability`.

    >>> said = pl.DataFrame({"community": ["m"] * 4, "item": list("aabb"), "draw": [0] * 4, "negated": [False, True] * 2,
    ...     "value": [1.0, 0.5, 0.75, 0.5]})
    >>> acquiescence(said, formats=[])["estimate"].to_list()
    [0.375]
    """
    own = ["speaker"] if "speaker" in values.columns else []
    rest = [*own, "item", "draw", *formats]
    if missing := [c for c in dict.fromkeys(["value", "negated", *rest, *by]) if c not in values.columns]:
        raise InputError(f"these values have no column {', '.join(map(repr, missing))}")
    _one_each(values, [*by, *rest, "negated"])
    rows: list[dict[str, Any]] = []
    for name, part in _groups(values, by):
        known = part.filter(pl.col("value").is_not_null())
        plain, against = (known.filter(pl.col("negated") == denied) for denied in (False, True))
        both = plain.join(against.select(*rest, "value"), on=rest, nulls_equal=True)
        if not both.height:
            continue
        agreed = both.select("item", value=pl.col("value") + pl.col("value_right") - 1).sort("item", "value")
        items = agreed.group_by("item", maintain_order=True).agg(pl.col("value").mean())
        told = {"line": "acquiescence", "contrast": f"item + denial - 1{name}", "factor": "denial", "who": name[2:]}
        rows.append(told | {"left_out": part.height - 2 * both.height} | _mean(
            items["value"], test=True, level=level, draws=draws, permutations=permutations, seed=seed))  # fmt: skip
    if not rows:
        raise RefusedError("no item was asked with its denial: agreeing with everything cannot be told from a view")
    return _effects(rows, adjust)


def sign_flip(gaps: FloatArray, *, draws: int = 2000, seed: int = 0) -> float | None:
    """The p-value of paired differences, one an item: how often random signs make a mean as far from 0. Null below two.

    >>> sign_flip(np.zeros(20)), sign_flip(np.ones(20), draws=999)
    (1.0, 0.001)
    """
    n = len(gaps)
    if n < 2:
        return None
    value, side = np.concatenate([gaps, np.zeros(n)]), np.repeat([1, 0], n)

    def far(first: FloatArray, second: FloatArray) -> FloatArray:
        return np.asarray(np.abs(first @ value - second @ value) / n)

    return float(permutation(far, side, np.tile(np.arange(n), 2), draws=draws, seed=seed).p[0])


def _groups(values: pl.DataFrame, by: Sequence[str]) -> list[tuple[str, pl.DataFrame]]:
    if not by:
        return [("", values)]
    parts = values.partition_by(list(by), as_dict=True)
    return [(", " + ", ".join(map(str, key)), parts[key]) for key in sorted(parts, key=lambda k: tuple(map(str, k)))]


def _one_each(values: pl.DataFrame, keys: Sequence[str]) -> list[str]:
    """The column speaker, where there is one; InputError where two answers share it and the keys: they cannot be paired."""
    own = ["speaker"] if "speaker" in values.columns else []
    whole = list(dict.fromkeys([*own, *keys]))
    twice = values.filter(pl.struct(whole).is_duplicated())
    if twice.height:
        scalar = [c for c, kind in twice.schema.items() if not kind.is_nested() and c not in (*whole, *_SAID)]
        apart = twice.group_by(whole).agg(pl.col(scalar).n_unique() > 1).select(pl.col(scalar).any()).row(0)
        tells = [c for c, differs in zip(scalar, apart, strict=True) if differs][:5]
        more = f", though they differ in {', '.join(tells)}: name in `formats` what tells them apart, or audit one of them at a time" if tells else ": give each repeat its own `draw`"  # fmt: skip
        raise InputError(f"{twice.height} answers share item, draw and form with another{more}")
    return own


def _apart(known: pl.DataFrame, factor: str, ways: tuple[str, str], rest: Sequence[str], unit: str) -> pl.DataFrame:
    """Per unit the mean difference, its mean size, and how many pairs of answers differ in `factor` alone."""
    sides = [known.filter(pl.col(factor) == way).select(*rest, "value") for way in ways]
    keys = list(dict.fromkeys(rest))
    met = sides[0].join(sides[1], on=keys, how="inner", nulls_equal=True)
    return _by_unit(met, unit)


def _again(known: pl.DataFrame, form: Sequence[str], unit: str) -> pl.DataFrame:
    """The same of two draws of one form: each draw against the next."""
    rows = known.select(*form, "draw", "value")
    met = rows.join(rows.with_columns(draw=pl.col("draw") - 1), on=[*form, "draw"], how="inner", nulls_equal=True)
    return _by_unit(met, unit)


def _by_unit(met: pl.DataFrame, unit: str) -> pl.DataFrame:
    gaps = met.select(unit, gap=pl.col("value") - pl.col("value_right")).sort(unit, "gap")
    return gaps.group_by(unit, maintain_order=True).agg(
        pl.col("gap").mean(), shift=pl.col("gap").abs().mean(), pairs=pl.len()
    )


def _mean(
    per_item: pl.Series, *, level: float, draws: int, permutations: int, seed: int, test: bool = False
) -> dict[str, Any]:
    """The mean over items with its interval, and its p where it is due to be 0."""
    x = per_item.to_numpy()
    out: dict[str, Any] = {"estimate": fsum(x) / x.size, "low": None, "high": None, "n": x.size, "p": None}
    if x.size < 2:
        return out | {"method": "mean over items; no interval: one item only"}
    found = bootstrap(
        lambda w: (w @ x) / w.sum(1), np.arange(x.size), level=level, draws=draws, batched=True, seed=seed
    )
    few = f"; few items ({x.size} < {FEW})" if x.size < FEW else ""
    least = f"; p by sign flips, 1/{permutations + 1} at least" if test else ""
    p = sign_flip(x, draws=permutations, seed=seed) if test else None
    return out | {"low": float(found.low), "high": float(found.high), "p": p,
                  "method": f"mean over items, bootstrap over items{few}{least}"}  # fmt: skip


def _effects(rows: list[dict[str, Any]], adjust: str) -> Effects:
    full = [row | {"measure": row["line"], "p_adjusted": None} for row in rows]
    return frames.effects(by_line(pl.DataFrame([{c: row[c] for c in _KINDS} for row in full], schema=_KINDS), adjust))


def by_line(found: pl.DataFrame, adjust: str) -> pl.DataFrame:
    """The rows with `p_adjusted`: a family is all rows of one line (all groups x effects, say)."""
    p: list[float | None] = [None] * found.height
    for line in found["line"].unique(maintain_order=True):
        at = (found["line"] == line).arg_true().to_list()
        for place, value in zip(at, adjusted([found["p"][i] for i in at], adjust), strict=True):
            p[place] = value
    return found.with_columns(p_adjusted=pl.Series(p, dtype=pl.Float64))
