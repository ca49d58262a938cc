"""The Traitors: blind games exactly, planted voters, every pair of models, how much so many games can show (arXiv 2505.12923)."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.compare.differences import means
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Effects
from sociolect.models.open import folders
from sociolect.report.content import Page
from sociolect.seeds import derive
from sociolect.systems.worlds.traitors import study
from sociolect.systems.worlds.traitors.compare import asymmetry
from sociolect.systems.worlds.traitors.load import played
from sociolect.systems.worlds.traitors.measure import scores
from sociolect.systems.worlds.traitors.page import Found, page
from sociolect.systems.worlds.traitors.power import MANY, PUBLISHED, power_table
from sociolect.systems.worlds.traitors.rules import FAITHFUL, TRAITORS, Tie, dealt
from sociolect.workspace import Workspace


class Dial(NamedTuple):
    """What `size` turns: games in numbers, games in words of each pair of planted players, and of each pair of models."""

    simulated: int
    planted: int
    models: int


SIZES = {"tiny": Dial(2000, 100, 2), "small": Dial(20000, 400, PUBLISHED), "full": Dial(20000, 1000, MANY)}
DRAWS = 1000


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    models: dict[str, str] | None = None,
    stronger: str = "",
    traitors: int = TRAITORS,
    faithful: int = FAITHFUL,
    games: int | None = None,
    tie: Tie = "seed",
    free: bool = False,
    traits: bool = False,
    temperature: float = 1.0,
    tokens: int = study.TOKENS,
    people: Path | None = None,
    null: bool = False,
    seed: int = 0,
) -> Page:
    """The page of one table of the game: each model plays the traitors against each, itself among them.

    `models` maps a label to a model's name; without it two planted players meet, one of whom deceives better and detects worse
    (`null`: two alike). `stronger` is the label whom the paper's claims are about. `games` are those of each pair; `free` takes votes
    as words; `people` is a folder of people's games. Raises UsageError for what cannot be played; `--size full` needs models.
    """
    _checked(
        size,
        models,
        stronger=stronger,
        traitors=traitors,
        faithful=faithful,
        games=games,
        tokens=tokens,
        temperature=temperature,
        null=null,
    )
    dial, players = SIZES[size], traitors + faithful
    each = games or (dial.models if models else dial.planted)
    names = dict(models) if models else {k: f"planted/{'plain' if null else k}" for k in study.PLANTED}
    talk = models is not None
    rules: dict[str, Any] = {
        "traitors": traitors, "talk": talk, "free": free and talk, "tie": tie, "clue": 0.0 if talk else study.CLUE, "traits": traits and talk,
    }  # fmt: skip
    if models:
        workspace.say(f"{len(models) ** 2} pairs of models, {each} games each")

    # Games of every pair: each its own, so that two models that say the same do not play the same game twice.
    asking: dict[str, Any] = {"players": players, "temperature": temperature, "tokens": tokens}
    heat = {} if talk else {"temperature": 1.0}  # planted players vote as they were made
    replies, parts, whole = {}, [], {}
    for a in names:
        for b in names:
            own, drawn = {k: names[k] for k in (a, b)}, derive(seed, "pair", a, b)
            said = workspace.frame(
                f"play_{a}.{b}", frames.replies, study.crossed, own, folders(own.values()), traitor=a, faithful=b, games=each, seed=drawn, **(asking | heat), **rules
            )  # fmt: skip
            replies[a, b] = said
            whole[a, b] = study.games_of(said, games=each, players=players, seed=drawn, **rules)
            parts.append(scores(whole[a, b], traitors=a, faithful=b))
    told = workspace.frame("scores", frames.scores, _joined, parts)
    pairs = workspace.frame("pairs", frames.effects, _pairs, told, seed=seed)
    first = stronger or ("" if models else "sly")
    claimed = workspace.frame("asymmetry", frames.effects, asymmetry, told, first, draws=DRAWS, seed=seed) if first and len(names) > 1 else None  # fmt: skip

    # A whole game in words, where no model was named to play one.
    chat = None
    if not talk:
        words = rules | {"talk": True, "free": free, "clue": 0.0, "traits": traits}
        chat = workspace.frame(
            "talk", frames.replies, study.crossed, {"ngram": "ngram/talker"}, [], traitor="ngram", faithful="ngram", games=1, seed=seed, **asking, **words
        )  # fmt: skip

    # What nobody's knowledge, and known knowledge, come to.
    at: dict[str, Any] = {"traitors": traitors, "faithful": faithful, "games": dial.simulated, "seed": seed}
    blind = workspace.frame("baseline", frames.effects, study.baseline, **at)
    known = workspace.frame("voters", frames.effects, study.planted_voters, tie=tie, **at)
    power = workspace.frame(
        "power", pl.DataFrame, power_table, sorted({PUBLISHED, MANY, each * len(names)}), traitors=traitors, faithful=faithful,
        simulations=dial.simulated, seed=seed,
    )  # fmt: skip
    beside = pl.concat(
        [study.beside(whole[a, b], scores(whole[a, b], traitors=a, faithful=b)).select(pl.lit(f"{a} x {b}").alias("traitors x faithful"), pl.all()) for a, b in whole]
    )  # fmt: skip
    voted, aside, counted = None, None, 0
    if people is not None:
        human = played(people)
        aside, counted = human.set_aside, int(human.people.sum())
        voted = workspace.frame("people", frames.effects, _people, scores(human.games, traitors="people", faithful="people", source="human", counted=human.people), seed=seed)  # fmt: skip
    made = {
        "size": size, "table": f"{traitors} traitors, {faithful} faithful", "games of each pair": str(each), "ties": tie,
        "models": ", ".join(f"{k}: {v}" for k, v in names.items()), "votes": "free words" if free else "options, the living seats",
        "talk": "yes" if talk else "votes alone; one game in words by an n-gram model", "traits": "yes" if traits else "no",
        "temperature": f"{temperature:g}", "tokens of a text": str(tokens), "seed": str(seed),
    }  # fmt: skip
    found = Found(
        names, first, each, dial.simulated, pairs, claimed, blind, known, power, beside, replies, whole, chat, voted, aside, counted, planted=not talk, null=null
    )  # fmt: skip
    return page(found, made)


def _joined(parts: list[frames.Scores]) -> pl.DataFrame:
    return pl.concat(parts)


def _pairs(told: frames.Scores, *, seed: int) -> Effects:
    """Each pair's mean of each measure, with an interval over games."""
    by = ("measure", "community", "condition")
    return _sure(means(told, by=by, clusters=("item",), weight="weight", draws=DRAWS, seed=seed))


