"""Agreement against published examples, scikit-learn, and planted raters."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score

from sociolect.compare.agreement import ac1, agreement, alpha, kappa, percent
from sociolect.errors import InputError, RefusedError, UsageError

NAN = float("nan")
# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", Sec. C: four observers, twelve units, missing values.
KRIPPENDORFF = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]).T  # fmt: skip
# The dossier's 2 x 2 table: both yes 41, only the first 20, only the second 29, both no 270.
TABLE = np.array([[1, 1]] * 41 + [[1, 0]] * 20 + [[0, 1]] * 29 + [[0, 0]] * 270, dtype=float)


@pytest.mark.parametrize(("level", "due"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_the_published_example(level: str, due: float) -> None:
    assert round(alpha(KRIPPENDORFF, level=level), 3) == due


def test_ac1_of_the_published_example() -> None:
    """Gwet's irrCAC prints AC1 .77544, agreement .81818 and alpha .74342 for the same ratings (`gwet.ac1.raw(cac.raw4raters)`)."""
    assert round(ac1(KRIPPENDORFF), 5) == 0.77544
    assert round(percent(KRIPPENDORFF), 5) == 0.81818
    assert round(alpha(KRIPPENDORFF), 5) == 0.74342


def test_the_two_by_two_table() -> None:
    """The dossier's closed forms: (p - p_e) / (1 - p_e) with p = 311/360."""
    seen, first, second = 311 / 360, 61 / 360, 70 / 360
    chance = first * second + (1 - first) * (1 - second)
    assert kappa(TABLE) == pytest.approx((seen - chance) / (1 - chance), abs=1e-12)
    assert kappa(TABLE) == pytest.approx(0.5432418436, abs=1e-10)
    assert ac1(TABLE) == pytest.approx(0.8061975050, abs=1e-10)


def test_kappa_is_scikit_learn_s_and_the_mean_of_its_pairs() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 4, 200)
    ratings = np.where(rng.random((200, 3)) < 0.6, truth[:, None], rng.integers(0, 4, (200, 3))).astype(float)
    assert kappa(ratings[:, :2]) == pytest.approx(cohen_kappa_score(ratings[:, 0], ratings[:, 1]), abs=1e-12)
    due = np.mean([cohen_kappa_score(ratings[:, i], ratings[:, j]) for i, j in combinations(range(3), 2)])
    assert kappa(ratings) == pytest.approx(due, abs=1e-12)


def test_interval_alpha_does_not_change_with_the_unit_and_ordinal_not_with_any_rising_map() -> None:
    assert alpha(KRIPPENDORFF * 1e-6 + 1e3, level="interval") == pytest.approx(
        alpha(KRIPPENDORFF, level="interval"), abs=1e-6
    )
    assert alpha(np.exp(KRIPPENDORFF), level="ordinal") == pytest.approx(
        alpha(KRIPPENDORFF, level="ordinal"), abs=1e-12
    )


def test_more_options_that_nobody_took_raise_ac1() -> None:
    """AC1's chance agreement is a mean over the categories there were: with five it is 1/4 of that with two."""
    chance = 2 * (131 / 720) * (589 / 720)
    assert ac1(TABLE, categories=5) == pytest.approx((311 / 360 - chance / 4) / (1 - chance / 4), abs=1e-12)


def answers(ratings: np.ndarray, question: str = "q") -> pl.DataFrame:
    unit, rater = np.nonzero(~np.isnan(ratings))
    return pl.DataFrame({"question": question, "unit": [f"u{u:03}" for u in unit], "annotator": [f"r{r}" for r in rater],
                         "answer": [f"c{ratings[u, r]:.0f}" for u, r in zip(unit, rater, strict=True)]})  # fmt: skip


