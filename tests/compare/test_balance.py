"""Standardised mean differences against their definition, R, and the weights' own identities."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect.compare.balance import balance
from sociolect.compare.weighting import Weighting, weighting
from sociolect.errors import InputError, UsageError

GOLDEN = json.loads((Path(__file__).parent / "golden" / "weighting.json").read_text())  # by weighting.R beside it


def met(n: int = 900, seed: int = 0) -> tuple[pl.DataFrame, Weighting]:
    rng = np.random.default_rng(seed)
    z, kind, hour = rng.normal(size=n), rng.choice(["x", "y"], n), rng.integers(0, 24, n)
    odds = np.stack([0.6 * z, 0.4 * (kind == "y"), np.zeros(n)], axis=1) + rng.gumbel(size=(n, 3))
    rows = pl.DataFrame({
        "close": np.array(["a", "b", "c"])[odds.argmax(1)], "z": z, "kind": kind, "hour": hour, "day": hour > 11,
        "w": rng.uniform(0.5, 2, n), "still": 7.0,
    })  # fmt: skip
    return rows, weighting(rows, "close", ["z", "kind"])


def one(frame: pl.DataFrame, covariate: str, category: str, level: str | None = None) -> dict[str, float]:
    kept = frame.filter(pl.col("level").eq_missing(pl.lit(level)), covariate=covariate, category=category)
    return kept.row(0, named=True)


def test_against_the_rest_is_the_definition() -> None:
    """(mean - mean of the others) / sqrt((var + var) / 2), variances before weighting: Austin 2009, Stuart 2010."""
    rows, made = met()
    found = balance(rows, made)
    z, w = rows["z"].to_numpy(), made.weights
    for category in "abc":
        own = (rows["close"] == category).to_numpy()
        unit = np.sqrt((z[own].var() + z[~own].var()) / 2)
        told = one(found, "z", category)
        assert told["before"] == pytest.approx((z[own].mean() - z[~own].mean()) / unit, rel=1e-12)
        after = np.average(z[own], weights=w[own]) - np.average(z[~own], weights=w[~own])
        assert told["after"] == pytest.approx(after / unit, rel=1e-9)
        assert told["n"] == own.sum()
        share = [(rows["kind"].to_numpy()[at] == "y").mean() for at in (own, ~own)]
        unit = np.sqrt(sum(s * (1 - s) for s in share) / 2)
        assert one(found, "kind", category, "y")["before"] == pytest.approx((share[0] - share[1]) / unit, rel=1e-12)


def test_against_all_is_the_definition() -> None:
    """(mean - mean of everybody) / sd of everybody: the population standardised bias of McCaffrey et al. 2013."""
    rows, made = met()
    found = balance(rows, made, against="all")
    z, w = rows["z"].to_numpy(), made.weights
    own = (rows["close"] == "b").to_numpy()
    told = one(found, "z", "b")
    assert told["before"] == pytest.approx((z[own].mean() - z.mean()) / z.std(), rel=1e-12)
    weighed = np.average(z[own], weights=w[own]) - np.average(z, weights=w)
    assert told["after"] == pytest.approx(weighed / z.std(), rel=1e-9)


def test_two_sides_of_two_categories_mirror_each_other() -> None:
    rows, _ = met()
    rows = rows.with_columns(close=pl.col("close").replace("c", "b"))
    found = balance(rows, weighting(rows, "close", ["z", "kind"]))
    for side in ("before", "after"):
        assert one(found, "z", "a")[side] == pytest.approx(-one(found, "z", "b")[side], rel=1e-9)


def test_equal_to_r() -> None:
    i = np.arange(600)
    z, u = ((37 * i) % 101) / 101 - 0.5, ((i * i * 13 + 7 * i) % 97) / 97
    kind = np.array(["day", "eve", "night"])[(i * i + i // 7) % 3]
    close = np.where(u < 0.3 + 0.4 * z, "close", np.where(u < 0.6 - 0.1 * (kind == "eve"), "not_close", "stranger"))
    rows = pl.DataFrame({"z": z, "k": kind, "c": close})
    told = one(balance(rows, weighting(rows, "c", ["z", "k"])), "z", "close")
    assert told["before"] == pytest.approx(GOLDEN["before"], rel=1e-12)
    assert told["after"] == pytest.approx(GOLDEN["after"], abs=1e-7)


def test_sampling_weights_count_before_weighting_too() -> None:
    rows, _ = met()
    told = one(balance(rows, weighting(rows, "close", ["z", "kind"], weight="w")), "z", "a")
    z, w = rows["z"].to_numpy(), rows["w"].to_numpy()
    own = (rows["close"] == "a").to_numpy()
    mean = [np.average(z[at], weights=w[at]) for at in (own, ~own)]
    var = [np.average((z[at] - m) ** 2, weights=w[at]) for at, m in zip((own, ~own), mean, strict=True)]
    assert told["before"] == pytest.approx((mean[0] - mean[1]) / np.sqrt(sum(var) / 2), rel=1e-12)


def test_a_shift_and_a_scale_change_nothing() -> None:
    rows, made = met()
    moved = rows.with_columns(z=pl.col("z") * -1e5 + 1e7)
    for category in "abc":
        first, second = (one(balance(r, made), "z", category) for r in (rows, moved))
        assert second["before"] == pytest.approx(-first["before"], rel=1e-9)
        assert second["after"] == pytest.approx(-first["after"], abs=1e-9)


def test_controls_levels_and_what_does_not_vary() -> None:
    rows, made = met()
    rows = rows.with_columns(hour=pl.when(pl.int_range(pl.len()) < 9).then(None).otherwise("hour"))
    found = balance(rows, made, held_out=["hour", "day", "still"])
    assert found.filter(~pl.col("held_out"))["covariate"].unique(maintain_order=True).to_list() == ["z", "kind"]
    assert found.filter(covariate="day")["level"].unique(maintain_order=True).to_list() == ["false", "true"]
    assert found.filter(covariate="hour")["left_out"].sum() == 9
    assert found.filter(covariate="hour")["n"].sum() == 891
    assert found.filter(covariate="still")[["before", "after", "balanced"]].null_count().row(0) == (3, 3, 3)
    assert found.filter("balanced")["after"].abs().max() < 0.10  # type: ignore[operator]  # a None fails the test
    strict = balance(rows, made, due=1e-9)
    assert strict.filter(covariate="z")["balanced"].to_list() == [False] * 3


def test_rows_counted_out_do_not_count() -> None:
    rows, _ = met()
    rows = rows.with_columns(kind=pl.when(pl.int_range(pl.len()) < 300).then(None).otherwise("kind"))
    made = weighting(rows, "close", ["z", "kind"])
    rest = weighting(rows[300:], "close", ["z", "kind"])
    assert balance(rows, made).equals(balance(rows[300:], rest))


def test_what_cannot_be_told_is_refused() -> None:
    rows, made = met()
    with pytest.raises(InputError, match="'ghost' is missing; there are 899 rows and 900 weights"):
        balance(rows[1:], made, held_out=["ghost"])
    with pytest.raises(UsageError, match="'kind' made the weights and cannot be held out"):
        balance(rows, made, held_out=["kind"])
    with pytest.raises(UsageError, match="no side to compare with 'reste'; did you mean 'rest'"):
        balance(rows, made, against="reste")  # type: ignore[arg-type]  # the fault under test
