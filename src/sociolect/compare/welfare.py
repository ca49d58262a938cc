"""How well off everybody is under each option: totals, the worst off, how unequal, and what nobody would trade away.

Every function takes utilities with one number for each of those affected along the last axis, and gives one number per option.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError


def total(utilities: npt.ArrayLike) -> FloatArray:
    """The sum over those affected.

    >>> total([[1, 2], [0, 5]]).tolist()
    [3.0, 5.0]
    """
    return np.asarray(_whole(utilities).sum(-1))


def minimum(utilities: npt.ArrayLike) -> FloatArray:
    """What the worst off have.

    >>> minimum([[1, 2], [0, 5]]).tolist()
    [1.0, 0.0]
    """
    return np.asarray(_whole(utilities).min(-1))


def percentile(utilities: npt.ArrayLike, q: float = 20.0) -> FloatArray:
    """The q-th percentile over those affected, by linear interpolation (Hyndman and Fan 1996, type 7, as in R and numpy).

    >>> float(percentile([0, 1, 2, 3, 4, 5]))
    1.0
    """
    if not 0 <= q <= 100:
        raise InputError(f"there is no percentile {q:g}: due is 0 to 100")
    return np.asarray(np.percentile(_whole(utilities), q, axis=-1))


def gini(utilities: npt.ArrayLike) -> FloatArray:
    """The mean absolute difference of two of those affected over twice the mean: 0 is equal, near 1 is one has all.

    Sum over i, j of |x_i - x_j| / (2 n^2 mean), Sen (1973), On Economic Inequality, p. 30. nan where nobody has anything.
    Raises InputError for utilities below 0: of these shares nothing can be said.

    >>> gini([[1, 1, 1, 1], [0, 0, 0, 1]]).tolist()
    [0.0, 0.75]
    """
    x = np.sort(_positive(utilities, "Gini"), axis=-1)
    n = x.shape[-1]
    ranks = 2 * np.arange(1, n + 1) - n - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((x * ranks).sum(-1) / (n * x.sum(-1)))


def nash_product(utilities: npt.ArrayLike, disagreement: npt.ArrayLike = 0.0) -> FloatArray:
    """The product of what each gains over the disagreement point; nan where somebody gains nothing or loses.

    Two losses would have a product above 0: an option that leaves somebody below the disagreement point is no bargain at
    all (Nash 1950, axiom of individual rationality), and its product is absent, not large.

    >>> nash_product([[2, 1], [-3, -2]]).tolist()
    [2.0, nan]
    """
    gains = _whole(utilities) - np.asarray(disagreement, dtype=float)
    return np.where((gains > 0).all(-1), np.prod(np.maximum(gains, 0), axis=-1), np.nan)


def cobb_douglas(utilities: npt.ArrayLike, shares: npt.ArrayLike | None = None) -> FloatArray:
    """The product of the utilities, each to the power of its share: the geometric mean where shares are equal.

    Shares are divided by their sum. 0 where somebody whose share is above 0 has nothing. Raises InputError for utilities below 0.

    >>> float(cobb_douglas([4, 9])), float(cobb_douglas([4, 9], [1, 0]))
    (6.0, 4.0)
    """
    x = _positive(utilities, "Cobb-Douglas welfare")
    n = x.shape[-1]
    a = np.full(n, 1 / n) if shares is None else np.asarray(shares, dtype=float)
    if a.shape != (n,) or not np.isfinite(a).all() or (a < 0).any() or not a.sum() > 0:
        raise InputError(f"shares are {a.tolist()}: {n} numbers of 0 or more are due, not all 0")
    return np.asarray(np.prod(x ** (a / a.sum()), axis=-1))


def maximin(utilities: npt.ArrayLike) -> int:
    """Which option is best for whoever is worst off under it; of equals the one with the larger total, then the first.

    >>> maximin([[1, 9], [3, 4], [3, 5]])
    2
    """
    x = _options(utilities)
    return int(np.lexsort((np.arange(len(x)), -total(x), -minimum(x)))[0])


def pareto(utilities: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which options nobody can be made better off from without another losing, by comparing each with each.

    >>> pareto([[-3, -2], [2, 1], [1.5, 1.5], [1, 1]]).tolist()
    [False, True, True, False]
    """
    x = _options(utilities)
    out = np.ones(len(x), dtype=bool)
    for i, mine in enumerate(x):  # one row at a time: all pairs at once would take options^2 x people numbers
        out[i] = not ((x >= mine).all(1) & (x > mine).any(1)).any()
    return out


