"""Groups of four whose meetings move them by a known share, and the same groups when nobody moves: many studies at once."""

from collections.abc import Callable
from functools import cache
from math import fsum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sociolect.errors import RefusedError, UsageError
from sociolect.seeds import substream
from sociolect.systems.worlds.debate.scale import LEVELS, nearest

Floats = npt.NDArray[np.float64]
# [paper] everybody meets everybody in three rounds
MEETINGS = (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2)))
SPREAD = 1.2  # ours: the standard deviation of true opinions, so that few lie beyond the scale


ENDLESS = 50_000  # groups whose coefficient stands for that of endless ones: its standard error is .001


class Study(NamedTuple):
    """Reported opinions before and after, (replications, groups, 4) each."""

    initial: Floats
    final: Floats


def met(opinions: Floats, share: float) -> Floats:
    """Opinions (..., 4) after three rounds, each meeting moving both by `share` of their distance.

    >>> met(np.array([0.0, 1.0, 0.0, 0.0]), 0.5).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    out = np.array(opinions, dtype=float)
    for pairs in MEETINGS:
        for one, two in pairs:
            gap = share * (out[..., two] - out[..., one])
            out[..., one] += gap
            out[..., two] -= gap
    return out


def true_shares(share: float) -> tuple[float, float]:
    """What of a final opinion is one's own initial one, and what is each partner's, on average: (1 - w)^3 + w^3 and a third of the rest.

    >>> [tuple(round(v, 3) for v in true_shares(w)) for w in (0.05, 0.1, 0.15, 0.3)]
    [(0.857, 0.048), (0.73, 0.09), (0.617, 0.128), (0.37, 0.21)]
    """
    own = float(np.diag(met(np.eye(4), share)).mean())
    return own, (1 - own) / 3


def heard_share(share: float, *, reliability: float, noise: float, spread: float = SPREAD) -> float:
    """What of a planted twin's final opinion is each partner's initial report: less than a meeting's share, for what is heard errs.

    A twin begins at the very level that its person reports, and moves by `share` towards its partner's post of each round: in round
    1 what the partner's person wrote, with the error of people's reports; later what the partner's twin writes, with `noise` in
    units of the scale. Posts are on the six levels. The coefficient is that of 50,000 groups.

    >>> [round(heard_share(w, reliability=0.6, noise=0.6), 2) for w in (0.0, 0.3)]
    [0.0, 0.17]
    """
    _checked(share, reliability)
    if share == 0:
        return 0.0
    draw = substream(0, "heard share", str(share), str(reliability), str(noise))
    true, far = draw.normal(0, spread, (ENDLESS, 4)), error(spread, reliability)
    initial, written = (nearest(true + draw.normal(0, far, true.shape)) for _ in range(2))
    thought = initial.copy()
    for r, pairs in enumerate(MEETINGS):
        post = nearest(thought + draw.normal(0, noise, true.shape)) if r else written
        for one, two in pairs:
            thought[:, [one, two]] += share * (post[:, [two, one]] - thought[:, [one, two]])
    own, met = initial - initial.mean(), initial.sum(1, keepdims=True) - initial
    met = met - met.mean()
    cross = [[fsum((a * b).ravel()) for b in (own, met)] for a in (own, met)]
    return float(np.linalg.solve(cross, [fsum((a * thought).ravel()) for a in (own, met)])[1])


def studies(
    draw: np.random.Generator,
    *,
    groups: int = 31,
    replications: int = 1,
    share: float = 0.0,
    reliability: float = 0.6,
    spread: float = SPREAD,
    levels: bool = True,
) -> Study:
    """Studies of people whose true opinions are independent and normal, reported twice with independent errors.

    `spread` is their standard deviation, `reliability` what two reports correlate by where nobody moves; `levels` puts reports on the six levels (else they stay as they are).
    Raises UsageError for a share outside 0 to 1 or a reliability that is not above 0 and up to 1.

    >>> studies(np.random.default_rng(1), groups=2).initial.shape
    (1, 2, 4)
    """
    _checked(share, reliability)
    size = (replications, groups, 4)
    true = draw.normal(0, spread, size)
    noise = error(spread, reliability, levels=levels)
    reports = [one + draw.normal(0, noise, size) for one in (true, met(true, share))]
    return Study(*(nearest(r) for r in reports)) if levels else Study(*reports)


@cache
def error(spread: float, reliability: float, *, levels: bool = True) -> float:
    """The standard deviation of a report's error at which two reports correlate by `reliability`, where true opinions have `spread`.

    On the six levels that is less than the error of reports that stay as they are: cutting errs too.

    >>> error(1.0, 0.5, levels=False), round(error(1.2, 0.6), 3), round(error(1.2, 0.6, levels=False), 3)
    (1.0, 0.911, 0.98)
    """
    from scipy.optimize import brentq

    if not levels or reliability == 1:
        return float(spread * ((1 - reliability) / reliability) ** 0.5)

    def short(latent: float) -> float:
        return _of_cuts(np.array(LEVELS), np.arange(-2.0, 3.0) * latent**0.5 / spread)(latent) - reliability

    latent = float(brentq(short, 1e-6, 1.0))
    return float(spread * ((1 - latent) / latent) ** 0.5)


def unmoved(initial: Floats, draw: np.random.Generator, *, reliability: float, draws: int = 500) -> Floats:
    """Final reports (draws, groups, 4) of these very groups if nobody had moved anybody, on the six levels.

    Two reports of a person are two cuts of one pair of correlated normals, at the limits that give the levels their shares in
    `initial`; the normals' correlation is the one that makes reports correlate by `reliability` (Hermite series of the cuts). So
    a second report is distributed as the first, and regresses to the mean with no influence at all.
    Raises RefusedError where reports are all alike.

    >>> unmoved(np.array([[2.5, -2.5, 0.5, -0.5]]), np.random.default_rng(1), reliability=1.0, draws=2)[0].tolist()
    [[2.5, -2.5, 0.5, -0.5]]
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    _checked(0.0, reliability)
    levels, code, counts = np.unique(initial, return_inverse=True, return_counts=True)
    if len(levels) < 2:
        raise RefusedError("all reports are alike: how they regress to their mean cannot be told")
    below = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    below[-1] = 1.0
    limits = ndtri(below[1:-1])
    alike = _of_cuts(levels, limits)
    latent = float(brentq(lambda r: alike(r) - reliability, 0.0, 1.0)) if reliability < 1 else 1.0
    at = code.reshape(initial.shape)
    first = ndtri(below[at] + draw.random((draws, *initial.shape)) * (below[at + 1] - below[at]))
    second = latent * first + (1 - latent**2) ** 0.5 * draw.normal(size=first.shape)
    return np.asarray(levels[np.searchsorted(limits, second)])


