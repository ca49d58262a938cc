"""A folder that remembers: each step of a study is made once, and read back after that.

A step lies under `steps/<name>/` with a `step.json` that says what it was made of. It is made under a temporary name, synced and
renamed, so a kill leaves either the whole step or none. It is made anew when its inputs, its keywords, the code of the
floors below the page, or the version of a library that computes numbers has changed.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from sociolect import forgotten, frames
from sociolect.errors import WorkspaceError
from sociolect.fingerprint import fingerprint, of_file, of_folder
from sociolect.frames import Society
from sociolect.models.journal import Journal, journal, noted, using
from sociolect.models.placement import aside, placement
from sociolect.models.prices import Price
from sociolect.models.purse import Purse
from sociolect.points import point
from sociolect.provenance import code, hardware, libraries, peak_memory, versions
from sociolect.record import SCHEMA, mapping, paths, plain, read_run, write_run
from sociolect.settle import replaced, swapped

JOURNAL = "journal.sqlite"
_SOCIETY = ("people", "posts", "ties", "set_aside")
F = TypeVar("F", bound=pl.DataFrame)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A study's folder. `say` is told each step's name as it begins, and nothing else; `above` is what it branches from.

    Where numbers are made again to verify them, `raw` is the workspace that they are held against: its steps of the kinds
    `taken` (files, society, weights: the files with weights) are read from there as they stand. `book` is its journal.
    """

    folder: Path
    say: Callable[[str], None] = lambda _: None
    record: dict[str, dict[str, Any]] = field(default_factory=dict)
    above: "Workspace | None" = None
    raw: Path | None = None
    taken: frozenset[str] = frozenset()
    book: Journal | None = None

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

        return door(pl.read_parquet(self._once(("frame", name), make, inputs, keywords, write) / "frame.parquet"))

    def clocked(self, name: str, make: Callable[..., pl.DataFrame], *inputs: Any, **keywords: Any) -> pl.DataFrame:
        """The frame likewise, of what a clock measured: no second run measures the same, so `verify` reads it as it stands."""
        made = self._once(
            ("clock", name),
            make,
            inputs,
            keywords,
            lambda at: make(*inputs, **keywords).write_parquet(at / "frame.parquet"),
        )
        return pl.read_parquet(made / "frame.parquet")

    def society(self, name: str, make: Callable[..., Society], *inputs: Any, **keywords: Any) -> Society:
        """The society `make(*inputs, **keywords)`, likewise, without the people whom the workspace is to forget."""

        def write(folder: Path) -> None:
            made = forgotten.let_in(make(*inputs, **keywords), self.root)
            for part in _SOCIETY:
                getattr(made, part).write_parquet(folder / f"{part}.parquet")

        folder = self._once(("society", name), make, inputs, keywords, write)
        people, posts, ties, set_aside = (pl.read_parquet(folder / f"{part}.parquet") for part in _SOCIETY)
        return Society(frames.people(people), frames.posts(posts), frames.ties(ties), set_aside)

    def files(self, name: str, make: Callable[..., object], *inputs: Any, **keywords: Any) -> Path:
        """The folder that `make(*inputs, folder=..., **keywords)` writes into: a model, its adapters.

        What a killed `make` has left in it is there when the same step is made again, so that it can resume.
        """

        def write(folder: Path) -> None:
            make(*inputs, folder=folder, **keywords)

        return self._once(("files", name), make, inputs, keywords, write)

    @property
    def root(self) -> Path:
        """The folder of the workspace that this one branches from in the end."""
        return self.above.root if self.above else self.raw or self.folder

    def branch(self, name: str) -> "Workspace":
        """A workspace below this one, for the same study with another knob.

        What the knob does not change is read back, not made again; so is what the branch made itself, an earlier time. A
        step of this workspace stands there as hard links where the disk has them: a step is never written in place.
        """
        here, raw = self.folder / "branches" / name, self.raw / "branches" / name if self.raw else None
        below = Workspace(
            here, lambda step: self.say(f"{name}: {step}"), above=self, raw=raw, taken=self.taken, book=self.book
        )
        self.record[f"branches/{name}"] = below.record
        return below

    def _once(
        self,
        step: tuple[str, str],
        make: Callable[..., object],
        inputs: tuple[Any, ...],
        keywords: dict[str, Any],
        write: Callable[[Path], None],
    ) -> Path:
        kind, name = step
        due = {
            "made_by": fingerprint(make),
            "inputs": [fingerprint(i) for i in inputs],
            "keywords": {k: fingerprint(v) for k, v in sorted(keywords.items())},
            "code": code(),
            "libraries": libraries(),
            **aside(placement()),
        }
        key = sha256(json.dumps(due, sort_keys=True).encode()).hexdigest()
        folder, part = self.folder / "steps" / name, self.folder / "steps" / f".{name}.part"
        standing, begun = self._taken(kind, name) or self._standing(name, key), time.monotonic()
        if standing is None:
            self.say(name)
        try:
            if standing is None:
                if (mapping(part / "step.json") or {}).get("key") != key:
                    shutil.rmtree(part, ignore_errors=True)
                    part.mkdir(parents=True)
                    (part / "step.json").write_text(json.dumps({"key": key}))
                point("step")
                with using(self.book) if self.book else nullcontext(), noted(step=self._place(name)):
                    write(part)
                said = {"key": key, **due, "seconds": round(time.monotonic() - begun, 3), "bytes": _bytes(part)}
                (part / "step.json").write_text(json.dumps(said, indent=1))
                point("made")
            elif standing != folder:
                shutil.rmtree(part, ignore_errors=True)
                shutil.copytree(standing, part, copy_function=_linked)
            if standing != folder:
                swapped(part, folder)
        except OSError as error:
            raise WorkspaceError(
                f"step {name!r} could not be written to {folder}: {error.strerror or error}; earlier steps are intact: "
                "make room or choose another --out, and run again"
            ) from error
        self.record[name] = (mapping(folder / "step.json") or {}) | {"reused": standing is not None}
        return folder

    def _standing(self, name: str, key: str) -> Path | None:
        """Where this very step stands made and whole: here, or in a workspace above."""
        folder = self.folder / "steps" / name
        said = mapping(folder / "step.json") or {}
        if said.get("key") == key and said.get("bytes", {}).items() <= _bytes(folder).items():
            return folder
        return self.above._standing(name, key) if self.above else None

    def _taken(self, kind: str, name: str) -> Path | None:
        """Where a step stands that is not made again to verify it."""
        folder = self.raw / "steps" / name if self.raw else None
        if folder is None or not folder.is_dir():
            return None
        learnt = kind == "files" and "weights" in self.taken and any(folder.rglob("*.safetensors"))
        return folder if learnt or kind in self.taken else None

    def _place(self, name: str) -> str:
        """The step as the journal notes it: below the workspace that branches from no other."""
        return self.above._place(f"branches/{self.folder.name}/{name}") if self.above else name


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target)


