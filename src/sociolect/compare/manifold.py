"""Precision, recall, density and coverage: whose texts lie within whose, by nearest neighbours."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray
from sociolect.compare.samples import CELLS, Vectors, ones, samples, squares
from sociolect.errors import RefusedError

MEASURES = ("precision", "recall", "density", "coverage")
NEAREST = 5  # k of Naeem et al. (2020), Sec. 3.3
SPARE = 40  # ours: neighbours held beyond k, so that a few may be left out


@dataclass(frozen=True, slots=True)
class Manifold:
    """Shares of texts: `precision` and `recall` from 0 to 1, `density` from 0 up (1 is expected of equals), `coverage` 0 to 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(x: npt.ArrayLike, reference: npt.ArrayLike, *, nearest: int = NEAREST) -> Manifold:
    """How x lies among the reference, each text's ball reaching to its k-th nearest neighbour on its own side.

    Precision: the share of x within any ball of the reference; recall: the share of the reference within any ball of x
    (Kynkaanniemi et al. 2019, eq. 1 and 2). Density: the mean number of reference balls a text of x lies in, over k;
    coverage: the share of reference balls that hold a text of x (Naeem et al. 2020, eq. 3 and 4). Distances are Euclidean
    and exact. Raises RefusedError where a side has no k neighbours; other errors as in `samples`.

    >>> manifold([[0.0], [9.0]], [[0.0], [1.0], [2.0]], nearest=1)
    Manifold(precision=0.5, recall=1.0, density=1.0, coverage=0.6666666666666666)
    """
    first, second = samples(x, reference)
    found = manifolds(first, second, *ones(first, second), nearest=nearest)[0]
    return Manifold(*map(float, found))


def manifolds(
    x: Vectors, reference: Vectors, x_kept: FloatArray, reference_kept: FloatArray, *, nearest: int = NEAREST
) -> FloatArray:
    """(m, 4), in the order of MEASURES, for each of m selections: rows weigh 1 where kept and 0 where left out.

    A ball reaches to the k-th neighbour that is kept, or the farthest of k + 40 held where too few of them are. Distances
    between the sides are made once per slice of rows for all selections.
    """
    short = [
        f"{name} keeps {int(kept.sum(1).min())} texts"
        for name, kept in (("x", x_kept), ("the reference", reference_kept))
        if kept.sum(1).min() <= nearest
    ]
    if nearest < 1 or short:
        raise RefusedError(f"no {nearest} nearest neighbours: {'; '.join(short) or 'one or more are due'}")
    centre = reference.mean(0)
    x, reference = x - centre, reference - centre
    m = len(x_kept)
    mine, theirs = (
        _radii(side, kept, nearest).astype(side.dtype) for side, kept in ((x, x_kept), (reference, reference_kept))
    )
    within, inside = np.zeros((m, len(x)), dtype=np.int64), np.zeros((m, len(reference)), dtype=bool)
    hit = np.zeros((m, len(reference)), dtype=bool)
    x_in, reference_in = x_kept > 0, reference_kept > 0
    every = bool(x_in.all()), bool(reference_in.all())
    step = max(1, CELLS // len(reference))
    for i in range(0, len(x), step):
        rows = slice(i, i + step)
        apart = squares(x[rows], reference)
        for j in range(m):
            near = apart <= theirs[j]
            if not every[1]:
                near &= reference_in[j]
            within[j, rows] = near.sum(1)
            if not every[0]:
                near &= x_in[j, rows, None]
            hit[j] |= near.any(0)
            inside[j] |= ((apart <= mine[j, rows, None]) & x_in[j, rows, None]).any(0)
    a, b = x_kept.sum(1), reference_kept.sum(1)
    precision = ((within > 0) & x_in).sum(1) / a
    recall = (inside & reference_in).sum(1) / b
    density = (within * x_in).sum(1) / (nearest * a)
    coverage = (hit & reference_in).sum(1) / b
    return np.stack([precision, recall, density, coverage], axis=1)


def _radii(z: Vectors, kept: FloatArray, nearest: int) -> FloatArray:
    """The squared distance of each row to its k-th kept neighbour (m, n): itself is none."""
    whole = bool((kept > 0).all())
    held = min(len(z) - 1, nearest if whole else nearest + SPARE)
    out = np.empty(kept.shape)
    step = max(1, CELLS // len(z))
    for i in range(0, len(z), step):
        rows = np.arange(i, min(len(z), i + step))
        apart = squares(z[rows], z)
        apart[np.arange(len(rows)), rows] = np.inf
        order = np.argpartition(apart, held - 1, axis=1)[:, :held]
        near = np.take_along_axis(apart, order, axis=1)
        turn = np.argsort(near, axis=1, kind="stable")
        order, near = np.take_along_axis(order, turn, axis=1), np.take_along_axis(near, turn, axis=1)
        if whole:
            out[:, rows] = near[:, nearest - 1]
            continue
        for j, row in enumerate(kept > 0):
            at = (np.cumsum(row[order], axis=1) < nearest).sum(1)
            out[j, rows] = near[np.arange(len(rows)), np.minimum(at, held - 1)]
    return out
