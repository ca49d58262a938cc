"""Formulas: what is read out of them, and that nothing but arithmetic of columns gets through."""

import pytest

from sociolect.compare.formula import read
from sociolect.errors import InputError, UsageError

COLUMNS = ["y", "x", "z", "group", "post", "thread", "tone:funny"]


@pytest.mark.parametrize(
    ("formula", "fixed", "groups"),
    [
        ("y ~ x + (1 | post)", "x", ("post",)),
        ("y ~ (1|post) + x*group", "x*group", ("post",)),
        ("y ~ (1|post)", "1", ("post",)),
        ("y ~ (1|post) + (1 | thread)", "1", ("post", "thread")),
        ("y ~ x + (1|post) - 1", "x - 1", ("post",)),
        ("y ~ x", "x", ()),
    ],
)
def test_random_intercepts_are_taken_off_first(formula: str, fixed: str, groups: tuple[str, ...]) -> None:
    found = read(formula, COLUMNS)
    assert (" ".join(found.fixed.split()), found.groups, found.outcomes) == (fixed, groups, ("y",))


def test_columns_categories_and_learnt_factors_are_told_apart() -> None:
    found = read("log(y + eps) ~ C(group) + poly(x, 2) + abs(x - z) + post", COLUMNS, constants={"eps": 0.01})
    assert found.columns == ("y", "group", "x", "z", "post")
    assert (found.labels, found.learnt) == (("group",), ("poly(x, 2)",))
    assert set(found.plain) == {"y", "x", "z"}


def test_several_outcomes_share_one_right_hand_side() -> None:
    found = read("~ x", COLUMNS, outcomes=["log(y + 1)", "tone:funny"])
    assert (found.outcomes, found.columns) == (("log(y + 1)", "tone:funny"), ("y", "tone:funny", "x"))


@pytest.mark.parametrize(
    "attack",
    [
        "__import__('os').system('true')", "y ~ {__import__('os')}", "y ~ x.__class__", "y ~ log(x.__class__)",
        "y ~ {(lambda: x)()}", "y ~ {[a for a in x]}", "y ~ {open('f')}", "y ~ eval('1')", "y ~ {2**9**9**9}",
        "y ~ {9**999999999}",
        "y ~ {x['a']}", "y ~ np.log(x)", "y ~ Q('x')", "y ~ lag(x)", "y ~ hashed(x)", "y ~ {x if x else x}", "y ~ {f'{x}'}",
        "y ~ C(x, __import__('os'))", "y ~ C(x + 1)", "y ~ C(x, contr.treatment(open('f')))", "y ~ {'a' * 9}",
        "{__import__('os')} ~ x", "exec('1') ~ x", "y ~ poly()", "y ~ {x := 1}", "y ~ x @ z", "y ~ {x and z}", "y ~ {x << 9}",
    ],
)  # fmt: skip
def test_nothing_but_arithmetic_of_columns_is_evaluated(attack: str) -> None:
    with pytest.raises((UsageError, InputError)):
        read(attack, COLUMNS)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("y ~ x ~ z", "has 2 ~"),
        ("y x", "has 0 ~"),
        ("y ~ (x | post)", "only random intercepts"),
        ("y ~ (1 | post/thread)", "one column of both names"),
        ("y ~ x:(1 | post)", "only random intercepts"),
        ("y ~ (1 | post) + (1 | post)", "'post' twice"),
        ("y ~ x +* z", "cannot be read"),
        ("y ~ [x ~ z]", "~"),
        ("~ x", "0 `outcomes`"),
        ("y ~ C(x) + x", "a category in C"),
        ("y ~ sine(x) + cosine(z)", "no function 'sine'.*no function 'cosine'"),
    ],
)
def test_a_faulty_formula_says_why(formula: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read(formula, COLUMNS)


def test_columns_that_are_not_there_are_all_named() -> None:
    with pytest.raises(InputError, match="column 'xx' is missing; did you mean 'x'.*column 'posts' is missing"):
        read("y ~ xx + (1 | posts)", COLUMNS)


def test_constants_and_outcomes_do_not_clash() -> None:
    with pytest.raises(UsageError, match="constant 'x' is also a column"):
        read("y ~ x", COLUMNS, constants={"x": 1.0})
    with pytest.raises(UsageError, match="outcome 'y' is named twice"):
        read("~ x", COLUMNS, outcomes=["y", "y"])
    with pytest.raises(UsageError, match="name what is explained once"):
        read("y ~ x", COLUMNS, outcomes=["z"])
