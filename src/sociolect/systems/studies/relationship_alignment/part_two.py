"""Part II on the page: do models react to the relation as people do, and does telling it bring their comments nearer?"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from sociolect.compare.elasticity import elasticity
from sociolect.report import plots
from sociolect.report.content import Section
from sociolect.systems.studies.relationship_alignment import gaps, prepare, similar
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.bounds import ceiling
from sociolect.systems.studies.relationship_alignment.part_one import lean, plain
from sociolect.systems.studies.relationship_alignment.similar import Similar
from sociolect.systems.studies.relationship_alignment.study import Study


def sections(s: Study) -> tuple[list[Section], dict[str, pl.DataFrame]]:
    """The sections of Part II, and the tables that claims are held against: equal, betas, context, order."""
    out, tables = _sensitivity(s) if s.block.terms else ([], {})
    found = {speaker: similar.similar(s.table, s.block, speaker=speaker, conditions=[*s.conditions(speaker), *_floor(s, speaker)]) for speaker in s.speakers}  # fmt: skip
    betas = pl.concat([similar.betas(f) for f in found.values()])
    both = [f for speaker, f in found.items() if {"none", "all"} <= set(s.conditions(speaker))]
    narrow = betas.select("measure", "contrast", "model", "condition", "estimate", "low", "high", "n", "p_bh", "correlation", "ratio of spreads", "reliability", "corrected slope", "corrected correlation")  # fmt: skip
    first = betas.filter((pl.col("model") == s.speakers[0]) & pl.col("condition").is_in(["none", "all", "shuffled"]))
    out.append(
        Section(
            "Is a model's comment similar in tone?", BETA, table=narrow, name="betas",
            figure=plots.forest(first.with_columns(contrast=pl.lit("beta")).drop("n"), beside="condition", axis="human log tone per model log tone"),
        )
    )  # fmt: skip
    out += _ceiling(s, betas)
    if both:
        told = pl.concat([similar.context(f) for f in both])
        out.append(
            Section(
                "Does telling the relation help?", CONTEXT, table=told, name="context",
                figure=plots.forest(told.drop("n").with_columns(contrast="measure", measure="model"), axis="beta(all) - beta(none)"),
            )
        )  # fmt: skip
        tables["context"] = told
        out += _by_condition(s, found)
    order = similar.order(found[s.speakers[0]])
    if order is not None:
        (low,), (high,), (p,) = order.ends()
        tables["order"] = pl.DataFrame(
            {"estimate": order.estimate, "low": [low], "high": [high], "p": [p], "n": [order.n]}
        )
    return out, tables | {"betas": betas}


BETA = """One slope per tone and condition: log human tone on the log tone of the model's comment on the same pair, with a random intercept per \
post, errors by post, p by Benjamini and Hochberg over the whole table. A slope is about correlation times the ratio of spreads (human over model): a model \
that exaggerates lowers it without being less similar, so both stand beside it. `reliability` is the share of the model's variance that is not noise of \
drawing, `corrected slope` is without that noise. `shuffled` is the floor: the comment made for another post."""
CONTEXT = """beta(all) less beta(none) on the same pairs. The mean over tones was fixed beforehand; single tones are adjusted by Holm. `corrected` is the \
same difference of slopes without noise of drawing, which may differ between conditions."""


def _sensitivity(s: Study) -> tuple[list[Section], dict[str, pl.DataFrame]]:
    tests, joint, kappas = [], [], []
    for speaker in s.speakers:
        for condition in s.conditions(speaker):
            name = condition if len(s.speakers) == 1 else f"{speaker}, {condition}"
            rows = prepare.paired(s.table, speaker, condition)
            kappas.append(gaps.reactions(rows, s.block, arm=name))
            if condition in ("none", "all"):
                each, together = gaps.differences(rows, s.block, arm=name)
                tests.append(each.with_columns(model=pl.lit(speaker), condition=pl.lit(condition)))
                joint.append(together)
    if not tests:
        return [], {}
    equal = pl.concat(tests)
    kappa = pl.concat(kappas)
    out = [
        Section("As sensitive to the relation as people?", EQUAL, table=pl.concat(joint), name="equal_joint"),
        Section(
            "Each coefficient, tested as equal", TOST, name="equal",
            table=plain(equal.select("measure", "contrast", "arm", "estimate", "low", "high", "n", "p", "p_different", "power", "verdict")),
        ),
        Section(
            "How strongly models react", KAPPA, table=kappa, name="kappa",
            figure=_reactions(kappa),
        ),
    ]  # fmt: skip
    return out, {"equal": equal, "kappa": kappa}


EQUAL = """The difference of the two log tones of one pair, model less human, on the social block: were models as sensitive as people, no term would \
carry anything. The joint Wald test asks whether any does (p by Holm over tones). A large p here is not equality: that is tested below."""
TOST = f"""Two one-sided tests of every coefficient, with the bound {gaps.BOUND:g} log units (ours: the paper names none). `equal` is shown to lie inside the \
bound; `undecided` is neither shown to differ nor to be equal, with the power the test had; intervals are at 90 %."""
KAPPA = """kappa is the model's social component along people's: 1 is alike, above is over-reaction, 0 is none. Corrected for the noise in both; \
the interval is Fieller's. `placebo` told as many sentences without social meaning, `false` told the facts of another pair (its kappa here is about the \
true facts, and due is 0; the next part holds it against the false ones). The band is .8 to 1.25."""


