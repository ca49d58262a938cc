"""The open questions: what is planted is found, where nothing is planted nothing is, and slopes are those of the textbook."""

import numpy as np
import polars as pl
import pytest

from sociolect.compare.heterogeneity import random_effects
from sociolect.compare.jointly import beside
from sociolect.compare.mixed_effects import mixed_effects
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Society
from sociolect.load.planted_pairs import planted_pairs
from sociolect.load.planted_pairs_words import HISTORY
from sociolect.systems.studies.relationship_alignment import (
    arms,
    claims,
    open_questions,
    part_four,
    people,
    prepare,
    similar,
    worlds,
    worlds_open,
)
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.commenter import Commenter
from sociolect.systems.studies.relationship_alignment.terms import Block
from sociolect.systems.studies.relationship_alignment.wordings import fact

TWO = ("self_disclosure", "funny")


def mean(told: pl.DataFrame) -> dict[str, float]:
    return told.filter(pl.col("measure") == "mean over tones").row(0, named=True)


# --- within posts


def test_the_within_slope_is_that_of_least_squares_with_a_dummy_for_every_post() -> None:
    rng = np.random.default_rng(1)
    post = rng.integers(30, size=120)
    post[:4] = [40, 41, 42, 43]  # alone on their posts
    x, y = rng.normal(size=(2, 120))
    items = [f"i{i:03}" for i in range(120)]
    rows = {"item": items, "post": [f"p{p:02}" for p in post], "draw": 0}
    table = pl.concat([
        pl.DataFrame({**rows, "source": "human", "speaker": "x", "condition": "observed", "funny": y}),
        pl.DataFrame({**rows, "source": "model", "speaker": "m", "condition": "all", "funny": x}),
    ])  # fmt: skip
    found = open_questions.within(table, Block((), "post", (), ("funny",)), speaker="m", conditions=["all"])
    used = np.isin(post, np.flatnonzero(np.bincount(post) > 1))
    dummies = (post[used][:, None] == np.unique(post[used])).astype(float)
    beta, *_ = np.linalg.lstsq(np.column_stack([x[used], dummies]), y[used], rcond=None)
    assert found.beta.estimate[0] == pytest.approx(beta[0], rel=1e-10)
    assert found.n == (used.sum(),)
    # Liang and Zeger (1986): the sum over posts of squared scores, on deviations, with G / (G - 1)
    dev = x[used] - dummies @ (dummies.T @ x[used] / dummies.sum(0))
    left = y[used] - np.column_stack([x[used], dummies]) @ beta
    scores = dummies.T @ (dev * left)
    groups = dummies.shape[1]
    assert found.beta.errors[0] == pytest.approx(
        np.sqrt(groups / (groups - 1) * scores @ scores) / (dev @ dev), rel=1e-10
    )


def test_a_model_that_mirrors_the_post_alone_is_like_people_between_posts_and_not_within() -> None:
    wide = worlds.world(
        pairs=3000, posts=600, tones=TWO, conditions=["none"], beta=0.0, mirror={"none": 3.0}, draws=1, seed=3
    )
    table = prepare.prepared(wide, eps=prepare.offsets(wide))
    block = of.designed(table.filter(pl.col("source") == "human"))
    inside, mixed = (
        f(table, block, speaker="planted", conditions=["none"]) for f in (open_questions.within, similar.similar)
    )
    low, high, _ = inside.beta.ends()
    assert (low < 0).all()
    assert (high > 0).all()
    assert (mixed.beta.ends()[0] > 0).all()


def test_nothing_varies_within_posts_of_one_comment() -> None:
    table, block = worlds_open.arms({"a": 0.0}, pairs=60, posts=60, tones=TWO, seed=1)
    with pytest.raises(RefusedError, match="no arm has 30 pairs"):
        open_questions.within(table, block, speaker="planted", conditions=["a"])


# --- training against prompting, richer facts


