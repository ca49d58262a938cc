"""The journal of model calls: one SQLite file in which every answer stands before anything is made of it."""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import polars as pl

from sociolect.errors import WorkspaceError
from sociolect.models.answer import Answer
from sociolect.models.prices import Price, price_of
from sociolect.models.purse import Purse
from sociolect.points import point

VERSION = 1  # PRAGMA user_version
WAIT_S = 60.0  # how long a call waits for another process that writes
COLUMNS = {
    "key": "BLOB PRIMARY KEY", "kind": "TEXT NOT NULL", "step": "TEXT", "model": "TEXT NOT NULL", "resolved": "TEXT",
    "draw": "INTEGER NOT NULL", "sampling": "TEXT NOT NULL", "instrument": "TEXT", "response": "TEXT NOT NULL",
    "prompt_tokens": "INTEGER", "reply_tokens": "INTEGER", "price": "REAL", "attempts": "INTEGER NOT NULL", "seconds": "REAL",
    "finish": "TEXT", "at": "TEXT NOT NULL",
}  # fmt: skip
_TABLE = f"CREATE TABLE IF NOT EXISTS calls ({', '.join(f'{c} {t}' for c, t in COLUMNS.items())})"
# What a budget has booked beyond the prices of the calls: `most` while a run goes on, `beyond` once it has ended.
PURSE = "CREATE TABLE IF NOT EXISTS purse (one INTEGER PRIMARY KEY CHECK (one = 1), most REAL NOT NULL, beyond REAL NOT NULL)"
_UNPRICED = """SELECT model, SUM(prompt_tokens), SUM(reply_tokens) FROM calls
WHERE price IS NULL AND prompt_tokens IS NOT NULL AND reply_tokens IS NOT NULL GROUP BY model"""
# The first writer wins: two processes that asked the same thing at once go on with one answer next time.
_INSERT = f"INSERT OR IGNORE INTO calls VALUES ({','.join('?' * len(COLUMNS))})"  # noqa: S608 - question marks and nothing else
_MANY = 20_000  # keys from which one pass over the whole table is quicker than asking for each


