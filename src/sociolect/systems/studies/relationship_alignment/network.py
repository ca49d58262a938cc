"""The network that tells how close people are, beside their pairs: who is in both, and what rides along to the regressions."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from sociolect.errors import RefusedError, UsageError, unknown
from sociolect.find.relations import relations
from sociolect.frames import Society
from sociolect.load.network import network
from sociolect.workspace import Workspace

ROLES = ("source", "target", "weight", "kind", "time", "sentiment")


def network_of(
    workspace: Workspace,
    path: Path | None,
    *,
    columns: Mapping[str, str],
    pairs: Path | None,
    ties: bool,
    declared: bool,
    anonymous: bool,
    keep_ids: str,
) -> Society | None:
    """The network that tells how close the people of the pairs are, under the same pseudonyms; None where none is named.

    Raises UsageError where something else tells it as well, or there are no pairs whose people it could name.
    """
    if path is None:
        if columns:
            raise UsageError("--network-columns names columns of --network: name that file too")
        return None
    if odd := [role for role in columns if role not in ROLES]:
        raise unknown("role of a column of a network", odd[0], ROLES)
    if pairs is None or anonymous:
        raise UsageError("--network names the people of --pairs: give these, with their commenters and posters")
    if twice := [name for name, said in (("--ties", ties), ("closeness=... in --columns", declared)) if said]:
        raise UsageError(f"--network and {' and '.join(twice)} each tell how close people are: leave all but one out")
    return workspace.society("network", network, path, **columns, keep_ids=keep_ids)


def within(society: Society, tied: Society) -> Society:
    """The society with the ties of the network in the place of its own; RefusedError where nobody is in both."""
    here, others = society.people["person"], tied.people["person"]
    if not here.is_in(others.implode()).any():
        raise RefusedError(
            f"none of {here.len()} people of --pairs is among the {others.len()} of --network: write ids alike in both"
        )
    return Society(society.people, society.posts, tied.ties)


def riders(known: pl.DataFrame, tied: Society | None = None) -> pl.DataFrame:
    """What went between the two people of each comment (item), to be regressed on with `--terms`.

    - tie_strength: log2(1 + what went either way); null where it is not told.
    - tie_reciprocity: the smaller way over the larger; null where there is no tie.
    - tie_sentiment: the mean of all that the two said to each other in the network, later too; null where nothing has one.

    >>> here = {"source": "a", "target": "b", "post": ["1", "2"], "given": [3.0, 0.0], "received": [4.0, 0.0]}
    >>> riders(pl.DataFrame(here)).rows()
    [('1', 3.0, 0.75), ('2', 0.0, None)]
    """
    low, high = pl.min_horizontal("given", "received"), pl.max_horizontal("given", "received")
    out = known.select(
        "source", "target", item="post", tie_strength=(1 + pl.col("given") + pl.col("received")).log(2),
        tie_reciprocity=pl.when(high > 0).then(low / high),
    )  # fmt: skip
    if tied is not None and "sentiment" in tied.ties.columns:
        pairs = relations(tied.ties).select("a", "b", tie_sentiment="sentiment")
        both = pl.concat(
            [pairs.rename({"a": "source", "b": "target"}), pairs.rename({"b": "source", "a": "target"})], how="diagonal"
        )
        out = out.join(both, on=["source", "target"], how="left", maintain_order="left")
    return out.drop("source", "target")
