"""A planted society of people who disagree about replies: the replies' features, two groups' rewards, and what each user chose."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sociolect.errors import UsageError
from sociolect.seeds import substream

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
RESPONSES, FEATURES, SCALE = 200, 6, 3.0  # ours: log-odds that one standard deviation of reward is worth
GROUPS = ("majority", "minority")
HELD = 20  # users of each group that nobody learns from [code]


class Choices(NamedTuple):
    """Who chose what over what: users by name, their true groups, and a row for each pair with the numbers of two replies."""

    users: tuple[str, ...]
    truth: Ints
    user: Ints
    chosen: Ints
    rejected: Ints

    @property
    def names(self) -> list[str]:
        """The user of each pair, by name."""
        return [self.users[i] for i in self.user]


class Planted(NamedTuple):
    """The replies (responses, features), the groups' true rewards (2, responses) in log-odds, and choices to learn from and held out."""

    features: Floats
    rewards: Floats
    learnt: Choices
    held: Choices


def planted(
    majority: int = 40,
    minority: int = 8,
    *,
    pairs: int = 25,
    rho: float = -0.6,
    responses: int = RESPONSES,
    null: bool = False,
    seed: int = 0,
) -> Planted:
    """Two groups whose rewards are linear in Gaussian features along unit directions with correlation `rho`, times 3.

    Each user sees `pairs` pairs of different replies, drawn evenly, and prefers one with sigma of the difference in reward.
    With `null` both groups share the first direction. A further 20 users of each group are held out.

    >>> world = planted(seed=1)
    >>> world.features.shape, len(world.learnt.users), len(world.held.user)
    ((200, 6), 48, 1000)
    """
    faults = [f"{k}={n}: {least} or more are due" for k, n, least in (("majority", majority, 1), ("minority", minority, 1), ("pairs", pairs, 2), ("responses", responses, 10)) if n < least]  # fmt: skip
    faults += [
        f"rho={rho:g}: above -1 and up to 1 is due: where all is opposed nobody can gain without the other losing"
    ] * (not -1 < rho <= 1)
    if faults:
        raise UsageError("; ".join(faults))
    rng = substream(seed, "planted", "replies")
    features = rng.normal(size=(responses, FEATURES))
    basis = np.linalg.qr(rng.normal(size=(FEATURES, 2)))[0].T
    other = basis[0] if null else rho * basis[0] + (1 - rho * rho) ** 0.5 * basis[1]
    rewards = SCALE * np.stack([np.einsum("ij,j->i", features, way) for way in (basis[0], other)])
    learnt = choices(rewards, (majority, minority), pairs=pairs, seed=seed, name="user")
    return Planted(
        features, rewards, learnt, choices(rewards, (HELD, HELD), pairs=max(pairs, 10), seed=seed, name="held")
    )


def choices(
    rewards: Floats, sizes: tuple[int, ...], *, pairs: int, seed: int, name: str, block: int | None = None
) -> Choices:
    """What so many users of each group choose, by the rewards (groups, replies) of their groups.

    With `block`, replies stand in blocks of so many, each of one prompt, and both of a pair answer the same prompt.
    """
    rng = substream(seed, "planted", "choices", name)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    user = np.repeat(np.arange(len(truth)), pairs)
    n = block or rewards.shape[1]
    one = rng.integers(rewards.shape[1], size=len(user))
    two = one // n * n + (one + rng.integers(1, n, size=len(user))) % n
    apart = rewards[truth[user], one] - rewards[truth[user], two]
    first = rng.random(len(user)) < 1 / (1 + np.exp(np.clip(-apart, -500, 500)))
    users = tuple(f"{name}{i:04d}" for i in range(len(truth)))
    return Choices(users, truth, user, np.where(first, one, two), np.where(first, two, one))
