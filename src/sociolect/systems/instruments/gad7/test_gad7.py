"""The sum and its cut-offs, after Spitzer et al. (2006): seven items of 0 to 3, thresholds 5, 10, 15."""

from pathlib import Path

from sociolect.measure.instrument import read
from sociolect.systems.instruments.test_answers import alike, scored

HERE = Path(__file__).parent


def test_the_sum_runs_from_0_to_21() -> None:
    assert [scored(HERE, alike(HERE, c))["total"] for c in "0123"] == [0, 7, 14, 21]


def test_answers_that_differ() -> None:
    assert scored(HERE, dict(zip("1234567", "0123012", strict=True))) == {"total": 9}


def test_a_missing_answer_makes_the_sum_null() -> None:
    assert scored(HERE, {**alike(HERE, "3"), "7": None}) == {"total": None}


def test_the_cut_offs() -> None:
    assert [(c.value, c.label) for c in read(HERE).cutoffs] == [(5, "mild"), (10, "moderate"), (15, "severe")]
