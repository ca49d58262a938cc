"""The mechanisms on the page, who comments on what, what the answers depend on, and what could have been seen at all."""

import polars as pl

from sociolect.compare.power import coefficient_detectable, power, random_intercept_study
from sociolect.errors import SociolectError
from sociolect.report import plots
from sociolect.report.content import Section
from sociolect.systems.studies.relationship_alignment import grid, mechanisms, people, prepare, weights
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.enough import commenters, counted
from sociolect.systems.studies.relationship_alignment.part_one import lean, plain
from sociolect.systems.studies.relationship_alignment.study import Study


def sections(s: Study) -> tuple[list[Section], dict[str, pl.DataFrame]]:
    """M1 to M3, the weights, the sensitivity grid and the detectable effects."""
    if not s.block.terms:
        return [], {}
    out: list[Section] = []
    for speaker in s.speakers:
        out += _told(s, speaker)
    made, shown, tables = _selection(s)
    told, held = grid.grid(s.wide.filter(pl.col("source") == "human"), s.block, eps=s.eps, weights=made)
    turned = held.filter(pl.col("depends_on").is_not_null())
    said = "; ".join(
        f"{m}, {c}: depends on {d}" for m, c, d in turned.select("measure", "contrast", "depends_on").head(12).rows()
    )
    out += shown
    out += [
        Section("What the conclusions of Part I depend on", GRID + (f"\n\n{said}." if said else "\n\nNo conclusion changes its sign over the grid."), table=plain(held), name="depends"),
        Section("The sensitivity grid", "One row per choice, tone and term. Units differ (log, rank, probit, log odds): only signs are compared.", table=lean(told), name="grid"),
        Section("What could have been seen", POWER, table=plain(_power(s)), name="detectable"),
    ]  # fmt: skip
    return out, tables | {"depends": held}


M1 = """A model that is told nothing may still read the relation off the post. What of the social block stays once the post's own tones are held is no \
mirroring. The commenter's terms within a post must be at chance: it cannot know who will comment."""
M2 = """`placebo - none`: does a text of the same length without social meaning move the tone with the relation? Due is no. kappa on the false facts: told \
the facts of another pair, how strongly does it follow those? Due is the kappa of `all`."""
M3 = """The coefficient between posts less that within posts, people's comments, errors by post. Without selection it is 0: whoever comments, comments \
anywhere. Beside it, the coefficients weighted as if every category of commenter met the same posts, and what they lack of those of all comments alike; the doubt of \
the weights themselves is in both."""
GRID = """A conclusion is a coefficient whose interval excludes 0 in the primary analysis. It depends on a choice where that choice finds the opposite sign, \
excluding 0 too; `undecided_under` are choices under which the interval reaches over 0. Intervals are not adjusted: of coefficients that are 0, one in twenty \
stands here by chance."""
POWER = """The least effect each coefficient of people's comments would show with a chance of .80 at this study's own sizes, by its standard error; \
for one of them beside it the \
power at that effect in simulated studies of this very design, with its Monte-Carlo interval: .80 is due."""


def _told(s: Study, speaker: str) -> list[Section]:
    here, out = s.conditions(speaker), []
    name = f" ({speaker})" if len(s.speakers) > 1 else ""
    if "none" in here:
        found = mechanisms.implicit(prepare.paired(s.table, speaker, "none"), s.block)
        out.append(
            Section(
                f"M1: is the relation in the post?{name}", M1, table=found.drop("arm"), name=_slug("m1", s, speaker)
            )
        )
    if {"placebo", "none"} <= set(here):
        _, joint = mechanisms.placebo(s.table, s.block, speaker=speaker)
        parts = [joint]
        if "false" in here:
            follows = mechanisms.followed(s.table, s.block, speaker=speaker)
            parts.append(follows.select("measure", "estimate", "low", "high", "n", arm=pl.lit("kappa on false facts")))
        out.append(
            Section(
                f"M2: what telling does{name}", M2, table=pl.concat(parts, how="diagonal"), name=_slug("m2", s, speaker)
            )
        )
    return out