def test_the_table_of_a_question_holds_the_four_measures_with_intervals() -> None:
    found = agreement(pl.concat([answers(TABLE), answers(KRIPPENDORFF, "k")]), draws=500, seed=1)
    row = {(r["contrast"], r["measure"]): r for r in found.iter_rows(named=True)}
    assert len(row) == 8
    assert row["q", "kappa"]["estimate"] == pytest.approx(0.5432418436, abs=1e-10)
    assert row["k", "alpha"]["estimate"] == pytest.approx(0.743, abs=5e-4)
    assert (row["k", "alpha"]["n"], row["k", "alpha"]["left_out"], row["k", "alpha"]["annotators"]) == (11, 1, 4)
    # Fleiss, Cohen and Everitt (1969): the standard error of this kappa is .0574 by their Eq. 13.
    width = row["q", "kappa"]["high"] - row["q", "kappa"]["low"]
    p = np.array([[41, 20], [29, 270]]) / 360
    rows, columns, k = p.sum(1), p.sum(0), 0.5432418436
    chance = rows @ columns
    diagonal = sum(p[i, i] * (1 - (rows[i] + columns[i]) * (1 - k)) ** 2 for i in range(2))
    off = (1 - k) ** 2 * sum(p[i, j] * (columns[i] + rows[j]) ** 2 for i in range(2) for j in range(2) if i != j)
    error = np.sqrt((diagonal + off - (k - chance * (1 - k)) ** 2) / 360) / (1 - chance)
    assert width == pytest.approx(2 * 1.96 * error, rel=0.12)


def test_intervals_cover_the_planted_agreement() -> None:
    """Two raters of the common correlation model with kappa .6: alpha, kappa and AC1 all estimate what was planted."""
    rng = np.random.default_rng(6)
    worlds, n, hits = 150, 120, 0
    for seed in range(worlds):
        together = rng.random(n) < 0.6
        own = (rng.random((n, 2)) < 0.3).astype(float)
        found = agreement(answers(np.where(together[:, None], own[:, :1], own)), draws=200, seed=seed)
        row = found.filter(measure="alpha").row(0, named=True)
        hits += row["low"] <= 0.6 <= row["high"]
    assert 0.89 <= hits / worlds <= 0.99


def test_guessing_raters_agree_on_nothing_beyond_chance() -> None:
    ratings = np.random.default_rng(1).choice([0.0, 1.0], (3000, 3), p=[0.9, 0.1])
    assert percent(ratings) > 0.8
    assert abs(alpha(ratings)) < 0.05
    assert abs(kappa(ratings)) < 0.05


def test_the_order_of_the_rows_changes_nothing() -> None:
    said = answers(KRIPPENDORFF)
    mixed = said.sample(fraction=1, shuffle=True, seed=2)
    assert agreement(said, draws=200, seed=3).equals(agreement(mixed, draws=200, seed=3))


def test_where_all_agree_alpha_is_absent_and_no_end_is_made_up() -> None:
    found = agreement(answers(np.ones((30, 2))), draws=200)
    row = {r["measure"]: r for r in found.iter_rows(named=True)}
    assert (row["agreement"]["estimate"], row["agreement"]["low"]) == (1.0, None)
    assert row["alpha"]["estimate"] is None
    assert row["kappa"]["estimate"] is None


def test_ordinal_answers_need_their_order_named() -> None:
    said = answers(KRIPPENDORFF)
    with pytest.raises(InputError, match="the order of the answers in 'answer' is not known"):
        agreement(said, level="ordinal")
    order = [f"c{i}" for i in range(1, 6)]
    found = agreement(said, level="ordinal", categories=order, draws=200)
    assert found.filter(measure="alpha")["estimate"].item() == pytest.approx(0.815, abs=5e-4)
    back = agreement(said, level="ordinal", categories=["c3", "c1", "c5", "c2", "c4"], draws=200)
    assert abs(back.filter(measure="alpha")["estimate"].item() - 0.815) > 0.01


def test_what_cannot_agree_is_refused() -> None:
    said = answers(TABLE)
    with pytest.raises(InputError, match=r"1 answers are a rater's second.*; answer 'c0' is none of yes, no"):
        agreement(pl.concat([said, said.head(1)]), categories=["yes", "no"])
    with pytest.raises(InputError, match="column 'annotator' is missing"):
        agreement(said.drop("annotator"))
    with pytest.raises(RefusedError, match="q: 0 units have two ratings or more"):
        agreement(said.filter(annotator="r0"))
    with pytest.raises(RefusedError, match="no unit has two ratings"):
        alpha([[1, NAN], [NAN, 2]])
    with pytest.raises(UsageError, match="no level of measurement 'ordnal'; did you mean 'ordinal'"):
        alpha(TABLE, level="ordnal")
    with pytest.raises(InputError, match=r"ratings are of shape \(3,\)"):
        kappa([1, 2, 3])
