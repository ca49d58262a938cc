"""Whether groups come to agree, and whether twins agree sooner than their people: the group is the unit."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sociolect.errors import RefusedError

Floats = npt.NDArray[np.float64]


class Change(NamedTuple):
    """A mean over groups with Student's interval and p; n groups."""

    estimate: float
    low: float
    high: float
    p: float
    n: int


def spread(opinions: Floats) -> Floats:
    """The standard deviation within each group (..., groups, 4), over those who have an opinion; nan with fewer than two.

    >>> spread(np.array([[1.0, 1.0, 2.0, 2.0], [1.0, np.nan, np.nan, np.nan]])).round(3).tolist()
    [0.577, nan]
    """
    known = np.isfinite(opinions)
    n = known.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, opinions, 0.0).sum(-1) / n
        squares = np.where(known, (opinions - mean[..., None]) ** 2, 0.0).sum(-1)
        return np.asarray(np.where(n >= 2, np.sqrt(squares / (n - 1)), np.nan))


def mean(opinions: Floats) -> Floats:
    """The mean within each group, over those who have an opinion; nan where nobody has."""
    known = np.isfinite(opinions)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(known, opinions, 0.0).sum(-1) / known.sum(-1))


def change(values: Floats, *, level: float = 0.95) -> Change:
    """The mean of one number per group with its t interval; groups without a number are not counted in n.

    For a paired comparison give the differences: model's change less people's, of the same groups. A significant change of one
    side beside a change of the other that is not significant is no difference. Raises RefusedError below three groups.

    >>> found = change(np.array([-1.0, 0.0, -2.0, -1.0]))
    >>> round(found.estimate, 3), round(found.low, 3), round(found.p, 3), found.n
    (-1.0, -2.299, 0.092, 4)
    """
    from scipy.special import stdtr, stdtrit

    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    n = known.size
    if n < 3:
        raise RefusedError(f"{n} groups have a number: three or more are due, for four people are one group, not four")
    estimate, se = float(known.mean()), float(known.std(ddof=1) / n**0.5)
    if se == 0:
        return Change(estimate, estimate, estimate, 1.0 if estimate == 0 else 0.0, n)
    reach = -float(stdtrit(n - 1, (1 - level) / 2)) * se
    return Change(estimate, estimate - reach, estimate + reach, float(2 * stdtr(n - 1, -abs(estimate) / se)), n)


def found(people: tuple[Floats, Floats], twins: tuple[Floats, Floats], *, paired: bool = False) -> Floats:
    """p (replications,) that the two sides' changes of spread differ: Welch's t over groups, or the paired t of twins.

    Each side is (before, after), (replications, groups, 4).

    >>> draw = np.random.default_rng(1)
    >>> before, after = draw.normal(size=(2, 1, 200, 4))
    >>> float(found((before, after), (before, after / 2))[0]) < 0.001
    True
    """
    from scipy.special import stdtr

    one, two = (spread(after) - spread(before) for before, after in (people, twins))
    g = one.shape[-1]
    if paired:
        gap = two - one
        t, df = gap.mean(-1) / (gap.std(-1, ddof=1) / g**0.5), np.full(len(gap), g - 1.0)
    else:
        a, b = (v.var(-1, ddof=1) / g for v in (one, two))
        t, df = (two.mean(-1) - one.mean(-1)) / np.sqrt(a + b), (a + b) ** 2 / ((a**2 + b**2) / (g - 1))
    return np.asarray(2 * stdtr(df, -np.abs(t)))
