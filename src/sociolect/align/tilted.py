"""The best policy over a finite set of replies, exactly: pi ~ reference * exp(score / beta), with beta found for a given KL.

And the ways to make one score out of several groups' rewards, each of which ends in such a policy.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sociolect.align.reward import Floats
from sociolect.errors import InputError, RefusedError

APART = 0.02  # ours: nats; arms further apart are not compared
GRID = 41  # ours: weights between two groups that are tried
STEPS = 100  # ours: of the search for weights among three groups or more
Act = Callable[[Floats], Floats]  # scores (k, n) to policies (k, n), as `at_kl`


class Tilted(NamedTuple):
    """Policies (..., n) with the temperature that made them and their distance from the reference, in nats."""

    policy: Floats
    beta: Floats
    kl: Floats


def tilted(scores: npt.ArrayLike, *, kl: float = 1.0, reference: npt.ArrayLike | None = None) -> Tilted:
    """The policies of largest mean score among all with this KL from the reference (uniform unless said): one per row of scores.

    Over replies (..., n), pi = reference * exp(score / beta) / Z, the closed form of KL-regularised reward maximisation
    (Korbak et al. 2022, eq. 5; Rafailov et al. 2023, eq. 4); beta is the root of KL(pi, reference) = kl.
    Raises InputError for scores that are not finite, RefusedError where no beta gives this KL: the KL of always giving the
    best replies is smaller, or all scores are equal.

    >>> found = tilted([1.0, 0.0], kl=0.1)
    >>> found.policy.round(3).tolist(), round(float(found.beta), 3), round(float(found.kl), 6)
    ([0.72, 0.28], 1.06, 0.1)
    """
    from scipy.optimize import elementwise

    s = np.atleast_2d(np.asarray(scores, dtype=float))
    ref = _reference(reference, s.shape[-1])
    if not np.isfinite(s).all():
        raise InputError(f"{int((~np.isfinite(s)).sum())} scores are not finite")
    if not kl > 0:
        raise InputError(f"kl is {kl:g}: above 0 is due, in nats")
    top = s == s.max(-1, keepdims=True)
    reach = -np.log((ref * top).sum(-1))
    if (short := reach <= kl).any():
        raise RefusedError(
            f"{int(short.sum())} of {len(s)} scores cannot be followed as far as {kl:g} nats: always giving the best replies "
            f"is {float(reach.min()):.3f} nats away"
        )
    mean = (s * ref).sum(-1, keepdims=True)
    unit = (s - mean) / np.sqrt((ref * (s - mean) ** 2).sum(-1, keepdims=True))
    with np.errstate(divide="ignore"):
        base = np.log(ref)

    def over(log_t: Floats, row: Floats) -> Floats:
        return kl_of(_soft(base + np.exp(log_t)[..., None] * unit[row.astype(int)]), ref) - kl

    rows = np.arange(len(s), dtype=float)
    # beta from 3e6 to 1e-7 standard deviations
    root = elementwise.find_root(over, (np.full(len(s), -15.0), np.full(len(s), 16.0)), args=(rows,))
    policy = _soft(base + np.exp(root.x)[:, None] * unit)
    beta = np.exp(-root.x) * np.sqrt((ref * (s - mean) ** 2).sum(-1))
    shape = np.asarray(scores).shape[:-1]
    return Tilted(policy.reshape(*shape, -1), beta.reshape(shape), kl_of(policy, ref).reshape(shape))


def at_kl(kl: float, reference: npt.ArrayLike | None = None) -> Act:
    """Scores to policies at this KL from the reference; nan where scores (as of rewards that cancel) lead nowhere so far.

    >>> at_kl(0.1)(np.array([[1.0, 0.0], [0.0, 0.0]])).round(2).tolist()
    [[0.72, 0.28], [nan, nan]]
    """

    def act(scores: Floats) -> Floats:
        try:
            return tilted(scores, kl=kl, reference=reference).policy
        except RefusedError:
            if len(scores) == 1:
                return np.full_like(scores, np.nan)
        return np.concatenate([act(row[None]) for row in scores])

    return act


def kl_of(policy: npt.ArrayLike, reference: npt.ArrayLike) -> Floats:
    """How far a policy (..., n) is from the reference (n,), in nats; a reply that is never given adds nothing."""
    p, q = np.asarray(policy, dtype=float), np.asarray(reference, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(p > 0, p * np.log(p / q), 0.0).sum(-1))


def same_kl(kls: Sequence[float], names: Sequence[str], *, within: float = APART) -> None:
    """Raises RefusedError where arms are further apart in KL than `within` nats: whoever went further would win by that.

    >>> same_kl([1.0, 1.01], ["single", "max-min"])
    >>> same_kl([1.0, 1.4], ["single", "max-min"])
    Traceback (most recent call last):
    sociolect.errors.RefusedError: arms are 0.4 nats of KL apart (single 1, max-min 1.4), more than 0.02: match them before they are compared
    """
    if len(kls) and max(kls) - min(kls) > within:
        told = ", ".join(f"{name} {kl:.3g}" for name, kl in zip(names, kls, strict=True))
        raise RefusedError(
            f"arms are {max(kls) - min(kls):.3g} nats of KL apart ({told}), more than {within:g}: match them before they are compared"
        )


def standardised(rewards: npt.ArrayLike, reference: npt.ArrayLike | None = None) -> Floats:
    """Each group's reward (groups, n) in standard deviations over the reference, mean 0: scales no longer decide who is worst off.

    Raises RefusedError for a reward that is the same for every reply.

    >>> standardised([[1.0, 3.0], [10.0, 30.0]]).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """
    r = np.atleast_2d(np.asarray(rewards, dtype=float))
    ref = _reference(reference, r.shape[-1])
    mean = (r * ref).sum(-1, keepdims=True)
    sd = np.sqrt(((r - mean) ** 2 * ref).sum(-1, keepdims=True))
    if not np.isfinite(r).all() or (sd <= 1e-12 * np.maximum(1, np.abs(mean))).any():
        raise RefusedError("a group's reward is the same for every reply, or not finite: nothing can be made of it")
    return np.asarray((r - mean) / sd)


def max_min(z: Floats, act: Act) -> Floats:
    """The weights (groups,) of the mixture of rewards whose policy leaves the worst-off group best off: max_pi min_u E_pi[z_u].

    `z` (groups, n) are standardised rewards. At a given KL the optimum is the policy of some weighted mean of the rewards
    (minimax over a convex set), so weights are searched: of two groups 41 from 0 to 1, of more by exponentiated gradient on
    the worst off. arXiv 2402.08925, eq. 9 (recalled).

    >>> max_min(standardised([[1, 0, 0.4], [0, 1, 0.4]]), at_kl(0.3)).tolist()
    [0.5, 0.5]
    """
    return _searched(z, act, lambda gains: gains.min(-1), lambda log_weight, gains, rate: log_weight - rate * gains)


def nash(z: Floats, act: Act) -> Floats:
    """The weights (groups,) of the mixture whose policy has the largest product of the groups' gains over the reference.

    Gains are in standard deviations; the reference, at 0, is the disagreement point. Raises RefusedError where no mixture
    leaves every group better off than the reference.
    """

    def product(gains: Floats) -> Floats:
        return np.where((gains > 0).all(-1), np.prod(np.maximum(gains, 0), -1), -np.inf)

    def balance(log_weight: Floats, gains: Floats, rate: float) -> Floats:
        # at the optimum a reward weighs in inverse proportion to its gain
        return (1 - rate) * log_weight - rate * np.log(np.maximum(gains, 1e-6))

    found = _searched(z, act, product, balance)
    if not np.isfinite(product(_gains(z, act, found[None]))).all():
        raise RefusedError(
            "no mixture of the rewards leaves every group better off than the reference: there is no bargain"
        )
    return found


def per_sample_min(z: Floats) -> Floats:
    """The score (n,) of each reply to whoever likes it least: what the released code follows. [code]

    The mean of this minimum is not the minimum of the means: it has no use for two replies that are each one group's best.

    >>> per_sample_min(np.array([[1, 0, 0.4], [0, 1, 0.4]])).tolist()
    [0.0, 0.0, 0.4]
    """
    return np.asarray(z.min(0))


def _searched(
    z: Floats, act: Act, worth: Callable[[Floats], Floats], move: Callable[[Floats, Floats, float], Floats]
) -> Floats:
    if len(z) <= 2:
        weight = np.linspace(0, 1, GRID)
        grid = np.stack([weight, 1 - weight], axis=1) if len(z) == 2 else np.ones((1, 1))
        with np.errstate(invalid="ignore"):
            value = np.nan_to_num(worth(_gains(z, act, grid)), nan=-np.inf, neginf=-np.inf)
        # of equals the most even: a grid runs from one group to the other
        return np.asarray(grid[np.lexsort((np.abs(grid[:, 0] - 0.5), -value.round(12)))[0]])
    log_weight = np.zeros(len(z))
    best, kept = -np.inf, np.asarray(np.full(len(z), 1 / len(z)))
    for step in range(STEPS):
        share = np.asarray(np.exp(log_weight - log_weight.max()))
        share /= share.sum()
        gains = _gains(z, act, share[None])[0]
        if np.isnan(gains).any():
            break
        if (reached := float(worth(gains))) > best:
            best, kept = reached, share
        log_weight = move(log_weight, gains, (step + 1) ** -0.5)
    return kept


def _gains(z: Floats, act: Act, weights: Floats) -> Floats:
    """What each group gains, E_pi[z_u], under the policy of each mixture: (mixtures, groups)."""
    return np.asarray(np.einsum("kn,un->ku", act(np.einsum("ku,un->kn", weights, z)), z))


def _soft(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True))


def _reference(reference: npt.ArrayLike | None, n: int) -> Floats:
    ref = np.full(n, 1 / n) if reference is None else np.asarray(reference, dtype=float)
    if ref.shape != (n,) or (ref < 0).any() or not abs(float(ref.sum()) - 1) < 1e-9:
        raise InputError(f"the reference is {ref.shape}: {n} shares of 0 or more that sum to 1 are due")
    return ref
