"""Planted tone tables, people's beside a model's and without text: the study's regressions are held to what was put in.

`worlds_truth.truth` says in closed form what each estimator must find in them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.errors import UsageError
from sociolect.load.planted_pairs_words import TRUTH
from sociolect.seeds import derive, substream
from sociolect.systems.studies.relationship_alignment.prepare import ADULT
from sociolect.systems.studies.relationship_alignment.wordings import CLOSENESS
from sociolect.systems.studies.relationship_alignment.worlds_knobs import (
    BETA,
    NOISE,
    Floats,
    Knob,
    at,
    check,
    coefficients,
    reaction,
)
from sociolect.tones import TONES

# Ours, in log units: standard deviations of a post's tone, of what all comments on a post share, of a comment, of a commenter.
POST, SHARED, OWN, COMMENTER = 0.5, 0.3, 0.4, 0.3
CENTRE = -4.5  # the mean log tone: seven standard deviations below a score of 1
COMMON = 0.5  # how far the tones of one post correlate
HIDDEN = 0.6  # correlation of the unseen feature of a post with what the comments on it share
STEADY = 0.5  # share of a model's own variance that is the same in every condition
SHARES = (0.5, 0.3, 0.2)  # of stranger, not_close, close, without selection
PULL = (0.0, 0.5, 1.0)  # log odds of each per standard deviation of the post, at selection 1; of a man .5
ZEROS = (1.5, 0.7, 0.2)  # how often each scores 0, the mean being 1: so the slope on closeness hangs on eps
YOUNGEST, OLDEST = 18, 77
_CUT = 0.002  # ours: more scores than this beyond 0 or 1 would bend the planted slopes


class Pairs(NamedTuple):
    """Who comments on what: the post of each pair, its riders, the terms of `SOCIAL` (n, 8), the posts' tones and hidden feature."""

    on: npt.NDArray[np.int64]
    riders: pl.DataFrame
    terms: Floats
    z: Floats
    hidden: Floats
    commenter: npt.NDArray[np.int64]


