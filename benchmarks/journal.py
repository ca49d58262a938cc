"""1,000,000 model calls journaled, and read back by a run that goes on: seconds, beside bare sqlite3 writing the same rows.

`python benchmarks/journal.py [--json] [--calls N]`. Due at 1,000,000: written under 60 s, the check of what is known under 5 s.
The journal commits in groups of 64, as answers of 64 calls in flight come at worst; the peer inserts the same rows into the same
table in commits of 64 and does nothing else: no keys are made, nothing is looked up. Ends with an error where a due is missed.
"""

import argparse
import json
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sociolect.models.answer import Answer
from sociolect.models.journal import COLUMNS, opened
from sociolect.models.journaled import heard
from sociolect.models.model import user

GROUP = 64
REPLY = "what a member of the community would say to this in some twenty words, which is about as long as a post is"
HOW = {"tokens": 40, "temperature": 1.0, "top_p": 1.0, "seed": 0}


class Fixed(NamedTuple):
    """A model that answers at once: what is timed is the journal."""

    name: str = "openai/fixed"
    version: str = "1"


def answers(due: Sequence[int]) -> Iterator[list[tuple[int, Answer]]]:
    for start in range(0, len(due), GROUP):
        yield [(i, Answer(REPLY, "fixed-1", 30, 20, 0.0001)) for i in due[start : start + GROUP]]


def bare(path: Path, calls: int) -> float:
    began = time.perf_counter()
    with sqlite3.connect(path) as book:
        book.execute("PRAGMA journal_mode=WAL")
        book.execute("PRAGMA synchronous=NORMAL")
        book.execute(f"CREATE TABLE calls ({', '.join(f'{c} {t}' for c, t in COLUMNS.items())})")
        insert = f"INSERT OR IGNORE INTO calls VALUES ({','.join('?' * len(COLUMNS))})"
        for start in range(0, calls, GROUP):
            rows = [
                (hash((i, 1)).to_bytes(16, "big", signed=True), "generate", None, "openai/fixed", "fixed-1", 0, json.dumps(HOW),
                 None, REPLY, 30, 20, 0.0001, 1, None, None, "2026-01-01T00:00:00.000+00:00")
                for i in range(start, min(calls, start + GROUP))
            ]  # fmt: skip
            book.executemany(insert, rows)
            book.commit()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", type=int, default=1_000_000)
    said = parser.parse_args()
    chats = [user(f"Tell your friends about topic {i % 250_000} in one post, as you would.") for i in range(said.calls)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        began = time.perf_counter()
        with opened(path) as book:
            heard(Fixed(), chats, answers, HOW, journal=book)  # type: ignore[arg-type]  # only its name and version are asked for
        written = time.perf_counter() - began
        began = time.perf_counter()
        with opened(path) as book:
            heard(Fixed(), chats, lambda _: iter(()), HOW, journal=book)  # type: ignore[arg-type]  # likewise
            read = time.perf_counter() - began
            kept, size = book.count(), path.stat().st_size
        peer = bare(Path(folder) / "bare.sqlite", said.calls)
    found = {
        "calls": kept, "written_s": written, "resume_check_s": read, "bare_sqlite_s": peer, "ratio": written / peer,
        "megabytes": size / 1e6,
    }  # fmt: skip
    if said.json:
        print(json.dumps(found))
    else:
        print(
            f"{kept:,} calls journaled in {written:.1f} s (due 60), {written / peer:.2f} x bare sqlite3 ({peer:.1f} s)"
        )
        print(f"checked by a run that goes on in {read:.1f} s (due 5); {size / 1e6:.0f} MB")
    share = said.calls / 1_000_000
    if kept != said.calls or written > 60 * share or read > max(1.0, 5 * share):
        sys.exit("a due is missed")


if __name__ == "__main__":
    main()
