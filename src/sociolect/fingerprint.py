"""What a value is, in 64 hexadecimal digits: equal values have equal prints, in every process."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl


def fingerprint(value: Any) -> str:
    """The print of a frame, a path's content, a function's name, or any plain value made of these.

    >>> fingerprint({"b": 1, "a": [2.0, None]}) == fingerprint({"a": [2.0, None], "b": 1})
    True
    >>> fingerprint(pl.DataFrame({"a": [1]})) == fingerprint(pl.DataFrame({"a": [2]}))
    False
    """
    digest = sha256()
    _feed(digest.update, value)
    return digest.hexdigest()


def _feed(take: Callable[[bytes], None], value: Any) -> None:
    take(type(value).__name__.encode() + b"\x1e")
    match value:
        case None | bool() | int() | float() | str() | bytes():
            take(repr(value).encode())
        case pl.DataFrame():
            take(json.dumps([(c, str(t)) for c, t in value.schema.items()]).encode())
            for column in value.get_columns():
                take(_rows(column))
        case Path():
            # A path that is not there is a value too: whoever reads it says what is wrong.
            take(repr(of_folder(value) if value.is_dir() else of_file(value) if value.is_file() else "absent").encode())
        case dict():
            _feed(take, sorted((fingerprint(k), fingerprint(v)) for k, v in value.items()))
        case set() | frozenset():
            _feed(take, sorted(fingerprint(v) for v in value))
        case tuple() | list():
            take(str(len(value)).encode())
            for part in value:
                take(fingerprint(part).encode())
        case partial():
            _feed(take, (value.func, value.args, value.keywords))
        case _ if is_dataclass(value) and not isinstance(value, type):
            _feed(take, {f.name: getattr(value, f.name) for f in fields(value)})
        case _ if callable(value) and hasattr(value, "__qualname__") and "<lambda>" not in value.__qualname__:
            take(f"{value.__module__}.{value.__qualname__}".encode())
        case _:
            raise TypeError(
                f"a {type(value).__name__} has no fingerprint: pass a frame, a path, a named function or a plain value"
            )


def _rows(column: pl.Series) -> bytes:
    """A column's values in order, as bytes that do not depend on chunks or buffers."""
    if isinstance(column.dtype, pl.List | pl.Struct | pl.Array):
        return "\x1d".join(map(repr, column.to_list())).encode()
    # Two independent 64-bit hashes a row: a clash in both is beyond any study's size.
    return b"".join(column.hash(seed).to_numpy().tobytes() for seed in (17, 71))


def of_file(path: Path) -> str:
    """The SHA-256 of a file's content; raises FileNotFoundError where there is none."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def of_folder(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder that is no step record and no leftover, by relative name."""
    return {
        str(p.relative_to(folder)): of_file(p)
        for p in sorted(folder.rglob("*"))
        if p.is_file()
        and p.name not in {"step.json", "run.json"}
        and not any(q.startswith(".") for q in p.relative_to(folder).parts)
    }
