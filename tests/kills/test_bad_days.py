"""A full disk, a folder nobody may write, a clock that goes backwards: one clear error, and earlier results intact."""

import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.kills.conftest import zygote
from tests.kills.studies import made, tables

from sociolect.errors import WorkspaceError
from sociolect.models import journal as book
from sociolect.models.answer import Answer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="these runs are forks: this system cannot")
Server = tuple[str, Counter[str]]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may pass through."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_disk_that_fills_at_any_size_loses_nothing(tmp_path: Path, server: Server) -> None:
    url, paid = server
    with zygote("tables") as run:
        assert run(tmp_path / "whole", url) == 0
        whole, once = made(tmp_path / "whole"), Counter(paid)
        ended = {}
        for size in (1, 100, 600, 1000, 2000, 5000, 20_000, 40_000):
            paid.clear()
            at, errors = tmp_path / f"{size}", tmp_path / "errors"
            ended[size] = run(at, url, bytes=size, errors=str(errors))
            told = errors.read_text()
            assert ended[size] in {0, 7}, told
            assert told.count("\n") <= 1
            assert ("written" in told or "room" in told) == (ended[size] == 7), told
            stood = {n: b for n, b in made(at).items() if "/." not in n}
            assert stood.items() <= whole.items(), "what stands is whole"
            assert run(at, url) == 0
            assert made(at) == whole
            assert (paid - once).total() <= 1, "the one answer that could not be written down"
    assert {ended[1], ended[100]} == {7}


def test_a_folder_that_may_not_be_written_is_said(open_folder: Path, server: Server) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody who may not write")
    url, _ = server
    with zygote("tables") as run:
        assert run(open_folder / "w", url) == 0
        before = made(open_folder / "w")
        errors = open_folder / "errors"
        errors.touch()
        errors.chmod(0o666)
        assert run(open_folder / "w", url, user=65534, errors=str(errors)) == 7
        assert run(open_folder / "new", url, user=65534) == 7
    assert "cannot be written" in errors.read_text()
    assert made(open_folder / "w") == before


def test_a_clock_that_goes_backwards_changes_nothing(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, paid = server
    paid.clear()
    tables(tmp_path / "a", url)
    first, once = made(tmp_path / "a"), paid.total()

    class Back(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # only UTC is asked for
            return datetime(1999, 12, 31, tzinfo=UTC)

    monkeypatch.setattr("sociolect.models.journal.datetime", Back)
    monkeypatch.setattr("time.time", lambda: 0.0)
    for path in (tmp_path / "a").rglob("*"):
        os.utime(path, (4e9, 4e9))  # the year 2096
    tables(tmp_path / "a", url)
    assert paid.total() == once, "nothing is asked again"
    tables(tmp_path / "b", url)
    assert made(tmp_path / "a") == made(tmp_path / "b") == first


def test_a_journal_that_is_full_keeps_what_it_has(tmp_path: Path) -> None:
    with book.opened(tmp_path / "j.sqlite") as one:
        one.connection.execute("PRAGMA max_page_count=30")
        rows = [(i.to_bytes(16, "big"), "generate", "m", 0, "{}", Answer("x" * 500)) for i in range(1000)]
        with pytest.raises(WorkspaceError, match="cannot be written.*what was answered before stands"):
            one.keep(rows)
        assert one.count() == 0, "a commit is whole or not at all"
        one.keep(rows[:20])
        with pytest.raises(WorkspaceError, match="cannot be written"):
            one.keep(rows)
        assert one.count() == 20
    with book.opened(tmp_path / "j.sqlite") as one:
        assert one.count() == 20
        one.keep([(b"k" * 16, "generate", "m", 0, "{}", Answer("y"))])
        assert one.known([b"k" * 16]) == {b"k" * 16: "y"}


def test_a_newer_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version=99")
    before = path.read_bytes()
    with pytest.raises(WorkspaceError, match="version 99, newer than"), book.opened(path):
        pass
    assert path.read_bytes() == before
