"""A game between two turns, as a value."""

import re
from typing import NamedTuple

from sociolect.elicit.channels import Log
from sociolect.systems.worlds.traitors.memory import Memory

_NUMBER = re.compile(r"\d{1,6}")
_SPOKEN = re.compile(r"---\s*(.*?)\s*---", re.DOTALL)


class Vote(NamedTuple):
    """A vote as it was cast: `target` is the seat named, if one was; `void` says why it does not count."""

    round: int
    night: bool
    who: int
    target: int | None
    void: str = ""


class Out(NamedTuple):
    """How a vote ended: who left, or nobody."""

    round: int
    night: bool
    seat: int | None


class State(NamedTuple):
    """Seats are numbered from 0; players call them Player 1, Player 2, ... `place` is whose turn it is in a phase in seat order."""

    players: tuple[str, ...]
    traitors: frozenset[int]
    seed: int
    phase: str
    round: int = 1
    place: int = 0
    outs: tuple[Out, ...] = ()
    votes: tuple[Vote, ...] = ()
    log: Log = ()
    memory: tuple[Memory, ...] = ()
    won: str = ""


def called(seat: int) -> str:
    """The name that all players know a seat by.

    >>> called(0)
    'Player 1'
    """
    return f"Player {seat + 1}"


def alive(state: State) -> list[int]:
    """The seats still in the game, in order."""
    gone = {one.seat for one in state.outs}
    return [seat for seat in range(len(state.players)) if seat not in gone]


def due(state: State) -> list[int]:
    """The seats that a phase concerns: traitors at night, everybody living by day."""
    living = alive(state)
    return [s for s in living if s in state.traitors] if state.phase in NIGHT else living


def targets(state: State, seat: int) -> list[int]:
    """Whom a seat may vote for: any other living player by day, a living faithful by night."""
    living = alive(state)
    if state.phase == "night":
        return [s for s in living if s not in state.traitors]
    return [s for s in living if s != seat]


NIGHT = ("meeting", "agreement", "night")


def read(state: State, seat: int, text: str) -> Vote:
    """The vote that a text casts: the first number in what is said aloud [code]; void, with the reason, where it may not be cast.

    Reasons: none (no number), unknown (no such player), self, dead, and by night traitor (the release: nobody leaves then).
    """
    night = state.phase == "night"
    found = _NUMBER.search(spoken(text))
    if found is None:
        return Vote(state.round, night, seat, None, "none")
    target = int(found.group()) - 1
    if not 0 <= target < len(state.players):
        return Vote(state.round, night, seat, None, "unknown")
    void = "" if target in targets(state, seat) else "self" if target == seat else "dead"
    if void == "dead" and target in alive(state):
        void = "traitor"
    return Vote(state.round, night, seat, target, void)


def spoken(text: str) -> str:
    """What the others hear: the words between the markers, or all of them where there are none [code].

    >>> spoken("I must hide. --- It was not me. ---"), spoken("It was not me.")
    ('It was not me.', 'It was not me.')
    """
    found = _SPOKEN.search(text)
    return (found.group(1) if found else text).strip()
