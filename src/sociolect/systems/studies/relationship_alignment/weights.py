"""Who comments on what: inverse propensity weights for the commenter's category, and what they change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.balance import balance
from sociolect.compare.doubly_robust import doubly_robust
from sociolect.compare.jointly import Jointly, beside, jointly
from sociolect.compare.mixed_effects import MixedEffects, mixed_effects
from sociolect.compare.weighting import Weighting, weighting
from sociolect.errors import RefusedError, SociolectError
from sociolect.frames import Effects
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.terms import Block

BANDS = (30.0, 45.0, 60.0)  # years; ours: the paper names none
CUT = (0.01, 0.99)


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """People's rows with a column `ipw`, and how it was made; `control` is a post feature left out of the propensity;
    `why` says which finer categories could not be weighed by."""

    rows: pl.DataFrame
    found: Weighting
    category: tuple[str, ...]
    control: str | None
    balance: pl.DataFrame
    why: str


def weighed(people: pl.DataFrame, block: Block, *, trim: tuple[float, float] | None = None) -> Weighed:
    """People's rows weighted as if every category of commenter met the same posts. Rows the propensity cannot take weigh 0 and are counted.

    The category is gender by closeness, or what of it is told, else the age band; the post's features are its tones,
    length, hour and the poster's traits. The post's length is held out of the propensity as a negative control where there
    are other features: nothing weighted balances it but balance itself.
    """
    rows = features(people)
    traits = [c for c in ("poster_gender", "poster_age", "post_hour") if _varies(rows, c)]
    known = [*block.controls, *traits]
    control = "post_length" if known and _varies(rows, "post_length") else None
    known = known or [c for c in ("post_length",) if _varies(rows, c)]
    if not known:
        raise RefusedError("nothing is known about the posts that could tell who comments on them: no weights")
    found, category, why = _first(rows, block, known, trim)
    held = balance(rows, found, held_out=[control] if control else [])
    ipw = pl.Series("ipw", np.nan_to_num(found.weights, nan=0.0))
    return Weighed(rows.with_columns(ipw), found, category, control, held, why)


def _first(
    rows: pl.DataFrame, block: Block, known: Sequence[str], trim: tuple[float, float] | None
) -> tuple[Weighting, tuple[str, ...], str]:
    """The weights by the finest category that every kind of post meets, and why a finer one has none."""
    told = [c for c in ("closeness", "commenter_gender") if c in block.terms]
    ways = [tuple(told), *((c,) for c in told if len(told) > 1)] if told else [("commenter_band",)]
    why: list[str] = []
    for category in ways:
        try:
            return weighting(rows, category, known, trim=trim, rare="pool"), category, "; ".join(why)
        except SociolectError as error:
            why.append(f"{' x '.join(category)}: {error}")
    raise RefusedError("; ".join(why))


def features(people: pl.DataFrame) -> pl.DataFrame:
    """The rows with the commenter's age band, the post's length in words and its hour, where they are told."""
    bands = [
        f"under {BANDS[0]:.0f}",
        *(f"{a:.0f} to {b:.0f}" for a, b in pairwise(BANDS)),
        f"{BANDS[-1]:.0f} up",
    ]
    age = pl.col("commenter_age") if "commenter_age" in people.columns else pl.lit(None, pl.Float64)
    made = people.with_columns(commenter_band=age.cut(list(BANDS), labels=bands, left_closed=True).cast(pl.String))
    if "post_time" in people.columns:
        made = made.with_columns(post_hour=pl.col("post_time").dt.hour().cast(pl.Float64))
    return made


def marginal(rows: pl.DataFrame, block: Block, *, weights: str | None) -> MixedEffects:
    """Least squares of every tone on the social block with sandwich errors by group: no intercept per group to absorb selection."""
    bare = of.formula(block.terms)
    more: dict[str, Any] = {"weights": weights, "weighting": "sampling"} if weights else {}
    return mixed_effects(rows, bare, outcomes=block.tones, errors="CR1", cluster=block.group, **more)


def shift(made: Weighed, block: Block) -> Effects:
    """Unweighted less weighted coefficients on the same rows, jointly by group: what who comments on what adds to them."""
    rows = of.complete(made.rows.filter(pl.col("ipw") > 0), block, block.tones)
    codes, clusters = of.coded(rows, block.group)
    plain, held = marginal(rows, block, weights=None), marginal(rows, block, weights="ipw")
    parts = [jointly(f.x, f.fit, codes, clusters) for f in (plain, held)]
    q = parts[0].estimate.size
    gap = beside(parts).times(np.hstack([np.eye(q), -np.eye(q)]))
    return _rows(gap, plain, block, "unweighted - weighted")


def adjusted(made: Weighed, block: Block) -> Effects:
    """The doubly robust means of each category, and less that of the most frequent one: right where either model is."""
    rows = of.complete(made.rows.filter(pl.col("ipw") > 0), replace(block, controls=()), block.tones)
    most = made.found.categories[int(np.bincount(made.found.codes[made.found.codes >= 0]).argmax())]
    return doubly_robust(
        rows, block.tones, made.category, made.found.covariates, reference=most, cluster=block.group, rare="pool"
    )


def controlled(made: Weighed, block: Block) -> Effects | None:
    """The negative control: the held-out post feature on the commenter's side of the block, weighted; due are intervals around 0."""
    if made.control is None:
        return None
    mine = tuple(t for t in block.terms if t in ("commenter_gender", "commenter_decades", "closeness"))
    rows = of.complete(made.rows.filter(pl.col("ipw") > 0), replace(block, terms=mine, controls=()), [made.control])
    fit = mixed_effects(
        rows,
        of.formula(mine),
        outcomes=[made.control],
        weights="ipw",
        weighting="sampling",
        errors="CR1",
        cluster=block.group,
    )
    return fit.summary(columns=of.columns(fit, mine))


def _rows(found: Jointly, fit: MixedEffects, block: Block, what: str) -> Effects:
    low, high, p = found.ends()
    wanted, width = of.columns(fit, block.terms), len(fit.columns)
    rows = [
        (tone, c, found.estimate[i], low[i], high[i], found.n, p[i])
        for k, tone in enumerate(fit.outcomes)
        for c in wanted
        for i in [k * width + fit.columns.index(c)]
    ]
    made = pl.DataFrame(rows, schema=["measure", "contrast", "estimate", "low", "high", "n", "p"], orient="row")
    return frames.effects(
        made.with_columns(pl.col(pl.Float64).fill_nan(None), pl.col("n").cast(pl.Int64), arm=pl.lit(what))
    )


def _varies(rows: pl.DataFrame, column: str) -> bool:
    return column in rows.columns and rows[column].drop_nulls().n_unique() > 1


def told(made: Weighed) -> Sequence[tuple[str, str]]:
    """How the weights were made, in words."""
    after = made.balance.filter(~pl.col("held_out"))["after"].drop_nulls()
    worst = float(np.abs(after.to_numpy()).max()) if after.len() else None
    return [
        ("category", " x ".join(made.category) + (f" (not finer: {made.why})" if made.why else "")), ("given", ", ".join(made.found.covariates)),
        ("effective sample", f"{made.found.effective:,.0f} of {made.found.n:,} ({made.found.share:.0%})"),
        ("largest standardised difference after weighting", f"{worst:.3f}" if worst is not None else "none"),
    ]  # fmt: skip
