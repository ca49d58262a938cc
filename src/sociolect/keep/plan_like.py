"""What an earlier run took: its seconds, and how many calls that was for."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from sociolect.errors import UsageError, WorkspaceError


class Like(NamedTuple):
    """An earlier run: its folder's name, its seconds in all, and the calls it planned (None: it kept no plan)."""

    name: str
    seconds: float
    calls: float | None


def like_of(folder: Path, system: str, size: str) -> Like:
    """The run in that workspace. Raises WorkspaceError where there is none, or it did not finish, UsageError for another system or size."""
    run = record_of(folder)
    kept = run.get("system"), run.get("keywords", {}).get("size", "tiny")
    if kept != (system, size):
        raise UsageError(f"--like {folder} is a run of {kept[0]}, size {kept[1]}: due is one of {system}, size {size}")
    if not run.get("finished"):
        raise WorkspaceError(
            f"{folder} did not finish: what it took is not known; run it to its end, or leave --like out"
        )
    rows = (run.get("plan") or {}).get("calls")
    return Like(folder.name, seconds_of(folder, run), float(sum(r["calls"] for r in rows)) if rows else None)


def record_of(folder: Path) -> dict[str, Any]:
    """The workspace's run.json. Raises WorkspaceError where it is not there or torn."""
    try:
        said = json.loads((folder / "run.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"{folder} holds no readable run.json: name the workspace of a run") from error
    if not isinstance(said, dict):
        raise WorkspaceError(f"{folder}/run.json is torn: name the workspace of a run")
    return said


def seconds_of(folder: Path, run: dict[str, Any]) -> float:
    """What making took, whenever it was made: the run's own `seconds` where nothing was reused, else the sum of its steps'."""
    steps = [
        json.loads(p.read_text("utf-8")) for p in sorted(folder.rglob("step.json")) if not p.parent.name.startswith(".")
    ]
    whole = run.get("seconds")
    reused = any(isinstance(s, dict) and s.get("reused") for s in run.get("steps", {}).values())
    return (
        float(whole)
        if isinstance(whole, int | float) and not reused
        else float(sum(s.get("seconds", 0.0) for s in steps))
    )
