"""What the way of asking does to an answer: order, labels, place, mode, negation, in option units and in shares."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl

from sociolect.compare.answers import Answers
from sociolect.compare.fidelity import centred
from sociolect.compare.group_means import GroupMeans, group_means
from sociolect.compare.interval import FloatArray, interval

Row = dict[str, object]
WAYS = ("order", "label_style", "paraphrase", "framing", "template", "mode")


def shifts(
    found: Answers, column: str, line: str, pairs: Sequence[tuple[str, str]], *, clusters: Sequence[str], level: float,
    draws: int, seed: int,
) -> list[Row]:  # fmt: skip
    """What differs between two ways of asking the same items: mean level in option units, and total variation.

    Per pair of values of `column`: the mean over items asked both ways of (first - second), and of half the summed
    differences of option shares. Only answers that were asked for both ways with all else alike count (`alike`). Total variation never is 0 in a sample: `floor` is what chance alone gives, from the
    draws' standard errors, and a warning needs an interval above it.
    """
    out: list[Row] = []
    for first, second in pairs:
        ways = found.where(pl.col(column).is_in([first, second]))
        met = ways.where(pl.col(column).n_unique().over(alike(ways.rows, column)) == 2)
        values = np.column_stack([met.level, met.published])
        made = group_means(
            met.rows, values, by=["item", column], clusters=clusters, level=level, draws=draws, seed=seed
        )
        at = {way: {made.groups["item"][g]: g for g in made.where(**{column: way})} for way in (first, second)}
        items = sorted(set(at[first]) & set(at[second]))
        one, two = ([at[way][i] for i in items] for way in (first, second))

        def moved(x: FloatArray, one: list[int] = one, two: list[int] = two) -> FloatArray:
            return np.asarray((x[:, one, 0] - x[:, two, 0]).mean(1))

        row = made.row(moved, one + two, method="difference in option units")
        told = {"contrast": f"{first} - {second}", "floor": None}
        out.append(
            {"line": line}
            | told
            | row
            | {"verdict": _away(row, f"the answer depends on the {line.split(maxsplit=1)[0]}")}
        )
        out.append({"line": f"{line}, total variation"} | told | _variation(made, one, two))
    return out


def _variation(made: GroupMeans, one: list[int], two: list[int]) -> Row:
    """Mean total variation over items, with its interval and the floor that chance alone gives."""

    def variation(x: FloatArray) -> FloatArray:
        return np.asarray(0.5 * np.abs(x[:, one, 1:] - x[:, two, 1:]).sum(2).mean(1))

    row = made.row(variation, one + two, method="total variation") | {"p": None, "floor": None, "verdict": "ok"}
    if made.samples is None or row["low"] is None:
        return row | {"verdict": "ok" if row["estimate"] is not None else "not identified: no item was asked both ways"}
    estimate, drawn = variation(made.estimate[None])[0], variation(made.samples)[:, None]
    clusters = int(made.clusters[one + two].min())
    fair = interval(np.asarray(estimate), centred(estimate[None], drawn), n=0, clusters=clusters, level=made.level)
    error = (made.samples[:, one, 1:] - made.samples[:, two, 1:]).std(0) * np.sqrt(clusters / (clusters - 1))
    floor = 0.5 * np.sqrt(2 / np.pi) * error.sum(1).mean()  # the mean of |N(0, error)|
    over = float(fair.low) > floor
    said = "warning: the shares differ by more than chance gives" if over else "ok"
    return row | {"low": max(0.0, float(fair.low)), "high": float(fair.high), "floor": float(floor), "verdict": said}


def places(found: Answers, *, clusters: Sequence[str], level: float, draws: int, seed: int) -> list[Row]:
    """The share chosen at each shown place over all rotations, and what each place gains over the others.

    Over all k rotations each option stood once in each place, so without a position effect every place has 1 / k. Mass
    moved to one place is that place's share less the mean of the others' (`position effect`). Answers count whose item
    was asked in all its rotations with all else alike; items of other lengths are apart.
    """
    turned = found.where(pl.col("rotated"))
    turned = turned.where(pl.col("first").n_unique().over(alike(turned.rows, "order")) == pl.col("options_n"))
    none: Row = dict.fromkeys(("estimate", "low", "high", "p", "clusters", "floor"))
    if not turned.rows.height:
        row = {
            "line": "position effect",
            "contrast": "places",
            "n": 0,
            "left_out": found.rows.height,
            "method": "rotations",
        }
        return [row | none | {"verdict": "not identified: no item was asked in all rotations of its options"}]
    out: list[Row] = []
    for k in sorted(set(turned.rows["options_n"])):
        mine = turned.where(pl.col("options_n") == k)
        made = group_means(
            mine.rows, mine.shown[:, :k], by=["item", "first"], clusters=clusters, level=level, draws=draws, seed=seed
        )
        used = list(range(made.groups.height))
        for place in range(k):

            def share(x: FloatArray, place: int = place) -> FloatArray:
                return np.asarray(x[:, :, place].mean(1))

            def gain(x: FloatArray, place: int = place, k: int = k) -> FloatArray:
                mean = x[:, :, place].mean(1)
                return np.asarray(mean - (1 - mean) / (k - 1))

            told = {"contrast": f"place {place + 1} of {k}", "floor": None}
            row = made.row(share, used, method="share over rotations") | {"p": None}
            out.append({"line": "position share"} | told | row | {"floor": 1 / k, "verdict": "ok"})
            row = made.row(gain, used, method="share over rotations, less the other places'")
            out.append(
                {"line": "position effect"}
                | told
                | row
                | {"verdict": _away(row, "the place of an option draws answers")}
            )
    return out


def negations(
    rows: pl.DataFrame, agree: FloatArray, *, clusters: Sequence[str], level: float, draws: int, seed: int
) -> list[Row]:
    """Whether an item and its negation are answered against each other, over paired answers to both.

    `agree` (n,) is how far an answer lies on the agreeing side of the middle, `rows` also has `negated`. Answers pair on
    all else: speaker, item, draw, template and the rest. The correlation is due to be negative; the share that agrees
    with both is due to stay below what two unrelated answers would give.
    """
    keys = [c for c in ("source", "community", "speaker", "item", "draw", "turn", "order", "label_style", "paraphrase",
                        "template", "mode") if c in rows.columns]  # fmt: skip
    sides = rows.select(*keys, "negated", _agree=agree)
    plain, against = sides.filter(~pl.col("negated")), sides.filter("negated")
    both = plain.join(against, on=keys, suffix="_2", nulls_equal=True).sort(keys)
    a, b = both["_agree"].to_numpy(), both["_agree_2"].to_numpy()
    none: Row = dict.fromkeys(("estimate", "low", "high", "p", "clusters", "floor"))
    if not both.height:
        row = {
            "line": "negation consistency",
            "contrast": "correlation",
            "n": 0,
            "left_out": rows.height,
            "method": "paired",
        }
        return [row | none | {"verdict": "not identified: no item was asked with its negation"}]
    yes, also = (a > 0).astype(float), (b > 0).astype(float)
    values = np.column_stack([a, b, a * a, b * b, a * b, yes, also, yes * also])
    made = group_means(both, values, by=["negated"], clusters=clusters, level=level, draws=draws, seed=seed)

    def correlation(x: FloatArray) -> FloatArray:
        m = x[:, 0]
        room = (m[:, 2] - m[:, 0] ** 2) * (m[:, 3] - m[:, 1] ** 2)
        return np.asarray(
            np.where(room > 1e-12, (m[:, 4] - m[:, 0] * m[:, 1]) / np.sqrt(np.maximum(room, 1e-300)), np.nan)
        )

    row = made.row(correlation, [0], method="paired answers")
    share = made.row(lambda x: x[:, 0, 7], [0], method="paired answers") | {"p": None}
    chance = float(made.estimate[0, 5] * made.estimate[0, 6])
    due = row["estimate"] is not None and isinstance(row["high"], float) and row["high"] < 0
    said = "ok" if due else "warning: an item and its negation are not answered against each other"
    said = "not identified: one of the two never varies" if row["estimate"] is None else said
    over = made.estimate[0, 7] >= chance > 0
    left = {"left_out": rows.height - 2 * both.height}
    return [
        {"line": "negation consistency", "contrast": "correlation", "floor": None} | row | left | {"verdict": said},
        {"line": "negation consistency", "contrast": "agrees with both", "floor": chance} | share | left
        | {"verdict": "warning: agrees with both no less often than unrelated answers would" if over else "ok"},
    ]  # fmt: skip


def alike(rows: pl.DataFrame, *but: str) -> list[str]:
    """The columns in which two answers must agree to differ in `but` alone: the item and the other ways of asking.

    >>> alike(pl.DataFrame({"item": ["q"], "order": ["forward"], "mode": ["sampled"]}), "order")
    ['item', 'mode']
    """
    return ["item", *(c for c in WAYS if c in rows.columns and c not in but)]


def two_ways(values: Sequence[str], *, against: str | None = None) -> list[tuple[str, str]]:
    """All pairs of the values that were met; with `against`, that one first and each other after it.

    >>> two_ways(["b", "a", "c"]), two_ways(["b", "a"], against="b")
    ([('a', 'b'), ('a', 'c'), ('b', 'c')], [('b', 'a')])
    """
    known = sorted(set(values))
    if against is None:
        return list(combinations(known, 2))
    return [(against, other) for other in known if other != against] if against in known else []


def _away(row: Row, said: str) -> str:
    """The verdict on a number that is due to be 0."""
    if row["estimate"] is None:
        return "not identified: no item was asked both ways"
    low, high = row["low"], row["high"]
    if not isinstance(low, float) or not isinstance(high, float):
        return f"not identified: {str(row['method']).rpartition('no interval: ')[2]}"
    return "ok" if low <= 0 <= high else f"warning: {said}"
