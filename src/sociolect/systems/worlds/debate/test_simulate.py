"""Planted influence comes back, nothing comes of nothing, and the intervals hold what they promise: the dossier's figures."""

import numpy as np
import pytest

from sociolect.compare.random_intercept import least_squares
from sociolect.compare.sandwich import sandwich
from sociolect.errors import RefusedError, UsageError
from sociolect.seeds import substream
from sociolect.systems.worlds.debate import convergence
from sociolect.systems.worlds.debate.compare import calibration
from sociolect.systems.worlds.debate.influence import corrected, influence, reliability
from sociolect.systems.worlds.debate.simulate import met, studies, true_shares

REPLICATIONS = 1000  # the dossier has 200: more of them make its tolerances sharp, and cost nothing


@pytest.mark.parametrize(("share", "own", "partner"), [(0.05, 0.857, 0.048), (0.1, 0.730, 0.090), (0.15, 0.617, 0.128), (0.3, 0.370, 0.210)])  # fmt: skip
def test_the_true_coefficients_are_the_derived_ones(share: float, own: float, partner: float) -> None:
    assert true_shares(share) == pytest.approx((own, partner), abs=6e-4)
    moved = met(np.eye(4), share)
    assert moved.sum(0) == pytest.approx(np.ones(4))  # what one gives up another takes
    assert moved.sum(1) == pytest.approx(np.ones(4))


@pytest.mark.parametrize(
    ("rho", "share", "raw", "due"),
    [(0.6, 0.0, 0.003, 0.006), (0.6, 0.1, 0.057, 0.095), (0.6, 0.3, 0.131, 0.218), (0.8, 0.0, None, 0.004), (0.8, 0.1, None, 0.092),
     (0.8, 0.3, None, 0.216), (1.0, 0.0, 0.0, 0.0), (1.0, 0.1, 0.089, 0.089), (1.0, 0.3, 0.207, 0.207)],
)  # fmt: skip
def test_the_corrected_coefficient_is_the_truth(rho: float, share: float, raw: float | None, due: float) -> None:
    """31 groups. Due: corrected means within .02 of the truth, intervals that hold it in 95% +- 4. `raw` and `due` are the
    dossier's measured means, of 200 replications (standard error .003 / rho)."""
    made = studies(substream(2, "influence", str(rho)), replications=REPLICATIONS, share=share, reliability=rho)
    found = influence(made.initial, made.final)
    right, truth = corrected(found, rho), true_shares(share)[1]
    assert right.estimate.mean() == pytest.approx(truth, abs=0.02)
    assert right.estimate.mean() == pytest.approx(due, abs=0.012)
    if raw is not None:
        assert found.estimate.mean() == pytest.approx(raw, abs=0.009)
    if rho < 1 or share:  # without error and influence nothing is left over to doubt
        covered = ((right.low <= truth) & (truth <= right.high)).mean()
        assert 0.91 <= covered <= 0.99


def test_the_sum_of_partners_is_surer_than_the_first_alone() -> None:
    made = studies(substream(3, "first"), replications=REPLICATIONS, reliability=0.6)
    assert influence(made.initial, made.final).estimate.std() == pytest.approx(0.045, abs=0.004)
    assert influence(made.initial, made.final, partners=[0]).estimate.std() == pytest.approx(0.07, abs=0.006)


def test_the_estimator_is_least_squares_with_errors_by_group() -> None:
    """Coefficient and error of one study beside `compare.sandwich`, which R's clubSandwich checks."""
    made = studies(substream(4, "one"), share=0.2)
    x = made.initial[0]
    design = np.stack([np.ones(124), x.ravel(), (x.sum(1, keepdims=True) - x).ravel()], axis=1)
    fit = least_squares(design, made.final[0].reshape(-1, 1))
    covariance, _ = sandwich(design, fit, np.repeat(np.arange(31), 4), kind="CR2")
    found = influence(x, made.final[0])
    assert found.estimate[0] == pytest.approx(fit.beta[2, 0], rel=1e-9)
    assert found.se[0] == pytest.approx(covariance[0, 2, 2] ** 0.5, rel=1e-6)
    assert (found.high - found.estimate)[0] == pytest.approx(2.0423 * found.se[0], rel=1e-4)  # t(30) at .975
    assert (found.groups, found.people) == (31, 124)


