"""What was memorised is found with its interval, nothing is found in the null, and few people never pass."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from sociolect import frames
from sociolect.compare.memorisation import MOST, memorisation, shareable
from sociolect.errors import InputError, RefusedError
from sociolect.frames import KEYS, Effects, Scores


def scores(nats: dict[str, np.ndarray], hits: dict[str, float], *, each: int = 4, seed: int = 0) -> Scores:
    rng = np.random.default_rng(seed)
    rows = []
    for side, losses in nats.items():
        said = rng.random(losses.size) < hits[side]
        for i, loss in enumerate(losses):
            for measure, value in (("memory:nats", float(loss)), ("memory:extracted", float(said[i]))):
                rows.append((f"{side}{i // each}", "human", "c", f"{side}{i}", side, 0, 0, measure, value))
    return frames.scores(pl.DataFrame(rows, schema=[*KEYS, "measure", "value"], orient="row"))


def planted(gap: float, extracted: float, *, n: int = 400, seed: int = 0) -> Scores:
    rng = np.random.default_rng(seed)
    nats = {"learnt": rng.normal(-gap, 1, n), "held out": rng.normal(0, 1, n)}
    return scores(nats, {"learnt": extracted, "held out": 0.0}, seed=seed)


def of(found: Effects, measure: str) -> dict[str, float]:
    return found.row(by_predicate=pl.col("measure") == measure, named=True)


def test_the_planted_is_found() -> None:
    found = memorisation(planted(1.0, 0.3, seed=1))
    # Two normals one apart: the chance that one is below the other is Phi(1 / sqrt 2) = .7602.
    assert of(found, "membership_auc")["low"] < 0.7602 < of(found, "membership_auc")["high"]
    assert of(found, "loss_gap")["low"] < 1.0 < of(found, "loss_gap")["high"]
    assert of(found, "extracted")["low"] < 0.3 < of(found, "extracted")["high"]
    assert of(found, "extracted")["clusters"] == 100
    ok, why = shareable(found)
    assert not ok
    assert "extracted may be" in why
    assert "membership_auc may be" in why


def test_nothing_is_found_in_the_null_and_enough_people_pass() -> None:
    held = 0
    for seed in range(20):
        found = memorisation(planted(0.0, 0.0, seed=seed), draws=400)
        held += of(found, "membership_auc")["low"] < 0.5 < of(found, "membership_auc")["high"]
        assert shareable(found)[0]
    assert held >= 17


def test_none_in_few_authors_is_no_proof_of_none() -> None:
    """The upper end for none in m is 1 - .025^(1/m): .0362 for 100 authors (Clopper and Pearson 1934), .308 for 10."""
    found = memorisation(planted(0.0, 0.0, n=400))
    assert of(found, "extracted")["high"] == pytest.approx(0.036217, abs=1e-6)
    few = memorisation(planted(0.0, 0.0, n=40))
    assert of(few, "extracted")["high"] == pytest.approx(0.308497, abs=1e-6)
    assert not shareable(few)[0]


def test_the_auc_is_scikit_learn_s_with_ties() -> None:
    rng = np.random.default_rng(3)
    nats = {"learnt": rng.integers(0, 6, 90).astype(float), "held out": rng.integers(1, 7, 70).astype(float)}
    found = memorisation(scores(nats, {"learnt": 0.1, "held out": 0.1}), draws=200)
    truth = roc_auc_score([1] * 90 + [0] * 70, -np.concatenate([nats["learnt"], nats["held out"]]))
    assert of(found, "membership_auc")["estimate"] == pytest.approx(truth, abs=1e-12)


def test_neither_row_order_nor_short_posts_change_it() -> None:
    said = planted(0.5, 0.1, n=80)
    first = memorisation(said, draws=200, seed=4)
    assert memorisation(frames.scores(said.sample(fraction=1, shuffle=True, seed=1)), draws=200, seed=4).equals(first)
    short = said.with_columns(
        value=pl.when((pl.col("measure") == "memory:extracted") & (pl.col("item") == "learnt0"))
        .then(None)
        .otherwise("value")
    )
    assert of(memorisation(frames.scores(short), draws=200), "extracted")["left_out"] == 1


def test_canaries_are_judged_where_they_were_planted() -> None:
    said = planted(0.0, 0.0)
    sown = pl.DataFrame(
        {"canary": list("abcdef"), "repeats": [0, 0, 1, 4, 4, 16], "exposure": [0.0, 8.0, 6.0, 8.0, 7.0, 7.0]}
    )
    found = memorisation(said, canaries=sown, draws=200)
    row = of(found, "canary_exposure")
    assert (row["estimate"], row["n"]) == (7.0, 4)
    assert row["low"] < 7 < row["high"]
    assert "canary_exposure" in shareable(found)[1]
    none = memorisation(said, canaries=sown.filter(repeats=0), draws=200)
    assert "canary_exposure" not in none["measure"].to_list()
    one = memorisation(said, canaries=sown.filter(canary="c"), draws=200)
    assert "canary_exposure has no interval" in shareable(one)[1]


def test_what_was_not_tested_is_not_shared() -> None:
    found = memorisation(planted(0.0, 0.0), draws=200)
    assert shareable(frames.effects(found.filter(pl.col("measure") != "extracted"))) == (
        False,
        "extracted was not tested",
    )
    high = frames.effects(found.with_columns(high=pl.lit(None, pl.Float64)))
    assert not shareable(high)[0]
    at = pl.when(pl.col("measure") == "membership_auc").then(pl.lit(MOST["membership_auc"])).otherwise("high")
    assert shareable(frames.effects(found.with_columns(high=at)))[0]


def test_one_that_gives_too_much_away_is_not_hidden_by_another() -> None:
    row = {"estimate": 0.0, "low": 0.0, "n": 9}
    highs = [("extracted", 0.9), ("extracted", 0.0), ("membership_auc", 0.5)]
    for order in (highs, highs[::-1]):
        found = frames.effects(
            pl.DataFrame([row | {"measure": m, "contrast": f"{i}", "high": h} for i, (m, h) in enumerate(order)])
        )
        assert shareable(found) == (False, f"extracted may be 0.9, above {MOST['extracted']:g}")


def test_refuses_what_has_no_doubt() -> None:
    with pytest.raises(RefusedError, match="1 authors of learnt posts"):
        memorisation(scores({"learnt": np.zeros(4), "held out": np.zeros(8)}, {"learnt": 0, "held out": 0}))
    said = planted(0.0, 0.0, n=8)
    with pytest.raises(InputError, match="there is no memory:extracted"):
        memorisation(frames.scores(said.filter(measure="memory:nats")))
