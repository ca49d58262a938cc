"""Two invented traits with five reversed items of ten: sums worked out by hand."""

from pathlib import Path

import pytest

from sociolect.measure.instrument import read
from sociolect.systems.instruments.test_answers import alike, scored

HERE = Path(__file__).parent


@pytest.mark.parametrize(("choice", "outdoors", "mornings"), [("1", 13, 17), ("3", 15, 15), ("5", 17, 13)])
def test_agreement_alone_hardly_moves_a_balanced_scale(choice: str, outdoors: int, mornings: int) -> None:
    made = scored(HERE, alike(HERE, choice))
    assert (made["outdoors"], made["mornings"]) == (outdoors, mornings)


def test_a_trait_moves_it_from_end_to_end() -> None:
    keys = {i.id: i.key for i in read(HERE).items}
    high = scored(HERE, {i: "5" if k == 1 else "1" for i, k in keys.items()})
    low = scored(HERE, {i: "1" if k == 1 else "5" for i, k in keys.items()})
    assert high == {"outdoors": 25, "mornings": 25, "lark": 1}
    assert low == {"outdoors": 5, "mornings": 5, "lark": 0}


def test_a_missing_answer_makes_its_own_trait_null() -> None:
    made = scored(HERE, {**alike(HERE, "3"), "1": None})
    assert (made["outdoors"], made["mornings"]) == (None, 15)


def test_half_of_the_items_are_reversed_and_every_item_has_a_second_wording() -> None:
    instrument = read(HERE)
    assert [i.id for i in instrument.items if i.key == -1] == ["2", "3", "6", "7", "10"]
    second = instrument.paraphrases["second"]
    assert all(second[i.id] != i.wording for i in instrument.items)
