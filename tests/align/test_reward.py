import numpy as np
import pytest

from sociolect.align.reward import accuracy, log_likelihood, reward
from sociolect.align.reward_groups import held_out, how_many, reward_groups, split
from sociolect.errors import InputError, RefusedError, UsageError


def choices(truth: np.ndarray, users: int, pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pairs of replies with Gaussian features, chosen by each user's own weights (users, features)."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(users), pairs)
    a, b = rng.normal(size=(2, len(who), truth.shape[1]))
    first = rng.random(len(who)) < 1 / (1 + np.exp(-((a - b) * truth[who]).sum(1)))
    names = [f"u{i:03d}" for i in who]
    return np.where(first[:, None], a, b), np.where(first[:, None], b, a), names


TWO = np.array([[2.0, 0.0, 0.0]] * 20 + [[-1.2, 1.6, 0.0]] * 8)


def test_the_planted_reward_comes_back() -> None:
    truth = np.array([1.0, -2.0, 0.5])
    a, b, _ = choices(np.tile(truth, (200, 1)), 200, 50, 0)
    assert reward(a, b, l2=1e-6) == pytest.approx(truth, abs=0.12)


def test_it_is_a_logistic_regression_without_intercept() -> None:
    """sklearn's LogisticRegression on mirrored pairs: its C is 1 / (pairs x l2)."""
    from sklearn.linear_model import LogisticRegression

    a, b, _ = choices(TWO, 28, 10, 1)
    x = np.concatenate([a - b, b - a])
    y = np.repeat([1, 0], len(a))
    peer = LogisticRegression(C=1 / (len(x) * 0.05), fit_intercept=False, tol=1e-10, max_iter=1000).fit(x, y)
    assert reward(a, b, l2=0.05) == pytest.approx(peer.coef_[0], abs=1e-5)


def test_likelihood_and_accuracy_are_those_of_the_choices() -> None:
    x = np.array([[1.0], [-2.0], [0.0]])
    assert log_likelihood(np.array([1.0]), x) == pytest.approx(np.log(1 / (1 + np.exp([-1.0, 2.0, 0.0]))))
    assert accuracy(np.array([1.0]), x).tolist() == [1.0, 0.0, 0.5]


def test_the_planted_groups_come_back_whatever_they_are_called_and_however_rows_stand() -> None:
    a, b, users = choices(TWO, 28, 15, 2)
    found = reward_groups(a, b, users, starts=3, seed=1)
    assert found.group.tolist() == [0] * 20 + [1] * 8
    order = np.random.default_rng(9).permutation(len(users))
    again = reward_groups(a[order], b[order], [users[i] for i in order], starts=3, seed=1)
    assert again.weights.tobytes() == found.weights.tobytes()
    assert again.log_likelihood == found.log_likelihood
    renamed = reward_groups(a, b, [u.replace("u", "v") for u in users], starts=3, seed=1)
    assert renamed.weights.tobytes() == found.weights.tobytes()
    direction = found.weights / np.linalg.norm(found.weights, axis=1, keepdims=True)
    assert direction[0] @ [1, 0, 0] > 0.95
    assert direction[1] @ [-0.6, 0.8, 0] > 0.9


def test_the_best_of_several_starts_is_kept_and_no_start_is_the_same_as_another() -> None:
    a, b, users = choices(TWO, 28, 3, 3)
    found = reward_groups(a, b, users, starts=8, seed=0)
    assert found.log_likelihood == max(found.starts)
    assert len(set(found.starts)) > 1  # with so few pairs some starts end worse
    assert len(found.starts) == 8


def test_held_out_users_are_measured_on_pairs_that_did_not_place_them() -> None:
    a, b, users = choices(TWO, 28, 20, 4)
    found = reward_groups(a, b, users, starts=3)
    ha, hb, names = choices(np.concatenate([TWO[:10], TWO[-10:]]), 20, 20, 5)
    told = held_out(found.weights, ha, hb, names)
    assert (told.group == np.repeat([0, 1], 10)).sum() >= 18
    assert told.pairs.tolist() == [10] * 20
    one = held_out(reward_groups(a, b, users, groups=1).weights, ha, hb, names)
    assert told.log_likelihood.mean() > one.log_likelihood.mean() + 0.1
    assert told.accuracy.mean() > one.accuracy.mean() + 0.1
    three = held_out(reward_groups(a, b, users, groups=3, starts=3).weights, ha, hb, names)
    assert how_many([part.log_likelihood for part in (one, told, three)]) == 2


def test_where_all_share_a_reward_two_groups_say_no_more_of_others_than_one() -> None:
    same = np.tile([1.0, -1.0, 0.5], (24, 1))
    a, b, users = choices(same, 24, 20, 6)
    ha, hb, names = choices(same, 24, 20, 7)
    curve = [held_out(reward_groups(a, b, users, groups=n, starts=3).weights, ha, hb, names) for n in (1, 2)]
    assert curve[1].log_likelihood.mean() <= curve[0].log_likelihood.mean() + 0.005
    assert how_many([c.log_likelihood for c in curve]) == 1


def test_a_placing_pair_is_not_counted_as_evidence() -> None:
    """A user of pure noise, placed by the same pairs, would look foretold: over other pairs half are right."""
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(2, 4000, 2))
    told = held_out(np.array([[5.0, 0.0], [-5.0, 0.0]]), a, b, [f"u{i // 4:04d}" for i in range(4000)])
    assert told.accuracy.mean() == pytest.approx(0.5, abs=0.04)


def test_unequal_groups_are_held_out_by_user_and_apart() -> None:
    users = [f"many{i}" for i in range(40) for _ in range(5)] + [f"few{i}" for i in range(4) for _ in range(50)]
    out = split(users, share=0.25, seed=1)
    there = {u for u, o in zip(users, out, strict=True) if bool(o)}
    rest = {u for u, o in zip(users, out, strict=True) if not o}
    assert not there & rest
    assert len(there) == 11
    assert there | rest == set(users)
    assert (out == split(users, share=0.25, seed=1)).all()


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: reward([[1.0]], [[1.0, 2.0]]), InputError, "pairs x features"),
        (lambda: reward([[np.nan]], [[1.0]]), InputError, "1 of 1 pairs"),
        (lambda: reward(np.zeros((0, 2)), np.zeros((0, 2))), RefusedError, "no pair"),
        (lambda: reward([[1.0]], [[0.0]], l2=0), InputError, "l2 is 0"),
        (lambda: reward_groups([[1.0]], [[0.0]], ["a"]), RefusedError, "1 users cannot be 2 groups"),
        (lambda: reward_groups([[1.0]], [[0.0]], ["a", "b"]), InputError, "2 users for 1 pairs"),
        (lambda: reward_groups([[1.0]], [[0.0]], ["a"], groups=0), UsageError, "groups=0"),
        (lambda: reward_groups(np.zeros((0, 1)), np.zeros((0, 1)), []), RefusedError, "no pair"),
        (lambda: held_out(np.ones((1, 1)), [[1.0]], [[0.0]], ["a"]), InputError, "1 of 1 held-out users have one pair"),
        (lambda: split(["a", "a"]), RefusedError, "1 users"),
        (lambda: split(["a", "b"], share=1.0), UsageError, "between 0 and 1"),
    ],
)
def test_what_cannot_be_learnt_is_refused(call: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()  # type: ignore[operator]  # each is a function without arguments
