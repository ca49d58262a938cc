"""The study's open questions: what richer facts add, training against prompting within posts, public against private, several models."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.elasticity import elasticity
from sociolect.compare.fitted import Fitted
from sociolect.compare.heterogeneity import random_effects
from sociolect.compare.interval import FloatArray
from sociolect.compare.jointly import Codes, Jointly, beside, jointly
from sociolect.compare.mixed_effects import MixedEffects
from sociolect.compare.multiplicity import holm
from sociolect.errors import RefusedError, SociolectError
from sociolect.frames import Effects
from sociolect.systems.studies.relationship_alignment import similar
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.similar import LEAST, Similar
from sociolect.systems.studies.relationship_alignment.terms import Block

_SAME = 1e-8  # of the least eigenvalue of the estimates' correlation: below it they are not several estimates
GAINS = (("all+relation", "all"), ("relation", "none"))


def within(table: pl.DataFrame, block: Block, *, speaker: str, conditions: Sequence[str]) -> Similar:
    """`similar.similar` within groups: the human tone on the model's, both less the mean of their post, one slope per tone and arm.

    Between posts a model follows people by mirroring the post alone; within a post it must know who comments. Of a post
    with one comment nothing is left, so its pair is in no slope and not in `n`. Errors by group (CR1), paired over arms as there.

    Raises RefusedError where no arm has 30 pairs on shared posts.
    """
    human = table.filter(pl.col("source") == "human")
    codes, clusters = of.coded(human, block.group)
    arms, betas, parts, n = [], [], [], []
    for condition in conditions:
        said = table.filter((pl.col("speaker") == speaker) & (pl.col("condition") == condition))
        draws = [
            human.select("item").join(one.select("item", *block.tones), on="item", how="left", maintain_order="left")
            for _, one in sorted(said.partition_by("draw", as_dict=True).items())
        ]
        for tone in block.tones:
            y = human[tone].cast(pl.Float64).fill_null(np.nan).to_numpy()
            x = np.column_stack([d[tone].fill_null(np.nan).to_numpy() for d in draws] or [np.full(len(y), np.nan)])
            here = np.isfinite(y) & np.isfinite(x).all(1)
            here &= np.bincount(codes[here], minlength=clusters)[codes] > 1
            if here.sum() < LEAST:
                continue
            inside = [_inside(column[here], codes[here]) for column in (y, *x.T)]
            if min(np.ptp(v) for v in inside[1:]) < 1e-12:
                continue
            arms.append((condition, tone))
            n.append(int(here.sum()))
            betas.append(_slope(inside[0], inside[1:], codes[here], clusters))
            parts.append(elasticity(inside[0], np.column_stack(inside[1:]), codes[here], clusters))
    if not arms:
        raise RefusedError(
            f"{speaker}: no arm has {LEAST} pairs on posts with two of them; nothing varies within a post"
        )
    return Similar(speaker, tuple(arms), beside(betas), beside(parts), tuple(n))


def gains(found: Sequence[Similar]) -> pl.DataFrame:
    """What richer facts add to beta, by model: beta(all+relation) - beta(all), and beta(relation) - beta(none).

    Per tone (Holm within a contrast) and as the mean over tones, as `similar.context`; contrasts that were not asked are
    left out. Raises RefusedError where none was.
    """
    told = [
        similar.context(f, to=to, than=than)
        for f in found
        for to, than in GAINS
        if {to, than} <= {condition for condition, _ in f.arms}
    ]
    if not told:
        raise RefusedError("no model was asked under all+relation: name the facts with --relation")
    return pl.concat(told)


def in_settings(fit: MixedEffects, *, level: float = 0.95) -> Effects:
    """Closeness in public and in private, and the two's difference: per tone and class, with the fit's own errors.

    `fit` holds closeness, setting and their product, as `people.slopes` fits them (`terms.designed`). The coefficient
    `closeness[T.close]` of such a fit is the one of its reference setting alone. Contrasts are `<class>, public`,
    `<class>, private` and `<class>, public - private`. Raises RefusedError for a fit without the product.

    >>> from sociolect.compare.mixed_effects import mixed_effects
    >>> cells = [(c, s, y + e) for c, s, y in (("stranger", "private", 0), ("stranger", "public", 1), ("close", "private", 2),
    ...     ("close", "public", 5)) for e in (-0.5, 0.5, -0.25, 0.25)]
    >>> rows = pl.DataFrame(cells, schema=["closeness", "setting", "funny"], orient="row")
    >>> found = in_settings(mixed_effects(rows, "funny ~ closeness + setting + closeness:setting"))
    >>> found.select("contrast", pl.col("estimate").round(6)).rows()
    [('close, public', 4.0), ('close, private', 2.0), ('close, public - private', 2.0)]
    """
    from scipy.special import stdtr, stdtrit

    setting = [c.removeprefix("setting[T.").removesuffix("]") for c in fit.columns if c.startswith("setting[T.")]
    classes = [
        c.removeprefix("closeness[T.").removesuffix("]")
        for c in fit.columns
        if c.startswith("closeness[T.") and ":" not in c
    ]
    products = {c: f"closeness[T.{c}]:setting[T.{setting[0]}]" for c in classes} if len(setting) == 1 else {}
    if not products or set(products.values()) - set(fit.columns):
        raise RefusedError(
            "this fit has no product of closeness and setting: comments in public and in private are due"
        )
    rows = []
    for k, tone in enumerate(fit.outcomes):
        for name, product in products.items():
            base, more = fit.columns.index(f"closeness[T.{name}]"), fit.columns.index(product)
            for contrast, weights in _combined(base, more, declared=setting[0]):
                take = np.zeros(len(fit.columns))
                take[list(weights)] = list(weights.values())
                value = float(take @ fit.fit.beta[:, k])
                error = float(np.sqrt(take @ fit.covariance[k] @ take))
                degrees = float(min(fit.degrees[j, k] for j in weights))
                reach = -float(stdtrit(degrees, (1 - level) / 2)) * error
                p = 2 * float(stdtr(degrees, -abs(value) / error)) if error > 0 else None
                rows.append(
                    (tone, f"{name}, {contrast}", value, value - reach, value + reach, fit.n, error, degrees, p)
                )
    kinds = dict.fromkeys(("estimate", "low", "high", "se", "df", "p"), pl.Float64)
    named = ["measure", "contrast", "estimate", "low", "high", "n", "se", "df", "p"]
    made = pl.DataFrame(rows, schema=named, orient="row").cast(kinds)  # type: ignore[arg-type]  # a mapping of names to types
    return frames.effects(made.with_columns(p_holm=_families(made)))


def across(found: Sequence[Similar]) -> pl.DataFrame:
    """Cochran's Q and the random-effects mean over models, per contrast and tone, under their joint covariance.

    Contrasts: beta in `none`, in `all`, and all - none; those that every model answered. `p_holm` is that of Q over the
    tones of a contrast. Models that said the very same things have no covariance of their own: their rows hold no number, and
    `verdict` says why. Raises RefusedError for one model, or none that share a contrast.
    """
    if len(found) < 2:
        raise RefusedError(f"{len(found)} model: two or more are due to tell whether models differ")
    rows: list[dict[str, object]] = []
    for contrast, weights in (
        ("none", {"none": 1.0}),
        ("all", {"all": 1.0}),
        ("all - none", {"all": 1.0, "none": -1.0}),
    ):
        shared = set.intersection(*({t for _, t in f.arms if all((c, t) in f.arms for c in weights)} for f in found))
        for tone in [t for t in dict.fromkeys(t for _, t in found[0].arms) if t in shared]:
            one = beside([_arm(f, {(c, tone): w for c, w in weights.items()}) for f in found])
            rows.append({"contrast": contrast, "measure": tone} | _mean(one))
    if not rows:
        raise RefusedError(
            "no tone was measured by all models under `none` or `all`: nothing to hold beside each other"
        )
    made = pl.DataFrame(rows, schema=_ACROSS).with_columns(pl.col(pl.Float64).fill_nan(None))
    return made.with_columns(p_holm=_families(made, p="p_q", by="contrast"))


_NUMBERS = ("mean", "low", "high", "Q", "p_q", "i2", "tau2", "one more, low", "one more, high")
_ACROSS = {"contrast": pl.String, "measure": pl.String, "models": pl.Int64} | dict.fromkeys(_NUMBERS, pl.Float64) | {"verdict": pl.String}  # fmt: skip


def _mean(one: Jointly) -> dict[str, object]:
    """The row of one contrast and tone."""
    scale = np.where(one.errors > 0, one.errors, 1.0)
    if np.linalg.eigvalsh(one.covariance / np.outer(scale, scale))[0] < _SAME:
        return {"models": len(one.estimate), "verdict": "not identified: models gave the very same comments"}
    try:
        made = random_effects(one.estimate, one.covariance)
    except SociolectError as error:
        return {"models": len(one.estimate), "verdict": f"not identified: {error}"}
    values = (made.estimate, made.low, made.high, made.q, made.p_q, made.i2, made.tau2, made.predicted_low, made.predicted_high)  # fmt: skip
    verdict = "models differ" if made.p_q < 0.05 else "not told apart"
    return {"models": made.models, **dict(zip(_NUMBERS, values, strict=True)), "verdict": verdict}


def _arm(found: Similar, weights: dict[tuple[str, str], float]) -> Jointly:
    row = np.zeros(len(found.arms))
    row[[found.arms.index(arm) for arm in weights]] = list(weights.values())
    return found.beta.times(row)


def _families(made: pl.DataFrame, *, p: str = "p", by: str = "contrast") -> pl.Series:
    """Holm over the tones of each contrast."""
    out = made.with_row_index("_row").partition_by(by, maintain_order=True)
    fixed = [part.select("_row", q=pl.Series(holm(part[p].to_list()), dtype=pl.Float64)) for part in out]
    return pl.concat(fixed).sort("_row")["q"]


def _combined(base: int, more: int, *, declared: str) -> list[tuple[str, dict[int, float]]]:
    """The contrasts by the columns they add up; the product belongs to the setting that is not the reference."""
    here, there = {base: 1.0, more: 1.0}, {base: 1.0}
    public, private = (here, there) if declared == "public" else (there, here)
    sign = 1.0 if declared == "public" else -1.0
    return [("public", public), ("private", private), ("public - private", {more: sign})]


def _inside(values: FloatArray, codes: Codes) -> FloatArray:
    """Each value less the mean of its group."""
    count = np.maximum(np.bincount(codes), 1)
    return np.asarray(values - (np.bincount(codes, values) / count)[codes])


def _slope(y: FloatArray, draws: Sequence[FloatArray], codes: Codes, clusters: int) -> Jointly:
    """The slope through 0 of deviations, the mean over draws; a group's own mean costs no degree, as the cluster holds it."""
    made = []
    for x in draws:
        total = float(x @ x)
        beta = float(x @ y) / total
        left = (y - beta * x)[:, None]
        fitted = Fitted(
            np.array([[beta]]), np.array([[[1 / total]]]), np.ones(1), np.zeros((0, 1)), np.zeros(1), left, left, True
        )
        made.append(jointly(x[:, None], fitted, codes, clusters))
    return beside(made).times(np.full(len(made), 1 / len(made)))