def _of_cuts(levels: Floats, limits: Floats) -> Callable[[float], float]:
    """How two cuts at `limits`, scored by `levels`, of standard normals that correlate by r correlate themselves, as a function of r.

    A cut has the Hermite coefficients c_k = sum of its steps times phi(t) He_{k-1}(t) / sqrt(k!); the cuts' covariance is the
    sum of c_k^2 r^k. What the first 200 terms leave stands at the last.
    """
    from scipy.special import ndtr

    p = np.diff(np.concatenate([[0.0], ndtr(limits), [1.0]]))
    whole = float(p @ levels**2 - (p @ levels) ** 2)
    steps, phi = np.diff(levels), np.exp(-(limits**2) / 2) / (2 * np.pi) ** 0.5
    share, last, here = [], np.zeros_like(limits), np.ones_like(limits)  # He_{k-1} / sqrt((k - 1)!), by recursion
    for k in range(1, 200):
        share.append(float((steps * phi * here).sum()) ** 2 / k / whole)
        last, here = here, (limits * here - (k - 1) ** 0.5 * last) / k**0.5
    terms, powers = np.array([*share, 1 - fsum(share)]), np.array([*range(1, 200), 400])
    return lambda r: fsum(terms * r**powers)


def _checked(share: float, reliability: float) -> None:
    faults = [f"share is {share}: 0 to 1 is due"] * (not 0 <= share <= 1)
    faults += [f"reliability is {reliability}: above 0 and up to 1 is due"] * (not 0 < reliability <= 1)
    if faults:
        raise UsageError("; ".join(faults))
