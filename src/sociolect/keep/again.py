"""A run said again: its keywords as they were, its files where they lie now."""

from pathlib import Path
from typing import Any

from sociolect import arguments, systems


def located(folder: Path, run: dict[str, Any], name: str) -> Path:
    """A file that the run's keywords name: where it lies as seen from the workspace, else as it was said."""
    known = [folder / at for key, at in (run.get("paths") or {}).items() if (run["keywords"] or {}).get(key) == name]
    return next((path.resolve() for path in known if path.exists()), Path(name))


def said(folder: Path, run: dict[str, Any]) -> dict[str, Any]:
    """The keywords of a run, as its recipe takes them today; those it no longer knows are an error that names them."""
    words = {
        k: str(located(folder, run, v)) if k in (run.get("paths") or {}) else v for k, v in run["keywords"].items()
    }
    return arguments.keywords(systems.find(run["system"]), {k: v for k, v in words.items() if v is not None})
