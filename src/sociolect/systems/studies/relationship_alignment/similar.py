"""Part II, similarity: how a person's tone moves with the model's on the same pair, by tone and condition, and what context changes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.elasticity import PARTS, elasticity
from sociolect.compare.jointly import Jointly, beside, jointly
from sociolect.compare.multiplicity import benjamini_hochberg, holm
from sociolect.compare.random_intercept import random_intercept
from sociolect.errors import RefusedError
from sociolect.frames import Effects
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.terms import Block

LEAST = 30  # pairs under a slope


@dataclass(frozen=True, slots=True, eq=False)
class Similar:
    """The slopes of one model: `arms` are (condition, tone), `beta` their slopes under an intercept per group, jointly.

    `parts` holds `elasticity.PARTS` of each arm, in the same order; `n` the pairs of each. `left_out` names the arms without a
    slope as (condition, tone, reason).
    """

    speaker: str
    arms: tuple[tuple[str, str], ...]
    beta: Jointly
    parts: Jointly
    n: tuple[int, ...]
    left_out: tuple[tuple[str, str, str], ...] = ()


def similar(table: pl.DataFrame, block: Block, *, speaker: str, conditions: Sequence[str]) -> Similar:
    """The human tone on the model's, one slope per tone and condition: log(human) ~ beta log(model) + (1 | group).

    A slope is that on a single comment, as the paper's, averaged over the draws. Every arm is coded over all people's
    groups, so the slopes of two conditions, tones or models are paired. A pair counts in an arm where every draw has a tone.
    """
    human = table.filter(pl.col("source") == "human")
    codes, clusters = of.coded(human, block.group)
    arms, betas, parts, n = [], [], [], []
    left: list[tuple[str, str, str]] = []
    for condition in conditions:
        said = table.filter((pl.col("speaker") == speaker) & (pl.col("condition") == condition))
        draws = _draws(human, said, block.tones)
        for k, tone in enumerate(block.tones):
            y, x = human[tone].to_numpy(), draws[:, :, k]
            here = np.isfinite(y) & np.isfinite(x).all(1)
            if here.sum() < LEAST:
                left.append((condition, tone, f"{int(here.sum())} pairs, {LEAST} are due"))
                continue
            if not np.ptp(y[here]) or not np.ptp(x[here], axis=0).all():
                left.append((condition, tone, "one of the two never varies"))
                continue
            arms.append((condition, tone))
            n.append(int(here.sum()))
            betas.append(_slope(y[here], x[here], codes[here], clusters))
            parts.append(elasticity(y[here], x[here], codes[here], clusters))
    if not arms:
        why = "; ".join(sorted({reason for _, _, reason in left})) or "no condition or no tone was named"
        raise RefusedError(f"{speaker} has no tone with a slope in any condition ({why}): nothing to compare")
    return Similar(speaker, tuple(arms), beside(betas), beside(parts), tuple(n), tuple(left))


def betas(found: Similar) -> Effects:
    """One row per tone and condition: beta with its interval and Benjamini-Hochberg p, and beside it what a slope hides.

    Correlation and ratio of spreads come with intervals of their own (beta is about their product: it falls where a model
    exaggerates); reliability is that of a single draw, the corrected slope and correlation are without drawing noise.
    """
    low, high, p = found.beta.ends()
    columns: dict[str, object] = {
        "measure": [t for _, t in found.arms],
        "contrast": [f"beta {c}" for c, _ in found.arms],
    }
    columns |= {"model": [found.speaker] * len(found.arms), "condition": [c for c, _ in found.arms]}
    columns |= {"estimate": found.beta.estimate, "low": low, "high": high, "n": list(found.n), "p": p}
    ends = found.parts.ends()
    for j, name in enumerate(PARTS):
        at = slice(j, None, len(PARTS))
        columns |= {name: found.parts.estimate[at], f"{name} low": ends[0][at], f"{name} high": ends[1][at]}
    made = pl.DataFrame(columns, schema_overrides={"n": pl.Int64}).with_columns(pl.col(pl.Float64).fill_nan(None))
    return frames.effects(made.with_columns(p_bh=pl.Series(benjamini_hochberg(made["p"].to_list()), dtype=pl.Float64)))


def context(found: Similar, *, to: str = "all", than: str = "none") -> Effects:
    """What telling the relation changes: beta(all) - beta(none) on the same pairs, per tone (Holm) and as the mean over tones.

    The mean over tones is the pre-registered contrast. Beside it stands the same difference of corrected slopes: noise of
    drawing that differs between conditions moves the raw one.
    """
    tones = [t for c, t in found.arms if c == to and (than, t) in found.arms]
    if not tones:
        raise RefusedError(f"no tone was measured in both conditions {to!r} and {than!r}")
    where = {arm: i for i, arm in enumerate(found.arms)}
    matrix = np.zeros((len(tones) + 1, len(found.arms)))
    for row, tone in enumerate(tones):
        matrix[row, where[to, tone]], matrix[row, where[than, tone]] = 1.0, -1.0
    matrix[-1] = matrix[:-1].mean(0)
    raw = found.beta.times(matrix)
    fixed = found.parts.at([i * len(PARTS) + PARTS.index("corrected slope") for i in range(len(found.arms))])
    used = np.flatnonzero(np.abs(matrix).sum(0))
    corrected = fixed.at(used.tolist()).times(matrix[:, used])
    (low, high, p), (low2, high2, p2) = raw.ends(), corrected.ends()
    made = pl.DataFrame({
        "measure": [*tones, "mean over tones"], "contrast": f"{to} - {than}", "model": found.speaker, "estimate": raw.estimate, "low": low, "high": high,
        "n": [min(found.n[where[to, t]], found.n[where[than, t]]) for t in tones] + [max(found.n)], "p": p,
        "corrected": corrected.estimate, "corrected low": low2, "corrected high": high2, "corrected p": p2,
    }, schema_overrides={"n": pl.Int64}).with_columns(pl.col(pl.Float64).fill_nan(None))  # fmt: skip
    family = holm(made["p"].to_list()[:-1])
    return frames.effects(made.with_columns(p_holm=pl.Series([*family, None], dtype=pl.Float64)))


def order(
    found: Similar, *, higher: str = "worried", lower: str = "surprised", condition: str = "none"
) -> Jointly | None:
    """The slope of one tone less that of another in the same condition, paired; None where either was not measured."""
    if not {(condition, higher), (condition, lower)} <= set(found.arms):
        return None
    row = np.zeros(len(found.arms))
    row[found.arms.index((condition, higher))], row[found.arms.index((condition, lower))] = 1.0, -1.0
    return found.beta.times(row)


def _draws(human: pl.DataFrame, said: pl.DataFrame, tones: Sequence[str]) -> np.ndarray:
    """The model's tones for each human row: (pairs, draws, tones), nan where it said nothing."""
    keys = sorted(said["draw"].unique())
    out = np.full((human.height, max(len(keys), 1), len(tones)), np.nan)
    for d, draw in enumerate(keys):
        one = said.filter(pl.col("draw") == draw).select("item", *tones)
        joined = human.select("item").join(one, on="item", how="left", maintain_order="left")
        out[:, d] = joined.select(pl.col(list(tones)).fill_null(float("nan"))).to_numpy()
    return out


def _slope(y: np.ndarray, x: np.ndarray, codes: np.ndarray, clusters: int) -> Jointly:
    """The slope with an intercept per group, the mean over draws."""
    made = []
    for d in range(x.shape[1]):
        design = np.column_stack([np.ones(len(y)), x[:, d]])
        _, own = np.unique(codes, return_inverse=True)
        made.append(jointly(design, random_intercept(design, y[:, None], own), codes, clusters).at([1]))
    return beside(made).times(np.full(len(made), 1 / len(made)))
