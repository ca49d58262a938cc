"""A frame as a reader sees it, three digits to a number, and as a spreadsheet takes it, every digit."""

import json
import math
from typing import NamedTuple

import polars as pl

from sociolect.text import cell, clean

MINUS = "\N{MINUS SIGN}"


class Shown(NamedTuple):
    """One cell of a table: what stands in it, and how it stands."""

    text: str
    kind: str  # text, number or absent


def legible(text: str) -> str:
    """The text without what could harm a page: control and direction characters, and what UTF-8 or XML cannot hold.

    >>> legible("a\\x00\\u202eb\\ud800\\uffff")
    'ab'
    """
    return "".join(
        c
        for c in clean(text).replace("\r\n", "\n").replace("\r", "\n")
        if not ("\ud800" <= c <= "\udfff" or c in "\ufffe\uffff")
    )


def digits(value: float, *, grouped: bool | None = None) -> str:
    """The number in three significant digits; whole numbers and whole parts in full.

    Thousands are parted by commas from 10,000 on, so that a year stays a year; `grouped` asks for it or forbids it.

    >>> digits(0.123456), digits(-1234567), digits(2024), digits(12345.6), digits(0.00001234), digits(0.0)
    ('0.123', '−1,234,567', '2024', '12,346', '1.23e−5', '0')
    """
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    if isinstance(value, int) or abs(value) >= 999.5:
        said = f"{round(value):,}" if (abs(value) >= 9999.5 if grouped is None else grouped) else f"{round(value)}"
    elif abs(value) < 0.000_999_5:
        mantissa, exponent = f"{value:.2e}".split("e")
        said = f"{mantissa}e{int(exponent)}"
    else:
        said = f"{value:#.3g}".removesuffix(".")
    return said.replace("-", MINUS)


def interval(low: float | None, high: float | None) -> str:
    """The interval as it stands after its estimate: a dash where an end is not there, nothing where neither is.

    >>> interval(0.1, 0.25), interval(None, 3.0), interval(None, None)
    (' [0.100, 0.250]', ' [–, 3.00]', '')
    """
    if low is None and high is None:
        return ""
    return f" [{', '.join('–' if end is None else digits(end) for end in (low, high))}]"


def percent(share: float) -> str:
    """The share in whole per cent; never 0 for something, never 100 for less than all.

    >>> percent(0.0), percent(0.001), percent(0.873), percent(0.9999), percent(1.0)
    ('0%', '<1%', '87%', '>99%', '100%')
    """
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def commas(column: pl.Series) -> bool:
    """Whether the column's numbers are parted by commas: all are, once one is long.

    >>> commas(pl.Series([1803, 49659])), commas(pl.Series([1999, 2024, None]))
    (True, False)
    """
    if not column.dtype.is_numeric() or column.null_count() == len(column):
        return False
    return bool((column.cast(pl.Float64).abs() >= 9999.5).any())


def shown(value: object, *, grouped: bool | None = None) -> Shown:
    """The cell a value is shown in.

    >>> shown(None).kind, shown(0.5).text, shown(True).text, shown(["a", None]).text
    ('absent', '0.500', 'yes', 'a, –')
    """
    if value is None:
        return Shown("–", "absent")
    if isinstance(value, bool):
        return Shown("yes" if value else "no", "text")
    if isinstance(value, int | float):
        return Shown(digits(value, grouped=grouped), "number")
    if isinstance(value, list):
        return Shown(", ".join(shown(v).text for v in value), "text")
    return Shown(legible(str(value)), "text")


def _field(value: object) -> str:
    """One field of a CSV line: null is nothing at all, an empty text is a pair of quotes, a float keeps every digit."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False, default=str)
    said = cell(legible(str(value)))
    return '"' + said.replace('"', '""') + '"' if not said or any(c in said for c in ',"\n\r') else said


def csv(frame: pl.DataFrame) -> bytes:
    """The frame as CSV in UTF-8: the same frame gives the same bytes, and its floats come back to the last bit.

    >>> csv(pl.DataFrame({"arm": ["=1", None], "f1": [0.1 + 0.2, None]}))
    b"arm,f1\\n'=1,0.30000000000000004\\n,\\n"
    """
    lines = [frame.columns, *frame.iter_rows()]
    return "".join(",".join(map(_field, line)) + "\n" for line in lines).encode()
