"""The metrics of the released code, as it computes them, kept beside ours for comparison only."""

from collections import Counter
from math import fsum
from typing import NamedTuple

import polars as pl

from sociolect.systems.worlds.traitors.games import UNASKED, Games

# Information diffusion is the same computation as faithful correctness, so it is not reported a second time. [code]
RELEASED = (
    "traitors agree", "faithful agree", "correct", "traitors survive", "faithful survive", "deception effectiveness",
    "betrayal recognition", "switching", "trust stability",
)  # fmt: skip


class _Row(NamedTuple):
    """A line of the released file of votes."""

    round: int
    night: bool
    who: int
    target: int
    out: int


def released(games: Games) -> pl.DataFrame:
    """Game by game (`game`, and a column for each of `RELEASED`), null where the released code divides by nothing.

    As there: void votes stay in the denominators; a player's first vote counts as a switch; a traitor's public vote is compared
    with its own night vote; deception succeeds where the traitors' night votes are one and the victim is a faithful.
    Votes of days and nights on which nobody left are in no file there: those rounds are left out.
    """
    rows = []
    for g in range(games.rounds.size):
        guilty = {int(s) for s in games.traitor[g].nonzero()[0]}
        innocent = {int(s) for s in games.seated[g].nonzero()[0]} - guilty
        rows.append({"game": g} | _one(_file(games, g), guilty, innocent))
    return pl.DataFrame(rows, schema={"game": pl.Int64, **dict.fromkeys(RELEASED, pl.Float64)})


def _file(games: Games, g: int) -> list[_Row]:
    out = []
    for r in range(int(games.rounds[g])):
        for night in (False, True):
            gone = int(games.out[g, r, int(night)])
            cast = games.votes[g, r, int(night)]
            out += [_Row(r, night, s, int(v), gone) for s, v in enumerate(cast) if v != UNASKED and gone >= 0]
    return out


def _one(rows: list[_Row], guilty: set[int], innocent: set[int]) -> dict[str, float | None]:
    by_day, by_night = (_rounds([r for r in rows if r.night is night]) for night in (False, True))
    faithful = [[r for r in some if r.who in innocent] for some in by_day]
    faithful = [some for some in faithful if some]
    gone = {r.out for r in rows}
    last: dict[int, int] = {}
    changed: list[list[float]] = []
    for some in _rounds(rows):
        changed.append([])
        for r in some:
            changed[-1].append(
                float(last.get(r.who) != r.target or r.target < 0)
            )  # the first vote too, as in the release
            last[r.who] = r.target
    switching = _mean([fsum(c) / len(c) for c in changed])
    return {
        "traitors agree": _mean([_most(some) for some in by_night]),
        "faithful agree": _mean([_most(some) for some in faithful]),
        "correct": _mean([sum(r.target in guilty for r in some) / len(some) for some in faithful]),
        "traitors survive": 1 - len(gone & guilty) / len(guilty),
        "faithful survive": 1 - len(gone & innocent) / len(innocent),
        "deception effectiveness": _mean([float(all(r.target == r.out for r in some) and some[0].out in innocent) for some in by_night]),
        "betrayal recognition": _mean([_betrayal(some, guilty) for some in faithful]),
        "switching": switching,
        "trust stability": None if switching is None else 1 - switching,
    }  # fmt: skip


def _rounds(rows: list[_Row]) -> list[list[_Row]]:
    numbers = sorted({r.round for r in rows})
    return [[r for r in rows if r.round == number] for number in numbers]


def _most(rows: list[_Row]) -> float:
    named = Counter(r.target for r in rows if r.target >= 0)
    return max(named.values()) / len(rows) if named else 0.0


def _betrayal(rows: list[_Row], guilty: set[int]) -> float:
    """Of the faithful votes on traitors, the share on another than the most named seat; 0 where there is none. [code]"""
    named = Counter(r.target for r in rows)
    top = named.most_common(1)[0][0]
    hits = [r.target for r in rows if r.target in guilty]
    return sum(t != top for t in hits) / len(hits) if hits else 0.0


def _mean(values: list[float]) -> float | None:
    return fsum(values) / len(values) if values else None
