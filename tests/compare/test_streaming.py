"""Rows read in batches give what the same rows give in memory, to rounding."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect.compare import streaming
from sociolect.compare.mixed_effects import MixedEffects, mixed_effects
from sociolect.compare.model_tests import r_squared
from sociolect.errors import InputError, RefusedError

GENERATOR = np.random.default_rng(7)
N = 600
POST = GENERATOR.integers(0, 90, N)
ROWS = pl.DataFrame(
    {
        "post": [f"p{g}" for g in POST],
        "thread": [f"t{g % 11}" for g in POST],
        "x": GENERATOR.normal(2000, 5, N),
        "closeness": GENERATOR.choice(["stranger", "close", "not_close"], N),
        "w": GENERATOR.uniform(0.1, 4, N),
        "worried": np.exp(GENERATOR.normal(size=90)[POST] + GENERATOR.normal(size=N)),
        "thankful": GENERATOR.uniform(size=N),
        "unused": [["a"]] * N,
    }
).with_columns(
    x=pl.when(pl.int_range(N) % 97 == 3).then(None).otherwise("x"),
    w=pl.when(pl.int_range(N) == 50).then(0.0).otherwise("w"),
)
FORMULA = "~ closeness + poly(x, 2) + (1 | post)"
OUTCOMES = ["log(worried + eps)", "thankful", "sqrt(thankful)"]


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "ROWS", 130)
    monkeypatch.setattr(streaming, "_SCORES", 600)  # one outcome in one reading


def _alike(one: MixedEffects, other: MixedEffects) -> None:
    for a, b in (
        (one.fit.beta, other.fit.beta), (one.fit.tau2, other.fit.tau2), (one.fit.sigma2, other.fit.sigma2),
        (one.fit.deviance, other.fit.deviance), (one.covariance, other.covariance), (one.degrees, other.degrees),
        (one.explained, other.explained), (one.centre, other.centre),
    ):  # fmt: skip
        assert a == pytest.approx(b, rel=1e-9, abs=1e-10 * max(float(np.abs(b).max(initial=0)), 1e-6))
    assert (one.columns, one.n, one.left_out, one.sizes, one.clusters) == (
        other.columns, other.n, other.left_out, other.sizes, other.clusters,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "keywords"),
    [
        (FORMULA, {}),
        (FORMULA, {"weights": "w"}),
        (FORMULA, {"errors": "CR0"}),
        (FORMULA, {"errors": "CR1", "weights": "w"}),
        (FORMULA, {"errors": "CR1", "cluster": "thread", "reml": False}),
        (FORMULA, {"within": "post"}),
        ("~ closeness + x", {"weights": "w", "weighting": "sampling", "cluster": "post", "errors": "CR1"}),
        ("~ closeness + x", {}),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_batches_give_what_memory_gives(tmp_path: Path, formula: str, keywords: Mapping[str, Any], lazy: bool) -> None:
    ROWS.write_parquet(tmp_path / "rows.parquet")
    source = ROWS.drop("unused").lazy() if lazy else tmp_path / "rows.parquet"
    more = {"outcomes": OUTCOMES, "constants": {"eps": 0.01}, **keywords}
    streamed, held = mixed_effects(source, formula, **more), mixed_effects(ROWS, formula, **more)
    _alike(streamed, held)
    assert r_squared(streamed)["marginal"].to_numpy() == pytest.approx(r_squared(held)["marginal"].to_numpy())
    assert streamed.summary()["se"].to_numpy() == pytest.approx(held.summary()["se"].to_numpy(), rel=1e-9)
    assert streamed.fit.residual.shape == (0, 3)


def test_levels_and_faults_of_later_batches_are_seen(tmp_path: Path) -> None:
    late = ROWS.with_columns(closeness=pl.Series(["stranger"] * 300 + ["close"] * 299 + ["acquaintance"]))
    late.write_parquet(tmp_path / "late.parquet")
    fit = mixed_effects(tmp_path / "late.parquet", "thankful ~ closeness + (1 | post)")
    assert fit.columns == ("Intercept", "closeness[T.acquaintance]", "closeness[T.close]")
    ROWS.with_columns(thankful=pl.when(pl.int_range(N) > 590).then(0.0).otherwise("thankful")).write_parquet(
        tmp_path / "z.parquet"
    )
    with pytest.raises(InputError, match=r"'log\(thankful\)' is infinite or undefined in 9 rows"):
        mixed_effects(tmp_path / "z.parquet", "log(thankful) ~ closeness")
    ROWS.with_columns(w=pl.when(pl.int_range(N) == 599).then(-1.0).otherwise("w")).write_parquet(tmp_path / "w.parquet")
    with pytest.raises(InputError, match="1 negative"):
        mixed_effects(tmp_path / "w.parquet", "thankful ~ closeness", weights="w")


@pytest.mark.parametrize(
    ("formula", "keywords", "says"),
    [
        ("thankful ~ closeness + (1 | post) + (1 | thread)", {}, "crossed intercepts need all rows"),
        ("thankful ~ closeness + (1 | post)", {"errors": "CR2"}, "CR2 errors need all rows"),
        ("thankful ~ closeness + (1 | post)", {"errors": "bootstrap"}, "bootstrap errors need all rows"),
        ("thankful ~ closeness", {"errors": "CR1", "cluster": ["post", "thread"]}, "crossed clusters need all rows"),
    ],
)
def test_what_needs_all_rows_says_so(tmp_path: Path, formula: str, keywords: Mapping[str, Any], says: str) -> None:
    ROWS.write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(RefusedError, match=says):
        mixed_effects(tmp_path / "rows.parquet", formula, **keywords)


def test_what_is_no_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,y\n1,2\n")
    with pytest.raises(InputError, match="rows.csv is no parquet file"):
        mixed_effects(tmp_path / "rows.csv", "y ~ x")
    with pytest.raises(InputError, match="no file '.*none.parquet'"):
        mixed_effects(tmp_path / "none.parquet", "y ~ x")
    ROWS[:0].write_parquet(tmp_path / "empty.parquet")
    with pytest.raises(RefusedError, match="no row is complete"):
        mixed_effects(tmp_path / "empty.parquet", "thankful ~ closeness")
