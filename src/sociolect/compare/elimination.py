"""Exact algebra of a sparse symmetric positive definite matrix: independent nodes are eliminated in turn, a dense core is left."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray, IntArray
from sociolect.errors import RefusedError

_SMALL = 64  # nodes below which a dense core is cheaper than one more round
_PAIRS = 60_000_000  # products of a round's rows in all: 12 bytes each
_CORE = 16_000  # nodes of the largest dense core: 2 GB


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """Nodes with no tie among them, and what eliminating them does to the rest.

    `out`, `rest`: places of the nodes that go and stay. `kept`: entries of the old list that stay, `stays` their place in the
    new one. `ties`: entries that join a node that goes (`row`, its place in `out`) with one that stays (`column`, its place in
    `rest`). `first`, `second`: pairs of ties of one node; `pair`: the entry of the new list that the pair changes.
    """

    out: IntArray
    rest: IntArray
    kept: IntArray
    stays: IntArray
    ties: IntArray
    row: IntArray
    column: IntArray
    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    pair: npt.NDArray[np.int32]
    entries: int


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Rounds of elimination for a pattern, and the places `low`, `high` of the entries left in the core of `core` nodes."""

    rounds: tuple[Round, ...]
    low: IntArray
    high: IntArray
    core: int


@dataclass(frozen=True, slots=True, eq=False)
class Factored:
    """A matrix ready to be solved against: the plan, each round's pivots and ties, and the core's Cholesky factor."""

    plan: Plan
    pivots: tuple[FloatArray, ...]
    ties: tuple[FloatArray, ...]
    core: FloatArray
    logdet: float


def plan(n: int, low: IntArray, high: IntArray) -> Plan:
    """In what order to eliminate `n` nodes tied by the entries (low, high), low < high, each once.

    Each round takes nodes of few ties, none of them neighbours, so that their block is diagonal and goes at once (multiple
    minimum degree; Liu 1985, doi 10.1145/214392.214398). Levels of one factor are never tied, so a nested factor goes in
    one round. What is left when rows grow dense is factored as a dense matrix.

    Raises RefusedError where that core would hold more than 16,000 nodes.

    >>> found = plan(100, np.arange(99), np.arange(1, 100))
    >>> found.core, sum(r.out.size for r in found.rounds)
    (61, 39)
    """
    rounds: list[Round] = []
    budget = _PAIRS
    while n > _SMALL:
        degree = np.bincount(low, minlength=n) + np.bincount(high, minlength=n)
        if (degree.mean() > 0.15 * n) or (low.size and degree.min() ** 2 > budget):
            break
        out = _independent(n, low, high, degree, budget)
        if not out.any():
            break
        made, low, high = _round(n, low, high, out)
        rounds.append(made)
        budget -= made.pair.size
        n = made.rest.size
    if n > _CORE:
        raise RefusedError(
            f"these groups cross so densely that {n:,} of their levels form one dense block; at most {_CORE:,} fit in memory: "
            "drop a crossed term, or use two-way clustered errors in its place"
        )
    return Plan(tuple(rounds), low, high, n)


def factor(plan: Plan, diagonal: FloatArray, entries: FloatArray) -> Factored:
    """The matrix with this `diagonal` and these off-diagonal `entries` (as the plan's low and high), factored.

    >>> found = factor(plan(2, np.array([0]), np.array([1])), np.array([2.0, 3.0]), np.array([1.0]))
    >>> round(float(np.exp(found.logdet)), 9), solve(found, np.array([[1.0], [2.0]])).ravel().round(9).tolist()
    (5.0, [0.2, 0.6])
    """
    from scipy.linalg import lapack

    pivots, ties, logdet = [], [], 0.0
    for r in plan.rounds:
        pivot, tie = diagonal[r.out], entries[r.ties]
        scaled = tie / pivot[r.row]
        made = np.zeros(r.entries)
        made[r.stays] = entries[r.kept]
        if r.pair.size:
            made -= np.bincount(r.pair, scaled[r.first] * tie[r.second], minlength=r.entries)
        diagonal = diagonal[r.rest] - np.bincount(r.column, scaled * tie, minlength=r.rest.size)
        entries = made
        pivots.append(pivot)
        ties.append(tie)
        logdet += float(np.log(pivot).sum())
    core = np.zeros((plan.core, plan.core), order="F")
    core[plan.high, plan.low] = entries
    core[np.diag_indices(plan.core)] = diagonal
    if plan.core:
        core, info = lapack.dpotrf(core, lower=1, clean=1, overwrite_a=1)
        if info:
            raise RefusedError("the mixed-model equations are not positive definite: weights or variances are extreme")
        logdet += 2 * float(np.log(np.diag(core)).sum())
    return Factored(plan, tuple(pivots), tuple(ties), core, logdet)


