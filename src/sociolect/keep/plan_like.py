"""What an earlier run took: its seconds, and how many calls that was for."""

from math import fsum
from pathlib import Path
from typing import NamedTuple

from sociolect.errors import UsageError, WorkspaceError
from sociolect.record import mapping, standing_run


class Like(NamedTuple):
    """An earlier run: its folder's name, its seconds in all, and the calls it planned (None: it kept no plan)."""

    name: str
    seconds: float
    calls: float | None


def like_of(folder: Path, system: str, size: str) -> Like:
    """The run in that workspace. Raises WorkspaceError where there is none, or it did not finish, UsageError for another system or size."""
    run = standing_run(folder)
    kept = run.get("system"), (run.get("keywords") or {}).get("size", "tiny")
    if kept != (system, size):
        raise UsageError(f"--like {folder} is a run of {kept[0]}, size {kept[1]}: due is one of {system}, size {size}")
    if not run.get("finished"):
        raise WorkspaceError(
            f"{folder} did not finish: what it took is not known; run it to its end, or leave --like out"
        )
    rows = (run.get("plan") or {}).get("calls")
    return Like(folder.name, seconds_of(folder), float(sum(r["calls"] for r in rows)) if rows else None)


def seconds_of(folder: Path) -> float:
    """The seconds that its steps took to make, whenever they were made; one that a branch shares counts once."""
    shown = (p for p in folder.rglob("step.json") if not any(q.startswith(".") for q in p.relative_to(folder).parts))
    said = {str(one.get("key") or path): one for path in sorted(shown) if (one := mapping(path))}
    return fsum(float(one.get("seconds") or 0.0) for one in said.values())
