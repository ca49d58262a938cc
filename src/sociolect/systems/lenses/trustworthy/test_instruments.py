"""Planted truth comes back from each instrument: flips, over-confidence, the judge's errors, counts, exact accuracies."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.preference import wilson
from sociolect.elicit.ask import ask
from sociolect.errors import RefusedError, UsageError
from sociolect.models.model import Model
from sociolect.systems.lenses.trustworthy import compare, elicit, measure
from sociolect.systems.lenses.trustworthy.calibration import calibration
from sociolect.systems.lenses.trustworthy.elicit import CAUSAL, CLEAN, SURE, TYPO
from sociolect.systems.lenses.trustworthy.players import Planted, known, roster


def heard(model: Model, items: pl.DataFrame, *conditions: str) -> pl.DataFrame:
    """One arm's answers to these instruments."""
    parts = []
    for condition in conditions:
        some = frames.items(items.filter(condition=condition))
        parts.append(ask({"arm": model}, some, draws=2 if condition == CLEAN else 1, condition=condition, seed=3))
    return measure.read(frames.replies(pl.concat(parts)))


def sentences(n: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"item": [f"s{i:05d}" for i in range(n)], "text": [f"The waiter brought plate number {i}." for i in range(n)]}
    )


def of(table: pl.DataFrame, measure: str, contrast: str = "arm") -> dict[str, Any]:
    return table.filter(measure=measure, contrast=contrast).row(0, named=True)


def test_a_planted_flip_of_15_in_100_comes_back_within_2() -> None:
    """Dossier: .15 +- .02 with 2,000 items; a stable model never changes its mind."""
    items = elicit.items(sentences=sentences(2000), questions=2, seed=1)
    model = Planted("planted/x", known(items), flip=0.15, seed=2)
    scores = measure.scored(heard(model, items, CLEAN, TYPO))
    told = compare.rates(scores)
    assert 1 - of(told, "typo:consistent")["estimate"] == pytest.approx(0.15, abs=0.02)
    assert of(told, "typo:stable")["estimate"] == 1.0
    net = compare.net(scores).row(0, named=True)
    assert net["low"] < 0.15 < net["high"]
    assert net["estimate"] == pytest.approx(0.15, abs=0.02)


def test_flips_are_net_of_changes_of_mind() -> None:
    """A coin answers half of the sentences otherwise with typos, and half of them otherwise without: no flip is a typo's."""
    items = elicit.items(sentences=sentences(2000), questions=2, seed=1)
    index = ["speaker", "source", "community", "unit", "facet", "condition", "draw"]
    coin = np.random.default_rng(0).random((3, 2000)) < 0.5
    rows = []
    for k, (condition, draw) in enumerate(((CLEAN, 0), (CLEAN, 1), (TYPO, 0))):
        some = items.filter(condition=condition).sort("unit").select("unit", "facet", "item", "truth")
        answer = pl.Series(["yes" if c else "no" for c in coin[k]])
        rows.append(some.with_columns(speaker=pl.lit("m"), source=pl.lit("model"), community=pl.lit("arm"), condition=pl.lit(condition), draw=pl.lit(draw, pl.Int64), answer=answer, stated=pl.lit(None, pl.Float64), outcome=pl.lit("answered")))  # fmt: skip
    scores = measure.scored(pl.concat(rows).select(*index, "item", "truth", "answer", "stated", "outcome"))
    assert 1 - of(compare.rates(scores), "typo:consistent")["estimate"] == pytest.approx(0.5, abs=0.04)
    net = compare.net(scores).row(0, named=True)
    assert net["low"] < 0 < net["high"]


@pytest.mark.parametrize("over", [0.2, 0.0])
def test_planted_over_confidence_comes_back_and_a_calibrated_model_has_none(over: float) -> None:
    """Dossier: .20 +- .02, and at most .02 for the calibrated one, over 5,000 answers."""
    items = elicit.items(n=2, questions=5000, seed=2)
    model = Planted("planted/x", known(items), over=over, seed=2)
    scores = measure.scored(heard(model, items, SURE))
    _, table = compare.calibrated(scores)
    row = table.row(0, named=True)
    assert row["n"] + row["left_out"] == 5000
    assert row["left_out"] < 100  # half and half: neither answer was called likelier
    assert row["ECE"] == pytest.approx(over, abs=0.02)
    assert row["over-confidence"] == pytest.approx(over, abs=0.02)
    assert row["low"] < over < row["high"]


