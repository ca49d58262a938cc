"""The lexicon reader and the words it knows, which planted texts are made of too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from sklearn.metrics import roc_auc_score

from sociolect.errors import UsageError
from sociolect.measure.tone_words import lexicon
from sociolect.text import words as split
from sociolect.tones import TONES, words


def test_every_tone_has_words_of_its_own() -> None:
    listed = [w for tone in words().values() for w in tone]
    assert tuple(words()) == TONES
    assert min(map(len, words().values())) >= 25
    assert len(set(listed)) == len(listed)
    assert not set(listed) & ENGLISH_STOP_WORDS
    assert all(split(w) == [w] for w in listed)


def test_the_score_is_the_formula() -> None:
    reader = lexicon({"funny": ["haha"], "worried": ["afraid", "scared"]}, half=0.2, floor=0.01)
    found = reader.probabilities(["Haha, I am AFRAID and scared!", "", "\U0001f602\U0001f602", "nothing here"])
    floor = 0.01 / 0.2
    due = [[(1 / 6 + 0.01) / (1 / 6 + 0.2), (2 / 6 + 0.01) / (2 / 6 + 0.2)], *[[floor, floor]] * 3]
    assert found == pytest.approx(np.array(due), rel=1e-12)
    assert reader.probabilities([]).shape == (0, 2)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([*words()["funny"], *words()["insult"], "the", "cat", "sat", "\u0130"]), min_size=1),
    st.integers(2, 5),
)
def test_a_text_said_over_again_has_the_same_score(said: list[str], times: int) -> None:
    once, often = lexicon().probabilities([" ".join(said), " ".join(said * times)])
    assert once == pytest.approx(often, rel=1e-12)
    assert ((once > 0) & (once < 1)).all()


def test_planted_tones_are_found_and_none_where_none_is() -> None:
    rng = np.random.default_rng(0)
    plain = ["table", "walked", "yesterday", "window", "seven", "train", "paper", "went"]
    truth = rng.random((1200, 8)) < 0.3
    texts = [
        " ".join(
            [
                *rng.choice(plain, rng.integers(5, 40)),
                *(str(rng.choice(words()[t])) for k, t in enumerate(TONES) if row[k]),
            ]
        )
        for row in truth
    ]
    found = lexicon().probabilities(texts)
    auc = [roc_auc_score(truth[:, k], found[:, k]) for k in range(8)]
    crossed = [roc_auc_score(truth[:, k], found[:, (k + 1) % 8]) for k in range(8)]
    assert min(auc) > 0.99
    assert 0.4 < min(crossed) < max(crossed) < 0.6


def test_a_lexicon_that_cannot_work_is_refused_with_every_fault() -> None:
    with pytest.raises(
        UsageError, match=r"floor is 0\.6 and half is 0\.5.*joy stand twice.*'Oh', 'two words', '' can never"
    ):
        lexicon({"funny": ["joy", "Oh"], "relaxed": ["joy", "two words", ""]}, floor=0.6)
    with pytest.raises(UsageError, match="there are no words"):
        lexicon({})
