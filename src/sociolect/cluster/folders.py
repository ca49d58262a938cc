"""Folders that workers read: in place where a node sees the same files, else sent there once and deleted at the end."""

import shutil
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from sociolect.fingerprint import fingerprint, of_folder

CHUNK = 64 * 2**20  # ours: bytes that travel at once
NOTES = frozenset({"card.json", "stale.json"})  # what is said of weights, and changes after models were asked

_inbox: list[Path] = []  # the one folder of this worker that is its own


class Parcel(NamedTuple):
    """A folder as a worker knows it: where it lies for who sent it, the sizes of its files, and the digest of their content."""

    path: str
    sizes: tuple[tuple[str, int], ...]
    key: str

    def here(self) -> Path:
        """The folder on this machine, with this very content. Raises AbsentError where it has to be sent first."""
        for folder in (Path(self.path), *(at / self.key / Path(self.path).name for at in _inbox)):
            if _sizes(folder) == self.sizes and content(folder) == self.key:
                return folder
        raise AbsentError(self)


class AbsentError(Exception):
    """A worker does not see a folder that it was told to read."""

    def __init__(self, parcel: Parcel) -> None:
        super().__init__(parcel)
        self.parcel = parcel


def parcel(folder: Path) -> Parcel:
    """The folder as it can be told to a worker."""
    return Parcel(str(folder.resolve()), _sizes(folder), content(folder))


def chunks(missing: AbsentError) -> Iterator[tuple[str, str, bytes]]:
    """The content of the folder that is missed, in pieces: where each goes below a worker's own folder, and its bytes."""
    folder, key = Path(missing.parcel.path), missing.parcel.key
    for name in sorted(str(p.relative_to(folder)) for p in _files(folder) if p.name != "stale.json"):
        with (folder / name).open("rb") as file:
            first = True
            while (some := file.read(CHUNK)) or first:
                yield f"{key}/{folder.name}/{name}", "wb" if first else "ab", some
                first = False


def received(place: str, mode: str, some: bytes) -> None:
    """Writes what came below this worker's own folder."""
    if not _inbox:
        _inbox.append(Path(tempfile.mkdtemp(prefix="sociolect-")))
    at = _inbox[0] / place
    at.parent.mkdir(parents=True, exist_ok=True)
    with at.open(mode) as file:
        file.write(some)


def emptied() -> None:
    """Deletes what came: adapters say much of those they learnt from."""
    while _inbox:
        shutil.rmtree(_inbox.pop(), ignore_errors=True)


def content(folder: Path) -> str:
    """The digest of what makes a folder's words: weights of gigabytes are read once for as long as no file changes."""
    return _content(folder, _state(folder))


def _state(folder: Path) -> frozenset[tuple[str, int, int]]:
    """The files of the folder, their sizes and the times they were written: a clock that goes backwards hides no change."""
    files = ((p, p.stat()) for p in folder.rglob("*") if p.is_file())
    return frozenset((str(p), at.st_size, at.st_mtime_ns) for p, at in files)


@lru_cache(maxsize=64)
def _content(folder: Path, state: frozenset[tuple[str, int, int]]) -> str:
    return fingerprint(sorted((name, digest) for name, digest in of_folder(folder).items() if name not in NOTES))


def _sizes(folder: Path) -> tuple[tuple[str, int], ...]:
    files = (p for p in _files(folder) if p.name not in NOTES)
    return tuple(sorted((str(p.relative_to(folder)), p.stat().st_size) for p in files))


def _files(folder: Path) -> list[Path]:
    """The files that count, as `of_folder` has it: a step's record may change while its weights are read."""
    return [
        p
        for p in folder.rglob("*")
        if p.is_file()
        and p.name not in {"step.json", "run.json"}
        and not any(q.startswith(".") for q in p.relative_to(folder).parts)
    ]
