"""The regressions put right by labels of the study's own comments: Part I's slopes and the betas, corrected beside raw."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.audited_regression import audited_regression
from sociolect.compare.interval import FloatArray
from sociolect.compare.jointly import Codes
from sociolect.compare.moment_equations import Corrected
from sociolect.compare.multiplicity import holm
from sociolect.compare.random_intercept import random_intercept
from sociolect.errors import InputError, RefusedError, SociolectError
from sociolect.frames import Effects
from sociolect.systems.studies.relationship_alignment import people, prepare
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.terms import Block
from sociolect.tones import TONES

DUE = ("item", "source", "condition", "draw")
NUMBERS = ("estimate", "low", "high", "naive", "naive low", "naive high", "p", "p_shift", "surrogate")


def slopes(wide: pl.DataFrame, block: Block, labels: pl.DataFrame) -> Effects:
    """Part I on the share of comments that show a tone: the social slopes as labelled people would find them, beside raw (`naive`).

    `wide` has the scores as they are; `labels` is that of `matched`. The reader's score is put on the labels' scale by one line
    for people and models alike, so raw and corrected slopes have one unit: the share of comments that show the tone. The outcome is
    corrected by design (`audited_regression`): right however the reader errs, with the intercept per post of the raw fit.
    Rows are the pairs that could have been drawn for labels: those that the labelled model answered, where one was labelled.
    A tone that cannot be corrected has a row without numbers, and `method` says why.
    """
    human = _drawn_from(wide, labels)
    rows = prepare.prepared(human, eps=prepare.offsets(wide), transform="share")
    whole = of.complete(rows, block, block.tones)
    fit = people.slopes(whole, block)
    codes, _ = of.coded(whole, block.group)
    own = labels.filter(pl.col("source") == "human")
    out: list[dict[str, Any]] = []
    names = of.columns(fit, block.terms)
    for k, tone in enumerate(block.tones):
        truth, chance = _beside(whole, own, tone)
        try:
            scale = _scale(wide, labels, tone)
            y = scale[0] + scale[1] * whole[tone].to_numpy()
            theta = float(fit.fit.tau2[0, k] / fit.fit.sigma2[k])
            made = audited_regression(fit.x, y, codes, outcome=truth, chance=chance, group=codes, theta=theta)
        except SociolectError as error:
            out.append(_without(tone, "all terms", whole.height, error))
            continue
        out += [_row(made, fit.columns.index(c), tone, c) for c in names]
    return _effects(out)


def betas(wide: pl.DataFrame, block: Block, labels: pl.DataFrame) -> Effects:
    """The slope of "people show the tone" on "the model shows it", of the same pairs, per labelled arm: corrected beside raw.

    Both sides err, the model's perhaps more, and noise in the model's score shrinks beta. The person's side is corrected by
    design, the model's by regression calibration in the metric of the fit; `surrogate` is the p of what that rests on: given
    its label, a comment's score says nothing of the person's. Rows count pairs; a pair is labelled on both sides or on none.
    """
    human = wide.filter(pl.col("source") == "human").drop_nulls([block.group])
    arms = (
        labels.filter(pl.col("source") == "model")
        .select("speaker", "condition", "draw")
        .unique()
        .sort("speaker", "condition", "draw")
    )
    out: list[dict[str, Any]] = []
    for speaker, condition, draw in arms.rows():
        one = (pl.col("speaker") == speaker) & (pl.col("condition") == condition) & (pl.col("draw") == draw)
        said = wide.filter(pl.col("source") == "model", one)
        mine = labels.filter(pl.col("source") == "model", one)
        for tone in block.tones:
            asked = said.select("item", said=tone)
            both = human.select("item", block.group, tone).join(asked, on="item", maintain_order="left").drop_nulls()
            arm = f"beta {condition}"
            try:
                made = _slope(
                    both,
                    labels.filter(pl.col("source") == "human"),
                    mine,
                    tone,
                    _scale(wide, labels, tone),
                    block.group,
                )
            except SociolectError as error:
                out.append(_without(tone, arm, both.height, error) | {"model": speaker})
                continue
            out.append(_row(made, 1, tone, arm) | {"model": speaker})
    return _effects(out)


def matched(labels: pl.DataFrame, wide: pl.DataFrame) -> pl.DataFrame:
    """Labels of the study's own comments as numbers: DUE, speaker, chance (null: a simple random sample), a column of 0 and 1 per tone.

    `labels` has DUE and a List column `labels`, null where nobody looked: such rows are left out. Without `speaker` a comment's
    is found, where one model answered. Raises InputError for labels of comments that are not in the study, or that stand twice.
    """
    if missing := [c for c in (*DUE, "labels") if c not in labels.columns]:
        raise InputError(f"labels of the study's own comments have no column {', '.join(missing)}")
    told = labels.with_columns(pl.col("draw").cast(pl.Int64)).drop_nulls("labels")
    keys = [*DUE, *(["speaker"] if "speaker" in told.columns else [])]
    there = wide.select(*DUE, "speaker")
    faults = []
    if twice := told.height - told.select(keys).n_unique():
        faults.append(f"{twice} labels repeat a comment")
    if (
        "speaker" not in told.columns
        and told.join(there, on=keys, how="inner").height > told.join(there, on=keys, how="semi").height
    ):
        faults.append("several models answered the same pairs: a column speaker is due")
    if lost := told.join(there, on=keys, how="anti").height:
        faults.append(f"{lost} of {told.height} labels are of comments that are not in this study")
    if faults:
        raise InputError("the labels cannot be matched: " + "; ".join(faults))
    if "speaker" not in told.columns:
        told = told.join(there, on=keys, how="left", maintain_order="left")
    chance = pl.col("chance").cast(pl.Float64) if "chance" in told.columns else pl.lit(None, pl.Float64)
    return told.select(
        *DUE,
        "speaker",
        chance.alias("chance"),
        *(pl.col("labels").list.contains(t).cast(pl.Float64).alias(t) for t in TONES),
    )


def _slope(  # noqa: PLR0917 - two sides of one pair, labels and scores of each
    both: pl.DataFrame, human: pl.DataFrame, model: pl.DataFrame, tone: str, scale: tuple[float, float], group: str
) -> Corrected:
    """The person's score on the model's, both on the labels' scale, in the metric of a random intercept."""
    said, chance = _beside(both, human, tone)
    meant, _ = _beside(both, model, tone)
    known = np.isfinite(said) & np.isfinite(meant)
    said, meant = np.where(known, said, np.nan), np.where(known, meant, np.nan)
    y, x = (scale[0] + scale[1] * both[c].to_numpy() for c in (tone, "said"))
    design = np.column_stack([np.ones(len(y)), x])
    codes, _ = of.coded(both, group)
    return audited_regression(
        design,
        y,
        codes,
        outcome=said,
        predictors={1: meant},
        chance=chance,
        group=codes,
        theta=_theta(design, y, codes),
    )


