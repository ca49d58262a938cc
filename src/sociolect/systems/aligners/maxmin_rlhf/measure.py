"""The exact form, once over: groups found, policies made, and how each true group fares under each of them."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.align.reward_groups import Groups, Held, held_out, how_many, reward_groups
from sociolect.align.tilted import at_kl, same_kl, tilted
from sociolect.compare.welfare import win_rate
from sociolect.find.quality import adjusted_rand
from sociolect.seeds import derive
from sociolect.systems.aligners.maxmin_rlhf.align import learnt, scored
from sociolect.systems.aligners.maxmin_rlhf.load import GROUPS, Choices, Planted, planted

L2, MOST = 0.01, 4  # ours: groups that are tried where their number is not known
WINS = {"setting": pl.String, "run": pl.Int64, "arm": pl.String, "group": pl.String, "win": pl.Float64, "kl": pl.Float64, "beta": pl.Float64, "weight": pl.Float64}  # fmt: skip
FOUND = {"setting": pl.String, "run": pl.Int64, "measure": pl.String, "value": pl.Float64}


def exact(
    sizes: Sequence[tuple[int, int]], *, runs: int, starts: int, pairs: int, groups: int | None, rho: float, kl: float, null: bool, seed: int
) -> pl.DataFrame:  # fmt: skip
    """One row per sizes of the two groups, run, arm and true group: how likely a draw beats one of the reference.

    Arms: those of `align.ARMS`, and `true max-min`, which knows the groups' true rewards: no method can be expected to do
    better by the worst off. `groups` None: as many as held-out likelihood says. `weight` is that of the largest group found. Arms stand at the same KL, or RefusedError.
    """
    rows = []
    for majority, minority in sizes:
        for run in range(runs):
            world = planted(majority, minority, pairs=pairs, rho=rho, null=null, seed=derive(seed, "world", run))
            rows += [(f"{majority}:{minority}", run, *row) for row in _arms(world, groups, starts, kl, seed)]
    return pl.DataFrame(rows, schema=WINS, orient="row")


def _arms(world: Planted, groups: int | None, starts: int, kl: float, seed: int) -> list[tuple[object, ...]]:
    x, who = world.features, world.learnt

    act = at_kl(kl)
    if groups is None:
        groups = how_many([told.log_likelihood for _, told in _curve(world, MOST, starts, seed)])
    rewards = learnt(x[who.chosen], x[who.rejected], who.names, groups=groups, starts=starts, l2=L2, seed=seed)
    single = np.einsum("nf,f->n", x, rewards.single)
    arms = scored(single, np.einsum("nf,uf->un", x, rewards.groups.weights), act)
    best = scored(single, world.rewards, act)
    scores = {**arms.scores, "true max-min": best.scores["max-min"]}
    weights = {arm: float(weight[0]) for arm, weight in arms.weights.items()} | {"true max-min": float(best.weights["max-min"][0])}  # fmt: skip
    made = tilted(np.stack(list(scores.values())), kl=kl)
    same_kl(made.kl.tolist(), list(scores))
    wins = win_rate(made.policy, np.full(len(x), 1 / len(x)), world.rewards)
    return [
        (arm, group, float(wins[a, g]), float(made.kl[a]), float(made.beta[a]), weights.get(arm))
        for a, arm in enumerate(scores)
        for g, group in enumerate(GROUPS)
    ]


def found(
    sizes: Sequence[tuple[int, int]], *, runs: int, starts: int, pairs: int, most: int, rho: float, null: bool, seed: int
) -> pl.DataFrame:  # fmt: skip
    """One row per sizes, run and measure: how well the groups were found again, and what the rewards say of people held out.

    `adjusted Rand` of two groups found against the true ones; `accuracy, <group>, one reward` and `... two rewards`: the
    share of held-out users' choices foretold; `log-likelihood, <n>`: of held-out users' pairs, in nats per pair, for
    1 to `most` groups.
    """
    rows: list[tuple[str, int, str, float]] = []
    for majority, minority in sizes:
        for run in range(runs):
            world = planted(majority, minority, pairs=pairs, rho=rho, null=null, seed=derive(seed, "world", run))
            name = f"{majority}:{minority}"
            rows += [(name, run, *row) for row in _found(world, most, starts, seed)]
    return pl.DataFrame(rows, schema=FOUND, orient="row")


def _found(world: Planted, most: int, starts: int, seed: int) -> list[tuple[str, float]]:
    who, held = world.learnt, world.held
    rows = []
    for n, (mixture, told) in enumerate(_curve(world, most, starts, seed), 1):
        rows.append((f"log-likelihood, {n}", float(told.log_likelihood.mean())))
        if n > 2:
            continue
        if n == 2:
            rows.append(("adjusted Rand", agreement(mixture.users, mixture.group.tolist(), who)))
        for g, group in enumerate(GROUPS):
            mine = held.truth == g
            rows.append(
                (f"accuracy, {group}, {('one reward', 'two rewards')[n - 1]}", float(told.accuracy[mine].mean()))
            )
    return rows


def _curve(world: Planted, most: int, starts: int, seed: int) -> list[tuple[Groups, Held]]:
    """The mixtures of 1 to `most` groups, and what each says of the users held out."""
    x, who, held = world.features, world.learnt, world.held
    return [
        (mixture, held_out(mixture.weights, x[held.chosen], x[held.rejected], held.names))
        for n in range(1, most + 1)
        for mixture in [
            reward_groups(x[who.chosen], x[who.rejected], who.names, groups=n, starts=starts, l2=L2, seed=seed)
        ]
    ]


def agreement(users: Sequence[str], group: Sequence[int], choices: Choices) -> float:
    """The adjusted Rand index of groups found against true ones: 1 alike, 0 as by chance, whatever the groups are called."""
    there, true = (
        frames.members(pl.DataFrame({"person": list(who), "community": [str(k) for k in where]}))
        for who, where in ((users, group), (choices.users, choices.truth.tolist()))
    )
    return adjusted_rand(there, true).value
