"""The same rules in numbers, thousands of games at once: for scripted voters, and for votes that were cast elsewhere."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sociolect.errors import UsageError
from sociolect.seeds import substream
from sociolect.systems.worlds.traitors.games import UNASKED, VOID, Flags, Floats, Games, Ints
from sociolect.systems.worlds.traitors.rules import FAITHFUL, MOST, TRAITORS, Tie, dealt


class View(NamedTuple):
    """What a vote is asked of: m games still going, by their numbers among all."""

    game: Ints  # (m,)
    traitor: Flags  # (m, n)
    living: Flags  # (m, n)
    night: bool
    round: int  # from 1
    draw: np.random.Generator


Voters = Callable[
    [View], Ints
]  # the seat that each seat names, (m, n); who may not vote, or names nobody who may be, is void


def voters(*, detect: float = 0.0, spare: bool = False) -> Voters:
    """Voters who name another living seat at random; a faithful names a traitor with probability `detect`.

    With `spare` the traitors name no traitor by day while a faithful lives. By night every traitor names a faithful at random.
    """

    def vote(view: View) -> Ints:
        m, n = view.living.shape
        allowed = np.repeat(view.living[:, None], n, axis=1) & ~np.eye(n, dtype=bool)
        if view.night:
            allowed &= ~view.traitor[:, None]
        elif spare:
            allowed &= ~(view.traitor[:, :, None] & view.traitor[:, None])
        if detect and not view.night:
            seen, guilty = view.draw.random((m, n)) < detect, np.asarray(view.living & view.traitor)
            knows = np.asarray(seen & ~view.traitor & guilty.any(axis=1, keepdims=True))[:, :, None]
            allowed = np.where(knows, guilty[:, None] & ~np.eye(n, dtype=bool), allowed)
        keys = view.draw.random((m, n, n)) * allowed
        return np.asarray(np.where(allowed.any(2), keys.argmax(2), VOID))

    return vote


def simulated(
    vote: Voters,
    *,
    traitors: int = TRAITORS,
    faithful: int = FAITHFUL,
    games: int = 2000,
    tie: Tie = "seed",
    most: int = MOST,
    roles: Flags | None = None,
    lots: Floats | None = None,
    seed: int = 0,
) -> Games:
    """`games` games of these voters.

    `roles` (games, n) and `lots` (games, most, 2, n), the lots that break ties, are drawn unless they are given: those of
    `rules.dealt` and `rules.lots` make the games those of the world with the same seeds.
    Raises UsageError where the traitors are none or as many as the faithful.

    >>> found = simulated(voters(), games=4000, seed=1)
    >>> 0.055 < float(found.won.mean()) < 0.083
    True
    """
    dealt(traitors + faithful, traitors, 0)  # refuses numbers that cannot be played
    if games < 1:
        raise UsageError(f"games is {games}: 1 or more are due")
    draw, n = substream(seed, "traitors", "simulated"), traitors + faithful
    if roles is None:
        places = draw.random((games, n)).argsort(1)
        roles = places < traitors
    living = np.ones((games, n), dtype=bool)
    votes = np.full((games, most, 2, n), UNASKED)
    out = np.full((games, most, 2), -1)
    rounds, won = np.zeros(games, dtype=np.int64), np.full(games, np.nan)
    going = np.arange(games)
    for number in range(1, most + 1):
        rounds[going] = number
        for night in (False, True):
            view = View(going, roles[going], living[going], night, number, draw)
            asked, named = _cast(view, np.asarray(vote(view)))
            votes[going, number - 1, int(night)] = np.where(asked, named, UNASKED)
            lot = draw.random(view.living.shape) if lots is None else lots[going, number - 1, int(night)]
            gone = _out(named, lot if tie == "seed" else None)
            out[going, number - 1, int(night)] = gone
            living[going[gone >= 0], gone[gone >= 0]] = False
        guilty, rest = (living[going] & roles[going]).sum(1), (living[going] & ~roles[going]).sum(1)
        won[going] = np.where(guilty == 0, 1.0, np.where(guilty >= rest, 0.0, np.nan))
        going = going[np.isnan(won[going])]
        if not going.size:
            break
    last = int(rounds.max())
    return Games(np.ones((games, n), dtype=bool), roles, votes[:, :last], out[:, :last], rounds, won)


def _cast(view: View, named: Ints) -> tuple[Flags, Ints]:
    """Who votes, and whom for: a vote for oneself, the dead, nobody, or by night a traitor, is void."""
    n = view.living.shape[1]
    asked = view.living & view.traitor if view.night else view.living
    at = np.clip(named, 0, n - 1)
    legal = asked & (named >= 0) & (named < n) & (at != np.arange(n)) & np.take_along_axis(view.living, at, 1)
    if view.night:
        legal &= ~np.take_along_axis(view.traitor, at, 1)
    return asked, np.where(legal, named, VOID)


def _out(named: Ints, lot: Floats | None) -> Ints:
    """Who has the most votes in each game, -1 for nobody; ties go to the highest lot, else to whoever was named first."""
    n = named.shape[1]
    cast = named[:, :, None] == np.arange(n)
    count = cast.sum(1)
    # the first to be named has the highest lot; all lie below 1, so that they part ties alone
    lots = 1 - (cast.argmax(1) + 1) / (n + 1) if lot is None else lot
    return np.asarray(np.where(count.any(1), (count + lots * (count > 0)).argmax(1), -1))
