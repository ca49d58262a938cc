"""The files of an LSH index: plain arrays, and one small file that makes them an index.

`index.json` names the parameters, the counts, and each file with its bytes and SHA-256. The files of one writing carry its
number (`values-2.npy`); `index.json` is replaced last, at once, so that a kill leaves the index before or the one after.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.errors import WorkspaceError
from sociolect.fingerprint import of_file
from sociolect.settle import replaced, synced

SCHEMA = 1
ARRAYS = {"values": "<u4", "starts": "<i8", "keys": "<u4", "rows": "<i4"}
_AGAIN = "build it anew with index(signatures, folder=...), or run again the command that made it"


def saved(path: Path, blocks: Iterable[NDArray[Any]], shape: tuple[int, ...]) -> None:
    """A .npy file out of blocks of rows, synced: the whole need not fit into memory."""
    dtype = np.dtype(ARRAYS[path.name.split("-")[0]])
    with plain_errors(path.parent), path.open("wb") as file:
        header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            np.ascontiguousarray(block, dtype=dtype).tofile(file)
        file.flush()
        os.fsync(file.fileno())


def mapped(path: Path) -> NDArray[Any]:
    """The array of a .npy file, read from the disk where it is touched."""
    # "c": nobody writes, but a kernel takes it for the same type of array as one in memory
    try:
        found = np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))
    except (OSError, ValueError, EOFError, SyntaxError, TokenError) as error:  # numpy evaluates the header
        raise WorkspaceError(f"{path} is torn: its header cannot be read; {_AGAIN}") from error
    if found.dtype != np.dtype(ARRAYS[path.name.split("-")[0]]) or not found.flags.c_contiguous:
        raise WorkspaceError(f"{path} is torn: it holds {found.dtype} in an order that was not written; {_AGAIN}")
    return found


def unused(folder: Path) -> int:
    """A number that no file of the folder carries: an earlier writing, even a killed one, is never written over."""
    ends = [path.stem.rpartition("-")[2] for path in folder.glob("*-*")]
    return 1 + max((int(end) for end in ends if end.isdecimal()), default=0)


def committed(folder: Path, number: int, accounts: pl.DataFrame, said: dict[str, Any]) -> None:
    """The files of this number become the index: accounts written, `index.json` replaced, earlier files gone."""
    table = folder / f"accounts-{number}.parquet"
    with plain_errors(folder):
        accounts.write_parquet(table)
        synced([table])
        paths = [*(folder / f"{name}-{number}.npy" for name in ARRAYS), table]
        files = {path.name: {"bytes": path.stat().st_size, "sha256": of_file(path)} for path in paths}
        synced([folder])
        whole = {"schema": SCHEMA, "number": number, **said, "files": files}
        replaced(folder / "index.json", (json.dumps(whole, indent=1) + "\n").encode())
        for name in (*ARRAYS, "accounts"):
            for path in folder.glob(f"{name}-*"):
                if path not in paths:
                    path.unlink()  # who has it mapped keeps it until they let go


def checked(folder: Path, *, verified: bool) -> dict[str, Any]:
    """What `index.json` says, once every file it names is there whole; WorkspaceError tells all faults at once."""
    path = folder / "index.json"
    try:
        said = json.loads(path.read_text())
    except FileNotFoundError:
        raise WorkspaceError(f"there is no index in {folder}: index.json is missing; {_AGAIN}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise WorkspaceError(f"{path} cannot be read: {error}; {_AGAIN}") from error
    if not isinstance(said, dict) or not isinstance(said.get("schema"), int):
        raise WorkspaceError(f"{path} is no index: it names no schema; {_AGAIN}")
    if said["schema"] > SCHEMA:
        raise WorkspaceError(
            f"the index in {folder} has schema {said['schema']}, and this version reads up to {SCHEMA}: take a newer one"
        )
    due = {"number", "hashes", "bands", "seed", "accounts", "entries", "set_aside", "files"}
    if missing := sorted(due - said.keys()):
        raise WorkspaceError(f"{path} is torn: {', '.join(missing)} missing; {_AGAIN}")
    files: dict[str, dict[str, Any]] = said["files"]
    if odd := list(_odd(said, files)):
        raise WorkspaceError(f"{path} is torn: {', '.join(odd)} cannot be; {_AGAIN}")
    if faults := [fault for name, due in files.items() if (fault := _fault(folder / name, due, verified))]:
        raise WorkspaceError(f"the index in {folder} is torn: {'; '.join(faults)}; {_AGAIN}")
    return said


def fitting(said: dict[str, Any], found: dict[str, NDArray[Any]], known: pl.DataFrame) -> None:
    """Raises ValueError where the arrays are not those of the index that `index.json` describes.

    The kernels trust where bands begin: a wrong one would have them read beyond the end.
    """
    entries, starts = said["entries"], found["starts"]
    due = {"values": (said["accounts"], said["hashes"]), "starts": (said["bands"] + 1,)}
    due |= {"keys": (entries,), "rows": (entries,)}
    if wrong := [name for name, shape in due.items() if found[name].shape != shape]:
        raise ValueError(f"{', '.join(wrong)} of another shape than index.json says")
    if (
        not said["bands"]
        or said["hashes"] % said["bands"]
        or starts[0]
        or starts[-1] != entries
        or (starts[1:] < starts[:-1]).any()
    ):
        raise ValueError("its bands do not follow one another")
    if known.height != said["accounts"] or sum(known.null_count().row(0)):
        raise ValueError(f"{known.height} accounts, not {said['accounts']}, or some without a name")


@contextmanager
def whole(folder: Path) -> Iterator[None]:
    """What cannot be read of an index as one line: WorkspaceError."""
    try:
        yield
    except (
        OSError,
        ValueError,
        TypeError,
        OverflowError,
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
    ) as error:
        why = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise WorkspaceError(f"the index in {folder} is torn: {why}; {_AGAIN}") from error


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder, made where it is not there, for one writer at a time; WorkspaceError for a second one."""
    import fcntl

    with plain_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WorkspaceError(f"another process writes the index in {folder}: wait for it") from error
        yield


@contextmanager
def plain_errors(folder: Path) -> Iterator[None]:
    """A full disk or a forbidden folder as one line: WorkspaceError."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(
            f"the index could not be written to {folder}: {error.strerror or error}; what was there is intact"
        ) from error


def _odd(said: dict[str, Any], files: Any) -> Iterator[str]:
    """What of an index's record is of another form than was written."""
    yield from (
        name
        for name in ("number", "hashes", "bands", "seed", "accounts", "entries")
        if not isinstance(said[name], int) or isinstance(said[name], bool) or (said[name] < 0 and name != "seed")
    )
    names = {f"{name}-{said['number']}.npy" for name in ARRAYS} | {f"accounts-{said['number']}.parquet"}
    due = {"bytes": int, "sha256": str}
    if (
        not isinstance(files, dict)
        or set(files) != names
        or any(not isinstance(one, dict) or {k: type(v) for k, v in one.items()} != due for one in files.values())
    ):
        yield "files"


def _fault(path: Path, due: dict[str, Any], verified: bool) -> str | None:
    if not path.is_file():
        return f"{path.name} is missing"
    if (size := path.stat().st_size) != due["bytes"]:
        return f"{path.name} has {size} bytes, not {due['bytes']}"
    return f"{path.name} has other bytes than were written" if verified and of_file(path) != due["sha256"] else None
