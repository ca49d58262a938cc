"""Foundations by the item key of July 2008: six items each, two catch items scored nowhere."""

from pathlib import Path

import pytest

from sociolect.systems.instruments.test_answers import alike, scored

HERE = Path(__file__).parent
HARM = ("1", "7", "12", "17", "23", "28")  # part one 1, 7, 12; part two 17, 23, 28
FOUNDATIONS = ("harm", "fairness", "ingroup", "authority", "purity")
CAREFUL = {"6": "0", "22": "5"}


@pytest.mark.parametrize("choice", ["0", "3", "5"])
def test_the_same_answer_throughout(choice: str) -> None:
    made = scored(HERE, {**alike(HERE, choice), **CAREFUL})
    assert made == {**dict.fromkeys(FOUNDATIONS, 6 * int(choice)), "careless": 0}


def test_harm_takes_its_six_items_and_no_other() -> None:
    made = scored(HERE, {**alike(HERE, "0"), **CAREFUL, **dict.fromkeys(HARM, "5")})
    assert [made[f] for f in FOUNDATIONS] == [30, 0, 0, 0, 0]


@pytest.mark.parametrize(("six", "twenty_two", "due"), [("2", "3", 0), ("3", "3", 1), ("2", "2", 1)])
def test_the_catch_items_flag_and_score_nothing(six: str, twenty_two: str, due: int) -> None:
    made = scored(HERE, {**alike(HERE, "1"), "6": six, "22": twenty_two})
    assert made == {**dict.fromkeys(FOUNDATIONS, 6), "careless": due}


def test_a_missing_answer_makes_its_foundation_null() -> None:
    made = scored(HERE, {**alike(HERE, "4"), **CAREFUL, "32": None})
    assert [made[f] for f in FOUNDATIONS] == [24, 24, 24, 24, None]
