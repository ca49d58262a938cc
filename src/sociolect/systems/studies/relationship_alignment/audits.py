"""How far the reader can be trusted: labelled texts of people and of models, and the regressions put right by them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.errors import InputError
from sociolect.frames import Replies
from sociolect.load.aside import Aside
from sociolect.load.read import opened
from sociolect.measure.pretrained import Reader
from sociolect.measure.tone_card import tone_card
from sociolect.measure.tone_labels import as_tones, mapped, tone_labels
from sociolect.report.content import Section
from sociolect.systems.studies.relationship_alignment import audit_sheet, corrected, measure
from sociolect.systems.studies.relationship_alignment.audit_sheet import split
from sociolect.systems.studies.relationship_alignment.elicit import EVERYONE
from sociolect.systems.studies.relationship_alignment.study import Study
from sociolect.tones import TONES
from sociolect.workspace import Workspace


def card(
    path: Path, reader: Reader, *, labels: str, columns: Mapping[str, str], comments: Sequence[Replies] = ()
) -> pl.DataFrame:
    """The reader's validity card on a labelled table it did not learn from: per tone, on people's text and on models' apart.

    `labels` says whose labels they are: goemotions and offmychest in those tables' own form, `tones` as `labelled` reads them.
    """
    held = audited(path, labels=labels, columns=columns, comments=comments)
    known = {t for t in mapped(labels).values() if t} & {*reader.labels}
    return tone_card(held, reader, tones=[t for t in TONES if t in known])


def audited(path: Path, *, labels: str, columns: Mapping[str, str], comments: Sequence[Replies] = ()) -> Replies:
    """The labelled texts as replies, with their tones in `truth`, null where nobody looked."""
    if labels == "goemotions":
        told = measure.emotions(path)
    elif labels == "offmychest":
        told = measure.disclosures(path).rename({"full_text": "text", "id": "post"})
    else:
        return _truthful(labelled(path, comments=comments))
    return _truthful(told.with_columns(truth=as_tones(told, tone_labels(labels))))


def labelled(path: Path, *, comments: Sequence[Replies] = ()) -> pl.DataFrame:
    """A labelled table: `labels` (tones parted by commas; `none` shows none) and what else it tells of each text.

    Columns: labels, and text; where models wrote some, source and post. Or the study's own comments by item, source,
    condition, draw (and speaker, where several models answered): text and post are then found in `comments`, and an empty
    cell is one that nobody looked at. In other tables it is a text that shows none. `chance` is that of being labelled.
    """
    with opened(path, Aside()) as source:
        here = [c for c in _COLUMNS if c in source.columns]
        own = set(corrected.DUE) <= set(here)
        if missing := [c for c in (["labels"] if own else ["text", "labels"]) if c not in here]:
            raise InputError(
                f"{path.name} has no column {' and '.join(missing)}: an audit holds texts and their tones, or the study's own "
                f"comments by {', '.join(corrected.DUE)} and their tones"
            )
        told = source.read(here)
    told = told.with_columns(pl.col(c).cast(pl.String) for c in here if c != "chance").with_columns(
        split(told["labels"])
    )
    if not own:
        return told.with_columns(pl.col("labels").fill_null([]))
    told = told.with_columns(pl.col("draw").cast(pl.Int64, strict=False))
    keys = [*corrected.DUE, *(["speaker"] if "speaker" in here else [])]
    found = [r.select(*{*corrected.DUE, "speaker", "post", "text"}) for r in comments]
    if found:
        told = told.drop([c for c in ("text", "post") if c in told.columns])
        told = told.join(pl.concat(found).unique(keys, maintain_order=True), on=keys, how="left", maintain_order="left")
        if lost := told["text"].null_count():
            raise InputError(
                f"{lost} of {told.height} rows of {path.name} are of comments without words, or not in this study"
            )
    return told


_COLUMNS = ("text", "labels", "source", "post", "item", "condition", "draw", "speaker", "chance")


def _truthful(told: pl.DataFrame) -> Replies:
    ids = pl.format("a{}", pl.int_range(pl.len()))
    if "truth" not in told.columns:
        told = told.rename({"labels": "truth"})
    rows = told.with_columns(
        item=ids, speaker=ids, condition=pl.lit("audit"), community=pl.lit(EVERYONE), prompt=pl.lit(None, pl.String),
        source=pl.col("source") if "source" in told.columns else pl.lit("human"),
        post=pl.col("post").cast(pl.String) if "post" in told.columns else ids,
        draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64),
    )  # fmt: skip
    bare = rows.select(*frames.KEYS, "prompt", "text", "post", "truth")
    return frames.replies(bare.filter(pl.col("text").fill_null("").str.strip_chars() != ""))


def own(path: Path, study: Study) -> list[Section]:
    """Part I's slopes and the betas corrected by labels of the study's own comments; no section where the audit is of other texts."""
    told = labelled(path)
    if not {*corrected.DUE} <= {*told.columns}:
        return []
    labels = corrected.matched(told, study.wide)
    out = []
    for title, name, made in (
        ("Part I with the reader's errors put right", "audited_slopes", corrected.slopes(study.wide, study.block, labels) if study.block.terms else None),
        ("Betas with the reader's errors put right", "audited_betas", corrected.betas(study.wide, study.block, labels)),
    ):  # fmt: skip
        if made is not None and made.height:
            out.append(Section(title, OWN[name], table=made, name=name))
    return out


def asked(
    workspace: Workspace,
    people: Replies,
    told: Sequence[Replies],
    *,
    pairs: int,
    audit: Path | None,
    sensitive: bool,
    seed: int,
) -> tuple[Path | None, list[Section]]:
    """The sheet of `pairs` pairs to label, written into the workspace, and the audit: with what came back told apart by the key.

    People beside the first model, told all where it was. `audit` is the folder of the form's saved answers, or audit.csv filled
    in; any other table stays as it is.
    """
    first = told[0].filter(pl.col("condition") != "shuffled")
    speaker, there = first["speaker"][0], first["condition"].unique(maintain_order=True).to_list()
    condition = "all" if "all" in there else there[-1]
    made, key = audit_sheet.sheet(people, told, speaker=speaker, condition=condition, pairs=pairs, seed=seed)
    folder = workspace.files("audit_sheet", audit_sheet.write, made, key, sensitive=sensitive)
    if audit is not None and (audit.is_dir() or _has_units(audit)):
        back = workspace.files("audit_labels", unblinded, audit, made, key)
        return back / "labels.csv", []
    prose = f"""{pairs} pairs were drawn at random, each with a chance of {key["chance"][0]:.3g}; the comments of both, the person's and {speaker}'s told \
{condition}, stand in one blinded order in steps/{folder.name}/: audit.html, a form, and audit.csv, the same to fill in by hand. Give one of them to people, and \
run again with the same keywords and --audit: the folder of the form's saved answers, or audit.csv filled in. audit_key.csv tells who spoke: keep it."""
    return audit, [Section("A sheet to label", prose, level="note")]


