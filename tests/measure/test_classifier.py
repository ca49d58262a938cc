"""Planted: words that belong to labels, authors whose names are all they share, labels that mean nothing."""

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.measure.calibration import calibrate, calibration_error, probabilities
from sociolect.measure.classifier import Classifier, classifier
from sociolect.measure.ngrams import char_ngrams, word_ngrams

COMMON = [f"common{i}" for i in range(60)]


def spoken(n: int, *, seed: int, share: float = 0.15, kinds: int = 3) -> tuple[list[str], list[str]]:
    """Texts of twelve words, of which each is its label's own with chance `share`."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for i in range(n):
        own = [f"{'xyz'[i % kinds]}own{j}" for j in range(20)]
        texts.append(" ".join(str(rng.choice(own if rng.random() < share else COMMON)) for _ in range(12)))
        labels.append(f"label{i % kinds}")
    return texts, labels


@pytest.fixture(scope="module")
def trained() -> Classifier:
    return classifier(*spoken(900, seed=1), seed=3)


def test_planted_words_are_found_and_the_held_out_accuracy_is_foretold(trained: Classifier) -> None:
    texts, labels = spoken(900, seed=2)
    right = np.mean([a == b for a, b in zip(trained.predict(texts), labels, strict=True)])
    # a text without a word of its own (.85 ** 12 = .14 of them) can only be guessed: .86 + .14 / 3 at best
    assert 0.82 <= right <= 0.95
    assert abs(trained.accuracy - right) < 0.04


def test_probabilities_mean_what_they_say_on_new_texts(trained: Classifier) -> None:
    texts, labels = spoken(1500, seed=5)
    chance = trained.probabilities(texts)
    assert np.allclose(chance.sum(1), 1)
    right = np.array([trained.labels[k] == v for k, v in zip(chance.argmax(1), labels, strict=True)], dtype=float)
    assert calibration_error(chance.max(1), right) < 0.06
    assert trained.ece < 0.06


def test_nothing_is_found_in_the_null() -> None:
    texts, labels = spoken(600, seed=4, share=0.0)
    null = classifier(texts, labels)
    assert abs(null.accuracy - 1 / 3) < 0.07
    assert null.probabilities(texts).max() < 0.45  # not even on its own training texts does it feign to know


def test_authors_never_stand_on_both_sides_of_a_fold() -> None:
    # each author has a word of their own and a random label: only a judge that saw the author can be right
    rng = np.random.default_rng(0)
    texts, labels, authors = [], [], []
    for a in range(60):
        label = f"label{rng.integers(2)}"
        for _ in range(6):
            texts.append(f"signature{a} " * 3 + " ".join(rng.choice(COMMON, 4)))
            labels.append(label)
            authors.append(f"author{a}")
    assert classifier(texts, labels, groups=authors).accuracy < 0.65
    assert classifier(texts, labels).accuracy > 0.95


def test_row_order_changes_no_byte_and_neither_does_the_company_of_a_text() -> None:
    texts, labels = spoken(300, seed=1)
    authors = [f"a{i // 3}" for i in range(300)]
    order = np.random.default_rng(1).permutation(300)
    one = classifier(texts, labels, groups=authors, seed=2)
    two = classifier([texts[i] for i in order], [labels[i] for i in order], groups=[authors[i] for i in order], seed=2)
    assert one.probabilities(texts).tobytes() == two.probabilities(texts).tobytes()
    assert (one.accuracy, one.macro_f1, one.ece) == (two.accuracy, two.macro_f1, two.ece)
    assert one.card.equals(two.card)
    assert one.probabilities(texts[:1]).tobytes() == one.probabilities(texts)[:1].tobytes()


def test_balance_takes_rare_labels_as_common_and_its_absence_follows_the_shares() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(COMMON, 8)) for _ in range(1000)]
    labels = ["rare" if i < 100 else "usual" for i in range(1000)]
    even, as_is = classifier(texts, labels), classifier(texts, labels, balance=False)
    new = [" ".join(rng.choice(COMMON, 8)) for _ in range(500)]
    assert abs(even.probabilities(new)[:, 0].mean() - 0.5) < 0.05
    assert abs(as_is.probabilities(new)[:, 0].mean() - 0.1) < 0.02


def test_many_labels_are_each_found_and_their_shares_kept() -> None:
    rng = np.random.default_rng(3)
    rates = {"joy": 0.5, "fear": 0.2, "awe": 0.1}

    def make(n: int) -> tuple[list[str], list[list[str]]]:
        sets = [[v for v, p in rates.items() if rng.random() < p] for _ in range(n)]
        words = [[*rng.choice(COMMON, 6), *(f"{v}{rng.integers(8)}" for v in s)] for s in sets]
        return [" ".join(rng.permutation(w)) for w in words], sets

    reader = classifier(*make(900))
    texts, sets = make(600)
    chance = dict(zip(reader.labels, reader.probabilities(texts).mean(0), strict=True))
    assert all(abs(chance[v] - np.mean([v in s for s in sets])) < 0.04 for v in rates)
    assert np.mean([set(a) == set(b) for a, b in zip(reader.every(texts), sets, strict=True)]) > 0.9
    assert reader.macro_f1 > 0.9
    with pytest.raises(UsageError, match="balance"):
        classifier(*make(100), balance=True)


def test_every_refusal_is_said_at_once() -> None:
    texts = [f"word{i} here" for i in range(30)] + ["", "lone"]
    with pytest.raises(RefusedError, match=r"1 of 32 texts are empty.*fewer than 10 texts: b \(2\)"):
        classifier(texts, ["a"] * 30 + ["b"] * 2)
    with pytest.raises(RefusedError, match="two labels; there is a"):
        classifier([f"w{i}" for i in range(20)], ["a"] * 20)
    with pytest.raises(RefusedError, match="two labels; there is none"):
        classifier([], [])
    with pytest.raises(RefusedError, match=r"fewer than 4 groups, one per fold: b \(1\)"):
        classifier(
            [f"w{i}" for i in range(40)], ["a", "b"] * 20, groups=[f"g{i if i % 2 == 0 else 1}" for i in range(40)]
        )
    with pytest.raises(InputError, match="2 texts, 1 labels"):
        classifier(["x", "y"], ["a"])


def test_a_text_without_a_known_word_still_gets_a_probability(trained: Classifier) -> None:
    assert np.isfinite(trained.probabilities(["", "!!!", "ÿÿÿ"])).all()
    assert trained.probabilities([]).shape == (0, 3)


def test_character_ngrams_agree_with_scikit_learn() -> None:
    from sklearn.feature_extraction.text import CountVectorizer

    texts = ["The cat sat, on a mat.", "Nobody expects it", "aa aa aa", "ünïcode wörds"]
    # scikit-learn also takes a word shorter than the run whole, for the first such length only: words here are long enough
    for n in (2, 3):
        theirs = CountVectorizer(analyzer="char_wb", ngram_range=(n, n), lowercase=True).fit_transform(texts)
        ours = char_ngrams(texts, low=n, high=n)
        assert [sorted(r.data) for r in map(ours.getrow, range(4))] == [
            sorted(r.data) for r in map(theirs.getrow, range(4))
        ]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_ngrams_of_a_text_do_not_depend_on_its_neighbours(texts: list[str]) -> None:
    for grams in (word_ngrams, char_ngrams):
        together, alone = grams(texts), [grams([t]) for t in texts]
        assert all(abs(together.getrow(i) - a).sum() == 0 for i, a in enumerate(alone))


def test_calibration_recovers_a_planted_slope_and_shift() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(20_000, 1))
    truth = (rng.random((20_000, 1)) < probabilities(2 * z - 1, multi=True)).astype(float)
    slope, shift = calibrate(z, truth, np.ones((20_000, 1)), multi=True)
    assert abs(slope[0] - 2) < 0.1
    assert abs(shift[0] + 1) < 0.1


def _f1(truth: np.ndarray, told: np.ndarray) -> tuple[float, float]:
    hits, both = (truth & told).sum(0), truth.sum(0) + told.sum(0)
    return float((2 * hits / both).mean()), float(2 * hits.sum() / both.sum())


@pytest.mark.realdata
def test_goemotions_six_emotions_and_neutral(data: Path) -> None:
    def read(name: str) -> tuple[list[str], list[list[str]]]:
        rows = pl.read_csv(data / "goemotions" / name, separator="\t", has_header=False, quote_char=None)
        return rows["column_0"].to_list(), [v.split(",") for v in rows["column_1"].cast(pl.String)]

    texts, sets = read("ekman_train.tsv.gz")
    reader = classifier(texts[:8000], sets[:8000])
    new, truth = read("ekman_test.tsv.gz")
    macro, micro = _f1(
        np.array([[v in s for v in reader.labels] for s in truth]),
        np.array([[v in s for v in reader.labels] for s in reader.every(new)]),
    )
    assert macro >= 0.52
    assert micro >= 0.58
    assert reader.ece < 0.03


@pytest.mark.realdata
def test_tweeteval_offensive(data: Path) -> None:
    folder = data / "tweeteval" / "offensive"
    train = gzip.decompress((folder / "train_text.txt.gz").read_bytes()).decode().split("\n")
    texts, new = ([t for t in s if t] for s in (train, (folder / "test_text.txt").read_text().split("\n")))
    labels, truth = ((folder / f"{s}_labels.txt").read_text().split() for s in ("train", "test"))
    told = classifier(texts, labels).predict(new)
    macro, _ = _f1(*(np.array([[v == w for w in "01"] for v in side]) for side in (truth, told)))
    assert macro >= 0.65
