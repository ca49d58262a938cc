"""Sentiment of ties out of posts, and the stance it tells: against SciPy, planted truth and the null."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from sociolect import frames
from sociolect.compare.multiplicity import benjamini_hochberg
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find.stance import readings, sentiments, stance
from sociolect.find.ties import TIE, ties
from sociolect.frames import Society

Post = tuple[str, str, str | None, str, str, float | None]
KINDS = ("reply", "repost", "mention")


def society(rows: Sequence[Post]) -> Society:
    """Posts out of (post, person, parent, kind, text, tone)."""
    schema = {**dict.fromkeys(("post", "person", "parent", "kind", "text"), pl.String), "tone": pl.Float64}
    posts = pl.DataFrame(rows, schema=schema, orient="row").with_columns(thread=pl.lit("t"))
    people = pl.DataFrame({"person": ["a", "b", "c", "1"]})
    return Society(frames.people(people), frames.posts(posts), frames.ties(frames.empty("ties")))


def drawn(n: int, seed: int) -> Society:
    """n posts of four people that reply, repost and mention, some of it themselves, a third without a tone."""
    rng = np.random.default_rng(seed)
    rows: list[Post] = []
    for i in range(n):
        parent = f"{rng.integers(i)}" if i and rng.random() < 0.8 else None
        kind = "repost" if parent and rng.random() < 0.3 else "reply" if parent else "post"
        text = " ".join(f"@{'abc1'[j]}" for j in rng.integers(4, size=rng.integers(3)))
        rows.append(
            (str(i), "abc1"[rng.integers(4)], parent, kind, text, None if rng.random() < 0.3 else float(rng.normal()))
        )
    return society(rows)


@pytest.mark.parametrize("directed", [True, False])
def test_the_ties_are_those_of_the_posts_and_the_means_those_of_their_tones(directed: bool) -> None:
    here = drawn(400, 1)
    found = sentiments(here, column="tone", kinds=KINDS, directed=directed)
    assert found.select(TIE).equals(ties(here, kind=KINDS, directed=directed))
    author = dict(here.posts.select("post", "person").iter_rows())
    heard: dict[tuple[str, str, str], list[float]] = {}
    for post in here.posts.iter_rows(named=True):
        met = {("mention", name[1:]) for name in post["text"].split() if post["kind"] != "repost"}
        met |= {(post["kind"], author[post["parent"]])} if post["parent"] else set()
        for kind, target in met:
            ends = (post["person"], target) if directed else tuple(sorted((post["person"], target)))
            if post["tone"] is not None and ends[0] != ends[1]:
                heard.setdefault((*ends, kind), []).append(post["tone"])
    for *key, _, mean, n, sd in found.iter_rows():
        due = heard.get((key[0], key[1], key[2]), [])
        assert n == len(due)
        assert mean == (pytest.approx(np.mean(due)) if due else None)
        assert sd == (pytest.approx(np.std(due, ddof=1)) if len(due) > 1 else None)
    assert sum(map(len, heard.values())) == found["sentiment_n"].sum() > 300


def test_a_post_named_like_a_person_mentions_nobody_and_row_order_changes_no_bit() -> None:
    # post "1" is by a, person "1" is another: the mention is of the person
    here = society([("1", "a", None, "post", "@1 hello", 0.5), ("2", "b", None, "post", "@2 @nobody", 1.0)])
    assert sentiments(here, column="tone", kinds="mention").rows() == [("a", "1", "mention", 1.0, 0.5, 1, None)]
    here = drawn(200, 2)
    mixed = replace(here, posts=frames.posts(here.posts.sample(fraction=1.0, shuffle=True, seed=3)))
    assert sentiments(mixed, column="tone", kinds=KINDS).equals(sentiments(here, column="tone", kinds=KINDS))


def test_posts_without_a_sentiment_make_a_tie_without_one() -> None:
    here = society(
        [("1", "a", None, "post", "", None), ("2", "b", "1", "reply", "", None), ("3", "a", "2", "reply", "", 1.0)]
    )
    assert sentiments(here, column="tone").select("source", "weight", "sentiment", "sentiment_n").rows() == [
        ("a", 1.0, 1.0, 1),
        ("b", 1.0, None, 0),
    ]


def test_sentiment_that_is_no_number_is_refused_in_one_line() -> None:
    here = drawn(20, 1)
    for column, error, match in (
        (
            pl.lit("good").alias("tone"),
            InputError,
            r"column 'tone' of the posts is String, not a number: read sentiment",
        ),
        (
            pl.lit(np.nan).alias("tone"),
            InputError,
            r"column 'tone' of the posts is NaN or infinite in 20 rows; null is",
        ),
        (pl.lit(None).alias("tone"), RefusedError, r"no post has a value in column 'tone', so no tie has a sentiment"),
    ):
        with pytest.raises(error, match=match):
            sentiments(replace(here, posts=frames.posts(here.posts.with_columns(column))), column="tone")
    with pytest.raises(UsageError, match="no column of the posts 'tune'; did you mean 'tone'"):
        sentiments(here, column="tune")
    with pytest.raises(UsageError, match="no kind of tie that carries sentiment .* 'co-thread'"):
        sentiments(here, column="tone", kinds=["reply", "co-thread"])


def sample(values: Sequence[Sequence[float]]) -> pl.DataFrame:
    made = [(float(np.mean(v)), len(v), float(np.std(v, ddof=1))) for v in values]
    return pl.DataFrame(made, schema=["sentiment", "sentiment_n", "sentiment_sd"], orient="row")


def test_the_interval_and_p_are_those_of_student_as_scipy_has_them() -> None:
    rng = np.random.default_rng(1)
    values = [rng.normal(0.2, 1, size=n).tolist() for n in (5, 6, 9, 40)]
    for row, v in zip(stance(sample(values), level=0.9, neutral=0.1).iter_rows(named=True), values, strict=True):
        due = stats.ttest_1samp(v, 0.1)
        assert row["p"] == pytest.approx(due.pvalue)
        assert (row["low"], row["high"]) == pytest.approx(tuple(due.confidence_interval(0.9)))


def test_planted_stances_are_covered_and_the_null_is_told_one_in_twenty() -> None:
    rng = np.random.default_rng(5)
    truth = rng.choice([-0.6, 0.0, 0.6], size=6000)
    values = [rng.normal(t, 0.5, size=rng.integers(5, 15)).tolist() for t in truth]
    found = stance(sample(values)).with_columns(truth=pl.Series(truth))
    covered = found.select((pl.col("truth") >= pl.col("low")) & (pl.col("truth") <= pl.col("high"))).to_series()
    assert 0.94 < covered.mean() < 0.96  # type: ignore[operator]  # the mean of a column of booleans is a number
    null = found.filter(truth=0.0)
    told = {name: null.filter(stance=name).height for name in ("for", "against")}
    assert 0.04 < sum(told.values()) / null.height < 0.062
    assert abs(told["for"] / sum(told.values()) - 0.5) < 0.15
    planted = found.filter(pl.col("truth") != 0)
    right = planted["stance"].eq_missing(pl.Series(np.where(planted["truth"] > 0, "for", "against")))
    # the power of Student's test with 5 to 14 readings and an effect of 1.2 standard deviations
    n = np.arange(5, 15)
    power = 1 - stats.nct.cdf(stats.t.ppf(0.975, n - 1), n - 1, 1.2 * np.sqrt(n)).mean()
    assert right.mean() == pytest.approx(power, abs=0.02)
    assert min(p for p in benjamini_hochberg(null["p"].to_list()) if p is not None) > 0.05


def test_where_no_stance_can_be_told_a_reason_says_why() -> None:
    rows = {
        "sentiment": [None, 0.5, 0.5, 0.1 + 0.2, 0.0, 0.5, 0.0],
        "sentiment_n": [0, 4, 9, 9, 9, 9, 9],
        "sentiment_sd": [None, 0.1, None, 1e-17, 0.0, 0.1, 0.1],
    }
    found = stance(pl.DataFrame(rows))
    same = "readings do not differ"
    assert found["reason"].to_list() == [
        "no sentiment", "fewer than 5 readings", "spread not known", same, same, None, "undecided",
    ]  # fmt: skip
    assert found["stance"].to_list() == [None] * 5 + ["for", None]
    assert found["p"].is_null().to_list() == [True] * 5 + [False] * 2
    assert stance(pl.DataFrame(rows), least=3)["stance"].to_list()[1] == "for"
    assert stance(pl.DataFrame(rows), neutral=1.0)["stance"].to_list()[5:] == ["against"] * 2
    assert stance(pl.DataFrame({"sentiment": [0.5, None]}))["reason"].to_list() == [
        "fewer than 5 readings",
        "no sentiment",
    ]


def test_columns_and_keywords_that_are_not_as_due() -> None:
    faults: list[tuple[dict[str, Any], str]] = [
        ({"weight": [1.0]}, "column 'sentiment' is missing: give each tie"),
        ({"sentiment": ["good"], "sentiment_sd": ["x"]}, "'sentiment' is String, not a number; column 'sentiment_sd' is String"),
        (
            {"sentiment": [np.nan, np.inf, 1.0], "sentiment_n": [1.5, 2.0, 0.0], "sentiment_sd": [-1.0, np.nan, None]},
            "'sentiment' is NaN or infinite in 2 rows; column 'sentiment_n' .* in 2 rows; column 'sentiment_sd' .* in 2 rows; null is",
        ),
        ({"sentiment": [None], "sentiment_n": [2]}, "'sentiment_n' is no whole number of readings, 0 where there is no"),
    ]  # fmt: skip
    for columns, why in faults:
        with pytest.raises(InputError, match=why):
            readings(pl.DataFrame(columns))
    with pytest.raises(UsageError, match="least is 1, not 2 or more; level is 1, not between 0 and 1; neutral is nan"):
        stance(pl.DataFrame({"sentiment": [0.1]}), least=1, level=1, neutral=float("nan"))
