"""Preference against closed forms, R's lme4, and planted annotators."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom, binomtest

from sociolect.compare.mixed_logit import mixed_logit
from sociolect.compare.preference import _effective, consistency, mixed, position, preference, wilson
from sociolect.errors import InputError, RefusedError, UsageError

HERE = Path(__file__).parent
DRAWN = pl.read_csv(HERE / "preference_golden.csv")
# Made by preference_golden.R with R 4.2.2, lme4 1.1.31: glmer(y ~ side + (1 | ...), binomial), nAGQ = 1.
FOUND = {(m, w): v for m, w, v in pl.read_csv(HERE / "preference_golden_found.csv").iter_rows()}


def judgements(
    hits: np.ndarray, on_a: np.ndarray, *, annotator: np.ndarray | None = None, unit: np.ndarray | None = None
) -> pl.DataFrame:
    """What `load.answers.unblinded` makes: hits 1 (the aligned arm), 0 (the other), nan (neither)."""
    n = len(hits)
    who = annotator if annotator is not None else np.zeros(n, dtype=int)
    what = unit if unit is not None else np.arange(n)
    return pl.DataFrame({
        "annotator": [f"r{i:03}" for i in who], "unit": [f"u{i:05}" for i in what], "question": "overall",
        "preferred": [None if np.isnan(h) else ("aligned" if h else "in_context") for h in hits],
        "on_a": np.where(on_a, "aligned", "in_context"), "on_b": np.where(on_a, "in_context", "aligned"),
        "repeat_of": pl.Series([None] * n, dtype=pl.String),
    })  # fmt: skip


def alternate(n: int) -> np.ndarray:
    return np.asarray(np.arange(n) % 2 == 0)


def test_the_expert_of_the_paper() -> None:
    """248 of 300: .780 to .865 (dossier, Sec. 5 and 7); scipy's Wilson interval."""
    hits = np.r_[np.ones(248), np.zeros(52)]
    row = preference(judgements(hits, alternate(300)), arm="aligned").row(0, named=True)
    due = binomtest(248, 300).proportion_ci(method="wilson")
    assert (round(row["low"], 4), round(row["high"], 4)) == (0.7798, 0.8653)
    assert (row["low"], row["high"]) == pytest.approx((due.low, due.high), abs=1e-12)
    assert (row["n"], row["left_out"], row["annotators"]) == (300, 0, 1)
    assert row["contrast"] == "overall: aligned over in_context"


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (1, 40), (20, 40)])
def test_wilson_is_scipy_s_at_the_ends_too(k: int, n: int) -> None:
    due = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((due.low, due.high), abs=1e-12)


def test_planted_preference_is_covered_in_93_to_97_of_100() -> None:
    drawn = np.random.default_rng(7).binomial(300, 0.8, 1000)
    ends = np.array([wilson(int(k), 300) for k in drawn])
    covered = ((ends[:, 0] <= 0.8) & (ends[:, 1] >= 0.8)).mean()
    assert 0.93 <= covered <= 0.97
    exact = sum(binom.pmf(k, 300, 0.8) for k in range(301) if wilson(k, 300)[0] <= 0.8 <= wilson(k, 300)[1])
    assert 0.93 <= exact <= 0.97


def test_a_second_annotator_of_the_same_pairs_is_not_a_second_sample() -> None:
    """Three annotators who follow the pair: its interval covers, that of as many independent judgements does not."""
    rng = np.random.default_rng(3)
    covered = naive = 0
    for _ in range(400):
        pull = rng.beta(0.8 * 0.5, 0.2 * 0.5, 100)  # judgements on one pair correlate by 2/3
        hits = (rng.random((100, 3)) < pull[:, None]).astype(float).ravel()
        n = _effective(hits, pl.Series(np.repeat(np.arange(100), 3)))
        low, high = wilson(hits.mean() * n, n)
        covered += low <= 0.8 <= high
        low, high = wilson(hits.sum(), 300)
        naive += low <= 0.8 <= high
    assert 0.92 <= covered / 400 <= 0.98
    assert naive / 400 < 0.85


def test_ties_are_left_out_or_count_half_and_are_said() -> None:
    hits = np.r_[np.ones(60), np.zeros(20), np.full(20, np.nan)]
    out = preference(judgements(hits, alternate(100)), arm="aligned").row(0, named=True)
    half = preference(judgements(hits, alternate(100)), arm="aligned", ties="half").row(0, named=True)
    assert (out["estimate"], out["n"], out["tied"], out["left_out"]) == (0.75, 80, 20, 20)
    assert (half["estimate"], half["n"], half["tied"], half["left_out"]) == (0.70, 100, 20, 0)
    assert "ties left out" in out["method"]
    assert "ties count half" in half["method"]
    with pytest.raises(UsageError, match="no way with ties 'skip'"):
        preference(judgements(hits, alternate(100)), arm="aligned", ties="skip")
    with pytest.raises(RefusedError, match="none of 3 judgements prefers either"):
        preference(judgements(np.full(3, np.nan), alternate(3)), arm="aligned")


