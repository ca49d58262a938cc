"""`mixed_effects` against R: every number of golden/mixed_effects.json and golden/robust.json, made by the scripts beside them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect.compare import sandwich as module
from sociolect.compare.mixed_effects import MixedEffects, mixed_effects
from sociolect.compare.model_tests import wald

GOLDEN = Path(__file__).parent / "golden"
LME4: dict[str, Any] = json.loads((GOLDEN / "mixed_effects.json").read_text())  # lme4 1.1.31, nlme 3.1.162
ROBUST: dict[str, Any] = json.loads(
    (GOLDEN / "robust.json").read_text()
)  # clubSandwich 0.5.8, lmerTest 3.1.3, sandwich 3.0.2


def design() -> pl.DataFrame:
    """The integers of mixed_effects.R: 240 rows, 19 groups g crossed with 23 groups c, eight regions of whole groups."""
    i = np.arange(240)
    g, c = (i * i + 3 * i) % 37, (7 * i) % 23
    x1, x2, x3 = ((37 * i) % 101) / 101 - 0.5, (i % 3 == 1) * 1.0, (i % 3 == 2) * 1.0
    e = ((13 * i * i + 7 * i) % 97) / 97 - 0.5
    u, v = ((5 * g * g + 2 * g) % 37) / 37 - 0.5, ((c * c) % 23) / 23 - 0.5
    return pl.DataFrame({
        "g": g, "c": c, "x1": x1, "x2": x2, "x3": x3, "w": 0.5 + ((11 * i) % 13) / 13,
        "y": 1 + 0.5 * x1 - 0.25 * x2 + 0.1 * x3 + u + 0.6 * v + e, "y2": 1 + 0.5 * x1 + e,
        "region": (np.unique(g, return_inverse=True)[1] + 1) % 8,
    }).with_columns(pl.col("g", "c", "region").cast(pl.String))  # fmt: skip


ROWS = design()
ONE, BOTH = "y ~ x1 + x2 + x3 + (1 | g)", "y ~ x1 + x2 + x3 + (1 | g) + (1 | c)"
FITS = {
    "random_intercept_reml": (ONE, True, None),
    "random_intercept_ml": (ONE, False, None),
    "empty_ml": ("y ~ 1 + (1 | g)", False, None),
    "weighted_reml": (ONE, True, "w"),
    "weighted_ml": (ONE, False, "w"),
    "weighted_nlme_reml": (ONE, True, "w"),
    "crossed_reml": (BOTH, True, None),
    "crossed_ml": (BOTH, False, None),
    "crossed_weighted_reml": (BOTH, True, "w"),
    "boundary_reml": ("y2 ~ x1 + (1 | g)", True, None),
    "boundary_crossed_reml": ("y2 ~ x1 + (1 | g) + (1 | c)", True, None),
}


def near(found: Any, due: Any, within: float = 1e-6) -> None:
    assert np.asarray(found) == pytest.approx(np.atleast_1d(due), rel=within, abs=1e-12)


def test_the_design_is_that_of_the_script() -> None:
    assert ROWS["y"].sum() == pytest.approx(175.007283363, abs=1e-8)  # mixed_effects.R stops elsewhere
    assert set(FITS) == set(LME4) - {"versions"}


@pytest.mark.parametrize("name", list(FITS))
def test_coefficients_errors_variances_and_likelihood_are_lme4s(name: str) -> None:
    formula, reml, weights = FITS[name]
    fit = mixed_effects(ROWS, formula, reml=reml, weights=weights).fit
    due = LME4[name]
    # nlme stops at a flat likelihood: tau2 to 1.1e-6, its errors to half of that
    near(fit.beta[:, 0], due["beta"])
    near(np.sqrt(np.diag(fit.covariance[0])), due["se"])
    near(fit.sigma2, due["sigma2"])
    near(fit.tau2[:, 0], [due["tau2"][g] for g in ("g", "c") if g in due["tau2"]], 2e-6 if "nlme" in name else 1e-6)
    near(fit.deviance, due["deviance"])
    assert fit.boundary.all() == name.startswith("boundary")


def checked(fit: MixedEffects, name: str, within: float = 1e-6) -> None:
    near(np.sqrt(np.diag(fit.covariance[0])), ROBUST[name]["se"], within)
    if "df" in ROBUST[name]:
        near(fit.degrees[:, 0], ROBUST[name]["df"], within)


@pytest.mark.parametrize(
    ("name", "formula", "cluster", "weights"),
    [
        ("ols_cr2", "y ~ x1 + x2 + x3", "region", None),
        ("mixed_cr2", ONE, "g", None),
        ("mixed_coarse_cr2", ONE, "region", None),
        ("mixed_weighted_cr2", ONE, "g", "w"),
    ],
)
def test_cr2_errors_and_their_degrees_are_clubsandwichs(
    name: str, formula: str, cluster: str, weights: str | None
) -> None:
    checked(mixed_effects(ROWS, formula, errors="CR2", cluster=cluster, weights=weights), name)


def test_sampling_weights_take_cr2_with_equal_rows_as_clubsandwich_does_for_lm() -> None:
    fit = mixed_effects(ROWS, "y ~ x1 + x2 + x3", cluster="region", weights="w", weighting="sampling")
    assert fit.errors == "CR2"
    checked(fit, "wls_identity_cr2")


@pytest.mark.parametrize(
    ("name", "formula", "cluster", "columns", "keywords"),
    [
        ("ols_joint", "y ~ x1 + x2 + x3", "region", ["x1", "x2", "x3"], {"errors": "CR2"}),
        ("wls_identity_joint", "y ~ x1 + x2 + x3", "region", ["x2", "x3"], {"weights": "w", "weighting": "sampling"}),
        ("mixed_joint", ONE, "g", ["x1", "x2", "x3"], {"errors": "CR2"}),
        ("mixed_coarse_joint", ONE, "region", ["x1", "x2", "x3"], {"errors": "CR2"}),
        ("mixed_weighted_joint", ONE, "g", ["x1", "x2", "x3"], {"errors": "CR2", "weights": "w"}),
    ],
)
def test_joint_tests_are_clubsandwichs_htz(
    name: str, formula: str, cluster: str, columns: list[str], keywords: dict[str, Any]
) -> None:
    found = wald(mixed_effects(ROWS, formula, cluster=cluster, **keywords), columns).row(0, named=True)
    due = ROBUST[name]
    near([found["statistic"]], due["f"], 1e-5)
    near([found["df2"]], due["df"], 1e-6)
    near([found["p"]], due["p"], 1e-4)


def test_two_way_errors_are_those_of_sandwich_vcovcl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        module, "_LEAST", 0.0
    )  # with so few clusters ours is the upper bound: .04 of a direction is left
    checked(mixed_effects(ROWS, "y ~ x1 + x2 + x3", errors="CR1", cluster=["g", "c"]), "two_way_cr1")


@pytest.mark.parametrize(("kind", "due"), [
    ("CR0", [0.100799381, 0.084323729, 0.047087505, 0.070187258]), ("CR1", [0.104217671, 0.087183299, 0.048684328, 0.072567435]),
])  # fmt: skip
def test_weighted_least_squares_by_cluster_are_the_dossiers(kind: Any, due: list[float]) -> None:
    fit = mixed_effects(ROWS, "y ~ x1 + x2 + x3", weights="w", errors=kind, cluster="g")
    near(np.sqrt(np.diag(fit.covariance[0])), due, 2e-8)  # printed to nine places


@pytest.mark.parametrize(("name", "formula", "weights"), [
    ("satterthwaite", ONE, None), ("satterthwaite_weighted", ONE, "w"), ("satterthwaite_crossed", BOTH, None),
])  # fmt: skip
def test_degrees_of_freedom_are_lmertests(name: str, formula: str, weights: str | None) -> None:
    checked(mixed_effects(ROWS, formula, weights=weights), name)
