"""Elimination against dense algebra, on patterns from nested to entangled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.compare import elimination
from sociolect.compare.elimination import factor, inverse_diagonal, plan, solve
from sociolect.errors import RefusedError


def entries(kind: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    if kind == "none":
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if kind == "chain":
        return np.arange(n - 1), np.arange(1, n)
    if kind == "star":
        return np.zeros(n - 1, dtype=np.int64), np.arange(1, n)
    half = n // 2
    pairs = np.unique(np.stack([rng.integers(0, half, 2 * n), half + rng.integers(0, n - half, 2 * n)]), axis=1)
    return pairs[0], pairs[1]


@settings(max_examples=30)
@given(st.sampled_from(["none", "chain", "star", "crossed"]), st.integers(2, 260), st.integers(0, 10**6))
def test_logdet_solution_and_inverse_are_those_of_the_dense_matrix(kind: str, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    low, high = entries(kind, n, rng)
    value = rng.uniform(0.1, 1, low.size)
    diagonal = np.ones(n)
    np.add.at(diagonal, low, value)
    np.add.at(diagonal, high, value)
    dense = np.diag(diagonal)
    dense[low, high] = dense[high, low] = value
    found = factor(plan(n, low, high), diagonal, value)
    right = rng.normal(size=(n, 3))
    assert found.logdet == pytest.approx(np.linalg.slogdet(dense)[1], rel=1e-11, abs=1e-11)
    assert solve(found, right) == pytest.approx(np.linalg.solve(dense, right), rel=1e-10, abs=1e-11)
    assert inverse_diagonal(found) == pytest.approx(np.diag(np.linalg.inv(dense)), rel=1e-10)


def test_levels_that_nest_leave_no_core_to_speak_of() -> None:
    inner = np.arange(3000)
    found = plan(4000, inner // 3, 1000 + inner)
    assert found.core <= 64
    assert sum(r.pair.size for r in found.rounds) == 0  # nothing is filled in


def test_a_core_that_fits_in_no_memory_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elimination, "_CORE", 100)
    rng = np.random.default_rng(0)
    low, high = entries("crossed", 1000, rng)
    with pytest.raises(RefusedError, match="form one dense block; at most 100 fit in memory: drop a crossed term"):
        plan(1000, np.repeat(low, 20), np.repeat(high, 20))


def test_rows_too_dense_for_their_pairs_go_to_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elimination, "_PAIRS", 50)
    rng = np.random.default_rng(1)
    low, high = entries("crossed", 300, rng)
    found = plan(300, low, high)
    assert sum(r.pair.size for r in found.rounds) <= 50
    assert found.core > 64


def test_a_matrix_that_is_not_positive_definite_is_refused() -> None:
    with pytest.raises(RefusedError, match="not positive definite"):
        factor(plan(2, np.array([0]), np.array([1])), np.array([1.0, 1.0]), np.array([2.0]))
