"""What holds of every reading of a reply: a clean answer is read, nonsense and refusals are none, and no text breaks it."""

from typing import Any

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sociolect import frames, text
from sociolect.arguments import convert
from sociolect.elicit.parse import number, parse
from sociolect.elicit.variants import LABELS, variants
from sociolect.elicit.verbalised import shares
from sociolect.measure.judge import verdict

SCALES = [
    ["strongly disagree", "disagree", "neither agree nor disagree", "agree", "strongly agree"],
    ["never", "rarely", "sometimes", "often", "always"],
    ["yes", "no"],
    ["very inaccurate", "moderately inaccurate", "neither", "moderately accurate", "very accurate"],
]
ITEM = "I keep my promises to friends."
NONSENSE = [
    "",
    " ",
    "\n",
    "?",
    "blorp",
    "I would rather talk about tea.",
    "As an AI, I have no opinions.",
    "Hmm.",
    "\u200b",
    "```",
]
REFUSALS = [
    "I'm sorry, but I can't answer that.",
    "I cannot help with that request.",
    "As a large language model, I do not hold views.",
    "I can't participate in surveys.",
]
WRAPS = [
    "{}",
    " {}\n",
    "**{}**",
    '"{}"',
    "{}.",
    "My answer is {}",
    "Answer: {}",
    "({})",
    "`{}`",
    "I choose {}.",
    "The answer is: {}",
]
anything = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from([*"ABCDE12345.,:()%{}[]\"' \n", "agree", "not ", "yes", "no ", "because ", "answer is ", "100"]), max_size=20).map("".join),
)  # fmt: skip


def asked(scale: list[str], order: str, style: str) -> dict[str, Any]:
    """One item as it is put, in the words of `variants`."""
    ids = [str(n) for n in range(len(scale))]
    items = frames.items(pl.DataFrame({"item": ["1"], "prompt": [ITEM], "options": [ids], "wording": [scale]}))
    row = next(iter(variants(items, orders=(order,), labels=(style,)).values())).row(0, named=True)
    words = dict(zip(ids, scale, strict=True))
    labels = row["labels"] or []
    return {"labels": labels, "wording": [words[i] for i in row["shown"]], "ids": row["shown"], "prompt": ITEM}


ways = st.builds(
    asked, st.sampled_from(SCALES), st.sampled_from(["forward", "reversed", "permuted:1"]), st.sampled_from(LABELS)
)


@settings(max_examples=150)
@given(ways, st.data())
def test_a_clean_answer_in_any_rendering_is_read(way: dict[str, Any], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(way["ids"]) - 1))
    label, words = (way["labels"] or way["wording"])[at], way["wording"][at]
    said = data.draw(
        st.sampled_from([label, words, f"{label}. {words}", f"{label}) {words}", words.upper(), words.capitalize()])
    )
    assume(label != words or said in (label, words, words.upper(), words.capitalize()))
    wrap = data.draw(st.sampled_from(WRAPS))
    assert parse(wrap.format(said), **way) == way["ids"][at]


@settings(max_examples=150)
@given(ways, st.sampled_from(NONSENSE + REFUSALS), st.sampled_from(["{}", "{}\n", " {} ", '"{}"', "Answer: {}"]))
def test_a_refusal_or_nonsense_is_no_option(way: dict[str, Any], said: str, wrap: str) -> None:
    assert parse(wrap.format(said), **way) is None
    assert number(wrap.format(said), prompt=ITEM) is None
    assert shares(wrap.format(said), labels=way["labels"], wording=way["wording"]) is None


@settings(max_examples=100)
@given(ways, st.data())
def test_two_options_are_none_and_a_denied_one_is_none(way: dict[str, Any], data: st.DataObject) -> None:
    names = way["labels"] or way["wording"]
    i, j = data.draw(st.permutations(range(len(names))).map(lambda p: p[:2]))
    joint = data.draw(st.sampled_from(["{} or {}", "{} and {}", "either {} or {}", "{}, {}", "{}/{}"]))
    assert parse(joint.format(names[i], names[j]), **way) is None
    assert parse(f"not {way['wording'][i]}", **way) is None


@settings(max_examples=300)
@given(ways, anything)
@example(asked(SCALES[2], "forward", "letters"), '{"A": ' + "[" * 5000 + "}")
def test_whatever_is_said_an_option_or_none_comes_out(way: dict[str, Any], said: str) -> None:
    found = parse(said, **way)
    assert found is None or found in way["ids"]
    assert parse(said, **way) == found
    assert parse(text.clean(said), **way) == found
    value = number(said, prompt=ITEM, low=0, high=100, unit="days")
    assert value is None or 0 <= float(value) <= 100
    assert value is None or number(value, prompt=ITEM) == value  # what was read reads as itself
    told = shares(said, labels=way["labels"], wording=way["wording"])
    assert told is None or (sum(told[0]) == pytest.approx(1) and min(told[0]) >= 0 and abs(told[1] - 1) <= 0.021)
    assert verdict(said) in (True, False, None)


@settings(max_examples=100)
@given(ways, anything, st.randoms(use_true_random=False))
def test_the_order_in_which_options_are_given_tells_nothing(way: dict[str, Any], said: str, chance: Any) -> None:
    """Labels stay with their options; only the place in the lists changes. A bare list of shares alone is read by place."""
    order = list(range(len(way["ids"])))
    chance.shuffle(order)
    moved = {k: [way[k][i] for i in order] for k in ("wording", "ids")}
    moved["labels"] = [way["labels"][i] for i in order] if way["labels"] else []
    assert parse(said, **moved, prompt=ITEM) == parse(said, **way)


@settings(max_examples=100)
@given(ways, st.lists(st.integers(0, 100), min_size=5, max_size=5), st.booleans())
def test_stated_shares_are_read_as_stated(way: dict[str, Any], parts: list[int], percent: bool) -> None:
    parts = parts[: len(way["ids"])]
    assume(sum(parts))
    whole = [p * 100 / sum(parts) for p in parts]
    names = way["labels"] or way["wording"]
    said = "\n".join(f"{n}: {p:.4f}{'%' * percent}" for n, p in zip(names, whole, strict=True))
    told = shares(said, labels=way["labels"], wording=way["wording"])
    assert told is not None
    assert told[0] == pytest.approx([p / 100 for p in whole], abs=1e-3)


@settings(max_examples=200)
@given(st.text(max_size=80))
def test_cleaning_twice_is_cleaning_once(said: str) -> None:
    for once in (text.clean, text.unwrap, text.neutralise):
        if once is not text.unwrap:  # a wrapping inside a wrapping stays: it may be quoted
            assert once(once(said)) == once(said), once
    assert text.words(text.clean(said)) == text.words(text.clean(text.clean(said)))
    assert pl.DataFrame({"t": [said]}).select(text.refuses(pl.col("t"))).height == 1


@settings(max_examples=150)
@given(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=4),
)
def test_a_keyword_written_out_is_read_back(whole: int, real: float, flag: bool, names: list[str]) -> None:
    assert convert(str(whole), int) == whole
    assert convert(repr(real), float) == real
    assert convert(str(flag), bool) is flag
    assert convert(",".join(names), tuple[str, ...]) == tuple(names)
    assert convert("none", int | None) is None
    pairs = {n: i for i, n in enumerate(names)}
    assert convert(",".join(f"{k}={v}" for k, v in pairs.items()), dict[str, int]) == pairs
