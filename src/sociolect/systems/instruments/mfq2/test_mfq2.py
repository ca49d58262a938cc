"""Six foundations turning through 36 items: means worked out by hand from the cyclic key."""

from pathlib import Path

import pytest

from sociolect.systems.instruments.test_answers import alike, scored

HERE = Path(__file__).parent
FOUNDATIONS = ("care", "equality", "proportionality", "loyalty", "authority", "purity")


def test_items_turn_through_the_foundations() -> None:
    said = {str(i): str(min((i - 1) % 6 + 1, 5)) for i in range(1, 37)}
    assert scored(HERE, said) == dict(zip(FOUNDATIONS, (1, 2, 3, 4, 5, 5), strict=True))


def test_a_mean_of_six() -> None:
    said = {**alike(HERE, "1"), **dict(zip(("2", "8", "14", "20", "26", "32"), "543211", strict=True))}
    assert scored(HERE, said)["equality"] == pytest.approx(16 / 6, abs=1e-12)


def test_a_missing_answer_makes_its_foundation_null() -> None:
    made = scored(HERE, {**alike(HERE, "3"), "36": None})
    assert [made[f] for f in FOUNDATIONS] == [3, 3, 3, 3, 3, None]
