"""The recipe's page: growth first, the claims, what numeric agents and speaking populations show, and what was left out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect.frames import Replies
from sociolect.models.model import Chat
from sociolect.report.content import Headline, Page, Section
from sociolect.report.plots import lines
from sociolect.report.table import digits, interval
from sociolect.systems import read
from sociolect.systems.worlds.donor_game import claims, compare, measure
from sociolect.systems.worlds.donor_game.elicit import CONDITIONS, DonorGame
from sociolect.systems.worlds.donor_game.players import Planted

SPARSE = 40  # thin lines a figure bears


class Found(NamedTuple):
    """Everything the page tells."""

    numeric: pl.DataFrame  # acts of the numeric agents
    replies: Replies  # every word of the populations that speak
    models: Mapping[str, str]
    conditions: tuple[str, ...]
    schedule: str
    agents: int
    multiplier: float
    generations: int  # of the numeric agents
    lived: int  # of the populations that speak
    selection: str
    scores: bool


def page(f: Found, made: Mapping[str, str], *, seed: int = 0) -> Page:
    """The whole page."""
    most = measure.bound(f.agents, schedule=f.schedule, multiplier=f.multiplier)
    numeric = measure.per_run(f.numeric, bound=most)
    spoken = measure.per_run(f.replies.filter(pl.col("kind").is_not_null()), bound=most)
    ends = compare.ends(numeric, seed=seed)
    contrasts = pl.concat([compare.contrasts(runs, seed=seed) for runs in (numeric, spoken)])
    spread = pl.concat([compare.spread(runs) for runs in (numeric, spoken)])
    sizes = {
        "agents": float(f.agents),
        "generations": float(f.lived if f.models else f.generations),
        "multiplier": f.multiplier,
    }
    held = claims.table(read(Path(__file__).parent).claims, f.models, spoken, contrasts, spread, sizes=sizes, seed=seed)
    lost = measure.attrition(f.replies, seed=seed)
    out = [
        _figure("Giving over the generations", numeric, GROWN, seed=seed),
        Section("What the paper claims, and what we find", CLAIMS, table=held, name="claims"),
        _expected(f, ends, contrasts),
        Section("Conditions against each other, in the last generation", CONTRASTS, table=contrasts, name="contrasts"),
        _figure("The populations that speak", spoken, SPOKEN[bool(f.models)], seed=seed),
        Section("First and last generation", ENDS, table=pl.concat([ends, compare.ends(spoken, seed=seed)]), name="ends"),
        *_populations(f, spoken, seed),
        Section("One rich run", RICH, table=pl.concat([compare.without_richest(r) for r in (numeric, spoken)]), name="richest"),
        Section("How much runs differ", SPREAD, table=spread, name="spread"),
        Section("Reciprocity", RECIPROCITY, table=_reciprocity(f), name="reciprocity"),
        Section("What became of every question", ATTRITION, table=lost, name="attrition"),
        Section("What the players are told", _told(f)),
        Section("Every run", EVERY.format(digits(most)), table=_every(numeric, spoken), name="runs"),
        Section("Where we differ", DIFFER),
    ]  # fmt: skip
    return Page(
        "The Donor Game over generations",
        out,
        _headlines(contrasts, ends, lost, f),
        _summary(contrasts, ends, f),
        made=(*made.items(), *ALWAYS),
    )


ALWAYS = (
    ("intervals", "95 %, by resampling runs: the run is the unit, never the agent or the single gift"),
    (
        "a run",
        "one seed's population through all its generations; runs of one number share their beginnings over conditions",
    ),
)
GROWN = """Each act of giving is a share of what the donor has; the line is the mean over runs, the band its interval, a thin line \
a single run. Numeric agents carry four genes: a first gift, a base and a slope of the answer to the gift that was seen, and a \
threshold below which they punish. The half with more units survives, and is copied with noise. In `random` survival is by lot."""
CLAIMS = """The paper's findings are about three base models: nothing else is held against them. Name models with `--models` to test them."""
EXPECTED = """What two independent versions of this evolution showed beforehand. `holds` is said of the estimate, `sure` of the whole interval."""
MEASURED = (12, 2.0, "released")
ELSEWHERE = "What two independent versions of this evolution showed is known for 12 agents, a multiplier of 2 and the released schedule: it is not held against this run."
CONTRASTS = """Runs are paired by their number. `donated` is the share given; `log_units` is the mean of log(1 + units) at the end of a game: \
units grow exponentially with cooperation, so that their plain mean is one rich run's. Punishment can raise the one and not the other, for \
what is paid for punishing, and what it takes, is gone."""
SPOKEN = {
    False: """The same game in words. `planted` reads its prompts, says its genes as a strategy and copies them from the survivors' advice: what \
evolves has passed through prompts, replies and the parser. `words` is a word model that cannot read: its answers are what an unreadable player looks like.""",
    True: "The named models, each a population of its own.",
}
ENDS = "The mean over runs with its interval."
BETWEEN = "Populations against each other in the last generation, in the condition {}: runs are resampled in each."
RICH = """The order of two conditions with all runs, and without the run that ended richest. By log units it should stay; by raw units it can rest on one run."""
SPREAD = "The standard deviation between runs of one arm in the last generation; Bonett's interval, for a bootstrap of few runs is too narrow."
RECIPROCITY = "By how much more is given to whom was seen to give more: the slope in the last generation, runs as clusters. Unseen gifts are left out, and counted."
ATTRITION = """Refused, invalid and blank replies move nothing, are never read as a gift of 0, and are in no mean. `calls` counts every try. A donor \
without units can only give 0: any other number is unreadable there."""
EVERY = """`punished`, `refused` and `invalid` are shares of all acts. Everybody giving everything ends at {} units in the mean: `of_bound` is the mean \
as a fraction of that. It can pass 1 where the schedule lets a donor without units give. Mean units are a footnote: they are carried by single rich agents."""
DIFFER = """The release adds the second game's units to themselves, so that the first game never counts; here the score is the mean of both.

The release tells the players that their roles alternate, and breaks that in the middle; here the rule text is made of the schedule that is played, and \
a schedule that alternates strictly is there by name (`--schedule alternating`).

The release announces the survivors' scores and never passes them; here they stand beside the advice, or are not announced (`--scores no`).

Replies that cannot be read become gifts of 0 in the release; here they are invalid, with a null gift, and leave no trace.

Traces are gone at the beginning of every game, in the release and here: nobody remembers another across games or generations.

Genes, their ranges and the copying of one survivor are ours, for the paper has no numeric agents. A punished recipient never falls below 0: the poor cannot be \
punished further."""


