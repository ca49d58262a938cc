"""Cultural evolution of cooperation: numeric agents and language models play, are selected, and are told what survived (arXiv 2412.10270)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.errors import UsageError, unknown
from sociolect.frames import Replies
from sociolect.models.journal import noted
from sociolect.models.model import Model
from sociolect.models.open import folders, open_model
from sociolect.report.content import Page
from sociolect.systems.worlds.donor_game.elicit import CONDITIONS
from sociolect.systems.worlds.donor_game.evolution import NUMERIC, evolve
from sociolect.systems.worlds.donor_game.page import Found, page
from sociolect.systems.worlds.donor_game.played import played
from sociolect.systems.worlds.donor_game.players import Planted, mumbler
from sociolect.workspace import Workspace


class Dial(NamedTuple):
    """What `size` turns."""

    seeds: int  # numeric populations per condition
    runs: int  # populations of every model per condition
    generations: int  # of those


# Ten generations are the paper's [code]; five runs per model are recalled, not read.
SIZES = {"tiny": Dial(20, 4, 3), "small": Dial(20, 5, 1), "full": Dial(100, 5, 10)}
NUMBER = 10  # generations of the numeric agents
PLANTED: Mapping[str, str] = {"planted": "planted/donor", "words": "ngram/answers"}


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    models: dict[str, str] | None = None,
    conditions: tuple[str, ...] = ("trace", "punishment"),
    schedule: Literal["released", "alternating"] = "released",
    selection: Literal["top", "random", "reputation"] = "top",
    agents: int = 12,
    generations: int | None = None,
    runs: int | None = None,
    seeds: int | None = None,
    multiplier: float = 2.0,
    scores: bool = True,
    tries: int = 10,
    tokens: int = 512,
    temperature: float = 0.8,
    seed: int = 0,
) -> Page:
    """The page of the Donor Game: numeric agents in four conditions, and populations that speak in `conditions`.

    `models` maps a population to its model's name (`provider/model`); without it two planted populations speak, one that
    reads its prompts and one that cannot. The README beside this file says what each keyword asks.
    """
    dial, names = SIZES[size], dict(models or {})
    dial = Dial(seeds or dial.seeds, runs or dial.runs, generations or dial.generations)
    _checked(size, names, conditions, seeds=seeds, runs=runs, generations=generations, tries=tries, agents=agents,
             tokens=tokens, multiplier=multiplier, temperature=temperature)  # fmt: skip
    shared: dict[str, Any] = {"agents": agents, "schedule": schedule, "multiplier": multiplier}
    numeric = workspace.frame(
        "evolution", pl.DataFrame, evolve, conditions=NUMERIC, seeds=dial.seeds, generations=NUMBER, seed=seed, **shared
    )
    asking: dict[str, Any] = {
        "conditions": conditions, "runs": dial.runs, "number": dial.generations, "tries": tries, "tokens": tokens,
        "temperature": temperature, "selection": selection, "scores": scores, "seed": seed,
    }  # fmt: skip
    replies = workspace.frame(
        "replies", frames.replies, spoken, names or dict(PLANTED), folders(names.values()), **asking, **shared
    )
    made = {
        "size": size, "agents": str(agents), "schedule": schedule, "multiplier": f"{multiplier:g}",
        "numeric agents": f"{dial.seeds} runs of {NUMBER} generations in {len(NUMERIC)} conditions",
        "populations that speak": "; ".join(f"{c}: {n}" for c, n in (names or PLANTED).items()),
        "their games": f"{dial.runs} runs of {dial.generations} generations, two games each, in {', '.join(conditions)}",
        "survivors": selection, "scores beside advice": "yes" if scores else "no", "tries": str(tries),
        "temperature": f"{temperature:g}", "seed": str(seed),
    }  # fmt: skip
    return page(
        Found(
            numeric,
            replies,
            names,
            conditions,
            schedule,
            agents,
            multiplier,
            NUMBER,
            dial.generations,
            selection,
            scores,
        ),
        made,
        seed=seed,
    )


def spoken(names: Mapping[str, str], weights: list[Path], *, seed: int, **asking: Any) -> Replies:
    """Every word of every population; one model at a time is in memory."""
    parts = []
    for community, name in names.items():
        with noted(instrument="donor_game"):
            parts.append(played(opened(name), community=community, seed=seed, **asking))
    return frames.replies(pl.concat(parts))


def opened(name: str) -> Model:
    """The model of that name, or one of the two planted ones."""
    if name == PLANTED["planted"]:
        return Planted(name, mumble=0.02)
    return mumbler(name) if name == PLANTED["words"] else open_model(name)


def _checked(size: str, names: Mapping[str, str], conditions: tuple[str, ...], **numbers: float | None) -> None:
    """Raise UsageError, all faults at once, for numbers out of their range and a size without what it needs."""
    faults = [
        f"--{n} {v:g}: 1 or more is due"
        for n, v in numbers.items()
        if v is not None and n not in ("multiplier", "temperature") and v < 1
    ]
    if (times := numbers["multiplier"]) is not None and not 0 < times < 1e6:
        faults.append(f"--multiplier {times:g}: a number above 0 is due")
    if (heat := numbers["temperature"]) is not None and not 0 <= heat < 1e6:
        faults.append(f"--temperature {heat:g}: a number from 0 on is due")
    if odd := [c for c in conditions if c not in CONDITIONS]:
        faults.append(str(unknown("condition", odd[0], CONDITIONS)))
    if not conditions or len(set(conditions)) < len(conditions):
        faults.append(f"--conditions {','.join(conditions)}: one or more are due, each once")
    if size != "tiny" and not names:
        faults.append(f"--size {size} plays models of your own: name them with --models population=provider/model")
    if "numeric" in names:
        faults.append("--models numeric=...: that is the name of the numeric agents, choose another")
    if faults:
        raise UsageError("; ".join(faults))
