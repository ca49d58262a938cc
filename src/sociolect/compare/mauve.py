"""MAUVE: how near two corpora lie, weighing texts a model would say too often and texts it would never say."""

import numpy as np
import numpy.typing as npt

from sociolect.compare.c2st import Codes
from sociolect.compare.interval import FloatArray
from sociolect.compare.samples import EXACT, Vectors, samples, squares
from sociolect.errors import RefusedError, UsageError
from sociolect.seeds import substream

SCALE = 5.0  # c of Pillutla et al. (2021), Sec. 3
GRID = 25  # mixtures of the frontier, as in Pillutla et al. (2021), App. C
KEPT = 0.9  # the share of variance PCA keeps, App. C
SHARE = 10  # texts of the smaller side per bin, App. C
ROUNDS = 100  # ours: k-means' most iterations
STARTS = 5  # ours: quantisations whose areas are averaged; one start alone moves the number by up to .05 at n = 1,000


def mauve(x: npt.ArrayLike, y: npt.ArrayLike, *, bins: int | None = None, scale: float = SCALE, seed: int = 0) -> float:
    """MAUVE of two samples of vectors: 1 is equal, near 0 is disjoint.

    Pillutla et al. (2021), eq. 1 to 3: both samples are quantised together (`quantised`), and the area under the
    divergence frontier (exp(-c KL(y | r)), exp(-c KL(x | r))) over mixtures r is taken, averaged over five quantisations.
    It moves with n and with the bins: compare values of one n only. Errors as in `samples`.

    >>> x = np.random.default_rng(0).normal(size=(200, 2)) + 9
    >>> round(mauve(x, x), 10), round(mauve(x, -x), 5)  # disjoint: what c = 5 and 25 mixtures leave
    (1.0, 0.00407)
    """
    first, second = samples(x, y)
    codes, count = quantised(np.concatenate([first, second]), n=min(len(first), len(second)), bins=bins, seed=seed)
    one = np.ones((1, len(first))), np.ones((1, len(second)))
    return float(mauves(codes[:, : len(first)], codes[:, len(first) :], count, *one, scale=scale)[0])


def mauves(
    x: Codes, y: Codes, bins: int, x_weights: FloatArray, y_weights: FloatArray, *, scale: float = SCALE
) -> FloatArray:
    """MAUVE of samples quantised s times, (s, n) and (s, k), under each of m weightings: the mean over quantisations.

    >>> mauves(np.array([[0, 1]]), np.array([[0, 1]]), 2, np.ones((1, 2)), np.ones((1, 2))).round(10).tolist()
    [1.0]
    """
    areas = [
        frontier_area(_shares(one, x_weights, bins), _shares(two, y_weights, bins), scale=scale)
        for one, two in zip(x, y, strict=True)
    ]
    return np.asarray(np.mean(areas, axis=0))


def frontier_area(p: FloatArray, q: FloatArray, *, scale: float = SCALE) -> FloatArray:
    """The area under the divergence frontier of each row of shares (m, k), by the trapezoid rule.

    >>> frontier_area(np.array([[0.5, 0.5]]), np.array([[0.5, 0.5]])).round(10).tolist()
    [1.0]
    """
    mix = np.linspace(1e-6, 1 - 1e-6, GRID)[:, None, None]
    r = mix * p + (1 - mix) * q
    across, along = (np.exp(-scale * _divergence(side, r)) for side in (q, p))  # (grid, m): as r nears p one falls
    # The frontier runs from (1, 0) to (0, 1), where one divergence is infinite.
    end = np.ones((1, len(p)))
    across, along = np.concatenate([end, across, 0 * end]), np.concatenate([0 * end, along, end])
    area = ((across[1:] + across[:-1]) / 2 * np.diff(along, axis=0)).sum(0)
    return np.asarray(np.clip(area, 0, 1))


def quantised(pooled: Vectors, *, n: int, bins: int | None = None, seed: int = 0) -> tuple[Codes, int]:
    """The bin of each pooled row in five quantisations (5, n), and how many bins: k-means in the main components.

    Rows are brought to length 1, turned to the components that hold 90% of their variance, and put into one bin per ten
    texts of the smaller side (`n`), two or more. Each k-means runs from seeded rows of its own.
    """
    count = max(2, round(n / SHARE)) if bins is None else bins
    if not 2 <= count <= len(pooled):
        raise UsageError(f"bins is {count}; due are 2 to {len(pooled)}, the number of texts")
    z = np.asarray(pooled, dtype=float)
    size = np.sqrt((z**2).sum(1, keepdims=True))
    z = z / np.where(size > 0, size, 1.0)
    z -= z.mean(0)
    variance, turn = np.linalg.eigh(z.T @ z)
    share = np.cumsum(np.maximum(variance[::-1], 0))
    if not share[-1] > 1e-12 * len(z):
        raise RefusedError("all texts lie in one direction: there is nothing to quantise")
    width = int(np.searchsorted(share / share[-1], KEPT)) + 1
    turned = (z @ turn[:, ::-1][:, :width]).astype(np.float64 if len(z) <= EXACT else np.float32)
    codes = [_kmeans(turned, count, substream(seed, "mauve", start)) for start in range(STARTS)]
    return np.stack(codes), count


def _kmeans(z: Vectors, k: int, stream: np.random.Generator) -> Codes:
    """Each row's centre, by Lloyd's iterations from k rows drawn."""
    from scipy.sparse import csr_matrix

    centres = z[np.sort(stream.choice(len(z), k, replace=False))]
    codes = np.full(len(z), -1, dtype=np.int64)
    near = np.zeros(len(z))
    for _ in range(ROUNDS):
        before = codes
        codes, near = _nearest(z, centres)
        counts = np.bincount(codes, minlength=k)
        for empty in np.flatnonzero(counts == 0):  # an empty bin takes the row that lies farthest from its own
            far = int(np.argmax(np.where(counts[codes] > 1, near, -1.0)))
            counts[codes[far]] -= 1
            codes[far], counts[empty], near[far] = empty, 1, 0.0
        if np.array_equal(codes, before):
            break
        member = csr_matrix((np.ones(len(z), dtype=z.dtype), codes, np.arange(len(z) + 1)), shape=(len(z), k))
        centres = np.asarray(member.T @ z) / counts[:, None].astype(z.dtype)
    return codes


def _nearest(z: Vectors, centres: Vectors) -> tuple[Codes, FloatArray]:
    codes, near = np.empty(len(z), dtype=np.int64), np.empty(len(z))
    step = max(1, 2_000_000 // len(centres))
    for i in range(0, len(z), step):
        apart = squares(z[i : i + step], centres)
        codes[i : i + step] = apart.argmin(1)
        near[i : i + step] = apart.min(1)
    return codes, near


def _shares(codes: Codes, weights: FloatArray, bins: int) -> FloatArray:
    counts = np.stack([np.bincount(codes, weights=w, minlength=bins) for w in weights])
    return np.asarray(counts / counts.sum(1, keepdims=True))


def _divergence(p: FloatArray, r: FloatArray) -> FloatArray:
    """KL(p | r) in nats over the last axis."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(p > 0, p * np.log(p / r), 0.0).sum(-1))
