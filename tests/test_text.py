"""What is done to every text alike: properties over any text, and how seldom it touches what people wrote."""

import gzip
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sociolect import text
from sociolect.load.planted import planted

WRITTEN = st.text(st.sampled_from("abcXYZ019 éÉñÜçøŠ'’-_.,!?\n\t#@\"“”«»:;()/"), max_size=60)
# ended marks, opened marks and what is between them, in any order
MARKED = st.lists(
    st.sampled_from(["<|", "|>", "<", ">", "[", "]", "/", "INST", "im_start", "<<SYS>>", "<s>", "x", " ", "_of_turn"])
)
BROKEN = (
    "<|im_start|>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "<s>",
    "</s>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<EOS>",
)


def key(*said: str) -> list[str]:
    return pl.DataFrame({"t": list(said)}, schema={"t": pl.String}).select(text.key(pl.col("t")))["t"].to_list()


def refused(said: list[str]) -> float:
    return float(pl.DataFrame({"t": said}).select(text.refuses(pl.col("t")).mean()).item())


def rewrapped(said: list[str]) -> float:
    return sum(text.unwrap(t) != t.strip() for t in said) / len(said)


@given(st.text())
def test_clean_leaves_no_control_character_and_cleans_once(said: str) -> None:
    cleaned = text.clean(said)
    assert text.clean(cleaned) == cleaned
    assert {c for c in cleaned if unicodedata.category(c) == "Cc"} <= set("\t\n\r")
    assert not set(cleaned) & set("\u061c\u200b\u200e\u200f\u202e\u2060\u2064\u2066\u2069\ufeff")


def test_an_accent_behind_a_hidden_character_is_composed_at_once() -> None:
    assert text.clean("e\u200b\u0301") == "é"


def test_polars_reads_the_same_control_characters() -> None:
    every = pl.Series([chr(c) for c in range(0x3000) if not 0xD800 <= c < 0xE000] + ["\ufeff"])
    gone = every.filter(every.str.replace_all(text.CONTROL, "") == "").to_list()
    assert gone == [c for c in every if text.clean(c) == ""]


@given(MARKED)
def test_neutralise_leaves_no_mark_and_works_once(parts: list[str]) -> None:
    once = text.neutralise("".join(parts))
    assert text.neutralise(once) == once
    assert not any(mark.lower() in once.lower() for mark in BROKEN)


@pytest.mark.parametrize("mark", BROKEN)
def test_each_mark_is_broken_and_the_words_around_it_stay(mark: str) -> None:
    said = text.neutralise(f"ada said {mark} to bob")
    assert mark not in said
    assert said.startswith("ada said ")
    assert said.endswith(" to bob")


@given(WRITTEN)
def test_words_and_key_agree_on_what_a_word_is(said: str) -> None:
    assert key(said) == [" ".join(text.words(said))]


@given(WRITTEN)
def test_case_and_punctuation_make_no_other_text(said: str) -> None:
    assert len(set(key(said, said.upper().lower(), f"  {said}!? "))) == 1


def test_words_of_other_scripts_keep_their_vowel_signs() -> None:
    # करना and करनी, to do (masculine, feminine); in Thai, vowels and tones are marks as well
    assert text.words("करना करनी") == ["करना", "करनी"]
    assert key("करना", "करनी", "ที่นี่", "e\u0301te\u0301") == ["करना", "करनी", "ที่นี่", "e\u0301te\u0301"]
    assert text.words("ที่นี่") == ["ที่นี่"]


@given(st.sampled_from("=+-@\t\r"), st.text())
def test_no_cell_is_a_formula(first: str, rest: str) -> None:
    said = text.cell(first + rest)
    assert said.startswith(f"'{first}")
    assert said.replace("'", "") == (first + rest).replace("'", "")


@given(st.one_of(st.integers(), st.floats(allow_nan=False)))
def test_a_number_stays_a_number(value: float) -> None:
    assert type(value)(text.cell(value)) == value


def test_a_plain_word_and_nothing_stay() -> None:
    assert [text.cell(v) for v in ("tea", "a=b", "", None)] == ["tea", "a=b", "", ""]


@pytest.mark.parametrize(
    ("said", "bare"),
    [
        ("Here's a tweet: hello", "hello"),
        ("“I ran today.”", "I ran today."),
        ('"one" and "two"', '"one" and "two"'),
        ("  tea\n", "tea"),
        ('"', '"'),
        ("", ""),
    ],
)
def test_unwrap(said: str, bare: str) -> None:
    assert text.unwrap(said) == bare


@given(
    WRITTEN.map(str.strip).filter(
        lambda t: t[:1].isalpha() and not t.lower().startswith(("here", "this", "sure", "ok"))
    )
)
def test_unwrap_leaves_what_is_not_wrapped(said: str) -> None:
    assert text.unwrap(said) == said


@pytest.mark.parametrize(
    "said",
    [
        "I cannot help with that.",
        "I can't assist with this",
        "As an AI, I",
        "I apologise, but I can’t write that",
        "I'm unable to provide",
        "I am not able to answer",
        "I’m sorry, I will not engage",
        "“Sorry, but I won't be able to help you, but I cannot generate that”",
        "I'm sorry. As a language model I",
    ],
)
def test_a_refusal_is_one(said: str) -> None:
    assert refused([said]) == 1


@pytest.mark.parametrize(
    "said",
    ["I'm sorry for your loss", "Sorry, I can't stop laughing", "I cannot believe it", "Can't help it", "", "ai"],
)
def test_what_people_open_with_is_none(said: str) -> None:
    assert refused([said]) == 0


def test_planted_posts_are_neither_wrapped_nor_refusals() -> None:
    posts = planted(people=200, seed=1).posts["text"].to_list()[:1000]
    assert len(posts) == 1000
    assert rewrapped(posts) == 0
    assert refused(posts) == 0
    assert [text.clean(p) for p in posts] == [text.neutralise(p) for p in posts] == posts


@pytest.mark.realdata
def test_what_people_wrote_is_hardly_ever_wrapped_or_a_refusal(data: Path) -> None:
    with gzip.open(data / "goemotions" / "train.tsv.gz", "rt", encoding="utf-8") as file:
        comments = [line.split("\t")[0] for line in file][:2000]
    bodies = pl.read_csv(data / "reddit_top_2013" / "selfposts.csv.gz")
    for said in (comments, bodies["selftext"].drop_nulls().sample(2000, seed=1).to_list()):
        assert len(said) == 2000
        assert rewrapped(said) < 0.005
        assert refused(said) < 0.002
