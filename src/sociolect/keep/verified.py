"""Whether a workspace still holds what it printed: every hash, and every number made again from raw rows."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import polars as pl

from sociolect import forgotten, systems
from sociolect.errors import SociolectError
from sociolect.fingerprint import of_file, of_folder
from sociolect.keep.again import located, placed_again, said
from sociolect.models.journal import journal, opened
from sociolect.provenance import code, versions
from sociolect.record import standing_run
from sociolect.report.page import write
from sociolect.workspace import JOURNAL, Workspace, held, unsealed

ROWS = {"what": pl.String, "state": pl.String, "detail": pl.String}


class Verified(NamedTuple):
    """One row for each thing held against its record: what, state (holds, note, not checked, differs, missing), detail."""

    rows: pl.DataFrame

    @property
    def holds(self) -> bool:
        """Whether nothing differs or is missing; what could not be checked is told, and is no fault."""
        return not self.rows["state"].is_in(["differs", "missing"]).any()


def verified(folder: Path, *, recompute: bool = True, say: Callable[[str], None] = lambda _: None) -> Verified:
    """Hashes first, then numbers: the study is made again beside the workspace, and every table and the page are compared.

    Raw rows are what was loaded, what was learnt (weights) and what models answered: those are read as they stand, answers
    from the journal alone, so nothing is asked or paid for. Data are loaded anew where their files still are what they were;
    where they are not, what was made of them on the way (an index, a form) is read as it stands too.
    `recompute=False` looks at hashes only. Raises WorkspaceError where there is no workspace, or another process holds it.
    """
    run = standing_run(folder)
    # Where nobody may write there is nobody to wait for, and the study is made again elsewhere.
    with held(folder) if os.access(folder, os.W_OK) else nullcontext():
        for left in folder.glob(".verify-*"):  # of one that was killed
            shutil.rmtree(left, ignore_errors=True)
        rows = list(_hashes(folder))
        rows += list(_journal(folder, run))
        if run.get("finished") is not True:
            rows.append(
                ("the run", "missing", "it is not finished, so nothing it shows was checked: sociolect resume goes on")
            )
        elif recompute:
            rows += _numbers(folder, run, say)
    return Verified(pl.DataFrame(rows, ROWS, orient="row"))


def _hashes(folder: Path) -> Iterator[tuple[str, str, str]]:
    try:
        lines = (folder / "SHA256SUMS").read_text("utf-8", "surrogateescape").split("\n")
    except OSError:
        yield "SHA256SUMS", "missing", "the run has not ended, or the file was removed"
        return
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines if line)}
    seen = {name: digest for name, digest in of_folder(folder).items() if not unsealed(name)}
    for name, digest in sorted(listed.items()):
        if name not in seen:
            yield name, "missing", "listed in SHA256SUMS"
        elif seen[name] != digest:
            yield name, "differs", "its bytes are not those that were written"
    yield from ((n, "note", "not written by the run") for n in sorted(seen.keys() - listed.keys()))
    whole = sum(seen.get(name) == digest for name, digest in listed.items())
    yield "hashes", "holds" if whole == len(listed) else "differs", f"{whole} of {len(listed)} files are as written"


def _journal(folder: Path, run: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    said = run.get("journal")
    if not said:
        return
    noted = said.get("calls")
    if not (folder / JOURNAL).is_file():
        yield JOURNAL, "missing", f"{noted} calls were noted"
        return
    with opened(folder / JOURNAL, replay=True) as book:
        same, count = book.digest() == said.get("digest"), book.count()
    yield JOURNAL, "holds" if same else "differs", f"{count} calls stand in it, {noted} were noted"


def _numbers(folder: Path, run: dict[str, Any], say: Callable[[str], None]) -> list[tuple[str, str, str]]:
    changed = [
        name
        for name, digest in (run.get("inputs") or {}).items()
        if not (path := located(folder, run, name)).is_file() or of_file(path) != digest
    ]
    lost = [
        w for k, w in run["keywords"].items() if k in (run.get("paths") or {}) and not located(folder, run, w).exists()
    ]
    changed += [w for w in lost if w not in changed]
    # Weights cost hours and are what was learnt; whatever else a step holds follows from raw rows, so it is made again.
    taken = {"clock", *({"files", "society"} if changed else {"weights"})}
    # Forgetting cuts more than loading leaves out: it also knows what the steps held of the person's words.
    taken |= {"society"} if (cut := (folder / forgotten.FILE).exists()) else set()
    rows = [
        (n, "not checked", "the file is gone or has changed: what was loaded of it is read from the workspace")
        for n in changed
    ]
    if cut:
        rows.append(("people", "note", "somebody was forgotten: what was loaded is read as it stands, without them"))
    if run.get("code") != code():
        by = (run.get("versions") or {}).get("sociolect")
        rows.append(("code", "note", f"made by sociolect {by}, other code than this"))
    for library, used in (run.get("versions") or {}).items():
        if (now := versions().get(library)) != used and library != "sociolect":
            rows.append((library, "note", f"{used} then, {now} now"))
    beside = folder if os.access(folder, os.W_OK) else None
    with (
        TemporaryDirectory(prefix=".verify-", dir=beside) as made,
        journal(folder / JOURNAL, replay=True),
        placed_again(run),
    ):
        again = Path(made)
        try:
            card = systems.find(run["system"])
            work = Workspace(again, say, raw=folder, taken=frozenset(taken))
            write(card.run(work, **said(folder, run)), again / "report.html")
        except SociolectError as error:
            return [*rows, ("numbers", "differs", f"they cannot be made again: {error}")]
        rows += _steps(again, folder)
        rows += _pages(again, folder)
    return rows


def _steps(again: Path, folder: Path) -> Iterator[tuple[str, str, str]]:
    paths = [p for p in sorted(again.rglob("*")) if p.suffix in {".parquet", ".npy"} and "steps" in p.parts]
    raw = {p for p in paths if (other := _other(p, again, folder)) and p.samefile(other)}
    made = [p for p in paths if p not in raw]
    wrong = [str(p.relative_to(again)) for p in made if not _alike(p, _other(p, again, folder))]
    yield from ((name, "differs", "made again, its rows are others") for name in wrong)
    stood = f"; read as they stand: {len(raw)}" if raw else ""
    yield (
        "steps",
        "differs" if wrong else "holds",
        f"{len(made) - len(wrong)} of {len(made)} tables came out the same{stood}",
    )


def _other(path: Path, again: Path, folder: Path) -> Path | None:
    """The file of the workspace that was made again as this one; None where there is none."""
    other = folder / path.relative_to(again)
    if other.is_file():
        return other
    # An index that was written anew carries the number of its writing in its files' names.
    stem, mark, number = path.stem.rpartition("-")
    twins = [p for p in other.parent.glob(f"{stem}-*{path.suffix}") if mark and number.isdecimal()]
    return twins[0] if len(twins) == 1 else None


def _alike(one: Path, other: Path | None) -> bool:
    try:
        if other is None or one.suffix == ".npy":
            return other is not None and of_file(one) == of_file(other)
        return pl.read_parquet(one).equals(pl.read_parquet(other))
    except (OSError, pl.exceptions.PolarsError):
        return False


def _pages(again: Path, folder: Path) -> Iterator[tuple[str, str, str]]:
    tables = {p.relative_to(at) for at in (again, folder) for p in at.glob("tables/*.csv")}
    names = [*sorted(tables), Path("report.html")]
    wrong = [n for n in names if _bytes(again / n) != _bytes(folder / n)]
    yield from ((str(n), "differs", "made again from raw rows, it says something else") for n in wrong)
    yield (
        "printed numbers",
        "differs" if wrong else "holds",
        f"{len(names) - len(wrong)} of {len(names)} files came out the same",
    )


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
