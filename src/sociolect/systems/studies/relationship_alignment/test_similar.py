"""Similarity of a planted model: the betas that were put in, what hides them, what telling changes, and what has no slope."""

import numpy as np
import polars as pl
import pytest

from sociolect.errors import RefusedError
from sociolect.systems.studies.relationship_alignment import prepare
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.similar import betas, context, order, similar
from sociolect.systems.studies.relationship_alignment.terms import Block
from sociolect.systems.studies.relationship_alignment.worlds import world

PAPER = {"surprised": 0.309, "worried": 0.585}
Planted = tuple[pl.DataFrame, Block]


def made(**knobs: object) -> Planted:
    wide = world(**{"tones": list(PAPER), "social": 0.0, "mirror": 0.0, "seed": 3} | knobs)  # type: ignore[arg-type]  # knobs of a world
    table = prepare.prepared(wide, eps=prepare.offsets(wide))
    return table, of.designed(table.filter(pl.col("source") == "human"))


@pytest.fixture(scope="module")
def noisy() -> Planted:
    """The same true slopes in both conditions; in `all` the model draws with more noise."""
    return made(pairs=6000, posts=1500, noise={"none": 0.0, "all": 0.5}, beta={"worried": 0.585, "surprised": 0.309})


def test_the_betas_of_the_paper_are_found_and_in_their_order(noisy: Planted) -> None:
    found = similar(*noisy, speaker="planted", conditions=["none", "all"])
    told = betas(found)
    for tone, due in PAPER.items():
        row = told.row(by_predicate=(pl.col("measure") == tone) & (pl.col("condition") == "none"), named=True)
        assert row["estimate"] == pytest.approx(due, abs=0.03)
        assert row["low"] < due < row["high"]
        assert row["reliability"] == pytest.approx(1.0)
        assert row["slope"] == pytest.approx(row["correlation"] * row["ratio of spreads"])
    assert (told["n"] == 6000).all()
    gap = order(found)
    assert gap is not None
    assert gap.estimate.item() == pytest.approx(0.276, abs=0.04)
    assert gap.ends()[0].item() > 0
    # the slopes of one model are paired, so their difference is told with their covariance
    alone = [found.beta.errors[found.arms.index(("none", t))] for t in PAPER]
    assert gap.errors.item() == pytest.approx(np.hypot(*alone), rel=0.1)  # noises of two tones are independent
    assert order(found, condition="false") is None


def test_unequal_noise_moves_the_raw_contrast_and_not_the_corrected_one(noisy: Planted) -> None:
    told = context(similar(*noisy, speaker="planted", conditions=["none", "all"]))
    raw, mean = told.filter(measure="worried").row(0, named=True), told.filter(measure="mean over tones").row(0, named=True)  # fmt: skip
    assert raw["estimate"] < -0.2
    assert raw["p_holm"] < 1e-6
    for row in (raw, mean):
        assert row["corrected low"] < 0 < row["corrected high"]
    assert mean["p_holm"] is None  # fixed beforehand: no family
    assert mean["estimate"] == pytest.approx(told["estimate"][:2].mean())
    assert told["p_holm"].drop_nulls().len() == 2


def test_an_intercept_per_post_leaves_a_slope_that_the_overall_reliability_does_not_mend(noisy: Planted) -> None:
    row = betas(similar(*noisy, speaker="planted", conditions=["all"])).row(by_predicate=pl.col("measure") == "worried", named=True)  # fmt: skip
    assert row["reliability"] == pytest.approx(0.5, abs=0.03)  # .25 / (.25 + .25)
    assert row["slope"] == pytest.approx(0.585 / 2, abs=0.03)
    assert row["corrected slope"] == pytest.approx(0.585, abs=0.05)
    assert row["estimate"] / row["reliability"] < 0.56  # trap 10 of the specification
    assert row["corrected slope low"] < 0.585 < row["corrected slope high"]


