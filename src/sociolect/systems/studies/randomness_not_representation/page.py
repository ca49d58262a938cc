"""The recipe's page: what the form does, beside a retest; the claims; variance, flips, clusters, steering, the case study."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from sociolect.compare.robustness import Audit
from sociolect.frames import Effects
from sociolect.report.content import Headline, Page, Section
from sociolect.report.plots import forest
from sociolect.report.table import digits, interval
from sociolect.systems.held import Here, held
from sociolect.systems.studies.randomness_not_representation.compare import beside_base
from sociolect.systems.studies.randomness_not_representation.words import WORDS

ROWS = ("who", "line", "factor", "estimate", "low", "high", "in_spreads", "p", "p_adjusted", "n", "left_out")
CLAIM = (
    "of",
    "claim",
    "estimate",
    "low",
    "high",
    "n",
    "cells",
    "sign",
    "sure",
    "significance",
    "apart",
    "reversed",
    "named",
    "where",
    "method",
)


class Found(NamedTuple):
    """Everything the page tells."""

    plain: Audit
    personas: Audit
    steered: Effects | None
    prompts: Effects | None
    clustered: Effects | None
    saved: pl.DataFrame
    order: Effects
    letters: Audit
    outcomes: pl.DataFrame
    yardstick: float
    planted: bool
    data: bool


def page(found: Found, card_claims: tuple, here: Mapping[str, Here], made: Mapping[str, str]) -> Page:  # type: ignore[type-arg]  # the card's own tuple
    """The whole page."""
    told = held(card_claims, here, planted=found.planted)
    out = [
        *_forms(found),
        Section("What the paper claims, and what we find", WORDS["claims"], table=told, name="claims"),
        *_beside(found),
        *_variance(found),
        *_flips(found),
        *_clusters(found),
        *_steering(found),
        *_case(found),
        *_letters(found),
        Section("Asked and answered", WORDS["outcomes"], table=found.outcomes, name="outcomes"),
        *_missing(found),
        Section("Where we differ", WORDS["differ"]),
    ]
    return Page("Does the answer belong to the model, or to the form of the question?", out, _headlines(found), _summary(found), made=tuple(made.items()))  # fmt: skip


def _lines(found: Audit, *lines: str) -> pl.DataFrame:
    stable = found.stability
    return pl.DataFrame() if stable is None else stable.filter(pl.col("line").is_in(list(lines)))


def _forms(f: Found) -> list[Section]:
    effects = _lines(f.plain, "effect")
    if not effects.height:
        return [Section("No form could be compared", "See what could not be had, below.", level="warning")]
    way = pl.col("contrast").str.split(", ").list.first()
    drawn = effects.sort("factor", "who").select(
        "who", "n", factor=way, estimate="in_spreads", low="spread_low", high="spread_high"
    )
    figure = forest(drawn, label="who", group="factor", band=(-1.0, 1.0), axis="standard deviations between countries", title="What the form of a question does to the answer")  # fmt: skip
    return [
        Section(
            "What the form of a question does to the answer",
            WORDS["forms"],
            table=effects.select(ROWS),
            name="effects",
            figure=figure,
        )
    ]


def _beside(f: Found) -> list[Section]:
    again, habits = _lines(f.plain, "retest", "shift", "over retest"), _lines(f.plain, "position", "acquiescence")
    out = [Section("Beside a retest", WORDS["retest"], table=again.select(ROWS), name="shifts")] if again.height else []
    if habits.height:
        out.append(Section("Position and acquiescence", WORDS["habits"], table=habits.select(ROWS), name="habits"))
    return out


def _variance(f: Found) -> list[Section]:
    split = f.personas.variance
    if split is None:
        return []
    shares = split.select(
        "of",
        part=pl.col("contrast").str.split(", ").list.first(),
        estimate="share",
        low="share_low",
        high="share_high",
        n="n",
    )
    figure = forest(shares, label="part", group="of", reference=0.0, axis="share of the variance of answers", title="Item, country, form and the rest")  # fmt: skip
    table = split.select(
        "of",
        pl.col("contrast").str.split(", ").list.first(),
        "share",
        "share_low",
        "share_high",
        "estimate",
        "low",
        "high",
        "n",
        "degrees",
        "left_out",
        "method",
    )
    return [Section("Item, country, form and the rest", WORDS["variance"], table=table, name="variance", figure=figure)]


def _flips(f: Found) -> list[Section]:
    found, ranks = f.personas.flips, f.personas.ranks
    out = []
    if found is not None:
        count = found.group_by("of").agg(
            claims=pl.len().cast(pl.Int64),
            **{c: (pl.col(c) > 0).sum().cast(pl.Int64) for c in ("sign", "significance", "apart", "reversed")},
        )
        out.append(
            Section(
                "How many claims between countries hang on the form",
                WORDS["flips"],
                table=count.sort("of"),
                name="flips",
            )
        )
        out.append(Section("Claim by claim", WORDS["claim"], table=found.select(CLAIM), name="flip_table"))
    if ranks is not None:
        out.append(Section("Ranks", WORDS["ranks"], table=ranks.select("of", pl.exclude("of", "where")), name="ranks"))
    return out


def _clusters(f: Found) -> list[Section]:
    if f.clustered is None:
        return []
    short = f.clustered.filter(pl.col("size").is_null()).sort("line", "contrast", descending=[True, False])
    table = f.clustered.select(
        "of", "line", "contrast", "size", "estimate", "low", "high", "p", "n", "clusters", "left_out"
    )
    figure = forest(
        short,
        group="line",
        axis="adjusted Rand index (impact: its difference)",
        title="Do some dimensions tell of the others?",
    )
    return [
        Section(
            "Do some dimensions tell of the others?",
            WORDS["clusters"],
            table=table,
            name="extrapolation",
            figure=figure,
        )
    ]


def _steering(f: Found) -> list[Section]:
    columns = (
        "speaker",
        "measure",
        "contrast",
        "estimate",
        "low",
        "high",
        "p",
        "n",
        "communities",
        "left_out",
    )
    out = []
    for name, one, title in (
        ("steering", f.personas.steerability, "Does a persona stand for its country?"),
        ("steering_held_out", f.steered, "The steering questions, countries held out among them"),
    ):
        if one is not None:
            drawn = one.filter(measure="steer ratio")
            figure = forest(drawn, reference=1.0, axis="steered spread / spread of people", title=title)
            out.append(Section(title, WORDS["steering"], table=one.select(columns), name=name, figure=figure))
    if f.prompts is not None:
        out.append(
            Section(
                "A persona chosen on half of the items, tested on the other half",
                WORDS["prompts"],
                table=f.prompts,
                name="prompts",
            )
        )
    return out


def _case(f: Found) -> list[Section]:
    return [
        Section("Case study: who is to be saved", WORDS["case"], table=f.saved.select(CLAIM), name="case_study"),
        Section("Where indifference goes", WORDS["order"], table=f.order, name="order_bias"),
    ]


def _letters(f: Found) -> list[Section]:
    if f.letters.stability is None:
        return []
    table = beside_base(f.letters.stability)
    return [Section("Letters: one manipulation at a time", WORDS["letters"], table=table, name="letters")]


def _missing(f: Found) -> list[Section]:
    parts = [
        one.missing.select(pl.lit(arm).alias("arm"), pl.all())
        for arm, one in (("plain", f.plain), ("personas", f.personas), ("letters", f.letters))
    ]
    table = pl.concat(parts)
    return (
        [Section("What could not be had, and why", WORDS["missing"], table=table, name="missing")]
        if table.height
        else []
    )


def _headlines(f: Found) -> list[Headline]:
    out = []
    position = _lines(f.plain, "position")
    if position.height:
        row = position.sort(pl.col("estimate").abs(), "contrast", descending=[True, False]).row(0, named=True)
        out.append(Headline(f"pull of the first place: {row['contrast'].split(', ')[-1]}", digits(row["estimate"]), interval(row["low"], row["high"]), "habits"))  # fmt: skip
    if f.personas.steerability is not None:
        for row in f.personas.steerability.filter(measure="steer ratio").iter_rows(named=True):
            if row["speaker"] is not None:
                out.append(
                    Headline(
                        f"steer ratio: {row['speaker']}",
                        digits(row["estimate"]),
                        interval(row["low"], row["high"]),
                        "steering",
                    )
                )
    return out[:4]


def _summary(f: Found) -> str:
    effects = _lines(f.plain, "effect")
    sure, beyond = effects.clear(), 0
    if effects.height:
        sure = effects.filter(pl.col("p_adjusted") < 0.05).sort(
            pl.col("in_spreads").abs(), "contrast", descending=[True, False]
        )
        beyond = effects.filter((pl.col("spread_low") > 1) | (pl.col("spread_high") < -1)).height
    who = "planted players whose habits are known" if f.planted else "the models named"
    head = f"{counted(effects.height, 'effect')} of the form of a question on {who}: "
    if not effects.height:
        return f"No effect of the form of a question on {who} could be measured."
    told = f"{counted(sure.height, 'is', 'are')} told from chance"
    if sure.height:
        row = sure.row(0, named=True)
        told += f", most of all that of {row['factor']} on {row['who']} ({digits(row['in_spreads'])} standard deviations between countries)"
    return f"{head}{told}, and {counted(beyond, 'is', 'are')} surely larger than one such deviation, {digits(f.yardstick)} of the scale."


def counted(n: int, one: str, more: str = "") -> str:
    """A number with its noun or verb in English, where 0 is none.

    >>> counted(1, "effect"), counted(15, "effect"), counted(1, "is", "are"), counted(0, "is", "are")
    ('1 effect', '15 effects', '1 is', 'none is')
    """
    return f"none {one}" if n == 0 and more else f"{n:,} {one if n == 1 else more or one + 's'}"
