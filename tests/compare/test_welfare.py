import numpy as np
import pytest

from sociolect.compare import welfare
from sociolect.errors import InputError


def test_two_losses_are_no_bargain_and_the_pareto_set_is_the_bargains() -> None:
    """Dossier 33: by product, (-3, -2) beats (2, 1) and (1.5, 1.5); the Pareto set is the other two."""
    payoffs = [(-3, -2), (2, 1), (1.5, 1.5)]
    assert welfare.pareto(payoffs).tolist() == [False, True, True]
    product = welfare.nash_product(payoffs)
    assert np.isnan(product[0])
    assert product[1:].tolist() == [2.0, 2.25]
    assert np.isnan(welfare.nash_product([1, 2], disagreement=[1, 0]))


def test_gini_is_the_mean_absolute_difference() -> None:
    """Dossier 40: (1, 1, 1, 1) is 0, (0, 0, 0, 1) is .75; the double sum of its definition on random numbers."""
    assert welfare.gini([[1, 1, 1, 1], [0, 0, 0, 1]]).tolist() == [0.0, 0.75]
    x = np.random.default_rng(0).gamma(2, size=(5, 7))
    due = np.abs(x[:, :, None] - x[:, None, :]).sum((1, 2)) / (2 * 7**2 * x.mean(1))
    assert welfare.gini(x) == pytest.approx(due, abs=1e-12)
    assert np.isnan(welfare.gini([0.0, 0.0]))


def test_percentiles_are_those_of_r() -> None:
    """R: quantile(c(3, 1, 4, 1, 5, 9, 2, 6), .2) is 1.4 (type 7)."""
    assert float(welfare.percentile([3, 1, 4, 1, 5, 9, 2, 6])) == pytest.approx(1.4)
    assert float(welfare.percentile([3, 1, 4], 50)) == 3.0


def test_cobb_douglas_weighs_by_shares() -> None:
    assert float(welfare.cobb_douglas([0.5, 0.8])) == pytest.approx(0.4**0.5)
    assert float(welfare.cobb_douglas([4, 9], [3, 1])) == pytest.approx(4**0.75 * 9**0.25)
    assert float(welfare.cobb_douglas([0, 9])) == 0.0


def test_maximin_totals_and_the_worst_group() -> None:
    options = [[5, 5], [0, 12], [5, 6]]
    assert welfare.maximin(options) == 2
    assert welfare.total(options).tolist() == [10, 12, 11]
    assert welfare.minimum(options).tolist() == [5, 0, 5]
    assert welfare.worst_group([0.4, 0.4, 0.9], ["b", "a", "c"]) == ("a", 0.4)


def test_nobody_is_left_on_a_dominated_option() -> None:
    x = np.random.default_rng(1).integers(0, 4, size=(60, 3)).astype(float)
    kept = welfare.pareto(x)
    for i in range(len(x)):
        beaten = [j for j in range(len(x)) if (x[j] >= x[i]).all() and (x[j] != x[i]).any()]
        assert kept[i] == (not beaten)


def test_a_win_rate_is_that_of_simulated_duels() -> None:
    rng = np.random.default_rng(2)
    rewards, policy, reference = rng.normal(size=(2, 5)), np.array([0.5, 0.2, 0.1, 0.1, 0.1]), np.full(5, 0.2)
    found = welfare.win_rate(policy, reference, rewards)
    a, b = rng.choice(5, 200_000, p=policy), rng.choice(5, 200_000, p=reference)
    for group, reward in enumerate(rewards):
        won = rng.random(200_000) < 1 / (1 + np.exp(reward[b] - reward[a]))
        assert found[group] == pytest.approx(won.mean(), abs=0.005)
    assert welfare.win_rate(reference, reference, rewards) == pytest.approx([0.5, 0.5])


def test_an_empty_reply_loses_and_two_of_them_are_even() -> None:
    rewards = [[-np.inf, 0.0]]
    assert welfare.win_rate([1, 0], [0, 1], rewards).tolist() == [0.0]
    assert welfare.win_rate([0, 1], [1, 0], rewards).tolist() == [1.0]
    assert welfare.win_rate([1, 0], [1, 0], rewards).tolist() == [0.5]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: welfare.total([np.nan, 1]), "1 utilities are not finite"),
        (lambda: welfare.minimum([]), "shape"),
        (lambda: welfare.gini([-1, 2]), "Gini is undefined for 1 utilities below 0"),
        (lambda: welfare.cobb_douglas([-1, 2]), "below 0"),
        (lambda: welfare.cobb_douglas([1, 2], [0, 0]), "not all 0"),
        (lambda: welfare.percentile([1, 2], 101), "no percentile 101"),
        (lambda: welfare.pareto([1, 2]), "options x those affected"),
        (lambda: welfare.worst_group([0.1], ["a", "b"]), "one for each of 2 groups"),
        (lambda: welfare.win_rate([1, 0], [1.0], [[1, 2]]), "do not speak of the same replies"),
        (lambda: welfare.win_rate([0.4, 0], [0.5, 0.5], [[1, 2]]), "does not sum to 1"),
    ],
)
def test_what_cannot_be_said_is_refused(call: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        call()  # type: ignore[operator]  # each is a function without arguments
