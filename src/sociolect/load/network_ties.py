"""Rows of who is tied to whom as numbered people and one tie per pair, in whole columns."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.errors import InputError
from sociolect.load import columns
from sociolect.load.aside import Aside
from sociolect.load.times import times

_NUMBER = r"^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$"
_POWER = r"^-?\d+(?:\.\d+)?[eE]"


def numbered(ends: tuple[pl.Series, ...], name: str) -> tuple[pl.Series, list[pl.Series]]:
    """The ids that the columns hold, clean, sorted, each once, and the columns as places among them (UInt32, or null).

    Columns of numbers are told apart as numbers and become text once per id, not per row. Raises InputError for ids
    that were written as floats too large to be told apart.

    >>> persons, (a, b) = numbered((pl.Series([7, 5]), pl.Series([5, None])), "ties.csv")
    >>> persons.to_list(), a.to_list(), b.to_list()
    (['5', '7'], [1, 0], [0, None])
    """
    if len({end.dtype for end in ends}) > 1:
        ends = tuple(columns.ids(end.to_frame(), end.name, [end.name]) for end in ends)
    seen = pl.concat([end.alias(ends[0].name).unique() for end in ends]).unique().drop_nulls()
    ids = spelt(columns.ids(seen.to_frame(), seen.name, [seen.name]), name)
    persons = ids.drop_nulls().unique().sort()
    if persons.len() >= 2**32 - 1:
        raise InputError(f"{name} names {persons.len():,} people: due are fewer than 2**32")
    place = ids.cast(pl.Enum(persons)).to_physical().cast(pl.UInt32)
    return persons, [end.replace_strict(seen, place, default=None, return_dtype=pl.UInt32) for end in ends]


def spelt(ids: pl.Series, name: str) -> pl.Series:
    """Ids that are all numbers in one spelling: 12.0 is 12; a power of ten no longer tells whose it is."""
    said = ids.drop_nulls()
    if not said.len() or not said.str.contains(_NUMBER).all():
        return ids
    if said.str.contains(_POWER).any():
        raise InputError(
            f"{name} holds ids written as floats, such as {said.filter(said.str.contains(_POWER)).sort()[0]}, which no "
            "longer tell people apart: export them as text or whole numbers"
        )
    return ids.str.replace(r"\.0+$", "")


def kept(rows: pl.DataFrame, name: str, aside: Aside, *, time_format: str | None) -> pl.DataFrame:
    """The rows (a, b, and weight, kind, time, sentiment as read) that make a tie, typed; the others counted by reason."""
    rows = _without(rows, pl.col("a").is_null() | pl.col("b").is_null(), name, aside, _ENDS)
    if "kind" in rows.columns:
        rows = rows.with_columns(columns.ids(rows.select("kind"), "kind", ["kind"]))
        rows = _without(
            rows, pl.col("kind").is_null(), name, aside, ("tie without a kind", "fill it in, or delete the row")
        )
    rows = _without(
        rows, pl.col("a") == pl.col("b"), name, aside, ("tie of a person to itself", "nothing: it ties nobody")
    )
    if "weight" in rows.columns:
        rows = rows.with_columns(_number(rows["weight"]))
        for wrong, reason in (
            (pl.col("weight").is_null(), "weight that is missing or no number"),
            (~pl.col("weight").is_finite(), "weight that is not finite"),
            (pl.col("weight") <= 0, "weight of 0 or below"),
        ):
            rows = _without(rows, wrong, name, aside, (f"tie with a {reason}", "give it a weight above 0"))
    if "sentiment" in rows.columns:
        said = rows["sentiment"]
        number = _number(said)
        number = number.set(~number.is_finite().fill_null(value=True), None)
        # NaN is how numeric files write that nothing was said; text that is no number is a fault
        unread = number.is_null() & said.is_not_null()
        aside.add("sentiment that is no finite number, left empty", int(unread.sum()), name, "write it as a number")
        if number.null_count() == number.len() and number.len():
            raise InputError(f"{name}: no row holds a sentiment that is a number; name another column, or leave it out")
        rows = rows.with_columns(number.alias("sentiment"))
    if "time" in rows.columns:
        said = rows["time"]
        read = _times(said, time_format)
        unread = read.is_null() & said.is_not_null()
        aside.add(
            "time that cannot be read, left empty", int(unread.sum()), name, "write ISO 8601, or say time_format="
        )
        rows = rows.with_columns(read.alias("time"))
    return rows.drop(_ROW, strict=False)


_ROW = "\x00row"
_ENDS = ("tie without a source or a target", "fill both in, or delete the row")


def _without(rows: pl.DataFrame, wrong: pl.Expr, name: str, aside: Aside, said: tuple[str, str]) -> pl.DataFrame:
    """The rows that are not wrong; how many are, and the place of the first, go aside."""
    hit = rows.select(wrong.fill_null(value=False)).to_series()
    if not (count := int(hit.sum())):
        return rows
    if _ROW not in rows.columns:
        rows = rows.with_row_index(_ROW, offset=1)
    first = rows.filter(hit)[_ROW][0]
    aside.add(said[0], count, f"{name}, row {first}", said[1])
    return rows.filter(~hit)


def _number(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        column = column.str.strip_chars()
    elif not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
        raise InputError(f"column {column.name!r} is {column.dtype}, not a number: write it as a number")
    return column.cast(pl.Float64, strict=False)


def _times(column: pl.Series, form: str | None) -> pl.Series:
    if form is None:
        return times(column)
    said = column.cast(pl.String).str.strip_chars()
    aware = said.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False) if "%z" in form else None
    return (
        aware
        if aware is not None
        else said.str.to_datetime(form, time_unit="us", strict=False).dt.replace_time_zone("UTC")
    )


def summed(rows: pl.DataFrame, n: int, *, directed: bool, kind: str) -> tuple[pl.DataFrame, int]:
    """One row per pair (a, b) and kind, sorted, and how many rows went into another: weight summed (1 each where there is none).

    With a sentiment: its mean over the rows that say one, `sentiment_n` how many do, `sentiment_sd` their standard
    deviation (n - 1 below the line; null for fewer than two). With a time: `time` is the earliest, `last` the latest.
    Rows are summed in sorted order, so that their order changes no bit. Without direction a < b.

    >>> rows = pl.DataFrame({"a": [1, 0, 0], "b": [0, 1, 2], "sentiment": [1.0, 0.0, None]})
    >>> summed(rows, 3, directed=False, kind="tie")[0].drop("kind").rows()
    [(0, 1, 2.0, 0.5, 2, 0.7071067811865476), (0, 2, 1.0, None, 0, None)]
    """
    a, b = pl.col("a").cast(pl.Int64), pl.col("b").cast(pl.Int64)
    if not directed:
        a, b = pl.min_horizontal(a, b), pl.max_horizontal(a, b)
    rows = rows.with_columns(key=a * n + b).drop("a", "b")
    kinds = rows["kind"].unique().sort() if "kind" in rows.columns else pl.Series([kind])
    if "kind" in rows.columns:
        rows = rows.with_columns(pl.col("kind").cast(pl.Enum(kinds)).to_physical().cast(pl.UInt32))
    order = [c for c in ("key", "kind", "weight", "sentiment", "time") if c in rows.columns]
    rows = rows.select(order).sort(order)
    key = rows["key"].to_numpy()
    code = rows["kind"].to_numpy() if "kind" in rows.columns else np.zeros(key.size, dtype=np.uint32)
    new = np.ones(key.size, dtype=bool)
    new[1:] = (key[1:] != key[:-1]) | (code[1:] != code[:-1])
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, key.size))
    made = {"a": pl.Series(key[first] // n), "b": pl.Series(key[first] % n), "kind": kinds.gather(code[first])}
    weight = np.add.reduceat(rows["weight"].to_numpy(), first) if "weight" in rows.columns else count.astype(np.float64)
    made["weight"] = pl.Series(weight)
    if "sentiment" in rows.columns:
        made |= _felt(rows["sentiment"].to_numpy(), first, count)
    if "time" in rows.columns:
        # sorted by weight and sentiment before time, so the ends of a group are not its earliest and latest
        span = (
            rows.select("time", group=pl.Series(np.cumsum(new) - 1))
            .group_by("group")
            .agg(pl.col("time").min(), last=pl.col("time").max())
        )
        made |= {c: span.sort("group")[c] for c in ("time", "last")}
    return pl.DataFrame(made), int(key.size - first.size)


def _felt(said: NDArray[np.float64], first: NDArray[np.int64], count: NDArray[np.int64]) -> dict[str, pl.Series]:
    """Mean, number and standard deviation of each run of values; NaN is none."""
    none = np.isnan(said)
    n = np.add.reduceat((~none).astype(np.int64), first)
    mean = np.add.reduceat(np.where(none, 0.0, said), first) / np.maximum(n, 1)
    off = np.where(none, 0.0, said - np.repeat(mean, count))
    deviation = np.sqrt(np.add.reduceat(off * off, first) / np.maximum(n - 1, 1))
    return {
        "sentiment": pl.Series(np.where(n > 0, mean, np.nan), nan_to_null=True),
        "sentiment_n": pl.Series(n),
        "sentiment_sd": pl.Series(np.where(n > 1, deviation, np.nan), nan_to_null=True),
    }
