"""Prevalence out of a classifier's verdicts and a few human labels: prediction-powered, by error rates, by design."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import fsum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sociolect.compare.clusters import Codes
from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, RefusedError, UsageError

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Prevalence:
    """A prevalence with its interval; `naive` is what the classifier alone would say.

    `n` counts rows, `labelled` those a human labelled, `clusters` the smallest number of clusters with a labelled row
    over the factors. `trust` is how much the classifier counts for (lambda of PPI++; 1 in the others).
    """

    estimate: float
    low: float
    high: float
    error: float
    naive: float
    n: int
    labelled: int
    clusters: int
    trust: float = 1.0


class _Clusters(NamedTuple):
    """What varies together: the terms of `_terms`, and the smallest number of clusters with a labelled row."""

    terms: list[tuple[int, Codes, int]]
    fewest: int


def ppi(
    value: FloatArray, truth: FloatArray, clusters: Codes | Sequence[Codes], *, tuned: bool = True, level: float = 0.95
) -> Prevalence:
    """Prediction-powered prevalence: the labelled mean, moved by what the classifier says of the unlabelled rows.

    `value` (n,) is the classifier's verdict or probability, `truth` (n,) a label from 0 to 1, nan where nobody labelled.
    The labelled rows are a simple random sample of all. mean(Y) + t (mean of unlabelled f - mean of labelled f), with
    t = 1 (Angelopoulos et al. 2023, doi 10.1126/science.adi6000) or, `tuned`, with the t of least variance from 0 to 1, so that a
    useless classifier does no harm (PPI++, arXiv 2311.01453). Intervals are those of `_interval`.

    >>> f, y = np.array([1.0, 0, 1, 0, 1, 1, 0, 1]), np.array([1, 0, 0, 0, np.nan, np.nan, np.nan, np.nan])
    >>> ppi(f, y, np.arange(8), tuned=False).estimate
    0.5
    """
    value, truth, within, known = _checked(value, truth, clusters)
    if known.all():
        first, second, shift = truth - truth.mean(), np.zeros(truth.size), 0.0
    else:
        first = np.where(known, truth - truth[known].mean(), 0.0)
        gap = np.where(known, value - value[known].mean(), 0.0)
        second = gap / known.sum() - np.where(known, 0.0, value - value[~known].mean()) / (~known).sum()
        shift = float(value[~known].mean() - value[known].mean())
    first = first / known.sum()
    trust = 1.0
    if tuned:
        # the slope of one influence on the other, by clusters: what they share is what the classifier can explain
        explained, spread = _variance(first, within, second), _variance(second, within)
        trust = float(np.clip(explained / spread, 0, 1)) if spread > 0 else 0.0
    estimate = float(truth[known].mean()) + trust * shift
    return _interval(estimate, first - trust * second, value, known, within, level=level, trust=trust)


def rogan_gladen(
    verdict: FloatArray, truth: FloatArray, clusters: Codes | Sequence[Codes], *, level: float = 0.95
) -> Prevalence:
    """The share of verdicts, corrected by the classifier's sensitivity and specificity on the labelled rows.

    (share + specificity - 1) / (sensitivity + specificity - 1); Rogan and Gladen 1978, doi 10.1093/oxfordjournals.aje.a112510.
    `verdict` and `truth` are 0 or 1, `truth` nan where nobody labelled. The labelled rows may hold another share of
    positives than the rest, but the classifier must err alike in both. The interval carries the doubt of all three, and that
    of a rate which so few labels show as 0 or 1.
    Raises RefusedError where no positive or no negative was labelled, or the classifier is not shown to beat chance.

    >>> told = np.array([1.0] * 15 + [0] * 5 + [0] * 15 + [1] * 5 + [1] * 7 + [0] * 13)
    >>> true = np.array([1.0] * 20 + [0] * 20 + [np.nan] * 20)
    >>> round(rogan_gladen(told, true, np.arange(60)).estimate, 3)  # (.35 + .75 - 1) / (.75 + .75 - 1)
    0.2
    """
    value, truth, within, known = _checked(verdict, truth, clusters)
    if not set(np.unique(value)) | set(np.unique(truth[known])) <= {0.0, 1.0}:
        raise InputError("Rogan-Gladen counts verdicts: values and labels are 0 or 1; cut probabilities first")
    sick, well = known & (truth == 1), known & (truth == 0)
    if not sick.any() or not well.any():
        raise RefusedError(
            f"Rogan-Gladen needs labelled positives and negatives; there are {sick.sum()} and {well.sum()}"
        )
    target = ~known if (~known).any() else known
    share, sensitivity, specificity = value[target].mean(), value[sick].mean(), 1 - value[well].mean()
    power = sensitivity + specificity - 1
    right = np.where(sick, (value - sensitivity) / sick.sum(), 0.0)
    cleared = np.where(well, (1 - value - specificity) / well.sum(), 0.0)
    doubt = np.sqrt(_variance(right + cleared, within))
    if power <= 2 * doubt:
        raise RefusedError(
            f"sensitivity {sensitivity:.2f} and specificity {specificity:.2f} are not shown to be better than chance "
            f"({power:.2f} +- {doubt:.2f} above it): label more rows, or ask for ppi++"
        )
    estimate = float((share + specificity - 1) / power)
    moved = np.where(target, (value - share) / target.sum(), 0.0) + (1 - estimate) * cleared - estimate * right
    unseen = estimate**2 * _unseen(value[sick]) + (1 - estimate) ** 2 * _unseen(1 - value[well])
    return _interval(estimate, moved / power, value, known, within, level=level, more=unseen / power**2)


def _unseen(right: FloatArray) -> float:
    """What the variance of a rate of few labels lacks: all right among ten is no proof that none is ever wrong.

    The variance of the rate's posterior under an even prior (Bayes 1763), less that of resampling; 0 where the latter is larger.

    >>> round(_unseen(np.ones(7)), 4), _unseen(np.array([0.0, 1.0] * 9))
    (0.0099, 0.0)
    """
    n, mean = right.size, float(right.mean())
    near = (mean * n + 1) / (n + 2)
    return max(0.0, near * (1 - near) / (n + 3) - mean * (1 - mean) / n)


def dsl(
    value: FloatArray,
    truth: FloatArray,
    clusters: Codes | Sequence[Codes],
    *,
    chance: FloatArray,
    classifier: bool = True,
    level: float = 0.95,
) -> Prevalence:
    """Design-based prevalence: labels weighed by one over the chance with which their row was picked for labelling.

    The mean of f + R (Y - f) / chance over all rows (Horvitz and Thompson 1952; design-based supervised learning, Egami et
    al. 2023, arXiv 2306.04746), right however wrong the classifier is, because the `chance` (n,) is known by
    design: strata, or more labels where the classifier is unsure. Without `classifier` it is the Hajek mean of the labels
    alone. Raises InputError where a chance is not above 0 and up to 1.

    >>> f, y = np.array([1.0, 1, 0, 0]), np.array([1, np.nan, 0, np.nan])
    >>> dsl(f, y, np.arange(4), chance=np.full(4, 0.5)).estimate
    0.5
    """
    value, truth, within, known = _checked(value, truth, clusters)
    chance = np.asarray(chance, dtype=float)
    if chance.shape != value.shape or not ((chance > 0) & (chance <= 1)).all():
        raise InputError(
            f"chance is of {chance.size} rows; due is one number above 0 and up to 1 for each of {value.size}"
        )
    weight = known / chance
    label = np.where(known, truth, 0.0)
    if classifier:
        row = value + weight * (label - value)
        estimate = float(row.mean())
        moved = (row - estimate) / value.size
    else:
        estimate = float((weight @ label) / weight.sum())
        moved = weight * (label - estimate) / weight.sum()
    return _interval(estimate, moved, value, known, within, level=level, trust=float(classifier))


def _checked(
    value: FloatArray, truth: FloatArray, clusters: Codes | Sequence[Codes]
) -> tuple[FloatArray, FloatArray, _Clusters, Flags]:
    value, truth = np.asarray(value, dtype=float), np.asarray(truth, dtype=float)
    factors = [clusters] if isinstance(clusters, np.ndarray) else list(clusters)
    known = ~np.isnan(truth)
    faults = [
        f"{len(x)} {what}, {len(value)} values"
        for what, x in (("labels", truth), *(("cluster codes", p) for p in factors))
        if len(x) != len(value)
    ]
    if bad := int((~np.isfinite(value)).sum()):
        faults.append(f"{bad} values are undefined")
    if bad := int((~((truth[known] >= 0) & (truth[known] <= 1))).sum()):
        faults.append(f"{bad} labels lie outside 0 to 1")
    if faults:
        raise InputError("no prevalence: " + "; ".join(faults))
    sizes = [size for p in factors if (size := np.unique(p[known & (p >= 0)]).size)]
    if not sizes or min(sizes) < 2:
        raise RefusedError(
            f"{int(known.sum())} labelled rows in {min(sizes, default=0)} clusters: two or more are due in each factor"
        )
    return value, truth, _Clusters(_terms(factors), min(sizes)), known


def _terms(factors: Sequence[Codes]) -> list[tuple[int, Codes, int]]:
    """For each set of factors its sign in the sum, the cluster of each row (the last one: rows outside), and their number."""
    out = []
    for size in range(1, len(factors) + 1):
        for some in combinations(factors, size):
            codes = some[0].astype(np.int64)
            for other in some[1:]:
                codes = np.where((codes < 0) | (other < 0), -1, codes * (int(other.max()) + 1) + other)
            names, place = np.unique(codes, return_inverse=True)
            count = int((names >= 0).sum())
            if count:
                outside = names.size - count  # 1 where rows lie outside, who sort first
                out.append((1 if size % 2 else -1, np.where(codes < 0, count, place - outside), count))
    return out


def _variance(influence: FloatArray, clusters: _Clusters, other: FloatArray | None = None) -> float:
    """The variance of a sum of influences (n,) over clusters, or its covariance with another's.

    Crossed factors: the inclusion-exclusion of Cameron, Gelbach and Miller 2011, doi 10.1198/jbes.2010.07136, never below
    that of one factor alone. Each term is widened by clusters / (clusters - 1).
    """
    found = []
    for sign, codes, count in clusters.terms:
        sums = np.bincount(codes, influence, minlength=count + 1)[:count]
        twin = sums if other is None else np.bincount(codes, other, minlength=count + 1)[:count]
        found.append(sign * float(sums @ twin) * count / max(count - 1, 1))
    return max(fsum(found), *found) if other is None else fsum(found)


def _interval(
    estimate: float, influence: FloatArray, value: FloatArray, known: Flags, within: _Clusters, *, level: float, trust: float = 1.0,
    more: float = 0.0,
) -> Prevalence:  # fmt: skip
    """The estimate +- Student's t on (clusters with a labelled row - 1) times the cluster-robust error, cut to 0 to 1.

    `more` is variance that no cluster shows.
    """
    from scipy.special import stdtrit

    if not 0 < level < 1:
        raise UsageError(f"level is {level}; it lies between 0 and 1, such as 0.95")
    error = float(np.sqrt(_variance(influence, within) + more))
    reach = -float(stdtrit(within.fewest - 1, (1 - level) / 2)) * error
    low, high, middle = (float(np.clip(x, 0, 1)) for x in (estimate - reach, estimate + reach, estimate))
    return Prevalence(middle, low, high, error, float(value.mean()), value.size, int(known.sum()), within.fewest, trust)
