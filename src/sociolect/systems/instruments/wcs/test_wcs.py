"""The mean of 100 (r - 1) / (k - 1) over five questions with 5, 5, 7, 4 and 5 options: golden values from the dossiers."""

from pathlib import Path

import pytest

from sociolect.measure.instrument import read
from sociolect.systems.instruments.test_answers import scored

HERE = Path(__file__).parent


def answers(given: str) -> dict[str, str | None]:
    return {str(i): None if c == "." else c for i, c in enumerate(given, 1)}


@pytest.mark.parametrize(
    ("given", "due"),
    [
        ("11111", 0),
        ("22222", 25),  # (25 + 25 + 100 / 6 + 100 / 3 + 25) / 5
        ("33333", 50),
        ("55745", 100),
        ("51111", 20),
        ("11141", 20),
    ],
)
def test_the_score(given: str, due: float) -> None:
    assert scored(HERE, answers(given))["wcs"] == pytest.approx(due, abs=1e-9)


def test_one_missing_answer_makes_it_null() -> None:
    assert scored(HERE, answers("55.45")) == {"wcs": None}


def test_two_cut_offs_stand_side_by_side() -> None:
    assert [c.value for c in read(HERE).cutoffs] == [47, 57]
