"""Design matrices: the columns of contrasts, interactions, polynomials and splines; levels; rows left out."""

import numpy as np
import polars as pl
import pytest

from sociolect.compare.design import checked, complete, design, levels, matrix, state
from sociolect.compare.formula import read
from sociolect.errors import InputError, RefusedError, UsageError

ROWS = pl.DataFrame({"a": ["stranger", "close", "stranger", "other"], "b": ["man", "man", "woman", "woman"],
                     "x": [1.0, 2.0, 3.0, 5.0], "t": [True, False, True, True], "k": [10, 9, 9, 11]})  # fmt: skip
LEVELS = levels({"a": ROWS["a"], "b": ROWS["b"], "k": ROWS["k"]})


def test_declared_references_come_first_and_numbers_sort_as_numbers() -> None:
    assert LEVELS == {"a": ("stranger", "close", "other"), "b": ("woman", "man"), "k": ("9", "10", "11")}
    declared = pl.Series(["low", "high"], dtype=pl.Enum(["low", "middle", "high"]))
    assert levels({"e": declared})["e"] == ("low", "high")


def test_treatment_contrasts_and_their_product() -> None:
    made = design("a*b + t + C(k)", ROWS, LEVELS)
    assert made.columns == (
        "Intercept", "a[T.close]", "a[T.other]", "b[T.man]", "t", "C(k)[T.10]", "C(k)[T.11]", "a[T.close]:b[T.man]",
        "a[T.other]:b[T.man]",
    )  # fmt: skip
    assert made.terms["a:b"] == (7, 8)
    assert matrix(made, ROWS).tolist() == [
        [1, 0, 0, 1, 1, 1, 0, 0, 0],
        [1, 1, 0, 1, 0, 0, 0, 1, 0],
        [1, 0, 0, 0, 1, 0, 0, 0, 0],
        [1, 0, 1, 0, 1, 0, 1, 0, 0],
    ]


def test_another_reference_can_be_asked_for() -> None:
    assert design("C(a, contr.treatment('close'))", ROWS, LEVELS).columns[1].endswith("[T.stranger]")


def test_functions_and_constants() -> None:
    made = design("log(x + eps) + abs(x - k) + sqrt(x) + exp(x) + I(x**2) + log1p(x)", ROWS, {}, constants={"eps": 0.5})
    x, k = ROWS["x"].to_numpy(), ROWS["k"].to_numpy()
    due = np.stack([x**0, np.log(x + 0.5), abs(x - k), np.sqrt(x), np.exp(x), x**2, np.log1p(x)], axis=1)
    assert matrix(made, ROWS) == pytest.approx(due, rel=1e-14)


def test_orthogonal_polynomials_are_those_of_r() -> None:
    # R 4: poly(c(1, 2, 3, 5), 2)
    due = [[-0.5916080, 0.5640761], [-0.2535463, -0.3223292], [0.0845154, -0.6446584], [0.7606388, 0.4029115]]
    found = matrix(design("0 + poly(x, 2)", ROWS, {}), ROWS)
    assert found * np.sign(found[0]) * [-1, 1] == pytest.approx(np.array(due), abs=1e-6)


def test_what_a_spline_learns_from_all_rows_serves_some_of_them() -> None:
    x = pl.DataFrame({"x": np.linspace(0, 1, 101) ** 2})
    whole = matrix(design("bs(x, df=5) + scale(x)", x, {}), x)
    learnt = state(["bs(x, df=5)", "scale(x)"], x)
    part = design("bs(x, df=5) + scale(x)", x[:10], {}, learnt=learnt)
    assert matrix(part, x[40:60]) == pytest.approx(whole[40:60], rel=1e-13)
    assert matrix(design("0 + bs(x, df=5, include_intercept=True)", x, {}), x).sum(1) == pytest.approx(1)


def test_every_row_left_out_is_counted_once() -> None:
    rows = pl.DataFrame({"x": [1.0, None, np.nan, 4.0, 5.0], "y": ["a", None, "c", None, "e"], "w": [1.0, 1, 1, 1, 0]})
    kept, out = complete(rows, ["x", "y"], weights="w")
    assert (kept.height, out) == (1, {"x": 1, "x (nan)": 1, "y": 1, "w = 0": 1})
    assert complete(rows[:1], ["x", "y"])[1] == {}


@pytest.mark.parametrize(
    ("weights", "says"),
    [([1.0, None], "1 missing"), ([1.0, np.nan], "1 missing"), ([-1.0, -2.0], "2 negative"), ([1.0, np.inf], "1 infinite"),
     (["a", "b"], "String; numbers")],
)  # fmt: skip
def test_faulty_weights_are_refused(weights: list[object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        complete(pl.DataFrame({"x": [1.0, 2.0], "w": weights}), ["x"], weights="w")


def test_what_does_not_fit_is_named() -> None:
    made = design("a + log(x)", ROWS, LEVELS)
    with pytest.raises(InputError, match="column 'a' holds 'enemy', 'rival'; the fit knows stranger, close, other"):
        matrix(made, ROWS.with_columns(a=pl.Series(["enemy", "rival", "close", "close"])))
    with pytest.raises(InputError, match="column 'x' is missing"):
        matrix(made, ROWS.drop("x"))
    with pytest.raises(InputError, match=r"'log\(x\)' is infinite or undefined in 2 rows"):
        matrix(made, ROWS.with_columns(x=pl.Series([0.0, -1.0, 1.0, 2.0])))
    with pytest.raises(RefusedError, match="column 'a' holds 'close' only"):
        levels({"a": pl.Series(["close", None])})
    with pytest.raises(UsageError, match="constant 'eps' is inf"):
        design("x", ROWS, {}, constants={"eps": np.inf})
    with pytest.raises(UsageError, match="has no columns"):
        design("0", ROWS, {})
    with pytest.raises(UsageError, match="cannot be computed"):
        design("bs(x, df=1)", ROWS, {})


def test_types_that_are_no_numbers_are_refused_by_name() -> None:
    rows = pl.DataFrame({"y": [1.0], "s": ["a"], "d": [[1]]})
    with pytest.raises(InputError, match=r"'s' is String, not a number.*'d' is List"):
        checked(read("y ~ log(s) + d", rows.columns), dict(rows.schema))
