"""Three mechanisms as hypotheses: the relation is implicit in the post (M1), explicit context is over-reacted to (M2), who comments on what (M3)."""

from dataclasses import replace

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.jointly import beside, jointly
from sociolect.compare.mixed_effects import mixed_effects
from sociolect.compare.reaction import reaction
from sociolect.errors import RefusedError
from sociolect.frames import Effects
from sociolect.systems.studies.relationship_alignment import gaps, people, prepare
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.terms import Block

COMMENTER = ("commenter_gender", "commenter_decades", "closeness")


def implicit(pairs: pl.DataFrame, block: Block, *, arm: str = "none") -> pl.DataFrame:
    """M1: the social block in comments made without context, with and without the post's own tones, and within posts.

    What stays once the post's tone is held is no mirroring of it. Within a post a model that was told nothing cannot know who
    comments, so there the commenter's terms must be at chance: a row that is not says that something leaked.
    """
    fits = {
        "without the post's tones": people.slopes(pairs, replace(block, controls=()), prefix="model "),
        "beside the post's tones": people.slopes(pairs, block, prefix="model "),
    }
    parts = [people.joint(fit, block, arm=arm).with_columns(block=pl.lit(name)) for name, fit in fits.items()]
    mine = replace(block, terms=tuple(t for t in block.terms if t in COMMENTER))
    if mine.terms:
        split = people.slopes(pairs, replace(mine, controls=()), prefix="model ", split=True)
        inside = [c for c in of.columns(split, mine.terms) if "[within" in c]
        if inside:
            try:
                at_chance = people.joint(split, mine, arm=arm, only=inside)
            except (
                RefusedError
            ) as error:  # too few groups in which the term varies: said in the table, not left out of it
                at_chance = pl.DataFrame({"measure": ["all tones"], "arm": [arm], "reason": [str(error)]})
            parts.append(at_chance.with_columns(block=pl.lit("the commenter, within a post")))
    return pl.concat(parts, how="diagonal")


def placebo(table: pl.DataFrame, block: Block, *, speaker: str) -> tuple[Effects, pl.DataFrame]:
    """M2's control: does a placebo of the same length move the tone with the relation? placebo less none, on the social block."""
    parts = {c: prepare.paired(table, speaker, c) for c in ("placebo", "none")}
    base = parts["none"].select("item", *(pl.col(f"model {t}").alias(f"none {t}") for t in block.tones))
    both = parts["placebo"].join(base, on="item", how="inner", maintain_order="left")
    both = both.with_columns(**{f"gap {t}": pl.col(f"model {t}") - pl.col(f"none {t}") for t in block.tones})
    bare = replace(block, controls=())
    fit = people.slopes(both, bare, prefix="gap ")
    return people.table(fit, bare, arm="placebo - none"), people.joint(fit, bare, arm="placebo - none")


def followed(table: pl.DataFrame, block: Block, *, speaker: str, condition: str = "false") -> Effects:
    """M2's other control: told the facts of another pair, does the model follow those? kappa on the false facts, all tones.

    People's coefficients are on the true facts of their pairs, the model's on the facts it was told; both on the same
    scale, jointly by group. A model that reads its prompt has the same kappa here as under `all`.
    """
    human = table.filter(pl.col("source") == "human")
    said = table.filter((pl.col("speaker") == speaker) & (pl.col("condition") == condition))
    if not said.height:
        raise RefusedError(f"{speaker} was never told the facts of another pair: ask the condition {condition!r}")
    # their own columns hold what they were told (`bounds.as_told`)
    riders = [c for c in said.columns if c not in block.tones and c not in ("draw", "item", *frames.KEYS)]
    told = said.group_by("item", maintain_order=True).agg(pl.col(riders).first(), pl.col(list(block.tones)).mean())
    block = of.varied(said, of.varied(human, block, ""), "")
    cluster = of.cluster(human, block.group)
    names = human[cluster].unique().sort()
    fits, joints = [], []
    for rows in (of.complete(human, block, block.tones), of.complete(told, block, block.tones)):
        fit = mixed_effects(
            rows,
            of.formula(block.terms, groups=[block.group], controls=block.controls),
            outcomes=block.tones,
            errors="CR1",
        )
        codes = names.search_sorted(rows[cluster]).cast(pl.Int64).to_numpy()
        fits.append(fit)
        joints.append(jointly(fit.x, fit.fit, codes, len(names)))
    if fits[0].columns != fits[1].columns:
        apart = ", ".join(sorted({*fits[0].columns} ^ {*fits[1].columns}))
        raise RefusedError(f"the false facts have not the levels of the true ones ({apart}): ask more pairs")
    at = [fits[0].columns.index(c) for c in of.columns(fits[0], block.terms)]
    width, k = len(fits[0].columns), len(block.tones)
    both = beside(joints)
    mine = [j * width + i for j in range(k) for i in at]
    picked = both.at([*mine, *(k * width + i for i in mine)])
    q, covariance = len(mine), picked.covariance
    metric = np.kron(np.eye(k), np.cov(fits[0].x[:, at], rowvar=False).reshape(len(at), len(at))).astype(np.float64)
    found = reaction(
        picked.estimate[:q], picked.estimate[q:], human_covariance=covariance[:q, :q], model_covariance=covariance[q:, q:],
        cross=covariance[:q, q:], metric=metric, df=picked.clusters - 1, bound=gaps.SAME,
    )  # fmt: skip
    return frames.effects(
        pl.DataFrame([gaps.row(found, "all tones", condition, picked.n)], schema_overrides=gaps.KINDS)
    )


def between_within(rows: pl.DataFrame, block: Block, *, arm: str = "human") -> Effects:
    """M3: the between-post coefficient less the within-post one, per social term that has both; 0 where nothing is selected."""
    bare = people.sided(rows, replace(block, controls=()))
    whole = of.complete(rows, bare, block.tones)
    fit = people.slopes(whole, bare, split=True)
    codes, clusters = of.coded(whole, of.cluster(whole, block.group))
    joint = jointly(fit.x, fit.fit, codes, clusters)
    inside = {c.partition(" [within")[0]: i for i, c in enumerate(fit.columns) if " [within" in c}
    outside = {c.partition(" [between")[0]: i for i, c in enumerate(fit.columns) if " [between" in c}
    wanted = {c.partition(" [")[0] for c in of.columns(fit, block.terms)}
    both = [c for c in outside if c in inside and c in wanted]
    width, made = len(fit.columns), []
    for k, tone in enumerate(fit.outcomes):
        matrix = np.zeros((len(both), joint.estimate.size))
        for r, c in enumerate(both):
            matrix[r, k * width + outside[c]], matrix[r, k * width + inside[c]] = 1.0, -1.0
        found = joint.times(matrix)
        low, high, p = found.ends()
        made += [(tone, c, found.estimate[r], low[r], high[r], found.n, p[r]) for r, c in enumerate(both)]
    frame = pl.DataFrame(made, schema=["measure", "contrast", "estimate", "low", "high", "n", "p"], orient="row")
    kinds = {
        "measure": pl.String,
        "contrast": pl.String,
        "n": pl.Int64,
        **dict.fromkeys(("estimate", "low", "high", "p"), pl.Float64),
    }
    return frames.effects(frame.cast(kinds).with_columns(pl.col(pl.Float64).fill_nan(None), arm=pl.lit(arm)))  # type: ignore[arg-type]  # a mapping of names to types
