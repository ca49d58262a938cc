"""Steerability: a planted part of people's spread comes back; with the names mixed up the ratio stays and the target is lost."""

import numpy as np
import polars as pl
import pytest

from sociolect.compare.steerability import spread, steerability
from sociolect.errors import InputError, RefusedError

COUNTRIES = [f"c{i:02}" for i in range(14)]


def people(items: int = 60, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    table = rng.random((items, 14))
    rows = [(f"q{i:02}", c, table[i, j]) for i in range(items) for j, c in enumerate(COUNTRIES)]
    return pl.DataFrame(rows, schema=["item", "community", "value"], orient="row")


def steered(
    told: pl.DataFrame, share: float, *, noise: float = 0.0, mixed: bool = False, name: str = "m", seed: int = 1
) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    centre = pl.col("value").mean().over("item")
    moved = told.with_columns(value=centre + share * (pl.col("value") - centre), speaker=pl.lit(name))
    order = dict(zip(COUNTRIES, [*COUNTRIES[1:], COUNTRIES[0]], strict=True))
    named = moved.with_columns(community=pl.col("community").replace_strict(order)) if mixed else moved
    return named.with_columns(value=pl.col("value") + pl.Series(rng.normal(0, noise, named.height)))


def number(found: pl.DataFrame, measure: str, column: str = "estimate", speaker: str = "m") -> float:
    return float(found.filter(measure=measure, speaker=speaker)[column].item())


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_a_part_of_peoples_spread_is_recovered(share: float) -> None:
    """Dossier: the ratio within .1 of what is planted."""
    told = people()
    found = steerability(pl.concat([steered(told, share, noise=0.02, seed=s) for s in (1, 2)]), told, draws=300)
    assert number(found, "steer ratio") == pytest.approx(share, abs=0.1)
    assert number(found, "steer ratio", "low") < share + 0.02
    assert number(found, "target - nearest other", "high") < 0
    assert number(found, "target nearest") == 1.0
    assert number(found, "target distance", "p") == pytest.approx(1 / 2001)


def test_mixed_countries_have_the_same_spread_and_no_target() -> None:
    told = people()
    found = steerability(steered(told, 1.0, mixed=True), told, draws=300)
    assert number(found, "steer ratio") == pytest.approx(1.0, abs=1e-9)
    assert number(found, "target distance", "p") > 0.2
    assert number(found, "target nearest") == 0.0
    assert number(found, "target - nearest other", "low") > 0


def test_one_answer_for_all_countries_has_no_spread_and_is_nearest_to_none_for_sure() -> None:
    told = people()
    found = steerability(steered(told, 0.0), told, draws=200)
    assert number(found, "steer ratio") == pytest.approx(0.0, abs=1e-12)
    assert number(found, "target distance", "p") > 0.9
    assert number(found, "target nearest") <= 0.1


def test_sets_of_all_speakers_vectors() -> None:
    """Two speakers, one without spread: the pool spreads by less than people, and few random sets reach theirs."""
    told = people()
    both = pl.concat([steered(told, 0.25, name="a"), steered(told, 0.5, name="b")])
    row = steerability(both, told, draws=200).filter(contrast="all speakers together").row(0, named=True)
    assert 0.25 < row["estimate"] < 0.5
    assert row["p"] == pytest.approx(1 / 10_001)


def test_spread_is_the_mean_distance_of_pairs_by_root_of_items() -> None:
    table = np.array([[0.0, 0.6], [0.0, 0.8]])
    assert spread(table) == pytest.approx(np.linalg.norm(table[:, 0] - table[:, 1]) / 2**0.5)


def test_answers_are_joined_by_item_and_a_missing_mean_stays_missing() -> None:
    """In the release answers go in order of completion, and a missing mean is .5: here rows may come in any order."""
    told = people()
    own = steered(told, 1.0)
    shuffled = own.sample(fraction=1.0, shuffle=True, seed=5)
    assert steerability(own, told, draws=200).equals(steerability(shuffled, told, draws=200))
    holed = told.with_columns(
        value=pl.when((pl.col("item") == "q03") & (pl.col("community") == "c01")).then(None).otherwise("value")
    )
    found = steerability(own, holed, draws=200)
    assert found["n"].unique().to_list() == [59]
    assert found["left_out"].unique().to_list() == [14]
    assert number(found, "steer ratio") == pytest.approx(1.0, abs=1e-9)


def test_faults() -> None:
    told = people(4)
    with pytest.raises(InputError, match="steered have no column 'speaker'"):
        steerability(told, told)
    with pytest.raises(RefusedError, match="2 communities"):
        steerability(steered(told, 1.0).filter(pl.col("community") < "c02"), told)


def test_noise_of_repeats_is_taken_off_the_spread_and_single_answers_are_told() -> None:
    """Answers as noisy as countries lie apart: three repeats give the planted half, one gives far more and says why."""
    told = people(200)
    repeats = pl.concat([steered(told, 0.5, noise=0.3, seed=s) for s in range(3)])
    found = steerability(repeats, told, draws=300)
    assert number(found, "steer ratio") == pytest.approx(0.5, abs=0.1)
    assert "noise of repeats taken off" in found["method"][0]
    single = steerability(steered(told, 0.5, noise=0.3), told, draws=300)
    assert number(single, "steer ratio") > 0.9
    assert "single answers" in single["method"][0]


def test_what_a_form_does_to_all_communities_alike_is_no_noise_and_narrows_no_spread() -> None:
    """Half of people's spread, eight forms that move every community alike, noise: the ratio is .5 with forms or without."""
    ratios: dict[bool, list[float]] = {False: [], True: []}
    for seed in range(10):
        rng = np.random.default_rng(seed)
        human = rng.random((40, 8))
        people = pl.DataFrame([(f"q{i:02}", f"c{c}", human[i, c]) for i in range(40) for c in range(8)], schema=["item", "community", "value"], orient="row")  # fmt: skip
        push, noise = rng.normal(0, 0.4, (40, 8)), rng.normal(0, 0.1, (40, 8, 8))
        for moved, held in ratios.items():
            rows = [
                (f"q{i:02}", f"c{c}", f"f{f}", 0.5 + (human[i, c] - 0.5) / 2 + moved * push[i, f] + noise[i, c, f])
                for i in range(40) for c in range(8) for f in range(8)
            ]  # fmt: skip
            told = pl.DataFrame(rows, schema=["item", "community", "condition", "value"], orient="row")
            found = steerability(told, people, by=None, draws=100, relabelled=100)
            held.append(found.filter(measure="steer ratio")["estimate"].item())
    assert ratios[True] == pytest.approx(ratios[False])
    assert np.mean(ratios[True]) == pytest.approx(0.5, abs=0.01)
