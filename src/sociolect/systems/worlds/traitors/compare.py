"""Model against model: as traitors, as the faithful, and both together, with games as what varies."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap, cells
from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Effects, Scores

DRAWS = 2000
_PAIR = ("community", "condition")
_KINDS = dict.fromkeys(("estimate", "low", "high"), pl.Float64) | dict.fromkeys(("n", "clusters", "left_out"), pl.Int64)


class Term(NamedTuple):
    """One mean of a contrast: games of a measure in which a side was played by these models, counted with this sign."""

    measure: str
    side: str  # community: they play the traitors; condition: the faithful
    models: tuple[str, ...]
    sign: float


def asymmetry(scores: Scores, stronger: str, *, draws: int = DRAWS, seed: int = 0) -> Effects:
    """What the stronger model does differently: deceives better, detects worse, and gains more by the one than by the other.

    Three rows: `traitors survive` as traitors, `lift` as the faithful, and `win`: what it adds to a win of the traitors less what it
    adds to a win of the faithful. Each is the stronger model less the mean of the others; games are drawn again within each pair.
    A number that cannot be had is null, and `method` says why. Raises InputError where the stronger model did not play, or no other did.
    """
    models = sorted(set(scores["community"].unique()) | set(scores["condition"].unique()))
    others = tuple(m for m in models if m != stronger)
    if stronger not in models or not others:
        raise InputError(f"{stronger!r} is to be compared among {', '.join(models)}: name one of two or more models")
    one = (stronger,)
    contrasts = {
        "traitors survive": ("as traitors", _less("traitors survive", "community", one, others)),
        "lift": ("as the faithful", _less("lift", "condition", one, others)),
        # the traitors win where the faithful do not
        "win": ("as traitors - as the faithful", [*_less("win", "community", one, others, -1.0), *_less("win", "condition", one, others, -1.0)]),
    }  # fmt: skip
    rows = []
    for measure, (name, terms) in contrasts.items():
        said = f"{stronger} - {'others' if len(others) > 1 else others[0]}, {name}"
        rows.append({"measure": measure, "contrast": said} | _estimate(scores, terms, draws=draws, seed=seed))
    return frames.effects(pl.DataFrame(rows, schema_overrides=_KINDS))


def _less(measure: str, side: str, one: tuple[str, ...], others: tuple[str, ...], sign: float = 1.0) -> list[Term]:
    return [Term(measure, side, one, sign), Term(measure, side, others, -sign)]


def _estimate(scores: Scores, terms: Sequence[Term], *, draws: int, seed: int) -> dict[str, object]:
    """A signed sum of weighted means, each over all games of its term, with its interval over games."""
    whole = scores.filter(pl.col("measure").is_in(list({t.measure for t in terms}))).sort(*frames.KEYS, "measure")
    known = whole.filter(pl.col("value").is_not_null())
    none = {
        "estimate": None,
        "low": None,
        "high": None,
        "n": known.height,
        "clusters": None,
        "left_out": whole.height - known.height,
    }
    if known.is_empty():
        return none | {"method": "no number: it is undefined in every game"}
    value, weight = known["value"].to_numpy(), known["weight"].to_numpy()
    columns = []
    for term in terms:
        here = (known["measure"] == term.measure) & known[term.side].is_in(list(term.models))
        mass = weight * here.to_numpy()
        columns += [mass * value, mass]
    sums = np.stack(columns, axis=1)
    signs = np.array([term.sign for term in terms])
    pairs, games = (
        known.select(pl.struct(c).rank("dense")).to_series().to_numpy().astype(np.int64)
        for c in (_PAIR, (*_PAIR, "item"))
    )
    codes, place = cells([games])
    strata = np.zeros(codes[0].size, dtype=np.int64)
    strata[place] = pairs  # as many games of each pair as there were
    held = np.stack([np.bincount(place, weights=column, minlength=codes[0].size) for column in sums.T], axis=1)

    def statistic(w: FloatArray) -> FloatArray:
        total = w @ held
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((total[:, ::2] / total[:, 1::2]) @ signs)

    try:
        found = bootstrap(statistic, codes, strata=strata, draws=draws, batched=True, seed=seed)
    except RefusedError as refusal:
        return none | {"method": f"no number: {refusal}"}
    if float(found.high) - float(found.low) <= 1e-12:
        # that few games agree says little of the next
        method = f"no interval: every one of {int(found.clusters)} games gave the same"
        return none | {"estimate": float(found.estimate), "clusters": int(found.clusters), "method": method}
    return {
        "estimate": float(found.estimate), "low": float(found.low), "high": float(found.high), "n": known.height,
        "clusters": int(found.clusters), "method": "difference of weighted means, bootstrap over games within pairs",
        "left_out": whole.height - known.height,
    }  # fmt: skip
