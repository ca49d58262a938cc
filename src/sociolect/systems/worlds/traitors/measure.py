"""What a game's votes say of deception, trust and detection, each beside what blind votes would give."""

from typing import NamedTuple

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import RefusedError
from sociolect.frames import Scores
from sociolect.systems.worlds.traitors.games import Flags, Floats, Games, living, survivors

MEASURES = {
    "win": "the faithful win",
    "traitors survive": "TSR: share of the traitors who live at the end",
    "faithful survive": "share of the faithful who live at the end",
    "correct": "FCR: share of the valid faithful votes that hit a traitor, mean over rounds",
    "lift": "FCR less t / (n - 1), what blind faithful votes give with t traitors among n living; rounds weigh alike",
    "deception": "share of public eliminations that hit a faithful, less the share of faithful among the living",
    "own side": "share of the traitors' public votes that hit a traitor, while a fellow lives",
    "faithful agree": "share of the most frequent target among valid faithful votes, mean over rounds",
    "traitors agree": "the same of the traitors' votes by night",
    "switching": "share of public votes from round 2 on that name another seat than the voter's last public vote",
    "free switching": "the same where the last target still lives, so that nobody has to switch",
    "trust stability": "1 less switching",
    "rounds": "rounds played",
}
# ours: means of rounds over all games are unbiased for blind voters; a mean of games' own means is not, as games end by their votes
POOLED = ("lift", "deception", "own side", "switching", "free switching", "trust stability")


class Measured(NamedTuple):
    """One number for each game, nan where it is undefined, and its weight: rounds or votes where they are pooled, else 1."""

    value: Floats
    weight: Floats


def measured(games: Games, *, counted: Flags | None = None) -> dict[str, Measured]:
    """Every measure of `MEASURES`, game by game. `counted` (g, n) are the seats whose votes are measured: all, unless said.

    Void votes are in no share; rounds without a valid vote of a side are not in its means.
    """
    here = living(games)
    day = here[:, :, 0]
    voted, dark = games.votes[:, :, 0], games.votes[:, :, 1]
    mine = np.ones_like(games.seated) if counted is None else counted
    traitor = games.traitor[:, None] & np.ones_like(day)
    valid, faithful = (voted >= 0) & mine[:, None], ~traitor
    hits = np.take_along_axis(traitor, np.clip(voted, 0, None), 2) & valid
    n, t = day.sum(2), (day & traitor).sum(2)
    cast = (valid & faithful).sum(2)
    share = _ratio((hits & faithful).sum(2), cast)
    end, played = survivors(games), games.seated.sum(1)
    guilty = games.traitor.sum(1)
    gone = games.out[:, :, 0]
    found = np.take_along_axis(traitor, np.clip(gone, 0, None)[:, :, None], 2)[:, :, 0]
    fooled = np.where(gone >= 0, (~found).astype(float) - _ratio(n - t, n), np.nan)
    own = valid & traitor & (t > 1)[:, :, None]
    seen, changed, free = _switches(games, day, valid)
    switched = _pooled(changed.sum((1, 2)), seen.sum((1, 2)))
    agreed = _agreed(voted, valid & faithful), _agreed(dark, (dark >= 0) & mine[:, None])
    return {
        "win": _plain(games.won),
        "traitors survive": _plain(_ratio((end & games.traitor).sum(1), guilty)),
        "faithful survive": _plain(_ratio((end & ~games.traitor).sum(1), played - guilty)),
        "correct": _plain(_mean(share)[0]),
        "lift": Measured(*_mean(share - _ratio(t, n - 1))),
        "deception": Measured(*_mean(fooled)),
        "own side": _pooled((hits & own).sum((1, 2)), own.sum((1, 2))),
        "faithful agree": _plain(_mean(agreed[0])[0]),
        "traitors agree": _plain(_mean(agreed[1])[0]),
        "switching": switched,
        "free switching": _pooled((changed & free).sum((1, 2)), free.sum((1, 2))),
        "trust stability": Measured(1 - switched.value, switched.weight),
        "rounds": _plain(games.rounds.astype(float)),
    }


