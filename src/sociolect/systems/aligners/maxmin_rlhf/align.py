"""From what users chose to one policy for each way of weighing them against each other, all at the same KL."""

from typing import NamedTuple

import numpy as np

from sociolect.align.reward import Floats, reward
from sociolect.align.reward_groups import Groups, reward_groups
from sociolect.align.tilted import Act, max_min, nash, per_sample_min, standardised
from sociolect.errors import RefusedError

ARMS = ("single", "mean", "max-min", "per-sample min", "Nash")


class Scored(NamedTuple):
    """One score for each reply, by arm; how an arm weighs the groups, the largest first; and what could not be had, and why."""

    scores: dict[str, Floats]
    weights: dict[str, Floats]
    absent: dict[str, str]


class Learnt(NamedTuple):
    """One reward for everybody, and a reward for each group that was found."""

    single: Floats
    groups: Groups


def learnt(
    chosen: Floats, rejected: Floats, users: list[str], *, groups: int, starts: int, l2: float, seed: int
) -> Learnt:
    """Rewards of the pooled pairs, and of the groups that expectation-maximisation finds: weights over features."""
    found = reward_groups(chosen, rejected, users, groups=groups, starts=starts, l2=l2, seed=seed)
    return Learnt(reward(chosen, rejected, l2=l2), found)


def scored(single: Floats, groups: Floats, act: Act, *, reference: Floats | None = None) -> Scored:
    """The score that each arm follows, out of one reward (replies,) and the groups' rewards (groups, replies).

    Every reward is standardised over the reference first, so that no group counts for more because its numbers are larger.
    `act` makes policies of scores; max-min and Nash weigh the groups so that their policy does best. Arms: single (what
    conventional RLHF follows), mean, max-min of expectations (the paper's), per-sample min (the released code's), Nash.
    """
    z = standardised(groups, reference)
    even = np.full(len(z), 1 / len(z))
    weights = {"mean": even, "max-min": max_min(z, act)}
    absent = {}
    try:
        weights["Nash"] = nash(z, act)
    except RefusedError as error:
        absent["Nash"] = str(error)
    scores = {"single": standardised(single, reference)[0], "per-sample min": per_sample_min(z)}
    scores |= {arm: np.einsum("u,un->n", weight, z) for arm, weight in weights.items()}
    return Scored({arm: scores[arm] for arm in ARMS if arm in scores}, weights, absent)
