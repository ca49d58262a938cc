"""How far apart two distributions lie; weighted, and for many weightings at once."""

import numpy as np
import numpy.typing as npt

from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError


def jensen_shannon(p: npt.ArrayLike, q: npt.ArrayLike) -> float:
    """The Jensen-Shannon distance of two distributions over the same labels: 0 is equal, 1 is disjoint.

    The square root of the divergence to base 2 (Endres and Schindelin 2003), a metric. Raises InputError where p or q
    does not sum to 1, has a negative or undefined share, or they differ in length: normalise counts yourself.

    >>> round(jensen_shannon([0.5, 0.5], [1, 0]), 10), jensen_shannon([1, 0], [0, 1])
    (0.5579230453, 1.0)
    """
    first, second = _distributions(p, q, "Jensen-Shannon")
    return float(jensen_shannons(first[None], second[None])[0])


def jensen_shannons(p: FloatArray, q: FloatArray) -> FloatArray:
    """Row by row the Jensen-Shannon distance of masses (m, k), each row divided by its sum; nan where that is 0.

    >>> jensen_shannons(np.array([[2.0, 2.0], [0.0, 0.0]]), np.array([[3.0, 0.0], [1.0, 1.0]])).round(4).tolist()
    [0.5579, nan]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = p / p.sum(-1, keepdims=True), q / q.sum(-1, keepdims=True)
        middle = (p + q) / 2
        parts = [np.where(x > 0, x * np.log2(x / middle), np.where(np.isnan(x), np.nan, 0.0)).sum(-1) for x in (p, q)]
    # Rounding can leave a divergence of equal rows just below 0.
    return np.asarray(np.sqrt(np.clip((parts[0] + parts[1]) / 2, 0, 1)))


def hellinger(p: npt.ArrayLike, q: npt.ArrayLike) -> float:
    """The Hellinger distance of two distributions over the same labels: 0 is equal, 1 is disjoint.

    The root of half the summed squares of sqrt(p) - sqrt(q) (Hellinger 1909), a metric. Raises InputError as `jensen_shannon` does.

    >>> round(hellinger([0.5, 0.5], [1, 0]), 10), hellinger([1, 0], [0, 1])
    (0.5411961001, 1.0)
    """
    first, second = _distributions(p, q, "Hellinger")
    return float(hellingers(first[None], second[None])[0])


def hellingers(p: FloatArray, q: FloatArray) -> FloatArray:
    """Row by row the Hellinger distance of masses (m, k), each row divided by its sum; nan where that is 0.

    >>> hellingers(np.array([[2.0, 2.0], [0.0, 0.0]]), np.array([[3.0, 0.0], [1.0, 1.0]])).round(4).tolist()
    [0.5412, nan]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        roots = [np.sqrt(x / x.sum(-1, keepdims=True)) for x in (p, q)]
    return np.asarray(np.sqrt(np.clip(((roots[0] - roots[1]) ** 2).sum(-1) / 2, 0, 1)))


def wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    x_weights: npt.ArrayLike | None = None,
    y_weights: npt.ArrayLike | None = None,
) -> float:
    """The Wasserstein-1 distance of two samples, in their own unit: how far a mean unit of mass must move.

    Raises InputError for empty or undefined samples and for weights that are negative or sum to 0; so do the others.

    >>> wasserstein([0, 1, 3], [5, 6, 8])
    5.0
    """
    return float(wassersteins(*_sides(x, y, x_weights, y_weights))[0])


def wassersteins(x: FloatArray, y: FloatArray, x_weights: FloatArray, y_weights: FloatArray) -> FloatArray:
    """The Wasserstein-1 distance under each of m weightings, (m, n) and (m, k); nan where a side weighs 0.

    >>> wassersteins(np.array([0.0, 1.0]), np.array([0.0]), np.array([[1.0, 0.0], [1.0, 1.0]]), np.ones((2, 1))).tolist()
    [0.0, 0.5]
    """
    gap, width = _gaps(x, y, x_weights, y_weights)
    return np.asarray(np.abs(gap)[:, :-1] @ width)


def kolmogorov_smirnov(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    x_weights: npt.ArrayLike | None = None,
    y_weights: npt.ArrayLike | None = None,
) -> float:
    """The largest gap between the two distribution functions, 0 to 1.

    >>> kolmogorov_smirnov([1, 2, 3, 4], [3, 4, 5, 6])
    0.5
    """
    return float(kolmogorov_smirnovs(*_sides(x, y, x_weights, y_weights))[0])


def kolmogorov_smirnovs(x: FloatArray, y: FloatArray, x_weights: FloatArray, y_weights: FloatArray) -> FloatArray:
    """The largest gap under each of m weightings, (m, n) and (m, k); nan where a side weighs 0.

    >>> kolmogorov_smirnovs(np.array([0.0, 1.0]), np.array([0.0]), np.array([[1.0, 0.0], [1.0, 1.0]]), np.ones((2, 1))).tolist()
    [0.0, 0.5]
    """
    gap, width = _gaps(x, y, x_weights, y_weights)
    # Inside a run of equal values the functions are not yet there: only its last place counts.
    return np.asarray(np.abs(gap[:, :-1][:, width > 0]).max(1, initial=0.0) + 0 * gap[:, -1])


