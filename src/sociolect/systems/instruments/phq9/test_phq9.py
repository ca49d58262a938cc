"""The sum and the algorithm: golden rows from the dossier (instruments, section 7), after Kroenke, Spitzer and Williams (2001)."""

from pathlib import Path

import pytest

from sociolect.measure.instrument import read
from sociolect.systems.instruments.test_answers import scored

HERE = Path(__file__).parent


def answers(given: str) -> dict[str, str | None]:
    """Nine digits, items 1 to 9; a dot is an answer left out."""
    return {str(i): None if c == "." else c for i, c in enumerate(given, 1)}


@pytest.mark.parametrize(
    ("given", "total", "major", "item9"),
    [
        ("111111111", 9, 0, 1),
        ("222220000", 10, 1, 0),
        ("002222200", 10, 0, 0),  # five symptoms, neither of the first two
        ("222200001", 9, 1, 1),  # item 9 counts from 1 on
        ("333333333", 27, 1, 1),
        ("000000000", 0, 0, 0),
    ],
)
def test_the_sum_and_the_algorithm(given: str, total: int, major: int, item9: int) -> None:
    assert scored(HERE, answers(given)) == {"total": total, "major": major, "item9": item9}


@pytest.mark.parametrize(
    ("given", "major"),
    [
        ("22222000.", 1),  # decided without item 9
        ("22220000.", None),  # item 9 decides
        ("00222220.", 0),  # neither of the first two, whatever item 9 is
        (".00000000", 0),
    ],
)
def test_a_missing_answer_leaves_open_only_what_it_decides(given: str, major: int | None) -> None:
    made = scored(HERE, answers(given))
    assert made["total"] is None
    assert made["major"] == major


def test_item_9_and_its_flag_are_withheld() -> None:
    assert read(HERE).withheld == ("9", "item9")
