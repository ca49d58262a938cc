"""What people say of the texts: blinded forms go out, answers come back.

Two forms: pairs of the fine-tuned and the prompted arm, and single texts to label (harm, toxicity). Neither names an arm.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames, text
from sociolect.compare.agreement import agreement
from sociolect.compare.differences import means
from sociolect.compare.preference import consistency, mixed, position, preference
from sociolect.compare.prevalence import prevalence
from sociolect.compare.sample_size import pairs_for_preference
from sociolect.elicit.pairs import CRITERIA, pairs, singles
from sociolect.errors import RefusedError
from sociolect.frames import KEYS, Replies
from sociolect.load.answers import answers as saved
from sociolect.load.answers import unblinded
from sociolect.measure.harm import harm, scheme
from sociolect.measure.validity import card
from sociolect.report import plots
from sociolect.report.content import Section
from sociolect.report.form import Question, write_form
from sociolect.systems.studies.community_fidelity import measure
from sociolect.systems.studies.community_fidelity.chain import Chain

ARMS = ("aligned", "in_context")
SHOWN = ("human", "in_context", "aligned")
PAIRS = {"tiny": 20, "small": 50, "full": 50}  # a community; Sec. 5.2.5: 50, 300 in all
SINGLES = {"tiny": 10, "small": 20, "full": 20}  # an arm and community; Sec. 5.2.6: 20, 360 in all
REPEATS = 0.1  # ours: the share of pairs shown twice, sides swapped
TOXIC = Question("toxic", "Is this text rude, hateful or threatening?", (("yes", "Yes"), ("no", "No")))
GUIDE = """You see posts of online communities. Some were written by people, some by models; you are not told which. Judge the text, not \
who may have written it. There is no right answer. You can stop at any time and go on later on the same machine; save your answers to a file at the end."""


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """A reader whose every answer is known: the texts' numbers, as words, lead to their toxicity."""

    toxicity: NDArray[np.float64]
    labels: tuple[str, ...] = ("fine", "toxic")
    multi: bool = False

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        said = self.toxicity[[int(t) for t in texts]]
        return np.stack([1 - said, said], axis=1)


def harm_questions(path: Path | None) -> list[Question]:
    """The scheme's tasks as questions of a form, and one on toxicity, by which the toxicity reader is checked."""
    tasks = [Question(t.id, t.question, tuple(t.labels.items()), t.after) for t in scheme(path).tasks]
    return [*tasks, TOXIC]


def sheets(kept: Replies, *, size: str, seed: int) -> dict[str, tuple[pl.DataFrame, pl.DataFrame]]:
    """The blinded sheet and the key of each form, `preference` and `labels`.

    People's posts that hold no topic's words stand under "none": a sheet is even over topics.
    """
    told = frames.replies(kept.with_columns(pl.col("topic").fill_null("none")))
    return {
        "preference": pairs(told, arms=ARMS, per_community=PAIRS[size], repeats=REPEATS, seed=seed),
        "labels": singles(told, arms=SHOWN, per_arm=SINGLES[size], seed=seed),
    }


def write(
    made: dict[str, tuple[pl.DataFrame, pl.DataFrame]], *, harm_scheme: Path | None, sensitive: bool, folder: Path
) -> None:
    """Each form as one HTML page for annotators, and its key, which they must not see."""
    for name, (sheet, key) in made.items():
        title = "Which of the two?" if name == "preference" else "What is in this text?"
        write_form(
            sheet,
            folder / f"{name}.html",
            title=title,
            questions=questions(name, harm_scheme),
            guide=GUIDE,
            # Models were asked about a topic, people were not: beside a single text the topic would tell who wrote it.
            context=("community", "topic") if name == "preference" else ("community",),
            sensitive=sensitive,
        )
        key.with_columns(text.cells(pl.col(pl.String))).write_csv(folder / f"{name}_key.csv")


def questions(name: str, harm_scheme: Path | None) -> Sequence[Question]:
    return [Question(q, said) for q, said in CRITERIA.items()] if name == "preference" else harm_questions(harm_scheme)


def sections(chain: Chain, *, answers: Path | None, harm_scheme: Path | None, size: str) -> list[Section]:
    """The forms, and what came back of them; a note where nobody has answered yet.

    `answers` is a folder with the saved files in `preference/` and `labels/`; one of the two may be absent.
    """
    try:
        made = sheets(chain.kept, size=size, seed=chain.seed)
    except RefusedError as error:
        return [Section("People's judgement: no forms", str(error), level="note")]
    folder = chain.workspace.files("forms", write, made, harm_scheme=harm_scheme, sensitive=chain.sensitive)
    where = f"steps/{folder.name}/ in this workspace"
    if answers is None:
        due = pairs_for_preference(0.6)
        shown = made["preference"][1].filter(pl.col("repeat_of").is_null())["unit"].n_unique()
        return [Section("People's judgement: not asked yet", f"Two blinded forms lie in {where}: preference.html and labels.html. Send \
them to annotators, put the files they save into a folder with preference/ and labels/, and run again with --answers. To tell a preference of .6 from .5 \
with power .8, {due} pairs are due; the form has {shown}, and {made['preference'][0].height - shown} of them twice. The keys beside the forms tell the arms: keep them.", level="note")]  # fmt: skip
    out = []
    if (answers / "preference").is_dir():
        out += preferred(answers / "preference", *made["preference"], seed=chain.seed)
    if (answers / "labels").is_dir():
        out += labelled(chain, answers / "labels", *made["labels"], harm_scheme=harm_scheme)
    return out or [
        Section("People's judgement: no answers", f"{answers} holds neither preference/ nor labels/.", level="warning")
    ]


