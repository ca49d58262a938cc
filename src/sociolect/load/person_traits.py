"""Gender, age and closeness as tables write them, brought to the few words that a study of relations reads; what cannot be is counted."""

from collections.abc import Mapping

import polars as pl

from sociolect.errors import InputError, UsageError
from sociolect.load.aside import Aside

CLOSENESS = ("stranger", "not_close", "close")
OLDEST, YOUNGEST, ADULT = 120, 13, 18  # years: ours; no network takes a member under 13
_GENDERS: Mapping[str, tuple[str, ...]] = {
    "woman": ("woman", "women", "female", "f", "w", "girl", "cis woman", "cis female", "trans woman", "transgender woman"),
    "man": ("man", "men", "male", "m", "boy", "cis man", "cis male", "trans man", "transgender man"),
    "other": (
        "other", "nonbinary", "non binary", "nb", "enby", "genderqueer", "gender queer", "genderfluid", "gender fluid",
        "agender", "bigender", "diverse", "divers", "x", "third gender", "two spirit",
    ),
}  # fmt: skip
_UNTOLD = ("", "na", "n/a", "none", "null", "nan", "unknown", "not said", "prefer not to say", "prefer not to answer")


def genders(column: pl.Series, where: str, aside: Aside) -> pl.Series:
    """The column as woman, man, other; null where it says nothing, or a word that is not known (counted).

    >>> genders(pl.Series(["Female", "M", "Non-binary", "prefer not to say", "teapot"]), "t.csv", Aside()).to_list()
    ['woman', 'man', 'other', None, None]
    """
    said = column.cast(pl.String).str.to_lowercase().str.replace_all(r"[\s_\-]+", " ").str.strip_chars()
    meant = {word: gender for gender, words in _GENDERS.items() for word in words}
    found = said.replace_strict(meant, default=None, return_dtype=pl.String)
    unknown = said.is_not_null() & found.is_null() & ~said.is_in(_UNTOLD)
    aside.add(
        "gender that is no known word, left empty",
        int(unknown.sum()),
        _first(unknown, where),
        "write woman, man or other",
    )
    return found.alias(column.name)


def ages(column: pl.Series, where: str, aside: Aside) -> tuple[pl.Series, pl.Series]:
    """The column as years, null outside 13 to 120 or where it is no number (both counted); and whether it says under 18.

    Who says an age of 3 has no age that can be used, and still has not said to be an adult.

    >>> [part.to_list() for part in ages(pl.Series(["34", "3", "old", None, "15"]), "t.csv", Aside())]
    [[34.0, None, None, None, 15.0], [False, True, None, None, True]]
    """
    text = column.cast(pl.String).str.strip_chars().replace("", None)
    number = text.cast(pl.Float64, strict=False).fill_nan(None)
    unread = text.is_not_null() & number.is_null() & ~text.str.to_lowercase().is_in(_UNTOLD)
    outside = number.is_not_null() & ~number.is_between(YOUNGEST, OLDEST).fill_null(value=True)
    aside.add("age that is no number, left empty", int(unread.sum()), _first(unread, where), "write years, such as 34")
    aside.add(
        f"age outside {YOUNGEST} to {OLDEST}, left empty",
        int(outside.sum()),
        _first(outside, where),
        "write age in years",
    )
    return number.set(outside, None).alias(column.name), (number < ADULT).alias("minor")


def classes(column: pl.Series, said: Mapping[str, str] | None, where: str, aside: Aside) -> pl.Series:
    """The column as stranger, not_close, close by the map `said` (case and outer space apart); what is not mapped is null, counted.

    Without a map the column must hold the three words themselves. Raises UsageError for a map to other words, InputError
    where no value is mapped at all.

    >>> classes(pl.Series(["Friend", "spouse", "?"]), {"friend": "close", "spouse": "close"}, "t.csv", Aside()).to_list()
    ['close', 'close', None]
    """
    said = {name: name for name in CLOSENESS} if said is None else said
    odd = sorted({meant for meant in said.values() if meant not in CLOSENESS})
    if odd:
        raise UsageError(
            f"closeness maps to {', '.join(map(repr, odd))}: map each value to one of {', '.join(CLOSENESS)}"
        )
    text = column.cast(pl.String).str.strip_chars().replace("", None).str.to_lowercase()
    found = text.replace_strict({k.strip().lower(): v for k, v in said.items()}, default=None, return_dtype=pl.String)
    if text.count() and not found.count():
        here = column.cast(pl.String).drop_nulls().unique().sort().head(6).to_list()
        raise InputError(
            f"{where}: closeness maps none of the values of column {column.name!r}; it holds {', '.join(map(repr, here))}: "
            f"say closeness={{value: {' | '.join(CLOSENESS)}}}"
        )
    left = text.is_not_null() & found.is_null()
    aside.add(
        "closeness that is not mapped, left empty", int(left.sum()), _first(left, where), "map it with closeness="
    )
    return found.alias("closeness")


def _first(hit: pl.Series, where: str) -> str:
    rows = hit.fill_null(value=False).arg_true()
    return f"{where}, row {rows[0] + 1}" if len(rows) else where
