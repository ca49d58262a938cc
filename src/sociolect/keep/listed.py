"""What there is: the workspaces below a folder, or the steps of one and what its calls cost."""

from pathlib import Path
from typing import Any

import polars as pl

from sociolect.errors import WorkspaceError
from sociolect.models.journal import opened
from sociolect.record import mapping, read_run, standing_run
from sociolect.workspace import JOURNAL

RUNS = {
    "workspace": pl.String, "system": pl.String, "size": pl.String, "state": pl.String, "steps": pl.Int64, "calls": pl.Int64,
    "price": pl.Float64, "unpriced": pl.Int64, "bytes": pl.Int64,
}  # fmt: skip
STEPS = {"step": pl.String, "seconds": pl.Float64, "rows": pl.Int64, "bytes": pl.Int64, "state": pl.String}


def workspaces(folder: Path) -> pl.DataFrame:
    """One row for each workspace below a folder, two levels deep: its system, state, steps, calls, money and bytes.

    `state` is finished, unfinished, or the fault that keeps it from being read. `price` sums the known prices; `unpriced`
    counts the calls whose price is unknown. Columns as in RUNS. Raises WorkspaceError where there is no folder.
    """
    if not folder.is_dir():
        raise WorkspaceError(f"{folder} is not there: give a workspace, or a folder of workspaces")
    found = sorted({p.parent for depth in ("run.json", "*/run.json", "*/*/run.json") for p in folder.glob(depth)})
    rows = []
    for at in found:
        try:
            run = read_run(at) or {}
            state = "finished" if run.get("finished") is True else "unfinished"
            paid = ledger(at)
        except WorkspaceError as error:
            run, state, paid = {}, str(error), ledger(None)
        size = (run.get("keywords") or {}).get("size")
        rows.append({
            "workspace": str(at.relative_to(folder)) if at != folder else ".",
            "system": run.get("system"),
            "size": None if size is None else str(size),
            "state": state,
            "steps": len(list(at.glob("steps/[!.]*/step.json"))),
            "calls": int(paid["calls"].sum()),
            "price": paid["price"].sum() if paid["price"].count() else None,
            "unpriced": int(paid["unpriced"].sum()),
            "bytes": size_of(at),
        })  # fmt: skip
    return pl.DataFrame(rows, RUNS)


def steps(folder: Path) -> pl.DataFrame:
    """One row for each step of a workspace, in the order made: seconds, rows of its table, bytes, and whether it stands whole.

    Raises WorkspaceError where there is no workspace.
    """
    standing_run(folder)
    rows = []
    for at in sorted(folder.glob("**/steps/*"), key=lambda p: p.stat().st_mtime_ns):
        if not at.is_dir():
            continue
        name = (
            str(at.relative_to(folder)).replace("steps/", "", 1)
            if at.parent.parent == folder
            else str(at.relative_to(folder))
        )
        said = _step(at)
        whole = all((at / n).is_file() and (at / n).stat().st_size == size for n, size in said.get("bytes", {}).items())
        begun = at.name.startswith(".")
        rows.append({
            "step": name,
            "seconds": said.get("seconds"),
            "rows": _rows(at / "frame.parquet"),
            "bytes": size_of(at),
            "state": "begun" if begun else "whole" if said and whole else "torn: made anew by the next run",
        })  # fmt: skip
    return pl.DataFrame(rows, STEPS)


def ledger(folder: Path | None) -> pl.DataFrame:
    """What a workspace's model calls took, by step and model (`Journal.totals`); no rows where it has no journal."""
    with opened(folder / JOURNAL if folder else Path(":memory:"), replay=True) as book:
        return book.totals()


def size_of(folder: Path) -> int:
    """The bytes below a folder; what a branch shares by a hard link counts once."""
    seen = {(s.st_dev, s.st_ino): s.st_size for p in folder.rglob("*") if p.is_file() and (s := p.stat())}
    return sum(seen.values())


def _step(folder: Path) -> dict[str, Any]:
    said = mapping(folder / "step.json") or {}
    return said if isinstance(said.get("bytes", {}), dict) else {}


def _rows(path: Path) -> int | None:
    try:
        return int(pl.scan_parquet(path).select(pl.len()).collect().item())
    except (OSError, pl.exceptions.PolarsError):
        return None
