"""The words of a prompt: the post as a quotation, each fact as one sentence, in one of three templates of our own."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Any

import polars as pl

from sociolect.errors import InputError
from sociolect.seeds import derive
from sociolect.text import clean, neutralise, words

VARIABLES = ("commenter_gender", "poster_gender", "commenter_age", "poster_age", "closeness")
GENDERS = ("woman", "man", "other")
CLOSENESS = ("stranger", "not_close", "close")
QUOTE, FACT, MARKER = "> ", "* ", "COMMENT:"
LABEL = 40  # ours: the most characters a richer fact may have; a longer text is no fact but something somebody wrote
_CLASSES = {"commenter_gender": GENDERS, "poster_gender": GENDERS, "closeness": CLOSENESS}
_LABEL = re.compile(r"[\w%+.,'’&/()-]+(?: [\w%+.,'’&/()-]+)*")
_HOLE = re.compile(r"\{(post|facts|only)\}")
_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


@cache
def _read() -> dict[str, Any]:
    here = files("sociolect.systems.studies.relationship_alignment").joinpath("prompts.toml")
    return tomllib.loads(here.read_text(encoding="utf-8"))


@cache
def templates() -> Mapping[str, tuple[str, str]]:
    """The templates by name: the text, and the heading that stands over the facts where there are any.

    >>> list(templates())
    ['feed', 'facts_first', 'role']
    """
    return {t["template"]: (t["text"].strip(), t["heading"]) for t in _read()["template"]}


@cache
def _facts() -> Mapping[str, Mapping[str, Any]]:
    return {f["fact"]: f for f in _read()["fact"]}


@cache
def fact(variable: str, value: str) -> str:
    """A fact as one sentence.

    >>> fact("commenter_age", "34"), fact("team_size", "4")
    ('The commenter is 34 years old.', 'team size: 4.')
    """
    says = _facts().get(variable, {}).get("says", {"*": variable.replace("_", " ") + ": {value}."})
    return str(says.get(value) or says["*"].replace("{value}", value))


@cache
def reader() -> Mapping[str, tuple[str, str]]:
    """Every sentence of the classes of the five variables, with its variable and value: what a scripted model reads."""
    return {fact(variable, value): (variable, value) for variable, classes in _CLASSES.items() for value in classes}


def placebo(variable: str, item: str, seed: int) -> str:
    """A sentence as long as the variable's fact that means nothing between people; drawn, and so it tells nothing.

    >>> len(placebo("closeness", "p1", 0).split()), len(fact("closeness", "close").split())
    (7, 7)
    """
    drawn = derive(seed, "placebo", item, variable)
    options = _facts()[variable]["placebo"]
    # two digits, as an adult's age has
    return str(options[drawn % len(options)]).replace("{value}", str(18 + drawn // len(options) % 63))


@cache
def echoes(variable: str, value: str) -> tuple[str, ...]:
    """The phrases by which a comment is seen to repeat a fact, in lower-cased words.

    >>> echoes("poster_age", "34"), echoes("closeness", "stranger")
    (('34', 'thirty four'), ('stranger', 'strangers'))
    """
    told = _facts().get(variable, {}).get("echo", {}).get(value)
    if told:
        return tuple(told)
    return (" ".join(words(value)), *_spelt(value))


def _spelt(value: str) -> tuple[str, ...]:
    if not value.isdecimal() or not 10 <= int(value) <= 99:
        return ()
    tens, ones = divmod(int(value), 10)
    return (_TEENS[ones] if tens == 1 else " ".join([_TENS[tens - 2], *_ONES[ones - 1 : ones]][: 1 + (ones > 0)]),)


def values(pairs: pl.DataFrame, relation: Sequence[str] = ()) -> dict[str, list[str | None]]:
    """Every fact of every pair as the word or number that a prompt says; null where it is unknown. Ages in whole years.

    Raises InputError with every fault at once: a column that is missing, a gender or closeness of another name, an age
    that no person has, a richer fact that is no short label (at most 40 characters, words and numbers).
    """
    faults, out = [], {}
    for variable in (*VARIABLES, *relation):
        if variable not in pairs.columns:
            faults.append(f"column {variable!r} is missing")
            continue
        column = pairs[variable]
        if variable in _CLASSES:
            odd = sorted({str(v) for v in column.drop_nulls().unique()} - {*_CLASSES[variable]})
            faults += [f"{variable} holds {', '.join(odd[:3])}: due are {', '.join(_CLASSES[variable])}"] * bool(odd)
            out[variable] = column.cast(pl.String).to_list()
        elif variable in VARIABLES:
            if not column.dtype.is_numeric():
                faults.append(f"{variable} is {column.dtype}, not a number of years")
                continue
            ages = column.cast(pl.Float64).to_list()
            bad = sum(a is not None and not (isfinite(a) and 0 < a <= 120) for a in ages)
            faults += [f"{variable} is no age of a person (0 to 120) in {bad} rows"] * bool(bad)
            out[variable] = [] if bad else [None if a is None else str(int(a)) for a in ages]
        else:
            out[variable] = labels = [None if v is None else _label(v) for v in column.to_list()]
            long = sum(v is not None and (len(v) > LABEL or not _LABEL.fullmatch(v)) for v in labels)
            faults += [
                f"{variable} is no short label in {long} rows: due are words and numbers, {LABEL} characters at most"
            ] * bool(long)
    if faults:
        raise InputError("these facts cannot be told: " + "; ".join(faults))
    return out


def _label(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value).strip()


def quoted(post: str) -> str:
    """A post as lines that each open with "> ", unable to speak as another role or as a fact.

    >>> print(quoted("So happy!\\n* The commenter is a man."))
    > So happy!
    > * The commenter is a man.
    """
    return "\n".join(QUOTE + line.strip() for line in neutralise(clean(post)).splitlines() if line.strip())


def laid_out(template: str, post: str, facts: Sequence[str], *, reason: bool = False) -> str:
    """The whole prompt: the quoted post and the facts in their slots; without facts their slot is closed.

    >>> print(laid_out("role", quoted("Home at last."), [fact("poster_age", "34")]))
    You are the commenter. The poster has shared this:
    <BLANKLINE>
    > Home at last.
    <BLANKLINE>
    Here is what describes you, the commenter, and the poster:
    * The poster is 34 years old.
    <BLANKLINE>
    Reply with a comment of your own. Write only the comment.
    """
    text, heading = templates()[template]
    parts = {
        "post": post,
        "facts": "\n".join([heading, *(FACT + f for f in facts)]) if facts else "",
        "only": _read()["reason" if reason else "only"],
    }
    # filled in one pass: what fills a slot is never read for slots; an empty slot takes its blank line with it
    shape = text if facts else text.replace("{facts}\n\n", "")
    return _HOLE.sub(lambda m: parts[m.group(1)], shape)
