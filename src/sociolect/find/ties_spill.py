"""Posts on disk, read a batch at a time, and rows sorted into buckets on disk by the hash of a key."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.errors import FrameError, InputError, WorkspaceError
from sociolect.frames import SHAPES

BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
FIRST = 10_000  # rows of the first batch, which tells how large a row is


def files(where: str | Path | Sequence[str | Path]) -> list[Path]:
    """The parquet files at a path, a pattern, or in a folder (its `posts.parquet` where it has one, else all), sorted.

    Raises InputError, naming every place where there is none.
    """
    found: list[Path] = []
    gone = []
    for one in [where] if isinstance(where, str | Path) else where:
        path = Path(one)
        if path.is_dir():
            here = [path / "posts.parquet"] if (path / "posts.parquet").is_file() else sorted(path.glob("*.parquet"))
        else:
            here = [path] if path.is_file() else sorted(Path(name) for name in glob(str(one)))
        found += here
        gone += [] if here else [f"{path.name}{'/*.parquet' if path.is_dir() else ''}"]
    if gone or not found:
        raise InputError(
            f"no parquet file at {', '.join(gone) or 'an empty list of paths'}; name a file, folder or pattern"
        )
    return sorted(set(found))


def schemas(paths: Sequence[Path], name: str, wanted: Sequence[str]) -> dict[Path, pl.Schema]:
    """The columns of each file. Raises FrameError for all that a frame of that name must have and these have not.

    Only the `wanted` columns are looked at. Raises InputError for files that are no parquet, or cut off.
    """
    columns = SHAPES[name].columns
    due: dict[str, Any] = {c: (columns[c].dtype, str(columns[c].dtype)) for c in wanted}
    found, faults = {}, []
    for path in paths:
        with reading(path):
            schema = found[path] = pl.scan_parquet(path, glob=False).collect_schema()
        here = [f"column {c!r} is missing" for c in wanted if c not in schema]
        here += [
            f"column {c!r} is {schema[c]}, not {said}"
            for c, (dtype, said) in due.items()
            if c in schema and schema[c] != dtype
        ]
        if (
            name == "posts"
            and "kind" in schema
            and not isinstance(schema["kind"], pl.String | pl.Categorical | pl.Enum)
        ):
            here.append(f"column 'kind' is {schema['kind']}, not String")
        faults += [f"{path.name}: {'; '.join(here)}"] if here else []
    if faults:
        raise FrameError(f"this is not a {name} frame: " + "; ".join(faults))
    return found


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong while this file is read is said as InputError, in one line."""
    try:
        yield
    except BROKEN as error:
        raise InputError(
            f"{path.name} is no parquet file, or a broken one: {_line(error)}; fetch or write it again"
        ) from error


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Whatever goes wrong while things are written beside `out` is said as WorkspaceError, in one line."""
    try:
        yield
    except BROKEN as error:
        raise WorkspaceError(
            f"{out.name} cannot be written: {_line(error)}; make room on its disk, or name a place that can be written; "
            "no part of it is left behind"
        ) from error


def _line(error: BaseException) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (said.splitlines() or [type(error).__name__])[0][:200]


def batches(path: Path, columns: Sequence[str], *, room: int) -> Iterator[pl.DataFrame]:
    """The rows of a file, in batches of about `room` bytes, with those of the columns it has.

    Raises InputError where the file is torn.
    """
    with reading(path):
        file = pl.scan_parquet(path, glob=False)
        rows = int(file.select(pl.len()).collect().item())
        here = [c for c in file.collect_schema() if c in columns]
    at, step = 0, max(1, min(FIRST, room // 1000))
    while at < rows:
        with reading(path):
            batch = file.slice(at, step).select(here).collect()
        yield batch
        at += step
        step = max(1, room * batch.height // max(1, int(batch.estimated_size())))


def dealt(rows: pl.DataFrame, key: str, folder: Path, name: str, buckets: int) -> None:
    """Deal rows out to `folder/<bucket>/<name>.parquet` by the hash of their key: rows of one key share a bucket."""
    bucket = pl.col(key).hash(0) % buckets
    for (number,), part in (
        rows.with_columns(bucket=bucket).partition_by("bucket", include_key=False, as_dict=True).items()
    ):
        place = folder / f"{number}"
        place.mkdir(parents=True, exist_ok=True)
        part.write_parquet(place / f"{name}.parquet", compression="lz4", statistics=False)


def pieces(folder: Path) -> Iterator[pl.DataFrame]:
    """What was dealt to a bucket, piece by piece; nothing where nothing was."""
    for path in sorted(folder.glob("*.parquet")):
        yield pl.read_parquet(path, glob=False)


def whole(folder: Path, empty: pl.DataFrame) -> pl.DataFrame:
    """What was dealt to a bucket, as one frame with the columns of `empty`."""
    return pl.concat([empty, *pieces(folder)])