def _bytes(folder: Path) -> dict[str, int]:
    """The sizes of a step's tables and arrays, to know a torn one by; not of what people may fill in, as a sheet or form."""
    paths = (p for p in folder.rglob("*") if p.suffix in {".parquet", ".npy", ".safetensors", ".json"})
    return {str(p.relative_to(folder)): p.stat().st_size for p in paths if p.name != "step.json"}


@contextmanager
def workspace(
    folder: Path,
    *,
    system: str,
    keywords: Mapping[str, Any],
    say: Callable[[str], None] = lambda _: None,
    purse: Purse | None = None,
    prices: Mapping[str, Price] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Iterator[Workspace]:
    """A workspace held by this process alone, with its journal open; at the end `run.json` and `SHA256SUMS` say what lies in it.

    `purse` and `prices` bound what its models may cost; `notes` go into `run.json` as they stand.
    Raises WorkspaceError where the folder cannot be written, holds a newer schema, another process holds it, or a forgetting
    in it was cut short.
    """
    with held(folder):
        read_run(folder)  # a newer schema is not written over
        if forgotten.read(folder).begun:
            # What stands may still hold them, and would be read back.
            raise WorkspaceError(
                f"somebody is to be forgotten in {folder}, and it was cut short: say sociolect forget again, of the same person"
            )
        with journal(folder / JOURNAL, purse=purse, prices=prices) as book:
            work = Workspace(folder, say, book=book)
            run: dict[str, Any] = {
                "schema": SCHEMA,
                "system": system,
                "keywords": plain(keywords),
                "paths": paths(keywords, folder),
                "inputs": {str(v): of_file(v) for v in keywords.values() if isinstance(v, Path) and v.is_file()},
                "code": code(),
                "versions": versions(),
                "hardware": hardware(),
                "placement": placement()._asdict(),
                "finished": False,
                **(notes or {}),
            }
            write_run(folder, run)
            gone = book.booked()  # what was spent before this run was stopped is spent
            if purse is not None:
                purse.settle(0.0, gone)
                purse.kept = book.hold
            try:
                yield work
            finally:
                if purse is not None:
                    book.booked(purse.spent)
            came = {"journal": {"calls": book.count(), "digest": book.digest()}, "peak_memory_bytes": peak_memory()}
        write_run(folder, run | {"steps": work.record, **came, "finished": True})
        seal(folder)


def seal(folder: Path) -> None:
    """Writes `SHA256SUMS`: the digest of every file of the workspace but the records and the journal, whose bytes hold times."""
    sums = (f"{digest}  {name}\n" for name, digest in of_folder(folder).items() if not unsealed(name))
    replaced(folder / "SHA256SUMS", "".join(sums).encode("utf-8", "surrogateescape"))


def unsealed(name: str) -> bool:
    """Whether a file of a workspace stands outside SHA256SUMS."""
    return name == "SHA256SUMS" or Path(name).name.startswith(JOURNAL)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder, made if need be, for this process alone; raises WorkspaceError where another holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("a+")
    except OSError as error:
        raise WorkspaceError(
            f"the workspace {folder} cannot be written: {error.strerror}; choose another with --out"
        ) from error
    with lock:
        _hold(lock, folder)
        yield


def _hold(lock: Any, folder: Path) -> None:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise WorkspaceError(f"another process works in {folder}: wait for it, or choose another with --out") from error