def test_planted_position_bias_is_recovered() -> None:
    """.10 at n = 5,000, within .02; and it does not move the preference, because sides are balanced."""
    rng = np.random.default_rng(9)
    on_a = alternate(5000)
    for bias in (0.10, 0.0, -0.10):
        hits = (rng.random(5000) < np.where(on_a, 0.7 + bias, 0.7 - bias)).astype(float)
        judged = judgements(hits, on_a, annotator=np.arange(5000) % 20)
        row = position(judged, arm="aligned").row(0, named=True)
        assert row["estimate"] == pytest.approx(bias, abs=0.02)
        assert (row["low"] > 0, row["high"] < 0) == (bias > 0, bias < 0)
        told = {r["measure"]: r for r in mixed(judged, arm="aligned").iter_rows(named=True)}
        assert told["position"]["estimate"] == pytest.approx(bias, abs=0.02)
        assert told["preference"]["low"] < 0.7 < told["preference"]["high"]
        assert preference(judged, arm="aligned")["estimate"].item() == pytest.approx(0.7, abs=0.02)


def test_newcombe_s_own_example() -> None:
    """Newcombe (1998), Table II, example (a), method 10: 56/70 - 48/80 = .2, .0524 to .3339. Ours is half the difference."""
    hits = np.r_[np.ones(56), np.zeros(14), np.ones(48), np.zeros(32)]
    row = position(judgements(hits, np.arange(150) < 70), arm="aligned").row(0, named=True)
    assert (2 * row["estimate"], 2 * row["low"], 2 * row["high"]) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(("model", "factors"), [("crossed", ("annotator", "pair")), ("annotator", ("annotator",))])
def test_the_mixed_logit_is_lme4_s(model: str, factors: tuple[str, ...]) -> None:
    x = np.stack([np.ones(DRAWN.height), DRAWN["side"].to_numpy()], axis=1)
    fit = mixed_logit(DRAWN["y"].to_numpy(), x, [DRAWN[f].to_numpy() - 1 for f in factors])
    error = np.sqrt(np.diag(fit.covariance))
    ours = {
        "intercept": fit.fixed[0],
        "side": fit.fixed[1],
        "se_intercept": error[0],
        "se_side": error[1],
        "deviance": fit.deviance,
    }
    ours |= {f"sd_{name}": value for name, value in zip(factors, fit.sd, strict=True)}
    due = {what: value for (named, what), value in FOUND.items() if named == model}
    assert ours == pytest.approx(due, abs=2e-4)


def test_the_frame_goes_into_the_mixed_logit_as_it_should() -> None:
    """The same draws as a frame of judgements: the log-odds of lme4, and ends by t with 7 degrees of freedom."""
    judged = judgements(DRAWN["y"].to_numpy().astype(float), DRAWN["side"].to_numpy() > 0,
                        annotator=DRAWN["annotator"].to_numpy(), unit=DRAWN["pair"].to_numpy())  # fmt: skip
    told = {r["measure"]: r for r in mixed(judged, arm="aligned").iter_rows(named=True)}
    assert told["preference"]["log_odds"] == pytest.approx(FOUND["crossed", "intercept"], abs=2e-4)
    assert told["position"]["log_odds"] == pytest.approx(FOUND["crossed", "side"], abs=2e-4)
    assert told["preference"]["sd_pair"] == pytest.approx(FOUND["crossed", "sd_pair"], abs=2e-4)
    assert told["preference"]["annotators"] == 8
    # The marginal share of the intercept's end, by plain numerical integration.
    z = np.linspace(-9, 9, 20001)
    weight = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    spread = np.hypot(FOUND["crossed", "sd_pair"], FOUND["crossed", "sd_annotator"])
    end = FOUND["crossed", "intercept"] - 2.364624 * FOUND["crossed", "se_intercept"]
    share = [weight @ (1 / (1 + np.exp(-(end + s * FOUND["crossed", "side"] / 2 + spread * z)))) for s in (-1, 1)]
    assert told["preference"]["low"] == pytest.approx(np.mean(share), abs=2e-4)
    # Of the other arm it is the other side of the coin.
    other = {r["measure"]: r for r in mixed(judged, arm="in_context").iter_rows(named=True)}
    assert other["preference"]["estimate"] == pytest.approx(1 - told["preference"]["estimate"], abs=1e-5)
    assert other["position"]["estimate"] == pytest.approx(told["position"]["estimate"], abs=1e-5)


