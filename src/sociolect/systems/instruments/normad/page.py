"""The recipe's page: the ladder first, the claims, then labels, groups, orders, what was lost, what is suspect."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from sociolect.frames import Effects, Items, Replies
from sociolect.report.content import Headline, Page, Section
from sociolect.report.plots import forest
from sociolect.report.table import digits, interval
from sociolect.systems import read
from sociolect.systems.held import held
from sociolect.systems.instruments.normad import claims
from sociolect.systems.instruments.normad.elicit import RUNGS

NAMES = {
    "none": "nothing",
    "country": "country",
    "country_value": "country and values",
    "value": "values",
    "rule": "the rule",
}
ALWAYS = (
    (
        "intervals",
        "95 %, percentiles of a bootstrap that draws whole countries: stories of one country share one background",
    ),
    (
        "an answer",
        "the likeliest option where the model offers log-probabilities, else what it says, read by a strict parser at temperature 0 or as set",
    ),
    (
        "no answer",
        "unparsed, refused and empty replies are counted and are not wrong answers; the attrition table says what they would cost",
    ),
)
LADDER = """How many stories are judged right with nothing said, with the country, its values, or the rule itself. What a rung adds to nothing is what a \
respondent makes of that context. The verdict rests on yes and no stories: neutral ones are suspect in the release, and both readings are in the table."""
LABELS = """With the rule given, a neutral story is a reading task: so never the mean alone. Yes-bias is the recall of yes less the recall of no. Accuracy \
stands once on this page: micro precision, recall and F1 of three exclusive labels are that same number."""
DIFFER = """Options stand in balanced orders, each first, second and last once per story; the release asks once, in one order. The answer is the likeliest option \
where a model offers log-probabilities. The prompts say what the release's say, in words of ours, the same on every rung. A country's name is taken out of stories \
on rungs that do not name the country. Intervals draw countries, not stories. People are cited from the paper and not asked here: how they were asked is not said. \
Country groups follow the map of the World Values Survey, not the release's own list."""


class Told(NamedTuple):
    """Everything the page tells. `country_rung` and `rule_rung` are the rungs that groups and topics are compared on."""

    items: Items
    replies: Replies
    tables: Mapping[str, Effects]
    asked: pl.DataFrame
    audit: pl.DataFrame
    aside: pl.DataFrame
    gap: Effects | None
    planted: bool
    country_rung: str
    rule_rung: str
    unchecked: bool


def page(t: Told, made: Mapping[str, str]) -> Page:
    """The whole page."""
    rungs = t.tables["rungs"]
    table = held(read(Path(__file__).parent).claims, claims.found(t.tables, planted=t.planted))
    own = rungs.filter(measure="accuracy")
    order = {r: n for n, r in enumerate(RUNGS)}
    shown = own.with_columns(
        _at=pl.col("what").replace_strict(order, return_dtype=pl.Int64), what=pl.col("what").replace(NAMES)
    ).sort("_at", "community")
    figure = forest(
        shown.filter(rows="yes and no"), label="what", group="measure", beside="community", axis="share of yes and no stories judged right",
        reference=1 / 3, title="Accuracy on the ladder of contexts",
    )  # fmt: skip
    out = [
        Section("The ladder", LADDER, figure=figure, table=_bare(rungs), name="ladder", caption="gain: that rung less nothing, paired by country"),
        Section("What the paper claims, and what we find", _of(t), table=table, name="claims"),
        *_warnings(t),
        *_planted(t),
        Section("By label, and yes-bias", LABELS, table=_bare(t.tables["labels"]), name="labels"),
        Section("By group of countries", _on(t.country_rung, "Countries are drawn within their group: few of them make wide intervals."),
                table=pl.concat([_bare(t.tables["groups"]), _bare(t.tables["f1"])]), name="groups"),
        Section("By topic", _on(t.rule_rung, "Each topic beside all others."), table=_bare(t.tables["subaxes"]), name="topics"),
        Section("Order effect", ORDER, table=_bare(t.tables["orders"], "floor", "p"), name="orders"),
        Section("Attrition", "What was asked and what came of it, per respondent and rung.", table=t.asked, name="attrition"),
        *_suspect(t),
        Section("Where we differ", DIFFER),
    ]  # fmt: skip
    return Page(
        "NormAd: acceptable there?", out, _headlines(rungs), _summary(t), made=(*_made(t), *made.items(), *ALWAYS)
    )


ORDER = """Accuracy by the order in which the options stood, less the mean over orders, and the range. `floor` is the range that chance alone makes, and `p` how \
often chance reaches the range found."""


