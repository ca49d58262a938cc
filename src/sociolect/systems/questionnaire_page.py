"""What a questionnaire's page says: scores with their status, what may be claimed, the validity card, and what they are not."""

import re
from collections.abc import Mapping

import polars as pl

from sociolect.elicit.outcomes import outcomes
from sociolect.frames import Effects, Replies
from sociolect.measure.instrument import Instrument
from sociolect.measure.released import LEAST
from sociolect.report import plots
from sociolect.report.content import Headline, Page, Section

NOT_A_SCREENING = "Results describe text produced under a prompt; they are not a screening of any person."
CONTROL = "base"  # the community under whose name the base model stands
MOST_ROWS = 60  # ours: rows of a figure that can still be read
ALWAYS = (
    ("intervals", "95%, bootstrap over templates: draws of one prompt are never counted as people"),
    (
        "refused, unparsed, blank",
        "counted below, never an option; an incomplete subscale follows the card's policy on missing answers",
    ),
)


def page(
    card: Instrument,
    replies: Replies,
    averages: Effects | None,
    validated: Effects,
    claims: pl.DataFrame,
    *,
    varied: Effects | None = None,
    made: Mapping[str, str],
    planted: Mapping[str, float] | None = None,
) -> Page:
    """The whole page of one instrument; what is sensitive is aggregate only."""
    if card.text_hash is None and claims.height:
        # nobody was asked the instrument's own questions
        claims = claims.with_columns(claim=pl.lit(None, pl.String), failed=pl.lit("asked with placeholders"))
    shown = sections(card, replies, averages, validated, claims, varied=varied, planted=planted)
    held = claims.filter(pl.col("claim").is_not_null()).height if claims.height else 0
    who = "planted communities of known order" if planted is not None else "the models named"
    summary = f"{len(card.items)} items put to {who}. {NOT_A_SCREENING}"
    heads = (
        [Headline("differences that may be claimed", str(held), f"of {claims.height}", "claims")]
        if claims.height
        else []
    )
    about = {"instrument": f"{card.title}, version {card.version}, {card.language}", "citation": card.citation,
             "population": card.population, "status": card.status, "licence": card.licence}  # fmt: skip
    return Page(card.title, shown, heads, summary, card.sensitive, (*about.items(), *made.items(), *ALWAYS))


def sections(
    card: Instrument,
    replies: Replies,
    averages: Effects | None,
    validated: Effects,
    claims: pl.DataFrame,
    *,
    varied: Effects | None = None,
    planted: Mapping[str, float] | None = None,
) -> list[Section]:
    """Scores first, then what may be claimed of them, the validity card, every outcome, cut-offs and norms."""
    return [
        _scores(card, averages, planted),
        *_warnings(card, validated),
        *_claims(claims),
        Section("Validity card", CARD, table=_card(validated), name="validity"),
        *_varied(varied),
        Section(
            "What became of every reply",
            "Asked = answered + refused + unparsed + blank, by the way of asking.",
            table=outcomes(replies, by=["arm", "community", "mode"]),
            name="outcomes",
        ),
        *_published(card),
    ]


CARD = """What stands between these scores and a claim. "Not identified" says that the design cannot answer a line: a scale without \
reversed items cannot tell a trait from a habit of agreeing. The floor is what chance alone gives."""


def _scores(card: Instrument, averages: Effects | None, planted: Mapping[str, float] | None) -> Section:
    title = "Scores by community"
    if averages is None:
        return Section(title, "No subscale could be scored: see what became of every reply.", level="warning")
    # A cell about few replies says what one of them said: what the card withholds is not shown there.
    hidden = [f"{card.id}:{name}" for name in card.withheld]
    kept = averages.filter(~pl.col("measure").is_in(hidden) | (pl.col("n") >= LEAST))
    ranges = [(one.id, one.low, one.high, True) for one in card.subscales]
    ranges += [(rule.id, 0.0, 1.0, False) for rule in card.rules]
    about = pl.DataFrame(
        [(f"{card.id}:{name}", place, *rest) for place, (name, *rest) in enumerate(ranges)],
        schema={
            "measure": pl.String,
            "_place": pl.Int64,
            "lowest": pl.Float64,
            "highest": pl.Float64,
            "_drawn": pl.Boolean,
        },
        orient="row",
    )
    control = pl.col("community") == CONTROL
    kept = kept.join(about, on="measure").sort("_place", control, "community")
    kept = kept.with_columns(
        contrast=pl.col("community"), status=pl.lit(card.status), licence=pl.lit(_brief(card.licence))
    )
    drawn = kept.filter("_drawn")
    columns = [
        "measure",
        "community",
        "estimate",
        "low",
        "high",
        "status",
        "licence",
        "n",
        "left_out",
        "lowest",
        "highest",
    ]
    table = kept.select(columns)
    if planted is not None:
        truth = pl.col("community").replace_strict(dict(planted), default=None, return_dtype=pl.Float64)
        table = table.with_columns(planted_trait=truth)
    more = "" if drawn.height <= MOST_ROWS else f" The figure shows the first {MOST_ROWS} rows; the table has all."
    prose = f"Each community's mean over templates and option orders, with a 95% interval.{more} Status: {card.status}. Licence: {card.licence}. {NOT_A_SCREENING}"
    figure = (
        plots.forest(drawn.head(MOST_ROWS), reference=None, axis="score")
        if drawn["estimate"].is_not_null().any()
        else ""
    )
    return Section(title, prose, figure=figure, table=table, name="scores")


