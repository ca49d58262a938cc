"""The steps of the recipe: games of every pair of models, games in numbers, and what they are told by."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap
from sociolect.elicit.play import game_seed, play
from sociolect.frames import Effects, Replies, Scores
from sociolect.models.model import Model
from sociolect.models.open import open_model
from sociolect.systems.worlds.traitors.elicit import Traitors
from sociolect.systems.worlds.traitors.exact import faithful_wins
from sociolect.systems.worlds.traitors.games import Floats, Games, of_states
from sociolect.systems.worlds.traitors.measure import averages
from sociolect.systems.worlds.traitors.players import Voter
from sociolect.systems.worlds.traitors.power import Z
from sociolect.systems.worlds.traitors.released import RELEASED, released
from sociolect.systems.worlds.traitors.rules import Tie, dealt
from sociolect.systems.worlds.traitors.simulate import simulated, voters
from sociolect.systems.worlds.traitors.state import State, called
from sociolect.systems.worlds.traitors.talker import drawn_traits, talker

TOKENS = 220  # ours: room for 100 words and the thoughts before them
TABLES = ((3, 7), (2, 8), (1, 6), (2, 6), (4, 8))
VOTERS: Mapping[str, Mapping[str, Any]] = {
    "all blind": {},
    "traitors spare each other": {"spare": True},
    "faithful detect .15": {"spare": True, "detect": 0.15},
    "faithful detect .3": {"spare": True, "detect": 0.3},
    "faithful detect .45": {"spare": True, "detect": 0.45},
    "faithful detect .6": {"spare": True, "detect": 0.6},
}
CLUE = 0.5  # ours: the chance of a clue among planted players
# The asymmetry of the abstract, planted: the sly one spares its fellows, and heeds few clues.
PLANTED = {"plain": Voter("planted/plain", heed=0.9), "sly": Voter("planted/sly", spare=True, heed=0.3)}
SHOWN = ("win", "correct", "lift", "traitors survive", "faithful survive", "rounds")


def world(
    players: int, *, traitors: int, talk: bool, free: bool, tie: str, clue: float, traits: bool, seed: int
) -> Traitors:
    """The rules of one run; `free` lets votes be words instead of options."""
    return Traitors(
        traitors, talk=talk, constrained=not free, tie="released" if tie == "released" else "seed", clue=clue,
        traits=drawn_traits(players, seed) if traits else (),
    )  # fmt: skip


def seatings(
    traitor: Model, faithful: Model, *, games: int, players: int, traitors: int, seed: int
) -> list[dict[str, Model]]:
    """One model in the traitors' seats of every game, another in the rest: a game's seed deals its roles before it begins."""
    out = []
    for g in range(games):
        guilty = dealt(players, traitors, game_seed(seed, g))
        out.append({called(s): traitor if s in guilty else faithful for s in range(players)})
    return out


def crossed(
    names: Mapping[str, str],
    weights: Sequence[Path],  # part of what the step is made of: other weights under an old name make other games
    *,
    traitor: str,
    faithful: str,
    games: int,
    players: int,
    temperature: float,
    tokens: int,
    seed: int,
    **rules: Any,
) -> Replies:
    """All that was said in the games of one model as the traitors against one as the faithful, with the speaker's `role`."""
    table = world(players, seed=seed, **rules)
    opened: dict[str, Model] = {}
    for name in (traitor, faithful):
        opened[name] = opened.get(name) or _opened(names[name], players)
    seats = seatings(
        opened[traitor], opened[faithful], games=games, players=players, traitors=table.traitors, seed=seed
    )
    said = play(
        table, seats, games=games, legible=table.legible, condition=f"{traitor} x {faithful}", tokens=tokens,
        temperature=temperature, seed=seed,
    ).replies  # fmt: skip
    guilty = [
        (f"game:{g}", called(s)) for g in range(games) for s in dealt(players, table.traitors, game_seed(seed, g))
    ]
    roles = pl.DataFrame(guilty, schema=["item", "speaker"], orient="row").with_columns(role=pl.lit("traitor"))
    whole = said.join(roles, on=["item", "speaker"], how="left", maintain_order="left")
    side = pl.when(pl.col("role") == "traitor").then(pl.lit(traitor)).otherwise(pl.lit(faithful))
    return frames.replies(whole.with_columns(pl.col("role").fill_null("faithful"), community=side))


