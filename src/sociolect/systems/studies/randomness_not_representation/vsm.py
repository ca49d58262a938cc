"""Arm C: twenty-four questions answered as a person of every country, six indices a country, and whether two tell of four."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.compare.extrapolation import extrapolation
from sociolect.elicit.administer import administered
from sociolect.elicit.variants import variants
from sociolect.errors import InputError
from sociolect.frames import Effects, Items, Replies
from sociolect.models.model import Model
from sociolect.models.respondent import Question, Respondent
from sociolect.seeds import substream
from sociolect.systems.studies.randomness_not_representation.elicit import PERSONAS
from sociolect.systems.studies.randomness_not_representation.measure import INDICES, indices

WORDS = ("fully", "mostly", "half", "a little", "not at all")  # ours: the survey's own options are not bundled
GROUPS, APART = 3, 1.0  # planted: so many groups of countries, so many logits apart


def items(text: Path | None = None) -> Items:
    """The 24 items, answered 1 to 5; `text` is a TOML file of your own with `[items]` 1 = wording ... and `options` (five).

    Without it an item is asked by its number, which measures nothing: enough to test a study.
    """
    said: dict[str, Any] = {}
    if text is not None:
        try:
            said = tomllib.loads(text.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{text.name} cannot be read: {error}") from error
        wanted = [str(i) for i in range(1, 25)]
        faults = [f"item {i} is missing" for i in wanted if not isinstance(said.get("items", {}).get(i), str)]
        faults += ["five options are due"] * (len(said.get("options", WORDS)) != 5)
        if faults:
            raise InputError(f"{text.name} is no wording of the 24 items: {'; '.join(faults)}")
    rows = [
        (
            f"vsm:{i:02}",
            said.get("items", {}).get(str(i), f"Question {i} of 24."),
            list("12345"),
            list(said.get("options", WORDS)),
        )
        for i in range(1, 25)
    ]
    shape: dict[str, Any] = {
        "item": pl.String,
        "prompt": pl.String,
        "options": pl.List(pl.String),
        "wording": pl.List(pl.String),
    }
    return frames.items(pl.DataFrame(rows, schema=shape, orient="row"))


def answered(models: Mapping[str, Model], asked: Items, *, draws: int, seed: int = 0) -> Replies:
    """Every model answers for every country: no model stands for a country alone."""
    found = variants(asked, labels=("numbers",), seed=seed)
    return administered(models, found, draws=draws, system=PERSONAS["persona"], tokens=32, seed=seed)


def vectors(replies: Replies) -> pl.DataFrame:
    """Six indices per speaker and country, from mean answers; null where an item was never answered."""
    known = replies.select("speaker", "community", "item", value=pl.col("choice").cast(pl.Int64, strict=False))
    means = known.sort("speaker", "community", "item", "value").group_by("speaker", "community", "item", maintain_order=True).agg(pl.col("value").mean())  # fmt: skip
    rows = []
    for (speaker, country), part in means.group_by("speaker", "community", maintain_order=True):
        of = {int(item[4:]): value for item, value in part.select("item", "value").iter_rows()}
        rows.append({"speaker": speaker, "community": country} | indices(of))
    return pl.DataFrame(
        rows, schema={"speaker": pl.String, "community": pl.String} | dict.fromkeys(INDICES, pl.Float64)
    )


def held_out(found: pl.DataFrame, *, permutations: int, starts: int = 10, seed: int = 0) -> Effects:
    """`extrapolation` over the six indices, for each speaker."""
    parts = [
        extrapolation(
            found.filter(speaker=who), list(INDICES), permutations=permutations, starts=starts, seed=seed
        ).with_columns(contrast=pl.format("{}, {}", pl.col("contrast"), pl.lit(who)), of=pl.lit(who))
        for who in sorted(found["speaker"].unique())
    ]
    return frames.effects(pl.concat(parts))


def planted(countries: Sequence[str], *, structure: bool = True, seed: int = 0) -> dict[str, Model]:
    """A respondent per country: three groups that differ in all six indices alike, or in none."""
    up = {part[1] for parts in INDICES.values() for part in parts}
    sign = {i: 1.0 if i in up else -1.0 for i in range(1, 25)}
    corner = {
        "PDI": (-1, 1, 0),
        "IDV": (0, -1, 1),
        "MAS": (1, 0, -1),
        "UAI": (-1, 0, 1),
        "LTO": (1, -1, 0),
        "IVR": (0, 1, -1),
    }
    of = {i: name for name, parts in INDICES.items() for part in parts for i in part[1:]}
    out: dict[str, Model] = {}
    for place, country in enumerate(countries):
        drawn = substream(seed, "vsm", country).normal(0, 0.25, 24)
        known = {}
        for i, row in enumerate(items().iter_rows(named=True), 1):
            moved = structure * APART * sign[i] * corner[of[i]][place % GROUPS]
            scored = {w: float(j) for j, w in enumerate(WORDS)}
            known[row["prompt"]] = Question(scored, loading=0.0, easiness=float(drawn[i - 1]) + moved)
        out[country] = Respondent(f"planted/{'grouped' if structure else 'alike'}", known)
    return out
