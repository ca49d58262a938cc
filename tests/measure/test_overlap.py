"""Planted: copies of known kind and rate; the measures must find them, and nothing in a world apart."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.errors import RefusedError
from sociolect.frames import Replies
from sociolect.measure.duplicates import duplicates, leaks, near_duplicates
from sociolect.measure.overlap import overlap
from sociolect.measure.rouge import rouge_l
from sociolect.measure.spans import longest_spans

words = st.lists(st.sampled_from(list("abcdef")), max_size=14)


def heard(texts: list[str | None]) -> Replies:
    keys = {"source": "model", "community": "c", "item": "t", "condition": "x"}
    return frames.replies(
        pl.DataFrame({"speaker": [f"s{i:05}" for i in range(len(texts))]}).with_columns(
            **{k: pl.lit(v) for k, v in keys.items()},
            draw=pl.lit(0, pl.Int64),
            turn=pl.lit(0, pl.Int64),
            prompt=pl.lit(None, pl.String),
            text=pl.Series(texts, dtype=pl.String),
        )
    )


def values(replies: Replies, corpus: list[str], measure: str) -> list[float | None]:
    return overlap(replies, corpus).filter(pl.col("measure") == f"overlap:{measure}").sort("speaker")["value"].to_list()


def world(n: int, *, seed: int, size: int = 3000, length: int = 20) -> list[list[str]]:
    """Texts of words by Zipf's law, in an order of their own for each seed."""
    rng = np.random.default_rng(seed)
    chance = 1 / (np.arange(size) + 2.7)
    return [[f"w{k}" for k in row] for row in rng.choice(size, (n, length), p=chance / chance.sum())]


@pytest.mark.parametrize(
    ("reply", "source", "value"),
    [  # the package rouge-score 0.1.2, rougeL, use_stemmer=False
        ("police killed the gunman", "police kill the gunman", 0.75),
        ("police killed the gunman", "the gunman kill police", 0.5),
        ("the cat sat on the mat and the dog sat too", "the dog and the cat sat on a mat", 0.5),
        ("I ran five miles before work and felt great", "Felt great after I ran five miles, before my work!", 12 / 19),
        ("one two three", "four five", 0.0),
    ],
)
def test_rouge_l_has_the_published_packages_values(reply: str, source: str, value: float) -> None:
    assert values(heard([reply]), [source], "rouge_l") == [pytest.approx(value, abs=1e-12)]


def _longest(a: list[str], b: list[str]) -> int:
    """The longest common subsequence by the textbook table."""
    row = [0] * (len(b) + 1)
    for x in a:
        out = [0]
        for j, y in enumerate(b):
            out.append(row[j] + 1 if x == y else max(row[j + 1], out[j]))
        row = out
    return row[-1]


@settings(max_examples=60, deadline=None)
@given(st.lists(words, min_size=1, max_size=4), st.lists(words, min_size=1, max_size=50))
def test_rouge_l_is_the_maximum_over_all_pairs(texts: list[list[str]], corpus: list[list[str]]) -> None:
    brute = [max((2 * _longest(a, b) / (len(a) + len(b)) if a and b else 0.0) for b in corpus) for a in texts]
    assert rouge_l(texts, corpus, floor=0).tolist() == pytest.approx(brute, abs=1e-12)
    for found, true in zip(rouge_l(texts, corpus).tolist(), brute, strict=True):
        assert found == pytest.approx(true, abs=1e-12) if true >= 0.3 else found <= true + 1e-12


@settings(max_examples=60, deadline=None)
@given(st.lists(words, min_size=1, max_size=5), st.lists(words, min_size=1, max_size=5))
def test_longest_span_is_that_of_all_substrings(texts: list[list[str]], corpus: list[list[str]]) -> None:
    runs = {tuple(b[i:j]) for b in corpus for i in range(len(b)) for j in range(i + 1, len(b) + 1)}
    brute = [max((j - i for i in range(len(a)) for j in range(i + 1, len(a) + 1) if tuple(a[i:j]) in runs), default=0) for a in texts]  # fmt: skip
    assert longest_spans(texts, corpus).tolist() == brute


def test_exact_copies_are_all_found_whatever_their_case_and_marks() -> None:
    corpus = [" ".join(t) for t in world(500, seed=1)]
    copies: list[str | None] = [t.upper().replace(" ", ",  ") + "!" for t in corpus[:300]]
    for measure in ("exact", "near", "copied", "rouge_l"):
        assert values(heard(copies), corpus, measure) == [1.0] * 300
    assert values(heard(copies), corpus, "span") == [20.0] * 300


