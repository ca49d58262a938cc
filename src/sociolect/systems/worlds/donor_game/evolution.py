"""Evolution without words: the same game and selection on arrays, all seeds and conditions at once."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.errors import UsageError, unknown
from sociolect.seeds import substream
from sociolect.systems.worlds.donor_game.elicit import CONDITIONS
from sociolect.systems.worlds.donor_game.players import BORN, COST, HIGH, LOW, NOISE
from sociolect.systems.worlds.donor_game.schedule import Rounds, rounds

Floats = npt.NDArray[np.float64]
NUMERIC = ("no trace", "trace", "punishment", "random")  # the conditions that the arrays know
_AT = 10_000  # a name is the generation times this, and a place in it


class Game(NamedTuple):
    """One game of many populations: units at the end (runs, agents), and by round and donor what was done (runs, acts)."""

    final: Floats
    own: Floats
    share: Floats  # of what the donor had; nan where it had nothing
    seen: Floats  # nan where no gift was to be seen
    punished: npt.NDArray[np.bool_]


def game(
    genes: Floats,
    plan: Rounds,
    *,
    trace: npt.ArrayLike = True,
    punish: npt.ArrayLike = False,
    endowment: float = 10.0,
    multiplier: float = 2.0,
) -> Game:
    """The game of populations (runs, agents, 4 genes) on one schedule; `trace` and `punish` are flags, of all or by run.

    >>> everything = np.tile([1.0, 1.0, 0.0, 0.0], (1, 12, 1))
    >>> float(game(everything, rounds(12)).final.mean()), float(game(everything, rounds(12, "alternating")).final.mean())
    (15360.0, 30720.0)
    """
    runs, agents, _ = genes.shape
    traced, able = (np.broadcast_to(np.reshape(flag, (-1, 1)), (runs, 1)) for flag in (trace, punish))
    first, base, slope, threshold = np.moveaxis(genes, -1, 0)
    purse = np.full((runs, agents), endowment)
    shown = np.full((runs, agents), np.nan)
    told: list[tuple[Floats, ...]] = []
    for pairs in plan:
        d, r = np.array(pairs).T
        own = purse[:, d]
        seen = np.where(traced, shown[:, r], np.nan)
        known = ~np.isnan(seen)
        reply = np.clip(base[:, d] + slope[:, d] * (np.nan_to_num(seen) - 0.5), 0.0, 1.0)
        punished = able & known & (np.nan_to_num(seen) < threshold[:, d])
        gave = np.where(punished, COST, np.where(known, reply, first[:, d]))
        units = gave * own
        purse[:, d] = own - units
        purse[:, r] = np.where(
            punished, np.maximum(purse[:, r] - multiplier * units, 0.0), purse[:, r] + multiplier * units
        )
        rich = own > 0
        # A penniless donor leaves its trace as it was; a punishment shows no gift.
        shown[:, d] = np.where(rich, np.where(punished, np.nan, gave), shown[:, d])
        told.append((own, np.where(rich, gave, np.nan), seen, punished))
    own, share, seen, punished = (np.concatenate(part, axis=1) for part in zip(*told, strict=True))
    return Game(purse, own, share, seen, punished.astype(bool))


def evolve(
    *,
    conditions: tuple[str, ...] = NUMERIC,
    seeds: int = 20,
    generations: int = 10,
    agents: int = 12,
    schedule: str = "released",
    endowment: float = 10.0,
    multiplier: float = 2.0,
    seed: int = 0,
) -> pl.DataFrame:
    """What every agent did in every round of every generation: the columns of `played.acts`, with `run` the seed's number.

    Agents are four genes (`players`): the first gift, base and slope of the answer to a seen gift, and what is punished. The
    better half of each population survives (`random`: any half); each of the others copies one survivor with normal noise.
    A run's numbers depend on its own seed alone, and are shared by all conditions: conditions are paired.
    Raises UsageError for an unknown condition or sizes that cannot be.
    """
    if odd := [c for c in conditions if c not in NUMERIC]:
        raise unknown("condition of numeric evolution", odd[0], NUMERIC)
    if seeds < 1 or generations < 1:
        raise UsageError(f"seeds={seeds}, generations={generations}: 1 or more are due")
    plans = [rounds(agents, schedule, swapped=swapped) for swapped in (False, True)]
    draws = [_draws(derived, agents, generations, seed) for derived in range(seeds)]
    each: dict[str, Any] = {k: np.concatenate([np.stack([d[k] for d in draws])] * len(conditions)) for k in draws[0]}
    rules = [CONDITIONS[c] for c in conditions for _ in range(seeds)]
    trace, punish = np.array([r.get("depth", 3) != 0 for r in rules]), np.array([bool(r.get("punish")) for r in rules])
    chance = np.array([r.get("selection") == "random" for r in rules])
    genes, names, parts = each["born"], np.tile(np.arange(agents) + _AT, (len(rules), 1)), []
    row, half = np.arange(len(rules))[:, None], agents // 2
    for g in range(generations):
        order = each["order"][:, g]
        genes, names = genes[row, order], names[row, order]
        games = [
            game(genes, plan, trace=trace, punish=punish, endowment=endowment, multiplier=multiplier) for plan in plans
        ]
        parts += [_acts(one, plan, names, g + 1, m) for m, (one, plan) in enumerate(zip(games, plans, strict=True), 1)]
        score = (games[0].final + games[1].final) / 2
        # ties by lot: the order was shuffled, and a stable sort keeps it
        kept = np.argsort(np.where(chance[:, None], each["lot"][:, g], -score), axis=1, kind="stable")[:, :half]
        genes, names = genes[row, kept], names[row, kept]
        heirs = genes[row, each["parent"][:, g]] + each["noise"][:, g]
        genes = np.concatenate([genes, np.clip(heirs, LOW, HIGH)], axis=1)
        born = np.tile(np.arange(agents - half) + _AT * (g + 2), (len(rules), 1))
        names = np.concatenate([names, born], axis=1)
    told = pl.concat(parts)
    label = pl.DataFrame({
        "place": np.arange(len(rules)), "condition": [c for c in conditions for _ in range(seeds)],
        "run": list(range(seeds)) * len(conditions),
    })  # fmt: skip
    return told.join(label, on="place", how="left", maintain_order="left").select(
        pl.lit("numeric").alias("community"), "condition", "run", "generation", "match", "round",
        speaker=pl.format("{}_{}", pl.col("name") // _AT, pl.col("name") % _AT + 1),
        kind=pl.when("punished").then(pl.lit("punish")).otherwise(pl.lit("give")),
        own="own", share=pl.col("share").fill_nan(None), seen=pl.col("seen").fill_nan(None), final="final",
    )  # fmt: skip


def _draws(run: int, agents: int, generations: int, seed: int) -> Mapping[str, npt.NDArray[Any]]:
    """All random numbers of one run, in the order of its life."""
    rng, half = substream(seed, "evolution", run), agents // 2
    return {
        "born": rng.uniform(BORN[0], BORN[1], (agents, 4)),
        "order": np.stack([rng.permutation(agents) for _ in range(generations)]),
        "lot": rng.random((generations, agents)),
        "parent": rng.integers(half, size=(generations, agents - half)),
        "noise": rng.normal(0, NOISE, (generations, agents - half, 4)),
    }


def _acts(one: Game, plan: Rounds, names: npt.NDArray[np.int64], generation: int, match: int) -> pl.DataFrame:
    """A game as rows, population by population, round by round."""
    donors = np.array([donor for pairs in plan for donor, _ in pairs])
    turn = np.array([r for r, pairs in enumerate(plan, 1) for _ in pairs])
    runs = len(one.final)
    return pl.DataFrame({
        "place": np.repeat(np.arange(runs), donors.size), "round": np.tile(turn, runs), "name": names[:, donors].ravel(),
        "own": one.own.ravel(), "share": one.share.ravel(), "seen": one.seen.ravel(), "punished": one.punished.ravel(),
        "final": one.final[:, donors].ravel(),
    }).with_columns(generation=pl.lit(generation, pl.Int64), match=pl.lit(match, pl.Int64))  # fmt: skip
