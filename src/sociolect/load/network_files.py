"""What a file of a network holds: its nodes with their traits, and the rows of its ties, as text where the file is text."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from sociolect.errors import InputError
from sociolect.load import columns, files
from sociolect.load.aside import Aside
from sociolect.load.gml import gml
from sociolect.load.graphml import graphml
from sociolect.load.links import kind_fault
from sociolect.load.mat import mat
from sociolect.load.read import Table, opened

GRAPHS = {".gml": "gml", ".graphml": "graphml", ".xml": "graphml", ".mat": "mat"}
PAIRS = (("source", "target"), ("from", "to"), ("src", "dst"), ("follower", "followed"), ("user", "friend"))


class Raw(NamedTuple):
    """One file: `nodes` (id and traits, or None), `ties` (source, target, and the further columns asked for)."""

    name: str
    nodes: pl.DataFrame | None
    ties: pl.DataFrame
    directed: bool


def stem(path: Path) -> str:
    """The name of a network: its file's, without endings.

    >>> stem(Path("data/reed.gml.gz"))
    'reed'
    """
    return path.name.removesuffix(".gz").rsplit(".", 1)[0]


def read(path: Path, roles: Mapping[str, str | None], kind: str | None, *, header: bool, aside: Aside) -> Raw:
    """The file, read by its name: csv, tsv, jsonl (each also .gz), parquet, GML, GraphML (each also .gz) or MATLAB's .mat.

    `roles` says which column is source, target, weight, time, sentiment, and `kind` may be a column or a word; the ties
    come back under these names.
    Raises InputError for what is not there, is not what its name says, or lacks a column, naming every fault at once.
    """
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    form = GRAPHS.get(ending)
    if form is None:
        return _table(path, roles, kind, header=header, aside=aside)
    if not path.is_file() or not path.stat().st_size:
        files.form(path)  # says what is wrong with it
    with tempfile.TemporaryDirectory(prefix="sociolect-") as made:
        here = files.unzipped(path, Path(made)) if path.name.lower().endswith(".gz") else path
        nodes, ties, directed = {"gml": gml, "graphml": graphml, "mat": mat}[form](here, path.name, aside)
    roles = {**roles, "source": "source", "target": "target"}
    roles = _known(roles, kind, tuple(ties.columns))
    inside = Table(path.name, form, path, tuple(ties.columns), aside)
    if wrong := columns.faults(inside, roles.items()) + _kind_fault(kind, inside):
        raise InputError("; ".join(wrong))
    return Raw(path.name, nodes, _named(ties, roles), directed)


def _table(path: Path, roles: Mapping[str, str | None], kind: str | None, *, header: bool, aside: Aside) -> Raw:
    with opened(path, aside, header=header) as table:
        ends = [roles["source"], roles["target"]]
        if ends == [None, None] and not header and len(table.columns) > 1:
            ends = list(table.columns[:2])
        if ends == [None, None] and {"source", "target"} <= set(table.columns):
            ends = ["source", "target"]
        roles = _known({**roles, "source": ends[0], "target": ends[1]}, kind, table.columns)
        wrong = [] if all(ends) else [_unsaid(table)]
        if wrong := wrong + columns.faults(table, roles.items()) + _kind_fault(kind, table):
            raise InputError("; ".join(wrong))
        said = [name for value in roles.values() if value for name in columns.parts(value, table.columns)]
        found = table.read(said)
    if not found.height:
        raise InputError(f"{table.name} has a header and no rows that can be read: there is nothing to load")
    return Raw(table.name, None, _named(found, roles), True)


def _known(roles: Mapping[str, str | None], kind: str | None, names: tuple[str, ...]) -> Mapping[str, str | None]:
    """The roles, with a column called weight as the weight where nothing else was said, and the kind where it is a column."""
    said = roles["weight"]
    weight = said or ("weight" if said is None and "weight" in names else None)
    return {**roles, "weight": weight, "kind": kind if kind in names else None}


def _kind_fault(kind: str | None, table: Table) -> list[str]:
    return [fault.replace("tie_kind", "kind") for fault in kind_fault(kind, table.columns, table.name)]


def _unsaid(table: Table) -> str:
    near = [pair for pair in PAIRS if set(pair) <= set(table.columns)]
    hint = (
        f"say source={near[0][0]!r}, target={near[0][1]!r}"
        if near
        else f"say source= and target=; the columns are: {', '.join(table.columns)}"
    )
    return f"{table.name}: which columns are the two ends of a tie has not been said; {hint}"


def _named(found: pl.DataFrame, roles: Mapping[str, str | None]) -> pl.DataFrame:
    """The columns under the names of their roles; ends of several columns are joined."""
    made: dict[str, pl.Series] = {}
    for role, value in roles.items():
        if value is None:
            continue
        one = value in found.columns
        made[role] = (found[value] if one else columns.ids(found, value, found.columns)).alias(role)
    return pl.DataFrame(list(made.values()))
