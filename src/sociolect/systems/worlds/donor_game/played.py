"""Populations of one model through the generations: played in all conditions and runs at once, selected and renewed."""

from collections.abc import Sequence
from dataclasses import replace
from math import fsum
from typing import Any, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.elicit.generations import Generation, generations, said, survivors
from sociolect.elicit.play import Played, play
from sociolect.errors import UsageError, unknown
from sociolect.frames import Replies
from sociolect.models.model import Model
from sociolect.seeds import derive, substream
from sociolect.systems.worlds.donor_game.elicit import CONDITIONS, DonorGame, legible, second
from sociolect.systems.worlds.donor_game.prompts import SURVIVAL

ACTS: dict[str, Any] = {
    "game": pl.Int64, "speaker": pl.String, "round": pl.Int64, "recipient": pl.String, "kind": pl.String, "own": pl.Float64,
    "units": pl.Float64, "share": pl.Float64, "seen": pl.Float64, "final": pl.Float64, "survives": pl.Boolean,
}  # fmt: skip


class Line(NamedTuple):
    """One population of a generation: its condition and run, the game it plays, and its players in the order of the table."""

    condition: str
    run: int
    game: DonorGame
    seats: tuple[str, ...]


def played(
    model: Model,
    *,
    community: str,
    conditions: Sequence[str] = ("trace", "punishment"),
    runs: int = 5,
    number: int = 10,
    agents: int = 12,
    tries: int = 10,
    tokens: int = 512,
    temperature: float = 0.8,
    seed: int = 0,
    **rules: Any,
) -> Replies:
    """Every word of `runs` populations of the model per condition, over `number` generations of two games each.

    `rules` go to every `DonorGame` (schedule, selection, scores, ...); those of a condition stand over them. Replies carry
    `run`, `generation`, `match` and, where a donor spoke, what it did: `round`, `recipient`, `kind` (give, punish, refuse,
    invalid), `own` units before, `units` moved, `share` of its own, `seen`, `final` units at the end of its game; further
    `survives`, null in the last generation. Runs of one number begin in the same order of the table in all conditions.
    Raises UsageError for an unknown condition or selection, and for no run.
    """
    if odd := [c for c in conditions if c not in CONDITIONS]:
        raise unknown("condition", odd[0], CONDITIONS)
    if rules.get("selection", "top") not in SURVIVAL:
        raise unknown("selection", rules["selection"], SURVIVAL)
    if runs < 1:
        raise UsageError(f"runs is {runs}: 1 or more are due")
    lines = [
        Line(
            c,
            run,
            DonorGame(**{**rules, **CONDITIONS[c]}),
            _seated([f"1_{k}" for k in range(1, agents + 1)], seed, run, 1),
        )
        for c in conditions
        for run in range(runs)
    ]

    def match(now: Sequence[Line], past: Sequence[Played], stream: int) -> Played:
        games = [second(one.game, past[0].states[i]) if past else one.game for i, one in enumerate(now)]
        return play(
            games, [dict.fromkeys(one.seats, model) for one in now], games=len(now), legible=legible, tries=tries,
            tokens=tokens, temperature=temperature, seed=stream,
        )  # fmt: skip

    def heirs(now: Sequence[Line], past: Sequence[Played], stream: int) -> list[Line]:
        return [_heirs(one, [p.states[i] for p in past], derive(stream, i), seed) for i, one in enumerate(now)]

    lived = generations(lines, match, heirs, number=number, matches=2, seed=derive(seed, "donor", community))
    return _told(said(lived), lived, community)


def _seated(names: Sequence[str], seed: int, run: int, generation: int) -> tuple[str, ...]:
    order = substream(seed, "seats", run, generation).permutation(len(names))
    return tuple(names[int(k)] for k in order)


def worth(states: Sequence[Any], selection: str) -> dict[str, float | None]:
    """What the next generation is chosen by: the mean of the units of both games, or of the shares given in them.

    The release takes the second game's units twice; here each game counts, and counts the same.
    """
    if selection == "random":
        return dict.fromkeys(states[0].seats, 0.0)
    if selection == "top":
        return {who: fsum(s.purse[who] for s in states) / len(states) for who in states[0].seats}
    gave: dict[str, list[float]] = {who: [] for who in states[0].seats}
    for state in states:
        for done in state.done:
            if done.share is not None:
                gave[done.donor].append(done.share if done.kind == "give" else 0.0)
    return {who: fsum(mine) / len(mine) if mine else None for who, mine in gave.items()}


def _heirs(line: Line, states: Sequence[Any], stream: int, seed: int) -> Line:
    game = line.game
    kept = survivors(worth(states, game.selection), keep=len(line.seats) // 2, seed=stream)
    stated, units = states[-1].strategies, worth(states, "top")
    new = [f"{game.generation + 1}_{k}" for k in range(1, len(line.seats) - len(kept) + 1)]
    after = replace(
        game, generation=game.generation + 1, strategies={who: stated[who] for who in kept},
        advice=tuple((stated[who], units[who]) for who in kept),
    )  # fmt: skip
    return line._replace(game=after, seats=_seated([*kept, *new], seed, line.run, after.generation))


def _told(replies: Replies, lived: Sequence[Generation[Line]], community: str) -> Replies:
    """The replies with who played where, and what each donor did."""
    parts, nobody = [], frozenset[str]()
    for one, after in zip(lived, [*lived[1:], None], strict=True):
        lives = [frozenset(line.seats) for line in after.populations] if after else [nobody] * len(one.populations)
        for m, game in enumerate(one.matches, 1):
            rows = [
                (g, done.donor, done.round, done.recipient, done.kind, *done[4:], state.purse[done.donor],
                 done.donor in lives[g] if after else None)
                for g, state in enumerate(game.states)
                for done in state.done
            ]  # fmt: skip
            made = pl.DataFrame(rows, schema=ACTS, orient="row")
            parts.append(made.with_columns(generation=pl.lit(one.number, pl.Int64), match=pl.lit(m, pl.Int64)))
    places = pl.DataFrame({
        "game": range(len(lived[0].populations)), "run": [line.run for line in lived[0].populations],
        "arm": [line.condition for line in lived[0].populations],
    })  # fmt: skip
    keyed = replies.with_columns(
        game=pl.col("item").str.extract(r"^game:(\d+)").cast(pl.Int64),
        round=pl.col("phase").str.extract(r"^round (\d+)$").cast(pl.Int64),
        community=pl.lit(community),
    ).join(places, on="game", how="left", maintain_order="left")
    by = ["game", "generation", "match", "speaker", "round"]
    whole = keyed.join(pl.concat(parts), on=by, how="left", maintain_order="left")
    return frames.replies(whole.with_columns(condition="arm").drop("arm", "game", "choice", "logprob"))
