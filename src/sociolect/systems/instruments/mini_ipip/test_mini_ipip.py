"""The short form: sums worked out by hand from the key in Donnellan et al. (2006)."""

from pathlib import Path

import pytest

from sociolect.systems.instruments.test_answers import alike, scored

HERE = Path(__file__).parent
TURN = {str(i): str(1 + (i - 1) % 4) for i in range(1, 21)}


@pytest.mark.parametrize(("choice", "due"), [("1", 16), ("5", 8)])
def test_the_same_answer_throughout_shows_three_reversed_items_of_four_in_one_scale_only(choice: str, due: int) -> None:
    assert scored(HERE, alike(HERE, choice)) == {"E": 12, "A": 12, "C": 12, "N": 12, "O": due}


def test_answers_that_differ() -> None:
    # E: items 1, 6, 11, 16 answered 1, 2, 3, 4, of which 6 and 16 are reversed: 1 + 4 + 3 + 2
    assert scored(HERE, TURN) == {"E": 10, "A": 14, "C": 10, "N": 14, "O": 10}


def test_a_missing_answer_makes_its_own_scale_null() -> None:
    assert scored(HERE, {**TURN, "20": None}) == {"E": 10, "A": 14, "C": 10, "N": 14, "O": None}
