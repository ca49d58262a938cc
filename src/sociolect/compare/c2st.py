"""The classifier two-sample test's classifier: how well a line through the space tells two corpora apart."""

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray
from sociolect.compare.samples import Vectors
from sociolect.errors import RefusedError
from sociolect.seeds import substream

Codes = npt.NDArray[np.int64]
FOLDS = 5


def held_out(
    pooled: Vectors,
    labels: FloatArray,
    clusters: Codes,
    *,
    weights: FloatArray | None = None,
    penalty: float = 1.0,
    seed: int = 0,
) -> FloatArray:
    """The score of each pooled row under each of m labellings (m, n) of +1 and -1, by lines that never saw its cluster.

    Ridge regression of the label on standardised vectors, five folds of whole clusters drawn without a look at the
    labels: all labellings share the folds, so a permutation of labels is fair, and 1,000 of them cost little more than one.
    `weights` (m, n) are those of the rows in training, a line for each labelling. `penalty` is per dimension (ours).
    Raises RefusedError for fewer clusters than folds.

    >>> z, y = np.array([[-2.0], [-1.0], [1.0], [2.0]] * 5), np.array([-1.0, -1.0, 1.0, 1.0] * 5)
    >>> bool((np.sign(held_out(z, y[None], np.arange(20))[0]) == y).all())
    True
    """
    z = np.asarray(pooled, dtype=float)
    width = z.std(0)
    z = (z - z.mean(0)) / np.where(width > 0, width, 1.0)
    fold, out = _folds(clusters, seed), np.empty(labels.shape)
    for f in range(FOLDS):
        test, train = fold == f, fold != f
        known, asked = z[train], z[test]
        square = known.T @ known + penalty * z.shape[1] * np.eye(z.shape[1])
        if weights is None:
            out[:, test] = (asked @ np.linalg.solve(square, known.T @ labels[:, train].T)).T
            continue
        for i, (label, weight) in enumerate(zip(labels[:, train], weights[:, train], strict=True)):
            gone = weight != 1
            less = square - (known[gone] * (1 - weight[gone])[:, None]).T @ known[gone]
            out[i, test] = asked @ np.linalg.solve(less, known.T @ (weight * label))
    return out


def accuracies(scores: FloatArray, x_weights: FloatArray, y_weights: FloatArray) -> FloatArray:
    """The mean over both sides of the share told right, under m weightings of scores (n,) or (m, n): .5 is chance.

    >>> accuracies(np.array([0.3, -0.1, -0.2, -0.5]), *_demo()).tolist()
    [0.75]
    """
    right = (scores > 0) + 0.5 * (scores == 0)
    x = (x_weights * right).sum(1) / x_weights.sum(1)
    y = (y_weights * (1 - right)).sum(1) / y_weights.sum(1)
    return np.asarray((x + y) / 2)


def aucs(scores: FloatArray, x_weights: FloatArray, y_weights: FloatArray) -> FloatArray:
    """The chance that a row of x scores above one of y, ties half, under m weightings of scores (n,) or (m, n).

    >>> aucs(np.array([0.3, -0.1, -0.1, -0.5]), *_demo()).tolist()
    [0.875]
    """
    out = np.empty(len(x_weights))
    for i, (u, v) in enumerate(zip(x_weights, y_weights, strict=True)):
        if i == 0 or scores.ndim == 2:
            row = scores[i] if scores.ndim == 2 else scores
            order = np.argsort(row, kind="stable")
            ordered = row[order]
            first, last = (np.searchsorted(ordered, ordered, side) for side in ("left", "right"))
        below = np.concatenate([[0.0], np.cumsum(v[order])])
        out[i] = u[order] @ (below[first] + below[last]) / 2 / (u.sum() * v.sum())
    return out


def _demo() -> tuple[FloatArray, FloatArray]:
    x = np.array([[1.0, 1.0, 0.0, 0.0]])
    return x, 1 - x


def _folds(clusters: Codes, seed: int) -> Codes:
    """The fold of each row: clusters in random order, each into the fold that is emptiest."""
    sizes = np.bincount(clusters)
    if (there := int((sizes > 0).sum())) < FOLDS:
        raise RefusedError(f"no classifier can be held against {there} clusters: {FOLDS} or more are due, one per fold")
    order = substream(seed, "c2st", "folds").permutation(sizes.size)
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold, load = np.zeros(sizes.size, dtype=np.int64), np.zeros(FOLDS, dtype=np.int64)
    for c in order:
        fold[c] = load.argmin()
        load[fold[c]] += sizes[c]
    return fold[clusters]