def _slug(name: str, s: Study, speaker: str) -> str:
    return f"{name}_{s.speakers.index(speaker)}" if len(s.speakers) > 1 else name


def _selection(s: Study) -> tuple[weights.Weighed | None, list[Section], dict[str, pl.DataFrame]]:
    """M3: between less within, and what the weights change; without weights, why there are none."""
    parts: list[pl.DataFrame] = []
    between = mechanisms.between_within(s.human, s.block)
    parts += [between.with_columns(arm=pl.lit("between - within"))] if between.height else []
    try:
        made = weights.weighed(s.human, s.block)
        parts += [weights.weighted(made, s.block), weights.shift(made, s.block)]
    except SociolectError as error:
        table = pl.concat(parts, how="diagonal") if parts else None
        return (
            None,
            [Section("M3: who comments on what", f"{M3}\n\nThere are no weights: {error}.", table=table, name="m3")],
            {},
        )
    doubly = _tried_doubly(made, s)
    control = weights.controlled(made, s.block)
    how, who = "; ".join(f"{k}: {v}" for k, v in weights.told(made)), commenters(made)
    out = [
        Section("M3: who comments on what", M3, table=lean(pl.concat(parts, how="diagonal")), name="m3"),
        Section("The weights", how, table=counted(made.found.overlap(), "category", who), name="overlap", figure=plots.balance(made.balance), people="people"),
        Section("Balance", "Standardised mean differences of the posts' features between categories of commenters; .10 or less is due.", table=counted(made.balance, "category", who), name="balance", people="people"),
    ]  # fmt: skip
    if control is not None:
        out.append(Section("Negative control", "A feature of the post that is not in the propensity, on the commenter's terms, weighted. Due are intervals around 0.", table=lean(control), name="negative_control"))  # fmt: skip
    return made, out + doubly, {} if control is None else {"control": control}


def _tried_doubly(made: weights.Weighed, s: Study) -> list[Section]:
    try:
        found = weights.adjusted(made, s.block)
    except SociolectError as error:
        return [Section("Doubly robust means", f"Not available: {error}.", level="note")]
    prose = "Means of each category of commenters, as if all met the same posts, and less the most frequent one: right where either the weights or the outcome model is."
    return [
        Section(
            "Doubly robust means",
            prose,
            table=counted(lean(found), "contrast", commenters(made)),
            name="doubly_robust",
            people="people",
        )
    ]


def _power(s: Study) -> pl.DataFrame:
    """The detectable effect of every coefficient in closed form, and the power there by simulation of this very design, for one."""
    fit = people.slopes(s.human, s.block)
    told = people.table(fit, s.block, arm="people")
    due = [coefficient_detectable(se, df=df) if se else None for se, df in told.select("se", "df").rows()]
    made = told.select("measure", "contrast", "estimate", "se", detectable=pl.Series(due, dtype=pl.Float64))
    columns = of.columns(fit, s.block.terms)
    rows = of.complete(s.human, s.block, s.block.tones)
    tone = s.block.tones[0]
    name = next((c for c in columns if c.startswith("closeness")), columns[0])
    simulate = random_intercept_study(
        fit.x, of.coded(rows, s.block.group)[0], column=fit.columns.index(name), tau2=float(fit.fit.tau2[0, 0]),
        sigma2=float(fit.fit.sigma2[0]), errors="CR1",
    )  # fmt: skip
    about = due[columns.index(name)] or 0.1
    found = power(simulate, [about], replications=s.at.replications, batched=True, seed=s.seed).row(0, named=True)
    here = (pl.col("measure") == tone) & (pl.col("contrast") == name)
    return made.with_columns(
        pl.when(here).then(pl.lit(found[k])).alias(f"simulated power{end}")
        for k, end in (("power", ""), ("low", ", low"), ("high", ", high"))
    )
