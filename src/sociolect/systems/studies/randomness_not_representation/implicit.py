"""Arm B: which of two letters is preferred, told by pairs or one by one, in three roles, with and without reasons, on 4 to 6 points."""

import tomllib
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.elicit.administer import administered
from sociolect.elicit.variants import variants
from sociolect.errors import InputError
from sociolect.frames import Items, Replies
from sociolect.models.model import Model
from sociolect.models.respondent import Question, Respondent
from sociolect.seeds import substream
from sociolect.systems.studies.randomness_not_representation.bulk import Lister, together
from sociolect.systems.studies.randomness_not_representation.measure import absolute, comparative, scaled
from sociolect.systems.studies.randomness_not_representation.players import Swayed
from sociolect.text import clean, neutralise

DIMENSIONS = (
    "power distance",
    "individualism",
    "masculinity",
    "uncertainty avoidance",
    "long-term orientation",
    "indulgence",
)
ROLES = {
    "manager": "You are a hiring manager.",
    "coach": "You are a career coach.",
    "applicant": "You are an applicant yourself.",
}
REASONS = {
    "none": "Give the option only.",
    "reasons": "Weigh both in your mind first; then begin your reply with the option, and give a reason after it.",
}
STEPS = {
    4: ("strongly prefer A", "prefer A", "prefer B", "strongly prefer B"),
    5: ("strongly prefer A", "prefer A", "no preference", "prefer B", "strongly prefer B"),
    6: ("strongly prefer A", "prefer A", "slightly prefer A", "slightly prefer B", "prefer B", "strongly prefer B"),
}  # dossier, B.2: a neutral label only for odd k
RATED = ("very poor", "poor", "fair", "good", "very good")
HIGH, LOW = "high", "low"


def letters(text: Path | None = None, *, most: int) -> pl.DataFrame:
    """Letter, dimension, and its two rewritings (`high`, `low`); `text` is a TOML file of your own, else short ones of ours.

    >>> letters(most=2).height
    12
    """
    file = text or Path(__file__).with_name("letters.toml")
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file.name} cannot be read: {error}") from error
    rows, faults = [], []
    poles = said.get("poles", {})
    faults += [f"dimension {d!r} lacks high or low" for d in DIMENSIONS if not {HIGH, LOW} <= set(poles.get(d, {}))]
    faults += ["no letter stands under [letters]"] * (not said.get("letters"))
    if faults:
        raise InputError(f"{file.name} holds no letters: {'; '.join(faults)}")
    for (name, letter), dimension in product(list(said["letters"].items())[:most], DIMENSIONS):
        own = said.get("rewritten", {}).get(name, {}).get(dimension, {})
        both = [own.get(pole, f"{letter} {poles[dimension][pole]}") for pole in (HIGH, LOW)]
        rows.append((name, dimension, *(neutralise(clean(str(text))) for text in both)))
    return pl.DataFrame(rows, schema=["letter", "dimension", HIGH, LOW], orient="row")


def pairs_of(found: pl.DataFrame, *, points: int, pairs: int, seed: int = 0) -> Items:
    """At most `pairs` pairs of a dimension as items on so many points, first letter drawn by seed (`high_first`)."""
    rows = []
    for place, row in enumerate(_few(found, pairs).iter_rows(named=True)):
        first = bool(substream(seed, "order", place).random() < 0.5)
        a, b = (row[HIGH], row[LOW]) if first else (row[LOW], row[HIGH])
        ask = f"Which of two letters do you prefer? Letter A: {a} Letter B: {b}"
        rows.append(
            (
                f"{row['dimension']}:{row['letter']}",
                ask,
                [str(j) for j in range(1, points + 1)],
                list(STEPS[points]),
                row["dimension"],
                first,
            )
        )
    shape: dict[str, Any] = {"item": pl.String, "prompt": pl.String, "options": pl.List(pl.String), "wording": pl.List(pl.String),
             "facet": pl.String, "high_first": pl.Boolean}  # fmt: skip
    return frames.items(pl.DataFrame(rows, schema=shape, orient="row"))


def alone(found: pl.DataFrame, *, pairs: int) -> Items:
    """Each letter of those pairs by itself, to be rated from 1 to 5."""
    rows = [
        (f"{row['dimension']}:{row['letter']}:{pole}", f"How good is this letter? {row[pole]}", list("12345"), list(RATED), row["dimension"], pole)
        for row in _few(found, pairs).iter_rows(named=True) for pole in (HIGH, LOW)
    ]  # fmt: skip
    shape: dict[str, Any] = {"item": pl.String, "prompt": pl.String, "options": pl.List(pl.String), "wording": pl.List(pl.String),
             "facet": pl.String, "pole": pl.String}  # fmt: skip
    return frames.items(pl.DataFrame(rows, schema=shape, orient="row"))


