"""Measures over many texts: a source larger than memory, measured in parallel partitions, as parquet."""

import io
import json
import os
import re
import shutil
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.cluster.pool import Needs, handed
from sociolect.cluster.processes import handed_here
from sociolect.cluster.session import Cluster, session
from sociolect.errors import UsageError, WorkspaceError
from sociolect.fingerprint import fingerprint, of_file
from sociolect.measure import opened, slices
from sociolect.measure.partition import NOTE, Order, alone, let_go, scored
from sociolect.measure.slices import File, Span
from sociolect.provenance import code, libraries
from sociolect.settle import replaced
from sociolect.workspace import held

MANIFEST = "measured.json"
RUNTIME = 1_000_000_000  # ours: bytes that a worker takes with a partition of the default size and a small reader
_OURS = re.compile(
    r"part-\d{6}\.parquet|measured\.json|\.lock|\.part-\d{6}\.parquet\.\d+\.part|\.measured\.json\.\d+\.part"
)


def measured(
    source: str | Path,
    out: str | Path,
    measure: Any,
    *,
    rows: int = 50_000,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """A folder of parquet parts with the scores of every reply of the source, in the order of its rows.

    `pl.scan_parquet(out / "*.parquet")` reads them. `source` is a parquet file of replies, a folder of them, or a glob.
    `measure` takes replies and gives scores: a function of a module, or functools.partial of one over plain values, paths,
    whatever can be pickled, and readers that each worker opens for itself (`measure.opened.opened`). Each partition has so
    many `rows`, and goes through the door of replies by itself: the same key in two of them is not seen. It is measured on
    the cluster that is open, else by `workers` processes of this machine (None: one to a core; 1: this process); each
    holds one partition. The same bytes come out either way. `progress` is told the parts that stand, and how many are due.

    What stands is not made again; `measured.json` is written last: rows, scores, parts with their digests, and how many
    replies have no number, by reason. Raises InputError for a source that is not there, broken, empty or no replies;
    UsageError for a measure that cannot be sent; RefusedError for one that does not look at each reply alone, seen on a
    sample; WorkspaceError where `out` holds something else or cannot be written; ClusterError where there is no room.
    """
    out = Path(out)
    _checked(source, out, rows, workers)
    found = slices.files(source)
    parts = slices.partitions(found, rows)
    cluster = session()
    told = opened.sent(measure) if cluster else measure
    run = {
        "source": fingerprint([(file.digest, file.rows) for file in found]),
        "measure": opened.identity(measure),
        "rows": rows,
        "code": code(),
        "libraries": libraries(),
    }
    what = Order(opened.pickled(told), opened.identity(told, values=False), opened.name(measure), parts[0])
    _only_ours(out)
    fresh = not out.exists()
    with held(out):
        try:
            known = _known(out)
            due = [k for k in range(len(parts)) if not _stands(_part(out, k), run, known)]
            if due or not (out / MANIFEST).exists():
                _made(
                    out,
                    found,
                    parts,
                    due,
                    what=what,
                    run=run,
                    cluster=cluster,
                    workers=_workers(workers),
                    progress=progress,
                )
        finally:
            let_go()
            if fresh and not any(out.glob("*.parquet")):
                shutil.rmtree(out, ignore_errors=True)
    return out


def _made(
    out: Path,
    found: tuple[File, ...],
    parts: list[tuple[Span, ...]],
    due: list[int],
    *,
    what: Order,
    run: dict[str, Any],
    cluster: Cluster | None,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Makes the parts that are due and then the manifest."""
    if due:
        workers = min(workers, len(due))
        # parts that are torn go first: the manifest holds what they are known by
        for path in (*(_part(out, k) for k in due), out / MANIFEST):
            _written(path, None)
        schema = dict(_worked(cluster, alone, [what], workers=1))[0]
        if workers > 1:
            let_go()  # this process opened the readers for the sample, and measures nothing further
        left = set(range(len(due)))
        orders = [what._replace(part=parts[k], note={"part": k, "run": run}, schema=schema) for k in due]
        with closing(_worked(cluster, scored, orders, workers=workers)) as made:
            for n, content in made:
                slices.unchanged(found, parts[due[n]])
                _written(_part(out, due[n]), content)
                left.discard(n)
                if progress:
                    progress(len(parts) - len(left), len(parts))
    notes = [_note(_part(out, k)) for k in range(len(parts))]
    told = {
        "measure": what.name,
        "rows": sum(note["rows"] for note in notes),
        "scores": sum(note["scores"] for note in notes),
        "left_out": {reason: sum(note["left_out"][reason] for note in notes) for reason in notes[0]["left_out"]},
        "run": run,
        "parts": [
            {"name": at.name, "rows": note["rows"], "scores": note["scores"], "sha256": of_file(at)}
            for at, note in ((_part(out, k), note) for k, note in enumerate(notes))
        ],
    }
    _written(out / MANIFEST, json.dumps(told, indent=1).encode())


def _worked(cluster: Cluster | None, do: Any, orders: list[Order], *, workers: int) -> Generator[tuple[int, Any]]:
    """What the orders come to, wherever they are done. Workers of a cluster may not see the files: the rows go with the order."""
    if cluster is None:
        yield from handed_here(do, len(orders), orders.__getitem__, workers=workers, what=orders[0].name)
        return
    yield from handed(
        cluster, do, len(orders), lambda k: orders[k]._replace(rows=_bytes(orders[k].part)),
        needs=Needs(orders[0].name, memory=RUNTIME), ahead=0,
    )  # fmt: skip


def _bytes(part: tuple[Span, ...]) -> bytes:
    out = io.BytesIO()
    slices.read(part).write_ipc(out)
    return out.getvalue()


def _part(out: Path, k: int) -> Path:
    return out / f"part-{k:06}.parquet"


def _note(path: Path) -> dict[str, Any]:
    note: dict[str, Any] = json.loads(pl.read_parquet_metadata(path)[NOTE])
    return note


def _stands(path: Path, run: dict[str, Any], known: dict[str, str]) -> bool:
    """Whether a part of this very run stands whole. Raises WorkspaceError where it is of another."""
    try:
        note = _note(path)
    except (OSError, KeyError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return False  # not there, or torn
    if note["run"] != run:
        odd = ", ".join(name for name in run if note["run"].get(name) != run[name])
        raise WorkspaceError(
            f"{path.parent} holds scores of another run (other {odd}), and they stay: choose another folder, or delete this one"
        )
    return path.name not in known or of_file(path) == known[path.name]


def _known(out: Path) -> dict[str, str]:
    """The digests of the parts, where a run has come to its end."""
    try:
        return {part["name"]: part["sha256"] for part in json.loads((out / MANIFEST).read_text("utf-8"))["parts"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _checked(source: str | Path, out: Path, rows: int, workers: int | None) -> None:
    faults = [f"rows is {rows}, not 1 or more"] if rows < 1 else []
    if workers is not None and workers < 1:
        faults.append(f"workers is {workers}, not 1 or more")
    if Path(source).is_dir() and out.resolve().is_relative_to(Path(source).resolve()):
        faults.append(f"{out} lies in the source {source}: choose a folder beside it")
    if faults:
        raise UsageError("; ".join(faults))


def _only_ours(out: Path) -> None:
    """Nothing, or a WorkspaceError where the folder holds what no run of this kind writes."""
    if out.exists() and not out.is_dir():
        raise WorkspaceError(f"{out} is a file: choose a folder for the scores")
    if odd := sorted(p.name for p in out.iterdir() if not _OURS.fullmatch(p.name)) if out.is_dir() else []:
        more = f" and {len(odd) - 3} more" if len(odd) > 3 else ""
        raise WorkspaceError(
            f"{out} holds something else ({', '.join(odd[:3])}{more}): choose an empty or a new folder"
        )


def _workers(said: int | None) -> int:
    if said is not None:
        return said
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _written(path: Path, content: bytes | None) -> None:
    """Puts the content there, whole or not at all, and clears what a killed run has left; without content, nothing stands there."""
    try:
        for old in path.parent.glob(f".{path.name}.*.part"):
            old.unlink()
        if content is None:
            path.unlink(missing_ok=True)
        else:
            replaced(path, content)
    except OSError as error:
        raise WorkspaceError(
            f"{path} cannot be written ({error.strerror or error}); the parts that stand are whole: make room, and measure "
            "again"
        ) from error
