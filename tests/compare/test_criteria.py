import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.criteria import criteria
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Scores


def met(values: np.ndarray) -> Scores:
    """Values (communities, templates, draws) of 1, 0 or nan as rule scores."""
    at = [x.ravel() for x in np.indices(values.shape)]
    frame = pl.DataFrame({
        "speaker": "m", "source": "model", "community": [f"c{i}" for i in at[0]], "item": "toy", "condition": [f"u{i}" for i in at[1]],
        "draw": at[2], "turn": 0, "measure": "toy:C2", "value": values.ravel(), "template": [f"u{i}" for i in at[1]],
    })  # fmt: skip
    return frames.scores(frame.with_columns(pl.col("draw", "turn").cast(pl.Int64), pl.col("value").fill_nan(None)))


def test_the_probability_is_the_mean_of_what_is_determined() -> None:
    values = np.zeros((1, 10, 5))
    values[0, :, 0], values[0, 3, 4] = 1, np.nan
    found = criteria(met(values))
    assert found.select("n", "left_out", "clusters").row(0) == (49, 1, 10)
    assert found["estimate"][0] == pytest.approx(10 / 49)


def test_never_seen_is_not_never() -> None:
    found = criteria(met(np.stack([np.zeros((50, 1)), np.ones((50, 1))])))
    # Wilson's interval of 0 of 50 with t(49) for the normal quantile: t^2 / (50 + t^2)
    due = 2.009575**2 / (50 + 2.009575**2)
    assert found["low"].to_list() == pytest.approx([0, 1 - due], abs=1e-6)
    assert found["high"].to_list() == pytest.approx([due, 1], abs=1e-6)
    few = criteria(met(np.zeros((1, 10, 50))))
    assert due / 2 < few["high"][0] < 0.2  # ten templates that never differed are worth less than 500 replies


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_intervals_cover_with_templates_that_differ(spread: float) -> None:
    rng = np.random.default_rng(int(spread))
    worlds = 600  # each is a community; they are asked by their own 20 templates
    logit = -1.2 + spread * rng.normal(0, 1, (worlds, 20, 1))
    values = (rng.random((worlds, 20, 5)) < 1 / (1 + np.exp(-logit))).astype(float)
    due = float((1 / (1 + np.exp(-(-1.2 + spread * np.random.default_rng(9).normal(0, 1, 200_000))))).mean())
    found = criteria(met(values), draws=1000)
    covered = ((found["low"] <= due) & (found["high"] >= due)).sum()
    assert 0.92 * worlds <= covered <= 0.99 * worlds


def test_refused() -> None:
    with pytest.raises(InputError, match="5 values are neither 1, 0 nor null"):
        criteria(met(np.full((1, 5, 1), 0.5)))
    with pytest.raises(RefusedError, match="no criterion to count"):
        criteria(frames.scores(met(np.zeros((1, 5, 1))).clear()))