def answered(models: Mapping[str, Model], found: pl.DataFrame, *, pairs: int, seed: int = 0) -> Replies:
    """One manipulation at a time from one base (by pairs, manager, no reasons, 5 points, each by itself), at temperature 0.

    `manipulation` names what was changed, `way` to what; `rating` comparative or absolute; context: growing (one conversation) or bulk (one prompt).
    """
    base = ("comparative", "manager", "none", 5, "single")
    ways = [("base", "base", base), ("rating", "absolute", ("absolute", *base[1:]))]
    ways += [("role", r, (base[0], r, *base[2:])) for r in ROLES if r != base[1]]
    ways += [("reasoning", "reasons", (*base[:2], "reasons", *base[3:]))]
    ways += [("points", str(k), (*base[:3], k, base[4])) for k in STEPS if k != base[3]]
    ways += [("context", c, (*base[:4], c)) for c in ("growing", "bulk")]
    parts = []
    for manipulation, way, (rating, role, reasons, points, context) in ways:
        made = (
            pairs_of(found, points=points, pairs=pairs, seed=seed)
            if rating == "comparative"
            else alone(found, pairs=pairs)
        )
        shown = next(iter(variants(made, labels=("numbers",), seed=seed).values()))
        system, name = f"{ROLES[role]} {REASONS[reasons]}", f"{manipulation}:{way}"
        if context == "bulk":
            said = together(models, frames.items(shown), condition=name, system=system, seed=seed)
        else:
            how: dict[str, Any] = {"system": system, "temperature": 0.0, "tokens": 64, "seed": seed}
            said = administered(models, {name: shown}, sequence=context == "growing", **how)
        parts.append(
            said.with_columns(
                manipulation=pl.lit(manipulation),
                way=pl.lit(way),
                rating=pl.lit(rating),
                points=pl.lit(points, pl.Int64),
            )
        )
    return frames.replies(pl.concat(parts, how="diagonal_relaxed"))


def scored(replies: pl.DataFrame) -> pl.DataFrame:
    """`value`: preference for the letter at the high pole, -1 to 1, per pair; null where a rating is missing.

    Comparative on 5 points by (rating - 3) / 2, on 4 and 6 by 2 (rating - 1) / (k - 1) - 1, turned where the low letter came
    first; absolute by (high - low) / 4.
    """
    rated = replies.with_columns(said=pl.col("choice").cast(pl.Int64, strict=False)).sort("speaker", "item", "way")
    keep = ["speaker", "community", "facet", "manipulation", "way", "rating"]
    by_pair = rated.filter(rating="comparative")
    values = [
        None if said is None else (comparative(said) if k == 5 else 2 * scaled(said, k) - 1) * (-1 if first else 1)
        for said, k, first in by_pair.select("said", "points", "high_first").iter_rows()
    ]
    one = by_pair.select(*keep, "item", "draw").with_columns(value=pl.Series(values, dtype=pl.Float64))
    single = rated.filter(rating="absolute").with_columns(item=pl.col("item").str.replace(":(high|low)$", ""))
    if not single.height:
        return one
    high, low = (single.filter(pole=pole).select(*keep, "item", "draw", "said") for pole in (HIGH, LOW))
    both = high.join(
        low.select("speaker", "community", "item", "draw", other="said"), on=["speaker", "community", "item", "draw"]
    )
    gaps = [None if a is None or b is None else absolute(a, b) for a, b in both.select("said", "other").iter_rows()]
    return pl.concat([one, both.select(*keep, "item", "draw").with_columns(value=pl.Series(gaps, dtype=pl.Float64))])


def planted(found: pl.DataFrame, *, seed: int = 0) -> dict[str, Model]:
    """taste prefers the high letter of the first three dimensions whatever is asked; tired prefers whichever comes first."""
    out: dict[str, Model] = {}
    every = found.height
    for name, habit in (("taste", 1.5), ("tired", 0.0)):
        scales: list[Model] = []
        for points, steps in STEPS.items():
            known = {}
            for row in pairs_of(found, points=points, pairs=every, seed=seed).iter_rows(named=True):
                liked = habit * (1 if DIMENSIONS.index(row["facet"]) < 3 else -1) * (-1 if row["high_first"] else 1)
                pull = liked if name == "taste" else -1.0
                known[row["prompt"]] = Question({w: float(j) for j, w in enumerate(steps)}, loading=0.0, easiness=pull)
            for row in alone(found, pairs=every).iter_rows(named=True):
                liked = habit * (1 if DIMENSIONS.index(row["facet"]) < 3 else -1) * (1 if row["pole"] == HIGH else -1)
                known[row["prompt"]] = Question({w: float(j) for j, w in enumerate(RATED)}, loading=0.0, easiness=liked)
            scales.append(Respondent(f"planted/{name}", known, sharpness=1.0))
        four, five, six = scales
        told = Swayed(f"planted/{name}", Swayed("", four, six, "slightly prefer"), five, "no preference")
        out[name] = Lister(f"planted/{name}", told)
    return out


def _few(found: pl.DataFrame, pairs: int) -> pl.DataFrame:
    return found.sort("dimension", "letter").group_by("dimension", maintain_order=True).head(pairs)
