"""A source of replies too large for memory: its files, cut into partitions of so many rows, each read when it is due."""

from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple

import polars as pl

from sociolect import frames
from sociolect.errors import FrameError, InputError
from sociolect.fingerprint import of_file
from sociolect.frames import Replies


class File(NamedTuple):
    """A parquet file of the source: its rows, the digest of its content, its size and the time it was written."""

    path: Path
    rows: int
    digest: str
    state: tuple[int, int]


class Span(NamedTuple):
    """Rows of a file that stand together."""

    path: Path
    first: int
    rows: int


def files(source: str | Path) -> tuple[File, ...]:
    """The files of a source that have rows: one file, those below a folder, or those of a glob, by name.

    Only their ends are read, and their bytes for the digest. Raises InputError naming every file that is broken or no
    file of replies, and where there is no file or no row at all.
    """
    path = Path(source)
    if path.is_dir():
        inside = (p for p in path.rglob("*.parquet") if p.is_file())
        found = sorted(p for p in inside if not any(q.startswith(".") for q in p.relative_to(path).parts))
    else:
        found = [path] if path.is_file() else sorted(map(Path, glob(str(source)))) if has_magic(str(source)) else []
    if not found:
        raise InputError(f"{source} holds no parquet file: due is one, a folder of them, or a glob that meets some")
    faults, out, first = list[str](), list[File](), None
    for at in found:
        try:
            state = _state(at)
            schema = pl.read_parquet_schema(at)
            frames.replies(pl.DataFrame(schema=schema))
            rows = int(pl.scan_parquet(at, glob=False).select(pl.len()).collect().item())
        except FrameError as error:
            faults.append(f"{at}: {error}")
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            faults.append(f"{at} is a broken parquet file ({_first_line(error)}): write it again")
        else:
            first = first or (at, schema)
            if schema != first[1]:
                odd = sorted(c for c, _ in set(schema.items()) ^ set(first[1].items()))
                faults.append(
                    f"{at} has other columns than {first[0].name}: {', '.join(dict.fromkeys(odd)) or 'order'}"
                )
            elif rows:
                out.append(File(at, rows, of_file(at), state))
    if faults:
        raise InputError("; ".join(faults))
    if not out:
        raise InputError(f"{source} holds no replies: there is no row in it")
    return tuple(out)


def partitions(found: tuple[File, ...], rows: int) -> list[tuple[Span, ...]]:
    """The rows of the files in order, `rows` to a partition; the last has what is left.

    >>> two = tuple(File(Path(name), n, "", (0, 0)) for name, n in (("a", 3), ("b", 2)))
    >>> [[(s.path.name, s.first, s.rows) for s in part] for part in partitions(two, 4)]
    [[('a', 0, 3), ('b', 0, 1)], [('b', 1, 1)]]
    """
    out, room = list[list[Span]](), 0
    for file in found:
        first = 0
        while first < file.rows:
            if not room:
                out.append([])
                room = rows
            some = min(room, file.rows - first)
            out[-1].append(Span(file.path, first, some))
            first, room = first + some, room - some
    return [tuple(part) for part in out]


def read(part: tuple[Span, ...]) -> Replies:
    """The replies of a partition. Raises InputError naming the file where they cannot be read, or are none."""
    found = []
    for span in part:
        try:
            found.append(pl.scan_parquet(span.path, glob=False).slice(span.first, span.rows).collect())
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise InputError(f"{span.path} is a broken parquet file ({_first_line(error)}): write it again") from error
    try:
        return frames.replies(pl.concat(found))
    except FrameError as error:
        raise InputError(f"{told(part)}: {error}") from error


def told(part: tuple[Span, ...]) -> str:
    """Where the rows of a partition lie, in words; rows are counted from 0.

    >>> told((Span(Path("a.parquet"), 10, 5),))
    'rows 10 to 14 of a.parquet'
    """
    return " and ".join(f"rows {s.first} to {s.first + s.rows - 1} of {s.path}" for s in part)


def unchanged(found: tuple[File, ...], part: tuple[Span, ...]) -> None:
    """Nothing, or an InputError where a file of the partition was written while it was measured."""
    read_off = {span.path for span in part}
    for file in found:
        if file.path not in read_off:
            continue
        try:
            now = _state(file.path)
        except OSError:
            now = None
        if now != file.state:
            raise InputError(f"{file.path} changed while it was measured: measure it again when it stands still")


def _state(path: Path) -> tuple[int, int]:
    at = path.stat()
    return at.st_size, at.st_mtime_ns


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
