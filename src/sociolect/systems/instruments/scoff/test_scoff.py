"""Two yes answers of five are positive (Morgan, Reid and Lacey 1999)."""

from pathlib import Path

from sociolect.measure.instrument import read
from sociolect.systems.instruments.test_answers import alike, scored

HERE = Path(__file__).parent
YES, NO = "1", "2"


def test_the_sum_counts_the_yes_answers_and_two_reach_the_cut_off() -> None:
    (cut,) = read(HERE).cutoffs
    one, two = (scored(HERE, {**alike(HERE, NO), **dict.fromkeys(which, YES)})["total"] for which in ("4", "25"))
    assert (one, two) == (1, 2)
    assert (cut.value, cut.operator) == (2, ">=")


def test_all_yes_and_all_no() -> None:
    assert scored(HERE, alike(HERE, YES)) == {"total": 5}
    assert scored(HERE, alike(HERE, NO)) == {"total": 0}


def test_a_missing_answer_makes_the_sum_null() -> None:
    assert scored(HERE, {**alike(HERE, YES), "1": None}) == {"total": None}
