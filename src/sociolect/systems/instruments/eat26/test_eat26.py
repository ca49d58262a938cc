"""The scoring sheet at eat-26.com: golden sums from the dossier (instruments, section 7), item 26 the other way round."""

from pathlib import Path

import pytest

from sociolect.systems.instruments.test_answers import alike, scored

HERE = Path(__file__).parent
ALWAYS, USUALLY, OFTEN, SOMETIMES, RARELY, NEVER = "123456"


@pytest.mark.parametrize(
    ("choice", "due"),
    [
        (ALWAYS, (36, 18, 21, 75)),
        (USUALLY, (24, 12, 14, 50)),
        (OFTEN, (12, 6, 7, 25)),
        (SOMETIMES, (1, 0, 0, 1)),
        (RARELY, (2, 0, 0, 2)),
        (NEVER, (3, 0, 0, 3)),
    ],
)
def test_the_same_answer_throughout(choice: str, due: tuple[int, ...]) -> None:
    assert scored(HERE, alike(HERE, choice)) == dict(zip(("dieting", "bulimia", "oral", "total"), due, strict=True))


def test_the_reversed_item_counts_from_sometimes_to_never() -> None:
    rest = alike(HERE, NEVER)
    assert [scored(HERE, {**rest, "26": c})["dieting"] for c in "123456"] == [0, 0, 0, 1, 2, 3]


def test_one_missing_answer_takes_the_median_of_its_subscale() -> None:
    less = scored(HERE, {**alike(HERE, USUALLY), "3": None})
    assert (less["bulimia"], less["total"]) == (12, None)


def test_two_missing_answers_make_the_subscale_null() -> None:
    less = scored(HERE, {**alike(HERE, USUALLY), "3": None, "4": None})
    assert (less["dieting"], less["bulimia"], less["oral"]) == (24, None, 14)
