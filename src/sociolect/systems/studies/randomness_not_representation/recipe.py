"""Randomness, not representation: the robustness audit, arm by arm, one page (arXiv 2503.08688)."""

from pathlib import Path
from typing import Any, Literal

import polars as pl

from sociolect import frames
from sociolect.compare.robustness import between
from sociolect.errors import RefusedError, UsageError
from sociolect.models.open import folders
from sociolect.report.content import Page
from sociolect.systems import find as card_of
from sociolect.systems.studies.randomness_not_representation import arms, case, compare, implicit, load, optimise, vsm
from sociolect.systems.studies.randomness_not_representation.claims import found
from sociolect.systems.studies.randomness_not_representation.page import Found, page
from sociolect.systems.studies.randomness_not_representation.sizes import COUNTRIES, SIZES
from sociolect.workspace import Workspace

REPEATS = 5  # ours: of a steering question, so that the noise of answers can be taken off their spread


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    survey: Path | None = None,
    models: dict[str, str] | None = None,
    values: Path | None = None,
    letters: Path | None = None,
    draws: int = 1,
    temperature: float = 1.0,
    seed: int = 0,
) -> Page:
    """The page of the audit: of planted players without `models` (name to provider/model), of invented questions without `survey`.

    `survey` is the folder of the published subset, `values` the wording of the values survey module, `letters` cover letters with
    their rewritings. The README beside this file says what each keyword asks. Raises UsageError, all faults at once.
    """
    names = dict(models or {})
    faults = [f"--draws {draws}: 1 or more is due"] if draws < 1 else []
    faults += [f"--temperature {temperature}: 0 or more is due"] if temperature < 0 else []
    if size == "full" and not (names and survey):
        faults.append(
            "--size full is the paper's protocol: name --models name=provider/model and --survey, the folder of its questions"
        )
    if values is not None and not names:
        faults.append("planted players know the survey by number alone: --values is wording for --models")
    if names and size != "tiny" and (values is None or letters is None):
        faults.append(
            "real models are asked real questions: name --values and --letters, files of your own, or say --size tiny"
        )
    if faults:
        raise UsageError("; ".join(faults))
    at, weights = SIZES[size], folders(names.values())
    world = load.published(survey) if survey else load.invented(seed=seed)
    items = frames.items(world.items.sort("item").head(at.items or world.items.height))
    people = world.people.filter(pl.col("item").is_in(items["item"].implode()))
    asking: dict[str, Any] = {"names": names, "weights": weights, "seed": seed}
    drawn: dict[str, Any] = {"draws": draws, "temperature": temperature}
    tested: dict[str, Any] = {"draws": at.resamples, "permutations": at.permutations, "seed": seed}
    countries = sorted(people["community"].unique())

    # A: the form of the question; the same as a person of every country
    plain = workspace.frame("plain", frames.replies, arms.plain, items, **asking, **drawn)
    if plain["choice"].null_count() == plain["shares"].null_count() == plain.height:
        came = ", ".join(f"{n} {kind}" for kind, n in plain["outcome"].value_counts().sort("outcome").iter_rows())
        raise RefusedError(
            f"none of {plain.height} replies gives an option ({came}): ask a model that answers with its label or words"
        )
    told = workspace.frame("personas", frames.replies, arms.personas, items, people, **asking, **drawn)
    forms = compare.read(workspace.files("audit", compare.audited, plain, people, **tested))
    stood = compare.read(workspace.files("audit_personas", compare.audited, told, people, within="speaker", **tested))
    # B: letters
    rated = workspace.frame(
        "letters", frames.replies, arms.letters, **asking, text=letters, most=at.letters, pairs=at.pairs
    )
    preferred = compare.read(
        workspace.files("audit_letters", compare.audited, implicit.scored(rated), formats=("way",), **tested)
    )
    # C: the values survey
    named = COUNTRIES[: at.countries] if survey is None else countries
    surveyed = workspace.frame(
        "values", frames.replies, arms.values_survey, named, **asking, text=values, draws=at.values
    )
    clustered = workspace.frame("extrapolation", frames.effects, vsm.held_out, vsm.vectors(surveyed), permutations=at.permutations, starts=at.starts, seed=seed)  # fmt: skip
    # D: steering, and the persona that is chosen
    arm: dict[str, pl.DataFrame] = {"forms": plain, "personas": told, "letters": rated, "values survey": surveyed}
    steered = None
    if survey is not None:
        asked, means = _steering(survey, at.steered)
        arm["steering"] = workspace.frame(
            "steering",
            frames.replies,
            arms.steered,
            asked,
            means,
            **asking,
            draws=max(draws, REPEATS),
            temperature=temperature,
        )
        steered = workspace.frame("steered", frames.effects, compare.steer_only, arm["steering"], means, **tested)
    arm["prompts"] = workspace.frame("prompts", frames.replies, arms.prompts, items, people, **asking)
    chosen = workspace.frame(
        "chosen", frames.effects, optimise.optimised, arm["prompts"], people, draws=at.resamples, seed=seed
    )
    # E: the case study
    arm["case study"] = workspace.frame("saved", frames.replies, arms.saved, countries[: at.saved], **asking)
    scored = case.scores(frames.replies(arm["case study"]))
    claims = workspace.frame("claims", pl.DataFrame, case.claims, scored, draws=at.resamples, seed=seed)
    order = workspace.frame("order", frames.effects, case.order_bias, scored, draws=at.resamples, seed=seed)

    steers = steered if steered is not None else stood.steerability
    here = found(forms, steers, clustered, claims, planted=not names)
    made = {
        "size": size, "questions": f"{items.height} of {'the published subset' if survey else 'ours, invented'}",
        "models": ", ".join(names.values()) or "planted players, and a word model", "draws": f"{draws}, and one retest of one form",
        "temperature": f"{temperature:g}", "countries": str(len(countries)), "standard deviation between countries": f"{between(people):.3f}",
        "values survey": "your wording" if values else "asked by number only", "letters": "yours" if letters else "ours, short",
        "permutations": str(at.permutations), "resamples": f"{at.resamples}, of questions", "seed": str(seed),
    }  # fmt: skip
    every = Found(forms, stood, steered, chosen, clustered, claims, order, preferred, compare.outcomes(arm), between(people), not names, survey is not None)  # fmt: skip
    return page(every, card_of("randomness_not_representation").claims, here, made)


def _steering(survey: Path, most: int | None) -> tuple[frames.Items, pl.DataFrame]:
    """The steering questions that are asked, and what people of the countries and of those held out answer."""
    main, held_out = load.steering(survey), load.steering(survey, held_out=True)
    told = main.items.filter(pl.col("options").list.len() > 1).sort("item")
    items = frames.items(told.head(most or told.height))
    means = pl.concat([main.people, held_out.people])
    return items, means.filter(pl.col("item").is_in(items["item"].implode()))
