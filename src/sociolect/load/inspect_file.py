"""What stands in an Inspect log file: what it says of its run, and its samples one by one; torn and hostile files are refused."""

import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sociolect.errors import InputError, needs

SUFFIXES = (".eval", ".json")
MOST = 1 << 28  # bytes of one unpacked part, ours: a sample with pictures has some millions
_TORN = (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error, EOFError)


def logs(paths: Sequence[str | Path]) -> list[Path]:
    """The logs, those of a folder by name; raises InputError where one is not there or is none."""
    out: list[Path] = []
    for path in map(Path, paths):
        found = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES) if path.is_dir() else [path]
        if not found or not found[0].is_file() or found[0].suffix not in SUFFIXES:
            raise InputError(f"{path.name}: due is an Inspect log that ends in .eval or .json, or a folder of them")
        out += found
    return out


def opened(path: Path) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """What a log says of its run, and its samples; a fault found while they are read is an InputError too."""
    try:
        if path.suffix == ".json":
            said = _json(path.read_bytes())
            samples = said.get("samples") if isinstance(said, dict) else None
        else:
            said, samples = _unzipped(path)
    except NotImplementedError:
        said, samples = _through_inspect(path)  # a compression that this Python does not have
    except _TORN as error:
        raise _broken(path, error) from error
    if not isinstance(said, dict) or not isinstance(held := said.get("eval"), dict) or not isinstance(held.get("model"), str) or not held["model"]:  # fmt: skip
        raise InputError(f"{path.name} is no Inspect log: it does not say which model was evaluated")
    if not isinstance(samples, list | Iterator):
        raise InputError(f"{path.name} holds no samples: it was run with --no-log-samples")
    return said, _each(path, samples)


def _each(path: Path, samples: Any) -> Iterator[dict[str, Any]]:
    try:
        # what is no table at all is a sample still: it is counted
        yield from (one if isinstance(one, dict) else {} for one in samples)
    except _TORN as error:
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> InputError:
    return InputError(f"{path.name} cannot be read as an Inspect log: {error or type(error).__name__}; `inspect log dump` shows whether it is whole")  # fmt: skip


def _unzipped(path: Path) -> tuple[Any, Iterator[Any]]:
    """A .eval log: a zip of header.json (of a run cut short: its start alone) and one file per sample and epoch."""
    with zipfile.ZipFile(path) as packed:
        names = packed.namelist()
        said = _part(packed, "header.json" if "header.json" in names else "_journal/start.json")
        parts = sorted({n for n in names if n.startswith("samples/") and n.endswith(".json")})
        if parts:
            _part(packed, parts[0])  # a compression that is not had here is met now, not half-way

    def each() -> Iterator[Any]:
        with zipfile.ZipFile(path) as packed:
            for name in parts:
                yield _part(packed, name)

    return said, each()


def _part(packed: zipfile.ZipFile, name: str) -> Any:
    if (size := packed.getinfo(name).file_size) > MOST:
        raise ValueError(f"{name} unpacks to {size:,} bytes, and {MOST:,} is the most")
    return _json(packed.read(name))


def _json(raw: bytes) -> Any:
    """What a file says; half a surrogate pair, which no text may hold, becomes a question mark."""
    said = json.loads(raw)
    return _told(said) if b"\\ud" in raw.lower() else said


def _told(said: Any) -> Any:
    if isinstance(said, str):
        return said.encode("utf-8", "replace").decode()
    if isinstance(said, dict):
        return {_told(k): _told(v) for k, v in said.items()}
    return [_told(one) for one in said] if isinstance(said, list) else said


def _through_inspect(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    try:
        from inspect_ai.log import read_eval_log
    except ImportError as error:
        raise needs(f"{path.name}, a packed log (`inspect log convert --to json` unpacks it),", "inspect") from error
    try:
        said = json.loads(read_eval_log(str(path), resolve_attachments=True).model_dump_json())
    except Exception as error:  # Inspect's unpackers raise what each of their libraries has
        raise _broken(path, error) from error
    return said, said.pop("samples") or []
