"""The page of a run of its own: the cells, the claims, the four instruments, what they cannot say, and what was lost on the way."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from sociolect.compare.coverage import FILLED, covered
from sociolect.frames import Effects, Scores
from sociolect.report.cells import cells
from sociolect.report.content import Headline, Page, Section
from sociolect.report.forest import forest
from sociolect.report.table import digits, interval
from sociolect.systems import read
from sociolect.systems.held import Here, held
from sociolect.systems.lenses.trustworthy.compare import Gain


class Found(NamedTuple):
    """Everything the page tells. `over` is the lens held against all studied arms, `shown` against the first alone."""

    lens: pl.DataFrame
    over: pl.DataFrame
    shown: pl.DataFrame
    arms: Sequence[str]
    told: Effects
    net: Effects
    calibration: pl.DataFrame
    bounds: pl.DataFrame | None
    corrected: Effects | None
    gained: tuple[pl.DataFrame, Gain | None] | None
    attrition: pl.DataFrame
    flags: pl.DataFrame
    controls: pl.DataFrame
    verdicts: Scores | None
    aside: pl.DataFrame | None
    planted: bool


CELLS = """Each box is one of the 29 cells that the paper sorts trustworthiness into. A filled one holds the number that this run has of \
it, for the arm {arm}, and its 95 % interval; higher is better throughout. An outline is a cell that nothing here measures: its model \
may be good or bad at it, nobody looked."""
RATES = """Shares over items, with Wilson's interval: an item asked more than once counts once. `typo:consistent` is the share of sentences \
whose answer stays when typos come in, `typo:stable` when nothing does. `causal:right` is asked of each pair of events in both orders of \
the words. `helpful` stands beside the safe ratios: of harmless requests, the share that is answered."""
BEATEN = """Arms that know nothing, in the same instruments: what a number has to beat. One answer for all is steady under typos and half right \
about causes; `contingency` calls a cause whatever goes together; who refuses all requests is safe, and of no use."""
SURE = """A question is one point, whatever its letter: the chance stated for the answer that was called likelier, and whether it was \
right. ECE is over ten bins of equal mass. `ECE by chance` is what a perfectly calibrated model of the same certainty would show on so \
many questions. The gap is to the model's own probability of that answer; a model that cannot weigh has none."""
JUDGED = """A judge says of each answer whether it holds harm. Hand labels say how often it errs: the corrected ratio takes its errors \
out (Rogan and Gladen), with the doubt of all three numbers. No request and no answer is quoted."""
FLAGS = {
    True: "No arm refuses harmless requests, gives one answer throughout, or is mostly without an answer.",
    False: "These numbers are not what they look like.",
}
DIFFER = """- The names of the 29 cells are recalled, and their number is checked against the abstract; `lens.toml` can be edited, `--cells` reads another.
- Four of the eight measurements are here, as instruments of our own: typos, calibration, causes, and the safe ratio. Of the paper's items none is shipped.
- The same typos are shown to every model, drawn by item and seed; the released script draws them anew for each model. No sentence comes twice; the script draws with replacement.
- Whether a typo turns an answer is read from yes and no, not judged by a model.
- A judge's reply that says neither is counted and bounded, not dropped. A reply without a stated chance is null, not 100 % on refusing.
- Refusing is not counted as being fair or good: harmless requests stand beside, and an arm that refuses them is flagged.
- Orders are drawn by seed and balanced, so that taking the first answer is right half of the time.
- Published result tables were not read, so none is on the card."""


def page(f: Found, made: Mapping[str, str]) -> Page:
    """The whole page."""
    mine = pl.col("contrast").is_in(list(f.arms))
    sections = [
        grid(f.lens, f.shown, CELLS.format(arm=f.arms[0])),
        claimed(f.lens, f.gained, planted=f.planted),
        *_gained(f),
        Section("What fills the cells", "One row per cell and arm; an empty cell has one row without a number.", table=f.over, name="cells"),
        Section("Category by category", "A cell counts only with a number behind it.", table=covered(f.over), name="covered"),
        Section("The four instruments", RATES, table=f.told.filter(mine), name="measured"),
        *_baselines(f),
        Section("Flips by typos, net of changes of mind", "The share of sentences whose answer typos turn, less the share that turns when the sentence is asked again as it stands. Lower is better.", table=f.net.filter(mine), name="net_flips"),
        Section("How sure, and how right", SURE, table=f.calibration, name="calibration"),
        *_judged(f),
        _flags(f),
        Section("Labels dealt at random", "The same scores with the right answers, outcomes or hand labels dealt to other items. They have to fall to chance; about one row in twenty lies beyond two standard errors.", table=f.controls, name="controls"),
        *_left_out(f),
        Section("Where we differ", DIFFER.replace("\n- ", "\n\n").removeprefix("- ")),
    ]  # fmt: skip
    n = f.shown.filter(state=FILLED)["cell"].n_unique()
    what = "planted models, whose every leaning is known" if f.planted else "the models named"
    summary = f"{n} of {f.lens.height} cells have a number behind them, measured on {what}; {f.lens.height - n} are empty. {_verdict(f)}"
    return Page("Trustworthy language models", sections, _headlines(f), summary, made=(*made.items(), *ALWAYS))


ALWAYS = (
    ("intervals", "95 %; over items: Wilson for shares, Student's t for differences"),
    ("not shown", "requests, answers to them, and the sentences of a table"),
)


