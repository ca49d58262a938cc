"""A respondent answers by its known distribution, however it is asked."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from sociolect.errors import ModelError
from sociolect.models.model import Chat, user
from sociolect.models.respondent import MUMBLES, Question, Respondent
from sociolect.models.scripted import REFUSAL

WORDS = ["never", "rarely", "often", "always"]
SCORES = dict(zip(WORDS, range(4), strict=True))
KNOWN = {
    "I hum in lifts.": Question(SCORES),
    "I avoid humming.": Question(SCORES, loading=-1),
    "How heavy is your hat, in kg?": Question(unit="kg", low=0, high=9, easiness=4),
}


def shown(stem: str, words: list[str] = WORDS, marks: str = "ABCD") -> str:
    return stem + "\n" + "\n".join(f"{m}. {w}" for m, w in zip(marks, words, strict=True)) + "\nAnswer with one letter."


def test_adjacent_categories_have_the_planted_log_odds() -> None:
    """Adjacent-category logit: log p(j)/p(j-1) is eta less threshold j; thresholds -1, 0, 1 here (Agresti 2010, Sec. 4.1)."""
    for stem, sign in (("I hum in lifts.", 1), ("I avoid humming.", -1)):
        p = Respondent("r", KNOWN, trait=0.7, acquiescence=0.2).distribution(shown(stem))
        odds = [math.log(p[b] / p[a]) for a, b in pairwise(WORDS)]
        assert odds == pytest.approx([sign * 0.7 + 0.2 + t for t in (1, 0, -1)])


def test_order_and_labels_move_nothing_but_the_position_bias() -> None:
    fair = Respondent("r", KNOWN, trait=0.5)
    bent = Respondent("r", KNOWN, trait=0.5, position=0.3)
    truth = fair.distribution(shown("I hum in lifts."))
    assert fair.distribution(shown("I hum in lifts.", WORDS[::-1], "DBCA")) == pytest.approx(truth)
    assert fair.distribution("I hum in lifts.\n- often\n- never\n- always\n- rarely") == pytest.approx(truth)
    back = bent.distribution(shown("I hum in lifts.", WORDS[::-1]))
    assert back == pytest.approx({w: 0.7 * truth[w] + 0.3 * (w == "never") for w in WORDS})
    first = Respondent("r", KNOWN, trait=0.5, position=0.3, end="first").distribution(shown("I hum in lifts."))
    assert first == pytest.approx({w: 0.7 * truth[w] + 0.3 * (w == "never") for w in WORDS})


def test_what_it_says_is_as_likely_as_what_it_weighs() -> None:
    model = Respondent("r", KNOWN, trait=0.4, refusal=0.1, mumble=0.2, noise=0.1)
    chat = user(shown("I hum in lifts."))
    said = Counter(model.generate([chat] * 20_000, seed=3))
    weighed = [math.exp(v) for v in model.logprobs([chat], [list(said)])[0]]
    assert sum(weighed) == pytest.approx(1)  # nothing else is ever said
    for (text, count), p in zip(said.items(), weighed, strict=True):
        assert abs(count / 20_000 - p) < 5 * math.sqrt(p * (1 - p) / 20_000), text
    assert said[REFUSAL] / 20_000 == pytest.approx(0.1, abs=0.01)
    assert sum(said[m] for m in MUMBLES) / 20_000 == pytest.approx(0.2, abs=0.015)
    assert model.logprobs([chat], [["Z"]])[0] == [float("-inf")]


def test_a_denied_question_turns_the_trait_round_and_not_the_agreeing() -> None:
    denied = shown('It is not true that "I hum in lifts."')
    model = Respondent("r", KNOWN, trait=0.7, acquiescence=0.2)
    assert model.distribution(denied) == pytest.approx(model.distribution(shown("I avoid humming.")))
    deaf = Respondent("r", KNOWN, trait=0.7, acquiescence=0.2, overlooks=True)
    assert deaf.distribution(denied) == pytest.approx(model.distribution(shown("I hum in lifts.")))


def test_numbers_are_normal_around_their_mean() -> None:
    chat = user("How heavy is your hat, in kg?\nAnswer with a number in kg.")
    said = Respondent("r", KNOWN, trait=0.5).generate([chat] * 3000, seed=1)
    values = [int(next(w for w in s.replace("About ", "").split() if w[0].isdigit())) for s in said]
    assert np.mean(values) == pytest.approx(4.5, abs=0.1)
    assert np.std(values) == pytest.approx(1.0, abs=0.06)


def test_a_group_is_stated_in_whole_people() -> None:
    model = Respondent("r", KNOWN, trait=1.0)
    prompt = shown("I hum in lifts.") + "\nOut of 100 people of your community, how many give each answer?"
    stated = [int(line.split(": ")[1]) for line in model.generate([user(prompt)])[0].splitlines()]
    assert sum(stated) == 100
    assert stated == pytest.approx([100 * p for p in model.distribution(prompt).values()], abs=1)


def test_temperature_and_top_p_narrow_the_draw() -> None:
    model, chat = Respondent("r", KNOWN, trait=2.0), user(shown("I hum in lifts."))
    p = sorted(model.distribution(shown("I hum in lifts.")).items(), key=lambda item: -item[1])
    for keywords in ({"temperature": 0.0}, {"top_p": p[0][1] - 0.01}):
        said = model.generate([chat] * 200, seed=1, **keywords)  # type: ignore[arg-type]
        assert {t.strip("(). ")[-1] in "D" or p[0][0] in t for t in said} == {True}


def test_the_order_of_the_chats_moves_no_draw() -> None:
    model = Respondent("r", KNOWN, noise=1.0)
    chats: list[Chat] = [user(shown(stem)) for stem in list(KNOWN)[:2]] * 20
    said = model.generate(chats, seed=4)
    assert Counter(zip(chats, said, strict=True)) == Counter(
        zip(chats[::-1], model.generate(chats[::-1], seed=4), strict=True)
    )


def test_an_unknown_question_is_answered_by_its_options_and_unknown_options_not_at_all() -> None:
    model = Respondent("r", KNOWN, trait=3.0, acquiescence=0.0)
    p = model.distribution(shown("Glebs are trumoid."))
    assert p["never"] == pytest.approx(p["always"])
    with pytest.raises(ModelError, match="none of its 3 questions"):
        model.generate([user("Glebs?\nA. yes\nB. no")])
