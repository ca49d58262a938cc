"""Cluster-robust covariances of coefficients: right whatever varies together inside a cluster."""

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from sociolect.compare.bias_reduced import bias_reduced
from sociolect.compare.fitted import Fitted
from sociolect.compare.interval import FloatArray, IntArray
from sociolect.errors import InputError, RefusedError, UsageError, unknown

Codes = npt.NDArray[np.int64]
KINDS = ("CR0", "CR1", "CR2")


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

        The score of a row is x * `fitted.whitened`; CR0 is M (sum of squares of cluster scores) M, M the model-based covariance;
        CR1 is CR0 times G / (G - 1) (n - 1) / (n - p). Degrees are G - 1 (Cameron and Miller 2015, doi 10.3368/jhr.50.2.317).

        CR2 (Pustejovsky and Tipton 2018, doi 10.1080/07350015.2016.1247004, eq. 5-9) is unbiased where the working covariance is right,
        with their Satterthwaite degrees for each coefficient (eq. 11). `working="fit"` takes that of the fit, intercepts and
        precision weights in it, so it needs the fit's `groups` and `weights`; `"identity"` takes rows as equal and
        independent, what least squares with sampling `weights` asks for. It costs O(n p^2) where rows
        weigh alike and a cluster is a group; with precision weights or several intercepts a cluster holds at most 2,000 rows.

        Two arrays in `cluster` are crossed: V1 + V2 - V12, each with its own CR1 factor, degrees of the smaller (Cameron, Gelbach
        and Miller 2011, doi 10.1198/jbes.2010.07136). Negative eigenvalues are set to 0, with a warning that counts the outcomes.

        A coefficient that one cluster alone makes out (a category met in no other) has residuals that cancel there, so its error would
    come out too small: its covariances are nan, with a warning that counts it.

    Raises InputError where arrays do not fit, RefusedError for a single cluster, for CR2 over two clusters or where a
        random group lies in several clusters.

        >>> from sociolect.compare.random_intercept import least_squares
    >>> x, y, cluster = np.ones((6, 1)), np.array([1.0, 1, 2, 2, 3, 3])[:, None], np.array([0, 0, 1, 1, 2, 2])
    >>> found = [sandwich(x, least_squares(x, y), cluster, kind=kind)[0].item() for kind in ("CR0", "CR1", "CR2")]
    >>> [round(value, 6) for value in found]
    [0.222222, 0.333333, 0.333333]
    """
    ways = [cluster] if isinstance(cluster, np.ndarray) else list(cluster)
    x = np.asarray(x, dtype=float)
    codes = _checked(x, fitted, ways, kind, working)
    alone = np.any([_alone(x, code) for code in codes], axis=0)
    if kind == "CR2":
        covariance, degrees = bias_reduced(
            x, fitted, codes[0], [np.asarray(g) for g in groups], weights, working=working
        )
    else:
        covariance, degrees = _sums_of_squares(x, fitted, codes, corrected=kind == "CR1")
    if alone.any():
        warnings.warn(
            f"coefficient {', '.join(map(str, np.flatnonzero(alone)))} rests on one cluster alone: it has no clustered error (nan)",
            stacklevel=2,
        )
        covariance[:, alone], covariance[:, :, alone] = np.nan, np.nan
    return covariance, degrees


def _sums_of_squares(
    x: FloatArray, fitted: Fitted, codes: Sequence[IntArray], *, corrected: bool
) -> tuple[FloatArray, FloatArray]:
    n, p = x.shape
    sizes = [int(code.max()) + 1 for code in codes]

    def meat(code: IntArray, size: int) -> FloatArray:
        return (size / (size - 1) * (n - 1) / (n - p) if corrected else 1.0) * _meat(x, fitted, code, size)

    out = np.asarray(sum(meat(code, size) for code, size in zip(codes, sizes, strict=True)))
    if len(codes) > 1:
        both = np.unique(codes[0] * sizes[1] + codes[1], return_inverse=True)[1].reshape(-1)
        out -= meat(both, int(both.max()) + 1)
    covariance = fitted.covariance @ out @ fitted.covariance
    degrees = np.full((p, fitted.sigma2.size), min(sizes) - 1.0)
    return (_mended(covariance) if len(codes) > 1 else covariance), degrees


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


def _mended(covariance: FloatArray) -> FloatArray:
    # judged on the scale of correlations: a column in years must not hide one in thousands
    scale = np.sqrt(np.maximum(np.abs(np.diagonal(covariance, axis1=1, axis2=2)), 1e-300))
    by = scale[:, :, None] * scale[:, None, :]
    value, vector = np.linalg.eigh((covariance + covariance.transpose(0, 2, 1)) / 2 / by)
    bad = value[:, 0] < -1e-12 * np.abs(value).max(1)
    if bad.any():
        warnings.warn(
            f"two-way clustered covariance was not positive semidefinite for {int(bad.sum())} of {bad.size} outcomes: negative "
            "eigenvalues are set to 0; with few clusters take the one-way errors of the coarser one",
            stacklevel=4,
        )
    whole = (vector * np.maximum(value, 0)[:, None, :]) @ vector.transpose(0, 2, 1) * by
    return np.asarray(np.where(bad[:, None, None], whole, covariance))


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