def test_convergence_is_found_where_it_is_planted_and_not_where_it_is_not() -> None:
    """Reliability .6, 31 groups: .70 and .08 are due in 100 studies. The dossier measured .745, .43 and .03 with reliability .6
    before reports are cut to levels; here it is that of the levels, so that a little more is seen."""
    power = {}
    for share in (0.0, 0.15, 0.3):
        draw = substream(5, "convergence", str(share))
        people, twins = (studies(draw, replications=REPLICATIONS, share=w, reliability=0.6) for w in (0.0, share))
        power[share] = float(
            (convergence.found((people.initial, people.final), (twins.initial, twins.final)) <= 0.05).mean()
        )
    assert power[0.3] >= 0.70
    assert 0.40 < power[0.15] < 0.58
    assert power[0.0] <= 0.08


def test_twins_that_begin_where_their_people_do_are_compared_in_pairs() -> None:
    draw = substream(6, "pairs")
    people = studies(draw, replications=300, reliability=0.6)
    after = people.initial + 0.15 * (people.initial.mean(-1, keepdims=True) - people.initial)
    both = [
        convergence.found((people.initial, people.final), (people.initial, after), paired=p) <= 0.05
        for p in (False, True)
    ]
    assert both[1].mean() > both[0].mean() + 0.05 > 0.2


def test_reliability_is_estimated_from_people_whom_nobody_pulls_away() -> None:
    """62 groups, 60 studies: the mean's standard error is .07 / sqrt(60) = .009. Where meetings move people the estimate is too
    high by .07, for partners undo part of one's error; the corrected coefficient is then too low by a tenth, never too high."""
    for share, due in ((0.0, 0.70), (0.15, 0.77)):
        made = studies(substream(7, "reliability"), groups=62, replications=60, share=share, reliability=0.7)
        found = [reliability(a, b, draws=100, seed=k) for k, (a, b) in enumerate(zip(*made, strict=True))]
        rho, b, right = np.stack([f.estimate for f in found]).T
        assert rho.mean() == pytest.approx(due, abs=0.03)
        assert b == pytest.approx(influence(*made).estimate, abs=1e-9)
        assert right == pytest.approx(b / rho)
        truth = true_shares(share)[1]
        assert right.mean() == pytest.approx(truth, abs=0.02)
        held = np.mean([f.low[2] <= truth <= f.high[2] for f in found])
        assert held >= 0.87  # 60 studies at .95: three standard errors
    small = studies(substream(9, "small"), reliability=0.2)
    with pytest.raises(RefusedError, match="cannot be told from 0 in 31 groups"):
        reliability(small.initial[0], small.final[0], draws=100)
    with pytest.raises(RefusedError, match="give the reliability"):
        reliability(np.array([[2.5, -2.5, 2.5, -2.5]] * 5), np.zeros((5, 4)))


def test_calibration_says_what_so_many_groups_show() -> None:
    table = calibration(groups=31, reliability=0.6, replications=200, seed=1)
    assert table["share"].to_list() == [0.0, 0.15, 0.3]
    assert table["power"].to_list() == sorted(table["power"].to_list())
    assert (table["b / reliability"] - table["truth"]).abs().to_numpy().max() < 0.02
    more = calibration(groups=120, reliability=0.6, replications=200, seed=1)
    assert more["power"][1] > table["power"][1] + 0.2
    assert calibration(groups=31, reliability=0.6, replications=200, seed=1).equals(table)


def test_what_cannot_be_told_is_refused() -> None:
    ok = studies(substream(8), groups=5)
    with pytest.raises(RefusedError, match="2 groups of which 0 lack"):
        influence(ok.initial[:, :2], ok.final[:, :2])
    with pytest.raises(RefusedError, match="5 groups of which 1 lack"):
        influence(np.where(np.arange(4) + np.arange(5)[:, None] == 0, np.nan, ok.initial[0]), ok.final[0])
    with pytest.raises(RefusedError, match="do not vary enough"):
        influence(np.ones((5, 4)), ok.final[0])
    with pytest.raises(UsageError, match="reliability is 1.5"):
        corrected(influence(ok.initial, ok.final), 1.5)


def test_spread_counts_those_who_have_an_opinion() -> None:
    one = np.array([[1.0, 2.0, 3.0, np.nan]])
    assert convergence.spread(one).tolist() == [1.0]
    assert convergence.mean(one).tolist() == [2.0]
    assert np.isnan(convergence.mean(np.full((1, 4), np.nan))).all()
    flat = convergence.change(np.array([0.0, 0.0, 0.0]))
    assert (flat.p, flat.low) == (1.0, 0.0)
    assert convergence.change(np.full(3, 0.5)).p == 0.0