def solve(found: Factored, right: FloatArray) -> FloatArray:
    """The matrix's inverse times `right` (n, m)."""
    from scipy.linalg import lapack
    from scipy.sparse import csr_array

    shape = [(r.out.size, r.rest.size) for r in found.plan.rounds]
    coupled = [
        csr_array((tie, (r.row, r.column)), shape=s)
        for r, tie, s in zip(found.plan.rounds, found.ties, shape, strict=True)
    ]
    went = []
    for r, pivot, tie in zip(found.plan.rounds, found.pivots, coupled, strict=True):
        scaled = right[r.out] / pivot[:, None]
        right = right[r.rest] - tie.T @ scaled
        went.append(scaled)
    if found.plan.core:
        right = lapack.dpotrs(found.core, right, lower=1)[0]
    for r, pivot, tie, scaled in reversed(list(zip(found.plan.rounds, found.pivots, coupled, went, strict=True))):
        whole = np.empty((r.out.size + r.rest.size, right.shape[1]))
        whole[r.rest] = right
        whole[r.out] = scaled - (tie @ right) / pivot[:, None]
        right = whole
    return right


def inverse_diagonal(found: Factored) -> FloatArray:
    """The diagonal (n,) of the matrix's inverse, from the entries of the inverse on the pattern alone.

    Takahashi, Fagan and Chen 1973; Erisman and Tinney 1975, doi 10.1145/360680.360704.

    >>> found = factor(plan(2, np.array([0]), np.array([1])), np.array([2.0, 3.0]), np.array([1.0]))
    >>> inverse_diagonal(found).round(9).tolist()
    [0.6, 0.4]
    """
    from scipy.linalg import lapack

    inverse = lapack.dpotri(found.core, lower=1)[0] if found.plan.core else found.core
    diagonal, entries = np.diag(inverse).copy(), inverse[found.plan.high, found.plan.low]
    for r, pivot, tie in reversed(list(zip(found.plan.rounds, found.pivots, found.ties, strict=True))):
        across = tie * diagonal[r.column]
        if r.pair.size:
            between = entries[r.pair]
            across += np.bincount(r.first, tie[r.second] * between, minlength=tie.size)
            across += np.bincount(r.second, tie[r.first] * between, minlength=tie.size)
        across /= -pivot[r.row]
        whole = np.empty(r.out.size + r.rest.size)
        whole[r.rest] = diagonal
        whole[r.out] = 1 / pivot - np.bincount(r.row, tie * across, minlength=pivot.size) / pivot
        before = np.empty(r.kept.size + r.ties.size)
        before[r.kept], before[r.ties] = entries[r.stays], across
        diagonal, entries = whole, before
    return diagonal


def _independent(n: int, low: IntArray, high: IntArray, degree: IntArray, budget: int) -> npt.NDArray[np.bool_]:
    """Which nodes go next: few ties, fewer than any neighbour (a fixed scramble of the places breaks ties)."""
    few = degree <= max(2.0 * degree.min(), 3)
    scramble = (np.arange(n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    rank = np.empty(n, dtype=np.int64)
    rank[np.lexsort((scramble, degree))] = np.arange(n)
    rank[~few] = n
    nearest = np.full(n, n, dtype=np.int64)
    np.minimum.at(nearest, low, rank[high])
    np.minimum.at(nearest, high, rank[low])
    out = few & (rank < nearest)
    spent = np.cumsum(np.where(out, degree.astype(np.int64) ** 2 // 2, 0)[np.argsort(rank, kind="stable")])
    out[np.argsort(rank, kind="stable")[spent > budget]] = False
    return np.asarray(out)


def _round(n: int, low: IntArray, high: IntArray, out: npt.NDArray[np.bool_]) -> tuple[Round, IntArray, IntArray]:
    went, rest = np.flatnonzero(out), np.flatnonzero(~out)
    place = np.empty(n, dtype=np.int64)
    place[went], place[rest] = np.arange(went.size), np.arange(rest.size)
    joins = out[low] | out[high]
    kept, ties = np.flatnonzero(~joins), np.flatnonzero(joins)
    goes = out[low[ties]]
    row = place[np.where(goes, low[ties], high[ties])]
    column = place[np.where(goes, high[ties], low[ties])]
    order = np.lexsort((column, row))
    ties, row, column = ties[order], row[order], column[order]
    first, second = _pairs(np.bincount(row, minlength=went.size))
    m = np.int64(rest.size)
    new = column[first] * m + column[second]  # columns rise within a row: first < second
    old = place[low[kept]] * m + place[high[kept]]
    names, at = np.unique(np.concatenate([old, new]), return_inverse=True)
    made = Round(
        went, rest, kept, at[: kept.size], ties, row, column, first, second, at[kept.size :].astype(np.int32), names.size
    )  # fmt: skip
    return made, names // m, names % m


def _pairs(count: Sequence[int] | IntArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """All pairs (i < j) of places within runs of these lengths laid end to end."""
    count = np.asarray(count)
    start = np.repeat(np.cumsum(count) - count, count)
    end = np.repeat(np.cumsum(count), count)
    here = np.arange(start.size)
    later = end - here - 1
    first = np.repeat(here, later)
    before = np.repeat(np.cumsum(later) - later, later)
    second = np.arange(first.size) - before + first + 1
    return first.astype(np.int32), second.astype(np.int32)
