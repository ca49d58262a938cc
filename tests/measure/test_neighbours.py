"""Planted: replies that repeat what was learnt, and replies that were drawn anew."""

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors

from sociolect import frames
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Replies, Scores
from sociolect.measure.neighbours import nearest, neighbours, neighbours_in


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


def values(scores: Scores, measure: str) -> list[float | None]:
    return scores.filter(measure=f"neighbours:{measure}").sort("speaker")["value"].to_list()


def world(n: int, *, seed: int, size: int = 2000) -> list[str]:
    """Texts of 15 words by Zipf's law."""
    rng = np.random.default_rng(seed)
    chance = 1 / (np.arange(size) + 2.7)
    return [" ".join(f"w{k}" for k in row) for row in rng.choice(size, (n, 15), p=chance / chance.sum())]


def test_distances_are_scikit_learns() -> None:
    said, train, held_out = world(40, seed=1), world(60, seed=2), world(60, seed=3)
    all_of_them = TfidfVectorizer(token_pattern=r"\w+", ngram_range=(1, 2)).fit([*said, *train, *held_out])
    theirs = TfidfVectorizer(token_pattern=r"\w+", ngram_range=(1, 2), vocabulary=all_of_them.vocabulary_)
    theirs.fit([*train, *held_out])
    found = neighbours(heard([*said]), train, held_out)
    for measure, side in (("train", train), ("held_out", held_out)):
        due = 1 - (theirs.transform(said) @ theirs.transform(side).T).toarray().max(1)
        off = np.abs(np.array(values(found, measure), dtype=float) - due)
        # a few of the n-grams share a hashed column with another: their texts are a little off for it
        assert np.mean(off < 1e-9) >= 0.9
        assert off.max() < 0.01
    assert values(neighbours(heard([*train]), train, held_out), "train") == [0.0] * 60


def test_euclidean_distances_are_scikit_learns_even_far_from_the_origin() -> None:
    rng = np.random.default_rng(1)
    queries, references = rng.normal(size=(300, 12)) + 1e6, rng.normal(size=(500, 12)) + 1e6
    queries[:7] = references[40:47]
    found = nearest(queries, references)
    model = NearestNeighbors(n_neighbors=1, algorithm="kd_tree").fit(references)
    assert found == pytest.approx(model.kneighbors(queries)[0].ravel(), abs=1e-9)
    assert found[:7].tolist() == [0.0] * 7


def test_memorised_replies_lie_below_people_and_fresh_ones_do_not() -> None:
    train, held_out = world(400, seed=1), world(400, seed=2)
    people, fresh = world(300, seed=3), world(300, seed=4)
    rng = np.random.default_rng(5)
    learnt = []
    for text in train[:300]:  # a third of the words said otherwise
        words = text.split()
        for i in rng.choice(15, 5, replace=False):
            words[i] = f"w{rng.integers(2000)}"
        learnt.append(" ".join(words))
    found = neighbours(heard([*people, *fresh, *learnt]), train, held_out)
    human, new, old = np.array(values(found, "ratio"), dtype=float).reshape(3, 300)
    assert abs(human.mean() - 1) < 4 * human.std() / 300**0.5
    assert abs(new.mean() - human.mean()) < 4 * np.hypot(new.std(), human.std()) / 300**0.5
    assert np.mean(old < np.quantile(human, 0.05)) > 0.95


def test_the_larger_reference_is_cut_to_the_smaller_by_seed_whatever_its_order() -> None:
    train, held_out, said = world(900, seed=1), world(200, seed=2), heard([*world(300, seed=3)])
    ratio = np.array(values(neighbours(said, train, held_out), "ratio"), dtype=float)
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / 300**0.5  # 4.5 times as many would lie nearer by far
    assert neighbours(said, train[::-1], held_out[::-1]).equals(neighbours(said, train, held_out))
    assert not neighbours(said, train, held_out, seed=1).equals(neighbours(said, train, held_out))
    rng = np.random.default_rng(1)
    vectors, many, few = rng.normal(size=(300, 4)), rng.normal(size=(900, 4)), rng.normal(size=(200, 4))
    found = neighbours_in(said, vectors, train=many, held_out=few)
    assert found.equals(neighbours_in(said, vectors, train=many[::-1], held_out=few[::-1]))
    assert np.median(np.array(values(found, "ratio"), dtype=float)) == pytest.approx(1, abs=0.1)


def test_absent_is_null_and_a_reply_among_the_held_out_has_no_ratio() -> None:
    found = neighbours(heard([None, " ", "so it goes", "a b"]), ["so it goes", None], ["a b", ":-)"])
    assert values(found, "train") == [None, None, 0.0, 1.0]
    assert values(found, "held_out") == [None, None, 1.0, 0.0]
    assert values(found, "ratio") == [None, None, 0.0, None]
    blank = np.array([[np.nan, np.nan], [0.0, 0.0]])
    one = neighbours_in(heard([None, "a"]), blank, train=np.array([[3.0, 4.0]]), held_out=np.array([[0.0, 10.0]]))
    assert values(one, "ratio") == [None, 0.5]


def test_refused() -> None:
    said, fine = heard(["a", "b"]), np.zeros((2, 3))
    with pytest.raises(RefusedError, match="no training and no held-out text holds a word"):
        neighbours(said, [":-)"], [None])
    with pytest.raises(InputError, match=r"train \(2, 4\)"):
        neighbours_in(said, fine, train=np.zeros((2, 4)), held_out=fine)
    bad = np.array([[np.nan, 0, 0], [np.inf, 0, 0]])
    with pytest.raises(
        InputError, match="1 rows of vectors hold nan or infinity; 2 rows of train .*; 2 vectors stand for 1"
    ):
        neighbours_in(heard(["a"]), np.array([[np.nan, 0, 0], [0, 0, 0.0]]), train=bad, held_out=fine)
    with pytest.raises(RefusedError, match="2 training and 0 held-out"):
        neighbours_in(said, fine, train=fine, held_out=np.zeros((0, 3)))
