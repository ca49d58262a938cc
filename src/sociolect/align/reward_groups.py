"""Rewards of people who disagree: hard expectation-maximisation over users, several starts, and how many groups there are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sociolect.align.reward import Floats, accuracy, differences, fitted, log_likelihood
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.seeds import substream

Ints = npt.NDArray[np.int64]


class Groups(NamedTuple):
    """A mixture of rewards, the largest group first: its weights, who belongs where, and how well it says what was chosen.

    `weights` (groups, features); `users` in order and `group` (users,) the place of each; `log_likelihood` in nats, of all
    pairs under the rewards of their users' groups; `rounds` of expectation and maximisation until nobody moved;
    `starts` is the log-likelihood that each start ended with.
    """

    weights: Floats
    users: tuple[str, ...]
    group: Ints
    log_likelihood: float
    rounds: int
    starts: tuple[float, ...]


def reward_groups(
    chosen: npt.ArrayLike,
    rejected: npt.ArrayLike,
    users: Sequence[str],
    *,
    groups: int = 2,
    starts: int = 6,  # ours
    iterations: int = 30,  # ours; 10 in the code
    l2: float = 0.01,
    seed: int = 0,
) -> Groups:
    """The best mixture of `groups` rewards that hard expectation-maximisation finds over so many starts.

    `chosen`, `rejected` (pairs, features) and the user of each pair. E-step: a user goes to the group under whose reward all
    of their choices together are likeliest. M-step: each group's reward is learnt on from where it stands, on the pairs of
    its users. The first start is the release's (user number modulo groups), which mixes true groups evenly; the others are
    drawn. arXiv 2402.08925, Algorithm 2, and its code. Labels mean nothing, so groups are put in order: most users first, then
    most pairs, then the first user. Neither the order of rows nor the users' names beyond their order change anything.
    Raises UsageError for numbers below 1, InputError for shapes that do not fit, RefusedError for fewer users than groups.

    >>> up, down = [[1.0]] * 4, [[0.0]] * 4
    >>> found = reward_groups(up + down, down + up, ["a"] * 2 + ["b"] * 2 + ["c"] * 4, starts=3, l2=1.0)
    >>> found.users, found.group.tolist(), (found.weights[:, 0] > 0).tolist()
    (('a', 'b', 'c'), [0, 0, 1], [True, False])
    """
    if min(groups, starts, iterations) < 1:
        raise UsageError(f"groups={groups}, starts={starts}, iterations={iterations}: 1 or more are due")
    x, who, names = _sorted(chosen, rejected, users)
    if len(names) < groups:
        raise RefusedError(f"{len(names)} users cannot be {groups} groups")
    best: tuple[float, Floats, Ints, int] | None = None
    ends = []
    for start in range(starts if groups > 1 else 1):
        drawn = np.arange(len(names)) % groups
        if start:
            drawn = substream(seed, "reward groups", start).permutation(drawn)
        found = _expected(x, who, drawn, groups=groups, iterations=iterations, l2=l2)
        ends.append(found[0])
        if best is None or found[0] > best[0]:
            best = found
    assert best is not None
    likelihood, weights, group, rounds = best
    size, pairs = np.bincount(group, minlength=groups), np.bincount(group[who], minlength=groups)
    first = [int(np.flatnonzero(group == k)[0]) if size[k] else len(names) for k in range(groups)]
    order = np.lexsort((np.array(first), -pairs, -size))
    place = np.empty(groups, dtype=np.int64)
    place[order] = np.arange(groups)
    return Groups(weights[order], names, place[group], likelihood, rounds, tuple(ends))


def assigned(weights: Floats, x: Floats, who: Ints, n: int) -> tuple[Ints, Floats]:
    """The likeliest group of each of n users, and the log-likelihood of their choices under each group (users, groups)."""
    told = np.stack([np.bincount(who, log_likelihood(w, x), minlength=n) for w in weights], axis=1)
    return told.argmax(1).astype(np.int64), np.asarray(told)


class Held(NamedTuple):
    """What a mixture says of people it never saw: one entry per held-out user.

    `log_likelihood` and `accuracy` are per pair, over the half of a user's pairs that did not choose their group.
    """

    users: tuple[str, ...]
    group: Ints
    log_likelihood: Floats
    accuracy: Floats
    pairs: Ints


def held_out(
    weights: Floats, chosen: npt.ArrayLike, rejected: npt.ArrayLike, users: Sequence[str], *, seed: int = 0
) -> Held:
    """How well rewards that were learnt from others say what these users choose, in nats per pair, and how often they are right.

    A drawn half of a user's pairs finds their group (the larger half, where pairs are odd); the rest are what is measured,
    so that no pair vouches for itself. Users with one pair cannot be measured: InputError.
    """
    x, who, names = _sorted(chosen, rejected, users)
    # Drawn, not every other one: rows are in order of their features, and neighbours in an order are alike.
    drawn = np.lexsort((substream(seed, "held-out pairs").random(len(who)), who))
    turn = np.empty(len(who), dtype=np.int64)
    turn[drawn] = np.arange(len(who)) - np.searchsorted(who, who)
    shown = turn < (np.bincount(who, minlength=len(names))[who] + 1) // 2
    pairs = np.bincount(who[~shown], minlength=len(names))
    if (lone := int((pairs == 0).sum())) or not len(names):
        raise InputError(
            f"{lone} of {len(names)} held-out users have one pair: two or more are due, to place and to measure"
        )
    group, _ = assigned(weights, x[shown], who[shown], len(names))
    there = group[who]
    each = np.stack([log_likelihood(w, x) for w in weights])[there, np.arange(len(x))]
    right = np.stack([accuracy(w, x) for w in weights])[there, np.arange(len(x))]
    sums = [np.bincount(who[~shown], part[~shown], minlength=len(names)) / pairs for part in (each, right)]
    return Held(names, group, sums[0], sums[1], pairs)


def split(users: Sequence[str], *, share: float = 0.25, seed: int = 0) -> npt.NDArray[np.bool_]:
    """Which rows are held out: whole users, about this share of them, drawn by name; one at least, and never all.

    >>> rows = split(["a", "a", "b", "c", "d"], seed=3)
    >>> int(rows.sum()), bool(rows[0] == rows[1])
    (1, True)
    """
    names = sorted(set(users))
    if not 0 < share < 1:
        raise UsageError(f"share is {share:g}: between 0 and 1 is due")
    if len(names) < 2:
        raise RefusedError(f"{len(names)} users: two or more are due, to learn from one and hold out another")
    n = min(max(1, round(share * len(names))), len(names) - 1)
    out = {names[k] for k in substream(seed, "held-out users").permutation(len(names))[:n]}
    return np.array([user in out for user in users])


def _expected(
    x: Floats, who: Ints, group: Ints, *, groups: int, iterations: int, l2: float
) -> tuple[float, Floats, Ints, int]:
    weights = np.zeros((groups, x.shape[1]))
    rounds = 0
    while rounds < iterations:
        rounds += 1
        for k in range(groups):
            mine = group[who] == k
            if mine.any():  # a group that lost everybody keeps its reward, and may win somebody back
                weights[k] = fitted(x[mine], l2=l2, begin=weights[k])
        before, (group, told) = group, assigned(weights, x, who, len(group))
        if (group == before).all():
            break
    return float(told[np.arange(len(group)), group].sum()), weights, group, rounds


def _sorted(
    chosen: npt.ArrayLike, rejected: npt.ArrayLike, users: Sequence[str]
) -> tuple[Floats, Ints, tuple[str, ...]]:
    """Differences and the number of each pair's user, in an order that no order of the rows changes, and the users' names."""
    x = differences(chosen, rejected)
    if len(users) != len(x):
        raise InputError(f"{len(users)} users for {len(x)} pairs: one for each is due")
    if not len(x):
        raise RefusedError("there is no pair to learn a reward from: one or more are due")
    names, who = np.unique(np.asarray(users, dtype=str), return_inverse=True)
    order = np.lexsort((*x.T[::-1], who.reshape(-1)))
    return x[order], who.reshape(-1)[order].astype(np.int64), tuple(map(str, names))


def how_many(curve: Sequence[Floats]) -> int:
    """How many groups there are: one more as long as held-out users' choices are surely likelier under it.

    `curve` is the log-likelihood of each held-out user (the same, in the same order) for 1, 2, ... groups. Surely: the mean
    difference is above 1.96 of its standard errors over users.

    >>> one, two = np.array([-0.7, -0.6, -0.7, -0.65]), np.array([-0.3, -0.3, -0.2, -0.35])
    >>> how_many([one, two, two - 0.01]), how_many([one, one])
    (2, 1)
    """
    n = 1
    while n < len(curve):
        gain = curve[n] - curve[n - 1]
        if not gain.mean() > 1.96 * gain.std(ddof=1) / len(gain) ** 0.5:
            break
        n += 1
    return n
