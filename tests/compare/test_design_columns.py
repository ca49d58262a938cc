"""The matrix written in one pass is formulaic's, number for number."""

import ast
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.compare import design as module
from sociolect.compare.design import design, levels, matrix
from sociolect.compare.design_columns import Number, Product, coded, written
from sociolect.errors import InputError

N = 5_000
RNG = np.random.default_rng(4)
ROWS = pl.DataFrame({
    "a": RNG.choice(["stranger", "close", "other"], N), "b": RNG.choice(["man", "woman"], N), "c": RNG.choice(list("pqrs"), N),
    "k": RNG.integers(9, 12, N), "x": RNG.uniform(0.1, 9, N), "z": RNG.normal(size=N), "t": RNG.random(N) < 0.5,
    "my age": RNG.uniform(18, 80, N),
})  # fmt: skip
SOME = ROWS[:300]
LEVELS = levels({c: ROWS[c] for c in "abck"})
FACTORS = ("a", "b", "c", "x", "z", "t", "`my age`", "log(x + eps)", "abs(x - z)", "I(x**2)", "{-x}", "sqrt(x)/exp(z)", "C(k)",
           "C(a, contr.sum)", "C(b, contr.treatment('man'))", "C(c, contr.helmert)", "C(c, contr.poly)", "{log1p(x) * 2.5}",
           "{x - 1}", "log2(x)")  # fmt: skip
TERMS = st.lists(st.lists(st.sampled_from(FACTORS), min_size=1, max_size=3, unique=True), min_size=1, max_size=5)


@settings(max_examples=20, deadline=None)
@given(TERMS, st.sampled_from(["1 + ", "0 + "]), st.sampled_from([":", "*"]))
def test_random_formulas_give_formulaics_matrix(terms: list[list[str]], first: str, sign: str) -> None:
    made = design(first + " + ".join(sign.join(term) for term in terms), SOME[:100], LEVELS, constants={"eps": 0.5})
    assert made.parts is not None
    due = np.asarray(module._materialised(made.spec, SOME, LEVELS, made.constants), dtype=float)
    assert matrix(made, SOME) == pytest.approx(due, rel=1e-14, abs=0)


def test_the_study_s_formula_is_exact() -> None:
    said = "a*b + x + z + abs(x - z) + c + log(x + eps) + t + x:z:log1p(x) + 2:z:t"
    made = design(said, ROWS[:50], LEVELS, constants={"eps": 1e-3})
    assert made.parts is not None
    assert (matrix(made, ROWS) == np.asarray(module._materialised(made.spec, ROWS, LEVELS, made.constants))).all()


def test_the_first_factor_runs_fastest() -> None:
    made = design("0 + a:c:x", ROWS[:50], LEVELS)
    row = matrix(made, ROWS)[0]
    at = made.columns.index(f"a[{ROWS['a'][0]}]:c[{ROWS['c'][0]}]:x")
    assert row.nonzero()[0].tolist() == [at]
    assert row[at] == ROWS["x"][0]
    assert made.columns[:2] == ("a[stranger]:c[p]:x", "a[close]:c[p]:x")


@pytest.mark.parametrize("said", ["poly(x, 2) + a", "scale(x)", "bs(x, df=4):b", "center(z)"])
def test_what_learns_from_all_rows_stays_formulaics(said: str) -> None:
    assert design(said, ROWS, LEVELS).parts is None


def test_a_matrix_that_differs_from_formulaics_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*of: Any) -> np.ndarray:
        return np.asarray(written(*of) * (1 + 1e-12))

    monkeypatch.setattr(module, "written", wrong)
    made = design("a + x", ROWS, LEVELS)
    assert made.parts is None
    assert matrix(made, ROWS[:2])[:, -1].tolist() == ROWS["x"][:2].to_list()


def test_blocks_meet_without_a_seam() -> None:
    tree = ast.parse("x - 1 + eps", mode="eval").body
    found = written([Product(3.0, (Number(tree),), 1), Product(1.0, (), 1)], ROWS, {"eps": 1.0})
    assert (found == np.stack([3 * ((ROWS["x"].to_numpy() - 1) + 1), np.ones(N)], axis=1)).all()


def test_codes_are_places_among_the_levels_and_null_where_there_is_none() -> None:
    column = pl.Series("c", ["b", "z", None, "a"], dtype=pl.Categorical)
    assert coded(column, ("b", "a")).to_list() == [0, None, None, 1]
    with pytest.raises(InputError, match="column 'a' holds 'z'; the fit knows"):
        matrix(design("a", ROWS, LEVELS), ROWS[:3].with_columns(a=pl.Series(["close", "z", "other"])))
    with pytest.raises(
        InputError,
        match=r"'log\(x\)' is infinite or undefined in 1 rows; 'sqrt\(z\)' is infinite or undefined in 2 rows",
    ):
        matrix(design("log(x) + sqrt(z)", ROWS, LEVELS), pl.DataFrame({"x": [0.0, 1, 2], "z": [1.0, -1, -2]}))
