"""A run said again: its keywords as they were, its files where they lie now."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sociolect import arguments, systems
from sociolect.fingerprint import of_file
from sociolect.models.placement import Placement, placed


def located(folder: Path, run: dict[str, Any], name: str) -> Path:
    """A file that the run's keywords name: where it lies as seen from the workspace, else as it was said.

    Where both are there, as beside a workspace that was moved, it is the one that still holds what it did.
    """
    known = [folder / at for key, at in (run.get("paths") or {}).items() if run["keywords"].get(key) == name]
    there = [path.resolve() for path in (*known, Path(name)) if path.exists()]
    due = (run.get("inputs") or {}).get(name)
    moved = len({*there}) > 1
    same = [path for path in there if moved and path.is_file() and of_file(path) == due]
    return next(iter([*same, *there]), Path(name))


def said(folder: Path, run: dict[str, Any]) -> dict[str, Any]:
    """The keywords of a run, as its recipe takes them today; those it no longer knows are an error that names them."""
    words = {
        k: str(located(folder, run, v)) if k in (run.get("paths") or {}) else v for k, v in run["keywords"].items()
    }
    return arguments.keywords(systems.find(run["system"]), {k: v for k, v in words.items() if v is not None})


def placed_again(run: dict[str, Any]) -> AbstractContextManager[Placement]:
    """Local models stand where they stood in the run: on the CPU in fp32, where its record says nothing."""
    kept = run.get("placement") or {}
    return placed(**{k: str(kept[k]) for k in Placement._fields if k in kept})
