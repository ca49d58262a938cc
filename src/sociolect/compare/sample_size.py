"""How many pairs, units and annotators a human evaluation needs, before anybody is asked."""

from collections.abc import Sequence
from itertools import product
from math import ceil, inf
from statistics import NormalDist

import numpy as np

from sociolect.compare.coefficients import MEASURES, statistic
from sociolect.errors import RefusedError, UsageError, unknown

_PATTERNS = 50_000  # ways in which the raters can answer about one unit


def pairs_for_preference(
    share: float,
    *,
    power: float = 0.8,
    level: float = 0.95,
    annotators: int = 1,
    correlation: float = 0.0,
    judgements: int = 1,
    pair_correlation: float = 0.0,
) -> int:
    """The pairs it takes to tell a preference share from 1/2, two-sided, with the given power.

    Independent judgements: n = ((z_(1-a/2) / 2 + z_power sqrt(p (1 - p))) / (p - 1/2))^2 (Fleiss, Levin and Paik 2003, Sec. 2).
    Each pair gets `judgements` judgements, N in all, spread evenly over `annotators`. `correlation` is that of two
    judgements (0 or 1) by one annotator, `pair_correlation` that of two on one pair: the design effect is
    1 + (N / annotators - 1) correlation + (judgements - 1) pair_correlation (Kish 1965). It speaks of annotators like
    these; with correlation 0 it speaks of these alone. Pairs on which nobody can tell come on top.

    Raises UsageError for values out of range, RefusedError where so few annotators cannot do it with any number of pairs.

    >>> pairs_for_preference(0.6), pairs_for_preference(0.6, annotators=10, correlation=0.02)
    (194, 311)
    """
    _checked(
        share,
        level=level,
        annotators=annotators,
        correlation=correlation,
        judgements=judgements,
        pair_correlation=pair_correlation,
    )
    if not 0 < power < 1 or share == 0.5:
        raise UsageError(
            f"power is {power}, share {share}: power lies between 0 and 1, and a share of 0.5 is never told from 0.5"
        )
    z = NormalDist().inv_cdf
    alone = ((z((1 + level) / 2) / 2 + z(power) * (share * (1 - share)) ** 0.5) / (share - 0.5)) ** 2
    left = 1 - alone * correlation / annotators
    if left <= 0:
        raise RefusedError(
            f"{annotators} annotator{'s' * (annotators > 1)} cannot tell {share} from 0.5 with any number of pairs where their "
            f"judgements correlate by {correlation}: at least {int(alone * correlation) + 1} are due"
        )
    total: float = alone * (1 - correlation + (judgements - 1) * pair_correlation) / left
    return ceil(round(total / judgements, 9))


def preference_power(
    share: float,
    *,
    pairs: int,
    level: float = 0.95,
    annotators: int = 1,
    correlation: float = 0.0,
    judgements: int = 1,
    pair_correlation: float = 0.0,
) -> float:
    """The chance that so many pairs tell the share from 1/2; the other way round of `pairs_for_preference`.

    >>> round(preference_power(0.6, pairs=194), 3)
    0.8
    """
    _checked(
        share,
        level=level,
        annotators=annotators,
        correlation=correlation,
        judgements=judgements,
        pair_correlation=pair_correlation,
    )
    total = pairs * judgements
    n = total / (1 + max(total / annotators - 1, 0) * correlation + (judgements - 1) * pair_correlation)
    gap, spread = abs(share - 0.5), (share * (1 - share)) ** 0.5
    reach = NormalDist().inv_cdf((1 + level) / 2) / 2 / n**0.5
    if spread == 0:
        return float(gap > reach)
    normal = NormalDist()
    return normal.cdf((gap - reach) / spread * n**0.5) + normal.cdf((-gap - reach) / spread * n**0.5)


