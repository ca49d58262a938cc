"""Points in time, however a file writes them."""

import polars as pl

UTC = pl.Datetime("us", "UTC")
_ISO = (
    r"^\s*(\d{4}-\d\d-\d\d)(?:[Tt ]\s*(\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9}))?)?"
    r"\s*(?:([Zz]|UTC|GMT)|([+-])(\d\d):?(\d\d)?)?\s*$"
)
_TWITTER = "%a %b %d %H:%M:%S %z %Y"


def times(column: pl.Series) -> pl.Series:
    """The column as UTC times to the microsecond; null where it says none that can be read.

    Reads ISO 8601 (without a zone it is UTC), epoch seconds, milliseconds and microseconds told apart by their size,
    Twitter's form, and time and date types.

    >>> times(pl.Series(["2013-02-23T15:50:29Z", "1361634629.0", "1361634629000", "[01:00]"])).dt.year().to_list()
    [2013, 2013, 2013, None]
    """
    if isinstance(column.dtype, pl.Datetime):
        aware = column.dtype.time_zone is not None
        return (
            column.dt.convert_time_zone("UTC").cast(UTC)
            if aware
            else column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        )
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if column.dtype.is_numeric():
        return _epoch(column.cast(pl.Float64))
    text = column.cast(pl.String)
    number = text.str.strip_chars().cast(pl.Float64, strict=False)
    parsed = _epoch(number)
    left = parsed.is_null() & number.is_null() & text.is_not_null()
    if left.any():
        parsed = pl.select(pl.when(left).then(_written(text)).otherwise(parsed)).to_series()
    return parsed.alias(column.name)


def _epoch(number: pl.Series) -> pl.Series:
    """Seconds up to the year 5138; above, milliseconds, then microseconds. Below 1e8 (March 1973) nothing is a time."""
    n = pl.lit(number)
    unit = pl.when(n < 1e11).then(1e6).when(n < 1e14).then(1e3).otherwise(1.0)
    good = n.is_finite() & (n >= 1e8) & (n < 1e17)
    return pl.select(pl.when(good).then((n * unit).round()).cast(pl.Int64).cast(UTC)).to_series().alias(number.name)


def _written(text: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"t": text})
    part = [pl.col("t").str.extract(_ISO, n) for n in range(9)]
    clock = pl.coalesce(part[2], pl.lit("00:00")) + pl.coalesce(part[3], pl.lit(":00"))
    whole = (part[1] + "T" + clock).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    fraction = part[4].str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(part[6] == "-").then(-1).otherwise(1)
    minutes = part[7].cast(pl.Int64, strict=False).fill_null(0) * 60 + part[8].cast(pl.Int64, strict=False).fill_null(0)
    iso = whole + pl.duration(microseconds=fraction) - pl.duration(minutes=sign * minutes)
    twitter = pl.col("t").str.to_datetime(_TWITTER, time_unit="us", strict=False)
    naive = iso.dt.replace_time_zone("UTC")
    found = frame.select(naive.alias("iso"), twitter.dt.convert_time_zone("UTC").alias("twitter"))
    return found.select(pl.coalesce("iso", "twitter").cast(UTC)).to_series()
