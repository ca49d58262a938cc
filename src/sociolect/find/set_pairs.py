"""Pairs of account and element as they come in: checked, capped and cut into pieces that fit in memory."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import polars as pl

from sociolect import frames
from sociolect.errors import InputError

Pairs = pl.DataFrame | pl.LazyFrame | str | Path

COLUMNS = ("account", "element")
_NAMES = (pl.String, pl.Categorical, pl.Enum)
_SLICE, _WIDEST = 1 << 16, 1 << 22  # rows of a file read at once
_RATE = 2_000_000  # rows a second; fewer means that a row group is unpacked again for each slice of it


def opened(pairs: Pairs) -> pl.LazyFrame:
    """The two columns of the pairs as String, lazily; whole numbers become their digits.

    Raises InputError for a file that cannot be read, a column that is missing, or one of another type.

    >>> opened(pl.DataFrame({"account": [2**40], "element": ["x"], "more": [0]})).collect().rows()
    [('1099511627776', 'x')]
    """
    if isinstance(pairs, str | Path):
        path = Path(pairs)
        if not path.is_file():
            raise InputError(
                f"there is no parquet file {path}; due is a file of pairs with the columns account, element"
            )
        lazy = pl.scan_parquet(path)
    else:
        lazy = pairs.lazy()
    try:
        schema = lazy.collect_schema()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise InputError(f"{_said(pairs)} cannot be read as parquet: {str(error).splitlines()[0]}") from error
    faults = [f"column {c!r} is missing" for c in COLUMNS if c not in schema]
    faults += [
        f"column {c!r} is {schema[c]}, not String or whole numbers"
        for c in COLUMNS
        if c in schema and not (schema[c] in _NAMES or schema[c].is_integer())
    ]
    if faults:
        raise InputError(f"{_said(pairs)} are no pairs of account and element: " + "; ".join(faults))
    return lazy.select(pl.col(c) if schema[c] == pl.String else pl.col(c).cast(pl.String) for c in COLUMNS)


def capped(pairs: pl.LazyFrame, cap: int) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """The pairs without elements that more than `cap` accounts have, and what was set aside, counted by reason.

    An account counts once for an element, however often the pair is there.

    >>> rows = {"account": ["a", "b", "c", "a"], "element": ["x", "x", "x", "y"]}
    >>> kept, aside = capped(pl.DataFrame(rows).lazy(), 2)
    >>> kept.collect().rows(), aside["count"].to_list()
    ([('a', 'y')], [1, 2])
    """
    element = pl.col("element")
    rows = _collected(pairs.group_by("element").agg(n=pl.len()).filter(pl.col("n") > cap))["element"].drop_nulls()
    # repeats are rare: only elements with enough rows are counted account by account
    suspects = pairs.filter(element.is_in(rows.implode())).unique().group_by("element").agg(n=pl.len())
    wide = _collected(suspects.filter(pl.col("n") > cap))["element"].sort()
    out = element.is_in(wide.implode())
    if wide.is_empty():
        return pairs, pl.DataFrame(schema=frames.SET_ASIDE)
    alone = _collected(pairs.group_by("account").agg(out=out.all()).filter("out"))["account"].sort()
    said = [(f"element that more than {cap} accounts have", wide), ("account with no other element", alone)]
    aside = [(why, names.len(), names[0], "raise cap") for why, names in said if names.len()]
    return pairs.filter(out.not_() | element.is_null()), pl.DataFrame(aside, schema=frames.SET_ASIDE, orient="row")


def pieces(pairs: pl.LazyFrame, rows: int, *, file: Path | None = None) -> Iterator[pl.DataFrame]:
    """The pairs, at most some `rows` at a time, in an order that nothing may depend on.

    Where they are a `file` and nothing else, it is read slice by slice: a stream holds several row groups in memory,
    which are large in some files. Raises InputError where a row turns out unreadable on the way, or the file is
    another one at the end.

    >>> [p.height for p in pieces(pl.DataFrame({"account": list("abc"), "element": "x"}).lazy(), 2)]
    [2, 1]
    """
    try:
        if file is not None:
            batches = _sliced(pairs, file)
        else:
            batches = pairs.collect_batches(chunk_size=rows, maintain_order=False, engine="streaming")
        for batch in batches:
            yield from batch.iter_slices(rows)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise InputError(f"the pairs cannot be read to their end: {str(error).splitlines()[0]}") from error


def _sliced(pairs: pl.LazyFrame, file: Path) -> Iterator[pl.DataFrame]:
    """The rows of a file in slices, wider ones while they come slowly: a row group may hold all of them."""
    before, at, wide = file.stat(), 0, _SLICE
    count = pairs.select(pl.len()).collect().item()
    while at < count:
        begun = perf_counter()
        part = pairs.slice(at, wide).collect(engine="streaming")
        slow = part.height < _RATE * (perf_counter() - begun)
        yield part
        at, wide = at + part.height, min(2 * wide, _WIDEST) if slow else max(wide // 2, _SLICE)
        after = file.stat()
        if not part.height or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise InputError(f"{file} was written while it was read: sign it again once nobody writes it")


def _collected(lazy: pl.LazyFrame) -> pl.DataFrame:
    try:
        return lazy.collect(engine="streaming")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise InputError(f"the pairs cannot be read to their end: {str(error).splitlines()[0]}") from error


def _said(pairs: Pairs) -> str:
    return str(pairs) if isinstance(pairs, str | Path) else "these"
