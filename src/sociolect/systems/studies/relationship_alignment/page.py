"""The study's page: claims first, warnings, the parts, and how every number was made."""

from collections.abc import Mapping, Sequence

import polars as pl

from sociolect.frames import Society
from sociolect.report import plots
from sociolect.report.content import Headline, Page, Section
from sociolect.systems.studies.relationship_alignment import learn, similar
from sociolect.systems.studies.relationship_alignment.outcomes import outcomes
from sociolect.systems.studies.relationship_alignment.study import Study
from sociolect.tones import TONES

LEAST = 10


def page(
    s: Study, claims: pl.DataFrame, found: Mapping[str, pl.DataFrame], more: Sequence[Section], *,
    society: Society, counts: pl.DataFrame, plants: bool, null: bool, sensitive: bool, made: Mapping[str, str],
) -> Page:  # fmt: skip
    """The whole page; it shows no text of anybody, and no class of people with fewer than ten."""
    what = (
        ("planted pairs in which the relation moves nothing" if null else "planted pairs")
        if plants
        else "the pairs given"
    )
    pairs, posts = s.human.height, s.human["post"].n_unique()
    people = s.human["commenter"].n_unique()
    summary = f"{pairs:,} comments by {people:,} people on {posts:,} posts: {what}. {verdict(found)}"
    sections = [
        Section("What the paper claims, and what we find", CLAIMS, table=claims, name="claims"),
        *warnings(s, found), *more, *_attrition(s), *_data(s, counts, society),
    ]  # fmt: skip
    return Page("Relationship alignment", sections, headlines(found), summary, sensitive, (*made.items(), *_always(s)))


CLAIMS = """Each published claim beside our estimate with its 95 % interval (90 % for the equivalence). "Same sign?" holds the whole interval against the \
claim. Data, models, reader and sizes differ from the paper's, of which only the abstract and a summary are open to us: agreement is about direction.

Coefficients describe the tone of text in a sample, never a person."""


def headlines(found: Mapping[str, pl.DataFrame]) -> list[Headline]:
    """The answers of both parts in five numbers, as far as they were measured."""
    out = []
    if "gain" in found:
        shown = int((found["gain"]["p_holm"] <= 0.05).sum())
        out.append(
            Headline(
                "tones of people that the relation moves", f"{shown} of {found['gain'].height}", "Holm, 5 %", "gain"
            )
        )
    if "kappa" in found:
        whole = found["kappa"].filter(pl.col("measure") == "all tones")
        for arm in [a for a in whole["arm"] if a.endswith(("none", "all"))][:2]:
            row = whole.filter(pl.col("arm") == arm).row(0, named=True)
            out.append(
                Headline(
                    f"reaction to the relation, told {arm.rpartition(' ')[2]} (people: 1)",
                    _number(row["estimate"]),
                    _doubt(row),
                    "kappa",
                )
            )
    if "context" in found:
        row = found["context"].filter(pl.col("measure") == "mean over tones").row(0, named=True)
        out.append(Headline("similarity, told all − none", _number(row["estimate"]), _doubt(row), "context"))
    return out


def verdict(found: Mapping[str, pl.DataFrame]) -> str:
    """The study's first answer in one sentence; nothing is claimed where an interval holds 0."""
    if "context" not in found:
        return (
            "No model was asked, so nothing is said about models."
            if "gain" in found
            else "Nothing is known of the relation."
        )
    row = found["context"].filter(pl.col("measure") == "mean over tones").row(0, named=True)
    if row["low"] is None or row["low"] <= 0 <= row["high"]:
        return "Whether telling the relation brings comments nearer to people's is not decided: the interval holds 0."
    return f"Telling the relation brings the first model's comments {'nearer to' if row['low'] > 0 else 'farther from'} people's in tone."


def warnings(s: Study, found: Mapping[str, pl.DataFrame]) -> list[Section]:
    """What must not be overlooked, said loudly."""
    told: list[tuple[str, str]] = []
    if "betas" in found:
        first = found["betas"].filter(pl.col("condition") != "shuffled")
        for model in s.speakers:
            mine = first.filter(pl.col("model") == model)
            if mine.height and bool((mine["low"] <= 0).all()):
                told.append(
                    (
                        "No likeness",
                        f"{model}: no tone's beta is above 0 in any condition. Its comments have nothing of people's on the same pair.",
                    )
                )
        better = found.get("context", pl.DataFrame())
        if better.height and bool((better.filter(pl.col("measure") != "mean over tones")["estimate"] > 0.1).all()):
            told.append(
                (
                    "Every tone improves strongly",
                    "Telling the relation raises every tone's beta by more than .10: does the reader read the told fact and not the tone? See the echoes below.",
                )
            )
    dull = [t for t in TONES if t in s.wide.columns and t not in s.block.tones]
    if dull:
        told.append(
            ("Tones without variation", f"{', '.join(dull)}: the same in every comment of people, so left out.")
        )
    if s.block.group == "thread":
        told.append(
            (
                "Grouped by thread",
                "Most posts have a single comment, so comments are grouped by their thread: what is called post in these tables is the thread.",
            )
        )
    if "depends" in found and (n := found["depends"]["depends_on"].count()):
        told.append(
            (
                "Conclusions that depend on a choice",
                f"{n} of {found['depends'].height} conclusions of Part I change their sign under a choice the paper leaves open: see the grid.",
            )
        )
    few = s.human[s.block.group].n_unique()
    if few < 50:
        told.append(
            ("Few clusters", f"{few} {s.block.group}s: intervals of sandwich errors are too narrow below about 50.")
        )
    return [Section(title, text, level="warning") for title, text in told]


