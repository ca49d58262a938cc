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
from sociolect.compare.interval import FloatArray
from sociolect.compare.jointly import Codes, Jointly, beside, jointly
from sociolect.compare.mixed_effects import MixedEffects, mixed_effects
from sociolect.compare.one_thread import one_thread
from sociolect.compare.propensity import columns
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
    place = pl.sum_horizontal((age >= edge).cast(pl.Int64) for edge in BANDS)
    band = pl.when(age.is_finite()).then(place.replace_strict(range(len(bands)), bands, return_dtype=pl.String))
    made = people.with_columns(commenter_band=band)
    if "post_time" in people.columns:
        made = made.with_columns(post_hour=pl.col("post_time").dt.hour().cast(pl.Float64))
    return made


def marginal(rows: pl.DataFrame, block: Block, *, weights: str | None) -> MixedEffects:
    """Least squares of every tone on the social block with sandwich errors by group: no intercept per group to absorb selection."""
    bare = of.formula(block.terms)
    more: dict[str, Any] = {"weights": weights, "weighting": "sampling"} if weights else {}
    return mixed_effects(rows, bare, outcomes=block.tones, errors="CR1", cluster=block.group, **more)


def shift(made: Weighed, block: Block) -> Effects:
    """Unweighted less weighted coefficients on the same rows, jointly by group: what who comments on what adds to them.

    The weights were estimated on these very rows, and undo by chance what chance did: their own influence is in the error
    (Lunceford and Davidian 2004, doi 10.1002/sim.1903). With weights taken for known the interval excludes 0 in 29 % of
    worlds without selection.
    """
    fit, plain, held = _sides(made, block)
    q = plain.estimate.size
    gap = beside([plain, held]).times(np.hstack([np.eye(q), -np.eye(q)]))
    return _rows(gap, fit, block, "unweighted - weighted")


def weighted(made: Weighed, block: Block) -> Effects:
    """The weighted coefficients, errors by group with the influence of the estimated weights in them.

    `marginal` takes the weights for known: its intervals are too wide, and cover 99 to 100 % where who comments follows a post
    that comments mirror.
    """
    fit, _, held = _sides(made, block)
    return _rows(held, fit, block, "weighted")


def _sides(made: Weighed, block: Block) -> tuple[MixedEffects, Jointly, Jointly]:
    used = made.rows.with_row_index("row").filter(pl.col("ipw") > 0)
    rows = of.complete(used, block, block.tones)
    codes, clusters = of.coded(used, block.group)
    here = np.searchsorted(used["row"].to_numpy(), rows["row"].to_numpy())
    fits = [marginal(rows, block, weights=w) for w in (None, "ipw")]
    plain, held = (jointly(f.x, f.fit, codes[here], clusters) for f in fits)
    through = _of_weights(made, used, fits[1], here=here, codes=codes, clusters=clusters)
    return fits[0], plain, replace(held, influence=held.influence + through)


@one_thread
def _of_weights(
    made: Weighed, used: pl.DataFrame, held: MixedEffects, *, here: Codes, codes: Codes, clusters: int
) -> FloatArray:
    """What each cluster adds to the weighted coefficients through the weights P(c) / P(c | z), both estimated: (clusters, q).

    With s the score of the multinomial logit and t that of the plain shares, a row's part psi of a coefficient moves by -psi s'
    per step of the logit and by psi t' per step of the shares. `here` are the rows of `used` that the fit has.
    """
    at = used["row"].to_numpy()
    found = made.found
    own, sampling = found.codes[at], found.sampling[at]
    is_in = (own[:, None] == np.arange(1, len(found.categories))).astype(float)
    z = columns(used, found.covariates).values
    z = np.column_stack([np.ones(len(at)), (z - z.mean(0)) / np.where(z.std(0) > 0, z.std(0), 1.0)])
    logit = ((is_in - found.propensity[at][:, 1:])[:, :, None] * z[:, None, :]).reshape(len(at), -1)
    shares = is_in - np.average(is_in, axis=0, weights=sampling)
    out = np.zeros((clusters, held.fit.beta.size))
    p = len(held.columns)
    for score, sign in ((logit, -1.0), (shares, 1.0)):
        weighed = score * sampling[:, None]
        # aliased indicators: a pseudo-inverse takes them as one
        inverse = np.linalg.pinv(score.T @ weighed, hermitian=True)
        sums = np.column_stack([np.bincount(codes, part, minlength=clusters) for part in weighed.T])
        for j in range(len(held.outcomes)):
            moved = score[here].T @ (held.x * held.fit.whitened[:, [j]]) @ held.fit.covariance[j]
            out[:, j * p : (j + 1) * p] += sign * sums @ (inverse @ moved)
    return out


def adjusted(made: Weighed, block: Block) -> Effects:
    """The doubly robust means of each category, and less that of the most frequent one: right where either model is."""
    rows = of.complete(made.rows.filter(pl.col("ipw") > 0), replace(block, controls=()), block.tones)
    most = made.found.categories[int(np.bincount(made.found.codes[made.found.codes >= 0]).argmax())]
    return doubly_robust(
        rows, block.tones, made.category, made.found.covariates, reference=most, cluster=block.group, rare="pool"
    )


def controlled(made: Weighed, block: Block) -> Effects | None:
    """The negative control: the held-out post feature on the commenter's side of the block, weighted; due are intervals around 0."""
    mine = tuple(t for t in block.terms if t in ("commenter_gender", "commenter_decades", "closeness"))
    if made.control is None or not mine:
        return None
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