def test_an_arm_that_is_nearer_by_a_tenth_is_seen_and_an_equal_one_is_not() -> None:
    changes = {"prompted": 0.0, "finetuned": 0.1}
    # without drawing noise and social terms beta is the within-post slope itself
    table, block = worlds_open.arms(changes, pairs=1200, posts=300, noise=0.0, social=0.0, seed=5)
    near = mean(similar.context(open_questions.within(table, block, speaker="planted", conditions=[*changes]), to="finetuned", than="prompted"))  # fmt: skip
    assert 0 < near["low"] < 0.1 < near["high"]
    table, block = worlds_open.arms({"prompted": 0.0, "finetuned": 0.0}, pairs=1200, posts=300, seed=6)
    same = mean(similar.context(open_questions.within(table, block, speaker="planted", conditions=[*changes]), to="finetuned", than="prompted"))  # fmt: skip
    assert same["low"] < 0 < same["high"]


@pytest.mark.parametrize(("heard", "real", "sign"), [(1.0, 1.0, 1), (0.0, 0.0, 0), (1.0, 0.0, -1)])
def test_a_shared_history_helps_where_it_means_something_and_harms_where_it_does_not(
    heard: float, real: float, sign: int
) -> None:
    table, block = worlds_open.history(heard=heard, people=real, tones=TWO, pairs=3000, posts=750, seed=2)
    row = mean(
        open_questions.gains([similar.similar(table, block, speaker="planted", conditions=["all", "all+relation"])])
    )
    assert (row["low"] > 0) - (row["high"] < 0) == sign


def test_gains_need_a_condition_that_tells_the_facts() -> None:
    table, block = worlds_open.arms({"all": 0.0}, pairs=200, posts=50, tones=TWO, seed=1)
    with pytest.raises(RefusedError, match="--relation"):
        open_questions.gains([similar.similar(table, block, speaker="planted", conditions=["all"])])


# --- public and private


def test_the_interaction_of_setting_is_recovered_and_closeness_in_public_is_the_sum() -> None:
    rows, block = worlds_open.settings(interaction=0.2, tones=("self_disclosure",), seed=4)
    assert block.terms[-2:] == ("setting", "closeness:setting")
    fit = people.slopes(rows, block)
    made = open_questions.in_settings(fit)
    value = {c: (e, low, high) for c, e, low, high in made.select("contrast", "estimate", "low", "high").rows()}
    e, low, high = value["close, public - private"]
    assert low < 0.2 < high
    assert low > 0
    assert value["close, public"][0] == pytest.approx(value["close, private"][0] + e)
    assert value["close, public"][1] < -0.2 < value["close, public"][2]  # -.40 for close friends, and .20 in public
    told = fit.summary(columns=["closeness[T.close]:setting[T.public]"]).row(0, named=True)
    assert (e, low, high) == pytest.approx((told["estimate"], told["low"], told["high"]))
    # public as the reference: the same numbers
    turned = rows.with_columns(pl.col("setting").cast(pl.Enum(["public", "private"])))
    again = open_questions.in_settings(people.slopes(turned, block))
    assert again.sort("contrast")["estimate"].to_list() == pytest.approx(made.sort("contrast")["estimate"].to_list())
    assert again.sort("contrast")["high"].to_list() == pytest.approx(made.sort("contrast")["high"].to_list())


def test_no_product_no_settings() -> None:
    rows, _ = worlds_open.settings(tones=("self_disclosure",), pairs=400, posts=100, seed=4)
    with pytest.raises(RefusedError, match="no product of closeness and setting"):
        open_questions.in_settings(mixed_effects(rows, "self_disclosure ~ closeness + setting + (1 | post)"))


def test_the_claim_about_public_comments_is_judged_in_public() -> None:
    from sociolect.systems import find

    claim = [c for c in find("relationship_alignment").claims if c.id == "disclosure_close"]
    slopes = pl.DataFrame(
        {"measure": "self_disclosure", "contrast": "closeness[T.close]", "estimate": -0.4, "low": -0.5, "high": -0.3}
    )
    public = pl.DataFrame(
        {"measure": "self_disclosure", "contrast": "close, public", "estimate": 0.2, "low": 0.1, "high": 0.3}
    )
    assert claims.table(claim, {"slopes": slopes}, weak=[])["same sign?"].to_list() == ["yes"]
    assert claims.table(claim, {"slopes": slopes, "in_public": public}, weak=[])["same sign?"].to_list() == ["no"]


# --- several models


