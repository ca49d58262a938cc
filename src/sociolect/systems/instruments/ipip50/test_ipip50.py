"""The markers: golden sums from the dossier (instruments, section 7), worked out from the published key by hand."""

from pathlib import Path

import pytest

from sociolect.systems.instruments.test_answers import alike, scored

HERE = Path(__file__).parent
FACTORS = ("E", "A", "C", "ES", "O")
TURN = {str(i): str(1 + (i - 1) % 4) for i in range(1, 51)}


@pytest.mark.parametrize(
    ("choice", "due"), [("1", (30, 26, 26, 42, 22)), ("3", (30,) * 5), ("5", (30, 34, 34, 18, 38))]
)
def test_the_same_answer_throughout(choice: str, due: tuple[int, ...]) -> None:
    assert scored(HERE, alike(HERE, choice)) == dict(zip(FACTORS, due, strict=True))


def test_answers_that_differ() -> None:
    assert scored(HERE, TURN) == dict(zip(FACTORS, (25, 25, 27, 31, 25), strict=True))


def test_one_reversed_item_pulls_the_other_way() -> None:
    assert scored(HERE, {**TURN, "6": "5"})["E"] == 22  # item 6 is reversed: 2 counts 4, 5 counts 1


def test_a_missing_answer_makes_its_own_factor_null() -> None:
    assert scored(HERE, {**TURN, "6": None}) == dict(zip(FACTORS, (None, 25, 27, 31, 25), strict=True))
