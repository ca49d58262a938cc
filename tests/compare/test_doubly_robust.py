"""Planted effects under selection: right where either model is right, wrong where both are, intervals that cover."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect.compare.doubly_robust import doubly_robust
from sociolect.compare.interval import FloatArray
from sociolect.compare.multinomial_logit import multinomial_logit
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.seeds import substream

GOLDEN = json.loads((Path(__file__).parent / "golden" / "weighting.json").read_text())  # by weighting.R beside it
TRUE = (0.30, 0.10)  # close - stranger, not_close - stranger


def world(seed: int, pairs: int = 2000, *, bent_tone: bool = False, bent_choice: bool = False) -> pl.DataFrame:
    """Pairs in posts; what is bent goes by a curve of z, which no model linear in z can follow."""
    rng = np.random.default_rng(seed)
    posts = pairs // 4
    post = rng.integers(0, posts, pairs)
    z, own = rng.normal(size=posts), rng.normal(size=posts)
    curve = z**2 - 1 + z
    choice = 0.6 * (curve if bent_choice else z)
    odds = np.stack([choice - 0.4, 0.5 * choice, 0 * z], axis=1)[post] + rng.gumbel(size=(pairs, 3))
    code = odds.argmax(1)
    noise = 0.4 * own[post] + rng.normal(0, 0.6, pairs)
    tone = np.array([*TRUE, 0])[code] + 0.5 * (curve if bent_tone else z)[post] + noise
    return pl.DataFrame({
        "close": np.array(["close", "not_close", "stranger"])[code], "z": z[post], "post": post, "tone": tone,
        "control": (z + own)[post], "own": own[post], "w": rng.uniform(0.5, 1.5, pairs),
    })  # fmt: skip


def found(rows: pl.DataFrame, outcomes: str | list[str] = "tone", **keywords: Any) -> pl.DataFrame:
    asked = {"reference": "stranger", "cluster": "post"} | keywords
    return doubly_robust(rows, outcomes, "close", ["z"], **asked)


def over(worlds: int, bent: Mapping[str, bool], **keywords: Any) -> tuple[FloatArray, FloatArray]:
    """The mean error of both contrasts, and how often their intervals hold the truth."""
    errors, hits = [], []
    for seed in range(worlds):
        told = found(world(seed, **bent), **keywords)[3:]
        errors.append(told["estimate"].to_numpy() - TRUE)
        hits.append((told["low"].to_numpy() < TRUE) & (told["high"].to_numpy() > TRUE))
    return np.asarray(np.mean(errors, axis=0)), np.asarray(np.mean(hits, axis=0))


@pytest.mark.parametrize(
    "bent", [{}, {"bent_tone": True}, {"bent_choice": True}], ids=["both", "propensity", "outcome"]
)
def test_right_where_either_model_is_and_intervals_cover(bent: dict[str, bool]) -> None:
    """Over 1,000 worlds of 2,000 pairs they cover 93-97 % (both, propensity, outcome right): 100 are left here."""
    bias, hits = over(100, bent)
    assert np.abs(bias).max() < 0.015
    assert ((hits >= 0.91) & (hits <= 0.98)).all()


def test_wrong_where_both_models_are() -> None:
    bias, hits = over(10, {"bent_tone": True, "bent_choice": True})
    assert bias[0] > 0.25
    assert hits[0] < 0.2


def test_cross_fitting() -> None:
    bias, hits = over(15, {}, folds=5)
    assert np.abs(bias).max() < 0.03
    assert (hits >= 0.8).all()
    one, other, again = (found(world(0), folds=5, seed=s) for s in (1, 2, 1))
    assert one.equals(again)
    assert not one.equals(other)
    assert "cross-fitted in 5 folds" in one["method"][0]


def test_a_fold_is_guessed_by_the_others() -> None:
    """Cross-fitting by hand: both models fitted on the other fold."""
    rows = world(2, 800)
    posts = np.unique(rows["post"].cast(pl.String).to_numpy(), return_inverse=True)[1]
    fold = substream(4, "doubly_robust").integers(0, 2, posts.max() + 1)[posts]
    x, y = np.column_stack([np.ones(800), rows["z"].to_numpy()]), rows["tone"].to_numpy()
    close = rows["close"].to_numpy()
    codes = np.unique(close, return_inverse=True)[1]
    row = np.empty(800)
    for f in (0, 1):
        here, rest = fold == f, fold != f
        fit = multinomial_logit(x[rest], codes[rest])
        odds = np.exp(np.column_stack([np.zeros(here.sum()), x[here] @ fit.coefficients]))
        own = rest & (close == "close")
        guess = x[here] @ np.linalg.lstsq(x[own], y[own])[0]
        row[here] = guess + (codes[here] == 0) / (odds[:, 0] / odds.sum(1)) * (y[here] - guess)
    assert found(rows, folds=2, seed=4)["estimate"][0] == pytest.approx(row.mean(), rel=1e-9)


@pytest.mark.parametrize("bent", ["bent_tone", "bent_choice"])
def test_errors_are_those_of_leaving_one_post_out(bent: str) -> None:
    """The jackknife knows nothing of influence functions; one model is wrong, so that the doubt of the other counts."""
    rows = world(1, 800, **{bent: True}).with_columns(pl.col("post") % 50)
    whole = found(rows)
    left = np.array([found(rows.filter(pl.col("post") != p))["estimate"].to_numpy() for p in range(50)])
    jackknife = np.sqrt(((left - left.mean(0)) ** 2).sum(0) * 49 / 50)
    assert whole["se"].to_numpy() == pytest.approx(jackknife, rel=0.05)
    met = [rows.filter(close=c)["post"].n_unique() for c in ("close", "not_close", "stranger")]
    assert whole["clusters"].to_list() == [*met, min(met[0], met[2]), min(met[1], met[2])]
    assert whole["df"].to_list() == [c - 1.0 for c in whole["clusters"]]


def test_equal_to_r() -> None:
    """The means of nnet::multinom and lm, put together in R."""
    i = np.arange(600)
    z, u = ((37 * i) % 101) / 101 - 0.5, ((i * i * 13 + 7 * i) % 97) / 97
    kind = np.array(["day", "eve", "night"])[(i * i + i // 7) % 3]
    close = np.where(u < 0.3 + 0.4 * z, "close", np.where(u < 0.6 - 0.1 * (kind == "eve"), "not_close", "stranger"))
    y = 1 + 0.5 * z + 0.3 * (kind == "eve") + 0.4 * (close == "close") + ((5 * i * i + 2 * i) % 89) / 89
    rows = pl.DataFrame({"z": z, "k": kind, "c": close, "y": y, "post": (i * i + 3 * i) % 61})
    told = doubly_robust(rows, "y", "c", ["z", "k"], reference="stranger", cluster="post")
    assert told["contrast"].to_list() == ["close", "not_close", "stranger", "close - stranger", "not_close - stranger"]
    assert told["estimate"][:3].to_list() == pytest.approx(list(GOLDEN["aipw"].values()), abs=1e-7)
    gap = GOLDEN["aipw"]["close"] - GOLDEN["aipw"]["stranger"]
    assert told["estimate"][3] == pytest.approx(gap, abs=1e-7)
    assert told["p"].is_null().to_list() == [True] * 3 + [False] * 2


def test_a_saturated_factor_is_standardisation() -> None:
    """With one factor both models are cell means: the answer is the cell means at everybody's shares (direct standardisation)."""
    rng = np.random.default_rng(3)
    kind, close = rng.choice(["x", "y"], 500, p=[0.3, 0.7]), rng.choice(["no", "yes"], 500)
    rows = pl.DataFrame({"kind": kind, "close": close, "tone": rng.normal(size=500), "post": np.arange(500) // 2})
    told = doubly_robust(rows, "tone", "close", ["kind"], reference="no", cluster="post")
    for category, estimate in zip(("no", "yes"), told["estimate"], strict=False):
        cells = [rows.filter(close=category, kind=k)["tone"].to_numpy().mean() for k in ("x", "y")]
        share = (kind == "x").mean()
        assert estimate == pytest.approx(share * cells[0] + (1 - share) * cells[1], rel=1e-9)
    # its influence, by hand: the cell means of everybody, and one's own distance from one's cell
    moved = np.zeros(500)
    for category, sign in (("yes", 1), ("no", -1)):
        for k in ("x", "y"):
            of, own = kind == k, (kind == k) & (close == category)
            mean = rows["tone"].to_numpy()[own].mean()
            moved += sign * of * mean
            moved[own] += sign * of.sum() / own.sum() * (rows["tone"].to_numpy()[own] - mean)
    sums = np.bincount(np.arange(500) // 2, moved - moved.mean()) / 500
    assert told["se"][2] == pytest.approx(np.sqrt(sums @ sums * 250 / 249), rel=1e-9)


def test_negative_controls() -> None:
    """A control that only the seen covariate ties to the category shows nothing; one of unseen selection shows it."""
    rejected = [found(world(s), "control")["p"].to_numpy()[3:] < 0.05 for s in range(40)]
    assert np.mean(rejected) <= 0.12
    rows = world(0).with_columns(
        close=pl.when(pl.col("own") > 1).then(pl.lit("close")).otherwise("close")  # chosen by what is not in z
    )
    assert found(rows, "own")["p"][3] < 1e-6


def test_weights_are_counts() -> None:
    rows = world(4, 400).with_columns(w=pl.Series(np.random.default_rng(0).integers(1, 4, 400).astype(float)))
    at = np.repeat(np.arange(400), rows["w"].cast(pl.Int64).to_numpy())
    once, spelt = found(rows, weight="w"), found(rows[at])
    for column in ("estimate", "se", "low", "high"):
        assert once[column].to_numpy() == pytest.approx(spelt[column].to_numpy(), rel=1e-7)


def test_the_order_of_rows_changes_nothing() -> None:
    rows = world(5)
    mixed = rows.sample(fraction=1, shuffle=True, seed=1)
    for folds in (0, 3):
        one, other = found(rows, folds=folds), found(mixed, folds=folds)
        for column in ("estimate", "se"):
            assert other[column].to_numpy() == pytest.approx(one[column].to_numpy(), abs=1e-10)


def test_outcomes_share_one_propensity_and_absent_rows_are_counted() -> None:
    rows = world(6).with_columns(
        tone=pl.when(pl.int_range(pl.len()) < 5).then(None).otherwise("tone"),
        post=pl.when(pl.int_range(pl.len()) == 7).then(None).otherwise("post"),
    )
    both = found(rows, ["tone", "control"])
    assert both["measure"].to_list() == ["tone"] * 5 + ["control"] * 5
    assert set(both["left_out"]) == {6}
    assert set(both["n"]) == {1994}
    alone = found(rows.filter(pl.col("tone").is_not_null()), "control")
    assert both["estimate"][5:].to_list() == pytest.approx(alone["estimate"].to_list(), rel=1e-10)


def test_few_clusters_are_said() -> None:
    told = found(world(7, 400).with_columns(pl.col("post") % 8))
    assert told["clusters"].to_list() == [8] * 5
    assert "few clusters (8 < 10)" in told["method"][0]


def test_a_contrast_has_the_clusters_of_its_smaller_side() -> None:
    stranger = pl.col("close") == "stranger"
    told = found(world(7, 800).with_columns(post=pl.when(stranger).then(pl.col("post") % 12).otherwise("post")))
    assert told["clusters"][0] > told["clusters"][2] == 12
    assert told["df"].to_list()[2:] == [11.0] * 3


def test_what_cannot_be_had_is_refused() -> None:
    rows = world(8, 400)
    with pytest.raises(UsageError, match="no category 'strange'; did you mean 'stranger'"):
        found(rows, reference="strange")
    with pytest.raises(UsageError, match="folds is 1 and level 0.95"):
        found(rows, folds=1)
    with pytest.raises(InputError, match="name at least one outcome"):
        found(rows, [])
    with pytest.raises(InputError, match="'z' is both outcome and covariate; outcome 'close' is String, not a number"):
        found(rows, ["z", "close"])
    with pytest.raises(InputError, match="'ghost' is missing"):
        found(rows, "ghost")
    alone = rows.with_columns(post=pl.when(pl.col("close") == "close").then(0).otherwise("post"))
    with pytest.raises(RefusedError, match="'close' is met in one post"):
        found(alone)
    with pytest.raises(RefusedError, match=r"without fold \d 'close' has 0 rows that do not tell 2 columns apart"):
        found(
            rows.with_columns(post=pl.when(pl.col("close") == "close").then(pl.col("post") % 2).otherwise("post")),
            folds=2,
            seed=1,
        )