def test_the_calibration_error_is_that_of_a_hand_computed_case() -> None:
    """Ten certainties of ten questions each, one bin each: the mean of |certainty - share right| by hand."""
    stated = np.repeat(np.arange(10) / 20 + 0.5, 10)
    right = np.concatenate([[1.0] * k + [0.0] * (10 - k) for k in (5, 5, 7, 6, 8, 7, 7, 9, 10, 9)])
    due = np.mean([0.0, 0.05, 0.1, 0.05, 0.1, 0.05, 0.1, 0.05, 0.1, 0.05])
    found = calibration(stated, right)
    assert found.error == pytest.approx(due, abs=1e-12)
    assert found.over == pytest.approx(stated.mean() - right.mean(), abs=1e-12)
    assert found.low <= found.error <= found.high
    assert calibration(stated[::-1].copy(), right[::-1].copy()).error == pytest.approx(found.error, abs=1e-12)
    with pytest.raises(RefusedError, match="49 questions"):
        calibration(stated[:49], right[:49])


def test_the_error_of_chance_is_what_a_calibrated_model_shows() -> None:
    draw = np.random.default_rng(5)
    stated = draw.uniform(0.5, 0.9, 400)
    errors = [calibration(stated, (draw.random(400) < stated).astype(float), seed=k).error for k in range(40)]
    assert calibration(stated, np.ones(400)).by_chance == pytest.approx(np.mean(errors), abs=0.01)


@pytest.mark.parametrize(("n", "labelled"), [(2000, 1000), (30, 120)])
def test_the_judge_s_errors_are_taken_out(n: int, labelled: int) -> None:
    """Dossier: truth .20, sensitivity .90, specificity .95 gives .220 observed and .200 corrected; 93 of 100 intervals hold it."""
    estimate, low, high = compare.unerring(0.22, 2000, hits=[450, 50], misses=[25, 475])
    assert estimate == pytest.approx(0.2, abs=1e-12)
    assert low < 0.2 < high
    draw, held, middle = np.random.default_rng(7), 0, []
    for run in range(200):
        share = draw.binomial(n, 0.22) / n
        safe = draw.binomial(labelled, 0.2)
        a, b = draw.binomial(safe, 0.9), draw.binomial(labelled - safe, 0.95)
        found = compare.unerring(share, n, hits=[a, safe - a], misses=[labelled - safe - b, b], seed=run)
        held += found[1] <= 0.2 <= found[2]
        middle.append(found[0])
    assert held >= 186
    assert np.mean(middle) == pytest.approx(0.2, abs=0.02)


def test_a_judge_that_knows_nothing_corrects_nothing() -> None:
    with pytest.raises(RefusedError, match="not shown to beat chance"):
        compare.unerring(0.5, 100, hits=[20, 20], misses=[19, 21])
    with pytest.raises(RefusedError, match="0 unsafe answers"):
        compare.unerring(0.5, 100, hits=[20, 20], misses=[0, 0])


def test_the_safe_ratio_is_the_count() -> None:
    """Dossier: the table equals the count exactly; 7 of 10 is .397 to .892 (Wilson 1927)."""
    counts = {"theft": 7, "violence": 10, "fraud": 0}
    rows = [(f"safe:{k}", "m", str(i), float(i < s)) for k, s in counts.items() for i in range(10)]
    told = compare.rates(pl.DataFrame(rows, schema=["measure", "community", "unit", "value"], orient="row"))
    assert {r[0].removeprefix("safe:"): round(10 * r[1]) for r in told.select("measure", "estimate").rows()} == counts
    row = of(told, "safe:theft", "m")
    assert (round(row["low"], 3), round(row["high"], 3), row["n"]) == (0.397, 0.892, 10)
    assert (of(told, "safe:fraud", "m")["low"], of(told, "safe:fraud", "m")["high"]) == pytest.approx(wilson(0, 10))


@pytest.mark.parametrize(
    ("arm", "right"), [("always yes", 17 / 48), ("always no", 31 / 48), ("first option", 0.5), ("contingency", 29 / 48)]
)
def test_scripted_reasoners_get_their_exact_accuracy(arm: str, right: float) -> None:
    """Counted by hand in items.toml: 12 causes and 5 needed among 24 pairs; going together is right 15 times of causes, 14 of needs."""
    items = elicit.items(n=2, questions=2, seed=0)
    scores = measure.scored(heard(roster(items)[arm], items, CAUSAL))
    told = of(compare.rates(scores), "causal:right")
    assert told["estimate"] == pytest.approx(right, abs=1e-12)
    assert told["n"] == 24
    assert told["rows"] == 96


def test_one_who_knows_the_causes_is_always_right() -> None:
    items = elicit.items(n=2, questions=2, seed=0)
    told = compare.rates(measure.scored(heard(Planted("planted/x", known(items), skill=1.0), items, CAUSAL)))
    assert of(told, "causal:right")["estimate"] == 1.0


def test_typos_have_a_rate() -> None:
    for rate in (0.0, 1.2, -1.0):
        with pytest.raises(UsageError, match="due is a chance"):
            elicit.items(n=2, questions=2, rate=rate)
