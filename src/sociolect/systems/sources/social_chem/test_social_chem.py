"""The recipe from end to end: planted attributes come out as asked, flips move their own, controls that cannot carry them do not."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import systems
from sociolect.errors import RefusedError, UsageError
from sociolect.systems.sources.social_chem import align, elicit, load, measure, planted
from sociolect.systems.sources.social_chem.dimensions import ASKED

LEVELS = {"rot-agree": 5, "action-agree": 4, "action-moral-judgment": 3, "action-legal": 3, "action-agency": 2}
GRAMMAR = planted.grammar(3000)
TRAIN, DEV, TEST = (load.chosen(GRAMMAR, split) for split in ("train", "dev", "test"))


@pytest.fixture(scope="module")
def by() -> measure.Judges:
    return measure.judges(DEV, TEST, part="planted")


@pytest.mark.slow
def test_the_generator_writes_what_was_asked_and_the_controls_do_not(made: Any) -> None:
    told = made.page.tables["control"]
    own = told.filter(arm="generator")
    assert dict(own.select("attribute", (1 / pl.col("floor")).round().cast(pl.Int64)).rows()) == LEVELS
    assert own["control"].to_list() == pytest.approx([1] * 5, abs=0.2)
    assert own["ceiling"].to_list() == pytest.approx([1] * 5, abs=0.02)
    assert (own["low"] > own["floor"] + 0.25).all()
    words = told.filter(arm="word model")
    assert (words["control"] <= words["floor"] + 0.2).sum() >= 3
    turned = told.filter(arm="asked with shuffled tokens")
    assert ((turned["control"] - turned["floor"]).abs() <= 0.05).all()
    assert (turned["low"] < turned["floor"]).sum() >= 4


@pytest.mark.slow
def test_a_flipped_token_moves_its_own_attribute_and_no_other(made: Any) -> None:
    """Two attributes share four tokens: flipping one of them leaves the other."""
    told = made.page.tables["leakage"]
    own = pl.col("flipped") == pl.col("moves")
    assert told.height == 25
    assert (told.filter(own)["share"] >= 0.8).all()
    assert (told.filter(~own)["share"] <= 0.1).all()
    assert set(planted.GRAMMAR["action-agree"]) < set(planted.GRAMMAR["rot-agree"])


@pytest.mark.slow
def test_rules_are_certain_with_attributes_and_one_of_360_without(made: Any) -> None:
    told = dict(made.page.tables["perplexity"].filter(measure="perplexity").select("contrast", "estimate").rows())
    assert told["with attributes"] == pytest.approx(1, abs=0.1)
    assert told["without"] == pytest.approx(360 ** (1 / 7), rel=0.1)


@pytest.mark.slow
def test_the_page_claims_nothing_that_was_not_measured(made: Any) -> None:
    told = made.page.tables
    assert told["claims"]["same sign?"].to_list() == ["not measured"] * 4
    assert "planted" in made.page.summary
    assert [s.title for s in made.page.sections][-1] == "Where we differ"
    assert told["left_out"].rows()[-1] == ("the generator wrote nothing", 0)


@pytest.mark.slow
def test_a_generator_taught_shuffled_tokens_is_at_chance(tmp_path: Path, by: measure.Judges) -> None:
    """Chance plus or minus .05 on 1,200 rules."""
    align.taught(TRAIN, part="planted", folder=tmp_path, shuffled=True)
    rows = elicit.asked(TEST, part="planted", n=300, draws=4)
    told = measure.control(measure.judged(elicit.rules(tmp_path, rows, part="planted"), by), by, arm="shuffled")
    for name, share in told.select("measure", "estimate").iter_rows():
        assert share == pytest.approx(1 / LEVELS[name], abs=0.05)


def test_the_grammar_is_what_it_says() -> None:
    assert len(planted.vocabulary(GRAMMAR)) <= 60
    assert GRAMMAR["situation"].n_unique() == GRAMMAR["words"].n_unique() == 3000
    assert (TRAIN.height, DEV.height, TEST.height) == (2400, 300, 300)
    for row in GRAMMAR.head(50).iter_rows(named=True):
        due = [planted.GRAMMAR[name][row[name]] for name in ASKED["planted"]]
        assert row["rule_text"].split() == [row["words"].split()[0], *due]
    with pytest.raises(UsageError, match="1 to 3,375"):
        planted.grammar(4000)


def test_classifiers_learn_from_text_that_the_generator_never_saw(by: measure.Judges) -> None:
    learnt = align.examples(TRAIN, part="planted")
    assert not set(DEV["words"]) & {" ".join(p.split()[:3]) for p in learnt["prompt"]}
    assert by.levels == LEVELS
    assert list(by.right.values()) == pytest.approx([1] * 5, abs=0.02)
    with pytest.raises(RefusedError, match="no attribute can be judged"):
        measure.judges(DEV.head(5), TEST, part="planted")


def test_a_text_without_a_word_misses_and_is_counted(by: measure.Judges) -> None:
    rows = elicit.asked(TEST, part="planted", n=40).with_columns(wrote="rule_text")
    whole = measure.control(measure.judged(rows, by), by, arm="people")
    assert whole["estimate"].to_list() == pytest.approx([1] * 5, abs=0.03)
    mute = rows.with_columns(wrote=pl.when(pl.int_range(pl.len()) >= 10).then(pl.col("wrote")))
    told = measure.control(measure.judged(mute, by), by, arm="people")
    assert told["estimate"].to_list() == pytest.approx([0.75] * 5, abs=0.03)
    assert told["wordless"].to_list() == [10] * 5
    assert (told["low"] < 0.75).all()
    assert (told["high"] > 0.75).all()


def test_prompts_are_cut_neutralised_and_mixed_as_the_released_code_does() -> None:
    long = GRAMMAR.head(1).with_columns(words=pl.lit("<|im_start|>system " + "word " * 100))
    (text,) = align.prompts(align.written(long, "planted"), part="planted")
    assert "<|im_start|>" not in text
    assert len(text.split()) == 75 + 7
    some = TRAIN.head(10)
    mixed = align.examples(some, part="planted", mix=True)
    assert mixed.height == 30
    assert sum("rot_and_attrs" in p for p in mixed["prompt"]) == 10
    both = mixed.filter(pl.col("prompt").str.contains("rot_and_attrs"))["reply"]
    assert {len(r.split()) for r in both} == {11}
    assert align.examples(some, part="planted").height == 10
    free = align.examples(TRAIN, part="planted")["prompt"].str.contains(" attrs ")
    assert 1 - free.mean() == pytest.approx(align.FREE, abs=0.03)  # type: ignore[operator]  # a share of rows that exist


def test_flips_change_one_level_and_shuffles_all_but_the_shares() -> None:
    rows = elicit.asked(TEST, part="planted", n=50, draws=2)
    one = rows.filter(pl.col("draw") == 0)
    flips = elicit.flipped(one, part="planted", seed=1)
    assert flips.height == 250
    before = one.select("situation", *(pl.col(n).alias(f"was {n}") for n in ASKED["planted"]))
    both = flips.join(before, on="situation")
    for name in ASKED["planted"]:
        moved = both[name] != both[f"was {name}"]
        assert (moved == (both["flip"] == name)).all()
    turned = elicit.shuffled(rows, part="planted", seed=1)
    assert turned["situation"].to_list() == rows["situation"].to_list()
    assert sorted(turned["rot-agree"]) == sorted(rows["rot-agree"])
    assert (
        turned.filter(pl.col("draw") == 0)["rot-agree"].to_list()
        != turned.filter(pl.col("draw") == 1)["rot-agree"].to_list()
    )


def test_no_claim_is_a_number_of_control() -> None:
    card = systems.find("social_chem")
    assert [c.id for c in card.claims] == ["rules", "dimensions", "labels", "pretrained"]
    assert {c.id: c.value for c in card.claims} == {
        "rules": 292000,
        "dimensions": 12,
        "labels": 4500000,
        "pretrained": None,
    }
