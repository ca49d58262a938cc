"""Parsing: what is read is right, and what could mean two things is not read. All replies are invented."""

import pytest

from sociolect.elicit.parse import number, parse

IDS = ["5", "4", "3", "2", "1"]
WORDS = ["Strongly agree", "Agree", "Neither", "Disagree", "Strongly disagree"]
LETTERS = ["A", "B", "C", "D", "E"]
STEM = "In the past 2 weeks I have sung in the kitchen."

# 60 planted forms of reply to STEM, as people and models write them: what was meant, null where it cannot be told.
PLANTED: list[tuple[str, str | None]] = [
    # one option
    ("A", "5"), ("b", "4"), ("C.", "3"), ("(D)", "2"), ("E)", "1"), ("**B**", "4"), ("[C]", "3"), ('"D"', "2"),
    ("Agree", "4"), ("strongly agree", "5"), ("Disagree.", "2"), ("A. Strongly agree", "5"), ("B) Agree", "4"),
    ("C: Neither", "3"), ("D - Disagree", "2"), ("(E) Strongly disagree", "1"), ("Agree (B)", "4"), ("Answer: B", "4"),
    ("My answer is D.", "2"), ("I would choose B.", "4"), ("I'd say disagree", "2"), ("I strongly agree with this statement.", "5"),
    ("Option C", "3"), ("The answer is A. Strongly agree", "5"), ("B, because I sing a lot", "4"),
    ("Agree. The kitchen sounds good.", "4"), ("D\n\nI sing in the hall, not in the kitchen.", "2"), ('{"answer": "B"}', "4"),
    ("Sure! Here is my answer: E", "1"), ("I sing now and then, so my answer is B.", "4"), ("<answer>C</answer>", "3"),
    # two options, or all of them
    ("A or B", None), ("A and B", None), ("Both agree and disagree", None), ("Agree/Disagree", None), ("B, D", None),
    ("Between agree and neither", None), ("A. Strongly agree\nB. Agree\nC. Neither\nD. Disagree\nE. Strongly disagree", None),
    ("A, B, C, D, E", None), ("Agree, but I also disagree", None), ("B. Wait, D.", None), ("A. Disagree", None),
    # an option denied
    ("Not A", None), ("I don't agree", None), ("I would not choose B", None), ("Anything but B", None), ("The answer is not D.", None),
    ("Agree? No.", None), ("B is wrong", None), ("It is not true that my answer is B.", None),
    # an option the item lacks
    ("F", None), ("Somewhat agree", None), ("B. Somewhat agree", None), ("6", None), ("Yes", None), ("Agree, somewhat", None),
    # the question back, and nothing at all
    (STEM, None), ("2", None), ("2 weeks", None), ("It depends.", None),
]  # fmt: skip


def read(said: str, labels: list[str] | None = None) -> str | None:
    return parse(said, labels=LETTERS if labels is None else labels, wording=WORDS, ids=IDS, prompt=STEM)


def test_sixty_planted_replies() -> None:
    """Precision is at least .99: with 60 forms, not one is read wrong; and every plain answer is read."""
    assert len(PLANTED) == 60
    wrong = [(said, due, got) for said, due in PLANTED if (got := read(said)) != due]
    assert wrong == []


@pytest.mark.parametrize(
    "said",
    [
        "Agree. But only when I hum along",
        "Agree. Somewhat, I suppose it is so",
        "B, though it is hard to say",
        "B. Well, I cannot pick",
    ],
)
def test_an_answer_that_is_taken_back_is_none(said: str) -> None:
    assert read(said) is None


@pytest.mark.parametrize("said", ["2", "(2)", "2.", "Answer: 2", "2. Agree", "I pick 2"])
def test_a_number_label_is_a_label_even_where_the_question_holds_that_number(said: str) -> None:
    assert read(said, ["1", "2", "3", "4", "5"]) == "4"


@pytest.mark.parametrize(
    "said", ["2 weeks", "In the past 2 weeks", "2 or 3", "2.5", "2/5", "2 out of 5", "-2", "12", "2. Disagree", "not 2"]
)
def test_a_number_of_the_question_in_a_sentence_is_no_answer(said: str) -> None:
    assert read(said, ["1", "2", "3", "4", "5"]) is None


def test_labels_may_be_the_words_or_absent() -> None:
    for labels in ([], WORDS):
        assert read("Disagree", labels) == "2"
        assert read("I disagree with that.", labels) == "2"
        assert read("D", labels) is None


def test_words_that_deny_can_be_options() -> None:
    said = {"labels": ["A", "B"], "wording": ["Not at all", "Several days"], "ids": ["0", "1"], "prompt": "Humming."}
    assert parse("Not at all", **said) == "0"  # type: ignore[arg-type]
    assert parse("A. Not at all", **said) == "0"  # type: ignore[arg-type]
    assert parse("Not several days", **said) is None  # type: ignore[arg-type]
    yes = {"labels": ["A", "B"], "wording": ["Yes", "No"], "ids": ["y", "n"], "prompt": "Do you hum?"}
    replies = (
        "Yes, I do.",
        "No, I don't think so",
        "No doubt: yes",
        "Yes and no",
        "Not sure",
        "No one hums",
        "Yes. No.",
    )
    assert [parse(t, **yes) for t in replies] == ["y", "n", None, None, None, None, None]  # type: ignore[arg-type]


def test_two_options_of_the_same_words_are_never_told_apart_by_them() -> None:
    said = {"labels": ["A", "B"], "wording": ["fine", "fine"], "ids": ["x", "y"], "prompt": ""}
    assert parse("fine", **said) is None  # type: ignore[arg-type]
    assert parse("B", **said) == "y"  # type: ignore[arg-type]


def test_numbers_need_their_unit_or_stand_alone() -> None:
    asked = {"prompt": "How heavy is your cat basket after 28 days?", "unit": "kg", "low": 2, "high": 40}
    due = {
        "12": "12", "12 kg": "12", "12kg.": "12", "about 12 kg": "12", "It weighs 12 kg.": "12", "12,5 kg": "12.5", "12.50": "12.5",
        "Answer: 12": "12", "12 kilograms": "12", "12 kg, yes, 12 kg": "12",
        # echo, other unit, no unit, two numbers, a bound, a denial, out of range, none
        "28": None, "28 kg": None, "28 days": None, "after 28 days: 12 kg": None, "12 lb": None, "It weighs 12": None, "10-12 kg": None,
        "10 or 12": None, "over 12 kg": None, "not 12 kg": None, "1,200": None, "41": None, "1 kg": None, "-12": None, "twelve": None,
    }  # fmt: skip
    got = {said: number(said, **asked) for said in due}  # type: ignore[arg-type]
    assert got == due