def _reactions(kappa: pl.DataFrame) -> str:
    """The reaction over all tones, arm by arm; no figure where people's own is not told from 0, so that there is no ratio."""
    whole = kappa.filter(pl.col("measure") == "all tones").drop("n")
    if not whole["estimate"].count():
        return ""
    # an arm of several models is named "model, condition"
    model = pl.col("arm").str.extract(r"^(.*), [^,]+$").fill_null("all tones")
    few = whole.with_columns(measure=model, contrast=pl.col("arm").str.extract(r"([^,]+)$").str.strip_chars())
    return plots.forest(few, reference=1.0, band=gaps.SAME, axis="kappa")


def _by_condition(s: Study, found: Mapping[str, Similar]) -> list[Section]:
    """The mean over tones of every condition less none: which part of the relation is worth telling."""
    rows = []
    for speaker, f in found.items():
        for condition in s.conditions(speaker):
            if condition != "none":
                rows.append(similar.context(f, to=condition).filter(pl.col("measure") == "mean over tones"))
    told = pl.concat(rows)
    return [Section("Which part of the relation helps?", "The mean over tones of beta in each condition less beta in `none`.", table=lean(told.with_columns(arm="model")), name="by_condition")]  # fmt: skip


def _ceiling(s: Study, betas: pl.DataFrame) -> list[Section]:
    """How alike two people of one category are on one post: what bounds a model from above, beside its correlations."""
    pairs, counts = ceiling(s.people, seed=s.seed)
    rows = pairs.select("post", item="first", other="second").join(s.human.select("item", *s.block.tones), on="item")
    rows = rows.join(
        s.human.select(pl.col("item").alias("other"), *(pl.col(t).alias(f"other {t}") for t in s.block.tones)),
        on="other",
    ).sort("item")
    lost = "; ".join(f"{why}: {n}" for why, n in counts.rows())
    if rows.height < similar.LEAST:
        return [
            Section(
                "The human ceiling",
                f"Fewer than {similar.LEAST} posts have two comments by people of one category, so there is none ({lost}).",
                level="note",
            )
        ]
    codes, clusters = of.coded(rows, "post")
    made = []
    for tone in s.block.tones:
        # either may stand first: both orders, with one cluster to a post
        first, second = rows[tone].to_numpy(), rows[f"other {tone}"].to_numpy()
        y, x = np.concatenate([first, second]), np.concatenate([second, first])[:, None]
        found = elasticity(y, x, np.concatenate([codes, codes]), clusters)
        low, high, _ = found.ends()
        made.append(
            {
                "measure": tone,
                "people": found.estimate[1],
                "low": low[1],
                "high": high[1],
                "pairs of people": rows.height,
            }
        )
    table = pl.DataFrame(made)
    for condition in ("none", "all", "shuffled"):
        mine = betas.filter((pl.col("model") == s.speakers[0]) & (pl.col("condition") == condition))
        table = table.join(
            mine.select("measure", pl.col("correlation").alias(f"model, {condition}")), on="measure", how="left"
        )
    return [Section("Between floor and ceiling", f"{CEILING} ({lost}.)", table=table, name="ceiling")]


CEILING = """The correlation of the log tones of two comments on one post by two people of one category (gender, age band, closeness): what bounds a model \
from above. Beside it the first model's with people, told nothing, told all, and the comment it made for another post."""


def _floor(s: Study, speaker: str) -> list[str]:
    here = s.table.filter((pl.col("speaker") == speaker) & (pl.col("condition") == "shuffled"))
    return ["shuffled"] if here.height else []
