"""What is regressed, against what was scored: offsets, forms of a tone, ages, pairs."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm, rankdata

from sociolect.errors import RefusedError, UsageError
from sociolect.systems.studies.relationship_alignment.prepare import offsets, paired, prepared, public

PEOPLE = pl.DataFrame({
    "speaker": list("abcd"), "source": ["human"] * 4, "condition": ["observed"] * 4, "item": list("1234"), "draw": [0] * 4,
    "commenter_gender": ["man", "man", "woman", None], "poster_gender": ["man", "woman", None, "man"],
    "commenter_age": [50.0, 30.0, None, 40.0], "poster_age": [20.0, 45.0, 40.0, 40.0],
    "funny": [0.0, 0.2, 0.6, 0.4], "post_funny": [0.1, 0.1, 0.0, 0.3],
})  # fmt: skip
SAID = pl.concat([
    PEOPLE.with_columns(speaker=pl.lit("m"), source=pl.lit("model"), condition=pl.lit("all"), draw=pl.lit(d, pl.Int64), funny=pl.Series(v))
    for d, v in ((0, [0.1, 0.1, 0.3, 0.4]), (1, [0.3, 0.1, None, 0.4]))
]).filter(pl.col("item") != "4")  # fmt: skip
WIDE = pl.concat([PEOPLE, SAID])


def test_the_offset_is_half_the_smallest_positive_score_over_all_arms() -> None:
    assert offsets(WIDE) == {"funny": 0.05}
    assert offsets(PEOPLE) == {"funny": 0.1}
    assert offsets(PEOPLE.with_columns(funny=pl.lit(0.0))) == {}


def test_logs_of_a_comment_and_of_its_post_share_the_offset() -> None:
    made = prepared(WIDE, eps={"funny": 0.05})
    assert made["funny"].to_list()[:4] == pytest.approx(np.log([0.05, 0.25, 0.65, 0.45]))
    assert made["post_funny"].to_list()[:4] == pytest.approx(np.log([0.15, 0.15, 0.05, 0.35]))
    assert made["funny"].null_count() == 1  # what was not scored stays null
    assert made["funny"].is_finite().drop_nulls().all()


def test_other_forms_are_ranks_their_normal_quantiles_and_the_share_itself() -> None:
    rank = rankdata(PEOPLE["funny"]) / 5
    assert prepared(PEOPLE, eps={"funny": 0.1}, transform="rank")["funny"].to_list() == pytest.approx(rank)
    probit = prepared(PEOPLE, eps={"funny": 0.1}, transform="probit")["funny"].to_list()
    assert probit == pytest.approx(norm.ppf(rank))
    assert prepared(PEOPLE, eps={"funny": 0.1}, transform="share")["funny"].to_list() == PEOPLE["funny"].to_list()


def test_ages_are_decades_from_forty_and_both_men_is_a_product() -> None:
    made = prepared(PEOPLE, eps={"funny": 0.1})
    assert made["commenter_decades"].to_list() == [1.0, -1.0, None, 0.0]
    assert made["poster_decades"].to_list() == [-2.0, 0.5, 0.0, 0.0]
    assert made["gap_decades"].to_list() == [3.0, 1.5, None, 0.0]
    assert made["both_men"].to_list() == [1.0, 0.0, None, None]
    bare = prepared(PEOPLE.drop("commenter_gender", "poster_age"), eps={"funny": 0.1})
    assert bare.select(pl.col("both_men", "poster_decades", "gap_decades").null_count()).row(0) == (4, 4, 4)


def test_a_pair_holds_the_mean_of_the_draws_and_the_gap() -> None:
    both = paired(WIDE, "m", "all")
    assert both["item"].to_list() == ["1", "2", "3"]
    assert both["model funny"].to_list() == pytest.approx([0.2, 0.1, 0.3])
    assert both["gap funny"].to_list() == pytest.approx([0.2, -0.1, -0.3])
    assert both["human funny"].to_list() == [0.0, 0.2, 0.6]
    assert paired(WIDE, "m", "none").height == 0


def test_what_has_no_logarithm_is_refused() -> None:
    flat = PEOPLE.with_columns(funny=pl.lit(0.0))
    with pytest.raises(RefusedError, match="funny: no comment has any of it, so it has no logarithm; leave it out"):
        prepared(flat, eps=offsets(flat))
    with pytest.raises(UsageError, match="no form of tone 'lgo'; did you mean 'log'"):
        prepared(PEOPLE, eps={"funny": 0.1}, transform="lgo")


def test_a_class_of_fewer_than_ten_people_is_emptied_in_every_arm_and_counted() -> None:
    """Seven people who write fourteen comments are seven; a model's rows carry their class too."""
    who = [f"p{i % 7}" for i in range(14)] + [f"q{i}" for i in range(26)]
    human = pl.DataFrame({
        "source": ["human"] * 40, "commenter": who, "poster": [f"r{i}" for i in range(40)],
        "commenter_gender": ["other"] * 14 + ["woman"] * 26, "poster_gender": ["man"] * 40, "about": ["rare"] * 5 + ["often"] * 35,
        "commenter_age": [30.0] * 40,
    })  # fmt: skip
    both = pl.concat([human, human.with_columns(source=pl.lit("model"))])
    made, counts = public(both, extra=("about:closeness", "commenter_age"))
    assert made["commenter_gender"].value_counts(sort=True).rows() == [("woman", 52), (None, 28)]
    assert made["poster_gender"].null_count() == 0
    assert made["about"].drop_nulls().unique().to_list() == ["often"]
    assert made["commenter_age"].null_count() == 0  # a number is no class
    assert sorted(counts.rows()) == [
        ("emptied", "about of fewer than 10 people", 5),
        ("emptied", "commenter_gender of fewer than 10 people", 14),
    ]
    assert public(both.filter(pl.col("commenter_gender") == "woman"))[1].height == 0