def _brief(licence: str) -> str:
    """The first clause of a licence, as it fits beside a number; the whole stands above and below the table.

    >>> _brief("permission of the authors needed: structure only")
    'permission of the authors needed'
    """
    return re.split(r"[:;,(]", licence)[0].strip()


def _warnings(card: Instrument, validated: Effects) -> list[Section]:
    """What must not be overlooked, one section each."""
    told: list[tuple[str, str]] = []
    if card.text_hash is None:
        told.append(("Asked with placeholders", "No wording was given, so the items were asked as \"item 1\", \"item 2\": the chain "
                     "runs, and the numbers say nothing about anybody. Name a file of wording with --text."))  # fmt: skip
    if card.status == "unvalidated paraphrase":
        told.append(
            ("Unvalidated paraphrase", "The wording is not the published one: no cut-off and no norm carries over.")
        )
    if card.period != "now":
        told.append(
            ("No such period for a model", f"The items ask about {card.period}. That has no meaning for a model.")
        )
    if card.sensitive:
        told.append(("Sensitive", "Community means only; no reply, no item of a reply and no person is shown. Cut-offs were made on "
                     "people: they are printed, never applied."))  # fmt: skip
    one_sided = validated.filter(pl.col("line") == "trait", pl.col("verdict").str.starts_with("not identified"))
    if measures := sorted(one_sided["measure"].unique()):
        told.append(("Trait and agreement cannot be told apart", f"All keyed items point one way in {', '.join(measures)}: a "
                     "difference between communities there may be a habit of agreeing alone."))  # fmt: skip
    return [Section(title, text, level="note" if title == "Sensitive" else "warning") for title, text in told]


def _claims(claims: pl.DataFrame) -> list[Section]:
    if claims.is_empty():
        return [
            Section(
                "What may be claimed",
                "No difference between two communities has a number: there is nothing to claim.",
                level="note",
            )
        ]
    prose = """A difference is a claim only if its interval excludes 0 with templates as clusters, both option orders agree in sign, \
the base model does not account for it, and communities do not differ on items that mean nothing. Otherwise the number stands with what it failed."""
    return [Section("What may be claimed", prose, table=claims, name="claims")]


def _varied(found: Effects | None) -> list[Section]:
    if found is None:
        return []
    prose = """The variance of the answers, split: between communities (trait), items, wordings (templates), option orders, what a wording does to \
communities apart, and what repeats of one question differ by (draw). Where wording or order outweighs trait, a score is mostly the way of asking. \
Wordings with a lost answer are left out; where too few stay, order is part of the draw."""
    return [Section("What the answers vary with", prose, table=found.drop("method"), name="variance")]


def _card(validated: Effects) -> pl.DataFrame:
    """The card without the differences, which stand among the claims."""
    rest = validated.filter(~pl.col("line").str.starts_with("difference"))
    lead = pl.col("contrast").str.strip_prefix(pl.col("line") + ": ")
    return rest.select("line", "measure", lead, "estimate", "low", "high", "floor", "n", "verdict")


def _published(card: Instrument) -> list[Section]:
    """Cut-offs, rules and norms as they were published: beside the scores, applied to nobody."""
    out = []
    if card.cutoffs:
        rows = [(c.subscale, f"{c.operator} {c.value:g}", c.label, c.population, c.source) for c in card.cutoffs]
        table = pl.DataFrame(rows, schema=["subscale", "cut-off", "label", "population", "source"], orient="row")
        out.append(
            Section("Published cut-offs", "Made on people. Printed, never applied.", table=table, name="cutoffs")
        )
    if card.rules:
        rules = pl.DataFrame(
            [(r.id, r.when, r.source) for r in card.rules], schema=["rule", "when", "source"], orient="row"
        )
        out.append(
            Section("Rules", "Their scores above are shares of answered questionnaires.", table=rules, name="rules")
        )
    if card.norms:
        norms = [(n.subscale, n.group, n.mean, n.sd, n.n, n.source, n.licence) for n in card.norms]
        columns = ["subscale", "group", "mean", "sd", "n", "source", "licence"]
        table = pl.DataFrame(norms, schema=columns, orient="row")
        out.append(Section("Published norms", "Of people. Printed, never applied.", table=table, name="norms"))
    return out
