"""Models compared: metafor's numbers on the BCG trials, Q at its level under equality, a model that is off is seen."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.compare.heterogeneity import heterogeneity, random_effects
from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, RefusedError, UsageError

GOLDEN = json.loads((Path(__file__).parent / "golden" / "honest.json").read_text())  # by honest.R: metafor 3.8


@pytest.mark.parametrize("method", ["REML", "DL"])
def test_equal_to_metafor_on_the_bcg_trials(method: str) -> None:
    found = random_effects(np.array(GOLDEN["bcg_y"]), np.array(GOLDEN["bcg_v"]), method=method)
    mean, error, low, high, p, tau2, i2, q, p_q, _, predicted_high = GOLDEN[f"bcg_{method}"]
    ours = [found.estimate, found.error, found.low, found.high, found.p, found.tau2, found.i2, found.q, found.p_q]
    np.testing.assert_allclose(ours, [mean, error, low, high, p, tau2, i2, q, p_q], rtol=1e-8)
    # metafor predicts with t at 12 degrees of freedom, 2.178813; Higgins et al. (2009) with 11, 2.200985
    assert found.predicted_high - found.estimate == pytest.approx(
        (predicted_high - mean) * 2.20098516 / 2.17881283, rel=1e-7
    )
    if method == "REML":
        # as printed in metafor's documentation: tau2 .3132, I2 92.22 %, Q 152.2330
        assert (round(found.tau2, 4), round(found.i2, 4), round(found.q, 4)) == (0.3132, 0.9222, 152.2330)


def test_correlated_errors_are_those_of_rma_mv() -> None:
    found = random_effects(np.array(GOLDEN["bcg_y"][:6]), np.diag(GOLDEN["bcg_v"][:6]) + 0.01)
    mean, error, tau2, q, p_q = GOLDEN["mv"]
    np.testing.assert_allclose([found.estimate, found.tau2, found.q, found.p_q], [mean, tau2, q, p_q], rtol=1e-6)
    # rma.mv's error is the model-based one; Hartung and Knapp's is it times the root of e'V^-1 e / (k - 1)
    v = np.diag(GOLDEN["bcg_v"][:6]) + 0.01 + found.tau2 * np.eye(6)
    e = np.array(GOLDEN["bcg_y"][:6]) - found.estimate
    assert found.error == pytest.approx(error * (e @ np.linalg.solve(v, e) / 5) ** 0.5, rel=1e-6)


def test_q_keeps_its_level_under_equality_also_where_models_share_people() -> None:
    rng = np.random.default_rng(1)
    sizes = np.array([0.03, 0.05, 0.04, 0.08])
    shared = 0.06  # the error of the human arm, the same in all four
    covariance = np.diag(sizes**2) + shared**2
    found = []
    for _ in range(1000):
        b = 0.4 + sizes * rng.normal(size=4) + shared * rng.normal()
        found.append([random_effects(b, c, method="DL").p_q < 0.05 for c in (covariance, np.diag(covariance))])
    joint, apart = np.mean(found, axis=0)
    # 5 % +- 2.5 standard errors of 1,000 worlds
    assert 0.033 <= joint <= 0.067
    assert apart < 0.01  # taken as independent, Q hardly ever rejects: why the matrix is asked for


def test_a_model_off_by_15_hundredths_is_seen() -> None:
    rng = np.random.default_rng(2)
    seen = [
        random_effects(np.array([0.4, 0.4, 0.4, 0.4, 0.55]) + 0.03 * rng.normal(size=5), np.full(5, 0.03**2)).p_q < 0.05
        for _ in range(200)
    ]
    assert np.mean(seen) >= 0.95


def test_mean_and_prediction_cover() -> None:
    rng = np.random.default_rng(3)
    held = []
    for _ in range(300):
        size = rng.uniform(0.03, 0.08, 6)
        true = 0.3 + 0.15 * rng.normal(size=7)
        found = random_effects(true[:6] + size * rng.normal(size=6), size**2)
        held.append((found.low <= 0.3 <= found.high, found.predicted_low <= true[6] <= found.predicted_high))
    mean, predicted = np.mean(held, axis=0)
    assert 0.92 <= mean <= 0.98
    assert 0.88 <= predicted <= 0.98


# The deviance has minima at .00248 (6.49) and .703 (6.86), and at .00444 (8.94) and 2.226 (7.74).
@pytest.mark.parametrize(
    ("b", "v", "due"),
    [
        (np.array([4.1, 0.3, 1.4, 0.5]), np.array([2.0, 0.02, 1.0, 0.04]), 0.00248),
        (np.array([-0.2, 3.7, -0.1, 0.0]), np.array([0.0005, 1.0, 0.005, 0.06]), 2.226),
    ],
)
def test_two_maxima_of_the_restricted_likelihood_give_the_greater(b: FloatArray, v: FloatArray, due: float) -> None:
    found = random_effects(b, v)

    def deviance(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float(-np.log(w).sum() + np.log(w.sum()) + w @ (b - (w @ b) / w.sum()) ** 2)

    assert found.tau2 == pytest.approx(due, rel=0.01)
    assert deviance(found.tau2) <= min(deviance(t) for t in np.linspace(0, 12, 4000)) + 1e-9


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-2, 2), min_size=2, max_size=6),
    st.floats(-3, 3),
    st.floats(0.1, 10),
)
def test_shift_and_scale_carry_over(b: list[float], shift: float, scale: float) -> None:
    v = np.linspace(0.02, 0.1, len(b))
    one, two = random_effects(np.array(b), v), random_effects(np.array(b) * scale + shift, v * scale**2)
    assert two.estimate == pytest.approx(one.estimate * scale + shift, abs=1e-6)
    assert two.tau2 == pytest.approx(one.tau2 * scale**2, abs=1e-7 * scale**2)
    assert two.q == pytest.approx(one.q, rel=1e-7, abs=1e-7)


def rows() -> pl.DataFrame:
    return pl.DataFrame({
        "measure": ["thankful"] * 3 + ["funny"] * 2, "contrast": ["close"] * 5, "model": ["a", "b", "c", "a", "b"],
        "estimate": [0.1, 0.3, 0.5, 0.2, None], "se": [0.1, 0.1, 0.1, 0.1, None], "n": [100] * 5,
    })  # fmt: skip


def test_the_frame_counts_what_it_leaves_out_and_says_what_it_cannot() -> None:
    found = heterogeneity(rows()).sort("measure")
    funny, thankful = found.to_dicts()
    assert (funny["estimate"], funny["left_out"], funny["models"]) == (None, 1, 1)
    assert funny["verdict"] == "not identified: 1 of 2 models have a number, two are due"
    # equal errors of .1: mean .3, Q = .08 / .01 = 8, p = exp(-4), tau2 = .04 - .01
    assert thankful["estimate"] == pytest.approx(0.3)
    assert thankful["p_q"] == pytest.approx(np.exp(-4))
    assert (thankful["tau2"], thankful["n"], thankful["verdict"]) == (pytest.approx(0.03), 300, "models differ")
    two = heterogeneity(rows().filter(pl.col("model") != "c", pl.col("measure") == "thankful"))
    assert (two["predicted_low"][0], two["verdict"][0]) == (None, "not told apart")
    assert heterogeneity(rows()[::-1]).equals(heterogeneity(rows()))


def test_refusals() -> None:
    with pytest.raises(RefusedError, match="1 model"):
        random_effects(np.array([0.1]), np.array([0.1]))
    with pytest.raises(InputError, match="positive definite"):
        random_effects(np.array([0.1, 0.2]), np.array([0.1, 0.0]))
    with pytest.raises(InputError, match=r"\(2,\) estimates with a covariance of shape \(3,\)"):
        random_effects(np.array([0.1, 0.2]), np.ones(3))
    with pytest.raises(UsageError, match="no method of random effects 'PM'"):
        random_effects(np.array([0.1, 0.2]), np.ones(2), method="PM")
    with pytest.raises(UsageError, match="level is 95"):
        random_effects(np.array([0.1, 0.2]), np.ones(2), level=95)
    with pytest.raises(InputError, match="no column 'se'"):
        heterogeneity(rows().drop("se"))
    with pytest.raises(InputError, match="3 rows repeat a model"):
        heterogeneity(pl.concat([rows(), rows()[:3]]))
    with pytest.raises(UsageError, match="measure and contrast are due"):
        heterogeneity(rows(), by=["measure"])
