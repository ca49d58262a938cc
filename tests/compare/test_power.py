"""Power: simulation against closed form, the closed form against R, and a doubt that covers."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtr

from sociolect.compare.equivalence import tost
from sociolect.compare.power import (
    coefficient_detectable,
    coefficient_power,
    minimum_detectable,
    power,
    random_intercept_study,
)
from sociolect.errors import InputError, RefusedError, UsageError

GOLDEN = json.loads((Path(__file__).parent / "golden" / "honest.json").read_text())  # by honest.R: power.t.test, strict


def known(effect: float, seeds: list[int]) -> np.ndarray:
    """A normal test of a coefficient with se .1, batched."""
    z = np.array([effect / 0.1 + np.random.default_rng(s).normal() for s in seeds])
    return np.asarray(2 * ndtr(-np.abs(z)))


def test_closed_form_is_r_s() -> None:
    se = (2 / 20) ** 0.5
    assert float(coefficient_power(1.0, se, df=38)) == pytest.approx(GOLDEN["power"][0], rel=1e-9)
    assert float(coefficient_power(-1.0, se, df=38)) == pytest.approx(GOLDEN["power"][0], rel=1e-9)
    assert coefficient_detectable(se, df=38) == pytest.approx(GOLDEN["detectable"][0], rel=1e-7)
    assert coefficient_detectable(0.1) == pytest.approx(
        0.1 * 2.8015, rel=1e-4
    )  # 1.95996 + .84162, the far tail counted
    np.testing.assert_allclose(coefficient_power([0.0, 0.0], 0.1, df=[5, np.inf], level=0.1), 0.1, rtol=1e-9)


def test_simulated_power_is_that_of_the_closed_form_with_its_doubt() -> None:
    found = power(known, [0.0, 0.15, 0.28], replications=1000, batched=True, seed=1)
    due = coefficient_power([0.0, 0.15, 0.28], 0.1)
    assert ((found["low"].to_numpy() <= due) & (found["high"].to_numpy() >= due)).all()
    # Clopper and Pearson's ends at the count seen are those of the binomial tail: P(X >= x | low) = 2.5 %
    from scipy.stats import binom

    x = round(found["power"][1] * 1000)
    assert binom.sf(x - 1, 1000, found["low"][1]) == pytest.approx(0.025, rel=1e-6)
    assert binom.cdf(x, 1000, found["high"][1]) == pytest.approx(0.025, rel=1e-6)
    assert found.equals(power(known, [0.0, 0.15, 0.28], replications=1000, batched=True, seed=1))
    assert not found.equals(power(known, [0.0, 0.15, 0.28], replications=1000, batched=True, seed=2))


def test_the_ends_at_none_and_all_found() -> None:
    none = power(lambda e, s: 1.0, [0.1], replications=100).row(0, named=True)
    assert (none["low"], none["high"]) == (0.0, pytest.approx(1 - 0.025 ** (1 / 100)))
    full = power(lambda e, s: 0.05, [0.1], replications=100).row(0, named=True)
    assert (full["power"], full["low"], full["high"]) == (1.0, pytest.approx(0.025 ** (1 / 100)), 1.0)


def test_frames_give_a_power_per_row_and_undefined_studies_are_counted_as_not_found() -> None:
    def simulate(effect: float, seed: int) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        found = tost((effect + 0.03 * rng.normal(), 0.03, np.inf), bound=0.10)
        other = found.with_columns(measure=pl.lit("funny"), p=pl.lit(0.01 if seed % 2 else None, dtype=pl.Float64))
        return pl.concat([found, other])

    rows = power(simulate, [0.0], replications=200, seed=3).sort("measure")
    assert rows["measure"].to_list() == ["estimate 0", "funny"]
    assert rows["low"][0] < 0.9087 < rows["high"][0]  # the power of that TOST, 2 Phi(10 / 3 - 1.645) - 1
    assert rows["undefined"].to_list() == [0, 200 - round(rows["power"][1] * 200)]
    assert rows["low"][1] < 0.5 < rows["high"][1]


def test_minimum_detectable_effect_covers_the_closed_form() -> None:
    found = [
        minimum_detectable(known, within=(0.0, way), batched=True, seed=s) for s in range(4) for way in (1.0, -0.9)
    ]
    truth = coefficient_detectable(0.1)
    away = np.array([abs(f.effect) / truth - 1 for f in found])
    assert np.abs(away).max() < 0.08
    assert abs(away.mean()) < 0.02
    held = [f.low <= truth * np.sign(f.effect) <= f.high for f in found]
    assert sum(held) >= 6  # of 8
    assert {np.sign(f.effect) for f in found} == {1.0, -1.0}
    assert all(f.high - f.low < 0.05 for f in found)
    assert found[0].curve["replications"].sum() == found[0].replications
    ninety = minimum_detectable(known, within=(0.0, 1.0), power=0.9, batched=True, seed=4)
    assert ninety.low < 0.32415 < ninety.high  # 1.95996 + 1.28155


def design() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(100), 4)
    return np.column_stack([np.ones(400), rng.normal(size=400), rng.normal(size=100)[codes]]), codes


@pytest.mark.parametrize("errors", ["model", "CR1"])
def test_random_intercept_studies_have_the_power_of_generalised_least_squares(errors: str) -> None:
    x, codes = design()
    inverse = np.linalg.inv(np.eye(4) + 0.5)
    bread = np.linalg.inv(sum(x[4 * g : 4 * g + 4].T @ inverse @ x[4 * g : 4 * g + 4] for g in range(100)))
    for column in (1, 2):
        se = bread[column, column] ** 0.5
        simulate = random_intercept_study(x, codes, column=column, tau2=0.5, sigma2=1.0, errors=errors)  # type: ignore[arg-type] # parametrize gives str
        found = power(simulate, [0.0, 2.8 * se], replications=500, batched=True, seed=5)
        due = coefficient_power([0.0, 2.8 * se], se, df=97)
        # four rates a test: 3 standard errors each; CR1 at 100 clusters is some .005 off
        assert (np.abs(found["power"].to_numpy() - due) <= [0.032, 0.056]).all()
    assert random_intercept_study(x, codes, column=1, tau2=0.5, sigma2=1.0)(0.1, [1, 2])[0] == pytest.approx(
        random_intercept_study(x, codes, column=1, tau2=0.5, sigma2=1.0)(0.1, [1])[0], abs=1e-9
    )


def test_refusals() -> None:
    with pytest.raises(UsageError, match="replications is 50: at least 100 are due; level is 5"):
        power(known, [0.1], replications=50, level=5, batched=True)
    with pytest.raises(InputError, match=r"p of shape \(2,\) for 100 seeds"):
        power(lambda e, seeds: [0.5], [0.1], replications=100, batched=True)  # one p per batch of 50
    with pytest.raises(InputError, match="numbers outside 0 to 1"):
        power(lambda e, s: 1.5, [0.1], replications=100)
    with pytest.raises(InputError, match="without column 'contrast', 'measure'"):
        power(lambda e, s: pl.DataFrame({"p": [0.1]}), [0.1], replications=100)
    with pytest.raises(InputError, match="frames without rows"):
        power(lambda e, s: pl.DataFrame({"measure": [], "contrast": [], "p": []}), [0.1], replications=100)
    with pytest.raises(RefusedError, match=r"the power is 0.\d\d at 0 and 0.\d\d at 0.1: 0.8 does not lie between"):
        minimum_detectable(known, within=(0.0, 0.1), batched=True)
    with pytest.raises(UsageError, match="a range is due"):
        minimum_detectable(known, within=(0.1, 0.1), batched=True)
    with pytest.raises(UsageError, match="simulate gives 2 rows"):
        minimum_detectable(
            lambda e, s: pl.DataFrame({"measure": ["a", "b"], "contrast": ["c", "c"], "p": [0.1, 0.1]}), within=(0, 1)
        )
    with pytest.raises(UsageError, match="a power above the level"):
        coefficient_detectable(0.1, power=0.04)
    x, codes = design()
    with pytest.raises(InputError, match="column 3 of 3, tau2 -1"):
        random_intercept_study(x, codes, column=3, tau2=-1, sigma2=1)
