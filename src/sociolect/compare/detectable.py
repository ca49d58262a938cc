"""The least effect that a comparison shows with a chance of .80, before there are data: by the sizes of its design alone."""

from collections.abc import Sequence
from math import fsum
from typing import NamedTuple

import numpy as np

from sociolect.compare.power import coefficient_detectable
from sociolect.errors import RefusedError, UsageError

PIGEONHOLE = 3.0  # Owen 2007, Sec. 5: drawing two crossed factors counts what varies in single cells three times


class Doubt(NamedTuple):
    """The standard error of a difference, the one its test reckons with, and the degrees of freedom of that test."""

    se: float
    tested: float
    df: float


def detectable(doubt: Doubt, *, family: int = 1, level: float = 0.05, power: float = 0.8) -> float:
    """The difference that a two-sided test finds with the chance `power`, in the unit of the standard error.

    `family` is how many tests Holm adjusts together: the level is then that of its first step, level / family, at which the
    one true difference among so many is held. Where the test's own standard error is larger than the true one (crossed
    bootstrap), the difference must reach further: noncentral t beyond the wider bound.
    Raises UsageError for a family below 1 or no error; RefusedError where there is no degree of freedom.

    >>> round(detectable(Doubt(0.1, 0.1, np.inf)), 4), round(detectable(Doubt(0.1, 0.1, np.inf), family=10), 4)
    (0.2802, 0.3649)
    """
    if family < 1 or not (doubt.se > 0 and doubt.tested > 0):
        raise UsageError(
            f"family is {family}, standard errors {doubt.se}, {doubt.tested}: 1 or more, and above 0, are due"
        )
    if doubt.df < 1:
        raise RefusedError(f"{doubt.df:g} degrees of freedom: one cluster alone shows no difference; bring more")
    if doubt.se == doubt.tested:
        return coefficient_detectable(doubt.se, power=power, df=doubt.df, level=level / family)
    from scipy.optimize import brentq

    def short(away: float) -> float:
        return rejected(away, doubt, level=level / family) - power

    high = doubt.tested
    while short(high) < 0:
        high *= 2
    return float(brentq(short, 0.0, high, xtol=1e-12))


def rejected(effect: float, doubt: Doubt, *, level: float = 0.05) -> float:
    """The chance that the test rejects 0 where the difference is `effect`; at 0 it is the chance of a false alarm.

    >>> round(rejected(0.0, Doubt(0.1, 0.1, 20)), 3), round(rejected(0.0, Doubt(0.1, 0.15, 20)), 3)
    (0.05, 0.005)
    """
    from scipy.special import nctdtr, ndtr, stdtrit

    wide = doubt.tested / doubt.se
    shift = abs(effect) / doubt.se
    if not np.isfinite(doubt.df):
        reach = -_bound(level) * wide
        return float(ndtr(shift + reach) + ndtr(-shift + reach))
    reach = -float(stdtrit(doubt.df, level / 2)) * wide
    wrong = np.nan_to_num(nctdtr(doubt.df, shift, -reach))  # far out scipy gives nan where the chance is below 1e-12
    return float(1 - nctdtr(doubt.df, shift, reach) + wrong)


def _bound(level: float) -> float:
    """The normal bound of a two-sided test: 1.96 at .05."""
    from scipy.special import ndtri

    return float(-ndtri(level / 2))


def paired(sd: float, *, n: int, clusters: Sequence[tuple[int, float]]) -> Doubt:
    """The doubt of a mean of n paired differences with this standard deviation, by the cluster bootstrap of `differences`.

    `clusters` has, for each factor, how many clusters there are and the share of the variance that they account for
    (intraclass correlation). One factor: var = sd^2 (icc / k + (1 - icc) / n). Two crossed factors: each adds its own share, and
    the pigeonhole bootstrap counts the rest three times (Owen 2007, Annals of Applied Statistics 1, Sec. 5): its test is the
    more careful the less clusters matter. Degrees of freedom: the fewest clusters less 1.

    >>> one, two = (paired(1.0, n=180, clusters=c) for c in ([(9, 0.1)], [(9, 0.1), (20, 0.1)]))
    >>> round(one.se, 4), one.tested == one.se, round(two.se, 4), round(two.tested, 4), two.df
    (0.1269, True, 0.1434, 0.1716, 8)
    """
    shares = [icc for _, icc in clusters]
    if n < 1 or not clusters or min(k for k, _ in clusters) < 1 or min(shares) < 0 or fsum(shares) > 1 or not sd > 0:
        raise UsageError(f"n={n}, sd={sd}, clusters={list(clusters)}: sizes of 1 or more, an sd above 0, and shares that sum to 1 at most are due")  # fmt: skip
    of = fsum(icc / k for k, icc in clusters)
    rest = (1 - fsum(shares)) / n
    times = PIGEONHOLE if len(clusters) > 1 else 1.0
    se, tested = (float(sd * (of + rest * t) ** 0.5) for t in (1.0, times))
    return Doubt(se, tested, min(k for k, _ in clusters) - 1)


