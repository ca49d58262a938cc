"""Examples of what was found, so masked that nobody and nothing said can be told from them."""

import re
import string
import unicodedata
from collections.abc import Sequence

import polars as pl

from sociolect.load.doctor.pii import masked
from sociolect.load.pseudonyms import pseudonym

EXAMPLES, WIDTH = 3, 40
_RUN = 3  # letters or digits of one kind shown in a row: the length of a word says something about it
_MASK = re.compile(r"<(?:url|email|phone|card|iban|ip|mac|id|wallet|place|street|birth)>")
_KEPT = frozenset(string.punctuation)


def shape(text: str) -> str:
    """The shape of a text, cut to 40 characters: A and a for letters, 0 for digits, three in a row at most; * for other signs.

    >>> shape("Hello world 2024, write to ada@b.org"), shape("naïve 🙂")
    ('Aaa aaa 000, aaa aa <email>', 'aaa *')
    """
    said = masked(text[:2000])
    out: list[str] = []
    at = 0
    while at < len(said) and len(out) < WIDTH:
        mask = found[0] if (found := _MASK.match(said, at)) else ""
        sign = mask or _sign(said[at])
        at += len(mask) or 1
        if sign and not (sign in "Aa0" and _runs(out, sign) >= _RUN):
            out.extend(sign)
    return "".join(out).strip()[:WIDTH]


def _runs(out: list[str], sign: str) -> int:
    """How many letters (or digits) the shape ends in."""
    kin = "0" if sign == "0" else "Aa"
    return next((n for n, c in enumerate(reversed(out)) if c not in kin), len(out))


def _sign(c: str) -> str:
    if c.isalpha():
        return "A" if c.isupper() else "a"
    if c.isnumeric():
        return "0"
    if c.isspace():
        return " "
    if unicodedata.category(c).startswith("M"):
        return ""
    return c if c in _KEPT else "*"


def column_name(name: str) -> str:
    """A column's name as it may be shown: as it is, but as a shape where it is long, or holds what a name does not.

    >>> column_name("created_utc"), column_name("I told ada@b.org all about it")
    ('created_utc', 'A aaa <email> aaa aaa aa')
    """
    return name if len(name) <= WIDTH and name.count(" ") <= 2 and "@" not in name else shape(name)


def some(hits: pl.DataFrame, ids: Sequence[str], key: bytes) -> tuple[str, ...]:
    """Up to three of the rows that were hit, the least by their ids, each id a pseudonym under a key that is thrown away.

    >>> hits = pl.DataFrame({"post": ["b", "a"], "parent": [None, "b"]})
    >>> some(hits, ["post", "parent"], bytes(32))[0] == f"post {pseudonym('a', bytes(32))}, parent {pseudonym('b', bytes(32))}"
    True
    """
    here = [c for c in ids if c in hits.columns]
    if not here or not hits.height:
        return ()
    least = hits.select(here).unique().sort(here, nulls_last=True).head(EXAMPLES)
    return tuple(
        ", ".join(f"{c} {'-' if v is None else pseudonym(v, key)}" for c, v in zip(here, row, strict=True))
        for row in least.iter_rows()
    )


def shapes(texts: pl.Series) -> tuple[str, ...]:
    """The shapes of up to three of the texts, the least in the order of the alphabet."""
    return tuple(shape(t) for t in least(texts).to_list())


def least(texts: pl.Series) -> pl.Series:
    """The first three different texts in the order of the alphabet: the same ones whatever the order of the rows."""
    return texts.drop_nulls().unique().sort().head(EXAMPLES)
