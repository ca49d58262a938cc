"""Joint tests with few clusters: how many degrees of freedom the covariance of several coefficients rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sociolect.compare.interval import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """What each of G clusters adds to the CR2 covariance of p coefficients, where the working covariance is right.

    The covariance of what clusters g and h add is d_g where g = h, plus b_g M b_h' - b_g B v_h' - v_g B b_h' with B `bread` and M
    `middle`. Outcomes of one ratio of variances share these: `kind` (k,) names each outcome's; d, b, v (kinds, G, p, p), bread,
    middle (kinds, p, p).
    """

    kind: IntArray
    d: FloatArray
    b: FloatArray
    v: FloatArray
    bread: FloatArray
    middle: FloatArray

    def degrees(self, outcome: int, places: Sequence[int]) -> float:
        """The degrees of freedom of the covariance of these coefficients as a Wishart matrix; one coefficient: Satterthwaite's.

        q (q + 1) over the sum of the variances of all its entries, once its mean is the identity (Tipton and Pustejovsky
        2015, doi 10.3102/1076998615606099, HTZ).

        >>> d = np.ones((1, 5, 1, 1)) / 5
        >>> none = np.zeros((1, 1, 1))
        >>> round(Shares(np.zeros(1, dtype=int), d, 0 * d, 0 * d, none, none).degrees(0, [0]), 6)  # five clusters that say as much
        5.0
        """
        at, some = self.kind[outcome], list(places)
        d, q = self.d[at][:, some][:, :, some], len(some)
        r = np.concatenate([self.b[at][:, some], self.v[at][:, some]], axis=2)
        bread, middle = self.bread[at], self.middle[at]
        k = np.block([[middle, -bread], [-bread, np.zeros_like(bread)]])
        value, vector = np.linalg.eigh((d + r @ k @ r.transpose(0, 2, 1)).sum(0))
        if value[0] <= 1e-12 * value[-1]:
            return float("nan")
        root = (vector / np.sqrt(value)) @ vector.T
        d, r = root @ d @ root, root @ r
        a = r @ k
        own = a @ r.transpose(0, 2, 1)
        trace, inner = (np.trace(part, axis1=1, axis2=2) for part in (d, own))
        # sums over pairs of clusters, through the cross-products of all clusters with themselves
        left, right = (np.einsum("gsi,gtj->sitj", part, part, optimize=True) for part in (a, r))
        pairs = np.einsum("sitj,sitj->", left, right) + np.einsum("sitj,sjti->", left, right)
        same = (trace * (trace + 2 * inner)).sum() + np.einsum("gst,gts->", d, d + 2 * own)
        return float(q * (q + 1) / (pairs + same))


def two_way(z: FloatArray, ways: Sequence[IntArray]) -> float:
    """The degrees of freedom of a two-way covariance as a Wishart matrix, where rows are in truth equal and independent.

    `z` (n, q) is what a unit error of each row adds to the q coefficients; `ways` (n,) are the codes of both clusters and of their
    cells, whose sums of squares are subtracted. As `Shares.degrees`, but residuals are taken for errors. Each of the three
    parts doubts what the others say, so that few degrees are left: a sixth of the clusters is common.

    >>> round(two_way(np.ones((6, 1)), [np.arange(6)] * 3), 6)  # each row a cluster of its own: as many as rows
    6.0
    """
    q = z.shape[1]
    value, vector = np.linalg.eigh(z.T @ z)
    if value[0] <= 1e-12 * value[-1]:
        return float("nan")
    z = z @ (vector / np.sqrt(value))
    total = 0.0
    for sign, codes in zip((1, 1, -1), ways, strict=True):
        total += sign * float((np.bincount(codes, (z**2).sum(1)) ** 2).sum())
        for s in range(q):
            for t in range(s + 1):
                total += sign * (1 + (s != t)) * float((np.bincount(codes, z[:, s] * z[:, t]) ** 2).sum())
    return float(q * (q + 1) / total)


def hotelling(statistic: float, q: int, degrees: float) -> tuple[float, float, float]:
    """F, its second degrees of freedom and p, of a Wald statistic whose covariance has these degrees; nan where they are too few.

    >>> [round(value, 4) for value in hotelling(12.0, 3, 10.0)]
    [3.2, 8.0, 0.0837]
    """
    from scipy.special import fdtrc

    df2 = degrees - q + 1
    if not df2 > 0:
        return statistic / q, float("nan"), float("nan")
    value = statistic / q * df2 / degrees
    return value, df2, float(fdtrc(q, df2, value))
