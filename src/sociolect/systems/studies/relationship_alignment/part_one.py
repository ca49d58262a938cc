"""Part I on the page: the relation in people's comments, and the same slopes of every model beside them."""

import polars as pl

from sociolect import frames
from sociolect.errors import RefusedError, SociolectError
from sociolect.report import plots
from sociolect.report.content import Section
from sociolect.systems.studies.relationship_alignment import people, prepare
from sociolect.systems.studies.relationship_alignment.study import Study

# Columns of the design as a reader says them.
WORDS = {
    "commenter_gender": "commenter", "poster_gender": "poster", "both_men": "man to man", "commenter_decades": "commenter's age",
    "poster_decades": "poster's age", "gap_decades": "distance in age", "not_close": "not close",
}  # fmt: skip
LEAN = ("measure", "contrast", "arm", "estimate", "low", "high", "n", "clusters", "p", "p_holm", "left_out")


def sections(s: Study) -> tuple[list[Section], dict[str, pl.DataFrame]]:
    """The sections of Part I, and the tables that claims are held against: gain, slopes."""
    if not s.block.terms:
        return _none(s)
    fit = people.slopes(s.human, s.block)
    told = people.table(fit, s.block, arm="people")
    gained = people.gain(s.human, s.block)
    split = _split(s)
    arms = [
        told,
        *(_arm(s, speaker, c) for speaker in s.speakers for c in ("none", "all") if c in s.conditions(speaker)),
    ]
    every = pl.concat(arms, how="diagonal")
    out = [
        Section("Do these terms move the tone of people's comments?", GAIN, table=_short(gained, 4), name="gain"),
        Section(
            "Slopes of people, and of models beside them", f"{SLOPES}\n\n{how(every)}", table=lean(every), name="slopes",
            figure=plots.forest(_shown(every, s), beside="arm", axis="log tone"),
        ),
        Section("Within posts and between them", f"{SPLIT}{_dyads(s)}\n\n{how(split)}", table=lean(split), name="within_between"),
    ]  # fmt: skip
    # terms of another kind, such as what a comment is about, are no relation: no claim is held against them
    related = any(word in term for term in s.block.terms for word in RELATION)
    return out, {"gain": gained, "slopes": told} if related else {"slopes": told}


RELATION = ("commenter_", "poster_", "both_men", "gap_", "closeness")


def _split(s: Study) -> pl.DataFrame:
    """Within and between posts: people, and the first model told nothing and all, where enough pairs were asked for a split."""
    parts = [people.within_between(s.human, s.block, arm="people")]
    first = s.speakers[0] if s.speakers else ""
    for condition in [c for c in s.conditions(first) if c in ("none", "all")]:
        rows = prepare.paired(s.table, first, condition)
        try:
            parts.append(people.within_between(rows, s.block, arm=f"{first}, {condition}", prefix="model "))
        except RefusedError as error:
            none = {
                "measure": "all tones",
                "contrast": "not fitted",
                "arm": f"{first}, {condition}",
                "method": f"not fitted: {error}",
            }
            parts.append(
                frames.effects(
                    pl.DataFrame(
                        [none | {"n": rows.height} | dict.fromkeys(("estimate", "low", "high"))],
                        schema_overrides=NUMBERS,
                    )
                )
            )
    return pl.concat(parts, how="diagonal")


NUMBERS = {"n": pl.Int64} | dict.fromkeys(("estimate", "low", "high"), pl.Float64)


def _dyads(s: Study) -> str:
    """What to say where every group is a talk of two."""
    return DYADS if people.sided(s.human, s.block) != s.block else ""


