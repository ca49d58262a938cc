"""What several rooms' tests share."""

import gzip
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import polars as pl
import pytest

Everything = Callable[[Path], Iterator[tuple[Path, str]]]


def _everything(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        raw = path.read_bytes()
        yield path, str(path.relative_to(folder))
        yield path, unescape(raw.decode("utf-8", "replace"))
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
            yield path, frame.write_ndjson() if frame.width else ""
        if path.suffix == ".gz":
            yield path, gzip.decompress(raw).decode("utf-8", "replace")


@pytest.fixture(scope="session")
def everything() -> Everything:
    """All that a folder says, file by file: every byte of every file as text, tables and archives unpacked, names too."""
    return _everything
