"""What is wrong with authors: nobody behind a name, one person under two, programs among people, one who wrote most."""

import polars as pl

from sociolect.load.doctor.findings import Found
from sociolect.load.doctor.masks import some

REMOVED = ("[deleted]", "[removed]", "[suspended]", "[unknown]", "deleted_user", "deleted user", "<deleted>", "deactivateduser", "[deleted user]")  # fmt: skip
HUB, MANY, THREAD = 0.2, 100, 0.5  # ours
HOUR = 60  # posts in one clock hour; ours
DAY, DAYS = 50, 3  # posts a day: Howard and Kollanyi 2016, arXiv 1606.06356; days: ours
EVEN, BEATS = 0.1, 20  # standard deviation over mean of the time between posts, and posts; ours
SAME = 10  # times one text; ours


def removed(person: pl.Expr) -> pl.Expr:
    """Whether a platform wrote a word in the place of an author who is gone."""
    return person.str.to_lowercase().is_in(REMOVED).fill_null(value=False)


def people(rows: pl.DataFrame, key: bytes) -> list[Found]:
    """The findings about authors and threads. `rows` has row, and of person, thread, time, key (what equal texts share), skip what is there.

    >>> rows = pl.DataFrame({"person": ["ada", "Ada", "[deleted]", None]}).with_row_index("row")
    >>> [(f.name, f.rows.to_list()) for f in people(rows, bytes(32)) if len(f.rows)]
    [('missing_persons', [3]), ('removed_persons', [2]), ('person_case', [1])]
    """
    found = [_large("large_thread", "thread", rows, THREAD, key)] if "thread" in rows.columns else []
    if "person" not in rows.columns:
        return found
    person = pl.col("person")
    found.append(Found("missing_persons", rows.filter(person.is_null())["row"], rows.height))
    gone = rows.filter(removed(person))
    found.append(Found("removed_persons", gone["row"], rows.height, examples=some(gone, ("person",), key)))
    named = rows.filter(person.is_not_null() & ~removed(person))
    low = named.select("person").unique().with_columns(low=person.str.to_lowercase())
    twins = low.filter(pl.col("low").is_duplicated())["person"]
    cased = named.filter(person.is_in(twins.implode()) & (person != person.str.to_lowercase()))
    found.append(Found("person_case", cased["row"], rows.height, examples=some(cased, ("person",), key)))
    found.append(_large("large_person", "person", named, HUB, key))
    return found + _machines(named, key)


def _large(name: str, column: str, rows: pl.DataFrame, share: float, key: bytes) -> Found:
    counts = rows.drop_nulls(column)[column].value_counts()
    n = int(counts["count"].sum())
    big = counts.filter(pl.col("count") > share * n).sort(column) if n >= MANY and counts.height > 1 else counts.clear()
    hits = rows.filter(pl.col(column).is_in(big[column].implode()))
    note = ", ".join(f"{c / n:.0%} of the rows" for c in big["count"].sort(descending=True)) or None
    return Found(name, hits["row"], counts.height, big.height, some(hits, (column,), key), note)


def _machines(named: pl.DataFrame, key: bytes) -> list[Found]:
    """People who post as programs do. Rates and distances need times; the same text needs `key`."""
    everyone = named["person"].n_unique()

    def found(name: str, who: pl.Series) -> Found:
        hits = named.filter(pl.col("person").is_in(who.implode()))
        return Found(name, hits["row"], everyone, len(who), some(hits, ("person",), key))

    made = []
    if "time" in named.columns:
        timed = named.drop_nulls("time").select("person", "time")
        busy = timed.filter(pl.len().over("person") >= min(HOUR, BEATS)).sort("person", "time")
        hourly = busy.group_by("person", pl.col("time").dt.truncate("1h")).len().filter(pl.col("len") >= HOUR)["person"]
        days = (pl.col("time").last() - pl.col("time").first()).dt.total_seconds() / 86_400
        gaps = pl.col("time").diff().dt.total_microseconds().drop_nulls().cast(pl.Float64)
        beats = busy.group_by("person").agg(n=pl.len(), days=days, mean=gaps.mean(), sd=gaps.std())
        daily = beats.filter((pl.col("days") >= DAYS) & (pl.col("n") >= DAY * pl.col("days")))["person"]
        even = beats.filter((pl.col("n") >= BEATS) & (pl.col("sd") <= EVEN * pl.col("mean")))["person"]
        made += [
            found("fast_persons", pl.concat([hourly, daily]).unique()),
            found("even_persons", even),
        ]
    if "key" in named.columns:
        own = named.filter(~pl.col("skip"))
        most = own.group_by("person", "key").len().group_by("person").agg(pl.col("len").max(), n=pl.col("len").sum())
        same = most.filter((pl.col("len") >= SAME) & (2 * pl.col("len") >= pl.col("n")))["person"]
        made.append(found("same_text_persons", same))
    return made
