import numpy as np
import pytest

from sociolect.align.tilted import (
    at_kl,
    kl_of,
    max_min,
    nash,
    per_sample_min,
    same_kl,
    standardised,
    tilted,
)
from sociolect.errors import InputError, RefusedError

EXTREMES = np.array([[1, 0, 0.4], [0, 1, 0.4]])


def test_the_policy_is_the_closed_form_at_the_kl_that_was_asked() -> None:
    s = np.random.default_rng(0).normal(size=(3, 50)) * [[1], [10], [0.01]]
    ref = np.random.default_rng(1).dirichlet(np.ones(50))
    found = tilted(s, kl=0.7, reference=ref)
    assert found.kl == pytest.approx([0.7] * 3, abs=1e-9)
    for row, policy, beta in zip(s, found.policy, found.beta, strict=True):
        due = ref * np.exp((row - row.max()) / beta)
        assert policy == pytest.approx(due / due.sum(), rel=1e-8)
    assert kl_of(ref, ref) == 0


def test_no_policy_at_this_kl_has_a_larger_mean_score() -> None:
    rng = np.random.default_rng(3)
    s = rng.normal(size=20)
    best = tilted(s, kl=0.5)
    others = tilted(rng.normal(size=(300, 20)), kl=0.5).policy
    assert (others @ s).max() < best.policy @ s


def test_the_minimum_of_the_means_is_not_the_mean_of_the_minima() -> None:
    """The dossier's trap: max-min of expectations mixes the two extremes, the minimum per sample picks the third reply."""
    mixed = max_min(EXTREMES, at_kl(0.39))
    policy = tilted(mixed @ EXTREMES, kl=0.39).policy
    assert policy[0] == pytest.approx(policy[1], abs=1e-9)
    assert policy[0] == pytest.approx(0.5, abs=0.02)
    third = tilted(per_sample_min(EXTREMES), kl=0.39).policy
    assert third[2] > 0.6 > third[0]


def test_scales_do_not_decide_who_is_worst_off() -> None:
    rng = np.random.default_rng(4)
    rewards = rng.normal(size=(2, 80))
    louder = rewards * [[1.0], [10.0]]
    one, two = (max_min(standardised(r), at_kl(1.0)) for r in (rewards, louder))
    assert one.tolist() == two.tolist()
    raw = max_min(louder, at_kl(1.0))
    assert raw.tolist() != one.tolist()  # without standardising the loud reward decides


def test_the_search_among_three_groups_ends_where_the_grid_of_two_does() -> None:
    """A third reward that is one of the two changes nothing: the worst off are as well off as with two."""
    rng = np.random.default_rng(5)
    z = standardised(rng.normal(size=(2, 60)))
    three = np.stack([z[0], z[1], z[1]])

    def least(z: np.ndarray, weight: np.ndarray) -> float:
        return float((tilted(weight @ z, kl=0.8).policy @ z.T).min())

    assert least(three, max_min(three, at_kl(0.8))) == pytest.approx(least(z, max_min(z, at_kl(0.8))), abs=0.02)
    assert np.prod(tilted(nash(three, at_kl(0.8)) @ three, kl=0.8).policy @ three.T) >= 0.98 * np.prod(
        tilted(np.full(3, 1 / 3) @ three, kl=0.8).policy @ three.T
    )


def test_nash_is_the_best_product_on_the_way_and_refuses_where_there_is_none() -> None:
    rng = np.random.default_rng(6)
    z = standardised(rng.normal(size=(2, 60)))
    grid = np.linspace(0, 1, 41)
    gains = np.array([tilted(np.array([w, 1 - w]) @ z, kl=0.5).policy @ z.T for w in grid])
    product = np.where((gains > 0).all(1), gains.prod(1), -1)
    assert nash(z, at_kl(0.5))[0] == pytest.approx(grid[product.argmax()])
    with pytest.raises(RefusedError, match="no bargain"):
        nash(np.stack([z[0], -z[0] + 1e-9 * z[1]]), at_kl(0.5))


def test_one_group_is_its_own_mixture() -> None:
    assert max_min(np.array([[1.0, -1.0]]), at_kl(0.1)).tolist() == [1.0]


@pytest.mark.parametrize(
    ("scores", "kl", "reference", "error", "said"),
    [
        ([1.0, 1.0, 0.0], 0.5, None, RefusedError, "always giving the best replies is 0.405 nats away"),
        ([1.0, 1.0], 0.1, None, RefusedError, "cannot be followed"),
        ([1.0, np.nan], 0.1, None, InputError, "1 scores are not finite"),
        ([1.0, 0.0], 0.0, None, InputError, "above 0 is due"),
        ([1.0, 0.0], 0.1, [0.9, 0.3], InputError, "sum to 1"),
    ],
)
def test_what_has_no_policy_is_refused(
    scores: list[float], kl: float, reference: list[float] | None, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        tilted(scores, kl=kl, reference=reference)


def test_arms_apart_in_kl_and_constant_rewards_are_refused() -> None:
    with pytest.raises(RefusedError, match=r"0.03 nats of KL apart \(a 1, b 1.03\)"):
        same_kl([1.0, 1.03], ["a", "b"])
    same_kl([1.0, 1.0199], ["a", "b"])
    with pytest.raises(RefusedError, match="the same for every reply"):
        standardised([[1.0, 2.0], [3.0, 3.0]])
