"""Nineteen values of three items, by the scoring key of June 2021: centred means worked out by hand."""

from pathlib import Path

import pytest

from sociolect.measure.instrument import read
from sociolect.systems.instruments.test_answers import alike, scored

HERE = Path(__file__).parent


def test_one_value_stands_out() -> None:
    made = scored(HERE, {**alike(HERE, "1"), **dict.fromkeys(("1", "23", "39"), "6")})
    centre = (3 * 6 + 54 * 1) / 57
    assert made.pop("SDT") == pytest.approx(6 - centre, abs=1e-9)
    assert list(made.values()) == pytest.approx([1 - centre] * 18, abs=1e-9)


def test_all_equal_is_nothing_anywhere() -> None:
    made = scored(HERE, alike(HERE, "5"))
    assert len(made) == 19
    assert list(made.values()) == pytest.approx([0] * 19, abs=1e-12)


def test_every_item_is_in_one_value() -> None:
    assert sorted(int(i) for s in read(HERE).subscales for i in s.items) == list(range(1, 58))


def test_a_missing_answer_leaves_no_centre_and_so_no_value() -> None:
    made = scored(HERE, {**alike(HERE, "2"), "55": None})
    assert set(made.values()) == {None}
