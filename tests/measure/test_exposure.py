"""Planted: how many posts of each community hold each topic, and a filter that halves one topic."""

import numpy as np
import polars as pl
import pytest

from sociolect.errors import InputError
from sociolect.measure.exposure import exposures, kept, spelt
from sociolect.text import words

TOPICS = pl.DataFrame(
    {"topic": ["brew", "bake", "roam", "none"], "words": ["green tea", "rye", "hills", "harpsichord"]}
)
SAID = {"brew": "some TEA, and green", "bake": "rye-bread!", "roam": "the hills"}


def planted(counts: dict[tuple[str, str], int], *, sizes: dict[str, int], seed: int = 0) -> pl.DataFrame:
    """Posts of each community: so many hold each topic, drawn apart, so that some hold several; the rest hold none."""
    rng, rows = np.random.default_rng(seed), []
    for community, size in sizes.items():
        texts = [f"post {i} greens teas ryes hillside green" for i in range(size)]
        for topic, said in SAID.items():
            for i in rng.choice(size, counts[community, topic], replace=False):
                texts[i] += f" {said}"
        rows += [(community, f"{community}{i}", t) for i, t in enumerate(texts)]
    return pl.DataFrame(rows, schema=["community", "post", "text"], orient="row")


COUNTS = {("red", "brew"): 120, ("red", "bake"): 7, ("red", "roam"): 0} | {
    ("blue", t): n for t, n in [("brew", 33), ("bake", 210), ("roam", 300)]
}


def test_planted_counts_are_recovered_exactly() -> None:
    posts = planted(COUNTS, sizes={"red": 400, "blue": 300})
    found = exposures(posts, TOPICS)
    assert {(c, t): n for c, t, n in found.select("community", "topic", "held").iter_rows()} == COUNTS | {
        ("red", "none"): 0, ("blue", "none"): 0
    }  # fmt: skip
    assert found.filter(community="blue", topic="brew").row(0) == ("blue", "brew", 300, 33, 0.11)
    assert exposures(posts.sample(fraction=1, shuffle=True, seed=1), TOPICS.reverse()).equals(found)
    assert exposures(posts.rename({"text": "reply"}), TOPICS, column="reply").equals(found)


def test_the_rule_is_that_of_sets_of_words() -> None:
    rng = np.random.default_rng(1)
    pieces = ["tea", "Green", "it's", "ÉTÉ", "teas", "x_tea", "rye,", "(tea)"]
    said = [" ".join(rng.choice(pieces, 4)) for _ in range(300)]
    topics = pl.DataFrame({"topic": ["a", "b", "c"], "words": ["Tea green", "IT'S", "été rye"]})
    found = dict(exposures(pl.DataFrame({"community": "c", "text": said}), topics).select("topic", "held").iter_rows())
    due = {t: sum(set(words(w)) <= set(words(s)) for s in said) for t, w in topics.iter_rows()}
    assert found == due
    assert min(due.values()) > 5


@pytest.mark.parametrize("seed", range(5))
def test_a_filter_that_halves_one_topic_is_reported_so(seed: int) -> None:
    counts = {("red", "brew"): 1000, ("red", "bake"): 800, ("red", "roam"): 600}
    before = planted(counts, sizes={"red": 4000}, seed=seed)
    rng = np.random.default_rng(seed)
    drinks = before["text"].str.contains("TEA").to_numpy()
    after = before.filter(pl.Series(~drinks | (rng.random(4000) < 0.5)))
    found = kept(before, after, TOPICS)
    assert found.filter(topic="brew")["kept"][0] == pytest.approx(0.5, abs=0.05)
    # the others lose what they share with it, an eighth, and hold their share of what is left
    assert found.filter(topic="roam")["kept"][0] == pytest.approx(0.875, abs=0.05)
    roam = found.filter(topic="roam").row(0, named=True)
    assert roam["share_after"] == pytest.approx(roam["share_before"], abs=0.01)
    assert found.filter(topic="none").row(0) == ("red", "none", 0, 0, None, 0.0, 0.0)


def test_a_community_that_is_gone_has_zero_after_and_no_share() -> None:
    before = pl.DataFrame({"community": ["a", "b"], "text": ["rye", "rye"]})
    found = kept(before, before.head(1), TOPICS.filter(topic="bake"))
    assert found.rows() == [("a", "bake", 1, 1, 1.0, 1.0, 1.0), ("b", "bake", 1, 0, 0.0, 1.0, None)]


def test_several_rows_of_one_topic_are_ways_to_say_it() -> None:
    topics = pl.DataFrame({"topic": ["t", "t"], "words": ["green tea", "sencha"]})
    said = pl.DataFrame({"community": "a", "text": ["sencha", "green sencha", "green tea sencha", "tea", None]})
    assert exposures(said, topics).rows() == [("a", "t", 5, 3, 0.6)]


def test_refused() -> None:
    posts = pl.DataFrame({"community": ["a", None], "text": ["x", "y"]})
    topics = pl.DataFrame({"topic": ["t", "u"], "words": [":-)", None]})
    with pytest.raises(InputError, match="1 posts have no community; topic 't' has no word or no name; topic 'u' has"):
        exposures(posts, topics)
    with pytest.raises(InputError, match="no column 'community'; the topics have no column 'words'"):
        exposures(posts.drop("community"), topics.drop("words"))
    with pytest.raises(InputError, match="a stands after the filter"):
        kept(posts.filter(community="b"), posts, TOPICS)


def test_words_are_those_of_text() -> None:
    said = ["Don't PANIC, it's 42!", "naïve_café", "", "O'Brien's ’tis"]
    assert pl.DataFrame({"t": said}).select(spelt(pl.col("t")))["t"].to_list() == [words(s) for s in said]
