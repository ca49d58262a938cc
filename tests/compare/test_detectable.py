"""At the effect that a plan calls detectable, the study's own test rejects in 80 % of small worlds; at 0 in 5 %."""

import math

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.detectable import (
    Doubt,
    coefficient,
    contrast_variance,
    detectable,
    paired,
    rank_test,
    rejected,
    share,
)
from sociolect.compare.differences import differences
from sociolect.compare.multiplicity import holm
from sociolect.compare.power import random_intercept_study
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import KEYS, Scores

WORLDS = 600


def regression(*, between: bool, groups: int = 60, each: int = 5, icc: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """One binary covariate, balanced within groups or between them."""
    codes = np.repeat(np.arange(groups), each)
    rng = np.random.default_rng(5)
    told = (np.arange(groups) % 2)[codes] if between else rng.permuted(np.arange(groups * each) % 2)
    return np.column_stack([np.ones(len(codes)), told - told.mean()]), codes


@pytest.mark.parametrize("between", [False, True])
def test_a_regression_with_clustered_errors_rejects_in_80_of_100_worlds_at_its_detectable_effect(between: bool) -> None:
    x, codes = regression(between=between)
    doubt = coefficient(1.0, n=300, groups=60, icc=0.3, variance=0.25, between=between)
    study = random_intercept_study(x, codes, column=1, tau2=0.3, sigma2=0.7, errors="CR1")
    found, chance = (
        np.concatenate([study(e, range(i, i + 50)) for i in range(0, WORLDS, 50)]) for e in (detectable(doubt), 0.0)
    )
    assert abs((found <= 0.05).mean() - 0.8) < 0.05
    assert abs((chance <= 0.05).mean() - 0.05) < 0.025


def test_under_holm_the_one_true_coefficient_among_eight_is_found_in_80_of_100_worlds() -> None:
    x, codes = regression(between=False)
    doubt = coefficient(1.0, n=300, groups=60, icc=0.3, variance=0.25)
    study = random_intercept_study(x, codes, column=1, tau2=0.3, sigma2=0.7, errors="CR1")
    effect = detectable(doubt, family=8)
    true = study(effect, range(400))
    nulls = np.stack([study(0.0, range(10_000 * k, 10_000 * k + 400)) for k in range(1, 8)])
    held = [holm([float(p), *map(float, others)])[0] for p, others in zip(true, nulls.T, strict=True)]
    assert abs(np.mean([p is not None and p <= 0.05 for p in held]) - 0.8) < 0.05
    assert effect > 1.2 * detectable(doubt)


def arms(effect: float, seed: int, *, topics: int, templates: int, icc: tuple[float, float]) -> Scores:
    """Two arms on the same topics and templates; what topics and templates do to the difference is drawn."""
    rng = np.random.default_rng(seed)
    t, u = np.repeat(np.arange(topics), templates), np.tile(np.arange(templates), topics)
    gap = icc[0] ** 0.5 * rng.normal(size=topics)[t] + icc[1] ** 0.5 * rng.normal(size=templates)[u]
    gap = effect + gap + (1 - sum(icc)) ** 0.5 * rng.normal(size=t.size)
    parts = [
        pl.DataFrame({
            "speaker": "m", "source": "model", "community": "c", "item": [f"{a}|{b}" for a, b in zip(t, u, strict=True)], "condition": arm,
            "draw": 0, "turn": 0, "measure": "x", "value": gap if arm == "aligned" else np.zeros(t.size),
            "topic": [f"t{a}" for a in t], "template": [f"u{b}" for b in u],
        })
        for arm in ("aligned", "in_context")
    ]  # fmt: skip
    return frames.scores(
        pl.concat(parts)
        .with_columns(pl.col("draw", "turn").cast(pl.Int64))
        .select(*KEYS, "measure", "value", "topic", "template")
    )


def rejections(effect: float, worlds: int, clusters: tuple[str, ...], **sizes: object) -> float:
    found = [
        differences(arms(effect, seed, **sizes), clusters=clusters, draws=300, seed=seed)["p"][0]  # type: ignore[arg-type]  # the sizes of a world
        for seed in range(worlds)
    ]
    return float(np.mean([p <= 0.05 for p in found]))


def test_the_cluster_bootstrap_rejects_in_80_of_100_worlds_at_its_detectable_difference() -> None:
    doubt = paired(1.0, n=120, clusters=[(12, 0.2)])
    sizes = {"topics": 12, "templates": 10, "icc": (0.2, 0.0)}
    assert abs(rejections(detectable(doubt), 150, ("topic",), **sizes) - 0.8) < 0.09
    assert rejections(0.0, 100, ("topic",), **sizes) < 0.05 + 4 * (0.05 * 0.95 / 100) ** 0.5


def test_the_crossed_bootstrap_is_more_careful_and_its_detectable_difference_says_so() -> None:
    doubt = paired(1.0, n=120, clusters=[(12, 0.05), (10, 0.05)])
    sizes = {"topics": 12, "templates": 10, "icc": (0.05, 0.05)}
    assert abs(rejections(detectable(doubt), 150, ("topic", "template"), **sizes) - 0.8) < 0.1
    assert rejections(0.0, 100, ("topic", "template"), **sizes) <= 0.05 + 0.02
    assert rejected(0.0, doubt) < 0.02
    assert doubt.tested > 1.2 * doubt.se


def test_the_normal_case_is_the_textbooks() -> None:
    # (1.959964 + 0.841621) standard errors: Cohen 1988, two-sided .05 and power .80
    assert detectable(Doubt(1.0, 1.0, math.inf)) == pytest.approx(2.8016, abs=2e-4)
    assert rejected(2.8016, Doubt(1.0, 1.0, math.inf)) == pytest.approx(0.8, abs=1e-4)


def test_a_careful_tests_effect_is_found_with_the_chance_it_was_asked_for() -> None:
    for df in (5.0, 40.0, math.inf):
        doubt = Doubt(0.1, 0.16, df)
        assert rejected(detectable(doubt, power=0.9), doubt) == pytest.approx(0.9, abs=1e-6)


def test_few_clusters_and_a_large_family_have_a_number_too() -> None:
    # scipy's noncentral t gives nan out there; the number is that of 200,000 simulated t statistics
    doubt = Doubt(1.0, 1.0, 5.0)
    effect = detectable(doubt, family=15)
    rng = np.random.default_rng(0)
    t = (rng.normal(size=200_000) + effect) / np.sqrt(rng.chisquare(5, 200_000) / 5)
    assert (np.abs(t) > 5.2474).mean() == pytest.approx(0.8, abs=0.01)  # qt(1 - .05 / 30, 5) = 5.2474 of R


def test_a_share_is_the_other_way_round_of_the_pairs_it_takes() -> None:
    assert 0.5 + share(194) == pytest.approx(0.6, abs=1e-3)  # pairs_for_preference(.6) = 194
    with pytest.raises(RefusedError, match="bring more pairs"):
        share(1)


@pytest.mark.parametrize("nulls", [19, 99])
def test_a_rank_test_sees_its_detectable_distance_in_80_of_100_worlds(nulls: int) -> None:
    rng = np.random.default_rng(nulls)
    away = rank_test(nulls)
    for effect, due in ((away, 0.8), (0.0, 0.05)):
        one, others = rng.normal(size=20_000) + effect, rng.normal(size=(20_000, nulls))
        p = (1 + (others >= one[:, None]).sum(1)) / (1 + nulls)
        assert (p <= 0.05).mean() == pytest.approx(due, abs=0.012)


def test_nulls_that_never_reach_the_level_are_refused() -> None:
    with pytest.raises(RefusedError, match="at least 19 are due"):
        rank_test(18)


def test_a_class_against_another_varies_as_their_difference_does() -> None:
    # 1 / n_a + 1 / n_b of a difference of two means, for shares .2 and .5 of n
    assert 1 / contrast_variance(0.2, 0.5) == pytest.approx(1 / 0.2 + 1 / 0.5)


def test_faults_are_said() -> None:
    with pytest.raises(UsageError, match="family is 0"):
        detectable(Doubt(1.0, 1.0, 9.0), family=0)
    with pytest.raises(RefusedError, match="one cluster alone"):
        detectable(Doubt(1.0, 1.0, 0.0))
    with pytest.raises(UsageError, match="shares that sum to 1"):
        paired(1.0, n=10, clusters=[(3, 0.8), (3, 0.8)])
    with pytest.raises(UsageError, match="an icc of 0"):
        coefficient(1.0, n=10, groups=20, icc=0.1, variance=0.2)
