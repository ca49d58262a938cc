"""A folder that remembers: each step of a study is made once, and read back after that.

A step lies under `steps/<name>/` with a `step.json` that says what it was made of. It is made under a temporary name, synced and
renamed, so a kill leaves either the whole step or none. It is made anew when its inputs, its keywords, the code of the
floors below the page, or the version of a library that computes numbers has changed.
"""

import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from sociolect import frames
from sociolect.errors import WorkspaceError
from sociolect.fingerprint import fingerprint, of_file, of_folder
from sociolect.frames import Society

SCHEMA = 1
LIBRARIES = (
    "polars",
    "numpy",
    "scipy",
    "scikit-learn",
    "igraph",
    "numba",
    "rapidfuzz",
    "torch",
    "transformers",
    "tokenizers",
    "peft",
)
F = TypeVar("F", bound=pl.DataFrame)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A study's folder. `say` is told each step's name as it begins, and nothing else; `above` is what it branches from."""

    folder: Path
    say: Callable[[str], None] = lambda _: None
    record: dict[str, dict[str, Any]] = field(default_factory=dict)
    above: "Workspace | None" = None

    def frame(
        self,
        name: str,
        door: Callable[[pl.DataFrame], F],
        make: Callable[..., pl.DataFrame],
        *inputs: Any,
        **keywords: Any,
    ) -> F:
        """The frame `make(*inputs, **keywords)`, from the folder when it stands there, through its own door either way."""

        def write(folder: Path) -> None:
            door(make(*inputs, **keywords)).write_parquet(folder / "frame.parquet")

        return door(pl.read_parquet(self._once(name, make, inputs, keywords, write) / "frame.parquet"))

    def society(self, name: str, make: Callable[..., Society], *inputs: Any, **keywords: Any) -> Society:
        """The society `make(*inputs, **keywords)`, likewise."""

        def write(folder: Path) -> None:
            made = make(*inputs, **keywords)
            for part in ("people", "posts", "ties", "set_aside"):
                getattr(made, part).write_parquet(folder / f"{part}.parquet")

        folder = self._once(name, make, inputs, keywords, write)
        people, posts, ties, set_aside = (
            pl.read_parquet(folder / f"{part}.parquet") for part in ("people", "posts", "ties", "set_aside")
        )
        return Society(frames.people(people), frames.posts(posts), frames.ties(ties), set_aside)

    def files(self, name: str, make: Callable[..., object], *inputs: Any, **keywords: Any) -> Path:
        """The folder that `make(*inputs, folder=..., **keywords)` writes into: a model, its adapters.

        What a killed `make` has left in it is there when the same step is made again, so that it can resume.
        """

        def write(folder: Path) -> None:
            make(*inputs, folder=folder, **keywords)

        return self._once(name, make, inputs, keywords, write)

    def branch(self, name: str) -> "Workspace":
        """A workspace below this one, for the same study with another knob.

        What the knob does not change is read back, not made again; so is what the branch made itself, an earlier time. A
        step of this workspace stands there as hard links where the disk has them: a step is never written in place.
        """
        below = Workspace(self.folder / "branches" / name, lambda step: self.say(f"{name}: {step}"), above=self)
        self.record[f"branches/{name}"] = below.record
        return below

    def _once(
        self,
        name: str,
        make: Callable[..., object],
        inputs: tuple[Any, ...],
        keywords: dict[str, Any],
        write: Callable[[Path], None],
    ) -> Path:
        due = {
            "made_by": fingerprint(make),
            "inputs": [fingerprint(i) for i in inputs],
            "keywords": {k: fingerprint(v) for k, v in sorted(keywords.items())},
            "code": code(),
            "libraries": libraries(),
        }
        key = sha256(json.dumps(due, sort_keys=True).encode()).hexdigest()
        folder, part = self.folder / "steps" / name, self.folder / "steps" / f".{name}.part"
        standing, begun = self._standing(name, key), time.monotonic()
        if standing is None:
            self.say(name)
        try:
            if standing is None:
                if (_read(part / "step.json") or {}).get("key") != key:
                    shutil.rmtree(part, ignore_errors=True)
                    part.mkdir(parents=True)
                    (part / "step.json").write_text(json.dumps({"key": key}))
                write(part)
                said = {"key": key, **due, "seconds": round(time.monotonic() - begun, 3), "bytes": _bytes(part)}
                (part / "step.json").write_text(json.dumps(said, indent=1))
            elif standing != folder:
                shutil.rmtree(part, ignore_errors=True)
                shutil.copytree(standing, part, copy_function=_linked)
            if standing != folder:
                _settle(part, folder)
        except OSError as error:
            raise WorkspaceError(
                f"step {name!r} could not be written to {folder}: {error.strerror or error}; earlier steps are intact: "
                "make room or choose another --out, and run again"
            ) from error
        self.record[name] = (_read(folder / "step.json") or {}) | {"reused": standing is not None}
        return folder

    def _standing(self, name: str, key: str) -> Path | None:
        """Where this very step stands made and whole: here, or in a workspace above."""
        folder = self.folder / "steps" / name
        said = _read(folder / "step.json") or {}
        if said.get("key") == key and said.get("bytes", {}).items() <= _bytes(folder).items():
            return folder
        return self.above._standing(name, key) if self.above else None


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target)


def _read(path: Path) -> dict[str, Any] | None:
    """A step's record; None where there is none or it is torn, so that the step is made again."""
    try:
        said = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None


