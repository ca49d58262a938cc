"""What is wrong with the times of posts."""

from datetime import UTC, datetime

import polars as pl

from sociolect.load.doctor.findings import Found
from sociolect.load.times import times

SINCE = datetime(1980, 1, 1, tzinfo=UTC)  # ours: Usenet begins, the oldest platform whose posts are studied
_FORMS = (
    ("seconds", r"^\s*\d{9,10}(?:\.\d*)?\s*$"),
    ("milliseconds", r"^\s*\d{12,13}(?:\.\d*)?\s*$"),
    ("microseconds", r"^\s*\d{15,16}(?:\.\d*)?\s*$"),
    ("date", r"^\s*\d{4}-\d\d-\d\d\s*$"),
    ("with a zone", r"(?i)(?:z|utc|gmt|[+-]\d\d(?::?\d\d)?)\s*$|[+-]\d{4} \d{4}$"),
)


def read_times(written: pl.Series) -> pl.Series:
    """The times of a column, as `times.times` reads them."""
    return times(written).alias("time")


def when(written: pl.Series, time: pl.Series, *, now: datetime, since: datetime) -> list[Found]:
    """The findings about times: `written` is the column as the file has it, `time` as it was read.

    >>> written = pl.Series(["2024-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "soon", None])
    >>> found = when(written, read_times(written), now=datetime(2025, 1, 1, tzinfo=UTC), since=SINCE)
    >>> [(f.name, f.rows.to_list()) for f in found if len(f.rows)]
    [('missing_times', [3]), ('future_times', [1]), ('unread_times', [2])]
    """
    n = len(written)
    rows = pl.DataFrame({"time": time, "missing": _missing(written)}).with_row_index("row")
    at = pl.col("time")
    parts = {
        "missing_times": pl.col("missing"),
        "future_times": at > now,
        "early_times": at < since,
        "unread_times": at.is_null() & ~pl.col("missing"),
    }
    found = []
    for name, hit in parts.items():
        hits = rows.filter(hit)
        years = hits["time"].dt.year().drop_nulls().unique().sort().head(3).to_list()
        found.append(Found(name, hits["row"], n, examples=tuple(f"year {y}" for y in years)))
    return [*found, _mixed(written, time)]


def _missing(written: pl.Series) -> pl.Series:
    return written.is_null() | (written.str.strip_chars() == "") if written.dtype == pl.String else written.is_null()


def _mixed(written: pl.Series, time: pl.Series) -> Found:
    """Rows whose time is written otherwise than most: seconds among milliseconds, clocks without a zone among clocks with one."""
    none = pl.Series([], dtype=pl.get_index_type())
    if written.dtype.is_temporal():
        return Found("mixed_times", none, len(written))
    text = written.cast(pl.Int64, strict=False).cast(pl.String) if written.dtype.is_float() else written.cast(pl.String)
    form = pl.lit("without a zone")
    for name, pattern in reversed(_FORMS):
        form = pl.when(pl.col("text").str.contains(pattern)).then(pl.lit(name)).otherwise(form)
    rows = pl.DataFrame({"text": text, "time": time}).with_row_index("row")
    rows = rows.filter(pl.col("time").is_not_null()).select("row", form=form)
    counts = rows["form"].value_counts().sort("count", "form", descending=[True, False])
    if counts.height < 2:
        return Found("mixed_times", none, len(written))
    odd = rows.filter(pl.col("form") != counts["form"][0])["row"]
    note = "; ".join(f"{form}: {count}" for form, count in counts.iter_rows())
    return Found("mixed_times", odd, len(written), note=note)
