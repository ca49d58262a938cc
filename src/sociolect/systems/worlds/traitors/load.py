"""Games of people: who voted for whom, day by day, from the tables of the LLMafia games (arXiv 2506.05309)."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from sociolect.errors import InputError
from sociolect.systems.worlds.traitors.games import UNASKED, VOID, Flags, Games

GAMES = {"game", "winner", "mafia", "llm_player", "players"}
SAID = {"game", "phase", "line", "player", "text"}
WON = {"Bystanders win!": 1.0, "Mafia wins!": 0.0}
MANAGER = "Game-Manager"
_VOTED, _LEFT = re.compile(r"(.+) voted for (.+?)\.?"), re.compile(r"(.+) was voted out\b")


class Played(NamedTuple):
    """The games, which seats are people (`people`, g x n), and what could not be let in, by reason."""

    games: Games
    people: Flags
    set_aside: pl.DataFrame


def played(folder: Path) -> Played:
    """The games of a folder with games.csv and messages.csv.gz: public votes in their rounds, who left, who won.

    The manager of those games says who voted for whom by day and by night, and who left. A day may end without anybody leaving. One
    player of each game is a model: its votes count towards who leaves, and `people` leaves it out of what is measured.
    A game without a winner was broken off and begun again, and tells old votes a second time: it is left out and counted. So is a
    vote of or for someone who is no player or is out; a vote for oneself stays, as void.
    Raises InputError where a file or a column is missing, or no game has a winner.
    """
    listed, said = _table(folder / "games.csv", GAMES), _table(folder / "messages.csv.gz", SAID)
    # players may write what looks like a vote
    manager = said.filter(pl.col("player") == MANAGER, pl.col("text").is_not_null()).with_columns(
        line=pl.col("line").cast(pl.Int64, strict=False)
    )
    ended = listed.filter(pl.col("winner").is_in(list(WON))).sort("game")
    reasons: dict[str, int] = {}
    if listed.height > ended.height:
        reasons["a game without a winner"] = listed.height - ended.height
    if ended.is_empty():
        raise InputError(f"none of the {listed.height} games has a winner ({', '.join(WON)}): nothing can be measured")
    rows = [_game(row, manager.filter(game=row["game"]).sort("line")) for row in ended.iter_rows(named=True)]
    n, r = max(len(one.names) for one in rows), max(one.rounds for one in rows)
    g = len(rows)
    seated, traitor, people = (np.zeros((g, n), dtype=bool) for _ in range(3))
    votes, out = np.full((g, r, 2, n), UNASKED), np.full((g, r, 2), -1)
    for i, one in enumerate(rows):
        seat = {name: s for s, name in enumerate(one.names)}
        seated[i, : len(one.names)] = True
        traitor[i, [seat[m] for m in one.mafia]] = True
        people[i, [s for name, s in seat.items() if name != one.model]] = True
        gone: set[str] = set()
        for number, night, cast, left in one.held:
            for who, whom in cast.items():
                why = _void(who, whom, seat, gone, one.mafia if night else ())
                if why:
                    reasons[f"a vote: {why}"] = reasons.get(f"a vote: {why}", 0) + 1
                if who in seat and who not in gone:
                    votes[i, number, int(night), seat[who]] = VOID if why else seat[whom]
            if left is not None:
                out[i, number, int(night)] = seat[left]
                gone.add(left)
    won = np.array([one.won for one in rows])
    aside = pl.DataFrame(
        {"reason": sorted(reasons), "count": [reasons[k] for k in sorted(reasons)]},
        schema={"reason": pl.String, "count": pl.Int64},
    )
    games = Games(seated, traitor, votes, out, np.array([one.rounds for one in rows]), won)
    return Played(games, people, aside)


class _Game(NamedTuple):
    names: tuple[str, ...]
    mafia: tuple[str, ...]
    model: str
    won: float
    rounds: int
    held: list[tuple[int, bool, dict[str, str], str | None]]  # round, night, votes in order, who left


def _game(row: dict[str, str | None], said: pl.DataFrame) -> _Game:
    names = tuple((row["players"] or "").split("|"))
    mafia = tuple(m for m in (row["mafia"] or "").split("|") if m)
    strangers = sorted(set(mafia) - set(names))
    if strangers or not mafia:
        raise InputError(
            f"game {row['game']}: its mafia are {', '.join(strangers) or 'nobody'}, who are none of its players"
        )
    days, nights = (
        _cast(said.filter(phase=phase), dark) for phase, dark in (("daytime", "Daytime"), ("nighttime", "Nighttime"))
    )
    held: list[tuple[int, bool, dict[str, str], str | None]] = []
    day = night = 0
    # The manager's own lines say when a day or a night begins, and who left at its end.
    for line in said.filter(phase="manager")["text"]:
        out = _LEFT.match(line)
        if line.startswith("Now it's Daytime"):
            held.append((day, False, days[day] if day < len(days) else {}, None))
            day += 1
        elif line.startswith("Now it's Nighttime"):
            held.append((day - 1, True, nights[night] if night < len(nights) else {}, None))
            night += 1
        elif out is not None and held and out[1] in names:
            held[-1] = (*held[-1][:3], out[1])
    # a day that was begun and not voted on is no round
    held = [h for h in held if h[1] or h[2]]
    return _Game(
        names, mafia, row["llm_player"] or "", WON[row["winner"] or ""], max((h[0] for h in held), default=-1) + 1, held
    )


def _cast(lines: pl.DataFrame, word: str) -> list[dict[str, str]]:
    """The votes of each day, or night, in order; the last one counts of somebody who voted twice."""
    out: list[dict[str, str]] = []
    for text in lines["text"]:
        if text.startswith(f"{word} has ended, now it's time to vote"):
            out.append({})
        elif out and (found := _VOTED.fullmatch(text)):
            out[-1][found[1]] = found[2]
    return out


def _void(who: str, whom: str, seat: dict[str, int], gone: set[str], spared: tuple[str, ...]) -> str:
    if who not in seat or whom not in seat:
        return "no player"
    if who in gone or whom in gone:
        return "already out"
    if who == whom:
        return "self"
    return "a fellow by night" if whom in spared else ""


def _table(path: Path, due: set[str]) -> pl.DataFrame:
    try:
        found = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"{path.name} cannot be read: {error}; due are games.csv and messages.csv.gz in one folder"
        ) from error
    if missing := sorted(due - set(found.columns)):
        raise InputError(f"{path.name} lacks {', '.join(missing)}")
    return found