def grid(lens: pl.DataFrame, shown: pl.DataFrame, prose: str) -> Section:
    """The figure: a box per cell, with the first number that fills it."""
    once = shown.unique("cell", keep="first", maintain_order=True)
    return Section(
        "The 29 cells" if lens.height == 29 else f"The {lens.height} cells",
        prose,
        figure=cells(once, name="Cells filled and empty"),
    )


def claimed(lens: pl.DataFrame, gained: tuple[pl.DataFrame, Gain | None] | None, *, planted: bool) -> Section:
    """The paper's claims beside what we find."""
    found = {
        "categories": Here(float(lens["group"].n_unique()), why="groups of the lens"),
        "cells": Here(float(lens.height), why="cells of the lens"),
        "measured": Here(
            float(lens["measured_in_paper"].sum()),
            why="cells of the lens that the paper measures; four instruments are here",
        ),
    }
    told = gained[1] if gained else None
    if told is not None:
        whose = "planted arms: what was planted comes back" if planted else "the two arms named"
        found["overall"] = Here(told.estimate, told.low, told.high, told.n, why=f"{whose}; mean over instruments")
        sure = "yes" if told.p_q < 0.05 else "undecided"
        found["varies"] = Here(
            told.q, None, None, told.n, same=sure, why=f"{whose}; p of one gain for all {digits(told.p_q)}"
        )
    table = held(read(Path(__file__).parent).claims, found, planted=planted)
    prose = (
        ""
        if told is not None
        else "The last two claims are about arms named `aligned` and `base`, asked by a run of this system."
    )
    return Section("What the paper claims, and what we find", prose, table=table, name="claims")


def _gained(f: Found) -> list[Section]:
    if not f.gained or f.gained[0].is_empty():
        return []
    table = f.gained[0]
    prose = "The same items, answered by both. Where the interval lies to the right of 0 the aligned arm does better."
    shown = table.filter(pl.col("estimate").is_not_null()).with_columns(
        contrast="measure", measure=pl.lit("aligned - base")
    )
    return [
        Section(
            "Aligned less base, measure by measure",
            prose,
            figure=forest(shown, title="Aligned - base"),
            table=table,
            name="gained",
        )
    ]


def _baselines(f: Found) -> list[Section]:
    others = f.told.filter(~pl.col("contrast").is_in(list(f.arms)))
    shown = others.filter(pl.col("estimate").is_not_null() & ~pl.col("measure").str.starts_with("safe:"))
    return [Section("What there is to beat", BEATEN, table=shown, name="baselines")] if shown.height else []


def _judged(f: Found) -> list[Section]:
    if f.verdicts is None:
        why = "Answers to bad requests were not judged: no --judge was named. The cells of safety are empty, whatever was answered."
        return [Section("No safe ratio", why, level="note")]
    out = []
    if f.corrected is not None:
        out.append(
            Section(
                "Safe ratio, with the judge's errors taken out",
                JUDGED,
                table=f.corrected.filter(pl.col("contrast").str.replace(r", \w+$", "").is_in([*f.arms, "refuse"])),
                name="corrected",
            )
        )
    else:
        out.append(Section("The judge is not corrected", "No hand labels were given with --labels: the safe ratios are the judge's word, and nobody knows how often it errs.", level="warning"))  # fmt: skip
    told = f.verdicts.group_by("community").agg(
        [(pl.col("judged") == o).sum().alias(o) for o in ("safe", "harmful", "unparsed", "blank")]
    )
    out.append(
        Section(
            "What the judge said",
            "How often, by arm; what says neither yes nor no is no verdict.",
            table=told.sort("community"),
            name="verdicts",
        )
    )
    if f.bounds is not None:
        out.append(
            Section(
                "If every lost verdict had been the worst, or the best",
                "",
                table=f.bounds.filter(pl.col("contrast").is_in(list(f.arms))),
                name="bounds",
            )
        )
    return out


def _flags(f: Found) -> Section:
    studied = f.flags.filter(pl.col("arm").is_in(list(f.arms)))
    said = FLAGS[f.flags.is_empty()]
    level = "warning" if studied.height else ""
    return Section(
        "Arms whose numbers mislead", said, table=None if f.flags.is_empty() else f.flags, name="flags", level=level
    )


def _left_out(f: Found) -> list[Section]:
    out = [
        Section(
            "Asked, answered, refused, not understood",
            "Every reply is in one of these; none is taken for another.",
            table=f.attrition,
            name="attrition",
        )
    ]
    if f.aside is not None and f.aside.height:
        out.append(Section("Sentences that were left out", "", table=f.aside, name="aside"))
    return out


def _headlines(f: Found) -> list[Headline]:
    """The filled cells of the paper's measurements, for the first arm."""
    once = f.shown.filter(state=FILLED).unique("cell", keep="first", maintain_order=True)
    some = once.filter(pl.col("measure").is_in(["calibrated", "causal:right", "typo:consistent"]))
    n = once.height
    return [
        Headline("cells with a number", f"{n} of {f.lens.height}", "a count", "covered"),
        *(Headline(f"{r['measure']}, {r['contrast']}", digits(r["estimate"]), interval(r["low"], r["high"]).strip(), "measured") for r in some.iter_rows(named=True)),
    ]  # fmt: skip


def _verdict(f: Found) -> str:
    told = f.gained[1] if f.gained else None
    if told is None:
        return "No two arms named aligned and base were compared."
    way = "better" if told.low > 0 else "worse" if told.high < 0 else "not shown to be better or worse"
    even = (
        "unevenly from instrument to instrument"
        if told.p_q < 0.05
        else "not shown to differ from instrument to instrument"
    )
    return f"The aligned arm is {way} than its base on average ({digits(told.estimate)}{interval(told.low, told.high)}), {even}."
