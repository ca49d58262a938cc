from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.errors import InputError, UsageError
from sociolect.models.model import user
from sociolect.models.ngram import END, join, ngram, tokens

from .conftest import NEXT, bigram_line


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=6), min_size=1, max_size=8), st.integers(1, 4))
def test_chances_sum_to_one_over_vocabulary_and_one_unknown(lines: list[list[str]], order: int) -> None:
    model = ngram([" ".join(line) for line in lines], order=order)
    for history in ([], lines[0][:1], lines[0], ["z", "a"]):
        total = sum(model.chance(w, history) for w in model.vocabulary) + model.chance("unknown", history)
        assert total == pytest.approx(1)


def test_witten_bell_by_hand() -> None:
    model = ngram(["a b", "a b", "a c"], order=2)
    # 9 single words (a 3, end 3, b 2, c 1) of 4 kinds, floor 1/5; after `a`: b 2, c 1.
    single = (2 + 4 * 0.2) / (9 + 4)
    assert model.chance("b", ["a"]) == pytest.approx((2 + 2 * single) / (3 + 2))
    assert model.logprobs([user("x")], [["b"]])[0][0] == pytest.approx(
        log(model.chance("b")) + log(model.chance(END, ["b"]))
    )


def test_perplexity_nears_the_language_and_not_below_it() -> None:
    rng = np.random.default_rng(1)
    model = ngram([bigram_line(rng, 15) for _ in range(2000)], order=2)
    held = [bigram_line(rng, 15) for _ in range(200)]
    # A line of 15 words and its end. A model of order 2 sees no length: it takes each place for the end one time in 16.
    spoken = log(20) + 14 * -sum(p * log(p) for p in NEXT)
    truth = (spoken + 15 * log(16 / 15) + log(16)) / 16
    assert np.mean(np.log(model.perplexity(held))) == pytest.approx(truth, rel=0.03)
    strange = model.perplexity(["moss the moss the unknown words here"])[0]
    assert strange > 3 * np.mean(model.perplexity(held))


def test_posts_in_the_prompt_pull_and_other_lines_do_not() -> None:
    model = ngram(["we run home", "we eat cake"] * 5, order=2)
    shown = user("Some posts from here:\n- we eat cake\n- we eat soup\n\nWrite one.")
    plain, pulled = (model.logprobs([c], [["we eat cake", "we run home"]])[0] for c in (user("we eat cake"), shown))
    assert plain[0] == pytest.approx(plain[1])
    assert pulled[0] > pulled[1] + 0.3
    said = model.generate([shown] * 200, tokens=10, seed=1)
    assert sum("eat" in s for s in said) > 115
    assert any("soup" in s for s in said)


def test_draws_follow_the_stream_and_not_the_order() -> None:
    model = ngram(["we run home now", "we eat cake now", "they run fast"], order=2)
    chats = [user("a"), user("b"), user("a")]
    said = model.generate(chats, seed=3)
    assert model.generate([chats[1], chats[0], chats[2]], seed=3) == [said[1], said[0], said[2]]
    assert len(set(model.generate([user("a")] * 5, temperature=0))) == 1


def test_faults_are_named() -> None:
    with pytest.raises(InputError, match="at least one word"):
        ngram(["", "  "])
    with pytest.raises(UsageError, match="order=0"):
        ngram(["a"], order=0)
    assert join(tokens("Well, (it's) 5% off!")) == "Well, (it's) 5% off!"