def agreement_half_width(
    value: float,
    *,
    units: int,
    raters: int = 2,
    shares: Sequence[float] = (0.5, 0.5),
    measure: str = "alpha",
    level: float = 0.95,
) -> float:
    """Half the width of the interval of an agreement measure, for so many units that all raters rate.

    Where chance-corrected agreement is `value`, raters know a unit's category together with that chance and answer each by
    themselves, by `shares`, otherwise (the common correlation model; Donner and Eliasziw 1992). The variance is that of
    the delta method over all patterns of answers, for any number of raters and categories.

    >>> round(agreement_half_width(0.6, units=100), 3), round(agreement_half_width(0.6, units=100, raters=4), 3)
    (0.157, 0.109)
    """
    if units < 2:
        raise UsageError(f"units is {units}: at least 2 are due")
    return float(
        NormalDist().inv_cdf((1 + level) / 2) * (_variance(value, raters, shares, measure, level) / units) ** 0.5
    )


def units_for_agreement(
    value: float,
    *,
    half_width: float,
    raters: int = 2,
    shares: Sequence[float] = (0.5, 0.5),
    measure: str = "alpha",
    level: float = 0.95,
) -> int:
    """The units that all raters must rate for an interval of that half-width.

    >>> units_for_agreement(0.6, half_width=0.1), units_for_agreement(0.6, half_width=0.1, shares=(0.1, 0.9))
    (246, 705)
    """
    if not half_width > 0:
        raise UsageError(f"half_width is {half_width}: above 0 is due")
    z = NormalDist().inv_cdf((1 + level) / 2)
    return max(2, ceil(round(float(z**2 * _variance(value, raters, shares, measure, level) / half_width**2), 9)))


def _variance(value: float, raters: int, shares: Sequence[float], measure: str, level: float) -> float:
    """The variance of the measure, times the number of units."""
    pi = np.asarray(shares, dtype=float)
    faults = [f"value is {value}: 0 to below 1 is due"] * (not 0 <= value < 1)
    faults += [f"level is {level}: it lies between 0 and 1"] * (not 0 < level < 1)
    faults += [f"raters is {raters}: at least 2 are due"] * (raters < 2)
    faults += [f"shares are {list(shares)}: two or more above 0 that sum to 1 are due"] * (
        pi.size < 2 or bool((pi <= 0).any()) or abs(float(pi.sum()) - 1) > 1e-9
    )
    faults += [f"{pi.size}^{raters} patterns of answers are too many to list: plan with fewer categories"] * (
        pi.size > 1 and raters > 1 and pi.size**raters > _PATTERNS
    )
    if faults:
        raise UsageError("; ".join(faults))
    if measure not in MEASURES:
        raise unknown("measure of agreement", measure, MEASURES)
    patterns = np.array(list(product(range(pi.size), repeat=raters)))
    chance = (1 - value) * pi[patterns].prod(1)
    chance[(patterns == patterns[:, :1]).all(1)] += value * pi
    many, step = 1e9, 1e-5  # so many units that alpha's small-sample term is gone
    of = statistic(patterns.astype(float), measure, categories=pi.size)
    slope = np.zeros(len(chance))
    for start in range(0, len(chance), 500):
        moved = np.eye(len(chance))[start : start + 500] * step
        slope[start : start + 500] = (of((chance + moved) * many) - of((chance - np.minimum(moved, chance)) * many)) / (
            moved + np.minimum(moved, chance)
        ).sum(1)
    return float(chance @ slope**2 - (chance @ slope) ** 2)


def _checked(
    share: float, *, level: float, annotators: int, correlation: float, judgements: int, pair_correlation: float
) -> None:
    ranges = {
        "share": (share, 0.0, 1.0), "level": (level, 1e-9, 1 - 1e-9), "annotators": (annotators, 1, inf),
        "correlation": (correlation, 0.0, 1.0), "judgements": (judgements, 1, inf), "pair_correlation": (pair_correlation, 0.0, 1.0),
    }  # fmt: skip
    faults = [
        f"{name} is {v}: {low:g} to {high:g} is due" for name, (v, low, high) in ranges.items() if not low <= v <= high
    ]
    faults += [f"judgements is {judgements}: {annotators} annotators give at most {annotators} of one pair"] * (
        judgements > annotators
    )
    if faults:
        raise UsageError("; ".join(faults))
