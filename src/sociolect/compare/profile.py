"""The deviance of a random-intercept model, profiled down to one number, theta = tau2 / sigma2, with its derivatives."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from sociolect.compare.group_sums import Standard
from sociolect.compare.interval import FloatArray
from sociolect.errors import RefusedError

_NODES = 12  # Chebyshev nodes of one bin: the error is below 1e-15 where the bin is no wider than _WIDTH
_WIDTH = 0.56  # of log group weight
_STEPS = 200  # halvings and Newton's steps; five to ten is common
_GRID = np.concatenate([[0.0], np.logspace(-6, 8, 29)])  # of theta times the mean group weight


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The profiles of k outcomes, each at its own theta; `slope` and `bend` are the derivatives of `deviance` in theta.

    `beta` (k, p); `inverse` (k, p, p) is (X' V^-1 X)^-1 in units of sigma2, `inner` its middle part's derivative, X' (V^-1)' X;
    `rss_slope` and `rss_bend` are those of `rss`, `log_bend` that of the deviance's other terms; all others (k,).
    """

    deviance: FloatArray
    slope: FloatArray
    bend: FloatArray
    beta: FloatArray
    inverse: FloatArray
    inner: FloatArray
    rss: FloatArray
    rss_slope: FloatArray
    rss_bend: FloatArray
    log_bend: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Cross-products as functions of theta: those within groups, and a sum over nodes of products / (1 + theta node).

    `xx` (S + 1, p, p), `xy` (S + 1, p, k), `yy` (S + 1, k): first those within groups, then those of the S `nodes`. `counts` are
    the groups of each node; `m` is n - p, or n for ML; `scale` the mean weight of a group.
    """

    xx: FloatArray
    xy: FloatArray
    yy: FloatArray
    nodes: FloatArray
    counts: FloatArray
    scale: float
    m: int
    reml: bool

    def at(self, theta: FloatArray) -> Points:
        """The profile of each outcome at its own theta (k,)."""
        shrunk = 1 / (1 + theta[:, None] * self.nodes)
        share = self.nodes * shrunk
        xx, xy, yy = self._turned(1.0, shrunk)
        xx1, xy1, yy1 = self._turned(0.0, -share * shrunk)
        xx2, xy2, yy2 = self._turned(0.0, 2 * share**2 * shrunk)
        inverse = np.asarray(np.linalg.inv(xx), dtype=float)
        beta = np.asarray(np.linalg.solve(xx, xy[..., None])[..., 0], dtype=float)

        def left(xx: FloatArray, xy: FloatArray, yy: FloatArray) -> FloatArray:
            return np.asarray(yy - 2 * (beta * xy).sum(1) + np.einsum("kp,kpq,kq->k", beta, xx, beta))

        rss, rss_slope = np.maximum(left(xx, xy, yy), 1e-300), left(xx1, xy1, yy1)
        g = xy1 - np.einsum("kpq,kq->kp", xx1, beta)
        rss_bend = left(xx2, xy2, yy2) - 2 * np.einsum("kp,kpq,kq->k", g, inverse, g)
        logs = np.log1p(theta[:, None] * self.nodes) @ self.counts
        log_slope, log_bend = share @ self.counts, -(share**2 @ self.counts)
        if self.reml:
            turned = inverse @ xx1
            logs = logs + np.linalg.slogdet(xx)[1]
            log_slope = log_slope + np.trace(turned, axis1=1, axis2=2)
            bent = np.trace(inverse @ xx2, axis1=1, axis2=2) - np.einsum("kpq,kqp->k", turned, turned)
            log_bend = log_bend + bent
        m = self.m
        return Points(
            m * (np.log(2 * np.pi * rss / m) + 1) + logs, m * rss_slope / rss + log_slope,
            m * (rss_bend / rss - (rss_slope / rss) ** 2) + log_bend,
            beta, inverse, xx1, rss, rss_slope, rss_bend, log_bend,
        )  # fmt: skip

    def _turned(self, within: float, nodes: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The cross-products under a share of those within groups, and a share (k, S) of those of each node."""
        share = np.empty((nodes.shape[0], nodes.shape[1] + 1))  # np.pad takes as long as all the rest
        share[:, 0], share[:, 1:] = within, nodes
        xy = np.einsum("ks,spk->kp", share, self.xy)
        return np.tensordot(share, self.xx, 1), xy, np.einsum("ks,sk->k", share, self.yy)