def test_large_designs_take_the_sparse_way_to_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.stack([np.ones(DRAWN.height), DRAWN["side"].to_numpy()], axis=1)
    random = [DRAWN[f].to_numpy() - 1 for f in ("annotator", "pair")]
    dense = mixed_logit(DRAWN["y"].to_numpy(), x, random)
    monkeypatch.setattr("sociolect.compare.mixed_logit._SMALL", 0)
    sparse = mixed_logit(DRAWN["y"].to_numpy(), x, random)
    assert sparse.deviance == pytest.approx(dense.deviance, abs=1e-7)
    assert sparse.fixed == pytest.approx(dense.fixed, abs=1e-5)


def test_intervals_over_annotators_cover_where_those_of_wilson_do_not() -> None:
    """Ten annotators, each with a leaning of their own: what an eleventh would say is not told by counting judgements."""
    rng = np.random.default_rng(12)
    who = np.repeat(np.arange(10), 30)
    nodes, weight = np.polynomial.hermite_e.hermegauss(60)
    truth = weight @ (1 / (1 + np.exp(-(1.0 + nodes)))) / weight.sum()
    covered = naive = 0
    for _ in range(100):
        hits = (rng.random(300) < 1 / (1 + np.exp(-(1.0 + rng.normal(0, 1.0, 10)[who])))).astype(float)
        judged = judgements(hits, alternate(300), annotator=who)
        row = mixed(judged, arm="aligned").row(0, named=True)
        covered += row["low"] <= truth <= row["high"]
        low, high = wilson(hits.sum(), 300)
        naive += low <= truth <= high
    assert 0.88 <= covered / 100 <= 0.99
    assert naive / 100 < 0.75


def test_a_pull_of_exactly_none_is_found_as_such() -> None:
    """Both sides win alike: the estimate is 0 to rounding, and has its error all the same."""
    who = np.repeat(np.arange(6), 40)
    hits = (np.arange(240) // 2 % 20 < 8 + 2 * who).astype(float)
    row = (
        mixed(judgements(hits, alternate(240), annotator=who), arm="aligned")
        .filter(measure="position")
        .row(0, named=True)
    )
    assert row["estimate"] == pytest.approx(0, abs=1e-6)
    assert 0.2 < row["error"] < 0.4


def test_an_annotator_who_says_the_same_again_is_consistent() -> None:
    judged = judgements(np.r_[np.ones(20), np.ones(13), np.zeros(5), np.full(2, np.nan)], alternate(40))
    again = [None] * 20 + [f"u{i:05}" for i in range(20)]
    judged = judged.with_columns(repeat_of=pl.Series(again, dtype=pl.String))
    row = consistency(judged).row(0, named=True)
    assert (row["estimate"], row["n"]) == (13 / 20, 20)
    assert (row["low"], row["high"]) == pytest.approx(wilson(13, 20))
    # A repeat is no pair of its own.
    assert preference(judged, arm="aligned")["n"].item() == 20
    with pytest.raises(RefusedError, match="no pair was judged twice"):
        consistency(judged.head(20))


def test_an_effect_that_decides_everything_has_no_finite_estimate() -> None:
    with pytest.raises(RefusedError, match="no finite estimate"):
        mixed(judgements(np.ones(40), alternate(40), annotator=np.arange(40) % 4), arm="aligned")
    with pytest.raises(RefusedError, match="judged on one side only"):
        position(judgements(np.ones(40), np.ones(40, dtype=bool)), arm="aligned")


def test_judgements_that_do_not_hold_together_are_refused() -> None:
    judged = judgements(np.ones(4), alternate(4))
    with pytest.raises(InputError, match="column 'on_a' is missing"):
        preference(judged.drop("on_a"), arm="aligned")
    with pytest.raises(
        InputError, match=r"1 rows are an annotator's second on one unit.*; no pair holds the arm 'tuned'"
    ):
        preference(pl.concat([judged, judged.head(1)]), arm="tuned")
    with pytest.raises(InputError, match="cannot be told apart"):
        mixed_logit([0, 1, 1], np.ones((3, 2)))
    with pytest.raises(InputError, match="one row per answer"):
        mixed_logit([0, 2, 1], np.ones((3, 1)))