def _has_units(path: Path) -> bool:
    with opened(path, Aside()) as source:
        return "unit" in source.columns


def unblinded(files: Path, made: pl.DataFrame, key: pl.DataFrame, *, folder: Path) -> None:
    """labels.csv: what came back, as `labelled` reads it."""
    told = audit_sheet.returned(files, made, key)
    cell = (
        pl.when(pl.col("labels").list.len() == 0)
        .then(pl.lit(audit_sheet.NONE))
        .otherwise(pl.col("labels").list.join(", "))
    )
    told.with_columns(labels=cell).write_csv(folder / "labels.csv")


def sections(card: pl.DataFrame) -> list[Section]:
    """The validity card, and a loud line about the tones that are read badly."""
    out = [Section("How well the tones are read", CARD, table=card, name="reader")]
    if weak := measure.weak(card):
        told = (
            f"The reader does not tell {', '.join(weak)} well (AUC under .75, or unknown): no claim about it is judged."
        )
        out.append(Section("Weak tones", told, level="warning"))
    low = card.filter((pl.col("source") == "human - model") & (pl.col("metric") == "auc") & (pl.col("low") > 0))
    if low.height:
        told = f"The reader tells {', '.join(low['tone'])} worse on models' text than on people's: betas of it are too small, and unequal errors move the gaps."
        out.append(Section("Worse on models' text", told, level="warning"))
    return out


CARD = """On labelled texts the reader did not learn from: AUC, calibration and the error rates at .5, on people's text and on models' apart, with intervals \
by post. Labels of emotions and disclosure are mapped to the tones by a table (`measure/tone_labels.csv`): nobody labelled these texts for the eight \
tones themselves."""
OWN = {
    "audited_slopes": """Labels of people's comments put the reader's errors right by design: no assumption on how it errs. Slopes are in the share of \
comments that show the tone; `naive` is the slope of the reader's score on the same scale, `p_shift` tests that the correction moves nothing.""",
    "audited_betas": """People's label on the model's, of the same pairs: how much likelier people are to show a tone where the model's comment shows it. \
The person's side is corrected by design, the model's by regression calibration in the metric of the fit. `naive` is the slope of score on score. `surrogate` is the p of what the \
correction rests on: that, given its label, a comment's score says nothing more of the person's.""",
}
