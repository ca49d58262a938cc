"""The study's page: claims first, warnings, the parts, and how every number was made."""

from collections.abc import Mapping, Sequence

import polars as pl

from sociolect import frames
from sociolect.frames import Society
from sociolect.report.anonymity import withheld
from sociolect.report.content import Headline, Page, Section
from sociolect.systems.studies.relationship_alignment.cautions import cautions
from sociolect.systems.studies.relationship_alignment.outcomes import outcomes
from sociolect.systems.studies.relationship_alignment.study import Study

LEAST = 10


def page(
    s: Study, claims: pl.DataFrame, found: Mapping[str, pl.DataFrame], more: Sequence[Section], *,
    society: Society, counts: pl.DataFrame, audited: bool, plants: bool, null: bool, sensitive: bool, made: Mapping[str, str],
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
        *cautions(s, found, audited=audited), *more, *_attrition(s), *_data(s, counts, society),
    ]  # fmt: skip
    return Page("Relationship alignment", sections, headlines(found), summary, sensitive, (*made.items(), *_always(s)))


CLAIMS = """Each published claim beside our estimate for the first model, with its 95 % interval. "Same sign?" is yes where the whole interval has the sign \
and, in a family of tones, the adjusted p is at most .05; equality is shown by two one-sided tests at 5 %. Data, models, reader and sizes differ from the paper's, of which only the abstract and a summary are open to us: agreement is about direction.

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
            if row["estimate"] is None:  # people's own reaction is not told from 0
                continue
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
    """The study's first answer in one sentence; what only noise of drawing may have made is not claimed."""
    if "context" not in found:
        return (
            "No model was asked, so nothing is said about models."
            if "gain" in found
            else "Nothing is known of the relation."
        )
    row = found["context"].filter(pl.col("measure") == "mean over tones").row(0, named=True)
    raw = f"{_number(row['estimate'])} {_doubt(row)}"
    if row["low"] is None or row["low"] <= 0 <= row["high"]:
        return f"Whether telling the relation brings {row['model']} nearer to people in tone is not decided: beta changes by {raw}."
    fixed = {"estimate": row["corrected"], "low": row["corrected low"], "high": row["corrected high"]}
    moved = f"beta {'rises' if row['low'] > 0 else 'falls'} by {abs(row['estimate']):.2f} {_doubt(row)} when {row['model']} is told the relation"
    if fixed["low"] is not None and fixed["low"] * row["low"] > 0 and fixed["low"] * fixed["high"] > 0:
        return f"Telling the relation brings {row['model']} {'nearer to' if row['low'] > 0 else 'farther from'} people in tone: {moved}."
    return f"The raw likeness changes ({moved}); without the noise of drawing this is not decided: {_number(fixed['estimate'])} {_doubt(fixed)}."


def _attrition(s: Study) -> list[Section]:
    if not s.replies:
        return []
    asked = [frames.replies(r.filter(pl.col("condition") != "shuffled")) for r in s.replies]
    made = pl.concat([outcomes(r) for r in asked], how="diagonal")
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
        # the summary says how many people there are in all
        told = withheld(told, k=LEAST, total=True).table
        prose = f"Nothing is printed about fewer than {LEAST} people."
        out.append(Section("Who speaks to whom", prose, table=told, name="traits", people="people"))
    return out


def _always(s: Study) -> list[tuple[str, str]]:
    return [
        ("regressions", f"log(tone + eps), eps half the smallest positive score of the tone over all arms; terms: {', '.join(s.block.terms) or 'none'}; held: {', '.join(s.block.controls) or 'nothing'}; grouped by {s.block.group}"),
        ("intervals", "95 %, sandwich errors by post, or by commenter where commenters come back; those of equivalence tests 90 %"),
        ("p-values", "Holm over tones or coefficients; Benjamini-Hochberg over the table of betas"),
        ("steps, versions, hardware, input hashes", "run.json in the workspace"),
    ]  # fmt: skip


def _number(value: float | None) -> str:
    return "not available" if value is None else f"{round(value, 2) + 0.0:.2f}"  # no -0.00


def _doubt(row: Mapping[str, float | None]) -> str:
    low, high = row["low"], row["high"]
    return "no interval" if low is None or high is None else f"[{round(low, 2) + 0.0:.2f}, {round(high, 2) + 0.0:.2f}]"
