"""A run said again: its keywords as they were, its files where they lie now."""

from pathlib import Path
from typing import Any

from sociolect import arguments, systems
from sociolect.fingerprint import of_file


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
