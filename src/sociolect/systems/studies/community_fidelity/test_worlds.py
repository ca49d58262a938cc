"""The study's verdicts where the truth is planted. `benchmarks/worlds.py` counts them over 20 planted and 40 null worlds."""

from dataclasses import replace

import polars as pl
import pytest

from sociolect import frames
from sociolect.measure.style import normalise
from sociolect.systems.studies.community_fidelity.worlds import World, between, gap, verdicts, world, wrap

CHANCE = 1 / 6  # what naming one of six equal communities at random comes to


def test_a_wrapped_text_is_the_same_in_plain_form() -> None:
    for said in ("@p07 so happy, we'll fetch my trout, ada's too.", "one", "Well!  i'm at the 'corner'."):
        assert normalise(wrap(said)) == normalise(said) != wrap(said)


def test_a_value_beyond_both_ends_and_their_intervals_is_not_between() -> None:
    """A distance: its floor lies above its ceiling. The value's own interval is no excuse."""
    ends = {"floor": 0.7, "floor_low": 0.6, "floor_high": 0.8, "ceiling": 0.2, "ceiling_low": 0.1, "ceiling_high": 0.3}
    seen = [between(ends | {"estimate": v, "low": 0.0, "high": 1.0}) for v in (0.05, 0.1, 0.45, 0.8, 0.85)]
    assert seen == [False, True, True, True, False]
    bare = {"floor": 0.2, "ceiling": 0.7} | dict.fromkeys(("floor_low", "floor_high", "ceiling_low", "ceiling_high"))
    assert [between(bare | {"estimate": v}) for v in (0.1, 0.5)] == [False, True]


@pytest.fixture(scope="module")
def planted() -> list[tuple[World, pl.DataFrame]]:
    here = [world(seed=seed) for seed in (1, 2)]
    return [(w, verdicts(w)) for w in here]


@pytest.mark.slow
def test_every_claim_holds_in_every_planted_world(planted: list[tuple[World, pl.DataFrame]]) -> None:
    for _, told in planted:
        found = told.filter(~pl.col("claim").str.ends_with(": interval"))
        assert found.filter(pl.col("holds").not_())["claim"].to_list() == []
        assert found["holds"].drop_nulls().len() == 15
        f1 = dict(found.filter(pl.col("holds").is_null()).select("claim", "value").iter_rows())
        assert abs(f1["F1 of shuffled"] - CHANCE) < 0.05
        assert f1["F1 of in_context"] - f1["F1 of shuffled"] > 0.05
        assert f1["F1 of aligned"] - f1["F1 of in_context"] > 0.15
        # What covers 0 does so near it, and not because the interval covers everything.
        same = found.filter(pl.col("claim").str.starts_with("redrawn is the same"))
        wide = (same["high"] - same["low"]).to_list()
        assert all(abs(v) < 0.05 for v in same["value"])
        assert 0 < min(wide) <= max(wide) < 0.25


@pytest.mark.slow
def test_with_the_two_arms_changing_names_the_difference_changes_sign(
    planted: list[tuple[World, pl.DataFrame]],
) -> None:
    here, told = planted[0]
    names = {"in_context": "aligned", "aligned": "in_context"}
    turned = frames.replies(here.replies.with_columns(pl.col("condition").replace(names)))
    low, high = told.filter(claim="aligned - in_context above 0").select("low", "high").row(0)
    found = gap(replace(here, replies=turned))
    assert found["high"] < -0.05
    assert low - 0.05 < -found["high"] < -found["low"] < high + 0.05


@pytest.mark.slow
def test_no_difference_of_arms_is_found_where_communities_speak_alike() -> None:
    """In about half of such worlds the judge names one community, and the interval is a point: it tells nothing. In these it names all."""
    found = [gap(world(null=True, seed=seed)) for seed in (1, 4)]
    assert all(d["low"] <= 0 <= d["high"] for d in found)
    assert all(abs(d["estimate"]) < 0.06 for d in found)
    assert all(0.03 < d["high"] - d["low"] < 0.25 for d in found)