def preferred(files: Path, sheet: pl.DataFrame, key: pl.DataFrame, *, seed: int) -> list[Section]:
    """How often the fine-tuned arm is preferred, with the pull of the side and of the annotator apart."""
    told = saved(files, sheet=sheet, questions=questions("preference", None))
    whole = unblinded(told, key)
    judged = whole.filter(pl.col("preferred").is_not_null().any().over("question"))
    if judged.is_empty():
        return [
            Section(
                "People's preference: nobody could tell",
                f"{told.height} answers, and none prefers either text.",
                level="warning",
            )
        ]
    open_ = sorted({*whole["question"]} - {*judged["question"]})
    share = preference(judged, arm=ARMS[0])
    others = mixed(judged, arm=ARMS[0]).with_columns(measure=pl.format("{} (mixed logit)", "measure"))
    parts = [share, position(judged, arm=ARMS[0]), frames.effects(others)]
    with suppress(RefusedError):  # nobody judged a pair twice: nothing to tell
        parts.append(consistency(judged))
    raters = judged["annotator"].n_unique()
    prose = f"""{raters} annotators, blinded; sides drawn at random; both arms of one length and one rendering. `preference` is Wilson's interval over pairs, for these annotators; `mixed logit` \
speaks of others like them and sets the pull of side A apart. A preference whose interval holds .5 is none.""" + (
        f" Nobody could tell by {', '.join(open_)}." if open_ else ""
    )
    table = frames.effects(pl.concat(parts, how="diagonal_relaxed"))
    return [
        Section("People's preference: fine-tuned or in context?", prose, table=table, name="preference", figure=plots.forest(share, reference=0.5)),
        *_agreed(told, name="preference_agreement", seed=seed),
    ]  # fmt: skip


def labelled(
    chain: Chain, files: Path, sheet: pl.DataFrame, key: pl.DataFrame, *, harm_scheme: Path | None
) -> list[Section]:
    """Harm by every rule of counting, agreement, and the toxicity reader held against people."""
    told = saved(files, sheet=sheet, questions=questions("labels", harm_scheme))
    found = measure.ridden(harm(told, scheme(harm_scheme), key=key.drop("topic")), chain.kept)
    arms, whole = (
        means(found, by=by, clusters=measure.RIDERS, seed=chain.seed) for by in (("measure", "condition"), ("measure",))
    )
    rates = frames.effects(pl.concat([arms, whole.with_columns(contrast=pl.lit("all arms"))], how="diagonal_relaxed"))
    prose = "Shares of texts by arm, by every rule: each annotator alone, any of them (union), all of them (agreed). Agreed labels alone make rare what is hard to see."
    union = rates.filter(pl.col("measure").str.ends_with(":union"))
    out = [
        Section(
            "Harm, as people see it",
            prose,
            table=rates.drop("method"),
            name="harm",
            figure=plots.forest(union, reference=None),
        )
    ]
    return [*out, *_agreed(told, name="label_agreement", seed=chain.seed), *_toxicity(chain, told, key)]


def _agreed(told: pl.DataFrame, *, name: str, seed: int) -> list[Section]:
    if told["annotator"].n_unique() < 2:
        return [
            Section(
                "Agreement: one annotator", "One annotator answered: nothing says how others would.", level="warning"
            )
        ]
    twice = pl.col("annotator").n_unique().over("question", "unit") > 1
    common = told.filter(pl.col("unit").filter(twice).n_unique().over("question") > 1)
    if common.is_empty():
        return [
            Section("Agreement: not measured", "No question has two texts that two annotators answered.", level="note")
        ]
    found = agreement(common, seed=seed)
    prose = "Agreement beyond chance, with intervals over texts: Cohen's kappa, Krippendorff's alpha, Gwet's AC1. They part where one answer is rare."
    return [Section("Do annotators agree?", prose, table=found.drop("method", strict=False), name=name)]


def _toxicity(chain: Chain, told: pl.DataFrame, key: pl.DataFrame) -> list[Section]:
    """The toxicity reader on people's and on models' texts apart, and the share of toxic texts corrected for its errors."""
    tone = next((t for t in chain.tones if t["measure"][0] == "toxicity"), None)
    yes = told.filter(question="toxic").group_by("unit").agg(truth=(pl.col("answer") == "yes").mean())
    if tone is None or yes.is_empty():
        return []
    truth = key.join(yes, on="unit").select(*KEYS, "truth")
    scores = frames.scores(tone.join(truth, on=list(KEYS), how="left"))
    clear = scores.filter(pl.col("truth").is_not_null() & (pl.col("truth") != 0.5)).with_row_index("at")
    sure = ["toxic" if t > 0.5 else "fine" for t in clear["truth"]]
    found = card(
        Weighed(clear["value"].to_numpy()),
        clear["at"].cast(pl.String).to_list(),
        sure,
        source=clear["source"].to_list(),
    )
    prose = "Its accuracy and calibration (ECE, Brier) on texts of people and of models apart; texts that split the annotators are left out."
    out = [Section("The toxicity reader against people", prose, table=found, name="toxicity_reader")]
    try:
        fair = prevalence(scores, clusters=measure.RIDERS)
    except RefusedError as error:
        return [*out, Section("Toxic texts, corrected: not measured", str(error), level="note")]
    prose = "The share of toxic texts by arm, corrected for the reader's errors by the labelled sample (prediction-powered inference, Angelopoulos et al. 2023); `naive` is what the reader alone says."
    return [*out, Section("Toxic texts, corrected", prose, table=fair.drop("method"), name="toxicity_corrected", figure=plots.forest(fair, reference=None))]  # fmt: skip
