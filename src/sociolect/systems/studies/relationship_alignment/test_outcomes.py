"""What became of every reply, and whether it echoes a fact that it was told."""

import pytest

from sociolect import frames
from sociolect.errors import InputError
from sociolect.models.scripted import scripted
from sociolect.systems.studies.relationship_alignment.elicit import comment
from sociolect.systems.studies.relationship_alignment.outcomes import echoed, outcomes
from sociolect.systems.studies.relationship_alignment.test_elicit import people
from sociolect.systems.studies.relationship_alignment.wordings import (
    echoes,
)


def test_only_stated_facts_echo() -> None:
    pairs = people(
        n=2, posts=2, commenter_gender=["woman", "man"], commenter_age=[34.0, 61.0], closeness=["close", "stranger"]
    )
    lines = {
        "As a woman I agree": {"gender": [True, False], "age": [False, False], "all": [True, False], "none": [False, False]},
        "At thirty-four one knows": {"age": [True, False], "gender": [False, False], "placebo": [False, False]},
        "61 is no age": {"age": [False, True], "closeness": [False, False], "false": [True, False]},
        "my best friend": {"closeness": [True, False], "gender": [False, False]},
        "womanly, 345 friendships": {"all": [False, False]},
        "hello Stranger!": {"all": [False, True]},
    }  # fmt: skip
    for line, due in lines.items():
        for condition, echo in due.items():
            said = comment({"m": scripted(lambda _, line=line: line)}, pairs, conditions=[condition], draws=1)  # type: ignore[misc]  # a default binds the line
            assert echoed(frames.replies(said.sort("item"))).to_list() == echo, (line, condition)
            assert outcomes(said)["echoes"][0] == sum(echo) / 2
    silent = comment({"m": scripted([" "])}, pairs, conditions=["all"], draws=1)
    assert echoed(silent).to_list() == [None, None]
    assert outcomes(silent)["echoes"].to_list() == [None]


@pytest.mark.parametrize(
    ("age", "words"),
    [
        ("9", ()), ("10", ("ten",)), ("19", ("nineteen",)), ("20", ("twenty",)), ("34", ("thirty four",)),
        ("90", ("ninety",)), ("99", ("ninety nine",)), ("100", ()),
    ],
)  # fmt: skip
def test_an_age_is_heard_in_figures_and_in_words(age: str, words: tuple[str, ...]) -> None:
    assert echoes("poster_age", age) == (age, *words)


def test_outcomes_are_of_replies_that_were_asked() -> None:
    with pytest.raises(InputError, match="outcome, stated, facts, unknown is missing"):
        outcomes(people())
