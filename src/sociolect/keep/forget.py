"""One person taken out of a workspace: rows, texts, caches and pages; adapters that may have learnt from them are marked stale."""

import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect import forgotten
from sociolect.errors import InputError
from sociolect.keep import forget_journal
from sociolect.keep.forget_files import traced
from sociolect.keep.forget_steps import done, fates, tables
from sociolect.load.key import read_key
from sociolect.load.pseudonyms import pseudonym
from sociolect.points import point
from sociolect.record import standing_run, write_run
from sociolect.traces import PSEUDONYM, RUN, Traces, marks, traces
from sociolect.workspace import held, seal

_OWN = {"run.json", "forgotten.json", "SHA256SUMS", ".lock"}
_BOOKS = {".sqlite", ".sqlite3", ".db"}
_PLACES = {"place": pl.String, "done": pl.String, "rows": pl.Int64, "why": pl.String}


class Forgotten(NamedTuple):
    """What was done where (place, done, rows, why), and the files of data outside the workspace, which are left as they are."""

    places: pl.DataFrame
    outside: tuple[str, ...]
    dry: bool


def forget(
    folder: Path,
    person: str,
    *,
    key: bytes | Path | None = None,
    keep: Collection[str] = (),
    words: int = RUN,
    dry: bool = False,
) -> Forgotten:
    """What was deleted of a person, by place; with `dry` what would be. The workspace holds no trace of them afterwards.

    `person` is the name as the data have it (with its scope where names have one: `team/ada`) or the pseudonym; `key` is the
    key of the pseudonyms, or the file it lies in. A trace is the pseudonym, the name as a word, an id of their posts, or `words` of
    their words in a row, whoever says them. Tables lose the rows with a trace. Replies of models, and numbers about them, go
    with their whole step, since no step tells what its model saw; `keep` names steps of which you know that it saw nothing
    of theirs. Weights are marked stale. The page and its tables go: the next run writes them anew. Calls in the
    journal go likewise: it does not tell what a call showed. `forgotten.json` keeps a keyed digest, so that a run that loads the data again leaves the person out.

    Killed halfway, the same call finishes. Raises InputError where the workspace holds nobody of that name, WorkspaceError
    where it is in use or torn. What a disk keeps of deleted files, snapshots and copies is not reached.
    """
    folder = Path(folder)
    run = standing_run(folder)
    with held(folder):
        register = forgotten.read(folder)
        # Whoever was forgotten by fewer words in a row stays so: data that are loaded again know one number.
        words = min(words, register.run) if register.people else words
        ids, names = _who(person, key)
        marked = {i for i in ids if register.digest(i) in register.people}
        # A first pass that was killed may have deleted what shows that models saw the posts.
        begun = any(register.digest(i) in register.begun for i in ids)
        known = traces(tables(folder), ids, names, run=words)
        derived = begun or bool(known.posts or known.runs or known.whole)
        due = fates(folder, known, derived=derived, keep=keep)
        if not (due or marked or derived or _elsewhere(folder, known)):
            raise InputError(
                f"{folder} holds nobody of that name: give the name as the data write it, or the pseudonym, and the key file "
                "that the data were loaded with"
            )
        pages, books = _pages(folder, known), _books(folder)
        told = [(str(f.folder.relative_to(folder)), f.done, f.rows, f.why) for f in due]
        told += [(str(p.relative_to(folder)), "removed", None, why) for p, why in pages]
        outside = tuple(sorted(str(p) for p in run.get("inputs") or {}))
        if dry:
            told += [
                (str(b.relative_to(folder)), "cut", n, "calls")
                for b in books
                if (n := forget_journal.doomed(b, known, keep=keep, derived=derived))
            ]
            return Forgotten(pl.DataFrame(told, schema=_PLACES, orient="row"), outside, dry=True)
        prints = frozenset(map(register.digest, ids))
        register = replace(register, people=register.people | prints, begun=register.begun | prints, run=words)
        forgotten.write(folder, register)
        point("forget marked")
        # The run is no longer what its record says; whoever looks is told to run it again.
        write_run(folder, _without(run, known) | {"finished": False})
        for path, _ in pages:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        point("forget pages")
        for book in books:
            if count := forget_journal.purge(book, known, keep=keep, derived=derived):
                told.append((str(book.relative_to(folder)), "cut", count, "calls"))
        point("forget journal")
        for fate in due:
            done(fate, known, register)
            point("forget step")
        forgotten.write(folder, replace(register, begun=register.begun - prints))
        point("forget sums")
        seal(folder)
    return Forgotten(pl.DataFrame(told, schema=_PLACES, orient="row"), outside, dry=False)


def _who(person: str, key: bytes | Path | None) -> tuple[set[str], set[str]]:
    """The ids that may stand for the person, and the names."""
    if not person.strip():
        raise InputError("nobody is named: give the name as the data write it, or the pseudonym")
    if PSEUDONYM.fullmatch(person):
        return {person}, set()
    secret = key if isinstance(key, bytes) else read_key(key)
    bare = person.removeprefix("@").removeprefix("/").removeprefix("u/")
    # A handle that wrote nothing has the pseudonym of its lower-case spelling.
    spelt = {person, bare, bare.lower()}
    names = {name.split("/", 1)[-1] for name in spelt}
    return {person, bare} | {pseudonym(name, secret) for name in spelt}, names


def _pages(folder: Path, known: Traces) -> list[tuple[Path, str]]:
    """What lies beside the steps and shows what was made of them: pages and their tables; other files that hold a trace."""
    found = []
    for home in [folder, *sorted(p for p in folder.rglob("branches/*") if p.is_dir() and p.parent.name == "branches")]:
        for path in sorted(home.iterdir()):
            if path.name in {"steps", "branches", *_OWN} or path.name[0] == "." or _book(path):
                continue
            if path.name in {"report.html", "tables"}:
                found.append((path, "out of date"))
            elif any(traced(p, known) for p in ([path] if path.is_file() else path.rglob("*")) if p.is_file()):
                found.append((path, "a trace in it"))
    # Whatever is hidden was on its way somewhere when a run was killed.
    found += [(p, "left by a killed run") for p in sorted(folder.rglob(".*")) if p.name not in _OWN]
    return found


def _book(path: Path) -> bool:
    return path.suffix in _BOOKS or any(
        path.name.endswith(f"{s}-{end}") for s in _BOOKS for end in ("wal", "shm", "journal")
    )


def _books(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix in _BOOKS and p.is_file())


def _elsewhere(folder: Path, known: Traces) -> bool:
    """Whether a trace stands outside the steps: on a page, in a journal, in the record of the run."""
    return any(
        traced(p, known) for p in folder.rglob("*") if p.is_file() and "steps" not in p.parts and not _book(p)
    ) or any(forget_journal.doomed(b, known, keep=(), derived=False) for b in _books(folder))


def _without(run: dict[str, Any], known: Traces) -> dict[str, Any]:
    """The record without its steps, of which some are gone, and without the name, should a keyword hold it."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {plain(k): plain(v) for k, v in value.items()}
        if isinstance(value, list):
            return [plain(v) for v in value]
        held = isinstance(value, str) and marks(pl.DataFrame({"text": [value]}), known).any()
        return "<forgotten>" if held else value

    said: dict[str, Any] = plain({k: v for k, v in run.items() if k not in {"steps", "journal"}})
    return said
