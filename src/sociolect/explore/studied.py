"""What a workspace holds that can be explored: a society and its communities, or one line that says what is missing."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, RefusedError, WorkspaceError
from sociolect.find.quality import one_each
from sociolect.find.ties import link
from sociolect.find.ties_shown import KINDS
from sociolect.fingerprint import fingerprint
from sociolect.frames import Members, Society
from sociolect.provenance import code, libraries
from sociolect.record import standing_run

LINKED = ("reply", "mention", "repost")  # what ties are made of where a society has none and the run named no kinds
F = TypeVar("F", bound=pl.DataFrame)


class Studied(NamedTuple):
    """A finished run's folder: where its frames lie, and a key that changes when one of them does."""

    folder: Path
    title: str
    kinds: tuple[str, ...]
    sensitive: bool
    society: Path
    members: Path
    lsh: Path | None
    key: str


def studied(folder: Path) -> Studied:
    """What lies in a workspace; no frame is read yet.

    Raises WorkspaceError where there is no workspace, its run is not finished, its record is torn or newer than this
    version, and RefusedError where the run found no communities.
    """
    run = _record(folder)
    steps = folder / "steps"
    society = next((steps / name for name in ("load", "society") if (steps / name).is_dir()), None)
    members = steps / "communities" / "frame.parquet"
    if society is None:
        raise RefusedError(
            f"{folder} holds no people, posts and ties: explore the workspace of a run that finds communities, like "
            "sociolect run community_fidelity or minhash_communities"
        )
    if not members.is_file():
        raise RefusedError(f"{folder} holds no communities (steps/communities): the run of {run['system']} found none")
    keywords: dict[str, Any] = run.get("keywords") or {}
    named = keywords.get("network")
    kinds = tuple(k for k in named if k in KINDS) if isinstance(named, list) else ()
    parts = [society / f"{part}.parquet" for part in ("people", "posts", "ties")]
    if lost := [str(p.relative_to(folder)) for p in parts if not p.is_file()]:
        raise WorkspaceError(f"{folder} lacks {', '.join(lost)}: run the same command again to make it anew")
    index = steps / "index"
    return Studied(
        folder,
        f"{folder.resolve().name} · {run['system']}",
        kinds or LINKED,
        keywords.get("sensitive") is True,
        society,
        members,
        index if index.is_dir() else None,
        _key([*parts, members], [society / "step.json", members.parent / "step.json"], kinds or LINKED),
    )


def society(found: Studied) -> Society:
    """The society of the workspace; where it has no ties, with those its posts show.

    Raises WorkspaceError for a torn file, InputError for one of another shape, RefusedError where nobody is tied.
    """
    people = _entered(found.society / "people.parquet", frames.people)
    posts = _entered(found.society / "posts.parquet", frames.posts)
    ties = _entered(found.society / "ties.parquet", frames.ties)
    whole = Society(people, posts, ties)
    if not ties.height:
        whole = replace(whole, ties=link(whole, found.kinds))
    if not whole.ties.filter(pl.col("source") != pl.col("target")).height:
        raise RefusedError(f"{found.folder} has no tie between two people, given or by {', '.join(found.kinds)}")
    return whole


def members(found: Studied) -> Members:
    """Who is in which community, everybody in one; errors as in `society`."""
    return one_each(_entered(found.members, frames.members))


def _record(folder: Path) -> dict[str, Any]:
    if folder.is_file():
        raise WorkspaceError(f"{folder} is a file: name the folder of a finished run, the workspace")
    run = standing_run(folder)
    if run.get("finished") is not True:
        raise WorkspaceError(f"the run in {folder} is not finished: run the same command again to go on, then explore")
    return run


def _entered(path: Path, door: Callable[[pl.DataFrame], F]) -> F:
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        said = " ".join(str(error).split())[:120]
        raise WorkspaceError(f"{path} is torn ({said}): delete its folder and run the same command again") from error
    try:
        return door(frame)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _key(parts: list[Path], records: list[Path], kinds: tuple[str, ...]) -> str:
    """A print of the steps and of the code: their own keys and the sizes of their files; without a step's key, the files' times."""
    made = [_made(record) for record in records]
    told: list[Any] = [kinds, made, _code()]
    for path in parts:
        stat = path.stat()
        told.append((path.name, stat.st_size, None if all(made) else stat.st_mtime_ns))
    return sha256(json.dumps(told).encode()).hexdigest()[:16]


def _made(record: Path) -> str | None:
    try:
        return str(json.loads(record.read_text(encoding="utf-8"))["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@cache
def _code() -> str:
    """A hash of the code that makes numbers, and of what prepares them here."""
    here = [(name, (Path(__file__).parent / name).read_text(encoding="utf-8")) for name in ("prepare.py", "layout.py")]
    return fingerprint([code(), here, libraries()])
