"""The multinomial logit against closed forms, its score equations and R's glm."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.compare.interval import FloatArray, IntArray
from sociolect.compare.multinomial_logit import multinomial_logit
from sociolect.errors import InputError

GOLDEN = json.loads((Path(__file__).parent / "golden" / "weighting.json").read_text())  # by weighting.R beside it


def drawn(n: int = 400, p: int = 3, c: int = 3, seed: int = 0) -> tuple[FloatArray, IntArray]:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, p - 1)) * 10.0 ** rng.integers(-3, 3, p - 1)])
    odds = x / x.std(0).clip(1e-9).max() @ rng.normal(size=(p, c)) + rng.gumbel(size=(n, c))
    codes = odds.argmax(1)
    codes[:c] = np.arange(c)
    return x, codes


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(2, 5), st.booleans())
def test_the_scores_balance(seed: int, p: int, c: int, weighted: bool) -> None:
    """The likelihood equations: what a category totals is what its chances say, in every column."""
    x, codes = drawn(p=p, c=c, seed=seed)
    weight = np.random.default_rng(seed).uniform(0.2, 5, len(x)) if weighted else np.ones(len(x))
    fit = multinomial_logit(x, codes, weights=weight)
    for k in range(c if not fit.separated else 0):
        total = (x * (weight * (codes == k))[:, None]).sum(0)
        said = (x * (weight * fit.probability[:, k])[:, None]).sum(0)
        assert said == pytest.approx(total, abs=1e-9 * (np.abs(x) * weight[:, None]).sum(0).max())
    assert fit.probability.sum(1) == pytest.approx(np.ones(len(x)), abs=1e-14)


def test_one_factor_gives_the_shares_of_its_cells() -> None:
    codes = np.repeat([0, 1, 2, 0, 1, 2], [5, 3, 2, 1, 7, 12])
    x = np.column_stack([np.ones(30), np.repeat([0.0, 1.0], [10, 20])])
    fit = multinomial_logit(x, codes)
    assert fit.probability[0] == pytest.approx([0.5, 0.3, 0.2], abs=1e-13)
    assert fit.probability[-1] == pytest.approx([0.05, 0.35, 0.6], abs=1e-11)
    assert fit.coefficients[:, 1] == pytest.approx(
        [np.log(0.2 / 0.5), np.log(0.6 / 0.05) - np.log(0.2 / 0.5)], abs=1e-10
    )
    # the variance of a log odds is the sum of one over each count: Woolf 1955
    error = np.linalg.inv(fit.information)[3, 3]
    assert error == pytest.approx(1 / 5 + 1 / 2 + 1 / 1 + 1 / 12, rel=1e-9)


def test_weights_are_counts() -> None:
    x, codes = drawn(60)
    times = np.random.default_rng(1).integers(1, 5, 60)
    once = multinomial_logit(x, codes, weights=times)
    spelt = multinomial_logit(np.repeat(x, times, axis=0), np.repeat(codes, times))
    assert once.coefficients == pytest.approx(spelt.coefficients, rel=1e-9)
    assert once.information == pytest.approx(spelt.information, rel=1e-9)
    assert once.deviance == pytest.approx(spelt.deviance, rel=1e-12)


def test_equal_to_glm_of_r() -> None:
    """The binary case of base R: chances, deviance and the standard errors of the slopes."""
    i = np.arange(600)
    z = ((37 * i) % 101) / 101 - 0.5
    kind = (i * i + i // 7) % 3
    close = ((i * i * 13 + 7 * i) % 97) / 97 < 0.3 + 0.4 * z
    x = np.column_stack([np.ones(600), z, kind == 1, kind == 2])
    fit = multinomial_logit(x, close.astype(int))
    assert fit.probability[[0, 1, 99, 599], 1] == pytest.approx(GOLDEN["glm"], abs=1e-12)
    assert fit.deviance == pytest.approx(GOLDEN["glm_deviance"], rel=1e-12)
    assert np.sqrt(np.diag(np.linalg.inv(fit.information))) == pytest.approx(GOLDEN["glm_se"], rel=1e-6)


def test_the_order_of_rows_and_a_warm_start_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, codes = drawn(6000, seed=3)
    order = np.random.default_rng(0).permutation(len(x))
    one = multinomial_logit(x, codes)
    monkeypatch.setattr("sociolect.compare.multinomial_logit._MANY", 1000)
    other = multinomial_logit(x[order], codes[order])
    assert other.probability == pytest.approx(one.probability[order], abs=1e-12)
    assert other.deviance == pytest.approx(one.deviance, rel=1e-12)


def test_a_bad_start_finds_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole Newton steps from here run away; halved ones come to the same end."""
    x, codes = drawn(400, seed=5)
    near = multinomial_logit(x, codes)
    monkeypatch.setattr(
        "sociolect.compare.multinomial_logit._start", lambda x, *_: np.tile([[4.0, -3.0]], (x.shape[1], 1))
    )
    far = multinomial_logit(x, codes)
    assert far.deviance == pytest.approx(near.deviance, rel=1e-12)
    assert far.probability == pytest.approx(near.probability, abs=1e-10)


def test_rare_categories_and_far_outliers_are_fitted() -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(5000), rng.standard_t(2, 5000)])
    codes = np.zeros(5000, dtype=int)
    codes[rng.choice(5000, 8, replace=False)] = 1
    fit = multinomial_logit(x, codes)
    assert not fit.separated
    assert x.T @ fit.probability[:, 1] == pytest.approx(x[codes == 1].sum(0), abs=1e-8)


@pytest.mark.parametrize("kind", ["whole", "level", "corner"])
def test_separated_categories_are_told(kind: str) -> None:
    n = np.arange(200)
    a, b = (n % 2).astype(float), ((n // 2) % 2).astype(float)
    codes = {"whole": (n > 99), "level": (n % 3 == 0) & (a == 0), "corner": (n % 3 == 0) & ((a == 0) | (b == 0))}[kind]
    design = {"whole": [n], "level": [a, b], "corner": [a, b, a * b]}[kind]
    assert multinomial_logit(np.column_stack([np.ones(200), *design]), codes.astype(int)).separated


@pytest.mark.parametrize(
    ("x", "codes", "weights", "said"),
    [
        (np.ones((4, 1)), [0, 1, 0], None, "due as"),
        (np.ones((4, 1)), [0.0, 1, 0, 1], None, "due as"),
        (np.ones((4, 1)), [0, 2, 0, 2], None, r"counted \[2, 0, 2\]"),
        (np.ones((4, 1)), [0, 0, 0, 0], None, "two or more are due"),
        (np.ones((4, 2)), [0, 1, 0, 1], None, "full rank"),
        (np.full((4, 1), np.nan), [0, 1, 0, 1], None, "not finite"),
        (np.ones((4, 1)), [0, 1, 0, 1], [1, 1, 0, 1], "above 0"),
        (np.ones((4, 1)), [0, 1, 0, 1], [1, 1], "above 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    x: FloatArray, codes: list[int], weights: list[float] | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        multinomial_logit(x, codes, weights=weights)
