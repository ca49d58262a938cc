"""Fits are the same to the last bit whatever the number of BLAS threads, and the number is given back."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.linalg  # noqa: F401  # its BLAS is loaded before the limits of these tests are set
from threadpoolctl import threadpool_info, threadpool_limits

from sociolect.compare.doubly_robust import doubly_robust
from sociolect.compare.mixed_effects import mixed_effects
from sociolect.compare.one_thread import one_thread
from sociolect.compare.propensity import propensity
from sociolect.compare.sandwich import sandwich
from sociolect.seeds import substream


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def rows(n: int = 1500, columns: int = 24) -> pl.DataFrame:
    draw = substream(3, "threads")
    x = draw.normal(size=(n, columns))
    table = pl.DataFrame(x, schema=[f"x{i}" for i in range(columns)])
    who, post = draw.integers(300, size=n), draw.integers(400, size=n)
    return table.with_columns(
        y=pl.Series(x @ np.linspace(0, 1, columns) + draw.normal(size=300)[who] + draw.normal(size=n)),
        w=pl.Series(draw.uniform(0.5, 2, n)),
        close=pl.Series(np.where(draw.random(n) < 0.4, "yes", "no")),
        who=pl.Series([f"p{i}" for i in who]),
        post=pl.Series([f"q{i}" for i in post]),
    )


TERMS = " + ".join(f"x{i}" for i in range(24))
ROWS = rows()


def crossed() -> bytes:
    fit = mixed_effects(ROWS, f"y ~ {TERMS} + (1 | post) + (1 | who)").fit
    return fit.beta.tobytes() + fit.covariance.tobytes()


def weighted() -> bytes:
    made = mixed_effects(ROWS, f"y ~ {TERMS}", weights="w", weighting="sampling", cluster="post")
    return made.fit.beta.tobytes() + np.asarray(made.summary()["low"]).tobytes()


def by_cluster() -> bytes:
    made = mixed_effects(ROWS, f"y ~ {TERMS}")
    covariance, _ = sandwich(made.x, made.fit, ROWS["post"].rank("dense").to_numpy().astype(np.int64) - 1)
    return covariance.tobytes()


def chances() -> bytes:
    return propensity(ROWS, "close", [f"x{i}" for i in range(24)]).fit.probability.tobytes()


def both() -> bytes:
    found = doubly_robust(ROWS, "y", "close", [f"x{i}" for i in range(24)], reference="no", cluster="post")
    return np.asarray(found["estimate"]).tobytes() + np.asarray(found["low"]).tobytes()


@pytest.mark.parametrize("fit", [crossed, weighted, by_cluster, chances, both])
def test_one_and_two_threads_give_the_same_bytes(fit: Callable[[], bytes]) -> None:
    said = []
    for n in (1, 2):
        with threadpool_limits(n, user_api="blas"):
            said.append(fit())
    assert said[0] == said[1]


def test_the_number_is_given_back_also_after_an_error() -> None:
    seen: list[set[int]] = []

    @one_thread
    def broken(value: int) -> Any:
        seen.append(threads())
        raise ValueError(value)

    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(ValueError, match="4"):
            broken(4)
        assert seen == [{1}]
        assert threads() == {2}
