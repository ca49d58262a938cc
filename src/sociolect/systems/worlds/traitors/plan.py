"""What a run of the game will ask of its models, and the least difference between two models that it shows."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sociolect.compare.detectable import Doubt, detectable
from sociolect.systems import planned
from sociolect.systems.worlds.traitors import study
from sociolect.systems.worlds.traitors.exact import blind
from sociolect.systems.worlds.traitors.games import living
from sociolect.systems.worlds.traitors.recipe import SIZES
from sociolect.systems.worlds.traitors.rules import FAITHFUL, TRAITORS
from sociolect.systems.worlds.traitors.simulate import simulated, voters

GAMES = 500  # ours: blind games by which the lengths of games are guessed
PROMPT = 2500.0  # ours: characters of a prompt of a game in words: role, memory, the round's talk
BARE = 450.0  # of one that asks for a vote alone
SPEECH = planned.Range(120, 10, study.TOKENS)
SECONDS = (2.5e-4, 4e-4)  # of a scripted vote, of a simulated game of seven kinds of voters


def plan(
    *,
    size: str = "tiny",
    models: Mapping[str, str] | None = None,
    traitors: int = TRAITORS,
    faithful: int = FAITHFUL,
    games: int | None = None,
    free: bool = False,
    **_: Any,
) -> planned.Plan:
    """Calls by pair of models and side, from the lengths of blind games (shortest to longest), and what the games can show."""
    dial = SIZES[size]
    each = games or (dial.models if models else dial.planted)
    names = dict(models) if models else {k: f"planted/{k}" for k in study.PLANTED}
    by = per_game(traitors, faithful)
    rows = []
    for a in names:
        for b in names:
            rows += _rows(f"play_{a}.{b}", {True: names[a], False: names[b]}, by, each, talk=models is not None, free=free and models is not None)  # fmt: skip
    if not models:
        rows += _rows("talk", dict.fromkeys((True, False), "ngram/talker"), by, 1, talk=True, free=free)
    spread = blind(traitors, faithful)
    error = spread.traitors_sd * (2 / (each * len(names))) ** 0.5
    comparisons = [{
        "measure": "traitors survive", "contrast": f"{x} - the others, as traitors", "unit": "share of the traitors", "n": each * len(names) ** 2,
        "clusters": each, "sd": spread.traitors_sd, "icc": None, "family": 1, "level": 0.05, "detectable": detectable(Doubt(error, error, np.inf)),
    } for x in names if len(names) > 1]  # fmt: skip
    scripted = sum(float(str(r["calls"])) for r in rows if r["where"] == "scripted")
    return planned.made_of(
        calls=rows,
        comparisons=comparisons,
        work={"scripted players": SECONDS[0] * scripted, "simulated games": SECONDS[1] * dial.simulated, "page": 2.0},
        notes=("Games are taken to be as long as those of blind voters: from the shortest to the longest of 500.",),
    )


def per_game(traitors: int, faithful: int) -> dict[tuple[bool, str], planned.Range]:
    """For the traitors (True) and the faithful: the living at each day's vote and after it, summed over a game's rounds."""
    played = simulated(voters(), traitors=traitors, faithful=faithful, games=GAMES)
    here = living(played)
    on = (np.arange(here.shape[1]) < played.rounds[:, None])[:, :, None, None]
    out = {}
    for side in (True, False):
        mine = (here & on & (played.traitor == side)[:, None, None]).sum(3)
        for place, when in enumerate(("day", "after")):
            count = mine[:, :, place].sum(1)
            out[side, when] = planned.Range(float(count.mean()), float(count.min()), float(count.max()))
    return out


def _rows(
    step: str,
    names: Mapping[bool, str],
    by: Mapping[tuple[bool, str], planned.Range],
    games: int,
    *,
    talk: bool,
    free: bool,
) -> list[dict[str, object]]:
    """Votes of both sides, and with talk: statement, reaction, note; comment, reflection; by night two passes of the traitors."""
    rows = []
    for side, name in names.items():
        day, after = by[side, "day"], by[side, "after"]
        votes = planned.Range(*(d + a * side for d, a in zip(day, after, strict=True))).times(games)
        words = planned.Range(*(3 * d + (2 + 2 * side) * a for d, a in zip(day, after, strict=True))).times(games)
        where, prompt = planned.standing(name), PROMPT if talk else BARE
        chars = planned.weighed(name).chars if where == "local" else planned.CHARS
        short = planned.Range(3, 1, study.TOKENS)
        rows.append(planned.asked(step, name, "generate" if free else "logprobs", votes, where=where, prompt=prompt, reply=short.times(1 if free else 7), chars=chars))  # fmt: skip
        if talk:
            rows.append(
                planned.asked(step, name, "generate", words, where=where, prompt=prompt, reply=SPEECH, chars=chars)
            )
    return rows
