"""The page: do twins agree sooner than people, and how much of what moves people is measurement error."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from sociolect.elicit.outcomes import outcomes
from sociolect.frames import Effects, Replies, Society
from sociolect.report.content import Headline, Page, Section
from sociolect.report.plots import forest
from sociolect.report.table import digits, interval
from sociolect.systems.worlds.debate import claims
from sociolect.systems.worlds.debate.align import Tuned
from sociolect.systems.worlds.debate.compare import PEOPLE
from sociolect.systems.worlds.debate.influence import Influence
from sociolect.systems.worlds.debate.regression import MEASURES
from sociolect.systems.worlds.debate.regression import NULLS as NULLED
from sociolect.systems.worlds.debate.simulate import true_shares

Ends = tuple[float | None, float | None, float | None]


class Found(NamedTuple):
    """Everything the page tells."""

    society: Society
    replies: Replies
    modes: Effects
    changes: Effects
    individual: Mapping[str, pl.DataFrame]
    nulls: pl.DataFrame
    reliability: float  # what the null stands at
    rho: Ends
    influences: Mapping[str, tuple[Influence, tuple[float, float, float] | None]]
    power: pl.DataFrame
    tuned: Tuned | None
    arms: tuple[str, ...]
    plants: bool
    moved: float
    twins: float | None  # the partners' coefficient of the planted twin; null for any other


CLAIMS = """A mean over groups, with a 95% interval over groups. Its t values are no targets: version 1 contradicts itself on them. The \
correlations are held against 0, as the paper has them; whether they are more than measurement error is [another question](#nulls)."""
CONVERGENCE = """The spread of a group is the standard deviation of its four people's stances. What matters is the difference between twins \
and the very people they play, group by group: a change of the twins beside none of the people is not yet a difference."""
NULLS = """Nobody need move anybody for these correlations to appear. Who reports an extreme opinion once reports a milder one the next \
time, because reports err: with reliability rho, r(change, initial) is -sqrt((1 - rho) / 2) and r(change, partner - own) is \
sqrt(1 - rho) / 2. The band is the middle 95% of {draws} draws of these very groups with no influence at all, on six levels (from floor to ceiling in the figure); beyond it is a correlation \
whose whole interval lies outside."""
INFLUENCE = """final ~ initial + sum of the three partners' initial opinions, errors clustered by group. Reports that err pull the \
coefficient towards 0; over the reliability of a report it is right again. The reliability is estimated from people whose partners share \
their view, whom nobody pulls away, unless it is given. Twins begin from the very level they are told, so theirs is not put over it; \
what they hear of each other errs, so less comes through than a meeting's share. `planted` is what endless groups would show."""
UTTERANCES = """Each simulated message on the topic against all that its person wrote on it in the same round; then over messages, then over \
groups. Length is confounded with everything: at matched length both texts are cut to the words of the shorter."""
POWER = """{n} simulated studies with as many groups as here, people whom nobody moves, and twins whom a meeting moves by the share in the \
first column. `power` is the chance that the difference of the changes of spread is found (Welch's test over groups); in the first \
row it is the false positives. `covered` is how often the interval of the corrected coefficient holds the truth."""
ATTRITION = (
    "Every message and report asked of a twin, by what came of it. A blank message is heard by nobody; nothing is filled in. \
Refusals are read for their stance too, and are off topic where they take none."
)
DIFFERENT = """The paper shows a conversation as many user messages labelled mine or partner; here it is one message with labelled lines, since \
many chat templates take turns strictly. A simulated chat has 6 messages unless told otherwise: the paper gives minutes. Stance judge, its prompt, and the unit of \
length (words) are ours. The opinion scale and its six levels are the paper's, its words ours.

The paper compares a significant change of the models with a change of the people that is not; here the difference is tested, group by \
group. It reads correlations of change as mechanisms; here they stand beside their null, and the partners' coefficient answers instead.

With independent opinions r(change, partner - own) is r(change, initial) over the square root of 2 in absolute value, whatever errs: .41 and \
.25, which our notes on the paper give for six levels at reliability .6, cannot both come of such groups."""
VERSIONS = pl.DataFrame(
    {
        "what": ["messages", "people", "groups", "verdict on tuning"],
        "v1": ["29,417", "2,792 (and 2,012)", "797", "surface measures improve, meaning does not"],
        "later": [
            "36,383; 30,707",
            "2,832; 2,788 after cleaning",
            "708; 697 after cleaning",
            "stance and convergence improve",
        ],
    }
)


def page(f: Found, made: Mapping[str, str]) -> Page:
    """The whole page, figure first."""
    sections = [*_warnings(f), _convergence(f), Section("What the paper claims, and what we find", CLAIMS, table=claims.told(f), name="claims"),
                *_null(f), _influence(f), _utterances(f)]  # fmt: skip
    if f.tuned is not None:
        sections.append(_tuned(f.tuned))
    sections += [
        Section(
            "What this many groups can show", POWER.format(n=f.power["replications"][0]), table=f.power, name="power"
        ),
        Section("What became of each message", ATTRITION, table=_attrition(f), name="attrition"),
        *_aside(f),
        Section("The versions disagree", "The card holds version 1.", table=VERSIONS, name="versions"),
        Section("Where we differ", DIFFERENT),
    ]
    return Page("Do twins agree too soon?", sections, _headlines(f), _summary(f), made=(*made.items(), *ALWAYS))


ALWAYS = (
    ("unit", "the group of four: its people, posts and chats are no samples of their own"),
    ("intervals", "95%, Student's t over groups; correlations and the reliability by resampling groups"),
    (
        "what a twin sees",
        "its persona, its first opinion, and what its person had heard by then; no final opinion of anybody",
    ),
)


def _warnings(f: Found) -> list[Section]:
    if f.plants and f.twins == 0:
        return [Section("Nothing is planted", "No meeting moves the twins: no difference may be found.", level="note")]
    return []


def _convergence(f: Found) -> Section:
    drawn = f.changes.filter(pl.col("measure").str.starts_with("SD"))
    figure = forest(
        drawn, axis="change of the spread within groups", title="Change of spread: people, twins, and the difference"
    )
    return Section("Do groups come to agree?", CONVERGENCE, table=f.changes, name="groups", figure=figure,
                   caption="below 0: the group agrees more than at first")  # fmt: skip


def _null(f: Found) -> list[Section]:
    band = f.nulls.filter(reliability=round(f.reliability, 3)).select(
        "measure", "null", floor="null_low", ceiling="null_high"
    )
    parts = [told.with_columns(contrast=pl.lit(who)) for who, told in f.individual.items()]
    lines = Section(
        "The same at other reliabilities", "Correlations with no influence at all.", table=f.nulls, name="null_lines"
    )
    if not parts:
        return [lines]
    rows = pl.concat(parts).join(band, on="measure", how="left", maintain_order="left")
    beyond = (
        pl.when((pl.col("low") > pl.col("ceiling")) | (pl.col("high") < pl.col("floor")))
        .then(pl.lit("yes"))
        .otherwise(pl.lit("no"))
    )
    rows = rows.with_columns(beyond.alias("beyond the null"))
    rows = rows.sort(pl.col("measure").replace_strict({m: k for k, m in enumerate(MEASURES)}), maintain_order=True)
    figure = forest(rows, axis="correlation", title="Correlations beside what error alone gives")
    source = "" if f.rho[0] is not None else ", which is assumed: these groups do not tell it"
    prose = f"{NULLS.format(draws=NULLED)} The band stands at reliability {f.reliability:.2f}{source}."
    table = rows.select("measure", "contrast", "estimate", "low", "high", "n", "null", null_low="floor", null_high="ceiling",
                        beyond="beyond the null")  # fmt: skip
    return [Section("What measurement error alone would show", prose, table=table, name="nulls", figure=figure), lines]


def _influence(f: Found) -> Section:
    rows: list[tuple[object, ...]] = []
    for who, (b, right) in f.influences.items():
        one = (float(b.estimate[0]), float(b.low[0]), float(b.high[0]))
        truth = (true_shares(f.moved)[1] if who == PEOPLE else f.twins) if f.plants else None
        rows.append((who, "as reported", *one, b.groups, b.people, truth if who != PEOPLE else None))
        if right is not None:
            rows.append((who, "over the reliability", *right, b.groups, b.people, truth if who == PEOPLE else None))
    rho, low, high = f.rho
    if rho is not None:
        groups = f.society.posts["session"].n_unique()
        rows.append((PEOPLE, "reliability of a report", rho, low, high, groups, f.society.people.height, None))
    names = ["who", "what", "estimate", "low", "high", "groups", "people", "planted"]
    table = pl.DataFrame(
        rows, schema=names, orient="row", infer_schema_length=None, schema_overrides={"planted": pl.Float64}
    )
    return Section("Do partners move people?", INFLUENCE, table=table, name="influence", people="people")


def _utterances(f: Found) -> Section:
    return Section("How like their people twins write", UTTERANCES, table=f.modes, name="utterances")


def _tuned(tuned: Tuned) -> Section:
    prose = (
        f"{tuned.base}, taught {tuned.taught:,} messages; {tuned.tested:,} held out by {tuned.split}, asked in mode 1. ROUGE-L and absolute \
length are what tuning is due to improve; stance and cosine are reported only."
    )
    return Section("What tuning changes", prose, table=tuned.effects, name="tuned")


def _attrition(f: Found) -> pl.DataFrame:
    spoke = pl.col("phase").str.contains("^(post|chat)")
    aside = (spoke & pl.col("text").is_not_null() & pl.col("stance").is_null()).sum()
    counted = outcomes(f.replies, by=("community", "condition"), unread="invalid", aside=aside)
    return counted.rename({"community": "arm", "condition": "mode", "aside": "off topic"})


def _aside(f: Found) -> list[Section]:
    return (
        [Section("What was left out", table=f.society.set_aside, name="set_aside")]
        if f.society.set_aside.height
        else []
    )


def _headlines(f: Found) -> list[Headline]:
    gap = f.changes.filter(measure="SD of private opinion", contrast=f"{f.arms[0]} - {PEOPLE}").row(0, named=True)
    out = [
        Headline(
            "twins less people: change of spread",
            digits(gap["estimate"]),
            interval(gap["low"], gap["high"]).strip(),
            "groups",
        )
    ]
    if PEOPLE in f.influences:
        b, right = f.influences[PEOPLE]
        told = right or (float(b.estimate[0]), float(b.low[0]), float(b.high[0]))
        label = "partners' share in people's opinions" + ("" if right else ", uncorrected")
        out.append(Headline(label, digits(told[0]), interval(*told[1:]).strip(), "influence"))
    return out


def _summary(f: Found) -> str:
    gap = f.changes.filter(measure="SD of private opinion", contrast=f"{f.arms[0]} - {PEOPLE}").row(0, named=True)
    if gap["estimate"] is None:
        return "Too few groups have a number: whether twins agree sooner than people cannot be told."
    how = "sooner than" if gap["high"] < 0 else "later than"
    lead = f"Twins agree {how} the people they play"
    if gap["low"] <= 0 <= gap["high"]:
        lead = "Twins are neither seen to agree sooner nor later than the people they play"
    what = "planted sessions" if f.plants else "recorded sessions"
    return (
        f"{lead}: over {gap['n']} {what} the spread of private opinions changes by {digits(gap['estimate'])} levels"
        f"{interval(gap['low'], gap['high'])} against that of the people."
    )
