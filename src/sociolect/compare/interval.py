"""An estimate with its doubt, made of bootstrap draws."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sociolect.errors import UsageError, unknown

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

METHODS = ("percentile", "bca", "basic")
FEW = 10  # below this the number of clusters is flagged
TOO_FEW = 6  # below this the draws' own range is too short for the widened quantiles: Student's t instead
TAIL = 3  # draws that must lie beyond a quantile for it to be read off them
UNDEFINED = 0.01  # the share of undefined draws above which there is no interval


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Estimates of shape (k,), or () for one number, with the ends of their intervals; nan where there is none.

    `n` counts rows; `clusters` is the smallest number of clusters over the factors each number varies with, and
    `strata` the groups within which those were drawn; `samples` (draws, k) are the draws, undefined ones nan;
    `undefined` counts them; `bias` and `acceleration` are BCa's z0 and a (0 for the other methods).
    """

    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    n: int
    clusters: IntArray
    strata: IntArray
    draws: int
    level: float
    method: str
    undefined: IntArray
    samples: FloatArray
    bias: FloatArray
    acceleration: FloatArray
    expand: bool = True

    @property
    def few(self) -> bool:
        """Whether any number rests on fewer than ten clusters."""
        return bool((self.clusters < FEW).any())

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why a number has no interval, one text per number; empty where it has one."""
        pairs = zip(np.atleast_1d(self.estimate), np.atleast_1d(self.undefined), strict=True)
        return tuple(
            "the estimate is undefined"
            if np.isnan(estimate)
            else f"undefined in {undefined} of {self.draws} draws"
            if undefined > UNDEFINED * self.draws
            else ""
            for estimate, undefined in pairs
        )

    def p(self, null: float = 0.0) -> FloatArray:
        """Two-sided p-values: the level at which the interval just touches `null`; nan where there is no interval.

        Never below 1 / (draws + 1): the draws cannot tell smaller ones apart.
        """
        from scipy.special import ndtri, stdtr

        estimate, undefined = np.atleast_1d(self.estimate), np.atleast_1d(self.undefined)
        clusters = np.atleast_1d(self.clusters)
        degrees, spread = _degrees(clusters, np.atleast_1d(self.strata), self.expand)
        samples = 2 * estimate - self.samples if self.method == "basic" else self.samples
        defined = self.draws - undefined
        error = _deviation(self.samples)
        with np.errstate(invalid="ignore", divide="ignore"):
            below = ((samples < null) + 0.5 * (samples == null)).sum(0)
            share = np.clip(below, TAIL, np.maximum(defined - TAIL, TAIL)) / np.maximum(defined, 1)
            reached = ndtri(np.clip(share, 1e-12, 1 - 1e-12)) - self.bias.ravel()
            z = reached / (1 + self.acceleration.ravel() * reached) - self.bias.ravel()
            read = 2 * stdtr(degrees, -np.abs(z) / np.sqrt(spread))
            smooth = 2 * stdtr(degrees, -np.abs(estimate - null) / (error * np.sqrt(spread)))
        beyond = (below < TAIL) | (below > defined - TAIL)
        p = np.where((clusters < TOO_FEW) & self.expand, smooth, np.where(beyond, np.fmin(read, smooth), read))
        # Clusters that all agree: no draw says how far chance goes, but n signs agree by chance in 2 of 2**n cases.
        flat = error <= 1e-12 * np.maximum(1.0, np.abs(estimate))
        agree = np.where(np.abs(estimate - null) <= 1e-12, 1.0, 0.5 ** (np.minimum(clusters, 60) - 1.0))
        p = np.clip(np.where(flat, agree, p), 1 / (self.draws + 1), 1.0)
        none = np.isnan(np.atleast_1d(self.low)) & ~flat
        return np.asarray(np.where(none | np.isnan(estimate), np.nan, p)).reshape(self.estimate.shape)


def interval(
    estimate: FloatArray,
    samples: FloatArray,
    *,
    n: int,
    clusters: IntArray | int,
    strata: IntArray | int = 1,
    level: float = 0.95,
    method: str = "percentile",
    acceleration: FloatArray | float = 0.0,
    expand: bool = True,
) -> Interval:
    """Estimates (k,) with intervals read off their bootstrap draws (draws, k).

    Quantiles are widened for the number of clusters: a / 2 becomes Phi(-sqrt(n / (n - 1)) t(a / 2, n - 1)), the
    "expanded percentile" of Hesterberg (2015), because plain percentiles of few clusters are too narrow.
    (`expand=False` gives the plain ones.) With strata n - 1 becomes clusters less strata. Below six clusters, or where
    fewer than three draws lie beyond the quantile, the ends are the estimate +- t times the draws' standard error.
    More than 1% undefined draws give no interval (nan), and a reason. A draw is never dropped in silence.

    >>> found = interval(np.array(0.5), np.linspace(0, 1, 1001)[:, None], n=90, clusters=30, expand=False)
    >>> round(float(found.low), 3), round(float(found.high), 3), found.few
    (0.025, 0.975, False)
    """
    from scipy.special import ndtr, ndtri, stdtrit

    if method not in METHODS:
        raise unknown("interval method", method, METHODS)
    if not 0 < level < 1:
        raise UsageError(f"level is {level}; it lies between 0 and 1, such as 0.95")
    shape, flat = np.shape(estimate), np.atleast_1d(np.asarray(estimate, dtype=float))
    k, draws = flat.size, len(samples)
    counts = np.broadcast_to(np.asarray(clusters, dtype=np.int64), shape)
    groups = np.broadcast_to(np.asarray(strata, dtype=np.int64), shape)
    degrees, spread = _degrees(np.atleast_1d(counts), np.atleast_1d(groups), expand)
    undefined = np.isnan(samples).sum(0)
    defined = draws - undefined
    ordered = np.sort(samples, axis=0)
    t = -stdtrit(degrees, (1 - level) / 2) * np.sqrt(spread)
    with np.errstate(invalid="ignore", divide="ignore"):
        bias = accelerated = np.zeros(k)
        if method == "bca":
            below = ((samples < flat) + 0.5 * (samples == flat)).sum(0) / defined
            bias = ndtri(np.clip(below, 0.5 / draws, 1 - 0.5 / draws))
            accelerated = np.broadcast_to(np.asarray(acceleration, dtype=float), (k,))
        ends = []
        for z in (-t, t):
            away = bias + z
            share = ndtr(bias + away / (1 - accelerated * away))
            at = _quantile(ordered, defined, 1 - share if method == "basic" else share)
            ends.append(2 * flat - at if method == "basic" else at)
        error = _deviation(samples)
        thin = (np.atleast_1d(counts) < TOO_FEW) & expand | (ndtr(-t) * defined < TAIL)
        low, high = (np.where(thin, flat + side * t * error, end) for side, end in zip((-1, 1), ends, strict=True))
    none = (undefined > UNDEFINED * draws) | np.isnan(flat)
    low, high = np.where(none, np.nan, low), np.where(none, np.nan, high)
    return Interval(
        flat.reshape(shape), low.reshape(shape), high.reshape(shape), n, counts, groups, draws, level, method,
        undefined.reshape(shape), samples, bias, accelerated, expand,
    )  # fmt: skip


def _degrees(clusters: IntArray, strata: IntArray, expand: bool) -> tuple[FloatArray, FloatArray]:
    """Degrees of freedom, and by how much the draws' variance falls short of the estimate's."""
    if not expand:
        return np.full(clusters.shape, 1e9), np.ones(clusters.shape)
    degrees = np.maximum(clusters - strata, 1).astype(float)
    return degrees, np.maximum(clusters, 2) / degrees


def _deviation(samples: FloatArray) -> FloatArray:
    defined = ~np.isnan(samples)
    count = np.maximum(defined.sum(0), 2)
    mean = np.where(defined, samples, 0.0).sum(0) / count
    return np.asarray(np.sqrt((np.where(defined, samples - mean, 0.0) ** 2).sum(0) / (count - 1)))


def _quantile(ordered: FloatArray, defined: IntArray, share: FloatArray) -> FloatArray:
    """Each column's quantile at its own share, between neighbours in proportion; nan sort last and are left out."""
    at = np.clip(np.nan_to_num(share), 0, 1) * np.maximum(defined - 1, 0)
    down = np.floor(at).astype(int)
    column = np.arange(ordered.shape[1])
    left = ordered[down, column]
    right = ordered[np.minimum(down + 1, np.maximum(defined - 1, 0)), column]
    return np.asarray(left + (right - left) * (at - down))