def _figure(title: str, runs: pl.DataFrame, prose: str, *, seed: int) -> Section:
    if runs["donated"].null_count() == runs.height:
        return Section(title, f"{prose}\n\nNo gift could be read: there is nothing to draw.")
    names = {"panel": "condition", "series": "community", "value": "donated"}
    each = runs.select("run", "generation", **{k: pl.col(v) for k, v in names.items()})
    drawn = lines(
        compare.grown(runs, seed=seed), each=each.filter(pl.col("run") < SPARSE), axis="share given", title=title
    )
    return Section(title, prose, figure=drawn)


def _expected(f: Found, ends: pl.DataFrame, contrasts: pl.DataFrame) -> Section:
    title = "What numeric agents must show"
    if (f.agents, f.multiplier, f.schedule) != MEASURED:
        return Section(title, ELSEWHERE)
    return Section(title, EXPECTED, table=claims.expected(ends, contrasts, last=f.generations), name="expected")


def _populations(f: Found, spoken: pl.DataFrame, seed: int) -> list[Section]:
    if spoken["community"].n_unique() < 2:
        return []
    condition = f.conditions[0]
    found = compare.between(spoken, condition=condition, seed=seed)
    return [Section("Populations against each other", BETWEEN.format(condition), table=found, name="between")]


def _reciprocity(f: Found) -> pl.DataFrame:
    columns = ("community", "condition", "run", "generation", "kind", "share", "seen")
    acts = pl.concat([f.numeric.select(columns), f.replies.filter(pl.col("kind").is_not_null()).select(columns)])
    return compare.reciprocity(acts)


