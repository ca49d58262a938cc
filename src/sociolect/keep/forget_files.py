"""Whether a file holds a trace of a person, whatever kind of file it is."""

import csv
import gzip
import html
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.traces import Traces, marks


def traced(path: Path, known: Traces) -> bool:
    """Whether the file holds a trace: in its rows (parquet), its names and notes (safetensors), its words (any other).

    Numbers of an array are no trace: whether an array was made from somebody's posts cannot be seen in it. A file that
    cannot be read as what it is called counts as one that does: what cannot be searched is not kept.
    """
    try:
        if path.suffix == ".parquet":
            return bool(marks(pl.read_parquet(path), known).any())
        return bool(marks(pl.DataFrame({"text": _cells(path)}, schema={"text": pl.String}), known).any())
    except (OSError, ValueError, EOFError, RecursionError, struct.error, csv.Error, pl.exceptions.PolarsError):
        return True


def _cells(path: Path) -> list[str]:
    """All that a file says, as texts: its cells where it has some, and all of it as one text."""
    match path.suffix:
        case ".safetensors":
            return [_head(path)]
        case ".npy":
            return _array(path)
        case ".gz":
            said = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        case _:
            said = path.read_bytes().decode("utf-8", "replace")
    match path.suffix:
        case ".json":
            # Escapes are read as what they stand for: a line end, a letter of another script.
            cells = list(_strings(json.loads(said)))
        case ".csv":
            cells = [cell for row in csv.reader(said.splitlines(keepends=True)) for cell in row]
        case _:
            cells = said.splitlines()
    return [*cells, html.unescape(said)]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _head(path: Path) -> str:
    """The names of a safetensors file's tensors and whatever was noted beside them."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return file.read(size).decode("utf-8", "replace")


def _array(path: Path) -> list[str]:
    import numpy as np

    array = np.load(path, allow_pickle=False, mmap_mode="r")
    return [str(v) for v in array.ravel()] if array.dtype.kind in "US" else []
