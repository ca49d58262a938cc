"""What an analyst takes along: the network as GraphML or GEXF, and the members, or what was grown, as a table."""

from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple

import polars as pl

from sociolect.errors import RefusedError, unknown
from sociolect.explore.answers import few, place
from sociolect.explore.atlas import Atlas
from sociolect.report.graph_files import gexf, graphml
from sociolect.text import cells

WHAT = ("graphml", "gexf", "members.csv", "members.parquet", "grown.csv", "grown.parquet")


class Export(NamedTuple):
    """A file to be saved: its name, its media type, its bytes in pieces."""

    name: str
    media: str
    pieces: Iterator[bytes]


def export(atlas: Atlas, what: str, *, community: str | None = None, grown: pl.DataFrame | None = None) -> Export:
    """The whole network or its members, or those of one community, or the last growth.

    The place of people in communities of fewer than k is null, with the reason in a column `withheld`; ids are the
    pseudonyms of the workspace. Of no person is a trait exported. Raises UsageError for another `what` or a community
    that is not there, RefusedError for one of fewer than k people and for a growth where nothing was grown.
    """
    what = f"{what}.csv" if what in {"members", "grown"} else what
    if what not in WHAT:
        raise unknown("export", what[:40], WHAT)
    if community is not None and place(atlas, community)["size"] < atlas.k:
        raise RefusedError(f"community {community!r} has {few(atlas)}: it is not exported")
    name, _, kind = what.rpartition(".")
    if name == "grown":
        if grown is None:
            raise RefusedError("nothing was grown yet: grow a community, then export it")
        return _table(grown, "grown", kind)
    people = _people(atlas)
    if community is not None:
        people = people.filter(community=community)
    stem = "network" if community is None else "community"
    if name == "members":
        who = (
            people
            if community is not None
            else people.filter(pl.col("community").is_not_null() | pl.col("withheld").is_not_null())
        )
        return _table(who.rename({"account": "person"}), f"{stem}-members" if community else "members", kind)
    ties = atlas.ties()
    if community is not None:
        here = people["account"].implode()
        ties = ties.filter(pl.col("source").is_in(here) & pl.col("target").is_in(here))
    # ties that the posts show, and those of an undirected network, are kept with source < target
    directed = not ties.select((pl.col("source") < pl.col("target")).all()).item()
    write = graphml if kind == "graphml" else gexf
    media = f"application/{kind}+xml" if kind == "graphml" else "application/xml"
    return Export(f"{stem}.{kind}", media, write(people.rename({"account": "id"}), ties, directed=directed))


def inert(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every text as a cell that no spreadsheet takes for a formula, as `text.cells` has it.

    >>> inert(pl.DataFrame({"person": ["=1+1", "ada"]}))["person"].to_list()
    ["'=1+1", 'ada']
    """
    return frame.with_columns(cells(pl.col(pl.String)))


def _people(atlas: Atlas) -> pl.DataFrame:
    """Every account with its community, degree, strength and stability."""
    places = atlas.communities.select("community", "name", large=pl.col("size") >= atlas.k)
    joined = atlas.accounts.join(places, on="community", how="left", maintain_order="left")
    return joined.select(
        "account",
        community=pl.when("large").then("name"),
        stability=pl.when("large").then("stability"),
        degree="degree",
        strength="strength",
        withheld=pl.when(~pl.col("large")).then(pl.lit(few(atlas))),
    )


def _table(frame: pl.DataFrame, name: str, kind: str) -> Export:
    buffer = BytesIO()
    if kind == "csv":
        inert(frame).write_csv(buffer)
        return Export(f"{name}.csv", "text/csv; charset=utf-8", iter([buffer.getvalue()]))
    frame.write_parquet(buffer)
    return Export(f"{name}.parquet", "application/vnd.apache.parquet", iter([buffer.getvalue()]))
