"""Whether partners move people: the coefficient of the partners' initial opinions, put right for reports that err."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.interval import Interval
from sociolect.compare.one_thread import one_thread
from sociolect.errors import RefusedError, UsageError

Floats = npt.NDArray[np.float64]
LIKE = 0.5  # ours: how far the mean of the partners may lie from one's own report to share one's view
FLOOR = 0.05  # ours: below it, what a coefficient is over it says nothing
LEAST = 10  # ours: people whose partners share their view, below which their changes say nothing


class Influence(NamedTuple):
    """The coefficient of the partners' sum per study, its standard error over groups, the ends of its interval, and who it rests on."""

    estimate: Floats
    se: Floats
    low: Floats
    high: Floats
    groups: int
    people: int


@one_thread
def influence(
    initial: Floats, final: Floats, *, partners: Sequence[int] | None = None, level: float = 0.95
) -> Influence:
    """b of `final ~ initial + b * sum of the partners' initial` for many studies at once: (replications, groups, 4) or (groups, 4).

    Least squares; errors are robust to what a group shares (CR2, as `compare.sandwich`), the interval is Student's with G - 1
    degrees of freedom. Each meeting that moves both by a share w of their distance makes b = (1 - (1 - w)^3 - w^3) / 3 on
    average over partners. Reports that err pull b towards 0: independent opinions of reliability rho give rho b.
    `partners` takes some of the three meetings alone (0: the first). Raises RefusedError for fewer than three groups,
    people without a number, or opinions that do not vary; among many studies, such a one is nan.

    >>> start = np.random.default_rng(1).normal(size=(40, 4))
    >>> end = 0.4 * start + 0.2 * (start.sum(1, keepdims=True) - start)
    >>> float(influence(start, end + 1e-9 * start**2).estimate.round(6)[0])
    0.2
    """
    from scipy.special import stdtrit

    x, y = (np.asarray(a, dtype=float).reshape(-1, *np.shape(a)[-2:]) for a in (initial, final))
    reps, groups, size = x.shape
    if groups < 3 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise RefusedError(
            f"no influence of partners can be told from {groups} groups of which {int((~np.isfinite(x)).any((0, 2)).sum())} lack a "
            "number: three whole groups or more are due; leave incomplete ones out, and count them"
        )
    met = partners_of(x)[..., list(partners) if partners is not None else slice(None)].sum(-1)
    design = np.stack([np.ones_like(x), x, met], axis=-1).reshape(reps, groups * size, 3)
    outcome = y.reshape(reps, -1)
    gram = np.einsum("rni,rnj->rij", design, design)
    alike = np.linalg.cond(gram) > 1e10
    if alike.all():
        raise RefusedError("opinions do not vary enough to tell one's own from one's partners': other groups are due")
    bread = np.linalg.inv(np.where(alike[:, None, None], np.eye(3), gram))
    bread[alike] = np.nan
    beta = np.einsum("rij,rnj,rn->ri", bread, design, outcome)
    part = design.reshape(reps, groups, size, 3)
    left = (outcome - np.einsum("rni,ri->rn", design, beta)).reshape(reps, groups, size)
    # CR2: residuals of a group are stretched by (I - H)^(-1/2), for the fit has pulled them in
    hat = np.nan_to_num(np.einsum("rgsi,rij,rgtj->rgst", part, bread, part))
    value, vector = np.linalg.eigh(np.eye(size) - hat)
    turned = np.einsum("rgst,rgs->rgt", vector, left) / np.sqrt(np.maximum(value, 1e-10))
    lever = np.einsum("rgsi,ri,rgst,rgt->rg", part, bread[:, 2], vector, turned, optimize=True)
    se = np.sqrt((lever**2).sum(1))
    reach = -float(stdtrit(groups - 1, (1 - level) / 2)) * se
    b = beta[:, 2]
    return Influence(b, se, b - reach, b + reach, groups, groups * size)


def corrected(found: Influence, reliability: float) -> Influence:
    """The influence of the partners' true opinions, b / rho, for a reliability that is known.

    >>> one = Influence(*(np.array([v]) for v in (0.126, 0.045, 0.036, 0.216)), 31, 124)
    >>> round(float(corrected(one, 0.6).estimate[0]), 3), round(float(corrected(one, 0.6).low[0]), 3)
    (0.21, 0.06)
    """
    if not 0 < reliability <= 1:
        raise UsageError(f"reliability is {reliability}: above 0 and up to 1 is due")
    return found._replace(**{k: getattr(found, k) / reliability for k in ("estimate", "se", "low", "high")})


def reliability(initial: Floats, final: Floats, *, draws: int = 1000, seed: int = 0) -> Interval:
    """The reliability of one report, b, and b / reliability (3,), with intervals by resampling groups: opinions (groups, 4).

    The reliability is 1 - (mean squared change / 2) / variance of the first reports, the changes being those of the people whose
    three partners, on average, reported within half a step of themselves: nobody pulls them away. It is held to 0.05 and 1.
    A group drawn again brings its people, its b and its error again, so the third interval carries the doubt of both.
    Raises RefusedError where fewer than ten people have such partners, and where the interval of the reliability reaches 0.05.
    """
    x, y = np.asarray(initial, dtype=float), np.asarray(final, dtype=float)
    met = partners_of(x)
    like = np.abs(met.mean(-1) - x) <= LIKE
    if like.sum() < LEAST:
        raise RefusedError(
            f"{int(like.sum())} people have partners who share their view; {LEAST} are due: give the reliability (--reliability)"
        )
    half = np.where(like, (y - x) ** 2, 0.0) / 2
    sums = np.stack([half.sum(1), like.sum(1), np.full(len(x), float(x.shape[1])), x.sum(1), (x**2).sum(1)], axis=1)
    design = np.stack([np.ones_like(x), x, met.sum(-1)], axis=-1)
    gram = np.einsum("gsi,gsj->gij", design, design).reshape(len(x), 9)
    cross = np.einsum("gsi,gs->gi", design, y)

    def of(weights: Floats) -> Floats:
        error, count, n, total, squares = (weights @ sums).T
        with np.errstate(invalid="ignore", divide="ignore"):
            rho = np.clip(1 - error / count / (squares / n - (total / n) ** 2), FLOOR, 1.0)
        b = (np.linalg.pinv((weights @ gram).reshape(-1, 3, 3)) @ (weights @ cross)[..., None])[:, 2, 0]
        return np.stack([rho, b, b / rho], axis=1)

    found = one_thread(bootstrap)(of, np.arange(len(x)), draws=draws, batched=True, seed=seed)
    if not found.low[0] > FLOOR:
        raise RefusedError(
            f"the reliability of a report cannot be told from 0 in {len(x)} groups (interval to {FLOOR} or below): "
            "give it (--reliability), or more groups"
        )
    return found


def partners_of(x: Floats) -> Floats:
    """Each person's three partners in the order of the meetings: (..., 4, 3)."""
    order = [[1, 2, 3], [0, 3, 2], [3, 0, 1], [2, 1, 0]]  # the round robin of simulate.MEETINGS
    return x[..., order]
