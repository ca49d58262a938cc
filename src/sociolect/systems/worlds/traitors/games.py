"""Games as arrays: what was voted and who left, whoever played: models, people, or numbers drawn by the thousand."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sociolect.systems.worlds.traitors.state import State

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
VOID, UNASKED = -1, -2  # a vote that names nobody who may be voted for; no vote was due


class Games(NamedTuple):
    """g games of at most n seats and r rounds; what a shorter game lacks is padded."""

    seated: Flags  # (g, n)
    traitor: Flags  # (g, n)
    votes: Ints  # (g, r, 2, n): by day and by night, the seat voted for, VOID or UNASKED
    out: Ints  # (g, r, 2): the seat that left, -1 where nobody did
    rounds: Ints  # (g,)
    won: Floats  # (g,): 1 where the faithful won, 0 where the traitors did, nan where nobody has


def living(games: Games) -> Flags:
    """Who lives when each vote begins: (g, r, 2, n)."""
    g, r, _, n = games.votes.shape
    flat = games.out.reshape(g, 2 * r)
    left = np.zeros((g, 2 * r, n), dtype=bool)
    at = np.nonzero(flat >= 0)
    left[at[0], at[1], flat[at]] = True
    before = np.concatenate([np.zeros((g, 1, n), dtype=bool), np.logical_or.accumulate(left, axis=1)[:, :-1]], axis=1)
    return np.asarray((games.seated[:, None] & ~before).reshape(g, r, 2, n))


def survivors(games: Games) -> Flags:
    """Who lives at the end: (g, n)."""
    g, r, _, n = games.votes.shape
    flat = games.out.reshape(g, 2 * r)
    gone = np.zeros((g, n), dtype=bool)
    at = np.nonzero(flat >= 0)
    gone[at[0], flat[at]] = True
    return np.asarray(games.seated & ~gone)


def of_states(states: Sequence[State]) -> Games:
    """The games that ended in these states, as arrays."""
    n = max(len(s.players) for s in states)
    r = max(s.round for s in states)
    votes = np.full((len(states), r, 2, n), UNASKED)
    out = np.full((len(states), r, 2), -1)
    seated, traitor = np.zeros((len(states), n), dtype=bool), np.zeros((len(states), n), dtype=bool)
    for g, state in enumerate(states):
        seated[g, : len(state.players)] = True
        traitor[g, list(state.traitors)] = True
        for vote in state.votes:
            legal = vote.target is not None and not vote.void
            votes[g, vote.round - 1, int(vote.night), vote.who] = vote.target if legal else VOID
        for one in state.outs:
            out[g, one.round - 1, int(one.night)] = -1 if one.seat is None else one.seat
    ends = {"faithful": 1.0, "traitors": 0.0}
    won = np.array([ends.get(s.won, np.nan) for s in states])
    return Games(seated, traitor, votes, out, np.array([s.round for s in states]), won)