def scores(
    games: Games, *, traitors: str, faithful: str, source: str = "model", counted: Flags | None = None, draw: int = 0
) -> Scores:
    """One row per game and measure with its `weight`; `community` plays the traitors, `condition` the faithful.

    Undefined numbers are null. People's games are told apart as speakers, so that a game is what varies with either source.
    """
    found = measured(games, counted=counted)
    g = games.rounds.size
    name = [f"game:{i}" for i in range(g)]
    speaker = name if source == "human" else [f"{traitors} x {faithful}"] * g
    parts = [
        pl.DataFrame({"speaker": speaker, "item": name, "measure": measure, "value": one.value, "weight": one.weight})
        for measure, one in found.items()
    ]
    put = {"source": source, "community": traitors, "condition": faithful}
    whole = pl.concat(parts).with_columns(
        pl.col("value").fill_nan(None), draw=pl.lit(draw, pl.Int64), turn=pl.lit(0, pl.Int64), **{k: pl.lit(v) for k, v in put.items()}
    )  # fmt: skip
    return frames.scores(whole.select(*frames.KEYS, "measure", "value", "weight"))


class Average(NamedTuple):
    """A mean over games, its standard error, and the games in which it is defined."""

    mean: float
    error: float
    n: int


def averages(games: Games, *, counted: Flags | None = None) -> dict[str, Average]:
    """Each measure's mean over games; a pooled one is a ratio of sums, its error linearised (Cochran 1977, Eq. 6.4).

    For thousands of games; of a few, `compare.differences.means` of their `scores` gives intervals.
    Raises RefusedError for fewer than two games.
    """
    if games.rounds.size < 2:
        raise RefusedError(f"{games.rounds.size} game has no standard error: play 2 or more")
    out = {}
    for name, (value, weight) in measured(games, counted=counted).items():
        known = ~np.isnan(value) & (weight > 0)
        v, w, n = value[known], weight[known], int(known.sum())
        mean = float((v * w).sum() / w.sum()) if n else float("nan")
        error = float(np.sqrt(((w * (v - mean)) ** 2).sum() * n / (n - 1)) / w.sum()) if n > 1 else float("nan")
        out[name] = Average(mean, error, n)
    return out


def lifted(games: Games) -> tuple[float, float]:
    """The lift over all rounds of all games, and its standard error."""
    found = averages(games)["lift"]
    return found.mean, found.error


def _switches(games: Games, day: Flags, valid: Flags) -> tuple[Flags, Flags, Flags]:
    """Public votes that have an earlier one of the voter's, those that name another seat, and those whose last target lives."""
    voted = games.votes[:, :, 0]
    last = np.full(voted[:, 0].shape, -1)
    seen, changed, free = (np.zeros(voted.shape, dtype=bool) for _ in range(3))
    for r in range(voted.shape[1]):
        now = valid[:, r]
        seen[:, r] = now & (last >= 0)
        changed[:, r] = seen[:, r] & (voted[:, r] != last)
        free[:, r] = seen[:, r] & np.take_along_axis(day[:, r], np.clip(last, 0, None), 1)
        last = np.where(now, voted[:, r], last)
    return seen, changed, free


def _agreed(named: Floats | np.ndarray, who: Flags) -> Floats:
    n = named.shape[2]
    most = np.stack([((named == seat) & who).sum(2) for seat in range(n)], axis=-1).max(-1)
    return _ratio(most, who.sum(2))


def _ratio(above: np.ndarray, below: np.ndarray) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(below > 0, above / below, np.nan), dtype=float)


def _mean(rounds: Floats) -> tuple[Floats, Floats]:
    """The mean over the rounds in which a number is defined, and how many those are."""
    known = ~np.isnan(rounds)
    return _ratio(np.where(known, rounds, 0.0).sum(1), known.sum(1)), known.sum(1).astype(float)


def _plain(value: Floats) -> Measured:
    return Measured(value, np.ones(value.size))


def _pooled(above: np.ndarray, below: np.ndarray) -> Measured:
    return Measured(_ratio(above, below), below.astype(float))
