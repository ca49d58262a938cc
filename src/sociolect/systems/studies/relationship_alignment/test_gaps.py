"""Sensitivity of a planted model against people's: equality shown, difference shown, kappa, and what has none."""

from dataclasses import replace

import polars as pl
import pytest

from sociolect.errors import RefusedError
from sociolect.systems.studies.relationship_alignment import people, prepare
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.gaps import BOUND, differences, reactions
from sociolect.systems.studies.relationship_alignment.terms import Block
from sociolect.systems.studies.relationship_alignment.worlds import world

TONES = ("funny", "insult", "self_disclosure")
Planted = tuple[pl.DataFrame, Block]


@pytest.fixture(scope="module")
def planted() -> Planted:
    wide = world(pairs=6000, posts=1500, tones=TONES, conditions=["none", "all", "false"], kappa={"all": 2.0, "false": 2.0}, draws=1, seed=5)  # fmt: skip
    table = prepare.prepared(wide, eps=prepare.offsets(wide))
    return table, of.designed(table.filter(pl.col("source") == "human"))


def pairs(planted: Planted, condition: str) -> pl.DataFrame:
    return prepare.paired(planted[0], "planted", condition)


def test_a_model_that_reacts_twice_differs_by_what_people_have(planted: Planted) -> None:
    each, joint = differences(pairs(planted, "all"), planted[1], arm="all")
    close = each.filter(pl.col("contrast") == "closeness[T.close]")
    for tone, due in (("funny", 0.4), ("insult", 0.2), ("self_disclosure", -0.4)):  # of the planted table
        row = close.row(by_predicate=pl.col("measure") == tone, named=True)
        assert row["estimate"] == pytest.approx(due, abs=3 * row["se"])
        assert row["verdict"] == "different"
    ages = each.filter((pl.col("contrast") == "poster_decades") & (pl.col("measure") == "insult"))
    assert ages["verdict"].to_list() == ["equal"]
    assert each["low"].min() < -BOUND  # type: ignore[operator]  # a number
    assert joint.height == 3
    assert (joint["p_holm"] < 1e-6).all()
    assert each["measure"].unique().sort().to_list() == sorted(TONES)


def test_the_difference_form_holds_for_each_tone_what_one_fit_of_it_holds(planted: Planted) -> None:
    table, block = planted
    both = pairs(planted, "all")
    each, _ = differences(both, block, arm="all")
    one = replace(block, tones=("insult",), controls=())
    alone = people.table(people.slopes(both, one, prefix="gap "), one, arm="all")
    mine = each.filter(pl.col("measure") == "insult")
    assert mine["estimate"].to_list() == pytest.approx(alone["estimate"].to_list(), abs=1e-9)
    assert mine["se"].to_list() == pytest.approx(alone["se"].to_list(), abs=1e-9)
    assert table.height == 4 * 6000


def test_kappa_is_two_where_two_is_planted_and_nothing_where_nothing_is_told(planted: Planted) -> None:
    told = {c: reactions(pairs(planted, c), planted[1], arm=c).filter(measure="all tones").row(0, named=True) for c in ("none", "all", "false")}  # fmt: skip
    assert told["all"]["estimate"] == pytest.approx(2.0, abs=0.2)
    assert told["all"]["low"] > 1.25
    assert told["all"]["verdict"] == "different"
    for c in ("none", "false"):  # the false facts are not those of the pair
        assert told[c]["low"] < 0 < told[c]["high"]
        assert told[c]["high"] < 0.8
    assert told["all"]["n"] == 6000


def test_kappa_of_some_columns_is_about_those(planted: Planted) -> None:
    rows = pairs(planted, "all").with_columns(**{f"model {t}": pl.col(f"human {t}") for t in TONES})
    near = reactions(rows, planted[1], arm="all", only=["closeness[T.close]", "closeness[T.not_close]"])
    assert near["estimate"].to_list() == pytest.approx([1.0] * 4, abs=1e-9)  # people against themselves
    age = reactions(pairs(planted, "all"), planted[1], arm="all", only=["poster_decades"])
    # insult and self-disclosure do not move with the poster's age: no ratio, and the reason
    assert age.filter(pl.col("measure") == "self_disclosure")["verdict"].item().startswith("people's own reaction is not told from 0") or age.filter(pl.col("measure") == "self_disclosure")["estimate"].is_null().item()  # fmt: skip


def test_a_thousand_pairs_leave_it_undecided_and_say_with_which_power() -> None:
    wide = world(pairs=1000, posts=250, tones=["funny"], conditions=["all"], draws=1, seed=1)
    table = prepare.prepared(wide, eps=prepare.offsets(wide))
    block = of.designed(table.filter(pl.col("source") == "human"))
    each, _ = differences(prepare.paired(table, "planted", "all"), block, arm="all")
    row = each.row(by_predicate=pl.col("contrast") == "both_men", named=True)
    assert row["p_different"] > 0.05
    assert row["verdict"].startswith("undecided, power .")
    assert row["power"] < 0.5


def test_no_pairs_and_no_terms_are_refused(planted: Planted) -> None:
    table, block = planted
    with pytest.raises(RefusedError, match="no tone differs between these comments"):
        differences(prepare.paired(table, "nobody", "all"), block, arm="all")
    bare = replace(block, terms=())
    for run in (differences, reactions):
        with pytest.raises(RefusedError, match="no term of the relation is in this regression"):
            run(pairs(planted, "all"), bare, arm="all")


def test_unknown_closeness_is_no_stranger() -> None:
    wide = world(pairs=800, posts=200, tones=["funny"], conditions=["all"], draws=1, seed=2)
    half = pl.int_range(pl.len()) % 800 < 400
    wide = wide.with_columns(closeness=pl.when(half).then("closeness"))
    table = prepare.prepared(wide, eps=prepare.offsets(wide))
    block = of.designed(table.filter(pl.col("source") == "human"))
    each, _ = differences(prepare.paired(table, "planted", "all"), block, arm="all")
    assert each["n"].unique().to_list() == [400]
    assert each["left_out"].unique().to_list() == [400]
    none = wide.with_columns(closeness=pl.lit(None, pl.String))
    assert "closeness" not in of.designed(prepare.prepared(none, eps=prepare.offsets(none))).terms
