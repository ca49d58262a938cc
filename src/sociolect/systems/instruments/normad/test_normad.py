"""What the dossier accepts: planted respondents come back as they were planted, with countries as clusters."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.frames import Effects, Items, Replies, Scores
from sociolect.systems.instruments.normad import agents, elicit, load, measure
from sociolect.systems.instruments.normad.elicit import RUNGS

MODES: tuple[elicit.Mode, ...] = ("sampled", "logprob")


class World(NamedTuple):
    items: Items
    replies: Replies
    scores: Scores
    rungs: Effects


@cache
def planted_world() -> World:
    """The planted stories put to every planted respondent, once for the tests of this folder."""
    items = load.planted()
    replies = elicit.asked(agents.agents(items, (*agents.AGENTS, "constant yes")), elicit.ladder(items))
    scores = measure.adapted(replies)
    return World(items, replies, scores, measure.rungs_of(scores, draws=500))


@pytest.fixture
def world() -> World:
    return planted_world()


def of(found: Effects, community: str, what: str, rows: str = "all", measure: str = "accuracy") -> dict[str, Any]:
    return found.filter(community=community, what=what, rows=rows, measure=measure).row(0, named=True)


def test_the_planted_stories_are_twelve_countries_by_twenty_rules_by_three_labels(world: World) -> None:
    assert world.items.height == 720
    assert world.items.group_by("country", "gold").len()["len"].unique().to_list() == [20]
    neutral = world.items.filter(pl.col("gold") == "neutral")
    ways = agents.known(world.items)
    assert not any(thing in ways[country] for country, thing in neutral.select("country", "thing").iter_rows())
    assert all(thing in ways[origin] for origin, thing in neutral.select("origin", "thing").iter_rows())
    broken = world.items.filter(pl.col("gold") == "no")
    assert all(ways[c][t] != w for c, t, w in broken.select("country", "thing", "way").iter_rows())


def test_the_oracles_are_right_where_they_are_told_and_draw_where_they_are_not(world: World) -> None:
    for rung in ("rule", "country", "country_value"):
        assert of(world.rungs, "knows all", rung)["estimate"] == 1.0
    prior = of(world.rungs, "knows all", "none")
    assert abs(prior["estimate"] - 1 / 3) <= 0.03  # every label equally likely without the country
    assert prior["low"] < 1 / 3 < prior["high"]
    for rung in RUNGS:
        assert of(world.rungs, "constant yes", rung)["estimate"] == pytest.approx(1 / 3, abs=1e-12)
        assert of(world.rungs, "constant yes", rung, "yes and no")["estimate"] == pytest.approx(1 / 2, abs=1e-12)


def test_the_gap_between_known_and_unknown_countries_is_recovered(world: World) -> None:
    half = agents.half_known(world.items)
    assert len(half) == 6
    told = world.scores.filter(community="knows half").with_columns(
        known=pl.when(pl.col("country").is_in(half)).then(pl.lit("known")).otherwise(pl.lit("unknown"))
    )
    found = measure.parts_of(frames.scores(told), "known", rung="country", draws=500)
    row = of(found, "knows half", "known - others", measure="accuracy by known")
    assert of(found, "knows half", "known", measure="accuracy by known")["estimate"] == 1.0
    assert abs(of(found, "knows half", "unknown", measure="accuracy by known")["estimate"] - 1 / 3) < 0.05
    assert row["estimate"] >= 0.30
    assert 0 < row["low"] < 2 / 3 < row["high"] + 0.02
    assert row["clusters"] == 12


def test_the_ladder_rises_for_who_knows_half_and_is_flat_for_the_deaf(world: World) -> None:
    none, country, rule = (of(world.rungs, "knows half", r)["estimate"] for r in ("none", "country", "rule"))
    assert none < country < rule == 1.0
    gain = of(world.rungs, "knows half", "rule - none", measure="gain")
    assert gain["estimate"] == pytest.approx(rule - none)
    assert 0.5 < gain["low"] < 2 / 3 < gain["high"]
    flat = [of(world.rungs, "deaf", r)["estimate"] for r in RUNGS]
    assert np.ptp(flat) <= 0.03


def test_a_planted_yes_bias_is_recovered(world: World) -> None:
    found = measure.labels_of(world.scores, draws=500)
    row = of(found, "says yes", "rule", "yes and no", "yes-bias")
    assert abs(row["estimate"] - agents.FLIP) <= 0.05
    assert row["low"] < agents.FLIP < row["high"]
    assert of(found, "knows all", "rule", "yes and no", "yes-bias")["estimate"] == 0.0
    assert of(found, "constant yes", "none", "yes and no", "yes-bias")["estimate"] == 1.0
    assert of(found, "says yes", "rule: neutral", "neutral", "recall")["estimate"] == 1.0


@pytest.mark.parametrize("orders", ["balanced", "shuffled", "fixed"])
def test_who_takes_the_first_option_scores_a_third_when_orders_are_mixed(world: World, orders: str) -> None:
    items = world.items.filter(pl.col("gold") != "neutral") if orders == "fixed" else world.items
    said = elicit.asked(
        agents.agents(world.items, ("first option",)), elicit.ladder(frames.items(items), rungs=["rule"], orders=orders)
    )
    value = float(measure.adapted(said)["value"].to_numpy().mean())
    if orders == "fixed":  # Yes stands first: the base rate of yes, here one in two
        assert value == 0.5
        return
    se = (1 / 3 * 2 / 3 / said.height) ** 0.5
    assert abs(value - 1 / 3) <= 3 * se
    if orders == "balanced":
        assert value == pytest.approx(1 / 3, abs=1e-12)


def test_an_effect_of_order_is_told_from_the_range_that_chance_makes(world: World) -> None:
    none = measure.orders_of(frames.scores(world.scores.filter(community="deaf", rung="none")), draws=500)
    row = none.filter(measure="order effect").row(0, named=True)
    assert row["p"] > 0.05
    assert row["low"] is None
    assert row["floor"] > 0
    # right only where the right option stands first
    first = pl.col("shown").list.first() == "yes"
    yes = world.scores.filter(community="knows all", rung="rule", gold="yes").with_columns(value=first.cast(pl.Float64))
    told = measure.orders_of(frames.scores(yes), draws=500)
    found = told.filter(measure="order effect").row(0, named=True)
    assert found["estimate"] == 1.0
    assert found["p"] < 0.01
    assert told.filter(measure="accuracy by order")["estimate"].sort().round(4).to_list() == [-0.3333, -0.3333, 0.6667]


def test_the_parser_takes_two_labels_for_none_and_neither_nor_for_neither() -> None:
    due = {
        "Yes": "yes", "no.": "no", "Neither": "neutral", "Neither yes nor no.": "neutral", "neither yes, nor no": "neutral", "Yes, and no.": None,
        "Neither yes nor no; yes": None, "It depends.": None, "": None, "Not yes": None, "Yes or Neither": None,
    }  # fmt: skip
    assert {said: elicit.read(said) for said in due} == due


def test_what_is_said_and_what_is_weighed_come_to_the_same_answer(world: World) -> None:
    some = world.items.filter(pl.col("country").is_in(["Belvor", "Cathmoor"]))
    one = agents.agents(world.items, ("knows half",))
    ladders = elicit.ladder(frames.items(some), rungs=["country", "rule"])
    said, weighed = (elicit.asked(one, ladders, mode=mode) for mode in MODES)
    assert said["choice"].to_list() == weighed["choice"].to_list()
    assert (said["mode"][0], weighed["mode"][0]) == ("sampled", "logprob")
    assert said["position"].to_list() == weighed["position"].to_list()


def test_planted_stories_do_not_depend_on_how_many_countries_there_are() -> None:
    few, all_ = load.planted(countries=3, rules=5), load.planted(countries=12, rules=5)
    rules = [f.filter(pl.col("country") == "Belvor")["rule"].to_list() for f in (few, all_)]
    assert rules[0] == rules[1]
    assert load.planted(seed=1)["story"].to_list() != load.planted()["story"].to_list()