def _every(numeric: pl.DataFrame, spoken: pl.DataFrame) -> pl.DataFrame:
    both = pl.concat([numeric, spoken])
    last = pl.col("generation") == pl.col("generation").max().over("community")
    return both.filter((pl.col("generation") == 1) | last).select(
        "community", "condition", "run", "generation", "donated", "punished", "refused", "invalid", "log_units", "median_units",
        "of_bound", "mean_units", "acts",
    )  # fmt: skip


def _told(f: Found) -> str:
    """The rules and two questions as they are sent, with planted players: the words of the prompts are ours."""
    rules = CONDITIONS[f.conditions[-1]]
    knobs: dict[str, Any] = {
        "schedule": f.schedule,
        "selection": f.selection,
        "multiplier": f.multiplier,
        "scores": f.scores,
    }
    game = DonorGame(**(knobs | dict(rules)))
    seats = tuple(f"1_{k}" for k in range(1, f.agents + 1))
    player = Planted()
    state = game.begin(seats, 0)
    shown: list[Chat] = []
    for _ in range(3):
        due = game.turn(state)
        shown.append(next(iter(due.values())).chat)
        chats = [one.chat for one in due.values()]
        state = game.move(state, dict(zip(due, player.generate(chats), strict=True)))
    head = f"The rules, to everybody (condition {f.conditions[-1]}):\n\n{shown[0][0].text}"
    return f"{head}\n\nThe question for a strategy:\n\n{shown[0][-1].text}\n\nThe question to a donor, in round 2:\n\n{shown[2][-1].text}"


def _headlines(contrasts: pl.DataFrame, ends: pl.DataFrame, lost: pl.DataFrame, f: Found) -> list[Headline]:
    out = []
    for label, table, name, measured, contrast in (
        ("share given, without a trace", ends, "ends", "donated", f"numeric, no trace, generation {f.generations}"),
        ("share given, with a trace", ends, "ends", "donated", f"numeric, trace, generation {f.generations}"),
        ("punishment - no trace, share given", contrasts, "contrasts", "donated", "numeric: punishment - no trace"),
        ("punishment - no trace, log units", contrasts, "contrasts", "log_units", "numeric: punishment - no trace"),
    ):
        row = table.filter(measure=measured, contrast=contrast).row(0, named=True)
        out.append(Headline(label, digits(row["estimate"]), interval(row["low"], row["high"]), name))
    worst = lost.sort("unreadable", descending=True).row(0, named=True)
    label = f"unreadable, {worst['community']}, {worst['condition']}, {worst['asked for']}"
    return [*out, Headline(label, digits(worst["unreadable"]), interval(worst["low"], worst["high"]), "attrition")]


def _summary(contrasts: pl.DataFrame, ends: pl.DataFrame, f: Found) -> str:
    def row(table: pl.DataFrame, measured: str, contrast: str) -> dict[str, Any]:
        return table.filter(measure=measured, contrast=contrast).row(0, named=True)

    def of(found: Mapping[str, Any], *, size: bool = False) -> str:
        if size:  # the direction is said in words
            found = {k: None if found[k] is None else sign * found[k] for k in ("estimate", "low", "high")}
            found = found if sign > 0 else {**found, "low": found["high"], "high": found["low"]}
        return digits(found["estimate"]) + interval(found["low"], found["high"])

    first, last = (row(ends, "donated", f"numeric, trace, generation {g}") for g in (1, f.generations))
    more, units = (row(contrasts, m, "numeric: punishment - no trace") for m in ("donated", "log_units"))
    sign = -1 if more["estimate"] < 0 else 1
    models = {0: " No language model was asked.", 1: " One model was played."}.get(
        len(f.models), f" {len(f.models)} models were played."
    )
    return (
        f"Shown what others gave, numeric agents give {of(first)} of what they have in generation 1 and {of(last)} in generation "
        f"{f.generations}. Where they can punish as well, they give {of(more, size=True)} {'more' if sign > 0 else 'less'} than in the dark; what they "
        f"end with differs by {of(units)} log units.{models}"
    )
