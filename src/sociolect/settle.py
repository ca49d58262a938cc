"""Files that stand whole or not at all: written under another name, synced, renamed."""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sociolect.points import point


def replaced(path: Path, content: bytes) -> None:
    """Puts `content` at `path`: a reader sees the old file or the new one, never half.

    Raises OSError where it cannot be written; what stood there is intact.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        point("write")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        point("rename")
        part.replace(path)
        synced([path.parent])
        point("renamed")
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def synced(paths: Iterable[Path]) -> None:
    """Hands files, and the folders that name them, to the disk, so that a power cut cannot undo them."""
    for path in paths:
        if path.is_dir() and os.name == "nt":  # Windows opens no folder
            continue
        point("sync")
        at = os.open(path, os.O_RDONLY)
        try:
            os.fsync(at)
        finally:
            os.close(at)


def swapped(part: Path, folder: Path) -> None:
    """Leaves a folder that was written under another name in its place, synced, in one rename; what stood there is removed."""
    inside = sorted(part.rglob("*"))
    synced([*(p for p in inside if p.is_file()), *(p for p in inside if p.is_dir()), part])
    point("rename")
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        point("between renames")
        part.rename(folder)
        shutil.rmtree(old)
    else:
        part.rename(folder)
    synced([folder.parent])
    point("renamed")
