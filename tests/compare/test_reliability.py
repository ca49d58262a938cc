import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.reliability import alpha, item_rest, omega, reliability, split_half
from sociolect.errors import InputError
from sociolect.frames import KEYS, Scores

GOLDEN = np.array([[s + (s * j + j) % 3 for j in range(4)] for s in range(8)], dtype=float)  # dossier instruments, 7


def scored(matrix: np.ndarray, *, draws: int = 1, noise: float = 0.0, seed: int = 0) -> Scores:
    rng = np.random.default_rng(seed)
    rows = [
        (f"s{s:03}", "human", "red", str(j + 1), "asked", d, 0, f"toy:{j + 1}", float(x + noise * rng.normal()))
        for s, line in enumerate(matrix) for j, x in enumerate(line) for d in range(draws)
    ]  # fmt: skip
    return frames.scores(pl.DataFrame(rows, schema=[*KEYS, "measure", "value"], orient="row"))


def named(scores: Scores, **keywords: object) -> dict[str, dict[str, object]]:
    found = reliability(scores, **keywords)  # type: ignore[arg-type]  # passed through
    return {row["contrast"]: row for row in found.iter_rows(named=True)}


def test_golden_matrix_and_a_forgotten_reversal() -> None:
    found = named(scored(GOLDEN), draws=200)
    assert found["alpha"]["estimate"] == pytest.approx(0.9876002918, abs=1e-10)
    assert found["split half"]["estimate"] == pytest.approx(0.9915485707, abs=1e-10)
    assert found["alpha"]["n"] == 8
    assert found["alpha"]["verdict"] == "warning: 8 speakers only"
    turned = GOLDEN.copy()
    turned[:, 3] = turned[:, 3].max() + turned[:, 3].min() - turned[:, 3]
    found = named(scored(turned), draws=200)
    assert found["item-rest 4"]["estimate"] < 0  # type: ignore[operator]  # a float
    assert found["item-rest 1"]["verdict"] == "warning: 8 speakers only"
    said = "warning: item 4 goes against the rest: a reversal forgotten?"
    assert found["alpha"]["verdict"] == found["item-rest 4"]["verdict"] == said


def test_some_forgotten_reversal_brings_alpha_to_028() -> None:
    lost = []
    for j in range(4):
        turned = GOLDEN.copy()
        turned[:, j] = turned[:, j].max() + turned[:, j].min() - turned[:, j]
        lost.append(float(alpha(np.cov(turned.T))))
    # the dossier's .028 (section 6, trap 9)
    assert min(abs(a - 0.028) for a in lost) < 0.001


@pytest.mark.parametrize("k", [3, 4, 10])
def test_omega_is_exact_where_one_factor_is(k: int) -> None:
    rng = np.random.default_rng(k)
    loading, unique = rng.uniform(0.4, 1.5, k), rng.uniform(0.3, 2, k)
    congeneric = np.outer(loading, loading) + np.diag(unique)
    due = loading.sum() ** 2 / (loading.sum() ** 2 + unique.sum())  # McDonald (1999), closed form
    assert float(omega(congeneric)) == pytest.approx(due, abs=1e-6)
    assert float(alpha(congeneric)) < due
    equivalent = np.ones((k, k)) + np.diag(unique)
    assert float(omega(equivalent)) == pytest.approx(float(alpha(equivalent)), abs=1e-6)
    reversed_item = congeneric * np.outer(signs := np.r_[-1, np.ones(k - 1)], signs)
    against = (loading @ signs) ** 2
    assert float(omega(reversed_item)) == pytest.approx(against / (against + unique.sum()), abs=1e-6)


def test_item_rest_and_split_half_against_numpy() -> None:
    x = np.random.default_rng(5).normal(0, 1, (50, 5)) + np.random.default_rng(6).normal(0, 1, (50, 1))
    rest = [np.corrcoef(x[:, j], np.delete(x, j, 1).sum(1))[0, 1] for j in range(5)]
    assert item_rest(np.cov(x.T)) == pytest.approx(rest, abs=1e-12)
    r = np.corrcoef(x[:, ::2].sum(1), x[:, 1::2].sum(1))[0, 1]
    assert float(split_half(np.cov(x.T))) == pytest.approx(2 * r / (1 + r), abs=1e-12)


def test_draws_are_no_speakers() -> None:
    once, often = named(scored(GOLDEN), draws=200), named(scored(GOLDEN, draws=40), draws=200)
    assert often["alpha"]["n"] == 8
    assert often["alpha"]["estimate"] == pytest.approx(once["alpha"]["estimate"], abs=1e-12)
    assert often["alpha"]["low"] == pytest.approx(once["alpha"]["low"], abs=1e-9)
    moved = (1 - 2 * pl.col("draw")) * pl.col("item").cast(pl.Int64) * pl.col("speaker").str.tail(1).cast(pl.Int64)
    apart = frames.scores(scored(GOLDEN, draws=2).with_columns(pl.col("value") + moved))
    assert named(apart, draws=200)["alpha"]["estimate"] == pytest.approx(once["alpha"]["estimate"], abs=1e-12)
    # one model asked 500 times is one speaker: nothing can be said
    alone = named(scored(GOLDEN[:1], draws=500, noise=1))
    assert alone["alpha"]["estimate"] is None
    assert alone["alpha"]["verdict"] == "not identified: 1 speakers, three or more are due"


def test_intervals_cover_the_true_alpha() -> None:
    covariance = 0.4 + 0.6 * np.eye(6)
    root, covered, worlds = np.linalg.cholesky(covariance), 0, 40
    for seed in range(worlds):
        x = np.random.default_rng(seed).normal(size=(120, 6)) @ root.T
        found = named(scored(x), draws=200, seed=seed)
        covered += bool(found["alpha"]["low"] <= 0.8 <= found["alpha"]["high"])  # type: ignore[operator]  # 6*.4/(1+5*.4)
    assert covered >= 34  # 95 % of 40 is 38; below 34 by chance in 1 of 100


def test_missing_answers_and_absent_items() -> None:
    scores = scored(np.random.default_rng(1).normal(size=(30, 4)))
    gone = frames.scores(scores.filter(~((pl.col("speaker") == "s004") & (pl.col("item") == "2"))))
    found = named(gone, draws=200)
    assert (found["alpha"]["n"], found["alpha"]["left_out"]) == (29, 1)
    with pytest.raises(InputError, match="no scores of item 9 of toy:x"):
        reliability(scores, scales={"toy:x": ["1", "9"]})
