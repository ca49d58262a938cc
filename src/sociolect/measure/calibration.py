"""From a classifier's scores to probabilities that mean what they say, and how far they are from it."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def calibrate(scores: Floats, truth: Floats, weights: Floats, *, multi: bool) -> tuple[Floats, Floats]:
    """The slope and shift by which held-out scores (n, k) become probabilities: `probabilities(slope * scores + shift)`.

    One label per text: temperature scaling with a shift per label (Guo et al. 2017, Sec. 4.2, between temperature and
    vector scaling). Many: a sigmoid per label (Platt 1999). Targets are drawn in from 0 and 1 as in Platt's Sec. 2.2, so
    that perfect separation does not end at infinity. A slope is never below 0: scores that point the wrong way, as
    held-out ones do where there is nothing to learn, say nothing, and each label gets its share.
    `weights` is (n, 1).
    """
    from scipy.optimize import minimize

    k = scores.shape[1]
    scale = max(float(scores.std()), 1e-9)
    z = scores / scale
    total = float(weights.sum())
    if multi:
        yes, no = truth.sum(0), (1 - truth).sum(0)
        aim = np.where(truth > 0, (yes + 1) / (yes + 2), 1 / (no + 2))
    else:
        drawn = k / (len(truth) + k)
        aim = truth * (1 - drawn) + drawn / k
    slopes = k if multi else 1

    def loss(point: Floats) -> tuple[float, Floats]:
        slope, shift = point[:slopes], point[slopes:]
        bent = z * slope + shift
        if multi:
            value = (weights * (np.logaddexp(0, bent) - aim * bent)).sum() / total
        else:
            value = (weights[:, 0] * (np.logaddexp.reduce(bent, axis=1) - (aim * bent).sum(1))).sum() / total
        pull = weights * (probabilities(bent, multi=multi) - aim) / total
        turn = (pull * z).sum(0) if multi else np.array([(pull * z).sum()])
        # the shifts of a softmax are free up to a constant: a feather pins it
        return float(value + 1e-6 * (shift**2).sum()), np.concatenate([turn, pull.sum(0) + 2e-6 * shift])

    start = np.concatenate([np.ones(slopes), np.zeros(k)])
    bounds = [(0.0, None)] * slopes + [(None, None)] * k
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}).x
    return found[:slopes] / scale, found[slopes:]


def probabilities(z: Floats, *, multi: bool) -> Floats:
    """The softmax of each row, or the sigmoid of each cell where a text may have many labels.

    >>> probabilities(np.array([[0.0, np.log(3)]]), multi=False).round(2).tolist()
    [[0.25, 0.75]]
    """
    if multi:
        return np.asarray(np.exp(-np.logaddexp(0, -z)))
    return np.asarray(np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True)))


def calibration_error(confidence: Floats, right: Floats, weights: Floats | None = None, *, bins: int = 15) -> float:
    """The expected calibration error: the mean gap between how sure and how often right, over equal-width bins.

    15 bins as in Guo et al. 2017, Sec. 3, Eq. 3; with weights, each text counts for its weight.

    >>> calibration_error(np.array([0.9, 0.9, 0.6, 0.6]), np.array([1.0, 1.0, 1.0, 0.0])).__round__(6)
    0.1
    """
    weights = np.ones(len(confidence)) if weights is None else weights
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(place, weights * (confidence - right), minlength=bins)
    return float(np.abs(gap).sum() / max(float(weights.sum()), 1e-12))


def best_cuts(chance: Floats, truth: Floats) -> Floats:
    """The probability at and above which naming a label has the highest F1, one per label.

    >>> best_cuts(np.array([[0.9], [0.6], [0.2]]), np.array([[1.0], [1.0], [0.0]])).tolist()
    [0.6]
    """
    out = []
    for p, y in zip(chance.T, truth.T, strict=True):
        order = np.argsort(-p, kind="stable")
        f1 = 2 * np.cumsum(y[order]) / (np.arange(1, len(p) + 1) + max(float(y.sum()), 1.0))
        last = np.append(np.diff(p[order]) != 0, True)  # a cut takes all texts of one probability or none
        out.append(float(p[order][int(np.argmax(np.where(last, f1, -1)))]))
    return np.array(out)
