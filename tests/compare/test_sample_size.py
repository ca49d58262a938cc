"""The planner against closed forms, statsmodels, and simulated studies."""

from math import ceil, sqrt

import numpy as np
import pytest

from sociolect.compare.agreement import alpha
from sociolect.compare.preference import wilson
from sociolect.compare.sample_size import (
    agreement_half_width,
    pairs_for_preference,
    preference_power,
    units_for_agreement,
)
from sociolect.errors import RefusedError, UsageError


@pytest.mark.parametrize(
    ("share", "power", "due"),
    [(0.55, 0.8, 782.5259552102925), (0.6, 0.8, 193.84728588314758), (0.8, 0.8, 19.261287065249913),
     (0.55, 0.9, 1046.5818257337758), (0.6, 0.9, 258.5057739784389), (0.8, 0.9, 24.75402863018708)],
)  # fmt: skip
def test_independent_pairs_are_statsmodels(share: float, power: float, due: float) -> None:
    """statsmodels 0.15.0: normal_sample_size_one_tail(share - .5, power, .025, .5, sqrt(share (1 - share)))."""
    assert pairs_for_preference(share, power=power) == ceil(due)
    assert pairs_for_preference(1 - share, power=power) == ceil(due)
    assert preference_power(share, pairs=ceil(due)) == pytest.approx(power, abs=0.002 + 0.4 / due)


