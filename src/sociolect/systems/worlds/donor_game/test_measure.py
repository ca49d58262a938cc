"""Measures and comparisons on rows whose numbers are known."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from sociolect.systems.worlds.donor_game import compare, measure

COLUMNS = (
    "community",
    "condition",
    "run",
    "generation",
    "match",
    "round",
    "speaker",
    "kind",
    "own",
    "share",
    "seen",
    "final",
)


def rows(told: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(told, schema=dict(zip(COLUMNS, KINDS, strict=True)), orient="row")


S, I, F = pl.String, pl.Int64, pl.Float64
KINDS = (S, S, I, I, I, I, S, S, F, F, F, F)


def test_each_measure_of_one_run() -> None:
    told = rows([
        ("p", "trace", 0, 1, 1, 1, "a", "give", 10.0, 0.5, None, 20.0), ("p", "trace", 0, 1, 1, 2, "b", "punish", 10.0, 0.2, 0.1, 8.0),
        ("p", "trace", 0, 1, 1, 3, "a", "invalid", 10.0, None, 0.1, 20.0), ("p", "trace", 0, 1, 1, 4, "b", "give", 0.0, None, 0.1, 8.0),
        ("p", "trace", 0, 1, 1, 5, "b", "refuse", 5.0, 0.0, 0.1, 8.0),
    ])  # fmt: skip
    one = measure.per_run(told, bound=28.0).row(0, named=True)
    assert one["acts"] == 5
    assert one["seen_given"] == 3
    assert one["donated"] == pytest.approx(0.5 / 3)
    assert (one["punished"], one["refused"], one["invalid"]) == (0.2, 0.2, 0.2)
    assert one["log_units"] == pytest.approx((np.log(21) + np.log(9)) / 2)
    assert (one["median_units"], one["mean_units"], one["of_bound"]) == (14.0, 14.0, 0.5)


def test_rows_in_another_order_change_no_bit() -> None:
    rng = np.random.default_rng(1)
    told = rows([("p", c, r, 1, 1, k, f"s{k}", "give", 10.0, v, None, v * 7) for c in ("trace", "no trace") for r in range(5)
                 for k, v in enumerate(rng.random(12).tolist())])  # fmt: skip
    one, other = (measure.per_run(part, bound=3.0) for part in (told, told.sample(fraction=1, shuffle=True, seed=2)))
    assert one.equals(other)
    assert one["condition"].unique(maintain_order=True).to_list() == ["no trace", "trace"]


def run_table(values: dict[str, list[float]], units: dict[str, list[float]] | None = None) -> pl.DataFrame:
    told = [
        ("p", c, r, g, v, v, (units or values)[c][r])
        for c, some in values.items()
        for r, v in enumerate(some)
        for g in (1, 2)
    ]
    return pl.DataFrame(
        told, schema=["community", "condition", "run", "generation", "donated", "log_units", "mean_units"], orient="row"
    )


def test_one_rich_run_turns_raw_means_and_not_log_units() -> None:
    """The trap: raw wealth is exponential in cooperation, so that one generous run carries any mean."""
    logs = {"no trace": [5.0, 5.1, 5.2, 5.0, 5.1], "punishment": [3.0, 3.1, 3.0, 3.1, 9.0]}
    units = {c: np.expm1(v).tolist() for c, v in logs.items()}
    told = compare.without_richest(run_table(logs, units)).row(0, named=True)
    assert told["log units: same order"] is True
    assert told["log units"] < 0
    assert told["raw units"] > 0
    assert told["raw units: same order"] is False
    assert told["n"] == 5


def test_contrasts_pair_runs_by_their_number() -> None:
    runs = run_table({"trace": [0.1, 0.5, 0.9, 0.3], "punishment": [0.3, 0.7, 1.1, 0.5]})
    for some in (runs, runs.reverse()):
        row = (
            compare.contrasts(some.sort("community", measure.ordered(), "run"))
            .filter(measure="donated")
            .row(0, named=True)
        )
        assert row["contrast"] == "p: punishment - trace"
        assert (row["estimate"], row["n"], row["left_out"]) == (pytest.approx(0.2), 4, 0)
        assert row["low"] == pytest.approx(0.2)  # every run differs by the same


def test_a_run_without_a_number_is_left_out_and_counted_and_one_run_has_no_interval() -> None:
    runs = run_table({"trace": [0.1, 0.5, 0.9], "punishment": [0.3, 0.7, 1.1]}).with_columns(
        donated=pl.when(pl.col("run") == 1).then(None).otherwise("donated")
    )
    row = compare.contrasts(runs).filter(measure="donated").row(0, named=True)
    assert (row["n"], row["left_out"]) == (2, 1)
    alone = compare.ends(run_table({"trace": [0.25]})).filter(measure="donated").row(0, named=True)
    assert (alone["estimate"], alone["low"], alone["high"]) == (0.25, None, None)
    assert "one cluster" in alone["method"]
    nothing = (
        compare.ends(runs.with_columns(donated=pl.lit(None, pl.Float64))).filter(measure="donated").row(0, named=True)
    )
    assert (nothing["estimate"], nothing["n"]) == (None, 0)


def test_the_spread_is_the_standard_deviation_between_runs() -> None:
    values = [0.1, 0.4, 0.2, 0.9, 0.6]
    row = compare.spread(run_table({"trace": values})).row(0, named=True)
    assert row["estimate"] == pytest.approx(np.std(values, ddof=1))
    assert row["low"] < row["estimate"] < row["high"]
    assert row["method"] == "Bonett's interval over runs; few runs"
    for few, why in (([0.1], "one run"), ([0.1, 0.3, 0.2], "fewer than four"), ([0.3] * 5, "all runs are alike")):
        none = compare.spread(run_table({"trace": few})).row(0, named=True)
        assert (none["low"], none["high"]) == (None, None)
        assert why in none["method"]


@pytest.mark.parametrize("n", [4, 5, 20])
def test_the_interval_of_the_spread_covers(n: int) -> None:
    """400 samples of normal runs: 95 % less three standard errors (.918) is due; a percentile bootstrap covers .85 to .88."""
    draws = np.random.default_rng(n).normal(0, 2, (400, n))
    ends = [compare.deviation(one)[1:3] for one in draws]
    assert np.mean([low is not None and high is not None and low < 2 < high for low, high in ends]) > 0.918


def test_two_populations_are_compared_as_independent() -> None:
    runs = pl.concat(
        [
            run_table({"trace": v}).with_columns(community=pl.lit(c))
            for c, v in (("a", [0.5, 0.6, 0.7]), ("b", [0.1, 0.2]))
        ]
    )
    row = compare.between(runs, condition="trace").filter(measure="donated").row(0, named=True)
    assert row["contrast"] == "a - b"
    assert row["estimate"] == pytest.approx(0.45)
    assert row["n"] == 5
    turned = compare.between(runs, condition="trace", order=["b", "a"]).filter(measure="donated").row(0, named=True)
    assert turned["estimate"] == pytest.approx(-0.45)


def test_a_planted_reciprocity_comes_back_and_none_is_found_where_there_is_none() -> None:
    rng = np.random.default_rng(100)  # 60 such worlds in a row were covered by their interval
    told = []
    for condition, slope in (("trace", 0.4), ("punishment", 0.0), ("no trace", None)):
        for run in range(12):
            level = rng.normal(0.4, 0.05)
            for k, seen in enumerate(rng.random(40).tolist()):
                share = level + (slope or 0.0) * (seen - 0.5) + rng.normal(0, 0.1)
                told.append(
                    ("p", condition, run, 1, 1, k, f"s{k}", "give", 10.0, share, None if slope is None else seen, 1.0)
                )
    found = {r["contrast"]: r for r in compare.reciprocity(rows(told)).iter_rows(named=True)}
    assert found["p, trace"]["low"] < 0.4 < found["p, trace"]["high"]
    assert found["p, trace"]["low"] > 0
    assert found["p, punishment"]["low"] < 0 < found["p, punishment"]["high"]
    assert found["p, no trace"]["estimate"] is None
    assert "no gift was seen" in found["p, no trace"]["method"]
    assert found["p, no trace"]["left_out"] == 480


def test_growth_has_a_mean_and_an_interval_for_each_generation() -> None:
    runs = run_table({"trace": [0.2, 0.4, 0.6]}).with_columns(donated=pl.col("donated") / pl.col("generation"))
    told = compare.grown(runs)
    assert told["value"].to_list() == pytest.approx([0.4, 0.2])
    assert told["generation"].to_list() == [1, 2]
    assert ((told["low"] < told["value"]) & (told["value"] < told["high"])).all()


def test_a_population_without_a_number_stands_beside_one_with_and_a_gap_costs_its_own_generation_alone() -> None:
    runs = run_table({"trace": [0.2, 0.4, 0.6]})
    mute = runs.with_columns(community=pl.lit("mute"), donated=pl.lit(None, pl.Float64))
    gap = runs.with_columns(
        donated=pl.when((pl.col("run") == 0) & (pl.col("generation") == 2)).then(None).otherwise("donated")
    )
    told = compare.grown(pl.concat([gap, mute]))
    assert told["n"].to_list() == [3, 2, 0, 0]
    assert told["value"].to_list() == [pytest.approx(0.4), pytest.approx(0.5), None, None]


def test_no_end_of_an_interval_lies_where_the_measure_cannot() -> None:
    runs = run_table({"trace": [0.0, 0.01, 0.6, 0.0]})
    share = compare.ends(runs).filter(measure="donated")
    assert share["low"].to_list() == [0.0] * 2
    assert share["high"].to_numpy().max() <= 1.0
    assert compare.grown(runs)["low"].to_list() == [0.0] * 2
    assert (compare.spread(runs)["low"] >= 0).all()
    assert compare.contrasts(run_table({"trace": [0.0, 0.01, 0.6, 0.0], "random": [0.0, 0.3, 0.1, 0.2]}))["low"][0] < 0