def _theta(x: FloatArray, y: FloatArray, codes: Codes) -> float:
    fit = random_intercept(x, y[:, None], codes)
    return float(fit.tau2[0, 0] / fit.sigma2[0])


def _beside(rows: pl.DataFrame, labels: pl.DataFrame, tone: str) -> tuple[FloatArray, FloatArray | None]:
    """The labels of these rows, nan where nobody looked, and the chances; none where the file tells none."""
    joined = rows.select("item").join(
        labels.select("item", tone, "chance"), on="item", how="left", maintain_order="left"
    )
    truth = joined[tone].fill_null(np.nan).to_numpy()
    if labels["chance"].null_count():
        return truth, None
    return truth, joined["chance"].fill_null(1.0).to_numpy()  # of rows without a label the chance is never used


def _drawn_from(wide: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """People's comments that could have been labelled: those of pairs that the labelled models answered, where any was labelled."""
    human = wide.filter(pl.col("source") == "human")
    arms = labels.filter(pl.col("source") == "model").select("speaker", "condition", "draw").unique()
    here = [t for t in TONES if t in wide.columns]
    for speaker, condition, draw in arms.rows():
        said = wide.filter(pl.col("speaker") == speaker, pl.col("condition") == condition, pl.col("draw") == draw)
        human = human.filter(pl.col("item").is_in(said.drop_nulls(here)["item"].implode()))
    return human


def _scale(wide: pl.DataFrame, labels: pl.DataFrame, tone: str) -> tuple[float, float]:
    """Intercept and slope of the label on the score, people and models together."""
    keys = [*DUE, "speaker"]
    known = labels.select(*keys, pl.col(tone).alias("truth")).join(wide.select(*keys, tone), on=keys).drop_nulls()
    score, truth = known[tone].to_numpy(), known["truth"].to_numpy()
    if len(score) < 2 or np.ptp(score) == 0 or np.ptp(truth) == 0:
        raise RefusedError(
            f"{len(score)} labelled comments all have one score, or all one label: nothing to correct by"
        )
    slope, level = np.polyfit(score, truth, 1)
    return float(level), float(slope)


def _row(made: Corrected, column: int, tone: str, contrast: str) -> dict[str, Any]:
    from scipy.special import stdtr, stdtrit

    reach = float(stdtrit(made.clusters - 1, 0.975)) * float(made.raw_covariance[column, column]) ** 0.5
    error = float(made.covariance[column, column]) ** 0.5
    low, high = made.interval(column)
    value, raw = float(made.beta[column]), float(made.raw[column])
    shift, lean = made.shifted(column), made.surrogate.get(column)
    verdict = "the reader's errors move it" if shift < 0.05 else "no difference shown"
    verdict += (
        "; given its label the score still says something: the correction may not hold"
        if lean is not None and lean < 0.05
        else ""
    )
    return {
        "measure": tone, "contrast": contrast, "estimate": value, "low": low, "high": high, "n": made.n, "naive": raw, "naive low": raw - reach,
        "naive high": raw + reach, "p": 2 * float(stdtr(made.degrees, -abs(value) / error)), "p_shift": shift, "surrogate": lean,
        "labelled": made.labelled, "clusters": made.clusters, "verdict": verdict,
    }  # fmt: skip


def _without(tone: str, contrast: str, n: int, error: SociolectError) -> dict[str, Any]:
    return {"measure": tone, "contrast": contrast, "n": n, "verdict": f"not corrected: {error}"}


def _effects(rows: Sequence[dict[str, Any]]) -> Effects:
    kinds = dict.fromkeys(("measure", "contrast", "verdict", "model"), pl.String) | dict.fromkeys(NUMBERS, pl.Float64)
    columns = kinds | dict.fromkeys(("n", "labelled", "clusters"), pl.Int64)
    made = pl.DataFrame([dict.fromkeys(columns) | row for row in rows], schema=columns)
    made = made.with_columns(p_holm=pl.Series(holm(made["p"].to_list()), dtype=pl.Float64))
    return frames.effects(made if made["model"].count() else made.drop("model"))