def _attrition(s: Study) -> list[Section]:
    if not s.replies:
        return []
    made = pl.concat([outcomes(r) for r in s.replies], how="diagonal")
    prose = "Asked = answered + refused + empty + unparsed. `echoes` is the share of answers that repeat a fact they were told: a reader may read that and not the tone. Only answers are scored; what was refused has no tone."
    return [Section("What became of every comment that was asked for", prose, table=made, name="attrition")]


def _data(s: Study, counts: pl.DataFrame, society: Society) -> list[Section]:
    aside = society.set_aside.select(outcome=pl.lit("loading"), reason="reason", count="count")
    classes = [
        s.human.group_by(pl.col(c).alias("value")).agg(comments=pl.len(), people=pl.col(c.split("_")[0] if c != "closeness" else "commenter").n_unique()).with_columns(trait=pl.lit(c))
        for c in ("commenter_gender", "poster_gender", "closeness")
        if c in s.human.columns
    ]  # fmt: skip
    out = [Section("What the data lost on the way", "Every comment that was left out, and every value that is unknown. An unknown closeness is not a stranger's.", table=pl.concat([counts.cast({"count": pl.Int64}), aside.cast({"count": pl.Int64})]), name="loading")]  # fmt: skip
    if classes:
        told = pl.concat(classes).select("trait", "value", "comments", "people").sort("trait", "value", nulls_last=True)
        few = pl.col("people") < LEAST
        told = told.with_columns(pl.when(~few).then(c).alias(c) for c in ("comments", "people"))
        out.append(
            Section(
                "Who speaks to whom", f"Nothing is printed about fewer than {LEAST} people.", table=told, name="traits"
            )
        )
    return out


def _always(s: Study) -> list[tuple[str, str]]:
    return [
        ("regressions", f"log(tone + eps), eps half the smallest positive score of the tone over all arms; terms: {', '.join(s.block.terms) or 'none'}; grouped by {s.block.group}"),
        ("intervals", "95 %, sandwich errors by post (and commenter, where commenters come back); equivalence at 90 %"),
        ("p-values", "Holm over tones or coefficients; Benjamini-Hochberg over the table of betas"),
        ("steps, versions, hardware, input hashes", "run.json in the workspace"),
    ]  # fmt: skip


def learning(table: pl.DataFrame, s: Study, counts: pl.DataFrame) -> list[Section]:
    """Prompting against fine-tuning with the relation in the demonstrations: betas of the arms on the same pairs, Holm over contrasts."""
    speaker = table.filter(pl.col("source") == "model")["speaker"][0]
    found = similar.similar(table, s.block, speaker=speaker, conditions=list(learn.ARMS))
    gaps = pl.concat([similar.context(found, to="finetuned", than=other) for other in ("prompted", "finetuned_none")])
    return [
        Section("Fine-tuning against prompting", LEARN, table=gaps, name="learn", figure=plots.forest(gaps.drop("n").with_columns(contrast="measure", measure="contrast"), axis="difference in beta")),
        Section("The arms' betas", "", table=similar.betas(found).select("measure", "condition", "estimate", "low", "high", "n", "correlation", "ratio of spreads", "reliability"), name="learn_betas"),
        Section("Who was learnt from and who was asked", "The sides share no post and no commenter.", table=counts, name="learn_sides"),
    ]  # fmt: skip


LEARN = """`prompted` is the base told all in its prompt, `finetuned` the base taught with comments that stand after these prompts, `finetuned_none` taught with \
the same comments after prompts that tell nothing, and asked so. Differences of beta on the same pairs, the same reader."""


def _number(value: float | None) -> str:
    return "not available" if value is None else f"{value:.2f}"


def _doubt(row: Mapping[str, float | None]) -> str:
    low, high = row["low"], row["high"]
    return "no interval" if low is None or high is None else f"[{low:.2f}, {high:.2f}]"