DYADS = """ Here every group is a talk of two: within it one's deviation is the other's with its sign turned, so that the poster's terms are left out \
and the commenter's slope within is theirs less the poster's."""
GAIN = """Every tone is regressed on who speaks to whom (genders and their product, ages and their distance, closeness, as far as they are \
told), with the post's own tones held and a random intercept per post. `chi2` is the likelihood ratio of the social block, on maximum likelihood \
fits of the same rows; `aic` and `bic` are those of the fit without it less those with it. R2 are Nakagawa's, marginal and conditional, with and \
without the block. p is that of the joint Wald test with clustered errors, adjusted over tones by Holm."""
SLOPES = """What a step in each term adds to the log of the tone. A class is held against one that is not listed (women, strangers, else the first by name); ages \
count in decades from 40. The \
same regressions on the models' comments on the same posts (mean of the draws): `none` told nothing about the two people, `all` \
everything that is known. Errors are sandwich errors by post, or by commenter where commenters come back to several posts. p by Holm, per arm. The coefficients \
describe the tone of text in this sample, not people."""
SPLIT = """A random intercept alone mixes two things: how comments differ within a post, and who comments on what. Every term that varies within \
posts stands here twice: its deviation from the post's mean, and that mean (Mundlak 1978). A model that was told nothing can only follow the second."""


def lean(table: pl.DataFrame) -> pl.DataFrame:
    """The columns a reader wants, as far as they are there, and levels written as they are read."""
    return plain(table.select([c for c in LEAN if c in table.columns]))


def how(table: pl.DataFrame) -> str:
    """How the rows of a table were fitted, the most frequent way first: a sentence for under its prose.

    >>> how(pl.DataFrame({"method": ["REML", "REML", "REML; no variance between post"]}))
    'Fitted by REML (2 rows); REML; no variance between post (1 row).'
    """
    ways = table["method"].drop_nulls().value_counts().sort("count", "method", descending=[True, False])
    return "Fitted by " + "; ".join(f"{way} ({n} row{'s' * (n > 1)})" for way, n in ways.rows()) + "."


def plain(table: pl.DataFrame) -> pl.DataFrame:
    """The names of columns of a design as words.

    >>> plain(pl.DataFrame({"contrast": ["closeness[T.not_close] [within post]"]})).item()
    'closeness = not close [within post]'
    """
    level = pl.col("contrast").str.replace_all(r"\[T\.(\w+)\]", " = $1")
    return table.with_columns(level.str.replace_many(list(WORDS), list(WORDS.values())))


def _arm(s: Study, speaker: str, condition: str) -> pl.DataFrame:
    rows = prepare.paired(s.table, speaker, condition)
    name = condition if len(s.speakers) == 1 else f"{speaker}, {condition}"
    return people.table(people.slopes(rows, s.block, prefix="model "), s.block, arm=name)


def _shown(every: pl.DataFrame, s: Study) -> pl.DataFrame:
    """What fits a figure: people and the first model, told nothing and all, on the commenter's terms; the table has all."""
    few = every["arm"].unique(maintain_order=True).to_list()[:3]
    series = {arm: arm.rpartition(", ")[2] for arm in few}  # of one model its condition is name enough
    mine = pl.col("contrast").str.contains(
        r"^(commenter_gender\[T.man\]|commenter_decades|gap_decades|closeness.*|setting.*)$"
    )
    shown = every.filter(pl.col("arm").is_in(few)).with_columns(pl.col("arm").replace(series))
    return plain(shown.filter(mine) if shown.filter(mine).height else shown).drop("n")


def _short(table: pl.DataFrame, digits: int) -> pl.DataFrame:
    return table.with_columns(pl.col(c).round_sig_figs(digits) for c in table.columns if table.schema[c].is_float())


def _none(s: Study) -> tuple[list[Section], dict[str, pl.DataFrame]]:
    """Without any trait: how much of each tone lies between posts, which is all that can be asked."""
    from sociolect.compare.mixed_effects import mixed_effects
    from sociolect.systems.studies.relationship_alignment import terms as of

    try:
        fit = mixed_effects(s.human, of.formula((), groups=[s.block.group]), outcomes=s.block.tones)
    except SociolectError as error:
        return [
            Section("No relation is told", f"No trait of the two people is in the data, and {error}.", level="warning")
        ], {}
    made = pl.DataFrame({
        "measure": fit.outcomes, "between groups": fit.fit.tau2[0], "within": fit.fit.sigma2,
        "share between": fit.fit.tau2[0] / (fit.fit.tau2[0] + fit.fit.sigma2),
    })  # fmt: skip
    prose = f"No trait of the two people is in the data: nothing can be said about the relation. The variance of each log tone between and within a {s.block.group}:"
    return [Section("No relation is told", prose, table=made, name="variance", level="warning")], {}
