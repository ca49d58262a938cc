"""Satterthwaite's degrees of freedom against lmerTest, the engine's analytic ones and closed forms."""

import json
from pathlib import Path

import numpy as np
import pytest

from sociolect.compare.crossed import crossed
from sociolect.compare.random_intercept import least_squares
from sociolect.compare.satterthwaite import satterthwaite
from sociolect.errors import InputError

I = np.arange(240)
G, C = (I * I + 3 * I) % 37, (7 * I) % 23
X = np.stack([np.ones(240), ((37 * I) % 101) / 101 - 0.5, (I % 3 == 1) * 1.0, (I % 3 == 2) * 1.0], axis=1)
E = ((13 * I * I + 7 * I) % 97) / 97 - 0.5
W = 0.5 + ((11 * I) % 13) / 13
Y = (X @ [1, 0.5, -0.25, 0.1] + ((5 * G * G + 2 * G) % 37) / 37 - 0.5 + 0.6 * (((C * C) % 23) / 23 - 0.5) + E)[:, None]


@pytest.mark.parametrize(("name", "groups", "weights"), [
    ("satterthwaite", [G], None), ("satterthwaite_weighted", [G], W), ("satterthwaite_crossed", [G, C], None),
])  # fmt: skip
def test_degrees_are_lmertests(name: str, groups: list[np.ndarray], weights: np.ndarray | None) -> None:
    due = json.loads((Path(__file__).parent / "golden" / "robust.json").read_text())[name]["df"]  # lmerTest 3.1.3
    found = satterthwaite(X, crossed(X, Y, groups, weights), groups, weights)
    assert found[:, 0] == pytest.approx(due, rel=1e-6)  # lmerTest takes differences too; 1e-3 was due


def test_balanced_layouts_have_the_degrees_of_their_mean_squares() -> None:
    """A split plot: the whole plots' factor on plots - 2 degrees, the split one's on (plots - 1)(k - 1) - ...; exact F tests."""
    plot, part = np.divmod(np.arange(60), 6)
    x = np.stack([np.ones(60), (plot % 2) - 0.5, (part % 2) - 0.5], axis=1)
    y = np.cos(plot * 5.0) * 2 + np.cos(np.arange(60.0) ** 2)
    found = satterthwaite(x, crossed(x, y[:, None], [plot]), [plot])
    assert found[:, 0] == pytest.approx([8, 8, 60 - 10 - 1], rel=1e-6)


def test_the_boundary_and_least_squares_leave_all_rows_less_columns() -> None:
    y2 = (1 + 0.5 * X[:, 1] + E)[:, None]
    assert satterthwaite(X, crossed(X, y2, [G]), [G]) == pytest.approx(np.full((4, 1), 236.0))
    assert satterthwaite(X, least_squares(X, y2), []) == pytest.approx(np.full((4, 1), 236.0))


def test_columns_far_from_0_keep_their_degrees() -> None:
    far = X.copy()
    far[:, 1] = far[:, 1] * 100 + 2024
    one, two = (satterthwaite(x, crossed(x, Y, [G, C]), [G, C]) for x in (X, far))
    assert two[1:] == pytest.approx(one[1:], rel=1e-6)


def test_what_was_not_fitted_is_refused() -> None:
    fit = crossed(X, Y, [G])
    with pytest.raises(
        InputError, match="240 rows and 1 random intercepts; the design has 240 rows, weights 240, groups none"
    ):
        satterthwaite(X, fit, [])
    with pytest.raises(InputError, match="weights 5, groups 240: hand in what was fitted"):
        satterthwaite(X, fit, [G], W[:5])