def world(
    *,
    pairs: int = 4000,
    posts: int = 1000,
    commenters: int = 0,
    tones: Sequence[str] = TONES,
    conditions: Sequence[str] = ("none", "all"),
    draws: int = 2,
    social: float | Mapping[str, Mapping[str, float]] = 1.0,
    mirror: Knob = 1.0,
    selection: float = 0.0,
    unseen: bool = False,
    kappa: Knob = 1.0,
    cue: Knob = 0.0,
    blind: bool = True,
    beta: Knob = BETA,
    noise: Knob = NOISE,
    scale: Knob = 1.0,
    zeros: float = 0.0,
    null: bool = False,
    eps: float | None = None,
    model: str = "planted",
    seed: int = 0,
) -> pl.DataFrame:
    """A wide table: a row per comment, people's (condition `observed`) and a model's per condition and draw; a column per tone.

    With S the terms of `planted_pairs_words.SOCIAL` (ages in decades from 40), z the log tone of the post and u, e, v, d normal:
    - log(human + eps) = b S + mirror z + u [post] + [commenter] + e
    - log(model + eps) = scale x (kappa b T + cue b U + mirror z + beta (u + e) + sqrt(1 - beta^2) v + noise d)
    and a constant. T are the terms told in a condition (`none`, `all`, a subset of `elicit.conditions`; `single` tells closeness;
    `placebo` tells nothing; `false` tells the facts of the pair `facts_of`), U the others: the mean over the post where the model is
    `blind` to the commenter, else the pair's own. v has the spread of u + e at post and pair, so that beta is the elasticity
    within posts and between them, and half of it stands in every condition. The d of each draw is its own.

    - `social`: times the coefficients of `planted_pairs_words.TRUTH`; or the coefficients by tone and term, others 0.
    - `mirror` (times TRUTH's), `kappa`, `cue`, `beta`, `noise` (log units), `scale`: a number, or a mapping by condition, by tone,
      or nested; what it leaves out has the default. People's mirror goes by `observed`.
    - `selection`: gender and closeness of who comments follow the mean tone of the post, and with `unseen` as much a feature
      that is in no column, and moves the comments. `post_hour` leans on that feature alone: a negative control.
    - `commenters`: so many people write all; 0 is one for each pair, and no effect of the commenter.
    - `zeros`: this share of scores is 0, of strangers' most: at .1 the slope of self_disclosure on close changes its sign
      between eps 1e-4 and 1e-2.
    - `eps`: the offset of the logs that are linear. None: half the smallest positive score of a tone, as the study takes it.
    - `null`: no social coefficient, mirror, cue, beta or selection; every condition is alike.

    Chance is drawn apart for people, model, tone, condition and draw: people's log tones are the same beside every model.
    Raises UsageError for a world that cannot be, or whose scores would leave 0 to 1.

    >>> rows = world(pairs=300, posts=100, tones=["funny"], conditions=["none", "all", "false"], seed=1)
    >>> rows.height, rows.filter(source="human").height, rows["funny"].is_between(0, 1).all()
    (2100, 300, True)
    """
    knobs = {"mirror": mirror, "kappa": kappa, "cue": cue, "beta": beta, "noise": noise, "scale": scale}
    sizes = {"pairs": pairs, "posts": posts, "draws": draws, "commenters": commenters, "selection": selection}
    check(knobs, tones=tones, conditions=conditions, social=social)
    _possible(sizes, zeros=zeros, eps=eps)
    if null:
        social, mirror, cue, beta, selection = 0.0, 0.0, 0.0, 0.0, 0.0
    seed = derive(seed, "relationship world")
    here = _pairs(pairs, min(posts, pairs), commenters, len(tones), selection=selection, unseen=unseen, seed=seed)
    seen = _post_means(here) if blind else here.terms
    other = _ring(pairs, seed)
    arms = [("observed", 0), *((c, d) for c in conditions for d in range(draws))]
    columns: dict[tuple[str, int], dict[str, Floats]] = {arm: {} for arm in arms}
    posted: dict[str, Floats] = {}
    cut = total = 0
    for k, tone in enumerate(tones):
        b = coefficients(social, tone)
        dev, fixed = POST * here.z[:, k], TRUTH[tone]["mirror"]
        rng = substream(seed, "people", tone)
        u = SHARED * (HIDDEN * here.hidden + np.sqrt(1 - HIDDEN**2) * rng.normal(size=len(dev)))
        e = OWN * rng.normal(size=pairs)
        w = COMMENTER * rng.normal(size=commenters)[here.commenter] if commenters else 0.0
        copied = at(mirror, "observed", tone, otherwise=1.0) * fixed
        eta = {arms[0]: here.terms @ b + (copied * dev + u)[here.on] + e + w}
        steady = _own(substream(seed, model, tone), len(dev), here.on)
        for c in conditions:
            told, facts = reaction(c), here.terms[other] if c == "false" else here.terms
            follows, reads, copies, g, loud, wide = (
                at(knob, c, tone, otherwise=o)
                for knob, o in (
                    (kappa, 1.0),
                    (cue, 0.0),
                    (mirror, 1.0),
                    (beta, BETA[tone]),
                    (noise, NOISE),
                    (scale, 1.0),
                )
            )
            fresh = _own(substream(seed, model, tone, c), len(dev), here.on)
            own = np.sqrt(STEADY) * steady + np.sqrt(1 - STEADY) * fresh
            said = follows * facts @ (b * told) + reads * seen @ (b * (1 - told))
            said += (copies * fixed * dev + g * u)[here.on] + g * e + np.sqrt(1 - g**2) * own
            for d in range(draws):
                eta[c, d] = wide * (said + loud * substream(seed, model, tone, c, d).normal(size=pairs))
        empty = {arm: _zeros(here.riders, zeros, derive(seed, "zeros", *_voice(model, *arm), tone)) for arm in arms}
        off = eps if eps is not None else min(float(np.exp(CENTRE + eta[arm][~empty[arm]]).min()) for arm in arms) / 3
        for arm in arms:
            raw = np.exp(CENTRE + eta[arm]) - off
            cut, total = cut + int(((raw < 0) | (raw > 1)).sum()), total + pairs
            columns[arm][tone] = np.where(empty[arm], 0.0, np.clip(raw, 0, 1))
        posted[f"post_{tone}"] = np.clip(np.exp(CENTRE + dev) - off, 0, 1)[here.on]
    if cut > _CUT * total:
        raise UsageError(f"{cut:,} of {total:,} scores would leave 0 to 1: lower scale, noise, social or eps")
    base = here.riders.with_columns(pl.Series(name, v) for name, v in posted.items())
    return pl.concat([_arm(base, c, d, made, model=model, other=other, seed=seed) for (c, d), made in columns.items()])


def _possible(sizes: Mapping[str, float], *, zeros: float, eps: float | None) -> None:
    least = {"pairs": 2, "posts": 1, "draws": 1, "commenters": 0, "selection": 0}
    faults = [f"{name} is {n}: {least[name]} or more is due" for name, n in sizes.items() if not n >= least[name]]
    faults += ["1 commenter is of one gender: 0, or 2 or more, are due"] * (sizes["commenters"] == 1)
    most = 1 / max(ZEROS)
    faults += [f"zeros is {zeros}: due is 0 to {most:.2f}"] * (not 0 <= zeros <= most)
    faults += [f"eps is {eps}: 0 or more is due"] * (eps is not None and not eps >= 0)
    if faults:
        raise UsageError(f"this world cannot be: {'; '.join(faults)}")