class Worst(NamedTuple):
    """The group that fares worst, and how."""

    group: str
    rate: float


def worst_group(rates: npt.ArrayLike, groups: Sequence[str]) -> Worst:
    """The group with the lowest rate, of equals the first by name.

    >>> worst_group([0.8, 0.3], ["many", "few"])
    Worst(group='few', rate=0.3)
    """
    x = _whole(rates)
    if x.shape != (len(groups),):
        raise InputError(f"rates are of shape {x.shape}: one for each of {len(groups)} groups is due")
    rate, group = min(zip(x.tolist(), groups, strict=True))
    return Worst(group, rate)


def win_rate(policy: npt.ArrayLike, reference: npt.ArrayLike, rewards: npt.ArrayLike) -> FloatArray:
    """How likely a draw of the policy is preferred to a draw of the reference, by each group: (..., groups).

    `policy` (..., n) and `reference` (n,) are distributions over n replies; `rewards` (groups, n) are what each group would
    pay, in log-odds: y is preferred to y' with sigma(r(y) - r(y')) (Bradley and Terry 1952). A draw against itself is even.
    An infinite reward is a reply that always wins, or always loses (an empty one, at -inf); between two such it is even.

    >>> win_rate([1.0, 0.0], [0.5, 0.5], [[3.0, 0.0]]).round(4).tolist()
    [0.7263]
    """
    p, q, r = (np.asarray(one, dtype=float) for one in (policy, reference, rewards))
    if q.ndim != 1 or p.shape[-1:] != q.shape or r.ndim != 2 or r.shape[1:] != q.shape:
        raise InputError(
            f"policy {p.shape}, reference {q.shape} and rewards {r.shape} do not speak of the same replies: (..., n), (n,) and (groups, n) are due"
        )
    if np.isnan(r).any() or not np.allclose([*np.atleast_1d(p.sum(-1)).ravel(), q.sum()], 1, atol=1e-6):
        raise InputError("a reward is undefined, or a policy does not sum to 1")
    return np.stack([(p * _beaten(one, q)).sum(-1) for one in r], axis=-1)


def _beaten(reward: FloatArray, reference: FloatArray) -> FloatArray:
    """For each reply, how likely it is preferred to a draw of the reference."""
    alike = reward[:, None] == reward[None, :]
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.where(alike, 0.0, reward[:, None] - reward[None, :])
        return np.asarray((reference / (1 + np.exp(-apart))).sum(1))


def _whole(utilities: npt.ArrayLike) -> FloatArray:
    x = np.asarray(utilities, dtype=float)
    if x.ndim < 1 or not x.shape[-1]:
        raise InputError(f"utilities are of shape {x.shape}: one number for each of those affected is due")
    if not np.isfinite(x).all():
        raise InputError(
            f"{int((~np.isfinite(x)).sum())} utilities are not finite: leave out what is unknown, and count it"
        )
    return x


def _positive(utilities: npt.ArrayLike, what: str) -> FloatArray:
    x = _whole(utilities)
    if (x < 0).any():
        raise InputError(
            f"{what} is undefined for {int((x < 0).sum())} utilities below 0: measure from a point nobody is below"
        )
    return x


def _options(utilities: npt.ArrayLike) -> FloatArray:
    x = _whole(utilities)
    if x.ndim != 2 or not len(x):
        raise InputError(f"utilities are of shape {x.shape}: options x those affected are due")
    return x
