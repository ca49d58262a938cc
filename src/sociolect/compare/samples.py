"""Two samples of vectors, checked once for every distance between corpora."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, RefusedError

Vectors = npt.NDArray[np.floating[Any]]
CELLS = 4_000_000  # pairs held in memory at once: 16 MB of float32
EXACT = 4096  # rows up to which sums over pairs run in float64


def samples(x: npt.ArrayLike, y: npt.ArrayLike, *, equal: bool = False, least: int = 2) -> tuple[Vectors, Vectors]:
    """Both samples as float arrays (n, d) and (m, d), every fault said at once; float32 stays float32.

    Raises RefusedError for undefined numbers, fewer than `least` rows and, with `equal`, unequal n; InputError for
    arrays that are not two-dimensional or differ in d.

    >>> samples([[0.0, 1.0], [2.0, 3.0]], [[0.0, np.nan], [1.0, 1.0]])
    Traceback (most recent call last):
    sociolect.errors.RefusedError: no distance between these samples: 1 of 2 rows of y hold nan or infinite numbers: leave these texts out, or mend the embedding
    """
    out, shapes, faults = [], [], []
    for name, values in (("x", x), ("y", y)):
        sample = np.asarray(values)
        sample = sample if sample.dtype == np.float32 else sample.astype(float)
        if sample.ndim != 2 or not sample.shape[1]:
            shapes.append(f"{name} is of shape {sample.shape}, not (n, d)")
        elif bad := int((~np.isfinite(sample)).any(1).sum()):
            faults.append(
                f"{bad} of {len(sample)} rows of {name} hold nan or infinite numbers: leave these texts out, or mend the embedding"
            )
        if sample.ndim == 2 and len(sample) < least:
            faults.append(f"{name} has {len(sample)} rows; {least} or more are due")
        out.append(sample)
    first, second = out
    if not shapes and first.shape[1] != second.shape[1]:
        shapes.append(f"x has {first.shape[1]} dimensions, y has {second.shape[1]}: embed both in one space")
    if not shapes and equal and len(first) != len(second):
        faults.append(f"x has {len(first)} rows, y has {len(second)}: the distance falls with n, so cut both to one n")
    if shapes:
        raise InputError("these are not two samples of vectors: " + "; ".join([*shapes, *faults]))
    if faults:
        raise RefusedError("no distance between these samples: " + "; ".join(faults))
    return first, second


def squares(x: Vectors, y: Vectors, *, same: bool = False) -> Vectors:
    """Squared Euclidean distances (n, m); what rounding leaves of a 0 is 0; with `same` the diagonal is 0.

    >>> squares(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[25.0, 0.0]]
    """
    first, second = np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", y, y)
    out = x @ y.T
    out *= -2
    out += first[:, None]
    out += second
    noise = 16 * np.finfo(out.dtype).eps * (first.max(initial=0) + second.max(initial=0))
    out[out < noise] = 0
    if same:
        np.fill_diagonal(out, 0)
    return np.asarray(out)


def ones(x: Vectors, y: Vectors) -> tuple[FloatArray, FloatArray]:
    """The weights (1, n) and (1, m) that count every row once."""
    return np.ones((1, len(x))), np.ones((1, len(y)))
