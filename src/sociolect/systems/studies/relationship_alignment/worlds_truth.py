"""What each estimator must find in a planted world, in closed form."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from sociolect.load.planted_pairs_words import SOCIAL, TRUTH
from sociolect.systems.studies.relationship_alignment.worlds import (
    COMMENTER,
    OLDEST,
    OWN,
    POST,
    SHARED,
    SHARES,
    YOUNGEST,
)
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

COLUMNS = ("tone", "condition", "what", "value", "within", "between")


def truth(
    *,
    tones: Sequence[str] = TONES,
    conditions: Sequence[str] = ("none", "all"),
    draws: int = 2,
    commenters: int = 0,
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
) -> pl.DataFrame:
    """What `worlds.world` plants under the same keywords: tone, condition, what, value, within, between.

    `value` is what least squares finds over rows, or any estimator where `within` (posts) and `between` are equal. Null:
    there is no closed form, or the estimators differ. A model's numbers are of the mean of its `draws` log tones. What:

    - each term of `SOCIAL`, and `post` (the elasticity on the post's tone), in a regression on all of them;
    - `beta_given`: the elasticity of people's tone on the model's, terms and post held: beta / scale x s2 / (s2 + d2), with s2
      the variance of u + e (of e alone within posts) and d2 = noise^2 / draws;
    - `beta`, `correlation`, `sd_ratio` (model over people): nothing held. beta = correlation / sd_ratio = cov / var;
    - `kappa`: <b, b_model> / <b, b> in the metric of cov(S); `kappa_told`: the same on the facts told, other than kappa for `false`;
    - `reliability`: the share of the model's variance that its draws have in common.

    A `cue` that a blind model reads stands between posts alone. Selection changes cov(S), so what needs it is null, but not
    kappa where all terms are told alike. Under `unseen` only `within` is known. With `zeros` nothing is: all hangs on eps.

    >>> found = truth(tones=["funny"], conditions=["all"], kappa=2.0, scale=2.0, noise=0.0)
    >>> found.filter(condition="all", what="kappa")["value"].item(), found.filter(what="beta_given")["value"].item()
    (4.0, 0.2)
    """
    knobs = {"mirror": mirror, "kappa": kappa, "cue": cue, "beta": beta, "noise": noise, "scale": scale}
    check(knobs, tones=tones, conditions=conditions, social=social)
    if null:
        social, mirror, cue, beta, selection = 0.0, 0.0, 0.0, 0.0, 0.0
    metric, confounded = covariance(), unseen and selection > 0
    spread = SHARED**2 + OWN**2
    rows: list[tuple[Any, ...]] = []
    for tone in tones:
        b = coefficients(social, tone)
        copied = at(mirror, "observed", tone, otherwise=1.0) * TRUTH[tone]["mirror"]
        whole = b @ metric @ b + (copied * POST) ** 2 + spread + (COMMENTER**2 if commenters else 0.0)
        add = _adder(rows, tone, "observed", zeros=zeros, confounded=confounded)
        for term, value in zip(SOCIAL, b, strict=True):
            add(term, value, value, value)
        add("post", copied, copied, copied)
        for c in conditions:
            add = _adder(rows, tone, c, zeros=zeros, confounded=confounded)
            by = {n: at(k, c, tone, otherwise=o) for n, k, o in (("kappa", kappa, 1.0), ("cue", cue, 0.0), ("mirror", mirror, 1.0), ("beta", beta, BETA[tone]), ("noise", noise, NOISE), ("scale", scale, 1.0))}  # fmt: skip
            told, false = reaction(c), c == "false"
            hidden = blind and by["cue"] != 0 and bool(((1 - told) * b).any())
            follows = by["kappa"] * b * told
            own = np.zeros_like(b) if false else follows  # on the pair's own facts
            reads = by["cue"] * b * (1 - told)
            within, between = (own if blind else own + reads), own + reads
            for term, v, i, o in zip(SOCIAL, between, within, between, strict=True):
                add(term, None if i != o else v * by["scale"], i * by["scale"], o * by["scale"])
            mirrors = by["mirror"] * TRUTH[tone]["mirror"]
            add("post", *[mirrors * by["scale"]] * 3)
            chance = by["noise"] ** 2 / draws
            # the facts of another pair stand in the way of what is shared, as noise does
            stray = follows @ metric @ follows if false else 0.0
            given = by["beta"] / by["scale"]
            add(
                "beta_given",
                None if hidden or (stray and selection) else given * spread / (spread + chance + stray),
                None if stray and selection else given * OWN**2 / (OWN**2 + chance + stray),
                None,
            )
            known = not hidden and not selection
            var = between @ metric @ between + stray + (mirrors * POST) ** 2 + spread + chance
            cov = b @ metric @ between + copied * mirrors * POST**2 + by["beta"] * spread
            add("beta", cov / var / by["scale"] if known else None)
            add("correlation", cov / np.sqrt(var * whole) if known else None)
            add("sd_ratio", by["scale"] * np.sqrt(var / whole) if known else None)
            add("reliability", 1 - chance / var if known else None)
            alike = len({*told[b != 0]}) <= 1 or not selection
            size = b @ metric @ b
            seen = [None if not size or not alike else by["scale"] * (v @ metric @ b) / size for v in (within, between)]
            add("kappa", None if hidden else seen[1], *seen)
            add("kappa_told", *[by["scale"] * (follows @ metric @ b) / size if size and alike else None] * 3)
    return pl.DataFrame(rows, schema={c: pl.String if c in COLUMNS[:3] else pl.Float64 for c in COLUMNS}, orient="row")


def _adder(rows: list[tuple[Any, ...]], tone: str, condition: str, *, zeros: float, confounded: bool) -> Any:
    def add(what: str, value: float | None, within: float | None = None, between: float | None = None) -> None:
        if zeros:
            value = within = between = None
        elif confounded:
            value = between = None
        rows.append((tone, condition, what, *(None if v is None else float(v) + 0.0 for v in (value, within, between))))

    return add


def covariance() -> Floats:
    """The covariance of the terms of `SOCIAL` over pairs without selection: men are half, ages are equally likely.

    >>> covariance()[0].round(3).tolist()[:3], float(covariance()[5, 5].round(3))
    ([0.25, 0.0, 0.125], 2.001)
    """
    n = OLDEST - YOUNGEST + 1
    c = np.zeros((len(SOCIAL), len(SOCIAL)))
    c[:3, :3] = [[0.25, 0, 0.125], [0, 0.25, 0.125], [0.125, 0.125, 0.1875]]
    c[3, 3] = c[4, 4] = (n**2 - 1) / 12 / 100
    c[5, 5] = (n**2 - 1) * (n**2 + 2) / (18 * n**2) / 100  # of the distance of two; by symmetry it leans on neither age
    p = np.array(SHARES[1:])
    c[6:, 6:] = np.diag(p) - np.outer(p, p)
    return c
