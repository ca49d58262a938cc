"""Two-sample tests: whether two corpora could be draws of one, by permutation of whole clusters."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sociolect.compare.c2st import Codes, accuracies, aucs, held_out
from sociolect.compare.interval import FloatArray
from sociolect.compare.kernels import cubic, gaussian, mmds
from sociolect.compare.samples import samples
from sociolect.errors import InputError, RefusedError, UsageError, unknown
from sociolect.seeds import substream

KERNELS = ("cubic", "gaussian")


@dataclass(frozen=True, slots=True, eq=False)
class TwoSample:
    """A statistic, its permutation p, the statistic under each permutation, and the clusters permuted (x, y)."""

    estimate: float
    p: float
    permuted: FloatArray
    clusters: tuple[int, int]


def kernel_test(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    kernel: str = "cubic",
    clusters: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    bandwidth: float | None = None,
    permutations: int = 1000,
    seed: int = 0,
) -> TwoSample:
    """KID (`cubic`) or Gaussian MMD^2 (`gaussian`) with the p of permuted labels: small where the corpora differ.

    `clusters` holds one integer code per row of x and of y (an author, a topic): their labels are permuted as a whole,
    so a cluster stands on one side only. p = (1 + permutations as large or larger) / (1 + permutations) (Phipson and
    Smyth 2010). Errors as in `samples`; RefusedError where fewer than two clusters are on a side.

    >>> x, y = np.arange(8.0)[:, None], np.arange(8.0)[:, None] + 9
    >>> kernel_test(x, y, kernel="gaussian", permutations=199).p <= 0.01
    True
    """
    if kernel not in KERNELS:
        raise unknown("kernel", kernel, KERNELS)
    first, second = samples(x, y)
    pooled = np.concatenate([first, second])
    labels, counts, _ = relabelled(len(first), len(second), clusters, permutations, seed)
    made = cubic() if kernel == "cubic" else gaussian(pooled, bandwidth=bandwidth, seed=seed)
    found = mmds(pooled, labels, 1 - labels, kernel=made)
    return TwoSample(float(found[0]), p_value(found), found[1:], counts)


def classifier_test(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    clusters: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    penalty: float = 1.0,
    permutations: int = 1000,
    seed: int = 0,
) -> tuple[TwoSample, TwoSample]:
    """Held-out accuracy and AUC of a linear classifier that tells x from y, each with its permutation p: .5 is chance.

    The classifier two-sample test (Lopez-Paz and Oquab 2017, Sec. 3), by cross-validation over whole clusters; the
    classifier is trained anew for each permutation. Accuracy is the mean of both sides' shares. Clusters, p and errors
    as in `kernel_test`.

    >>> x, y = np.arange(20.0)[:, None], np.arange(20.0)[:, None] + 100
    >>> [test.estimate for test in classifier_test(x, y, permutations=99)]
    [1.0, 1.0]
    """
    first, second = samples(x, y)
    labels, counts, codes = relabelled(len(first), len(second), clusters, permutations, seed)
    scores = held_out(np.concatenate([first, second]), 2 * labels - 1, codes, penalty=penalty, seed=seed)
    found = [measure(scores, labels, 1 - labels) for measure in (accuracies, aucs)]
    one, two = (TwoSample(float(f[0]), p_value(f), f[1:], counts) for f in found)
    return one, two


def p_value(found: FloatArray) -> float:
    """(1 + those as large as the first or larger) / (1 + those): rounding does not part equals.

    >>> p_value(np.array([3.0, 1.0, 2.0, 4.0]))
    0.5
    """
    slack = 1e-9 * max(1e-300, float(np.abs(found).max()))
    return float((1 + (found[1:] >= found[0] - slack).sum()) / len(found))


def relabelled(
    n: int, m: int, clusters: tuple[npt.ArrayLike, npt.ArrayLike] | None, permutations: int, seed: int
) -> tuple[FloatArray, tuple[int, int], Codes]:
    """Labels (1 + permutations, n + m), 1 for x and 0 for y, the true ones first; the clusters of each side; their codes."""
    if permutations < 19:
        raise UsageError(f"permutations is {permutations}; at least 19 are due, or no p can reach .05")
    if clusters is None:
        codes, where = np.arange(n + m), np.arange(n + m) < n
    else:
        given = [np.asarray(c) for c in clusters]
        faults = [
            f"the clusters of {name} are {codes.dtype} of shape {codes.shape}, not integers of shape ({size},)"
            for name, codes, size in zip(("x", "y"), given, (n, m), strict=True)
            if codes.shape != (size,) or codes.dtype.kind not in "iu"
        ]
        if not faults and (both := np.intersect1d(given[0], given[1])).size:
            faults.append(f"{both.size} clusters stand on both sides: a cluster's label is permuted as a whole")
        if faults:
            raise InputError("these clusters cannot be permuted: " + "; ".join(faults))
        codes = np.unique(np.concatenate(given), return_inverse=True)[1]
        where = np.zeros(codes.max() + 1, dtype=bool)
        where[codes[:n]] = True
    counts = (int(where.sum()), int((~where).sum()))
    if min(counts) < 2:
        raise RefusedError(
            f"{counts[0]} clusters in x and {counts[1]} in y: with fewer than two nothing can be permuted"
        )
    stream = substream(seed, "permutations")
    drawn = [where, *(stream.permutation(where) for _ in range(permutations))]
    return np.stack(drawn)[:, codes].astype(float), counts, codes
