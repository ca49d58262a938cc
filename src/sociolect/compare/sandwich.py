"""Cluster-robust covariances of coefficients: right whatever varies together inside a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from sociolect.compare.bias_reduced import bias_reduced
from sociolect.compare.fitted import Fitted
from sociolect.compare.hotelling import Shares, two_way
from sociolect.compare.interval import FloatArray, IntArray
from sociolect.compare.one_thread import one_thread
from sociolect.errors import InputError, RefusedError, UsageError, unknown

Codes = npt.NDArray[np.int64]
KINDS = ("CR0", "CR1", "CR2")
_LEAST = 0.1  # of a direction's variance in V1 + V2 that V1 + V2 - V12 must keep


@dataclass(frozen=True, slots=True, eq=False)
class Clustered:
    """The covariance (k, p, p) of the coefficients and their degrees of freedom (p, k), with what is to be said of them.

    `bound` (k,): the two-way covariance is its upper bound; `alone` (p,): one cluster alone makes the coefficient out, and its
    covariances are nan. For joint tests: `shares` are those of CR2; `ways` (n,) the codes of two crossed clusters and of their
    cells, `scale` (n,) the weight of each row's error in its score.
    """

    covariance: FloatArray
    degrees: FloatArray
    bound: npt.NDArray[np.bool_]
    alone: npt.NDArray[np.bool_]
    shares: Shares | None = None
    ways: tuple[IntArray, ...] = ()
    scale: FloatArray | None = None

    def joint(self, x: FloatArray, fitted: Fitted, outcome: int, places: Sequence[int]) -> float:
        """The degrees of freedom of the covariance of these coefficients, together."""
        if self.shares:
            return self.shares.degrees(outcome, places)
        if not self.ways:
            return float(self.degrees[places, outcome].min())
        fewest = min(float(code.max()) for code in self.ways[:2])
        return min(fewest, two_way(_unit(x, fitted, outcome, self.scale)[:, places], self.ways))


@one_thread
def sandwich(
    x: FloatArray,
    fitted: Fitted,
    cluster: Codes | Sequence[Codes],
    *,
    kind: Literal["CR0", "CR1", "CR2"] = "CR1",
    groups: Sequence[Codes] = (),
    weights: FloatArray | None = None,
    working: Literal["fit", "identity"] = "fit",
) -> tuple[FloatArray, FloatArray]:
    """The covariance (k, p, p) of the coefficients, robust to what a cluster's rows share, and degrees of freedom (p, k).

    As `clustered`, which says more of them.

    >>> from sociolect.compare.random_intercept import least_squares
    >>> x, y, cluster = np.ones((6, 1)), np.array([1.0, 1, 2, 2, 3, 3])[:, None], np.array([0, 0, 1, 1, 2, 2])
    >>> found = [sandwich(x, least_squares(x, y), cluster, kind=kind)[0].item() for kind in ("CR0", "CR1", "CR2")]
    >>> [round(value, 6) for value in found]
    [0.222222, 0.333333, 0.333333]
    """
    found = clustered(x, fitted, cluster, kind=kind, groups=groups, weights=weights, working=working)
    return found.covariance, found.degrees


@one_thread
def clustered(
    x: FloatArray,
    fitted: Fitted,
    cluster: Codes | Sequence[Codes],
    *,
    kind: Literal["CR0", "CR1", "CR2"] = "CR1",
    groups: Sequence[Codes] = (),
    weights: FloatArray | None = None,
    working: Literal["fit", "identity"] = "fit",
) -> Clustered:
    """The covariance of the coefficients, robust to what a cluster's rows share, its degrees, and what is to be said of both.

    The score of a row is x * `fitted.whitened`; CR0 is M (sum of squares of cluster scores) M, M the model-based covariance;
    CR1 is CR0 times G / (G - 1) (n - 1) / (n - p). Degrees are G - 1 (Cameron and Miller 2015, doi 10.3368/jhr.50.2.317).

    CR2 (Pustejovsky and Tipton 2018, doi 10.1080/07350015.2016.1247004, eq. 5-9) is unbiased where the working covariance is right,
    with their Satterthwaite degrees for each coefficient (eq. 11). `working="fit"` takes that of the fit, intercepts and
    precision weights in it, so it needs the fit's `groups` and `weights`; `"identity"` takes rows as equal and
    independent, what least squares with sampling `weights` asks for. It costs O(n p^2) where rows
    weigh alike and a cluster is a group; with precision weights or several intercepts a cluster holds at most 2,000 rows.

    Two arrays in `cluster` are crossed: V1 + V2 - V12, each with its own CR1 factor (Cameron, Gelbach and Miller 2011, doi
    10.1198/jbes.2010.07136); degrees are those it has over independent rows (`hotelling.two_way`), at most the smaller G - 1.
    Where some combination of coefficients is left with less than a tenth of its variance in V1 + V2, or less than none, the
    covariance is V1 + V2, which is never too small (Davezies, D'Haultfoeuille and Guyonvarch 2021, doi 10.1214/20-AOS1981;
    MacKinnon, Nielsen and Webb 2021, doi 10.1080/07350015.2019.1677473).

    A coefficient that one cluster alone makes out (a category met in no other) has residuals that cancel there, so its error would
    come out too small: its covariances are nan.

    Raises InputError where arrays do not fit, RefusedError for a single cluster, for CR2 over two clusters or where a
    random group lies in several clusters.

    >>> from sociolect.compare.random_intercept import least_squares
    >>> x, y, cluster = np.ones((6, 1)), np.array([1.0, 1, 2, 2, 3, 3])[:, None], np.array([0, 0, 1, 1, 2, 2])
    >>> clustered(x, least_squares(x, y), cluster).degrees.item()
    2.0
    """
    ways = [cluster] if isinstance(cluster, np.ndarray) else list(cluster)
    x = np.asarray(x, dtype=float)
    codes = _checked(x, fitted, ways, kind, working)
    alone = np.any([_alone(x, code) for code in codes], axis=0)
    bound, shares = np.zeros(fitted.sigma2.size, dtype=bool), None
    if kind == "CR2":
        covariance, degrees, shares = bias_reduced(
            x, fitted, codes[0], [np.asarray(g) for g in groups], weights, working=working
        )
    else:
        scale = None if weights is None else np.sqrt(weights) if working == "fit" else weights
        if len(codes) > 1:
            codes += [np.unique(codes[0] * (int(codes[1].max()) + 1) + codes[1], return_inverse=True)[1].reshape(-1)]
        covariance, bound = _sums_of_squares(x, fitted, codes, corrected=kind == "CR1")
        degrees = np.full((x.shape[1], fitted.sigma2.size), min(int(code.max()) for code in codes), dtype=float)
    covariance[:, alone], covariance[:, :, alone] = np.nan, np.nan
    if len(codes) == 1:
        return Clustered(covariance, degrees, bound, alone, shares)
    one = range(len(degrees))
    for k in range(degrees.shape[1]):
        if k and not len(fitted.tau2):
            degrees[:, k] = degrees[:, 0]  # least squares: outcomes share the design
        else:
            unit = _unit(x, fitted, k, scale)
            degrees[:, k] = [min(degrees[j, k], two_way(unit[:, [j]], codes)) for j in one]
    return Clustered(covariance, degrees, bound, alone, None, tuple(codes), scale)


def _unit(x: FloatArray, fitted: Fitted, outcome: int, scale: FloatArray | None) -> FloatArray:
    """What an error of each row adds to the coefficients (n, p), up to a factor."""
    return np.asarray((x if scale is None else x * scale[:, None]) @ fitted.covariance[outcome])


def _sums_of_squares(
    x: FloatArray, fitted: Fitted, codes: Sequence[IntArray], *, corrected: bool
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    n, p = x.shape

    def meat(code: IntArray) -> FloatArray:
        size = int(code.max()) + 1
        return (size / (size - 1) * (n - 1) / (n - p) if corrected else 1.0) * _meat(x, fitted, code, size)

    whole = np.asarray(sum(meat(code) for code in codes[:2]))
    bound = np.zeros(fitted.sigma2.size, dtype=bool)
    if len(codes) > 1:
        less = whole - meat(codes[2])
        bound = np.array([_least(part, of) < _LEAST for part, of in zip(less, whole, strict=True)])
        whole = np.where(bound[:, None, None], whole, less)
    return fitted.covariance @ whole @ fitted.covariance, bound


def _least(part: FloatArray, whole: FloatArray) -> float:
    """The smallest share of a quadratic form that a part of it keeps, over all directions the whole has."""
    scale = np.sqrt(np.maximum(np.diag(whole), 1e-300))  # a column in years must not hide one in thousands
    value, vector = np.linalg.eigh(whole / np.outer(scale, scale))
    kept = value > 1e-12 * value[-1]
    back = vector[:, kept] / np.sqrt(value[kept])
    return float(np.linalg.eigvalsh(back.T @ (part / np.outer(scale, scale)) @ back)[0])


def _alone(x: FloatArray, codes: IntArray) -> npt.NDArray[np.bool_]:
    """Which coefficients (p,) cannot be told once one of the clusters is left out."""
    length = np.sqrt((x**2).sum(0))
    scaled = x / np.where(length > 0, length, 1.0)
    back = np.linalg.inv(np.linalg.cholesky(scaled.T @ scaled)).T
    flat = scaled @ back  # orthonormal columns
    out = np.zeros(x.shape[1], dtype=bool)
    for one in np.flatnonzero(np.bincount(codes, (flat**2).sum(1)) > 1 - 1e-6):
        part = flat[codes == one]
        value, vector = np.linalg.eigh(part.T @ part)
        held = np.abs(back @ vector[:, value > 1 - 1e-8])
        out |= (held > 1e-6 * np.sqrt((back**2).sum(1))[:, None]).any(1)
    return out


def _meat(x: FloatArray, fitted: Fitted, codes: IntArray, size: int) -> FloatArray:
    from scipy.sparse import csr_array

    member = csr_array((np.ones(len(x)), codes, np.arange(len(x) + 1)), shape=(len(x), size)).T.tocsr()
    sums = (np.asarray(member @ (x * column[:, None])) for column in fitted.whitened.T)
    return np.stack([s.T @ s for s in sums])


def _checked(x: FloatArray, fitted: Fitted, ways: Sequence[Codes], kind: str, working: str) -> list[IntArray]:
    if kind not in KINDS:
        raise unknown("kind of cluster-robust error", kind, KINDS)
    if working not in {"fit", "identity"}:
        raise UsageError(f"no working covariance {working!r}; there are: fit, identity")
    if len(ways) not in {1, 2}:
        raise UsageError(f"{len(ways)} clusters were given; errors are clustered by one or two")
    faults = [f"cluster {j} has {np.size(c)} rows" for j, c in enumerate(ways) if np.shape(c) != (len(x),)]
    faults += [f"the fit has {len(fitted.whitened)} rows"] if len(fitted.whitened) != len(x) else []
    faults += [f"{(np.asarray(c) < 0).sum()} rows have no code in cluster {j}" for j, c in enumerate(ways)
               if (np.asarray(c) < 0).any()]  # fmt: skip
    if faults:
        raise InputError(f"no clustered errors for a design of {len(x)} rows: " + "; ".join(faults))
    if len(x) <= x.shape[1]:
        raise RefusedError(f"{len(x)} rows for {x.shape[1]} coefficients leave no residual to cluster")
    codes = [np.unique(np.asarray(c), return_inverse=True)[1].reshape(-1) for c in ways]
    if single := [j for j, c in enumerate(codes) if c.max(initial=0) < 1]:
        raise RefusedError(f"cluster {single[0]} holds all rows: two clusters or more are due")
    if kind == "CR2" and len(ways) > 1:
        raise RefusedError("CR2 is for one cluster; crossed clusters have CR0 and CR1")
    return codes
