"""Three mechanisms in planted worlds: a cue, mirroring, false facts, selection; each found where it is, and not where it is not."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from sociolect.errors import RefusedError
from sociolect.systems.studies.relationship_alignment import gaps, mechanisms, prepare
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.terms import Block
from sociolect.systems.studies.relationship_alignment.worlds import world

TONES = ("funny", "insult")
CLOSE = "closeness[T.close]"
WITHOUT, BESIDE, WITHIN = "without the post's tones", "beside the post's tones", "the commenter, within a post"
FACTS = ("commenter_gender", "poster_gender", "both_men", "closeness", "commenter_decades", "poster_decades", "gap_decades")  # fmt: skip


def made(**knobs: Any) -> tuple[pl.DataFrame, pl.DataFrame, Block]:
    wide = world(**dict[str, Any]({"pairs": 3000, "posts": 750, "tones": TONES, "draws": 1, "seed": 4} | knobs))
    table = prepare.prepared(wide, eps=prepare.offsets(wide))
    human = table.filter(pl.col("source") == "human")
    return table, human, of.designed(human)


def p_of(found: pl.DataFrame, block: str) -> list[float]:
    return found.filter(pl.col("block") == block).sort("measure")["p"].to_list()


def test_mirroring_goes_with_the_posts_tones_and_a_cue_stays() -> None:
    for cue in (0.0, 2.0):
        table, _, block = made(selection=2.0, mirror=4.0, cue=cue, conditions=["none"])
        found = mechanisms.implicit(prepare.paired(table, "planted", "none"), block)
        assert max(p_of(found, WITHOUT)) < 0.01  # who comments follows the post, so its tone looks like the relation
        assert (max(p_of(found, BESIDE)) < 1e-3) if cue else (min(p_of(found, BESIDE)) > 0.05)
        assert min(p_of(found, WITHIN)) > 0.01  # blind to the commenter
        assert found["arm"].unique().to_list() == ["none"]


def test_a_model_that_knows_the_commenter_shows_it_within_the_post() -> None:
    table, _, block = made(cue=1.0, blind=False, conditions=["none"])
    found = mechanisms.implicit(prepare.paired(table, "planted", "none"), block)
    assert max(p_of(found, WITHIN)) < 1e-3
    no_commenter = replace(block, terms=("poster_gender", "poster_decades"))
    told = mechanisms.implicit(prepare.paired(table, "planted", "none"), no_commenter)
    assert told["block"].unique().sort().to_list() == [BESIDE, WITHOUT]


@pytest.fixture(scope="module")
def told() -> tuple[pl.DataFrame, Block]:
    """An over-reacting model; its false arm with the facts it was told, as `bounds.as_told` writes them."""
    table, human, block = made(kappa={"all": 2.0, "false": 2.0}, conditions=["none", "placebo", "all", "false"])
    facts = human.select(pl.col("item").alias("facts_of"), *FACTS)
    false = table.filter(pl.col("condition") == "false").drop(FACTS).join(facts, on="facts_of", how="left")
    return pl.concat([table.filter(pl.col("condition") != "false"), false.select(table.columns)]), block


def test_false_facts_are_followed_as_strongly_as_true_ones(told: tuple[pl.DataFrame, Block]) -> None:
    table, block = told
    false = mechanisms.followed(table, block, speaker="planted").row(0, named=True)
    true = mechanisms.followed(table, block, speaker="planted", condition="all").row(0, named=True)
    paired = gaps.reactions(prepare.paired(table, "planted", "all"), block, arm="all").filter(measure="all tones")
    assert false["low"] < 2 < false["high"]
    assert false["low"] > 1
    # on true facts it is the kappa of the pairs: one design for both, or the same design twice
    assert true["estimate"] == pytest.approx(paired["estimate"].item(), abs=1e-6)
    assert true["low"] == pytest.approx(paired["low"].item(), abs=1e-6)
    assert (false["measure"], false["contrast"], false["arm"], false["n"]) == ("all tones", "kappa", "false", 3000)


def test_a_placebo_moves_nothing_and_facts_would(told: tuple[pl.DataFrame, Block]) -> None:
    table, block = told
    each, joint = mechanisms.placebo(table, block, speaker="planted")
    assert joint["p_holm"].min() > 0.05  # type: ignore[operator]  # a number
    assert each["p_holm"].min() > 0.05  # type: ignore[operator]  # a number
    assert each["arm"].unique().to_list() == ["placebo - none"]
    swapped = table.with_columns(condition=pl.col("condition").replace({"all": "placebo", "placebo": "all"}))
    _, moved = mechanisms.placebo(swapped, block, speaker="planted")
    assert moved["p"].max() < 1e-6  # type: ignore[operator]  # a number


def test_who_comments_on_what_stands_between_posts() -> None:
    found = {}
    for selection in (0.0, 0.5, 1.0):
        _, human, block = made(selection=selection, mirror=3.0, conditions=["none"], seed=6)
        rows = mechanisms.between_within(human, block)
        found[selection] = rows.filter(contrast=CLOSE, measure="funny").row(0, named=True)
        if not selection:
            assert rows["p"].min() > 0.05 / rows.height  # type: ignore[operator]  # a number
            assert "poster_gender[T.man]" not in rows["contrast"]  # of posts alone: no within to compare with
    assert found[0.0]["low"] < 0 < found[0.0]["high"]
    assert found[0.5]["low"] > 0
    assert found[1.0]["estimate"] > found[0.5]["estimate"] + 0.1


def test_rows_with_a_gap_are_left_out_of_both_sides() -> None:
    _, human, block = made(pairs=600, posts=150, conditions=["none"])
    third = pl.int_range(pl.len()) % 3 == 0
    holed = human.with_columns(closeness=pl.when(~third).then("closeness"))
    found = mechanisms.between_within(holed, block)
    assert found["n"].unique().to_list() == [400]
    without = mechanisms.between_within(holed.drop_nulls("closeness"), block)
    assert found["estimate"].to_list() == pytest.approx(without["estimate"].to_list())
    # a pseudonym that is not known is no gap of the block, though its name is the beginning of a column's
    unnamed = human.with_columns(commenter=pl.when(~third).then("commenter"))
    assert mechanisms.between_within(unnamed, block)["n"].unique().to_list() == [600]


def test_what_was_not_asked_or_cannot_be_told_is_refused(told: tuple[pl.DataFrame, Block]) -> None:
    table, block = told
    with pytest.raises(RefusedError, match="nobody was never told the facts of another pair: ask the condition 'false'"):  # fmt: skip
        mechanisms.followed(table, block, speaker="nobody")
    strangers = table.filter((pl.col("condition") != "false") | (pl.col("closeness") != "close"))
    with pytest.raises(RefusedError, match=r"have not the levels of the true ones \(closeness\[T.close\]\): ask more"):
        mechanisms.followed(strangers, block, speaker="planted")
    for run in (mechanisms.implicit, mechanisms.between_within):
        with pytest.raises(RefusedError, match="no term of the relation"):
            run(prepare.paired(table, "planted", "none").with_columns(pl.col(f"human {t}").alias(t) for t in TONES), replace(block, terms=()))  # fmt: skip
    _, alone, single = made(pairs=200, posts=200, conditions=["none"])
    with pytest.raises(RefusedError, match="each of the 200 groups has one row"):
        mechanisms.between_within(alone, single)
