"""The screen: its score, both rule sets, and the errors of the published scoring that cannot happen here (dossier, section 4)."""

from pathlib import Path

import numpy as np
import pytest

from sociolect.measure.instrument import read
from sociolect.systems.instruments.test_answers import scored

HERE = Path(__file__).parent
CALM: dict[str, str | None] = {
    "1": "1",
    "2": "60",
    "3": "65",
    "4": "170",
    **dict.fromkeys("56789", "1"),
    **dict.fromkeys(("10", "11a", "11b", "11c", "11d"), "0"),
    "12": "2",
}


def flags(**said: str | None) -> dict[str, float | None]:
    return scored(HERE, {**CALM, **{k.removeprefix("q"): v for k, v in said.items()}})


def on(made: dict[str, float | None]) -> set[str]:
    return {k for k, v in made.items() if v == 1 and k != "wcs"}


def test_the_healthiest_answers_meet_no_criterion() -> None:
    made = flags()
    assert made["wcs"] == 0
    assert on(made) == {"unlikely"}


@pytest.mark.parametrize(("choice", "due"), [("2", 25.0), ("3", 50.0)])
def test_the_score_of_the_same_option_throughout(choice: str, due: float) -> None:
    assert flags(**{f"q{i}": choice for i in range(5, 10)})["wcs"] == pytest.approx(due, abs=1e-9)


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ({"q8": "3"}, {"C2", "B2", "likely"}),
        ({"q6": "3"}, {"C3", "unlikely"}),  # the paper's third criterion begins one option before the code's
        ({"q6": "4"}, {"C3", "B3", "likely"}),
        ({"q10": "3"}, {"B4", "likely"}),
        ({"q10": "2"}, {"unlikely"}),
        ({"q11a": "1", "q11b": "4", "q11d": "1"}, {"C4", "B5", "likely"}),
        ({"q11a": "9", "q11b": "9"}, {"unlikely"}),
        ({"q12": "1"}, {"unlikely"}),  # the neighbour with other options is not read as a compensatory act
        ({"q5": "4", "q7": "7", "q9": "4"}, {"C1", "B1", "likely"}),  # (75 + 0 + 100 + 0 + 75) / 5 = 50
        ({"q5": "4", "q7": "7", "q9": "3"}, {"unlikely"}),  # 45
    ],
)
def test_the_criteria(said: dict[str, str], due: set[str]) -> None:
    assert on(flags(**said)) == due


def test_a_missing_answer_leaves_open_what_it_decides_and_nothing_else() -> None:
    made = flags(q10=None)
    assert (made["B4"], made["likely"], made["unlikely"]) == (None, None, None)
    assert flags(q10=None, q8="4")["likely"] == 1
    assert flags(q5=None)["wcs"] is None
    assert flags(q11a=None, q11b="1", q11c="1")["C4"] is None
    assert flags(q11a=None, q11b="1")["C4"] == 0


def test_likely_and_unlikely_are_never_both_true_nor_both_false() -> None:
    rng = np.random.default_rng(0)
    instrument = read(HERE)
    for _ in range(40):
        said = {
            i.id: None
            if rng.random() < 0.1
            else str(rng.choice(i.options.ids) if i.options else rng.integers(0, 5) if i.id[:1] == "1" else 100)
            for i in instrument.items
        }
        made = scored(HERE, said)
        assert (made["likely"], made["unlikely"]) in {(1, 0), (0, 1), (None, None)}


def test_every_rule_names_its_source() -> None:
    sources = {r.id: r.source for r in read(HERE).rules}
    assert all("arXiv 2408.09366" in s and "code" not in s for k, s in sources.items() if k in {"C2", "C3", "C4"})
    assert all("scoring code" in sources[f"B{k}"] for k in range(1, 6))
