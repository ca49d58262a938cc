"""From files to a society: a planted graph of follows, a network's edges, or a table of posts."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, UsageError, unknown
from sociolect.find.declared import declared
from sociolect.find.largest_component import largest_component
from sociolect.frames import Members, Society
from sociolect.load.network import network
from sociolect.load.planted_follows import planted_follows
from sociolect.load.table import table
from sociolect.workspace import Workspace

ENDS = ("source", "target", "weight", "kind", "time", "sentiment", "person")
ROLES = (
    "post", "person", "text", "thread", "parent", "time", "kind", "topic", "community", "scope",
    "tie_source", "tie_target", "tie_kind", "tie_weight",
)  # fmt: skip
FORMS = (".csv", ".tsv", ".jsonl", ".parquet", ".gml", ".graphml", ".mat")


def loaded(
    workspace: Workspace,
    step: str,
    *,
    ties: Path | None,
    posts: Path | None,
    people: Path | None,
    columns: Mapping[str, str],
    keep: tuple[str, ...],
    mutual: bool,
    connected: bool,
    keep_ids: str,
    plant: Mapping[str, Any],
) -> Society:
    """The society of a table of posts, of a network's files, or a planted one, made as the named step.

    Raises UsageError for keywords that go with another source, and for a role no column can have.
    """
    if posts is None and ties is None:
        if people is not None or columns or mutual or connected or keep or keep_ids:
            raise UsageError(
                "--columns, --people, --keep, --mutual, --connected and --keep-ids describe data of your own: name them with --ties or --posts"
            )
        return workspace.society(step, planted_follows, **plant)
    if plant["null"]:
        raise UsageError("--null is about the planted graph: it does not go with --ties or --posts")
    roles = ENDS if posts is None else ROLES
    if strange := sorted(set(columns) - set(roles)):
        raise unknown("role of a column", strange[0], roles)
    if posts is not None:
        if people is not None:
            raise UsageError("--people goes with --ties: what a table of posts says of people rides along with --keep")
        if mutual or connected:
            raise UsageError("--mutual and --connected go with --ties: the ties of posts are built after they are read")
        return workspace.society(step, table, posts, ties=ties, keep=keep, keep_ids=keep_ids, **columns)
    assert ties is not None  # one of the two is given
    return workspace.society(
        step, of_network, among(ties), connected=connected, people=people, keep=keep, mutual=mutual, keep_ids=keep_ids,
        **columns,
    )  # fmt: skip


def of_network(files: list[Path], *, connected: bool, **keywords: Any) -> Society:
    """The network of the files, whole or its largest connected component."""
    society = network(files, **keywords)
    return largest_component(society) if connected else society


def among(path: Path) -> list[Path]:
    """The file, or the network files of a folder in the order of their names; InputError where a folder holds none."""
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.iterdir() if p.name.removesuffix(".gz").endswith(FORMS))
    if not found:
        raise InputError(f"{path} holds no network: due are files that end in {', '.join(FORMS)} (also .gz)")
    return found


def truth_of(society: Society, column: str) -> Members:
    """The communities that a column declares, or several columns of the people joined by `+`: null where one is null.

    A column of posts declares what most of a person's posts say, as `find.declared` has it. Raises UsageError for a column
    that is not there.

    >>> crowd = pl.DataFrame({"person": ["a", "b", "c"], "school": ["x", "y", "y"], "dorm": ["1", "1", None]})
    >>> society = Society(frames.people(crowd), frames.posts(frames.empty("posts")), frames.ties(frames.empty("ties")))
    >>> truth_of(society, "school+dorm").select("person", "community").rows()
    [('a', 'x / 1'), ('b', 'y / 1')]
    """
    parts = [p.strip() for p in column.split("+")]
    if len(parts) == 1:
        return declared(society, column=parts[0])
    fit = [c for c in society.people.columns if c != "person"]
    for part in parts:
        if part not in fit:
            raise unknown("column of the people that could declare communities", part, fit)
    # a null in one part is a null in all, which declares nothing
    joined = pl.concat_str([pl.col(p).cast(pl.String) for p in parts], separator=" / ")
    made = society.people.select("person", **{column: joined})
    return declared(replace(society, people=frames.people(made)), column=column)
