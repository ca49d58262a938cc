"""Who comments on what: weights undo a planted selection, say how they were made, and refuse where nothing is known."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect.errors import RefusedError
from sociolect.load.planted_pairs_words import TRUTH
from sociolect.systems.studies.relationship_alignment import people, prepare, weights
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.terms import Block
from sociolect.systems.studies.relationship_alignment.weights import Weighed, features, marginal, shift, weighed
from sociolect.systems.studies.relationship_alignment.worlds import world

TONES = ("funny", "worried")
CLOSE = "closeness[T.close]"
DUE = np.array([TRUTH[t]["close"] for t in TONES])


def made(**knobs: Any) -> tuple[pl.DataFrame, Block]:
    wide = world(**dict[str, Any]({"pairs": 12_000, "posts": 3000, "tones": TONES, "conditions": ["none"], "draws": 1, "selection": 0.5, "mirror": 4.0, "seed": 6} | knobs))  # fmt: skip
    table = prepare.prepared(wide, eps=prepare.offsets(wide))
    human = table.filter(pl.col("source") == "human")
    return human, of.designed(human)


@pytest.fixture(scope="module")
def selected() -> tuple[Weighed, Block]:
    human, block = made()
    return weighed(human, block), block


def at(fit: Any) -> tuple[np.ndarray, np.ndarray]:
    i = fit.columns.index(CLOSE)
    return fit.fit.beta[i], np.sqrt(fit.covariance[:, i, i])


def test_weights_undo_the_selection(selected: tuple[Weighed, Block]) -> None:
    found, block = selected
    (plain, _), (held, error) = (at(marginal(found.rows, block, weights=w)) for w in (None, "ipw"))
    assert ((plain - DUE) > 0.25).all()
    assert (np.abs(held - DUE) < 3 * error).all()
    assert (np.abs(held - DUE) < 0.15 * (plain - DUE)).all()
    assert found.category == ("closeness", "commenter_gender")
    assert found.rows["ipw"].mean() == pytest.approx(1, abs=0.02)
    assert 0.8 < found.found.share < 0.97


def test_the_shift_is_what_weights_take_away_with_a_paired_error(selected: tuple[Weighed, Block]) -> None:
    found, block = selected
    told = shift(found, block).filter(contrast=CLOSE).sort("measure")
    slopes = weights.weighted(found, block).filter(contrast=CLOSE).sort("measure")
    (plain, a), (held, b) = (at(marginal(found.rows, block, weights=w)) for w in (None, "ipw"))
    assert told["estimate"].to_list() == pytest.approx((plain - held).tolist())
    assert (told["low"] > 0.2).all()
    width = (told["high"] - told["low"]).to_numpy() / 2 / 1.96
    assert (width < 0.9 * np.hypot(a, b)).all()  # one sample of posts under both
    assert told["arm"].unique().to_list() == ["unweighted - weighted"]
    assert slopes["estimate"].to_list() == pytest.approx(held.tolist())
    # weights that were estimated are sharper than the same weights known
    assert ((slopes["high"] - slopes["low"]).to_numpy() < 0.9 * 2 * 1.96 * b).all()
    assert (np.abs(slopes["estimate"].to_numpy() - DUE) < (slopes["high"] - slopes["low"]).to_numpy()).all()


def test_balance_is_reached_and_told(selected: tuple[Weighed, Block]) -> None:
    found, _ = selected
    mine = found.balance.filter(~pl.col("held_out"))
    assert mine["before"].abs().max() > 0.3  # type: ignore[operator]  # a number
    assert mine["after"].abs().max() < 0.04  # type: ignore[operator]  # a number
    said = dict(weights.told(found))
    assert said["category"] == "closeness x commenter_gender"
    assert said["given"] == "post_funny, post_worried, poster_gender, poster_age, post_hour"
    assert said["effective sample"].endswith(f"of 12,000 ({found.found.share:.0%})")


def test_the_negative_control_is_the_length_of_the_post_and_shows_nothing(selected: tuple[Weighed, Block]) -> None:
    found, block = selected
    assert found.control == "post_length"
    control = weights.controlled(found, block)
    assert control is not None
    assert control["p"].min() > 0.01  # type: ignore[operator]  # a number
    assert control["contrast"].to_list() == ["commenter_gender[T.man]", "commenter_decades", CLOSE, "closeness[T.not_close]"]  # fmt: skip
    assert weights.controlled(replace(found, control=None), block) is None
    assert weights.controlled(found, replace(block, terms=("poster_gender",))) is None


def test_means_of_categories_are_right_under_either_model(selected: tuple[Weighed, Block]) -> None:
    found, block = selected
    told = weights.adjusted(found, replace(block, terms=("closeness", "commenter_gender")))
    row = told.filter(contrast="close, woman - stranger, woman", measure="funny").row(0, named=True)
    assert row["estimate"] == pytest.approx(TRUTH["funny"]["close"], abs=0.06)
    assert row["low"] < TRUTH["funny"]["close"] < row["high"]


def test_without_selection_nothing_shifts() -> None:
    wrong = rows = 0
    for seed in range(4):
        human, block = made(pairs=2000, posts=500, selection=0.0, mirror=1.0, seed=seed)
        found = weighed(human, block)
        told = shift(found, block)
        wrong, rows = wrong + int((told["p"] < 0.05).sum()), rows + told.height
        assert found.found.share > 0.95
    assert wrong <= 0.1 * rows  # 29 % where the weights are taken for known


def test_selection_on_what_nobody_sees_is_not_undone_and_within_posts_shows_it() -> None:
    human, block = made(selection=1.5, unseen=True, mirror=1.0)
    held, error = at(marginal(weighed(human, block).rows, block, weights="ipw"))
    split = people.slopes(human, block, split=True)
    within = split.fit.beta[split.columns.index(f"{CLOSE} [within post]")]
    assert ((held - DUE) > 2 * error).all()
    assert (np.abs(held - within) > 1.96 * error).all()
    assert within == pytest.approx(DUE, abs=0.05)


def test_a_category_too_fine_gives_way_and_says_why() -> None:
    human, block = made(pairs=4000, posts=1000)
    # no close men: that cell cannot be met
    rare = human.filter(~((pl.col("closeness") == "close") & (pl.col("commenter_gender") == "man")))
    found = weighed(rare, block)
    assert found.category in (("closeness", "commenter_gender"), ("closeness",))
    bands = weighed(human, replace(block, terms=("poster_gender",)))
    assert bands.category == ("commenter_band",)
    assert features(human)["commenter_band"].unique().sort().to_list() == ["30 to 45", "45 to 60", "60 up", "under 30"]


def test_posts_of_which_nothing_is_known_have_no_weights() -> None:
    human, block = made(pairs=400, posts=100)
    bare = human.drop("poster_gender", "poster_age", "post_hour", "post_length")
    with pytest.raises(RefusedError, match="nothing is known about the posts that could tell who comments on them"):
        weighed(bare, replace(block, controls=()))
    only = weighed(human.drop("poster_gender", "poster_age", "post_hour"), replace(block, controls=()))
    assert (only.control, only.found.covariates) == (None, ("post_length",))
    with pytest.raises(RefusedError, match="closeness"):
        weighed(human.with_columns(closeness=pl.lit(None, pl.String)), replace(block, terms=("closeness",)))
