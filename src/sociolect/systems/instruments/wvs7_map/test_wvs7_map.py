"""The ten indicators point where Inglehart and Welzel (2005, p. 49) point them; sums worked out by hand."""

from pathlib import Path

import pytest

from sociolect.systems.instruments.test_answers import scored

HERE = Path(__file__).parent
SECULAR = {"Q164": "1", "Q8": "1", "Q14": "1", "Q15": "2", "Q17": "2", "Q184": "10", "Q254": "4", "Q45": "3"}
EXPRESSIVE = {"Q154": "2", "Q155": "4", "Q46": "1", "Q182": "10", "Q209": "1", "Q57": "1"}
TOP: dict[str, str | None] = {**SECULAR, **EXPRESSIVE}


def test_both_ends_of_both_axes() -> None:
    made = scored(HERE, TOP)
    assert (made.pop("secular"), made.pop("expressive")) == (90, 90)
    assert set(made.values()) == {18}
    other = {"Q164": "10", "Q8": "2", "Q14": "2", "Q15": "1", "Q17": "1", "Q184": "1", "Q254": "1", "Q45": "1"}
    other |= {"Q154": "1", "Q155": "3", "Q46": "4", "Q182": "1", "Q209": "3", "Q57": "2"}
    assert set(scored(HERE, other).values()) == {0}


@pytest.mark.parametrize(
    ("item", "choice", "indicator", "due"),
    [
        ("Q15", "1", "autonomy", 13.5),  # reversed: naming religious faith takes from autonomy
        ("Q8", "2", "autonomy", 13.5),
        ("Q164", "4", "god", 12),
        ("Q45", "2", "authority", 9),
        ("Q46", "2", "happiness", 12),
        ("Q209", "2", "petition", 9),
        ("Q154", "3", "postmaterialism", 9),
    ],
)
def test_one_answer_moves_one_indicator(item: str, choice: str, indicator: str, due: float) -> None:
    full, made = scored(HERE, TOP), scored(HERE, {**TOP, item: choice})
    assert made[indicator] == pytest.approx(due)
    assert {k for k in full if full[k] != made[k]} == {indicator, "secular" if item in SECULAR else "expressive"}


def test_a_missing_answer_makes_its_indicator_and_its_axis_null() -> None:
    made = scored(HERE, {**TOP, "Q155": None})
    assert {k for k, v in made.items() if v is None} == {"postmaterialism", "expressive"}
