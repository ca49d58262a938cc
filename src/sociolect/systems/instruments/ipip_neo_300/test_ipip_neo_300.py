"""The keys, held against the table of positively and negatively keyed items at ipip.ori.org (IPIP300-120ComparisonTable)."""

from pathlib import Path

import pytest

from sociolect.measure.instrument import read
from sociolect.systems.instruments.test_answers import alike, scored

HERE = Path(__file__).parent
EACH = 10  # items in a facet
FORWARD = {  # positively keyed items of facets 1 to 6, IPIP 300 column
    "N": (5, 5, 7, 6, 5, 5),
    "E": (5, 5, 5, 5, 8, 8),
    "O": (6, 5, 5, 4, 5, 3),
    "A": (6, 2, 5, 3, 4, 4),
    "C": (6, 5, 5, 7, 5, 3),
}


@pytest.mark.parametrize("choice", [1, 5])
def test_the_same_answer_throughout_gives_what_the_published_numbers_of_keys_give(choice: int) -> None:
    due = {f"{d}{k}": p * choice + (EACH - p) * (6 - choice) for d, ps in FORWARD.items() for k, p in enumerate(ps, 1)}
    due |= {d: sum(due[f"{d}{k}"] for k in range(1, 7)) for d in FORWARD}
    assert scored(HERE, alike(HERE, str(choice))) == due


def test_every_item_is_in_one_facet_and_in_that_facet_s_domain() -> None:
    subscales = {s.id: s.items for s in read(HERE).subscales}
    facets = [i for name, items in subscales.items() if len(name) == 2 for i in items]
    assert sorted(facets, key=int) == [str(i) for i in range(1, 301)]
    for d in FORWARD:
        assert sorted(subscales[d]) == sorted(i for k in range(1, 7) for i in subscales[f"{d}{k}"])


def test_a_missing_answer_makes_its_facet_and_its_domain_null() -> None:
    full, less = scored(HERE, alike(HERE, "2")), scored(HERE, {**alike(HERE, "2"), "1": None})  # item 1: N1
    assert {k for k in full if full[k] != less[k]} == {"N1", "N"}
    assert less["N1"] is less["N"] is None