def _bytes(folder: Path) -> dict[str, int]:
    """The sizes of a step's tables and arrays, to know a torn one by; not of what people may fill in, as a sheet or form."""
    paths = (p for p in folder.rglob("*") if p.suffix in {".parquet", ".npy", ".safetensors", ".json"})
    return {str(p.relative_to(folder)): p.stat().st_size for p in paths if p.name != "step.json"}


def _settle(part: Path, folder: Path) -> None:
    """Sync what was written and put it in its place in one rename."""
    for path in sorted(part.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old)
    else:
        part.rename(folder)


@cache
def code() -> str:
    """A hash of the code that makes numbers: every floor of the package except the page and the command line."""
    root = Path(__file__).parent
    made = (
        p
        for p in sorted(root.rglob("*.py"))
        if p.relative_to(root).parts[0] not in {"report", "cli", "cli.py", "explore"}
    )
    return fingerprint([(str(p.relative_to(root)), p.read_text()) for p in made if not p.name.startswith("test_")])


@cache
def libraries() -> dict[str, str]:
    """The installed versions of the libraries that compute; those not installed are left out."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """What the run stood on: bytes may differ on another machine, numbers should not."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None
    return {
        "machine": platform.machine(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "memory_bytes": memory,
    }


@contextmanager
def workspace(
    folder: Path, *, system: str, keywords: dict[str, Any], say: Callable[[str], None] = lambda _: None
) -> Iterator[Workspace]:
    """A workspace held by this process alone; on the way out `run.json` and `SHA256SUMS` say what lies in it.

    Raises WorkspaceError where the folder cannot be written, holds a newer schema, or another process holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("a+")
    except OSError as error:
        raise WorkspaceError(
            f"the workspace {folder} cannot be written: {error.strerror}; choose another with --out"
        ) from error
    with lock:
        _hold(lock, folder)
        earlier = _read(folder / "run.json") or {}
        if earlier.get("schema", SCHEMA) > SCHEMA:
            raise WorkspaceError(
                f"{folder}/run.json has schema {earlier['schema']}, newer than {SCHEMA}: upgrade sociolect, or choose another --out"
            )
        work = Workspace(folder, say)
        run: dict[str, Any] = {
            "schema": SCHEMA,
            "system": system,
            "keywords": {
                k: v if isinstance(v, str | int | float | bool | None) else str(v) for k, v in sorted(keywords.items())
            },
            "inputs": {str(v): of_file(v) for v in keywords.values() if isinstance(v, Path) and v.is_file()},
            "code": code(),
            "versions": {"python": sys.version.split()[0], "sociolect": version("sociolect"), **libraries()},
            "hardware": hardware(),
            "finished": False,
        }
        _write(folder / "run.json", run)
        yield work
        _write(folder / "run.json", run | {"steps": work.record, "finished": True})
        sums = "".join(
            f"{digest}  {name}\n" for name, digest in of_folder(folder).items() if name not in {"SHA256SUMS", ".lock"}
        )
        _replace(folder / "SHA256SUMS", sums)


def _hold(lock: Any, folder: Path) -> None:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise WorkspaceError(f"another process works in {folder}: wait for it, or choose another with --out") from error


def _write(path: Path, said: dict[str, Any]) -> None:
    _replace(path, json.dumps(said, indent=1, sort_keys=True) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write a small file whole: a reader sees the old one or the new one, never half."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