def coefficient(
    sd: float, *, n: int, groups: int, icc: float, variance: float, between: bool = False, clusters: int | None = None
) -> Doubt:
    """The doubt of one coefficient of a regression with a random intercept, for n rows spread evenly over groups.

    `sd` is that of what the regression leaves unexplained, `icc` the share of it that a group's rows have in common,
    `variance` that of the covariate, given the others: of a share p, p (1 - p); of one class a against another b, the rest
    apart, p_a p_b / (p_a + p_b) (`contrast_variance`). A covariate of rows is held within groups and between them (GLS):
    var = sd^2 (1 - icc) / (n variance (1 - icc m~)), m~ = 1 / ((1 - icc) + m icc), m rows a group; one of groups
    (`between`) by the group's mean alone: sd^2 (icc + (1 - icc) / m) / (groups variance). Raudenbush and Liu 2000.
    `clusters` are those of sandwich errors, groups unless said.

    >>> a = coefficient(1.0, n=4000, groups=1000, icc=0.2, variance=0.25)
    >>> b = coefficient(1.0, n=4000, groups=1000, icc=0.2, variance=0.25, between=True)
    >>> round(a.se, 4), round(b.se, 4)
    (0.0302, 0.04)
    """
    if not (n >= groups >= 2 and 0 <= icc < 1 and variance > 0 and sd > 0):
        raise UsageError(f"n={n}, groups={groups}, icc={icc}, variance={variance}, sd={sd}: n of groups or more, 2 groups, an icc of 0 to below 1, and a variance and sd above 0 are due")  # fmt: skip
    each = n / groups
    if between:
        squared = (icc + (1 - icc) / each) / (groups * variance)
    else:
        squared = (1 - icc) / (n * variance * (1 - icc / (1 - icc + each * icc)))
    se = float(sd * squared**0.5)
    return Doubt(se, se, float((clusters or groups) - 1))


def contrast_variance(first: float, second: float) -> float:
    """What the covariate of one class against another varies, where these are the shares of the two.

    >>> contrast_variance(0.5, 0.5), round(contrast_variance(0.2, 0.5), 4)
    (0.25, 0.1429)
    """
    return first * second / (first + second)


def share(pairs: int, *, level: float = 0.05, power: float = 0.8) -> float:
    """How far from 1/2 a share must lie for so many judgements to tell it: the other way round of `pairs_for_preference`.

    Raises RefusedError where even all on one side tell nothing.

    >>> round(share(194), 3)
    0.1
    """
    from scipy.optimize import brentq

    from sociolect.compare.sample_size import preference_power

    def short(away: float) -> float:
        return preference_power(0.5 + away, pairs=pairs, level=1 - level) - power

    if short(0.5) < 0:
        raise RefusedError(f"{pairs} pairs tell no share from 1/2 with a chance of {power:g}: bring more pairs")
    return float(brentq(short, 1e-9, 0.5))


def rank_test(nulls: int, *, level: float = 0.05, power: float = 0.8) -> float:
    """How many standard deviations of the null a statistic must lie above it, for the Monte Carlo test of so many null worlds.

    p is (1 + nulls at least as high) / (1 + nulls), the statistic normal in either world: the chance that at most r of the
    nulls reach it, r = floor(level (1 + nulls)) - 1, is the integral of a binomial over the normal density (Davison and
    Hinkley 1997, Sec. 4.2). Raises RefusedError where so few nulls cannot reach the level.

    >>> round(rank_test(19), 2), round(rank_test(999), 2)
    (2.79, 2.49)
    """
    from scipy.optimize import brentq
    from scipy.special import bdtr, ndtr

    most = int(np.floor(level * (1 + nulls) + 1e-9)) - 1
    if most < 0:
        raise RefusedError(
            f"{nulls} null worlds never reach p = {level:g}: at least {int(np.ceil(1 / level)) - 1} are due"
        )
    z = np.linspace(-8.0, 8.0, 4001)
    density = np.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5 * (z[1] - z[0])

    def short(away: float) -> float:
        return float(density @ bdtr(most, nulls, ndtr(-(z + away)))) - power

    return float(brentq(short, 0.0, 30.0))
