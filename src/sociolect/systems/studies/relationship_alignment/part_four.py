"""The open questions on the page: richer facts, public and private, several models, prompting against training."""

import polars as pl

from sociolect.errors import RefusedError
from sociolect.report import plots
from sociolect.report.content import Section
from sociolect.systems.studies.relationship_alignment import learn, open_questions, people, similar
from sociolect.systems.studies.relationship_alignment.study import Study

SHOWN = ("measure", "contrast", "model", "estimate", "low", "high", "n", "p", "p_holm", "corrected", "corrected low", "corrected high")  # fmt: skip


def sections(s: Study) -> tuple[list[Section], dict[str, pl.DataFrame]]:
    """What these data can say: a section for each open question that was asked. The table `in_public` is for the claims."""
    out, tables = [], {}
    if "closeness:setting" in s.block.terms:
        made = open_questions.in_settings(people.slopes(s.human, s.block))
        tables["in_public"] = made.filter(pl.col("contrast").str.ends_with(", public"))
        out.append(Section("In public and in private", SETTINGS, table=made, name="settings"))
    richer = [m for m in s.speakers if "all+relation" in s.conditions(m)]
    if richer:
        asked = {m: [c for c in ("none", "all", "relation", "all+relation") if c in s.conditions(m)] for m in richer}
        both = [similar.similar(s.table, s.block, speaker=m, conditions=asked[m]) for m in richer]
        told = open_questions.gains(both)
        out.append(
            Section(
                "Do richer facts help?", GAINS, table=_shown(told), name="relation_gain",
                figure=plots.forest(told.filter(pl.col("contrast") == "all+relation - all").drop("n").with_columns(contrast="measure", measure="model"), axis="difference in beta"),
            )
        )  # fmt: skip
        tables["relation_gain"] = told
    out += _models(s, tables)
    return out, tables


def learning(table: pl.DataFrame, s: Study, counts: pl.DataFrame, trainings: pl.DataFrame) -> list[Section]:
    """Prompting against fine-tuning with the relation in the demonstrations, on the same pairs: within posts, and with an intercept."""
    speaker = table.filter(pl.col("source") == "model")["speaker"][0]
    arms = list(learn.ARMS)
    out = []
    try:
        inside = open_questions.within(table, s.block, speaker=speaker, conditions=arms)
        gaps = _gaps(inside)
        out.append(
            Section(
                "Fine-tuning against prompting, within posts", WITHIN, table=_shown(gaps), name="learn_within",
                figure=plots.forest(gaps.drop("n").with_columns(contrast="measure", measure="contrast"), axis="difference in beta within posts"),
            )
        )  # fmt: skip
    except RefusedError as error:
        out.append(Section("Fine-tuning against prompting, within posts", f"Not measured: {error}.", level="note"))
    found = similar.similar(table, s.block, speaker=speaker, conditions=arms)
    told = similar.betas(found).select(
        "measure", "condition", "estimate", "low", "high", "n", "correlation", "ratio of spreads", "reliability"
    )
    out += [
        Section("Fine-tuning against prompting", LEARN, table=_shown(_gaps(found)), name="learn"),
        Section("The arms' betas", "", table=told, name="learn_betas"),
        Section("Who was learnt from and who was asked", SIDES, table=counts, name="learn_sides"),
        Section("What the trainings came to", TRAININGS, table=trainings, name="learn_trainings"),
    ]
    if (cut := int(trainings["comments cut short"].sum())) > 0:
        out.append(Section("Comments cut short", f"{cut} comments were too long for the base behind their prompt, and were learnt from in part: take a base with a longer context.", level="warning"))  # fmt: skip
    if (trainings["loss before"] - trainings["loss after"] < 0.1).any():
        out.append(Section("Hardly trained", "Training lowered the loss on comments held out by less than .1 nats per token in some arm: no difference between these arms says anything about training.", level="warning"))  # fmt: skip
    return out


SETTINGS = """People's comments: each class of closeness against strangers, in public, in private, and the difference, from one fit with the product of closeness \
and setting; Holm over tones. In other tables of this page the coefficient of closeness is that of the reference setting alone. The paper's claim is about \
public comments, and is judged by the rows in public."""
GAINS = """beta told all and the richer facts, less beta told all; and beta told the richer facts alone, less beta told nothing. Same pairs, same model, the same \
decoding. Above 0: the facts bring comments nearer to people's. A model that heeds a fact which means nothing to people has a gain below 0."""
MODELS = """Per tone, beta told nothing, told all, and their difference, of every model: Cochran's Q tests that they are one (p by Holm over tones), with the \
covariance that answering the same pairs gives them. The mean is that of random effects, by Hartung and Knapp; the prediction interval is for one more \
model, and with two models there is none."""
LEARN = """`prompted` is the base told all in its prompt, `finetuned` the base taught with comments that stand after these prompts, `finetuned_none` taught with \
the same comments after prompts that tell nothing, and then told all. Differences of beta on the same pairs, the same reader, p by Holm over tones."""
WITHIN = """Slopes of deviations from the post's mean: what a comment gains by knowing who comments. Between posts, training brings beta up by style and by mirroring the \
post alone, so this is the difference that counts; the next table has the slopes with an intercept per post. `finetuned` less `finetuned_none` is what the relation \
in the demonstrations adds to the same comments without it."""
SIDES = "The sides share no post and no commenter; `learnt from` and `asked about` are those that were used at this size, whole posts in a drawn order."
TRAININGS = """Loss in nats per token of comments that were held out of the training, before it and after. Where it hardly fell, the arms are one model and their \
differences mean nothing."""


def _models(s: Study, tables: dict[str, pl.DataFrame]) -> list[Section]:
    few = [m for m in s.speakers if {"none", "all"} & set(s.conditions(m))]
    if len(few) < 2:
        return []
    found = [
        similar.similar(s.table, s.block, speaker=m, conditions=[c for c in ("none", "all") if c in s.conditions(m)])
        for m in few
    ]
    try:
        tables["across_models"] = made = open_questions.across(found)
    except RefusedError as error:
        return [Section("Do the models differ?", f"Not measured: {error}.", level="note")]
    return [Section("Do the models differ?", MODELS, table=made, name="across_models")]


def _gaps(found: similar.Similar) -> pl.DataFrame:
    there = {c for c, _ in found.arms}
    others = [o for o in ("prompted", "finetuned_none") if {"finetuned", o} <= there]
    if not others:
        raise RefusedError("the fine-tuned arm has no tone that varies: nothing to hold beside the others")
    return pl.concat([similar.context(found, to="finetuned", than=other) for other in others])


def _shown(made: pl.DataFrame) -> pl.DataFrame:
    return made.select([c for c in SHOWN if c in made.columns])
