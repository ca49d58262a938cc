"""The steps that ask models: each makes the replies of one arm, of planted players or of the models named."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.elicit.variants import variants
from sociolect.errors import UsageError
from sociolect.frames import Items
from sociolect.models.journal import noted
from sociolect.models.model import Model
from sociolect.models.open import open_model
from sociolect.systems.studies.randomness_not_representation import case, implicit, optimise, players, vsm
from sociolect.systems.studies.randomness_not_representation.elicit import FORMS, PERSONAS, asked, forms

STUDY = "randomness_not_representation"


def plain(
    items: Items, *, names: Mapping[str, str], weights: Sequence[Path] = (), draws: int, temperature: float, seed: int
) -> pl.DataFrame:
    """Arm A: every model answers for itself, in eight forms, a retest and denials. `community` is the model."""
    del weights  # the folders that models are read from: other weights under an old name are another step
    found = forms(items, denials=True, seed=seed)
    how: dict[str, Any] = {"draws": draws, "temperature": temperature, "seed": seed}
    return _each(players.habits(items, seed=seed), names, lambda model: asked(model, found, **how))


def personas(
    items: Items,
    people: pl.DataFrame,
    *,
    names: Mapping[str, str],
    weights: Sequence[Path] = (),
    draws: int,
    temperature: float,
    seed: int,
) -> pl.DataFrame:
    """The same questions as a person of every country, in the same forms: `community` is the country, `speaker` the model."""
    del weights
    found, countries = forms(items, seed=seed), _countries(people)
    how: dict[str, Any] = {"persona": PERSONAS["persona"], "draws": draws, "temperature": temperature, "seed": seed}
    if names:
        return _all(names, countries, lambda models: asked(models, found, **how))
    voices = partial(players.voices, items, people, seed=seed)
    sides = (voices(), voices(share=players.HALF, name="half"), voices(mixed=True, name="mixed"))
    parts = [asked(one, found, **how) for one in sides]
    return pl.concat(
        [*parts, asked(players.word_models(items, people, seed=seed), found, choosing=True, **how)],
        how="diagonal_relaxed",
    )


def steered(
    items: Items,
    people: pl.DataFrame,
    *,
    names: Mapping[str, str],
    weights: Sequence[Path] = (),
    draws: int,
    temperature: float,
    seed: int,
) -> pl.DataFrame:
    """Arm D: the steering questions in one form, as a person of every country, held-out ones among them."""
    del weights
    found = variants(items, templates={"label": FORMS["label"]}, seed=seed)
    how: dict[str, Any] = {"persona": PERSONAS["persona"], "draws": draws, "temperature": temperature, "seed": seed}
    if names:
        return _all(names, _countries(people), lambda models: asked(models, found, **how))
    sides = (players.voices(items, people), players.voices(items, people, share=players.HALF, name="half"))
    return pl.concat([asked(one, found, **how) for one in sides], how="diagonal_relaxed")


def prompts(
    items: Items, people: pl.DataFrame, *, names: Mapping[str, str], weights: Sequence[Path] = (), seed: int
) -> pl.DataFrame:
    """Arm D, the second prompt: every persona on both halves of the items."""
    del weights
    if names:
        return _all(names, _countries(people), lambda models: optimise.tried(models, items, seed=seed))
    flat, voiced = players.voices(items, people, share=0.0), players.voices(items, people)
    heeds = {c: players.Swayed("planted/heedful", flat[c], voiced[c], "You grew up") for c in flat}
    return pl.concat([optimise.tried(heeds, items, seed=seed), optimise.tried(players.voices(items, people, name="faithful"), items, seed=seed)], how="diagonal_relaxed")  # fmt: skip


def values_survey(
    countries: Sequence[str],
    *,
    names: Mapping[str, str],
    weights: Sequence[Path] = (),
    text: Path | None,
    draws: int,
    seed: int,
) -> pl.DataFrame:
    """Arm C: the 24 items as a person of every country, by every model."""
    del weights
    found = vsm.items(text)
    if names:
        return _all(names, countries, lambda models: vsm.answered(models, found, draws=draws, seed=seed))
    sides = [vsm.planted(countries, structure=kind, seed=seed) for kind in (True, False)]
    return pl.concat([vsm.answered(one, vsm.items(), draws=draws, seed=seed) for one in sides], how="diagonal_relaxed")


def saved(
    countries: Sequence[str], *, names: Mapping[str, str], weights: Sequence[Path] = (), seed: int
) -> pl.DataFrame:
    """Arm E: every ordered pair of countries, three times, on five and on four points."""
    del weights
    return _each(case.planted(countries, seed=seed), names, lambda model: case.answered(model, countries, seed=seed))


def letters(
    *, names: Mapping[str, str], weights: Sequence[Path] = (), text: Path | None, most: int, pairs: int, seed: int
) -> pl.DataFrame:
    """Arm B: letters rated under every manipulation."""
    del weights
    found = implicit.letters(text, most=most)
    return _each(
        implicit.planted(found, seed=seed), names, lambda model: implicit.answered(model, found, pairs=pairs, seed=seed)
    )


def _countries(people: pl.DataFrame) -> list[str]:
    return sorted(people["community"].unique())


def _each(planted: Mapping[str, Model], names: Mapping[str, str], ask: Any) -> pl.DataFrame:
    """Every player by itself, one model in memory at a time."""
    parts = []
    for name in names or planted:
        with noted(instrument=STUDY):
            parts.append(ask({name: open_model(names[name]) if names else planted[name]}))
    return frames.replies(pl.concat(parts, how="diagonal_relaxed"))


def _all(names: Mapping[str, str], countries: Sequence[str], ask: Any) -> pl.DataFrame:
    """Every model for every country: no model stands for one country alone."""
    if len(set(names.values())) < len(names):
        raise UsageError(f"{len(names)} models are named, and two of them are one: name each once")
    parts = []
    for name in names.values():
        model = open_model(name)
        with noted(instrument=STUDY):
            parts.append(ask(dict.fromkeys(countries, model)))
    return frames.replies(pl.concat(parts, how="diagonal_relaxed"))