def energy(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    x_weights: npt.ArrayLike | None = None,
    y_weights: npt.ArrayLike | None = None,
) -> float:
    """The energy distance of samples of numbers (n,) or of vectors (n, d): 0 is equal in distribution.

    The square root of 2 E|X - Y| - E|X - X'| - E|Y - Y'| (Szekely and Rizzo 2013), each mean over all pairs, a reply
    with itself among them.

    >>> round(energy([0.0], [2.0]), 4), round(energy([[0.0, 0.0]], [[3.0, 4.0]]), 4)
    (2.0, 3.1623)
    """
    first, second, w, v = _sides(x, y, x_weights, y_weights)
    if first.ndim == 1:
        gap, width = _gaps(first, second, w, v)
        return float(np.sqrt(2 * (gap[0, :-1] ** 2 @ width)))
    w, v = w[0] / w.sum(), v[0] / v.sum()
    across = _mean_distance(first, second, w, v)
    within = _mean_distance(first, first, w, w) + _mean_distance(second, second, v, v)
    return float(np.sqrt(max(2 * across - within, 0.0)))


def _distributions(p: npt.ArrayLike, q: npt.ArrayLike, what: str) -> tuple[FloatArray, FloatArray]:
    """Both as arrays; raises InputError, all faults at once, where one is no distribution or they differ in length."""
    first, second = np.asarray(p, dtype=float), np.asarray(q, dtype=float)
    faults = [] if first.shape == second.shape else [f"the shapes differ: {first.shape} and {second.shape}"]
    for name, shares in (("p", first), ("q", second)):
        if shares.ndim != 1:
            faults.append(f"{name} has {shares.ndim} dimensions, not 1")
        elif not (np.isfinite(shares).all() and (shares >= 0).all()):
            faults.append(f"{name} holds shares that are negative or undefined")
        elif abs(shares.sum() - 1) > 1e-9:
            faults.append(f"{name} sums to {shares.sum():g}, not 1: divide it by its sum")
    if faults:
        raise InputError(f"no {what} distance: " + "; ".join(faults))
    return first, second


def _mean_distance(x: FloatArray, y: FloatArray, w: FloatArray, v: FloatArray) -> float:
    """The weighted mean Euclidean distance over pairs, in slices that fit in memory."""
    # Distances do not change when all move together; near 0 the expanded square loses fewest digits.
    centre = y.mean(0)
    x, y = x - centre, y - centre
    squares, total = (y**2).sum(1), 0.0
    step = max(1, 4_000_000 // len(y))
    for i in range(0, len(x), step):
        part = x[i : i + step]
        square = (part**2).sum(1)[:, None] + squares - 2 * part @ y.T
        if x is y or (x.shape == y.shape and np.shares_memory(x, y)):
            square[np.arange(len(part)), np.arange(i, i + len(part))] = 0.0
        total += float(w[i : i + step] @ np.sqrt(np.maximum(square, 0.0)) @ v)
    return total


def _gaps(x: FloatArray, y: FloatArray, w: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The gap between the distribution functions after each pooled value (m, n + k), and the steps between values."""
    order = np.argsort(pooled := np.concatenate([x, y]), kind="stable")
    with np.errstate(invalid="ignore", divide="ignore"):
        mass = np.concatenate([w / w.sum(1, keepdims=True), -v / v.sum(1, keepdims=True)], axis=1)
    return np.cumsum(mass[:, order], axis=1), np.diff(pooled[order])


def _sides(
    x: npt.ArrayLike, y: npt.ArrayLike, w: npt.ArrayLike | None, v: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    faults, out, masses = [], [], []
    for name, values, given in (("x", x, w), ("y", y, v)):
        sample = np.asarray(values, dtype=float)
        mass = np.ones(len(sample) if sample.ndim else 0) if given is None else np.asarray(given, dtype=float)
        if sample.ndim not in {1, 2} or not sample.size:
            faults.append(f"{name} is of shape {sample.shape}, not a sample of one row or more")
        elif not np.isfinite(sample).all():
            faults.append(
                f"{name} holds {int((~np.isfinite(sample)).sum())} undefined values: leave them out and say so"
            )
        elif mass.shape != (len(sample),) or not np.isfinite(mass).all() or (mass < 0).any() or mass.sum() <= 0:
            faults.append(f"the weights of {name} are not {len(sample)} numbers from 0 up with a sum above 0")
        out.append(sample)
        masses.append(mass[None])
    if not faults and out[0].shape[1:] != out[1].shape[1:]:
        faults.append(f"x has rows of shape {out[0].shape[1:]}, y of {out[1].shape[1:]}")
    if faults:
        raise InputError("no distance: " + "; ".join(faults))
    return out[0], out[1], masses[0], masses[1]