def test_twice_the_scale_halves_beta_and_the_ratio_of_spreads_says_why() -> None:
    table, block = made(pairs=4000, scale={"none": 1.0, "all": 2.0}, noise=0.0, draws=1, beta=0.5)
    told = betas(similar(table, block, speaker="planted", conditions=["none", "all"])).sort("measure")
    one, two = (told.filter(condition=c) for c in ("none", "all"))
    assert two["estimate"].to_list() == pytest.approx((one["estimate"] / 2).to_list(), abs=0.02)
    assert two["correlation"].to_list() == pytest.approx(one["correlation"].to_list(), abs=0.03)
    assert (two["ratio of spreads"] / one["ratio of spreads"]).to_list() == pytest.approx([0.5, 0.5], abs=0.02)


def test_nothing_is_similar_in_the_null_and_nothing_changes() -> None:
    table, block = made(pairs=2000, posts=500, null=True, tones=["funny", "insult", "worried", "surprised"])
    found = similar(table, block, speaker="planted", conditions=["none", "all"])
    assert betas(found)["p_bh"].min() > 0.05  # type: ignore[operator]  # a number
    told = context(found)
    assert told["p_holm"].drop_nulls().min() > 0.05  # type: ignore[operator]  # a number
    assert told.tail(1)["p"].item() > 0.05


def test_the_order_of_rows_changes_no_digit() -> None:
    table, block = made(pairs=400, posts=100)
    one = betas(similar(table, block, speaker="planted", conditions=["all"]))
    two = betas(similar(table.sample(fraction=1, shuffle=True, seed=1), block, speaker="planted", conditions=["all"]))
    for c in ("estimate", "low", "correlation", "corrected slope high"):
        assert two[c].to_list() == pytest.approx(one[c].to_list(), abs=1e-10)


def test_arms_without_a_slope_are_named_with_the_reason() -> None:
    table, block = made(pairs=400, posts=100, conditions=["none", "all"])
    kept = table["item"].unique().sort().head(29)
    few = table.filter((pl.col("condition") != "all") | pl.col("item").is_in(kept.implode()))
    flat = few.with_columns(worried=pl.when((pl.col("source") == "model") & (pl.col("draw") == 1)).then(-4.0).otherwise("worried"))  # fmt: skip
    found = similar(flat, block, speaker="planted", conditions=["none", "all"])
    assert found.arms == (("none", "surprised"),)
    assert found.left_out == (
        ("none", "worried", "one of the two never varies"),
        ("all", "surprised", "29 pairs, 30 are due"), ("all", "worried", "29 pairs, 30 are due"),
    )  # fmt: skip
    with pytest.raises(RefusedError, match="no tone was measured in both conditions 'all' and 'none'"):
        context(found)
    with pytest.raises(RefusedError, match=r"planted has no tone with a slope in any condition \(29 pairs, 30 are due\)"):  # fmt: skip
        similar(few, block, speaker="planted", conditions=["all"])
    with pytest.raises(RefusedError, match=r"nobody has no tone with a slope in any condition \(0 pairs, 30 are due\)"):
        similar(table, block, speaker="nobody", conditions=["none"])


def test_a_pair_counts_where_every_draw_has_a_tone() -> None:
    table, block = made(pairs=400, posts=100)
    gone = (pl.col("source") == "model") & (pl.col("draw") == 1) & (pl.col("item") < "item 100")
    holed = table.with_columns(worried=pl.when(~gone).then("worried"))
    told = betas(similar(holed, block, speaker="planted", conditions=["all"])).sort("measure")
    assert told["n"].to_list() == [400, 300]


def test_posts_with_one_comment_each_have_no_intercept_of_their_own() -> None:
    table, block = made(pairs=100, posts=100)
    with pytest.raises(RefusedError, match="each of the 100 groups has one row"):
        similar(table, block, speaker="planted", conditions=["none"])