def test_changed_copies_and_planted_spans_are_found() -> None:
    rng = np.random.default_rng(2)
    corpus = world(1500, seed=1)
    changed = []
    for whole in corpus[:600]:  # 15% of tokens: 3 of 20, put out, changed or followed by another
        t = list(whole)
        for k, i in enumerate(sorted(rng.choice(20, 3, replace=False).tolist(), reverse=True)):
            t[i : i + 1] = [[], ["new"], [t[i], "new"]][(k + i) % 3]
        changed.append(" ".join(t))
    spans = []
    lengths = rng.integers(12, 19, 600)
    for t, n in zip(corpus[600:1200], lengths.tolist(), strict=True):
        at = int(rng.integers(0, 20 - n + 1))
        spans.append(" ".join([*(f"own{k}" for k in range(30)), *t[at : at + n], *(f"end{k}" for k in range(9))]))
    known = [" ".join(t) for t in corpus]
    assert np.mean(values(heard([*changed]), known, "copied")) >= 0.99  # type: ignore[arg-type]  # no text is null
    assert np.mean(values(heard([*spans]), known, "copied")) >= 0.99  # type: ignore[arg-type]  # no text is null
    assert values(heard([*spans]), known, "span") == lengths.tolist()


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2])
def test_planted_rates_of_copying_are_recovered_within_a_point(rate: float) -> None:
    corpus, apart = world(1500, seed=1), world(1500, seed=7)
    copied = round(rate * 1500)
    said: list[str | None] = [" ".join(t) for t in [*corpus[:copied], *apart[copied:]]]
    found = np.array(values(heard(said), [" ".join(t) for t in corpus], "copied"), dtype=float)
    assert abs(found.mean() - rate) < 0.01
    assert found[copied:].mean() <= 0.001


def test_near_is_a_jaccard_index_of_three_word_runs() -> None:
    # six runs, of which the longer text has all and one more: 6 / 7; two more, 6 / 8
    base = "a b c d e f g h"
    assert values(heard([f"{base} i", f"{base} i j"]), [base], "near") == [1.0, 0.0]
    assert near_duplicates([base], [f"{base} i"])["jaccard"].to_list() == [pytest.approx(6 / 7)]
    assert near_duplicates([], [base]).height == 0


def test_no_text_has_no_overlap_and_no_corpus_is_refused() -> None:
    assert values(heard([None, " ", ":-)", "so it goes"]), ["so it goes", ":-)"], "exact") == [None, None, 1.0, 1.0]
    assert values(heard([None, ":-)"]), ["so it goes", ":-)"], "span") == [None, 0.0]
    assert values(heard([":-)", "so"]), [":-)"], "copied") == [1.0, 0.0]
    assert values(heard([":-)"]), ["..."], "rouge_l") == [0.0]
    assert values(heard([None]), ["x"], "near") == [None]
    assert overlap(frames.replies(frames.empty("replies")), ["x"]).height == 0
    with pytest.raises(RefusedError, match="holds no text"):
        overlap(heard(["x"]), [" "])


def test_the_first_of_a_set_of_duplicates_is_kept() -> None:
    replies = heard(["B a!", "a", "b A", None, "b a", "a", ":-)", ":-("])
    expected = [0.0, 0.0, 1.0, None, 1.0, 1.0, 0.0, 0.0]
    assert duplicates(replies)["value"].to_list() == expected
    turned = frames.replies(replies.reverse())
    assert duplicates(turned).sort("speaker")["value"].to_list() == expected
    parted = replies.with_columns(condition=pl.col("speaker"))
    assert set(duplicates(frames.replies(parted))["value"].to_list()) == {0.0, None}


def test_leaks_are_exact_or_near_and_nothing_else() -> None:
    train = [" ".join(t) for t in world(400, seed=3)]
    near = [t.rsplit(" ", 1)[0] for t in train[:50]]  # 17 of 18 runs
    fresh = [" ".join(t) for t in world(300, seed=4)]
    assert leaks([*train[:50], *near, *fresh], train) == [True] * 100 + [False] * 300
    assert leaks([], train) == []
    assert leaks(["a"], []) == [False]