def test_so_many_pairs_are_told_from_a_half_as_often_as_planned() -> None:
    """In 4,000 studies, by the very interval that `preference` prints."""
    rng = np.random.default_rng(1)
    for share in (0.55, 0.6, 0.7):
        n = pairs_for_preference(share, power=0.8)
        cut = next(k for k in range(n // 2, n + 1) if wilson(k, n)[0] > 0.5)
        assert (rng.binomial(n, share, 4000) >= cut).mean() == pytest.approx(0.8, abs=0.035)


def test_correlated_judgements_of_an_annotator_cost_what_is_said() -> None:
    """Beta-binomial annotators: the plan that knows of the correlation reaches its power, the one that does not falls short."""
    rng = np.random.default_rng(2)
    share, rho, people = 0.6, 0.05, 25

    def reached(pairs: int, known: float) -> float:
        each = pairs // people
        leaning = rng.beta(share * (1 / rho - 1), (1 - share) * (1 / rho - 1), (4000, people))
        mean = rng.binomial(each, leaning).sum(1) / (each * people)
        error = sqrt(0.25 * (1 + (each - 1) * rho) / (each * people))  # what is known of judgements so correlated
        return float((np.abs(mean - 0.5) / error > 1.959964).mean()) - known

    due = pairs_for_preference(share, annotators=people, correlation=rho)
    assert due > 1.4 * pairs_for_preference(share)
    assert reached(ceil(due / people) * people, 0.8) == pytest.approx(0, abs=0.04)
    assert reached(ceil(pairs_for_preference(share) / people) * people, 0.8) < -0.08


def test_the_design_effect_is_kish_s() -> None:
    """1 + (N / annotators - 1) rho, solved for N: with 10 annotators, rho .02 and n = 193.847 alone, 193.847 x .98 / (1 - .387695)."""
    alone = 193.84728588314758
    assert pairs_for_preference(0.6, annotators=10, correlation=0.02) == ceil(alone * 0.98 / (1 - alone * 0.02 / 10))
    # Three judgements of a pair that correlate by .5 are worth 3 / 2 judgements.
    assert pairs_for_preference(0.6, annotators=3, judgements=3, pair_correlation=0.5) == ceil(alone * 2 / 3)
    assert pairs_for_preference(0.6, annotators=3, judgements=3) == ceil(alone / 3)
    for kept in (
        {"annotators": 30, "correlation": 0.05},
        {"annotators": 12, "judgements": 4, "pair_correlation": 0.3, "correlation": 0.01},
    ):
        assert preference_power(0.6, pairs=pairs_for_preference(0.6, **kept), **kept) == pytest.approx(0.8, abs=0.004)  # type: ignore[arg-type]


def test_too_few_annotators_cannot_do_it_with_any_number_of_pairs() -> None:
    with pytest.raises(RefusedError, match=r"3 annotators cannot tell 0.6 from 0.5 .* at least 20 are due"):
        pairs_for_preference(0.6, annotators=3, correlation=0.1)
    assert pairs_for_preference(0.6, annotators=20, correlation=0.1) > 1000
    assert preference_power(0.6, pairs=10**7, annotators=3, correlation=0.1) < 0.5


@pytest.mark.parametrize(("kappa", "p"), [(0.0, 0.5), (0.4, 0.3), (0.6, 0.1), (0.8, 0.5)])
def test_two_raters_are_the_closed_form(kappa: float, p: float) -> None:
    """Bloch and Kraemer (1989); Donner and Eliasziw (1992), Eq. 2: the variance of intraclass kappa, which is alpha for many units."""
    variance = (1 - kappa) * ((1 - kappa) * (1 - 2 * kappa) + kappa * (2 - kappa) / (2 * p * (1 - p)))
    assert agreement_half_width(kappa, units=200, shares=(p, 1 - p)) == pytest.approx(
        1.959964 * sqrt(variance / 200), rel=1e-5
    )
    assert units_for_agreement(kappa, half_width=0.1, shares=(p, 1 - p)) == ceil(1.959964**2 * variance / 0.01)


@pytest.mark.parametrize(("raters", "shares"), [(2, (0.3, 0.7)), (4, (0.5, 0.3, 0.2))])
def test_the_planned_width_is_that_of_simulated_studies(raters: int, shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(400):
        own = rng.choice(len(shares), (150, raters), p=shares).astype(float)
        found.append(alpha(np.where(rng.random((150, 1)) < 0.5, own[:, :1], own)))
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)
    planned = agreement_half_width(0.5, units=150, raters=raters, shares=shares)
    assert 1.959964 * np.std(found) == pytest.approx(planned, rel=0.1)


def test_cohen_s_kappa_is_that_of_fleiss_cohen_and_everitt() -> None:
    """Fleiss, Cohen and Everitt (1969), Eq. 13, for margins of .3 and kappa .5."""
    k, pi = 0.5, np.array([0.3, 0.7])
    p = (1 - k) * np.outer(pi, pi) + k * np.diag(pi)
    chance = pi @ pi
    diagonal = sum(p[i, i] * (1 - 2 * pi[i] * (1 - k)) ** 2 for i in range(2))
    off = (1 - k) ** 2 * sum(p[i, j] * (pi[i] + pi[j]) ** 2 for i in range(2) for j in range(2) if i != j)
    variance = (diagonal + off - (k - chance * (1 - k)) ** 2) / (1 - chance) ** 2
    planned = agreement_half_width(k, units=100, shares=(0.3, 0.7), measure="kappa")
    assert planned == pytest.approx(1.959964 * sqrt(variance / 100), rel=1e-5)


def test_more_raters_and_evener_categories_need_fewer_units() -> None:
    assert [units_for_agreement(0.6, half_width=0.1, raters=r) for r in (2, 3, 5)] == sorted(
        (units_for_agreement(0.6, half_width=0.1, raters=r) for r in (2, 3, 5)), reverse=True
    )
    assert units_for_agreement(0.6, half_width=0.1, shares=(0.05, 0.95)) > 3 * units_for_agreement(0.6, half_width=0.1)


def test_values_out_of_range_are_refused_with_every_fault() -> None:
    with pytest.raises(
        UsageError,
        match=r"share is 1.2: 0 to 1 is due; .*correlation is -1.*; judgements is 3: 2 annotators give at most 2",
    ):
        pairs_for_preference(1.2, annotators=2, judgements=3, correlation=-1)
    with pytest.raises(UsageError, match="never told from 0.5"):
        pairs_for_preference(0.5)
    with pytest.raises(UsageError, match=r"value is 1: 0 to below 1 is due; raters is 1.*; shares are \[0.5, 0.6\]"):
        agreement_half_width(1, units=10, raters=1, shares=(0.5, 0.6))
    with pytest.raises(UsageError, match="6\\^9 patterns of answers are too many"):
        units_for_agreement(0.5, half_width=0.1, raters=9, shares=(1 / 6,) * 6)
    with pytest.raises(UsageError, match="no measure of agreement 'alfa'"):
        units_for_agreement(0.5, half_width=0.1, measure="alfa")