@dataclass(slots=True)
class Journal:
    """An open journal. What is written next is noted as of `step` and `instrument`; `replay` answers from it alone.

    `purse` holds the run's budget, `prices` what a token costs by the model's name: both for models that cost money.
    """

    path: Path
    connection: sqlite3.Connection
    replay: bool = False
    step: str | None = None
    instrument: str | None = None
    purse: Purse | None = None
    prices: Mapping[str, Price] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def known(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """The responses to those of the keys that have one."""
        with self.lock, _told(self.path):
            if len(keys) < _MANY:
                found: dict[bytes, str] = {}
                for start in range(0, len(keys), 500):
                    some = keys[start : start + 500]
                    marks = ",".join("?" * len(some))
                    found.update(
                        self.connection.execute(f"SELECT key, response FROM calls WHERE key IN ({marks})", some)  # noqa: S608 - marks are question marks and nothing else
                    )
                return found
            wanted = set(keys)
            return {k: r for k, r in self.connection.execute("SELECT key, response FROM calls") if k in wanted}

    def keep(self, rows: Iterable[tuple[bytes, str, str, int, str, Answer]]) -> None:
        """Commits answers: rows of key, kind, model, draw, sampling and answer.

        Once this returns no kill loses them; a power cut may lose the last ones, and tears nothing.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        whole = [
            (key, kind, self.step, model, a.model, draw, sampling, self.instrument, a.text, a.prompt_tokens,
             a.reply_tokens, a.price, a.attempts, a.seconds, a.finish, now)
            for key, kind, model, draw, sampling, a in rows
        ]  # fmt: skip
        with self.lock, _told(self.path), self.connection:
            self.connection.executemany(_INSERT, whole)
            point("journal commit")
        point("journal committed")

    def totals(self) -> pl.DataFrame:
        """The ledger: by step and model, calls, tokens, money, and the calls whose price is unknown.

        Columns step, model, resolved, calls, attempts, prompt_tokens, reply_tokens, price, unpriced, seconds; a sum over
        nothing known is null.
        """
        said = (
            "SELECT step, model, resolved, COUNT(*), SUM(attempts), SUM(prompt_tokens), SUM(reply_tokens), SUM(price), "
            "SUM(price IS NULL), SUM(seconds) FROM calls GROUP BY step, model, resolved ORDER BY step, model, resolved"
        )
        with self.lock, _told(self.path):
            rows = self.connection.execute(said).fetchall()
        counts = dict.fromkeys(["calls", "attempts", "prompt_tokens", "reply_tokens"], pl.Int64)
        schema = {"step": pl.String, "model": pl.String, "resolved": pl.String, **counts}
        return pl.DataFrame(
            rows, {**schema, "price": pl.Float64, "unpriced": pl.Int64, "seconds": pl.Float64}, orient="row"
        )

    def count(self) -> int:
        """How many answers stand in it."""
        with self.lock, _told(self.path):
            return int(self.connection.execute("SELECT COUNT(*) FROM calls").fetchone()[0])

    def spent(self) -> float:
        """The money known to be spent."""
        with self.lock, _told(self.path):
            return float(self.connection.execute("SELECT TOTAL(price) FROM calls").fetchone()[0])

    def hold(self, most: float) -> None:
        """Writes down the most that may be gone once the next call is sent."""
        with self.lock, _told(self.path), self.connection:
            said = "INSERT INTO purse VALUES (1, ?, 0) ON CONFLICT (one) DO UPDATE SET most = excluded.most"
            self.connection.execute(said, (most,))

    def booked(self, spent: float | None = None) -> float:
        """The money that a budget has to count: the prices of the calls, and what may have been paid beyond them.

        Beyond them are calls whose cost nobody knows, tries that failed, and what was in flight when a run was killed, each
        at its worst. `spent` is what a purse says at the end of a run. Calls without a price of their own are priced by the
        table that is open, where their tokens are known.
        """
        total = self.spent()
        with self.lock, _told(self.path), self.connection:
            row = self.connection.execute("SELECT most, beyond FROM purse").fetchone() or (0.0, 0.0)
            beyond = max(row[0] - total, row[1], 0.0) if spent is None else max(spent - total, 0.0)
            self.connection.execute("INSERT OR REPLACE INTO purse VALUES (1, 0, ?)", (beyond,))
            for model, prompt, reply in self.connection.execute(_UNPRICED) if self.prices and spent is None else ():
                price = price_of(model, model.partition("/")[2], self.prices)
                beyond += price.of(prompt, reply) if price else 0.0
        return total + beyond

    def digest(self) -> str:
        """SHA-256 over the rows but their times, in the order of the keys: another reply, another price is another digest."""
        whole = sha256()
        said = f"SELECT {', '.join(c for c in COLUMNS if c not in {'seconds', 'at'})} FROM calls ORDER BY key"  # noqa: S608 - names of its own
        with self.lock, _told(self.path):
            rows = self.connection.execute(said)
            while some := rows.fetchmany(1000):
                whole.update(repr(some).encode("utf-8", "surrogatepass"))
        return whole.hexdigest()


@contextmanager
def opened(path: Path, *, replay: bool = False) -> Iterator[Journal]:
    """The journal in a file, made where there is none; with `replay` an empty one in memory then.

    Raises WorkspaceError for one that is torn, newer, or in use.
    """
    one = _opened(path, replay=replay)
    try:
        yield one
    finally:
        one.connection.close()


def _opened(path: Path, *, replay: bool) -> Journal:
    with _told(path):
        where = _where(path) if replay else str(path)
        if not replay:
            path.parent.mkdir(parents=True, exist_ok=True)
        still = where.endswith("?immutable=1")
        connection = sqlite3.connect(where, timeout=WAIT_S, check_same_thread=False, uri=still)
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise WorkspaceError(
                    f"the journal {path} is of version {version}, newer than {VERSION}: upgrade sociolect"
                )
            connection.execute("PRAGMA cache_size=-65536")  # 64 MiB: the keys of a million calls
            for said in () if still else ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", _TABLE, PURSE):
                connection.execute(said)
            if not still:
                connection.execute(f"PRAGMA user_version={VERSION}")
                connection.commit()
            connection.execute("SELECT key, response FROM calls LIMIT 1").fetchone()
        except BaseException:
            connection.close()
            raise
        return Journal(path, connection, replay)


def _where(path: Path) -> str:
    """What to open where nothing is to be written: one that is not there is not made, and a disk may be read-only."""
    if not path.is_file():
        return ":memory:"
    waiting = path.with_name(f"{path.name}-wal")
    if os.access(path.parent, os.W_OK) or (waiting.is_file() and waiting.stat().st_size):
        return str(path)
    return f"{path.resolve().as_uri()}?immutable=1"


_open: list[Journal] = []


@contextmanager
def journal(
    path: Path, *, replay: bool = False, purse: Purse | None = None, prices: Mapping[str, Price] | None = None
) -> Iterator[Journal]:
    """The journal that every call of a model with weights or a server goes through while this is open."""
    with opened(path, replay=replay) as one:
        one.purse, one.prices = purse, prices
        with using(one):
            yield one


@contextmanager
def using(one: Journal) -> Iterator[None]:
    """What is asked inside goes through this journal, whichever was opened last."""
    _open.append(one)
    try:
        yield
    finally:
        # the last of those that are this one
        del _open[max(i for i, other in enumerate(_open) if other is one)]


def session() -> Journal | None:
    """The journal that is open; None outside a workspace."""
    return _open[-1] if _open else None


@contextmanager
def noted(**notes: str | None) -> Iterator[None]:
    """What is asked inside is noted in the journal as of this `step` or `instrument`."""
    one = session()
    before = {name: getattr(one, name) for name in notes} if one else {}
    for name, value in notes.items() if one else ():
        setattr(one, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(one, name, value)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """The ways a journal fails, each with its way out; a torn one is an error, never an empty one."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise WorkspaceError(
            f"the journal {path.name} is in use or cannot be written ({error}): what was answered before stands in it; make "
            "room, or wait for the other process, and run again"
        ) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise WorkspaceError(
            f"the journal {path.name} is torn ({error}); move it away to ask everything anew"
        ) from error
    except OSError as error:
        raise WorkspaceError(f"the journal {path} cannot be written: {error.strerror or error}") from error