def _sure(found: Effects) -> Effects:
    """The means, without the ends of an interval of no width: that all games gave the same does not say that the next will."""
    wide = pl.col("high") - pl.col("low") > 1e-12
    return frames.effects(found.with_columns(pl.when(wide).then(end).alias(end) for end in ("low", "high")))


def _people(told: frames.Scores, *, seed: int) -> Effects:
    return _sure(means(told, by=("measure",), clusters=("item",), weight="weight", draws=DRAWS, seed=seed))


def _checked(
    size: str,
    models: dict[str, str] | None,
    *,
    stronger: str,
    traitors: int,
    faithful: int,
    games: int | None,
    tokens: int,
    temperature: float,
    null: bool,
) -> None:
    """Raise UsageError, all faults at once."""
    faults = []
    if size == "full" and not models:
        faults.append(
            "--size full plays models against each other: name them, --models small=openai/...,large=openai/..."
        )
    if models is not None and not models:
        faults.append("--models names none")
    if stronger and stronger not in (models or study.PLANTED):
        faults.append(f"--stronger {stronger} is none of {', '.join(models or study.PLANTED)}")
    if games is not None and games < 2:
        faults.append(f"--games {games}: a mean of games needs 2 or more")
    if tokens < 1 or not 0 <= temperature < 1e6:
        faults.append(f"--tokens {tokens} --temperature {temperature:g}: 1 or more, and 0 or more, are due")
    if null and models:
        faults.append("--null is about the planted players: leave out --models")
    odd = [k for k in models or () if not k.replace("-", "").replace("_", "").isalnum()]
    if odd:
        faults.append(f"--models {', '.join(odd)}: labels of letters, digits, - and _ are due")
    try:
        dealt(traitors + faithful, traitors, 0)
    except (UsageError, RefusedError) as error:
        faults.append(str(error))
    if faults:
        raise UsageError("; ".join(faults))