def _bare(found: Effects, *more: str) -> pl.DataFrame:
    return found.select(
        "measure", "community", "rows", "what", "estimate", "low", "high", "n", "left_out", "clusters", *more
    )


def _on(rung: str, more: str) -> str:
    return f"On the rung: {NAMES[rung]}. {more}"


def _of(t: Told) -> str:
    if t.planted:
        return "Planted respondents answered, each as its name says: what they find was put there, and is held against no claim. Name models to test these."
    return "Of the model with the highest accuracy with the rule given. A level is printed beside the paper's, and not judged."


def _headlines(rungs: Effects) -> list[Headline]:
    out = []
    gains = rungs.filter(measure="gain", what="rule - none", rows="yes and no").sort("community")
    for row in gains.head(5).iter_rows(named=True):
        if row["estimate"] is not None:
            out.append(
                Headline(
                    f"adaptation, {row['community']}",
                    digits(row["estimate"]),
                    f"{interval(row['low'], row['high']).strip()} n = {row['n']:,}",
                    "ladder",
                )
            )
    return out


def _summary(t: Told) -> str:
    told = t.tables["rungs"].filter(measure="gain", rows="yes and no").drop_nulls("estimate")
    rule = told.filter(what="rule - none").sort("estimate", "community")
    head = f"{t.items.height:,} stories of {t.items['country'].n_unique()} countries, {t.replies['community'].n_unique()} respondents. "
    if rule.is_empty():
        return head + "The rule or the bare story was not asked: what a respondent makes of a context cannot be said."
    best = rule.row(-1, named=True)
    above = rule.filter(pl.col("low") > 0).height
    return (
        f"{head}The rule lifts accuracy on yes and no stories for {above} of {rule.height} respondents; most for {best['community']}, "
        f"by {100 * best['estimate']:.0f} points{interval(best['low'], best['high'])}."
    )


def _warnings(t: Told) -> list[Section]:
    out = []
    if t.unchecked:
        out.append(
            Section(
                "What the adapters were taught is not checked",
                "An adapter was named without --examples, the table it was taught by: whether these stories stand in it is not known.",
                level="warning",
            )
        )
    lost = float(t.asked["share without an answer"].to_numpy().max())
    if lost > 0.1:
        out.append(
            Section(
                "Many replies are no answer",
                f"On one rung {100 * lost:.0f} % of the replies gave no label. Accuracy is over the others; read the attrition table beside it.",
                level="warning",
            )
        )
    if not t.replies["masked"].any() and not t.replies["rung"].is_in(["none"]).any():
        return out
    named = t.replies.filter(pl.col("rung") == "none")["masked"].sum()
    asked = t.replies.filter(pl.col("rung") == "none").height
    if asked:
        out.append(
            Section(
                "Countries named in stories",
                f"On the rung without context {named:,} of {asked:,} prompts had the country's name taken out of the story. What else betrays a country there (a city, a dish, a name) stays.",
                level="note",
            )
        )
    return out


def _planted(t: Told) -> list[Section]:
    if t.gap is None or t.gap.is_empty():
        return []
    row = t.gap.row(0, named=True)
    prose = "`knows half` knows every other country: on the country rung it is right wherever it knows the rule, and draws evenly elsewhere. The gap is what was planted."
    table = pl.DataFrame(
        {
            "what": ["known countries less unknown ones, country rung"],
            "planted": [2 / 3],
            "estimate": [row["estimate"]],
            "low": [row["low"]],
            "high": [row["high"]],
            "n": [row["n"]],
        }
    )
    return [Section("What was planted comes back", prose, table=table, name="planted")]


def _suspect(t: Told) -> list[Section]:
    prose = f"Neutral stories that mix two countries: {t.audit['item'].n_unique():,} of {t.items.filter(pl.col('gold') == 'neutral').height:,}."
    by = t.audit.group_by("in").agg(pl.col("item").n_unique().alias("neutral stories")).sort("in")
    return [
        Section("Suspect neutral stories", prose, table=by if by.height else None, name="suspect" if by.height else ""),
        *(
            [Section("Rows set aside", "What could not be an item.", table=t.aside, name="set_aside")]
            if t.aside.height
            else []
        ),
    ]


def _made(t: Told) -> list[tuple[str, str]]:
    told = t.items.group_by("gold").len().sort("gold")
    labels = ", ".join(f"{n:,} {label}" for label, n in told.iter_rows())
    bare = t.items["group"].null_count()
    return [("labels", labels), ("stories of countries in no group", f"{bare:,}")]
