"""Part II, sensitivity: does a model react to the relation as people do? Pair by pair, tested as equality, and as one ratio."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.equivalence import tost
from sociolect.compare.jointly import Jointly, jointly
from sociolect.compare.mixed_effects import mixed_effects
from sociolect.compare.reaction import Reaction, reaction
from sociolect.frames import Effects
from sociolect.systems.studies.relationship_alignment import people
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.terms import Block

BOUND = 0.10  # log units; ours: the paper names none
SAME = (0.8, 1.25)  # of the ratio of social components, the bounds of bioequivalence


def differences(pairs: pl.DataFrame, block: Block, *, arm: str, bound: float = BOUND) -> tuple[Effects, pl.DataFrame]:
    """Model less human log tone of the same pair, on the social block: each coefficient tested as equal to 0, and all jointly.

    `pairs` is `prepare.paired`. The difference form is the default because the two comments of a pair correlate: stacked
    arms with an intercept per post alone reject an equality that holds in 2 % of worlds, or in 11, instead of 5 (trap 1).
    The first table is `equivalence.tost` of every coefficient, the second the joint Wald test per tone.
    """
    bare = replace(block, controls=())
    fit = people.slopes(pairs, bare, prefix="gap ")
    made = tost(people.table(fit, bare, arm=arm), bound=bound)
    return frames.effects(made), people.joint(fit, bare, arm=arm)


def reactions(pairs: pl.DataFrame, block: Block, *, arm: str, only: Sequence[str] | None = None) -> Effects:
    """kappa, the model's reaction to the relation over people's, per tone and over all tones: 1 is alike, above is over-reaction.

    Both are regressed on one design with the post's tones held; the columns of `only` count (default: the social
    block). The last row pools the tones: its social components are those of all of them together.
    """
    block = of.varied(pairs, block, "human ", "model ")
    names = [f"{who} {t}" for who in ("human", "model") for t in block.tones]
    whole = of.complete(pairs, block, names)
    fit = mixed_effects(
        whole, of.formula(block.terms, groups=[block.group], controls=block.controls), outcomes=names, errors="CR1"
    )
    said = set(of.columns(fit, block.terms) if only is None else only)
    at = [i for i, c in enumerate(fit.columns) if c in said]
    codes, clusters = of.coded(whole, of.cluster(whole, block.group))
    joint = jointly(fit.x, fit.fit, codes, clusters)
    metric = np.cov(fit.x[:, at], rowvar=False).reshape(len(at), len(at))
    k, p = len(block.tones), len(fit.columns)
    rows = []
    for tones, measure in [*(([j], t) for j, t in enumerate(block.tones)), (list(range(k)), "all tones")]:
        human = [j * p + i for j in tones for i in at]
        found = _reaction(joint, human, [(k * p) + i for i in human], np.kron(np.eye(len(tones)), metric))
        rows.append(row(found, measure, arm, joint.n))
    return frames.effects(pl.DataFrame(rows, schema_overrides=KINDS))


KINDS = {"n": pl.Int64} | dict.fromkeys(("estimate", "low", "high", "uncorrected", "p_same"), pl.Float64)


def _reaction(joint: Jointly, human: list[int], model: list[int], metric: np.ndarray) -> Reaction:
    covariance = joint.at([*human, *model]).covariance
    q = len(human)
    return reaction(
        joint.estimate[human], joint.estimate[model], human_covariance=covariance[:q, :q],
        model_covariance=covariance[q:, q:], cross=covariance[:q, q:], metric=metric, df=joint.clusters - 1, bound=SAME,
    )  # fmt: skip


def row(found: Reaction, measure: str, arm: str, n: int) -> dict[str, object]:
    def number(x: float) -> float | None:
        return float(x) if np.isfinite(x) else None

    return {
        "measure": measure, "contrast": "kappa", "arm": arm, "estimate": number(found.estimate), "low": number(found.low),
        "high": number(found.high), "n": n, "uncorrected": number(found.naive), "p_same": number(found.p_same),
        "verdict": found.verdict or found.reason,
    }  # fmt: skip