def _pairs(n: int, posts: int, commenters: int, tones: int, *, selection: float, unseen: bool, seed: int) -> Pairs:
    """Posts with their tones, and who comments on each: every post has a comment."""
    rng = substream(seed, "pairs")
    z = np.sqrt(COMMON) * rng.normal(size=(posts, 1)) + np.sqrt(1 - COMMON) * rng.normal(size=(posts, tones))
    hidden, length, hour = rng.normal(size=(3, posts))
    mood = z.mean(axis=1) / np.sqrt(COMMON + (1 - COMMON) / tones)
    drive = selection * ((mood + hidden) / np.sqrt(2) if unseen else mood)
    on = np.sort(np.concatenate([np.arange(posts), rng.integers(posts, size=n - posts)]))
    man = (rng.random(n) < 1 / (1 + np.exp(-0.5 * drive[on]))).astype(np.int64)
    odds = np.exp(np.log(SHARES) + np.outer(drive[on], PULL)).cumsum(axis=1)
    close = (rng.random(n)[:, None] * odds[:, -1:] > odds[:, :-1]).sum(axis=1)
    to_man, poster_age = rng.integers(2, size=posts)[on], rng.integers(YOUNGEST, OLDEST + 1, size=posts)[on]
    who, age = np.arange(n), rng.integers(YOUNGEST, OLDEST + 1, size=max(n, commenters))
    if commenters:  # women are even
        who = man + 2 * np.floor(rng.random(n) * ((commenters + 1 - man) // 2)).astype(np.int64)
    age = age[who]
    decades, poster_decades = (age - ADULT) / 10, (poster_age - ADULT) / 10
    gap = np.abs(age - poster_age) / 10
    terms = np.column_stack([man, to_man, man * to_man, decades, poster_decades, gap, close == 1, close == 2])
    genders = np.array(["woman", "man"])
    riders = pl.DataFrame(
        {
            **{c: _ids(c, v) for c, v in (("item", np.arange(n)), ("post", on), ("thread", on), ("poster", on), ("commenter", who))},
            "commenter_gender": genders[man], "poster_gender": genders[to_man],
            "commenter_age": age.astype(float), "poster_age": poster_age.astype(float),
            "closeness": np.array(CLOSENESS)[close],
            "post_length": np.round(40 * np.exp(0.3 * mood + 0.3 * length)).astype(np.int64)[on],
            "post_hour": (12 + 3 * (0.7 * hidden + np.sqrt(0.51) * hour))[on],
        }
    )  # fmt: skip
    return Pairs(on, riders, terms.astype(np.float64), z, hidden, who)


def _ids(kind: str, codes: npt.NDArray[np.int64]) -> pl.Series:
    digits = pl.Series(kind, codes).cast(pl.String).str.zfill(len(str(codes.max())))
    return f"{kind} " + digits


def _post_means(here: Pairs) -> Floats:
    counts = np.bincount(here.on)
    return np.column_stack([(np.bincount(here.on, column) / counts)[here.on] for column in here.terms.T])


def _ring(n: int, seed: int) -> npt.NDArray[np.int64]:
    """For every pair another pair, each taken once: one ring through all of them, drawn."""
    order = substream(seed, "false facts").permutation(n)
    after = np.empty(n, dtype=np.int64)
    after[order] = np.roll(order, -1)
    return after


def _own(rng: np.random.Generator, posts: int, on: npt.NDArray[np.int64]) -> Floats:
    return SHARED * rng.normal(size=posts)[on] + OWN * rng.normal(size=len(on))


def _zeros(riders: pl.DataFrame, zeros: float, seed: int) -> npt.NDArray[np.bool_]:
    if not zeros:
        return np.zeros(riders.height, dtype=bool)
    share = riders["closeness"].replace_strict(CLOSENESS, ZEROS, return_dtype=pl.Float64).to_numpy()
    return np.random.default_rng(seed).random(riders.height) < zeros * share


def _voice(model: str, condition: str, draw: int) -> tuple[str | int, ...]:
    """Whose chance it is: people's does not hang on the model beside them."""
    return ("observed",) if condition == "observed" else (model, condition, draw)


def _arm(
    base: pl.DataFrame,
    condition: str,
    draw: int,
    made: Mapping[str, Floats],
    *,
    model: str,
    other: npt.NDArray[np.int64],
    seed: int,
) -> pl.DataFrame:
    """The rows of one condition and draw."""
    human = condition == "observed"
    who = "commenter" if human else pl.lit(model)
    facts = base["item"].gather(other) if condition == "false" else pl.lit(None, pl.String)
    length = np.maximum(1, substream(seed, "length", *_voice(model, condition, draw)).poisson(20, size=base.height))
    return base.with_columns(
        speaker=who, source=pl.lit("human" if human else "model"), condition=pl.lit(condition),
        draw=pl.lit(draw, pl.Int64), facts_of=facts, length=pl.Series(length, dtype=pl.Int64),
        **{tone: pl.Series(v) for tone, v in made.items()},
    )  # fmt: skip
