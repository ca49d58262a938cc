"""GML: nodes and edges of a graph file in brackets (Himsolt 1997)."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.errors import InputError
from sociolect.load.aside import Aside

_TOKEN = re.compile(r'\s+|#[^\n]*|(\[)|(\])|"([^"]*)"|([^\s\[\]"]+)|(")')
_FLAT = 3  # depth of what stands inside a node or an edge: graph [ node [ here ] ]
Record = dict[str, str]


def gml(path: Path, name: str, aside: Aside) -> tuple[pl.DataFrame, pl.DataFrame, bool]:
    """Nodes (id and traits), edges (source, target and traits), all text, and whether edges have a direction.

    igraph's reader is five times as fast, but rounds ids above 2**53 to a neighbour's and gives a whole file up for one
    node without an id. Nodes without an id, or with another's, and edges to a node that is not listed are counted.
    Raises InputError, with the line, where the brackets do not close or a key has no value.
    """
    text = path.read_bytes().decode("utf-8", "replace")
    aside.add("bytes that are no UTF-8, shown as \ufffd", text.count("\ufffd"), name, "write the file anew as UTF-8")
    found: dict[str, list[tuple[Record, int]]] = {"node": [], "edge": []}
    top, nested = _records(text, name, found)
    aside.add(
        "attribute that holds further ones, left out", nested, name, "nothing, or bring it to the top of its node"
    )
    if not found["node"] and not found["edge"]:
        raise InputError(f"{name} holds no node and no edge: a GML file reads graph [ node [ id 1 ] ... ]")

    def where(at: int) -> str:
        return f"{name}, line {text.count(chr(10), 0, at) + 1}"

    nodes: dict[str, Record] = {}
    for record, at in found["node"]:
        if (own := record.get("id")) is None:
            aside.add("node without an id", 1, where(at), "give it an id; its ties cannot be told")
        elif own in nodes:
            aside.add("node with another's id", 1, where(at), "nothing: the first one's traits stand")
        else:
            nodes[own] = record
    edges = _listed([record for record, _ in found["edge"]], nodes, name, aside)
    return frame(list(nodes.values()), ["id"]), frame(edges, ["source", "target"]), top.get("directed", "0") == "1"


def _listed(edges: list[Record], nodes: dict[str, Record], name: str, aside: Aside) -> list[Record]:
    """The edges whose ends, where they have them, are among the nodes; the others are counted."""
    if not nodes:
        return edges
    kept = [e for e in edges if e.get("source", "") in nodes or "source" not in e]
    kept = [e for e in kept if e.get("target", "") in nodes or "target" not in e]
    aside.add("tie to a node that the file does not list", len(edges) - len(kept), name, "list it as a node")
    return kept


def frame(records: list[Record], first: list[str]) -> pl.DataFrame:
    """A frame of text out of records, `first` columns first.

    >>> frame([{"id": "1"}, {"id": "2", "age": "30"}], ["id"]).rows()
    [('1', None), ('2', '30')]
    """
    names = dict.fromkeys(first) | dict.fromkeys(key for record in records for key in record)
    return pl.DataFrame(
        {c: pl.Series([r.get(c) for r in records], dtype=pl.String) for c in names},
        schema=dict.fromkeys(names, pl.String),
    )


def _records(text: str, name: str, found: dict[str, list[tuple[Record, int]]]) -> tuple[Record, int]:
    """The plain values that stand in `graph [ ... ]`, its nodes and edges put into `found`, and how many attributes are nested."""
    stack: list[tuple[str, Record, int]] = [("", {}, 0)]
    graph: Record = {}
    key: str | None = None
    nested = end = 0
    for token in _TOKEN.finditer(text):
        if token.start() != end:
            raise _broken(text, name, end, "is no GML")
        end = token.end()
        kind = token.lastindex
        if kind is None:
            continue
        if kind == 5:
            raise _broken(text, name, token.start(), "opens a quotation mark that never closes")
        if kind == 2:
            if key is not None or len(stack) == 1:
                raise _broken(text, name, token.start(), f"closes a bracket where a {'value' if key else 'key'} is due")
            closed, record, at = stack.pop()
            if len(stack) == _FLAT - 1 and stack[-1][0] == "graph" and closed in found:
                found[closed].append((record, at))
            elif len(stack) >= _FLAT:
                nested += 1
            elif closed == "graph" and len(stack) == 1:
                graph.update(record)
        elif key is None:
            if kind != 4:
                raise _broken(text, name, token.start(), "holds a value where a key is due")
            key = token[4]
        elif kind == 1:
            stack.append((key, {}, token.start()))
            key = None
        else:
            said: Any = token[3] if kind == 3 else token[4]
            stack[-1][1].setdefault(key, unescape(said) if "&" in said else said)
            key = None
    if key is not None or len(stack) > 1:
        raise _broken(text, name, len(text), f"ends inside {stack[-1][0] or key!r}")
    return graph, nested


def _broken(text: str, name: str, at: int, what: str) -> InputError:
    return InputError(
        f"{name}, line {text.count(chr(10), 0, at) + 1} {what}: it is no GML file, or was cut; fetch or write it again"
    )
