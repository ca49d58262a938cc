"""Rows met once, in batches of any size, and kept as sums of groups: all that a random-intercept fit needs of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray
from sociolect.errors import RefusedError

Codes = npt.NDArray[np.int64]
BATCH = 16_384  # rows whose columns stay in the processor's cache
_FLAT = 1e-20  # a sum of squares about the mean below this share of the plain one is rounding: the column is constant
_ALIASED = 1e-12  # the share of a column that earlier ones leave unexplained, squared; lm's tolerance is 1e-14


@dataclass(frozen=True, slots=True, eq=False)
class GroupSums:
    """G groups of rows z (q columns): `n` rows, `weight` (G,), weighted `mean` (G, q), `within` (q, q) the cross-products
    about the groups' means, `log_weight` the sum of the rows' log weights.
    """

    n: int
    weight: FloatArray
    mean: FloatArray
    within: FloatArray
    log_weight: float


def summed(x: FloatArray, y: FloatArray, codes: Codes, weights: FloatArray | None, groups: int) -> GroupSums:
    """The sums of rows in memory: `gathered` in one piece.

    >>> x, y = np.ones((3, 1)), np.array([[1.0], [3.0], [5.0]])
    >>> summed(x, y, np.array([0, 1, 1]), None, 2).within.tolist()
    [[0.0, 0.0], [0.0, 2.0]]
    """
    from scipy.sparse import csc_array

    (n, p), q = x.shape, x.shape[1] + y.shape[1]
    one = np.ones(n) if weights is None else weights
    member = csc_array((one, codes, np.arange(n + 1)), shape=(groups, n))
    weight = np.bincount(codes, one, minlength=groups).astype(float)
    mean, within = np.empty((groups, q)), np.zeros((q, q))
    mean[:, :p], mean[:, p:] = member @ x, member @ y
    mean /= weight[:, None]
    room, means = np.empty((2, min(BATCH, n), q))  # made once: fresh memory costs more than the sums
    for start in range(0, n, BATCH):
        part = slice(start, start + BATCH)
        left = room[: n - start]
        left[:, :p], left[:, p:] = x[part], y[part]
        left -= np.take(mean, codes[part], axis=0, out=means[: len(left)])
        within += left.T @ (left if weights is None else left * one[part, None])
    logs = 0.0 if weights is None else float(np.log(one).sum())
    return GroupSums(n, weight, mean, (within + within.T) / 2, logs)


def gathered(batches: Iterable[tuple[FloatArray, Codes, FloatArray | None]], groups: int, columns: int) -> GroupSums:
    """The sums of batches (rows z (b, q), group codes (b,), weights (b,) or None); no batch is kept.

    Means and cross-products are merged as in Chan, Golub and LeVeque (1983): nothing cancels, however far from 0 a column
    lies, and the size of the batches changes the last digits only.

    >>> z = np.array([[1.0], [3.0], [5.0]])
    >>> sums = gathered([(z[:2], np.array([0, 1]), None), (z[2:], np.array([1]), None)], 2, 1)
    >>> sums.mean.ravel().tolist(), sums.within.tolist()
    ([1.0, 4.0], [[2.0]])
    """
    from scipy.sparse import csr_matrix

    weight, mean = np.zeros(groups), np.zeros((groups, columns))
    within, n, logs = np.zeros((columns, columns)), 0, 0.0
    for z, codes, w in batches:
        here, place = np.unique(codes, return_inverse=True)
        rows = len(place)
        n += rows
        one = np.ones(rows) if w is None else w
        logs += 0.0 if w is None else float(np.log(w).sum())
        new = np.bincount(place, one, minlength=len(here))
        sums = csr_matrix((one, (place, np.arange(rows))), shape=(len(here), rows)) @ z
        average = sums / new[:, None]
        left = z - average[place]
        within += left.T @ (left if w is None else left * w[:, None])
        old = weight[here]
        moved = average - mean[here]
        within += moved.T @ (moved * (old * new / (old + new))[:, None])
        mean[here] += moved * (new / (old + new))[:, None]
        weight[here] = old + new
    return GroupSums(n, weight, mean, (within + within.T) / 2, logs)


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """The sums with columns about their means in units of their spread, and the way back.

    `within` (q, q) and `mean` (G, q) are those of the standardised columns; `back` (p, p) turns standardised coefficients into
    the plain ones, `shift` (p, k) is added, `unit` (k,) is the outcomes'; `log_scale` is log |back^-1|.
    """

    within: FloatArray
    mean: FloatArray
    back: FloatArray
    shift: FloatArray
    unit: FloatArray
    log_scale: float


def standardised(sums: GroupSums, names: tuple[str, ...], outcomes: tuple[str, ...]) -> Standard:
    """The sums of well-conditioned columns; the last of the columns are the outcomes.

    Where a column is constant (the intercept), the others are taken about their means: ages near 40 and years near 2024
    then cost no digits. Raises RefusedError where there are no more rows than columns, or where a column is constant or a
    combination of earlier ones, by name.
    """
    p = len(names)
    if sums.n <= p:
        raise RefusedError(f"{sums.n} rows cannot tell {p} columns apart: more rows than columns are due")
    total = sums.weight.sum()
    centre = sums.weight @ sums.mean / total
    apart = sums.mean - centre
    between = _gram(apart, sums.weight)
    spread = np.diag(sums.within) + np.diag(between)
    raw = spread + total * centre**2
    flat = spread <= _FLAT * raw
    if empty := [names[j] for j in range(p) if raw[j] == 0]:
        raise RefusedError(f"column {empty[0]!r} is 0 in every row: leave it out")
    constants = [j for j in range(p) if flat[j]]
    faults = [f"column {names[j]!r} is constant, aliased with {names[constants[0]]!r}" for j in constants[1:]]
    one = constants[0] if constants else None
    unit = np.sqrt(np.where(flat | (one is None), raw, spread) / total)
    unit[unit == 0] = 1.0  # an outcome that is 0 throughout: refused where its variance is due
    within = sums.within / np.outer(unit, unit)
    if one is None:
        mean, centre = sums.mean / unit, np.zeros_like(centre)
        between = _gram(mean, sums.weight)
    else:
        mean = np.divide(apart, unit, out=apart)
        between /= np.outer(unit, unit)
        unit[one], centre[one], mean[:, one] = centre[one], 0.0, 1.0
        between[one] = between[:, one] = sums.weight @ mean
        within[one] = within[:, one] = 0.0
    faults += _aliases((within + between)[:p, :p] / total, names, constants)
    if faults:
        raise RefusedError(f"the design is not of full rank: {'; '.join(faults)}; leave one of them out")
    back, shift = np.diag(1 / unit[:p]), np.zeros((p, len(outcomes)))
    if one is not None:
        others = np.arange(p) != one
        back[one, others] = -centre[:p][others] / unit[:p][others] / unit[one]
        shift[one] = centre[p:] / unit[one]
    return Standard(within, mean, back, shift, unit[p:], float(np.log(np.abs(unit[:p])).sum()))


def _gram(z: FloatArray, weight: FloatArray) -> FloatArray:
    out = np.zeros((z.shape[1], z.shape[1]))
    for start in range(0, len(z), BATCH):
        part = slice(start, start + BATCH)
        out += z[part].T @ (z[part] * weight[part, None])
    return (out + out.T) / 2


def _aliases(whole: FloatArray, names: tuple[str, ...], constants: list[int]) -> list[str]:
    """The columns that earlier ones make up, in order, each with those that do."""
    kept: list[int] = []
    faults = []
    for j in range(len(names)):
        if j in constants[1:]:
            continue
        made = np.linalg.solve(whole[np.ix_(kept, kept)], whole[kept, j]) if kept else np.zeros(0)
        if whole[j, j] - made @ whole[kept, j] > _ALIASED * whole[j, j]:
            kept.append(j)
        else:
            parts = [names[i] for i, share in zip(kept, made, strict=True) if abs(share) > 1e-6 and i not in constants]
            faults.append(f"column {names[j]!r} is made up by {', '.join(map(repr, parts)) or 'the intercept'}")
    return faults
