"""`run.json`: what a workspace says of itself, read in every schema there has been."""

import ast
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sociolect.errors import WorkspaceError
from sociolect.settle import replaced

SCHEMA = 2
# The user, the key or the query of an address: whoever says one has said a secret where none is due.
ADDRESS_WITH_KEY = re.compile(r"(?<=://)[^/\s@]+(?=@)|(?<=\?)[^#\s]*\w=[^#\s]+(?=#)")
_AGAIN = "move it away and say the run again with the same --out: steps and answers that stand are kept"


def read_run(folder: Path) -> dict[str, Any] | None:
    """The record of a workspace in today's schema; None where the folder has none.

    Raises WorkspaceError where it is torn, or newer than this version.
    """
    try:
        said: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise WorkspaceError(f"{folder}/run.json is torn ({error}): {_AGAIN}") from error
    schema = said.get("schema", 1) if isinstance(said, dict) else None
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise WorkspaceError(f"{folder}/run.json is torn (it is no record with a schema): {_AGAIN}")
    if schema > SCHEMA:
        raise WorkspaceError(
            f"{folder}/run.json has schema {schema}, newer than {SCHEMA}: upgrade sociolect, or choose another --out"
        )
    due = {
        "system": str,
        "keywords": dict,
        "steps": dict,
        "inputs": dict,
        "versions": dict,
        "paths": dict,
        "journal": dict,
        "placement": dict,
    }
    if odd := [k for k, kind in due.items() if not isinstance(said.get(k) or kind(), kind)]:
        raise WorkspaceError(f"{folder}/run.json is torn ({', '.join(odd)} of another type): {_AGAIN}")
    for past in range(schema, SCHEMA):
        said = MIGRATIONS[past](said)
    return said


def mapping(path: Path) -> dict[str, Any] | None:
    """What a JSON file of names and values says, as a step's record or a card; None where there is none or it is torn."""
    try:
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def standing_run(folder: Path) -> dict[str, Any]:
    """The record of a workspace that must be there; raises WorkspaceError where it is not."""
    run = read_run(folder)
    if run is None:
        what = "is no workspace (no run.json)" if folder.is_dir() else "is not there"
        raise WorkspaceError(f"{folder} {what}: give the folder of a run, as after sociolect run --out FOLDER")
    if not isinstance(run.get("system"), str):
        raise WorkspaceError(f"{folder}/run.json is torn (it names no system): {_AGAIN}")
    return run | {"keywords": run.get("keywords") or {}}


def write_run(folder: Path, run: Mapping[str, Any]) -> None:
    """Leaves the record in the folder, whole; the same record gives the same bytes. Raises WorkspaceError on a full disk."""
    try:
        replaced(folder / "run.json", (json.dumps(run, indent=1) + "\n").encode())
    except OSError as error:
        raise WorkspaceError(
            f"{folder}/run.json cannot be written: {error.strerror or error}; what stood there is intact: make room or "
            "choose another --out, and run again"
        ) from error


def plain(value: Any) -> Any:
    """A keyword as JSON holds it, so that it can be said again: a tuple is a list, a path its text.

    >>> plain({"network": ("reply", "mention"), "posts": Path("a.csv")})
    {'network': ['reply', 'mention'], 'posts': 'a.csv'}
    """
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    if isinstance(value, str):
        return ADDRESS_WITH_KEY.sub("[key]", value)  # it is refused when it is opened, and stands in no file till then
    return value if isinstance(value, int | float | bool | None) else str(value)


def paths(keywords: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Where the files of the keywords lie, as seen from the workspace: it may be resumed from any folder."""
    return {
        k: os.path.relpath(v.resolve(), folder.resolve())
        for k, v in keywords.items()
        if isinstance(v, Path) and v.exists()
    }


def _keywords_as_values(said: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 wrote what is no plain value as Python writes it: `('reply', 'mention')` is a list again."""

    def value(word: Any) -> Any:
        if not (isinstance(word, str) and word[:1] in "({[" and word[-1:] in ")}]"):
            return word
        try:
            return plain(ast.literal_eval(word))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return word

    return said | {"schema": 2, "keywords": {k: value(v) for k, v in (said.get("keywords") or {}).items()}}


# Each takes a record of its schema to the next.
MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _keywords_as_values}
