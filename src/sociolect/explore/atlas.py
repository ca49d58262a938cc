"""A workspace ready to be explored: tables and memory-mapped arrays, prepared once and kept beside the run."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.errors import UsageError, WorkspaceError
from sociolect.explore import prepare, studied
from sociolect.explore.studied import Studied
from sociolect.settle import synced


@dataclass(frozen=True, eq=False, slots=True)
class Atlas:
    """What the explorer answers from. Account and community numbers are rows of `accounts` and `communities`; `lower` is a
    name as search reads it.

    `members` are account numbers, community by community, the best connected first; `neighbours` and `weights` hold the
    neighbours of account i at `starts[i]` to `starts[i + 1]`, the strongest first. `words` and `exemplars` are null
    where there are no posts, and quotes are none of a sensitive study.
    """

    found: Studied
    folder: Path
    k: int
    counts: dict[str, Any]
    accounts: pl.DataFrame
    communities: pl.DataFrame
    between: pl.DataFrame
    truths: pl.DataFrame
    words: pl.DataFrame | None
    exemplars: pl.DataFrame | None
    members: NDArray[np.int32]
    starts: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    weights: NDArray[np.float64]
    nodes: bytes
    edges: bytes

    def ties(self) -> pl.DataFrame:
        """All ties of the network, given or linked (columns source, target, kind, weight); WorkspaceError where they are gone."""
        try:
            return pl.read_parquet(self.folder / "ties.parquet")
        except (OSError, pl.exceptions.PolarsError) as error:
            raise WorkspaceError(
                f"{self.folder} was removed or changed while it is explored: end sociolect explore and start it again"
            ) from error


def atlas(folder: Path, *, k: int = 10, say: Callable[[str], None] = lambda _: None) -> Atlas:
    """The atlas of a workspace, out of its `explore/` folder where it was prepared before from the same steps.

    `say` is told what is being prepared. Nothing else of the workspace is written. Raises what `studied` raises, UsageError
    for a `k` below 2 or, in a sensitive study, below 10, and WorkspaceError where the folder cannot be written.
    """
    found = studied.studied(folder)
    least = 10 if found.sensitive else 2
    if k < least:
        raise UsageError(f"--k {k}: due is {least} or more{' in a sensitive study' if found.sensitive else ''}")
    # a name with a dot, for the sums of a later run do not count it
    place = folder / "explore" / f".atlas.k{k}-{found.key}"
    if place.is_dir():
        with suppress(OSError, ValueError, KeyError, pl.exceptions.PolarsError):  # torn: it is prepared anew
            return opened(found, place, k)
        shutil.rmtree(place, ignore_errors=True)
    society, members = studied.society(found), studied.members(found)

    def make(part: Path) -> None:
        prepare.prepare(society, members, k=k, folder=part, say=say)

    kept(place, make)
    return opened(found, place, k)


def kept(place: Path, make: Callable[[Path], None]) -> None:
    """Makes a folder under a name of its own and puts it in its place in one rename; older ones of its kind go.

    Two that make it at once both succeed. Raises WorkspaceError where it cannot be written.
    """
    try:
        place.parent.mkdir(exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=place.parent))
        try:
            make(part)
            synced(path for path in part.rglob("*") if path.is_file())
            try:
                part.rename(place)
            except OSError:
                if not place.is_dir():  # else another process was first: its folder is as good
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
        kind = place.name.rsplit("-", 1)[0]
        # what a killed process left half made is an hour old at least; a younger one may be another's at work
        left = [p for p in place.parent.glob(".part-*") if time.time() - p.stat().st_mtime > 3600]
        for old in [*left, *place.parent.glob(f"{kind}-*")]:
            if old != place:
                shutil.rmtree(old, ignore_errors=True)
    except (OSError, pl.exceptions.ComputeError) as error:  # polars says of a full disk either
        if isinstance(error, pl.exceptions.ComputeError) and "os error" not in str(error):
            raise
        said = getattr(error, "strerror", None) or " ".join(str(error).split())[:120]
        raise WorkspaceError(
            f"{place.parent} cannot be written: {said}; make room, or explore a copy of the workspace"
        ) from error


def opened(found: Studied, place: Path, k: int) -> Atlas:
    """The atlas that lies in a folder; raises OSError, ValueError or a polars error where a part is torn or missing."""
    accounts, communities, between, truths = (
        pl.read_parquet(place / f"{name}.parquet") for name in ("accounts", "communities", "between", "truths")
    )
    words, quotes = (
        pl.read_parquet(path) if (path := place / f"{name}.parquet").is_file() else None
        for name in ("words", "exemplars")
    )
    members, starts, neighbours, weights = (
        np.load(place / f"{name}.npy", mmap_mode="r") for name in ("members", "starts", "neighbours", "weights")
    )
    counts = json.loads((place / "counts.json").read_text())
    nodes, edges = ((place / f"{name}.bin").read_bytes() for name in ("nodes", "edges"))
    pl.read_parquet_schema(place / "ties.parquet")
    if any(len(b) != 4 + width * int.from_bytes(b[:4], "little") for b, width in ((nodes, 18), (edges, 8))):
        raise ValueError("the picture is cut")
    if counts["posts"] and (words is None or quotes is None):
        raise ValueError("the words are missing")
    return Atlas(
        found,
        place,
        k,
        counts,
        accounts.with_columns(lower=pl.col("account").str.to_lowercase()),
        communities.with_columns(lower=pl.col("name").str.to_lowercase()),
        between=between,
        truths=truths,
        words=words,
        exemplars=None if found.sensitive else quotes,
        members=members,
        starts=starts,
        neighbours=neighbours,
        weights=weights,
        nodes=nodes,
        edges=edges,
    )