def profile(weight: FloatArray, standard: Standard, *, n: int, columns: int, reml: bool) -> Profile:
    """The cross-products of G groups, held as those of a few dozen group weights.

    X' V^-1 X is a sum over groups of h h' / (1 + theta s), h the group's mean times root s, s its weight. Groups of one
    weight share one matrix. Where weights are many, 1 / (1 + theta s) is interpolated in log s, at the Chebyshev
    nodes of bins so narrow that the error is rounding: its pole lies pi away from the real line, whatever theta is.
    """
    # groups in the order of their weights: those of one weight, and those of one bin, stand together
    whole = weight.max() < 2**16 and not (weight % 1).any()
    order = np.argsort(weight.astype(np.uint16) if whole else weight, kind="stable")
    weight = weight[order]
    logs = np.log(weight)
    bins = ((logs - logs[0]) / _WIDTH).astype(np.int64)
    p = columns
    nodes, counts = [], []
    sums = [(standard.within[:p, :p], standard.within[:p, p:], np.diag(standard.within)[p:])]
    for start, stop in _runs(bins):
        some = weight[start:stop]
        alike = _runs(some)
        if len(alike) <= _NODES:
            at, here = some[[low for low, _ in alike]], np.array([high - low for low, high in alike], dtype=float)
            for low, high in alike:
                h = standard.mean[order[start + low : start + high]]
                xx, xy, yy = _products(h, h, p)
                sums.append((some[low] * xx, some[low] * xy, some[low] * yy))
        else:
            h = standard.mean[order[start:stop]] * np.sqrt(some)[:, None]
            middle = logs[0] + (bins[start] + 0.5) * _WIDTH
            at, base = _chebyshev((logs[start:stop] - middle) / (_WIDTH / 2))
            at, here = np.exp(middle + at * _WIDTH / 2), base.sum(0)
            sums += [_products(h * base[:, [i]], h, p) for i in range(_NODES)]
        nodes.append(at)
        counts.append(here)
    xx, xy, yy = (np.stack(part) for part in zip(*sums, strict=True))
    return Profile(
        xx, xy, yy, np.concatenate(nodes), np.concatenate(counts), float(weight.mean()), n - p if reml else n, reml
    )


def _runs(values: npt.NDArray[Any]) -> list[tuple[int, int]]:
    """Where each run of equal values starts and stops."""
    ends = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), values.size]
    return list(pairwise(ends))


def _products(left: FloatArray, right: FloatArray, p: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cross-products of columns with columns, of columns with outcomes, and of each outcome with itself."""
    both = left[:, :p].T @ right
    return both[:, :p], both[:, p:], np.einsum("gk,gk->k", left[:, p:], right[:, p:])


def _chebyshev(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The Chebyshev nodes in -1 to 1, and each node's Lagrange polynomial at u (len(u), nodes), by the barycentric formula."""
    angle = (2 * np.arange(_NODES) + 1) * np.pi / (2 * _NODES)
    at, signs = np.cos(angle), np.sin(angle) * (-1.0) ** np.arange(_NODES)
    away = u[:, None] - at
    hit = away == 0
    base = signs / np.where(hit, 1.0, away)
    base = np.where(hit.any(1, keepdims=True), hit, base)
    return at, base / base.sum(1, keepdims=True)


def minimum(made: Profile) -> FloatArray:
    """The theta of least deviance for each outcome (k,): 0 at the boundary, inf where the deviance falls for ever.

    A common grid brackets the minimum of every outcome; the root of the derivative is found in the bracket by Newton's steps,
    or bisection where they leave it.
    """
    k = made.yy.shape[1]
    grid = _GRID / made.scale
    seen = [made.at(np.full(k, theta)) for theta in grid]
    deviance, slope = (np.array([getattr(point, name) for point in seen]) for name in ("deviance", "slope"))
    best = deviance.argmin(0)
    falling, flat = best == len(grid) - 1, (best == 0) & (slope[0] >= 0)
    start = np.where(slope[best, np.arange(k)] < 0, best, best - 1).clip(0, len(grid) - 2)
    left, right = grid[start], grid[start + 1]
    done = falling | flat
    theta = np.where(left == 0, right / 2, np.sqrt(left * right))
    for _ in range(_STEPS):
        here = made.at(theta)
        up = here.slope > 0
        left, right = np.where(up, left, theta), np.where(up, theta, right)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(here.bend > 0, theta - here.slope / here.bend, np.nan)
        done |= (np.abs(step - theta) <= 1e-14 * theta) | (right - left <= 1e-15 * right)
        if done.all():
            break
        inside = (left < step) & (step < right)
        theta = np.where(done, theta, np.where(inside, step, (left + right) / 2))
    else:
        raise RefusedError(
            f"the variance between groups was not found in {_STEPS} steps: its likelihood has no clear minimum"
        )
    found = np.where(made.at(theta).deviance < deviance[0], theta, 0.0)
    return np.where(falling, np.inf, np.where(flat, 0.0, found))


def satterthwaite(made: Profile, found: Points, back: FloatArray) -> FloatArray:
    """The degrees of freedom (p, k) of each coefficient: 2 C^2 / var(C), C its variance, `back` the way to the plain columns.

    The Hessian of the deviance m log s + rss / s + logs in (s, theta), s = sigma2, is exact here; lmerTest takes it by
    differences.
    """
    s = found.rss / made.m
    across = -found.rss_slope / s**2
    hessian = np.stack([made.m / s**2, across, across, found.rss_bend / s + found.log_bend], axis=1).reshape(-1, 2, 2)
    spread = 2 * np.linalg.inv(hessian)
    reach = back @ found.inverse
    by_s = np.einsum("kjp,jp->kj", reach, back)
    by_theta = -s[:, None] * np.einsum("kjp,kpq,kjq->kj", reach, found.inner, reach)
    slope = np.stack([by_s, by_theta], axis=2)
    return np.asarray(2 * (s[:, None] * by_s) ** 2 / np.einsum("kja,kab,kjb->kj", slope, spread, slope)).T
