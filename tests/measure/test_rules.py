"""A rule is true, false or undetermined, and never a guess."""

import operator as op
from itertools import product

import polars as pl
import pytest

from sociolect.errors import CardError
from sociolect.measure.rules import Count, atoms, parsed, truth

VALUES = (True, None, False)
COMPARE = {"<": op.lt, "<=": op.le, ">": op.gt, ">=": op.ge, "==": op.eq, "!=": op.ne}


def asked(when: str, **choices: str | None) -> bool | None:
    row = pl.DataFrame({f"choice:{k[1:]}": [v] for k, v in choices.items()})
    said = row.with_columns(pl.all().cast(pl.String)).select(truth(parsed(when)).alias("v"))["v"].item()
    assert said is None or isinstance(said, bool)
    return said


def kleene_and(*parts: bool | None) -> bool | None:
    return False if False in parts else None if None in parts else True


def kleene_or(*parts: bool | None) -> bool | None:
    return True if True in parts else None if None in parts else False


def test_the_27_rows_of_three_values() -> None:
    """Kleene, Introduction to Metamathematics (1952), section 64: the strong connectives, written out above."""
    said = {True: "yes", False: "no", None: None}
    rows = 0
    for a, b, c in product(VALUES, repeat=3):
        here = {"_1": said[a], "_2": said[b], "_3": said[c]}
        one, two, three = (f"item({n}) in {{yes}}" for n in (1, 2, 3))
        assert asked(f"{one} and {two} and {three}", **here) is kleene_and(a, b, c)
        assert asked(f"{one} or {two} or {three}", **here) is kleene_or(a, b, c)
        assert asked(f"{one} and {two} or {three}", **here) is kleene_or(kleene_and(a, b), c), "and binds more than or"
        assert asked(f"{one} and ({two} or {three})", **here) is kleene_and(a, kleene_or(b, c))
        negated = None if a is None else not a
        assert asked(f"not {one} or {two}", **here) is kleene_or(negated, b), "not binds most"
        assert asked(f"not ({one} or {two})", **here) is (None if kleene_or(a, b) is None else not kleene_or(a, b))
        for n, sign in product(range(4), COMPARE):
            # by definition: what the count would be under every way of answering what is missing
            ways = [[v] if v is not None else [True, False] for v in (a, b, c)]
            truths = {COMPARE[sign](sum(way), n) for way in product(*ways)}
            due = truths.pop() if len(truths) == 1 else None
            assert asked(f"count(item(1), item(2), item(3) in {{yes}}) {sign} {n}", **here) is due, (a, b, c, sign, n)
        rows += 1
    assert rows == 27


def test_items_count_by_the_options_after_them() -> None:
    when = "count(item(1), item(2) in {2, 3}, item(9) in {1, 2, 3}) >= 2"
    assert asked(when, _1="2", _2="1", _9="1") is True
    assert asked(when, _1="1", _2="1", _9="1") is False
    assert asked(when, _1="2", _2=None, _9="0") is None
    (counted,) = atoms(parsed(when))
    assert isinstance(counted, Count)
    assert [(one.id, len(one.options)) for one in counted.among] == [("1", 2), ("2", 2), ("9", 3)]


def test_numbers_subscales_and_other_rules_compare() -> None:
    row = pl.DataFrame({"score:10": [3.0, None, 2.0], "subscale:w": [47.0, 46.0, None], "rule:C2": [False, True, None]})

    def find(when: str) -> list[bool | None]:
        return row.select(truth(parsed(when)).alias("v"))["v"].to_list()

    assert find("item(10) >= 3") == [True, None, False]
    assert find("subscale(w) < 47") == [False, True, None]
    assert find("item(10) != 3 or rule(C2)") == [False, True, True]
    assert find("not rule(C2) and subscale(w) == 47") == [True, False, None]


@pytest.mark.parametrize(
    ("when", "due"),
    [
        ("", "the rule ends"),
        ("item(1) in {yes", "} is due where the rule ends"),
        ("item(1) in {}", "an id is due"),
        ("item(1)", "< or <= or > or >= or == or != or in is due"),
        ("item(1) >= many", "a number is due where 'many'"),
        ("item(1) >= nan", "a number is due where 'nan'"),
        ("subscale(w) in {1}", "is due where 'in' stands"),
        ("count(item(1)) >= 1", "is due where ')' stands"),
        ("rule(a) rule(b)", "goes on with 'rule'"),
        ("__import__('os')", "is no part of a rule"),
        ("(rule(a)", ") is due"),
        ("(" * 5000 + "rule(a)" + ")" * 5000, "too many parentheses"),
    ],
)
def test_what_is_not_in_the_grammar_is_refused(when: str, due: str) -> None:
    with pytest.raises(CardError) as error:
        parsed(when)
    assert due in str(error.value)
