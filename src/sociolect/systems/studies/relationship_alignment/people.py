"""Part I: does the relation of the two people move the tone of a comment? People's comments, or one arm's by the same regressions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.compare.mixed_effects import MixedEffects, mixed_effects
from sociolect.compare.model_tests import likelihood_ratio, r_squared, wald
from sociolect.compare.multiplicity import holm
from sociolect.errors import RefusedError
from sociolect.frames import Effects
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.terms import Block


def slopes(rows: pl.DataFrame, block: Block, *, prefix: str = "", split: bool = False, **more: Any) -> MixedEffects:
    """All tones of these rows on the social block and the controls, with a random intercept per group and sandwich errors.

    `prefix` names which of a paired table's tones are meant ("model "). `split` parts every term into group mean and
    deviation (Mundlak 1978): a random intercept alone mixes what differs within a post with who comments on what.
    """
    block = of.varied(rows, sided(rows, block) if split else block, prefix)
    if not block.tones:
        raise RefusedError("no tone differs between these comments, so there is nothing to regress")
    settings = {
        "errors": "CR1",
        "cluster": of.cluster(rows, block.group),
        "within": block.group if split else None,
    } | more
    said = of.formula(block.terms, groups=block.groups, controls=block.controls)
    return mixed_effects(rows, said, outcomes=[prefix + t for t in block.tones], **settings)


def sided(rows: pl.DataFrame, block: Block) -> Block:
    """The block for a split within groups: without the poster's terms where every group is a talk of two.

    There the poster's deviation from the talk's mean is the commenter's with its sign turned, so that one slope says both:
    the commenter's less the poster's. Between talks the two means are all but one.
    """
    if not {"commenter", "poster"} <= {*rows.columns} or rows["poster"].null_count():
        return block
    each = rows.group_by(block.group).agg(n=pl.concat_list("commenter", "poster").explode().n_unique())
    if (each["n"] > 2).any():
        return block
    return replace(block, terms=tuple(t for t in block.terms if "poster_" not in t))


def table(fit: MixedEffects, block: Block, *, arm: str) -> Effects:
    """A fit's social coefficients as effects, with the arm beside; Holm over all of them."""
    made = _named(fit.summary(columns=of.columns(fit, block.terms)), arm)
    return frames.effects(made.with_columns(p_holm=pl.Series(holm(made["p"].to_list()), dtype=pl.Float64)))


def joint(fit: MixedEffects, block: Block, *, arm: str, only: Sequence[str] | None = None) -> pl.DataFrame:
    """The joint Wald test of the social block (or of `only` some columns) per tone, Holm over tones."""
    made = _named(wald(fit, of.columns(fit, block.terms) if only is None else only), arm)
    return made.with_columns(p_holm=pl.Series(holm(made["p"].to_list()), dtype=pl.Float64))


def gain(rows: pl.DataFrame, block: Block) -> pl.DataFrame:
    """What the social block adds, per tone: likelihood ratio of ML fits on the same rows, AIC, BIC, R2 with and without it.

    `p` is that of the joint Wald test with clustered errors, adjusted in `p_holm`: chi2 takes the model at its word, and
    rejects 7 % where commenters come back. R2 are marginal and conditional (Nakagawa and Schielzeth 2013).
    """
    block = of.varied(rows, block, "")
    whole = of.complete(rows, block, block.tones)
    full, reduced = (
        mixed_effects(
            whole,
            of.formula(b.terms, groups=block.groups, controls=block.controls),
            outcomes=block.tones,
            reml=False,
        )
        for b in (block, replace(block, terms=()))
    )
    found = likelihood_ratio(full, reduced)
    tested = joint(slopes(whole, block), block, arm="people").select("measure", "p", "p_holm")
    r2 = r_squared(full).join(r_squared(reduced), on="measure", suffix=" without")
    return found.drop("p").join(tested, on="measure", how="left").join(r2, on="measure", how="left")


def within_between(rows: pl.DataFrame, block: Block, *, arm: str, prefix: str = "") -> Effects:
    """Every social term in two: how comments differ within a post, and between posts (Mundlak 1978)."""
    return table(slopes(rows, block, prefix=prefix, split=True), block, arm=arm)


def _named(made: pl.DataFrame, arm: str) -> pl.DataFrame:
    return made.with_columns(pl.col("measure").str.replace(r"^(?:human|model|gap) ", ""), arm=pl.lit(arm))
