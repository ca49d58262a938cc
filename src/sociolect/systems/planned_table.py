"""What is cheap to know of a data table before it is loaded: how many rows it has, about, and how long its texts are."""

import gzip
import io
import zlib
from pathlib import Path
from typing import NamedTuple

import polars as pl

from sociolect.errors import InputError
from sociolect.load.files import form
from sociolect.systems.planned import Range

HEAD = 1000  # rows that are looked at
_PART = 4 << 20  # bytes of a text file that are read: a smaller one is counted whole


class Sized(NamedTuple):
    """The rows of a table (a range where its head alone was read), its columns, and the mean characters of one of them."""

    rows: Range
    columns: tuple[str, ...]
    chars: float | None


def sized(path: Path, text: str | None = None) -> Sized:
    """The size of a table, by its head alone where it is a text file larger than 4 MB; `chars` is of the column `text`.

    A parquet file tells its rows. Of a larger csv, tsv or jsonl the mean row of the head stands for all: give or take 40 %.
    Raises InputError where the file is not there or cannot be read as what its name says.
    """
    kind, gzipped = form(path)
    try:
        if kind == "parquet":
            lazy = pl.scan_parquet(path, glob=False)
            n = int(lazy.select(pl.len()).collect().item())
            head, rows = lazy.head(HEAD).collect(), Range(n, n, n)
        else:
            head, rows = _text(path, kind, gzipped=gzipped)
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path.name} cannot be read as a table: {said}") from error
    mean = head[text].cast(pl.String).str.len_chars().mean() if text in head.columns else None
    return Sized(rows, tuple(head.columns), float(mean) if isinstance(mean, int | float) else None)


def _text(path: Path, kind: str, *, gzipped: bool) -> tuple[pl.DataFrame, Range]:
    with path.open("rb") as file, gzip.open(file, "rb") if gzipped else file as raw:
        part = raw.read(_PART)
        whole = not raw.read(1)
        bytes_read = file.tell()  # of a packed file more than it took: it is read in blocks
    if not whole:
        part = _untorn(part, quoted=kind == "csv")
    if kind == "jsonl":
        lines = [line for line in part.split(b"\n") if line.strip()]
        found = pl.read_ndjson(io.BytesIO(b"\n".join(lines[:HEAD])), infer_schema_length=None)
        count = len(lines)
    else:
        found = pl.read_csv(
            io.BytesIO(part),
            separator="\t" if kind == "tsv" else ",",
            infer_schema=False,
            ignore_errors=True,
            truncate_ragged_lines=True,
        )
        count = found.height
    if whole:
        return found.head(HEAD), Range(count, count, count)
    n = count * path.stat().st_size / bytes_read
    return found.head(HEAD), Range(n, n * 0.6, n * 1.4)


def _untorn(part: bytes, *, quoted: bool) -> bytes:
    """The part up to the end of its last whole row: a line end outside quotation marks."""
    end = part.rfind(b"\n") + 1
    while quoted and end and part[:end].count(b'"') % 2:
        end = part.rfind(b"\n", 0, end - 1) + 1
    return part[: end or len(part)]
