"""Abilities against R's glm, a closed form, and planted arms, annotators and topics."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect.compare.bradley_terry import bradley_terry
from sociolect.compare.preference import mixed
from sociolect.errors import InputError, RefusedError

HERE = Path(__file__).parent
# Made by preference_golden.R: glm(y ~ position + differences of indicators, binomial) on bradley_terry_golden.csv.
FOUND = {
    what: value
    for model, what, value in pl.read_csv(HERE / "preference_golden_found.csv").iter_rows()
    if model == "bradley_terry"
}


def judgements(
    first: np.ndarray,
    second: np.ndarray,
    wins: np.ndarray,
    *,
    annotator: np.ndarray | int = 0,
    topic: np.ndarray | int = 0,
) -> pl.DataFrame:
    n = len(wins)
    a, b = ([f"arm{i}" for i in side] for side in (first, second))
    return pl.DataFrame({
        "annotator": [f"r{i:02}" for i in np.broadcast_to(annotator, n)], "unit": [f"u{i:05}" for i in range(n)],
        "question": "overall", "topic": [f"t{i:02}" for i in np.broadcast_to(topic, n)], "on_a": a, "on_b": b,
        "preferred": [x if w else y for x, y, w in zip(a, b, wins, strict=True)],
    })  # fmt: skip


def test_abilities_and_their_errors_are_those_of_glm() -> None:
    drawn = pl.read_csv(HERE / "bradley_terry_golden.csv")
    found = bradley_terry(judgements(drawn["a"].to_numpy(), drawn["b"].to_numpy(), drawn["y"].to_numpy()))
    row = {r["contrast"]: r for r in found.iter_rows(named=True)}
    for arm in ("arm2", "arm3", "arm4"):
        got = row[f"overall: arm1 - {arm}"]
        assert got["estimate"] == pytest.approx(-FOUND[arm], abs=1e-4)
        assert (got["high"] - got["low"]) / 2 / 1.959964 == pytest.approx(FOUND[f"se_{arm}"], abs=1e-4)
    assert row["overall: side A"]["estimate"] == pytest.approx(FOUND["position"], abs=1e-4)
    abilities = found.filter(measure="ability")["estimate"]
    assert abilities.sum() == pytest.approx(0, abs=1e-9)
    assert abilities[2] - abilities[0] == pytest.approx(FOUND["arm3"], abs=1e-4)


def test_two_arms_are_a_share() -> None:
    """Closed form: 60 of 100, on either side alike, is log(60/40)."""
    first = np.arange(200) % 2
    wins = np.where(first == 0, np.arange(200) % 10 < 6, np.arange(200) % 10 >= 6)
    wins = np.r_[np.tile(wins[:10], 20)]
    found = bradley_terry(judgements(first, 1 - first, wins))
    share = (np.where(first == 0, wins, 1 - wins)).mean()
    one = found.filter(pl.col("measure") == "difference")["estimate"].item()
    alone = mixed(judgements(first, 1 - first, wins), arm="arm0").filter(measure="preference")["log_odds"].item()
    assert one == pytest.approx(alone, abs=1e-5)
    assert 1 / (1 + np.exp(-one)) == pytest.approx(share, abs=0.02)


def test_planted_abilities_are_recovered_over_annotators_and_topics() -> None:
    """Four arms; annotators and topics with leanings of their own; side A pulls."""
    rng = np.random.default_rng(4)
    ability, n = np.array([0.0, 0.5, 1.0, -0.6]), 3000
    first, other = rng.integers(0, 4, n), rng.integers(1, 4, n)
    second = (first + other) % 4
    who, what = np.arange(n) % 12, rng.integers(0, 15, n)
    by_rater, by_topic = rng.normal(0, 0.5, (12, 4)), rng.normal(0, 0.4, (15, 4))
    logit = 0.4 + ability[first] - ability[second] + by_rater[who, first] - by_rater[who, second]
    logit += by_topic[what, first] - by_topic[what, second]
    wins = rng.random(n) < 1 / (1 + np.exp(-logit))
    found = bradley_terry(judgements(first, second, wins, annotator=who, topic=what))
    row = {r["contrast"].removeprefix("overall: "): r for r in found.iter_rows(named=True)}
    for k in range(4):
        assert row[f"arm{k}"]["low"] < ability[k] - ability.mean() < row[f"arm{k}"]["high"]
    assert row["side A"]["estimate"] == pytest.approx(0.4, abs=0.12)
    assert row["arm0 - arm2"]["high"] < 0
    assert row["arm0"]["sd_annotator"] == pytest.approx(0.5, abs=0.17)
    assert row["arm0"]["sd_topic"] == pytest.approx(0.4, abs=0.17)
    # Judgements of one annotator are no sample of annotators: the ends are wider than those of glm.
    plain = (
        bradley_terry(judgements(first, second, wins))
        .filter(pl.col("contrast") == "overall: arm0 - arm2")
        .row(0, named=True)
    )
    assert row["arm0 - arm2"]["high"] - row["arm0 - arm2"]["low"] > 1.5 * (plain["high"] - plain["low"])


def test_a_pair_judged_by_many_is_one_pair() -> None:
    """Forty pairs whose texts decide, ten annotators each: the ends are those of forty, not of four hundred."""
    rng = np.random.default_rng(5)
    pair = np.repeat(np.arange(40), 10)
    first = np.tile([0, 1], 20)[pair]
    wins = rng.random(400) < 1 / (1 + np.exp(-rng.normal(0, 2, 40)[pair]))
    judged = judgements(first, 1 - first, wins, annotator=np.tile(np.arange(10), 40))
    together = bradley_terry(judged.with_columns(unit=pl.Series([f"u{p:02}" for p in pair]))).filter(
        measure="difference"
    )
    apart = bradley_terry(judged).filter(measure="difference")
    assert together["sd_pair"].item() == pytest.approx(2, abs=0.7)
    assert (together["high"] - together["low"]).item() > 2 * (apart["high"] - apart["low"]).item()


def test_what_was_never_compared_is_refused() -> None:
    rng = np.random.default_rng(1)
    first = np.tile([0, 2], 40)
    judged = judgements(first, first + 1, rng.random(80) < 0.5)
    with pytest.raises(RefusedError, match="arm0, arm1, arm2, arm3 are not all compared, not even through others"):
        bradley_terry(judged)
    with pytest.raises(RefusedError, match="no finite estimate"):
        bradley_terry(judgements(np.arange(60) % 2, 1 - np.arange(60) % 2, np.arange(60) % 2 == 0))
    with pytest.raises(RefusedError, match="no arms are not all compared"):
        bradley_terry(judged.with_columns(preferred=pl.lit(None, pl.String)))
    with pytest.raises(InputError, match="no column annotator, on_b"):
        bradley_terry(judged.drop("annotator", "on_b"))