def test_a_model_that_is_off_is_told_apart_and_equal_models_are_not() -> None:
    table, block = worlds_open.models({"a": 0.0, "b": 0.0, "c": 0.15}, tones=TWO, pairs=3000, posts=750, seed=7)
    found = [similar.similar(table, block, speaker=m, conditions=["none", "all"]) for m in "abc"]
    made = open_questions.across(found)
    p = {(c, t): v for c, t, v in made.select("contrast", "measure", "p_holm").rows()}
    assert all(p["none", t] > 0.05 for t in TWO)
    assert all(p[c, t] < 0.01 for c in ("all", "all - none") for t in TWO)
    assert made["one more, low"].is_not_null().all()
    # Q with the covariance of the same pairs (Cochran 1954), by hand
    place = found[0].arms.index(("all", "funny"))
    one = beside([f.beta.at([place]) for f in found])
    inverse = np.linalg.inv(one.covariance)
    away = one.estimate - inverse.sum(0) @ one.estimate / inverse.sum()
    row = made.filter((pl.col("contrast") == "all") & (pl.col("measure") == "funny")).row(0, named=True)
    assert row["Q"] == pytest.approx(away @ inverse @ away)
    assert row["mean"] == random_effects(one.estimate, one.covariance).estimate


def test_models_that_say_the_same_are_not_told_apart_and_one_is_refused() -> None:
    table, block = worlds_open.models({"a": 0.0}, tones=TWO, pairs=300, posts=75, seed=7)
    one = similar.similar(table, block, speaker="a", conditions=["none", "all"])
    made = open_questions.across([one, one])
    assert made["Q"].null_count() == made.height == 6
    assert made["verdict"].str.contains("very same comments").all()
    with pytest.raises(RefusedError, match="1 model"):
        open_questions.across([one])


# --- planted society and commenter


def latent(society: Society, tone: str) -> pl.DataFrame:
    said = society.posts
    posts = said.filter(pl.col("kind") == "post").select(parent="post", there=f"latent_{tone}")
    return said.filter(pl.col("kind") == "reply").join(posts, on="parent")


def test_history_and_setting_are_planted_as_told_and_mean_nothing_in_the_null() -> None:
    knobs = {"pairs": 20_000, "posts": 10_000, "commenters": 2000, "texts": False, "seed": 5}
    plain = planted_pairs(**knobs)  # type: ignore[arg-type]  # keywords by name
    assert not {"shared_history", "setting"} & {*plain.posts.columns}
    for null, due in ((False, HISTORY["funny"]), (True, 0.0)):
        made = latent(planted_pairs(**knobs, history=1.0, setting=0.2, null=null), "funny")  # type: ignore[arg-type]  # by name
        assert made["shared_history"].mean() == pytest.approx(0.5, abs=0.03)
        assert made.filter(setting="public").height == pytest.approx(10_000, abs=300)
        gap = [made.filter(pl.col("shared_history") == v)["latent_funny"].mean() for v in (True, False)]
        assert gap[0] - gap[1] == pytest.approx(due, abs=0.06)  # type: ignore[operator]  # means of numbers
    with pytest.raises(UsageError, match="history is 9, not -5 to 5"):
        planted_pairs(history=9)


def test_a_planted_commenter_heeds_the_history_as_people_do() -> None:
    people_ = pl.DataFrame()
    told = arms.opened("scripted/commenter?heeds=2", people_)  # type: ignore[arg-type]  # no cue: people are not looked at
    assert isinstance(told, Commenter)
    assert told.heeds[fact("shared_history", "true")]["funny"] == 2 * HISTORY["funny"]


# --- the page


def test_the_page_says_what_training_did_not_do() -> None:
    table, block = worlds_open.arms(
        {"prompted": 0.0, "finetuned": 0.3, "finetuned_none": 0.0}, tones=TWO, pairs=600, posts=150, seed=3
    )
    study = type("S", (), {"block": block})()
    done = pl.DataFrame(
        {
            "taught": ["all"],
            "examples": [10],
            "epochs": [1],
            "loss before": [5.0],
            "loss after": [4.99],
            "comments cut short": [3],
        }
    )
    made = {s.title: s for s in part_four.learning(table, study, pl.DataFrame({"side": ["x"], "pairs": [1]}), done)}
    inside = made["Fine-tuning against prompting, within posts"].table
    assert inside is not None
    means = inside.filter(pl.col("measure") == "mean over tones")
    assert means["contrast"].to_list() == ["finetuned - prompted", "finetuned - finetuned_none"]
    assert (means["low"] > 0).all()
    assert {"Hardly trained", "Comments cut short"} <= {*made}