def replayed(table: Traitors, replies: pl.DataFrame, *, games: int, players: int, seed: int) -> tuple[State, ...]:
    """The states that these replies lead to: what was said is the whole record of a game."""
    seats = tuple(called(s) for s in range(players))
    states = [table.begin(seats, game_seed(seed, g)) for g in range(games)]
    told: dict[tuple[int, int], dict[str, str]] = {}
    for item, turn, who, text in replies.select("item", "turn", "speaker", "text").iter_rows():
        told.setdefault((int(item.removeprefix("game:")), turn), {})[who] = text or ""
    for (g, _), said in sorted(told.items()):
        states[g] = table.move(states[g], said)
    return tuple(states)


def games_of(replies: pl.DataFrame, *, games: int, players: int, seed: int, **rules: Any) -> Games:
    """The same games as arrays."""
    return of_states(replayed(world(players, seed=seed, **rules), replies, games=games, players=players, seed=seed))


def baseline(*, traitors: int, faithful: int, games: int, seed: int) -> Effects:
    """P(the faithful win) of blind voters, simulated, beside the exact one, for five tables and the one asked for."""
    rows = []
    for t, f in dict.fromkeys([(traitors, faithful), *TABLES]):
        found = averages(simulated(voters(), traitors=t, faithful=f, games=games, seed=seed))["win"]
        exact = faithful_wins(t, f)
        rows.append((f"{t} traitor{'s' * (t > 1)}, {f} faithful", *_ends(found.mean, found.error, 0.0, 1.0), found.n, exact, abs(found.mean - exact) <= 3 * (exact * (1 - exact) / games) ** 0.5))  # fmt: skip
    names = {"contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64, "exact": pl.Float64, "within 3 se": pl.Boolean}  # fmt: skip
    return frames.effects(pl.DataFrame(rows, schema=names, orient="row").with_columns(measure=pl.lit("win")))


def planted_voters(*, traitors: int, faithful: int, games: int, tie: str, seed: int) -> Effects:
    """What voters of known skill come to, measure by measure."""
    rule: Tie = "released" if tie == "released" else "seed"
    rows = []
    for name, how in VOTERS.items():
        played = simulated(voters(**how), traitors=traitors, faithful=faithful, games=games, tie=rule, seed=seed)
        found = averages(played)
        rows += [(m, name, *_ends(found[m].mean, found[m].error), found[m].n) for m in SHOWN]
    names = {"measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64}  # fmt: skip
    return frames.effects(pl.DataFrame(rows, schema=names, orient="row"))


def beside(games: Games, scores: Scores) -> pl.DataFrame:
    """The released metrics of these games beside ours of the same name: mean over games, and over how many."""
    theirs = released(games)
    rows = []
    for measure in RELEASED:
        values = theirs[measure].drop_nulls().to_numpy()
        mine = scores.filter(pl.col("measure") == measure, pl.col("value").is_not_null(), pl.col("weight") > 0)
        w = mine["weight"].to_numpy()
        ours = float((mine["value"].to_numpy() * w).sum() / w.sum()) if mine.height else None
        mean = float(values.mean()) if values.size else None
        rows.append((measure, mean, *_over_games(values), values.size, ours))
    names = {"metric": pl.String, "released": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64, "ours": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row")


def _over_games(values: Floats) -> tuple[float | None, float | None]:
    """The ends of the interval of a mean over games; none where there is one game, or all gave the same."""
    if values.size < 2 or np.ptp(values) == 0:
        return None, None
    found = bootstrap(lambda w: (w @ values) / w.sum(1), np.arange(values.size), draws=1000, batched=True)
    return max(0.0, float(found.low)), min(1.0, float(found.high))


def _ends(
    mean: float, error: float, low: float = float("-inf"), high: float = float("inf")
) -> tuple[float, float, float]:
    return mean, max(low, mean - Z * error), min(high, mean + Z * error)


def _opened(name: str, players: int) -> Model:
    provider, _, rest = name.partition("/")
    if provider == "planted":
        return PLANTED[rest]
    return talker(players) if name == "ngram/talker" else open_model(name)
