"""The recipe's page: control beside its floor and ceiling, claims, what leaks, perplexity, distributions, and what was left out."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from sociolect import systems
from sociolect.frames import Effects
from sociolect.report.content import Headline, Page, Section
from sociolect.report.forest import forest
from sociolect.report.table import digits, interval, percent
from sociolect.systems.held import Here, held
from sociolect.systems.sources.social_chem.dimensions import DIMENSIONS
from sociolect.systems.sources.social_chem.load import Loaded
from sociolect.systems.sources.social_chem.measure import Judges

CONTROL = (
    "The generator is given a situation and the levels that the rule is to have. A classifier that learnt from other situations "
    "says which levels the rule has. Control is the share of rules whose label is the level that was asked for. The ceiling is "
    "how often the classifier is right about people's own rules, the floor one over the number of levels.\n\n"
    "Three controls cannot carry attributes: the same generator asked with the levels of other situations, a word model that sees "
    "three words, and, from size small on, a generator that learnt from shuffled levels."
)
LEAKS = (
    "One level is changed and all else stays; the rules are the likeliest ones, so that no draw moves them. `flipped` names "
    "what was changed, `moves` whose label then differs. A generator in control moves its own attribute and no other."
)
DIFFER = (
    "Where no base is named the generator is a small transformer that starts from nothing; where no table is named it reads and writes a planted grammar: its numbers "
    "show that the method measures what it says, and nothing of people.\n\n"
    "Attributes are words, not added tokens in brackets. The classifiers are linear, on words and character runs, in place of "
    "RoBERTa. They learn from dev, which the generator never reads. The characters' dimensions are loaded and not generated.\n\n"
    "The distribution mode (levels weighed by a model, held against the annotators) is ours: the paper is silent. So are the controls, "
    "the leakage, and every interval. No published control accuracy was read, so none is claimed."
)


class Found(NamedTuple):
    """All that the page tells."""

    loaded: Loaded
    counts: Mapping[str, int]
    by: Judges
    control: Effects
    leaks: Effects
    perplexity: Effects
    gain: Effects | None
    matched: Effects | None
    halves: Effects | None
    asked: int
    data: bool
    models: bool
    retrained: bool


def page(f: Found, made: Mapping[str, str]) -> Page:
    """The whole page."""
    out = [
        Section("Control, attribute by attribute", CONTROL, figure=_figure(f), caption="The share of rules that have the level that was asked for; whiskers are 95% intervals over situations."),
        Section("What the paper claims, and what we find", "A claim about the released set needs its table; the one about starting weights needs a base.", table=_claims(f), name="claims"),
        Section("Control, in numbers", "Asked is how many rules were asked for; wordless ones count as misses.", table=f.control.select(attribute="measure", arm="contrast", control="estimate", low="low", high="high", floor="floor", ceiling="ceiling", asked="n", situations="clusters", wordless="wordless"), name="control"),
        Section("What one flipped level moves", LEAKS, table=f.leaks.select(flipped="measure", moves="contrast", share="estimate", low="low", high="high", situations="n"), name="leakage"),
        Section("How surprising held-out rules are", _surprise(f), table=f.perplexity, name="perplexity"),
        *_distributions(f),
        Section("What was read, and what was left out", _read(f), table=_left(f), name="left_out"),
        Section("Where we differ", DIFFER),
    ]  # fmt: skip
    return Page(
        "Social Chemistry: rules on request",
        out,
        _headlines(f),
        _summary(f),
        made=tuple((k, v) for k, v in made.items()),
    )


def _figure(f: Found) -> str:
    return forest(f.control, label="contrast", group="measure", axis="share with the level asked for", reference=None, title="Control by attribute and arm")  # fmt: skip


def _own(f: Found) -> pl.DataFrame:
    return f.control.filter(contrast="generator")


def _summary(f: Found) -> str:
    own, others = _own(f), f.leaks.filter(~pl.col("own"))
    worst = own.sort("estimate", "measure").row(0, named=True)
    lead = f"Asked for {own.height} attributes, the generator has the level of the least controlled one ({worst['measure']}) in {percent(worst['estimate'])} of its rules"
    if worst["floor"] is not None:
        lead += f", where chance gives {percent(worst['floor'])}"
    if others.height:
        most = others.sort("estimate", "measure", "contrast", descending=[True, False, False]).row(0, named=True)
        lead += (
            f". Changing one level moves the label of another attribute in {percent(most['estimate'])} of cases at most"
        )
    return lead + ("." if f.data else ". Situations, rules and annotators are planted: this says nothing of people.")


def _headlines(f: Found) -> list[Headline]:
    worst = _own(f).sort("estimate", "measure").row(0, named=True)
    out = [Headline(f"least controlled: {worst['measure']}", digits(worst["estimate"]), interval(worst["low"], worst["high"]), "control")]  # fmt: skip
    own = f.leaks.filter(pl.col("own")).sort("estimate", "measure")
    if own.height:
        row = own.row(0, named=True)
        out.append(
            Headline(
                f"{row['measure']} moves when it is flipped",
                digits(row["estimate"]),
                interval(row["low"], row["high"]),
                "leakage",
            )
        )
    return out


def _claims(f: Found) -> pl.DataFrame:
    found: dict[str, Here] = dict.fromkeys(
        ("rules", "dimensions", "labels"), Here(why="needs the released table (--released)")
    )
    found["pretrained"] = Here(why="needs a model with weights (--base)")
    if f.data:
        table = f.loaded.table
        rules, labels = table["rule"].n_unique(), int(sum(table[c].drop_nulls().len() for c in DIMENSIONS))
        found["rules"] = Here(float(rules), n=rules, why="rules of this table that are not marked as bad")
        found["labels"] = Here(
            float(labels), n=table.height, why="labels alone: the free text of the table is not counted"
        )
        seen = len([c for c in DIMENSIONS if table[c].null_count() < table.height])
        found["dimensions"] = Here(n=seen, why=f"{seen} labelled dimensions are answered; with the judgement in free text, which has no levels, the paper counts 12", same="not judged")  # fmt: skip
    if f.gain is not None:
        row = f.gain.row(0, named=True)
        found["pretrained"] = Here(
            row["estimate"], row["low"], row["high"], row["n"], why="on held-out rules, asked with attributes"
        )
    return held(systems.find("social_chem").claims, found)


def _surprise(f: Found) -> str:
    told = "Perplexity per token of the test split's own rules, their end included. The log of the ratio of the two says how many nats per token the attributes are worth."
    if not f.data:
        told += " In the planted grammar a rule is certain once its attributes are known (1), and six words without (2.32: the seventh root of 360 rules)."
    return told


def _distributions(f: Found) -> list[Section]:
    if f.matched is None or f.halves is None:
        return [
            Section(
                "Judgements as distributions",
                "No rule of this table has five annotators: there is no distribution to match.",
                level="note",
            )
        ]
    row = f.halves.row(0, named=True)
    prose = (
        f"Each judge weighs the five levels of moral judgement of an action, in three wordings ({f.asked} questions); the mean over wordings is held against "
        "what annotators said of it. 0 is the same distribution, 1 shares no level. Halves of the annotators lie as far from each other as "
        "sampling makes them: closer than that a judge cannot be told from an annotator. Sampling alone makes a distance larger; the intervals (annotators resampled) take that off, so they reach down from the estimate. A half has half as many people, so this ceiling is a modest one. "
        f"The mean levels of the halves differ by {digits(row['estimate'])}{interval(row['low'], row['high'])}, which should cover 0."
    )
    if f.data and not f.models:
        prose += " No judge was named (--models): only the annotators' halves are shown."
    elif not f.models:
        prose += " The judges are planted: one has the annotators' own distribution, and lies at 0 exactly."
    shown = f.matched.filter(measure="Jensen-Shannon divergence")
    figure = forest(
        shown,
        label="contrast",
        group="annotators",
        axis="Jensen-Shannon divergence, 0 to 1",
        reference=0.0,
        title="How far each judge lies from the annotators",
    )
    table = f.matched.select(measure="measure", contrast="contrast", distance="estimate", low="low", high="high", rules="n", annotators="annotators", people="clusters")  # fmt: skip
    return [
        Section(
            "Judgements as distributions",
            prose,
            figure=figure,
            table=table,
            name="distributions",
            people="people" if f.data else "",
        )
    ]


def _read(f: Found) -> str:
    counts = ", ".join(f"{n:,} in {name}" for name, n in f.counts.items() if name != "learnt from")
    told = f"Rules: {counts}. The generator learns from {f.counts['learnt from']:,} of train, the classifiers from dev; both are tried on test."
    return told + "".join(f" {name} is not judged: {why}." for name, why in sorted(f.by.left.items()))


def _left(f: Found) -> pl.DataFrame:
    wordless = f.control.filter(contrast="generator")["wordless"]
    mute = int(wordless.max() or 0)  # type: ignore[arg-type]  # a count
    return pl.concat(
        [f.loaded.left, pl.DataFrame({"reason": ["the generator wrote nothing"], "rows": [mute]})], how="vertical"
    )
