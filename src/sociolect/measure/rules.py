"""The rules of a questionnaire: a small grammar, read without `eval`, and true, false or undetermined (Kleene's three values).

    item(8) in {3, 4}                        the option chosen, by its id
    item(10) >= 3                            a number, or an option's score as it counts (after the key)
    subscale(wcs) >= 47
    count(item(1), item(2) in {2, 3}, item(9) in {1, 2, 3}) >= 2      each item by the options after it
    rule(C2)                                 a rule that stands above
    and, or, not, ( )                        `not` binds most, `or` least

Comparisons are < <= > >= == !=. What is missing is undetermined, and stays so unless the rest decides.
"""

import operator
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import polars as pl

from sociolect.errors import CardError

OPERATORS: dict[str, Callable[[pl.Expr, float], pl.Expr]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_TOKEN = re.compile(r"\s*(<=|>=|==|!=|<|>|[(){},]|[\w.\-]+)")


@dataclass(frozen=True, slots=True)
class Compare:
    """An item's score or a subscale beside a number."""

    kind: str  # item or subscale
    id: str
    operator: str
    value: float


@dataclass(frozen=True, slots=True)
class Among:
    """Whether the option chosen is one of these."""

    id: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many items have one of their options, beside a number."""

    among: tuple[Among, ...]
    operator: str
    value: float


@dataclass(frozen=True, slots=True)
class Named:
    """Another rule."""

    id: str


@dataclass(frozen=True, slots=True)
class Not:
    part: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple["Expression", ...]


Atom = Compare | Among | Count | Named
Expression = Atom | Not | And | Or
Words = deque[str]


def _words(when: str) -> Words:
    words: Words = deque()
    place = 0
    while when[place:].strip():
        if (found := _TOKEN.match(when, place)) is None:
            raise CardError(f"{when[place:].strip()[0]!r} is no part of a rule")
        words.append(found[1])
        place = found.end()
    return words


def _next(words: Words) -> str:
    return words[0] if words else ""


def _take(words: Words, *due: str) -> str:
    """The next word; raises CardError where it is none of those due (none due: any id)."""
    word = _next(words)
    if (due and word not in due) or not (due or re.fullmatch(r"[\w.\-]+", word)):
        raise CardError(
            f"{' or '.join(due) or 'an id'} is due where {repr(word) if word else 'the rule'} {'stands' if word else 'ends'}"
        )
    return words.popleft()


def _number(words: Words) -> float:
    if not re.fullmatch(r"-?\d+(\.\d+)?", _next(words)):
        raise CardError(f"a number is due where {_next(words) or 'the end'!r} stands")
    return float(_take(words))


def parsed(when: str) -> Expression:
    """What a rule says; raises CardError where it is not written in the grammar.

    >>> parsed("not item(8) in {3, 4}")
    Not(part=Among(id='8', options=('3', '4')))
    """
    words = _words(when)
    try:
        found = _or(words)
    except RecursionError:
        raise CardError("too many parentheses within each other") from None
    if _next(words):
        raise CardError(f"the rule goes on with {_next(words)!r} where it should end")
    return found


def _or(words: Words) -> Expression:
    parts = [_and(words)]
    while _next(words) == "or":
        _take(words, "or")
        parts.append(_and(words))
    return Or(tuple(parts)) if len(parts) > 1 else parts[0]


def _and(words: Words) -> Expression:
    parts = [_not(words)]
    while _next(words) == "and":
        _take(words, "and")
        parts.append(_not(words))
    return And(tuple(parts)) if len(parts) > 1 else parts[0]


def _not(words: Words) -> Expression:
    if _next(words) == "not":
        _take(words, "not")
        return Not(_not(words))
    if _next(words) == "(":
        _take(words, "(")
        inner = _or(words)
        _take(words, ")")
        return inner
    return _atom(words)


def _atom(words: Words) -> Expression:
    kind = _take(words, "item", "subscale", "rule", "count", "not", "(")
    if kind == "count":
        _take(words, "(")
        among = _group(words)
        while _take(words, ",", ")") == ",":
            among += _group(words)
        return Count(tuple(among), _take(words, *OPERATORS), _number(words))
    name = _name(words)
    if kind == "rule":
        return Named(name)
    if kind == "item" and _next(words) == "in":
        return Among(name, _set(words))
    return Compare(kind, name, _take(words, *OPERATORS, *(("in",) if kind == "item" else ())), _number(words))


def _group(words: Words) -> list[Among]:
    """Items up to their `in {...}`."""
    names: list[str] = []
    while not names or _next(words) != "in":
        if names:
            _take(words, ",", "in")
        _take(words, "item")
        names.append(_name(words))
    options = _set(words)
    return [Among(name, options) for name in names]


def _name(words: Words) -> str:
    _take(words, "(")
    name = _take(words)
    _take(words, ")")
    return name


def _set(words: Words) -> tuple[str, ...]:
    _take(words, "in")
    _take(words, "{")
    options = [_take(words)]
    while _take(words, ",", "}") == ",":
        options.append(_take(words))
    return tuple(options)


def atoms(expression: Expression) -> Iterator[Atom]:
    """Everything a rule looks at, from the left."""
    if isinstance(expression, Not):
        yield from atoms(expression.part)
    elif isinstance(expression, And | Or):
        for part in expression.parts:
            yield from atoms(part)
    else:
        yield expression


def truth(expression: Expression) -> pl.Expr:
    """The rule over columns `choice:<item>`, `score:<item>`, `subscale:<id>` and `rule:<id>`: true, false, or null where undetermined.

    >>> rows = pl.DataFrame({"choice:1": ["yes", "no", None], "choice:2": ["yes", None, "yes"]})
    >>> rows.select(truth(parsed("item(1) in {yes} or item(2) in {yes}"))).to_series().to_list()
    [True, None, True]
    """
    match expression:
        case Named(name):
            return pl.col(f"rule:{name}")
        case Among(name, options):
            return reduce(operator.or_, [pl.col(f"choice:{name}") == option for option in options])
        case Compare(kind, name, sign, value):
            return OPERATORS[sign](pl.col(f"{'score' if kind == 'item' else kind}:{name}"), value)
        case Not(part):
            return ~truth(part)
        case And(parts):
            return reduce(operator.and_, [truth(part) for part in parts])
        case Or(parts):
            return reduce(operator.or_, [truth(part) for part in parts])
        case Count(among, sign, value):
            return _counted([truth(one) for one in among], sign, value)


def _counted(hits: list[pl.Expr], sign: str, value: float) -> pl.Expr:
    """Whether the count holds whatever the missing answers are, or fails whatever they are."""
    least = pl.sum_horizontal([hit.fill_null(value=False).cast(pl.Int64) for hit in hits])
    most = pl.sum_horizontal([hit.fill_null(value=True).cast(pl.Int64) for hit in hits])
    inside = (least <= value) & (value <= most)
    same = least == most
    if sign in {"==", "!="}:
        hit = pl.when(~inside).then(False).when(same).then(True)
        return ~hit if sign == "!=" else hit
    low, high = OPERATORS[sign](least, value), OPERATORS[sign](most, value)
    return pl.when(low == high).then(low)
