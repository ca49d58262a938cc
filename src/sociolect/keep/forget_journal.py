"""What a journal of model calls holds of a person, deleted for good: no free page and no log keeps it."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import polars as pl

from sociolect.errors import WorkspaceError
from sociolect.models.journal import PURSE
from sociolect.points import point
from sociolect.traces import Traces, marks

_ROWS = 20_000  # rows looked through at once
_WAIT_S = 10.0  # how long another process that writes is waited for


def doomed(path: Path, known: Traces, *, keep: Collection[str], derived: bool) -> int:
    """How many rows of the journal `purge` would delete."""
    with _opened(path) as book:
        return sum(len(ids) for table in _tables(book) for ids in _ids(book, table, known, keep, derived=derived))


def purge(path: Path, known: Traces, *, keep: Collection[str], derived: bool) -> int:
    """How many rows were deleted: those whose words hold a trace, and with `derived` all but those of the steps in `keep`.

    The journal does not tell what a call showed the model, so with `derived` any call may have shown the posts. A step is
    named by its last part: `ask` is also the `ask` of a branch. The file is written anew without free pages, and its log is
    emptied. Raises WorkspaceError where it is torn or in use.
    """
    with _opened(path) as book:
        # Out of the log, so that no frame of it outlives the rows; whoever opens it next may go back to one.
        book.execute("PRAGMA journal_mode=DELETE")
        book.execute("PRAGMA secure_delete=ON")
        count = 0
        with book:
            before = _priced(book)
            for table in _tables(book):
                for ids in list(_ids(book, table, known, keep, derived=derived)):
                    book.executemany(f'DELETE FROM "{table}" WHERE rowid = ?', [(i,) for i in ids])  # noqa: S608 - a table's own name
                    count += len(ids)
            if (gone := before - _priced(book)) > 0:
                # What was paid is paid, whoever is forgotten: a budget goes on counting it.
                book.execute(PURSE)
                book.execute("INSERT OR IGNORE INTO purse VALUES (1, 0, 0)")
                book.execute("UPDATE purse SET beyond = MAX(beyond, most - ?) + ?, most = 0", (before, gone))
        point("forget rows")
        book.execute("VACUUM")
    return count


def _ids(
    book: sqlite3.Connection, table: str, known: Traces, keep: Collection[str], *, derived: bool
) -> Iterator[list[int]]:
    columns = [name for _, name, *_ in book.execute(f'PRAGMA table_info("{table}")')]
    names = ", ".join(f'"{c}"' for c in columns)
    rows = book.execute(f'SELECT rowid, {names} FROM "{table}"')  # noqa: S608 - its own names
    while some := rows.fetchmany(_ROWS):
        ids = pl.Series([row[0] for row in some])
        cells = {
            c: [v if isinstance(v, str) else None for v in values]
            for c, values in zip(columns, list(zip(*some, strict=True))[1:], strict=True)
        }
        frame = pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String))
        hit = marks(frame, known)
        if derived:
            step = pl.col("step") if "step" in columns else pl.lit(None, pl.String)
            last = step.str.split("/").list.last().str.split(": ").list.last()
            spared = frame.select("*", _spared=last.is_in(list(keep)).fill_null(value=False))["_spared"]
            hit = hit | ~spared
        yield ids.filter(hit).to_list()


def _tables(book: sqlite3.Connection) -> list[str]:
    """The tables but the one of sums of money, which says nothing of anybody."""
    names = [name for (name,) in book.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [name for name in names if name[:7] != "sqlite_" and name != "purse"]


def _priced(book: sqlite3.Connection) -> float:
    """The sum of the prices of the calls; 0 where a file has none."""
    if "calls" not in _tables(book):
        return 0.0
    known = any(name == "price" for _, name, *_ in book.execute("PRAGMA table_info(calls)"))
    return float(book.execute("SELECT TOTAL(price) FROM calls").fetchone()[0]) if known else 0.0


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_S)) as book:
            yield book
    except sqlite3.Error as error:
        raise WorkspaceError(
            f"the journal {path.name} is torn or in use ({error}): stop the other process, or remove the file, and forget again"
        ) from error
