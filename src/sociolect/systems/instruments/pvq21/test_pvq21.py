"""Turned round, then centred: golden values from the dossier (instruments, section 7), after Schwartz's instructions."""

from pathlib import Path

import pytest

from sociolect.measure.instrument import read
from sociolect.systems.instruments.test_answers import alike, scored

HERE = Path(__file__).parent
SAID = {str(i): str(1 + i * i % 6) for i in range(1, 22)}
DUE = {
    "BE": 2.238095,
    "SD": 1.238095,
    "ST": 0.738095,
    "UN": -0.428571,
    "TR": -1.261905,
    "HE": -1.261905,
    **dict.fromkeys(("CO", "AC", "PO", "SE"), -0.261905),
}


def test_answers_that_differ() -> None:
    assert scored(HERE, SAID) == pytest.approx(DUE, abs=1e-6)


def test_the_centre_is_the_mean_of_the_turned_answers() -> None:
    turned = [7 - int(c) for c in SAID.values()]
    assert sum(turned) / 21 == pytest.approx(3.761905, abs=1e-6)
    raw = {s.id: sum(7 - int(SAID[i]) for i in s.items) / len(s.items) for s in read(HERE).subscales}
    assert scored(HERE, SAID) == pytest.approx({k: v - sum(turned) / 21 for k, v in raw.items()}, abs=1e-9)


@pytest.mark.parametrize("choice", ["1", "4", "6"])
def test_all_equal_is_nothing_anywhere(choice: str) -> None:
    assert scored(HERE, alike(HERE, choice)) == pytest.approx(dict.fromkeys(DUE, 0.0), abs=1e-12)


def test_option_1_is_the_most_like_me() -> None:
    made = scored(HERE, {**alike(HERE, "6"), "2": "1", "17": "1"})
    assert made["PO"] == pytest.approx(5 * 19 / 21, abs=1e-9)  # 6 - (2 x 6 + 19 x 1) / 21


def test_five_missing_answers_are_borne_and_six_are_not() -> None:
    five = {**SAID, **dict.fromkeys(("7", "9", "12", "3", "1"))}
    assert scored(HERE, five)["HE"] is not None
    assert set(scored(HERE, {**five, "6": None}).values()) == {None}
