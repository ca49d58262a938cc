"""Sums of groups: the same in one piece or in batches, exact far from 0; aliased columns by name."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.compare import group_sums as module
from sociolect.compare.group_sums import gathered, standardised, summed
from sociolect.errors import RefusedError

GENERATOR = np.random.default_rng(5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 40), min_size=1, max_size=4), st.booleans())
def test_batches_of_any_size_give_the_sums_of_the_whole(seed: int, cuts: list[int], weighted: bool) -> None:
    generator = np.random.default_rng(seed)
    n, groups = sum(cuts), 4
    x, y, codes = generator.normal(100, 1, (n, 2)), generator.normal(size=(n, 1)), generator.permutation(n) % groups
    w = generator.uniform(0.1, 3, n) if weighted else None
    codes = np.unique(codes, return_inverse=True)[1]
    size = int(codes.max()) + 1
    ends = np.cumsum([0, *cuts])
    parts = [(np.hstack([x, y])[a:b], codes[a:b], None if w is None else w[a:b]) for a, b in pairwise(ends)]
    found, whole = gathered(parts, size, 3), summed(x, y, codes, w, size)
    for a, b in ((found.weight, whole.weight), (found.mean, whole.mean), (found.within, whole.within)):
        assert a == pytest.approx(b, rel=1e-10, abs=1e-10)
    assert found.n == n
    assert found.log_weight == pytest.approx(whole.log_weight)


def test_the_sums_are_those_of_the_definition() -> None:
    z, w, codes = GENERATOR.normal(size=(30, 3)), GENERATOR.uniform(1, 2, 30), np.arange(30) % 4
    found = summed(z[:, :2], z[:, 2:], codes, w, 4)
    means = np.stack([np.average(z[codes == g], axis=0, weights=w[codes == g]) for g in range(4)])
    left = z - means[codes]
    assert found.mean == pytest.approx(means)
    assert found.within == pytest.approx((left * w[:, None]).T @ left)
    assert found.weight == pytest.approx(np.bincount(codes, w))


def test_columns_far_from_zero_cost_no_digits() -> None:
    near = GENERATOR.normal(size=(500, 1))
    codes = np.arange(500) % 7
    far = summed(near + 1e8, near, codes, None, 7)
    assert far.within[0, 0] == pytest.approx(far.within[1, 1], rel=1e-7)  # 1e8 itself leaves 8 digits of the column


def _refusal(x: np.ndarray, names: tuple[str, ...]) -> str:
    sums = summed(x, np.ones((len(x), 1)), np.arange(len(x)) % 3, None, 3)
    with pytest.raises(RefusedError) as caught:
        standardised(sums, names, ("y",))
    return str(caught.value)


def test_aliased_and_constant_columns_are_all_named() -> None:
    a, b = GENERATOR.normal(size=(2, 50))
    one = np.ones(50)
    said = _refusal(
        np.stack([one, a, b, 2 * a - b + 3, 7 * one, a + 1e-9 * b], axis=1), ("Intercept", "a", "b", "c", "k", "d")
    )
    assert "column 'k' is constant, aliased with 'Intercept'" in said
    assert "column 'c' is made up by 'a', 'b'" in said
    assert "column 'd' is made up by 'a'" in said
    assert "'b' is made up" not in said


def test_nearly_aliased_columns_are_fitted() -> None:
    a, b = GENERATOR.normal(size=(2, 50))
    x = np.stack([np.ones(50), a, a + 1e-4 * b], axis=1)
    standardised(summed(x, a[:, None], np.arange(50) % 3, None, 3), ("Intercept", "a", "b"), ("y",))


def test_zero_columns_and_too_few_rows() -> None:
    assert "column 'z' is 0 in every row" in _refusal(np.stack([np.ones(9), np.zeros(9)], axis=1), ("Intercept", "z"))
    assert "3 rows cannot tell 4 columns apart" in _refusal(GENERATOR.normal(size=(3, 4)), tuple("abcd"))


def test_the_way_back_undoes_the_standard() -> None:
    x = np.stack([np.full(40, 2.0), GENERATOR.normal(2024, 3, 40), GENERATOR.normal(0.5, 1e-3, 40)], axis=1)
    beta = np.array([[1.0], [-0.2], [30.0]])
    y = x @ beta
    found = standardised(summed(x, y, np.arange(40) % 5, None, 5), ("i", "a", "b"), ("y",))
    whole = found.within + found.mean.T @ found.mean * 8
    standard = np.linalg.solve(whole[:3, :3], whole[:3, 3:])
    assert found.back @ standard * found.unit + found.shift == pytest.approx(beta, rel=1e-9)
    assert found.log_scale == pytest.approx(-np.linalg.slogdet(found.back)[1])


def test_rows_of_many_batches_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(6)
    x, y, codes = generator.normal(5, 1, (50, 2)), generator.normal(size=(50, 1)), np.arange(50) % 6
    z, w = np.hstack([x, y]), generator.uniform(1, 2, 50)
    mean = np.stack([np.average(z[codes == g], axis=0, weights=w[codes == g]) for g in range(6)])
    left = z - mean[codes]
    monkeypatch.setattr(module, "BATCH", 7)
    found = module.summed(x, y, codes, w, 6)
    assert found.mean == pytest.approx(mean, rel=1e-12)
    assert found.within == pytest.approx(left.T @ (left * w[:, None]), rel=1e-10)
    plain, whole = module.standardised(found, ("a", "b"), ("y",)), np.hstack([x, y])
    turned = plain.within + plain.mean.T @ (plain.mean * found.weight[:, None])
    due = whole.T @ (whole * w[:, None])
    assert turned == pytest.approx(due / np.sqrt(np.outer(np.diag(due), np.diag(due))) * w.sum(), rel=1e-10)
