"""A network as GraphML or GEXF, written in whole columns and handed out in pieces."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from sociolect.errors import InputError

ROWS = 65_536  # a piece: some ten megabytes
_ROW = "\0row"  # no column of a frame is called so
# What XML 1.0 forbids (section 2.2); polars holds no half surrogates.
_FORBIDDEN = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]"
# White space in an attribute is read back as a blank unless it is written as a number.
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def graphml(nodes: pl.DataFrame, edges: pl.DataFrame, *, directed: bool = False) -> Iterator[bytes]:
    """The network as GraphML, in pieces of UTF-8: one `node` per row of `nodes`, one `edge` per row of `edges`.

    `nodes` has a column `id`, `edges` have `source` and `target`; every further column (text, whole number, number,
    truth) is an attribute of that name, and a null writes none. Characters that XML forbids are removed.
    Raises InputError for ids that are null or not unique (or not so without these characters), ends that are no node,
    and columns of other types.
    Source: graphml.graphdrawing.org, the primer and its attribute extension.

    >>> who = pl.DataFrame({"id": ["a", "b"], "community": ["x", None]})
    >>> xml = b"".join(graphml(who, pl.DataFrame({"source": ["a"], "target": ["b"], "weight": [2.0]}))).decode()
    >>> print(xml[xml.index("<node") :].strip())
    <node id="a"><data key="n0">x</data></node>
    <node id="b"></node>
    <edge source="a" target="b"><data key="e0">2.0</data></edge>
    </graph></graphml>
    """
    nodes, edges = _checked(nodes, edges)
    keys = {("node", "n"): nodes.columns[1:], ("edge", "e"): edges.columns[2:]}
    frame = {"node": nodes, "edge": edges}
    told = [
        f'<key id="{letter}{i}" for="{what}" attr.name="{_name(c)}" attr.type="{_kind(frame[what], c)}"/>'
        for (what, letter), columns in keys.items()
        for i, c in enumerate(columns)
    ]
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
        *told,
        f'<graph edgedefault="{"directed" if directed else "undirected"}">',
    ]
    node = ['<node id="', _text("id"), '">', *_datas(nodes.columns[1:], nodes, "n"), "</node>"]
    ends = ['<edge source="', _text("source"), '" target="', _text("target"), '">']
    edge = [*ends, *_datas(edges.columns[2:], edges, "e"), "</edge>"]
    return _pieces([(nodes, node), (edges, edge)], ["\n".join(head), "", "</graph></graphml>"])


def gexf(nodes: pl.DataFrame, edges: pl.DataFrame, *, directed: bool = False) -> Iterator[bytes]:
    """The network as GEXF 1.3, in pieces of UTF-8, as `graphml` has it; an edge's `weight` is GEXF's own.

    Raises InputError as `graphml` does. Source: gexf.net/1.3.

    >>> who = pl.DataFrame({"id": ["a", "b"], "community": ["x", None]})
    >>> xml = b"".join(gexf(who, pl.DataFrame({"source": ["a"], "target": ["b"], "weight": [2.0]}))).decode()
    >>> xml.splitlines()[-2]
    '<edge id="0" source="a" target="b" weight="2.0"><attvalues></attvalues></edge>'
    """
    nodes, edges = _checked(nodes, edges)
    own = [c for c in edges.columns[2:] if c != "weight"]
    kinds = []
    for what, frame, columns in (("node", nodes, nodes.columns[1:]), ("edge", edges, own)):
        listed = [f'<attribute id="{i}" title="{_name(c)}" type="{_kind(frame, c)}"/>' for i, c in enumerate(columns)]
        kinds += [f'<attributes class="{what}">', *listed, "</attributes>"] if listed else []
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gexf xmlns="http://gexf.net/1.3" version="1.3">',
        f'<graph mode="static" defaultedgetype="{"directed" if directed else "undirected"}">',
        *kinds,
        f'<nodes count="{nodes.height}">',
    ]
    node = ['<node id="', _text("id"), '" label="', _text("id"), '"><attvalues>']
    node += [*_values(nodes.columns[1:], nodes), "</attvalues></node>"]
    weight = [_attribute(edges, "weight", ' weight="', '"')] if "weight" in edges.columns else []
    edge = [
        '<edge id="',
        pl.col(_ROW).cast(pl.String),
        '" source="',
        _text("source"),
        '" target="',
        _text("target"),
        '"',
    ]
    edge += [*weight, "><attvalues>", *_values(own, edges), "</attvalues></edge>"]
    between = f'</nodes>\n<edges count="{edges.height}">'
    return _pieces([(nodes, node), (edges.with_row_index(_ROW), edge)], ["\n".join(head), between, "</edges></graph></gexf>"])  # fmt: skip


def _checked(nodes: pl.DataFrame, edges: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Nodes and edges with their keys in front and clean, or every fault at once."""
    missing = [f"nodes have no column {c!r}" for c in ("id",) if c not in nodes.columns]
    missing += [f"edges have no column {c!r}" for c in ("source", "target") if c not in edges.columns]
    faults = [*missing]
    for what, frame in (("nodes", nodes), ("edges", edges)):
        faults += [f"column {c!r} of {what} is {t}" for c, t in frame.schema.items() if _type(t) is None]
        faults += [f"column {c!r} of {what} is no text" for c in ("id", "source", "target")
                   if c in frame.columns and frame.schema[c] != pl.String]  # fmt: skip
    if not faults:
        clean = pl.col("id").str.replace_all(_FORBIDDEN, "")
        if empty := nodes["id"].null_count():
            faults.append(f"{empty} ids are null")
        elif twice := nodes.height - nodes["id"].n_unique():
            faults.append(f"{twice} ids are there twice")
        elif alike := nodes.height - nodes.select(clean.n_unique()).item():
            faults.append(f"{alike} ids are another's once the characters are removed that XML forbids; rename them")
        known = nodes["id"].implode()
        if lost := edges.filter(
            ~(pl.col("source").is_in(known) & pl.col("target").is_in(known)).fill_null(False)
        ).height:
            faults.append(f"{lost} edges have an end that is no node")
    if faults:
        raise InputError("this network cannot be written: " + "; ".join(faults))
    return nodes.select("id", pl.exclude("id")), edges.select("source", "target", pl.exclude("source", "target"))


def _type(dtype: pl.DataType) -> str | None:
    if dtype.is_integer():
        return "long"
    if dtype.is_float():
        return "double"
    return {pl.String: "string", pl.Boolean: "boolean"}.get(dtype.base_type())


def _kind(frame: pl.DataFrame, column: str) -> str:
    return str(_type(frame.schema[column]))


def _name(column: str) -> str:
    return str(pl.select(_escaped(pl.lit(column))).item())


def _escaped(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(_FORBIDDEN, "").str.replace_many(_ESCAPES)


def _text(column: str) -> pl.Expr:
    return _escaped(pl.col(column))


def _datas(columns: list[str], frame: pl.DataFrame, letter: str) -> list[pl.Expr]:
    return [_attribute(frame, c, f'<data key="{letter}{i}">', "</data>") for i, c in enumerate(columns)]


def _values(columns: list[str], frame: pl.DataFrame) -> list[pl.Expr]:
    return [_attribute(frame, c, f'<attvalue for="{i}" value="', '"/>') for i, c in enumerate(columns)]


def _attribute(frame: pl.DataFrame, column: str, before: str, after: str) -> pl.Expr:
    """The attribute as it is written; nothing where it is null, or no number."""
    value = pl.col(column)
    if frame.schema[column].is_float():
        value = value.fill_nan(None)
    said = _escaped(value) if frame.schema[column] == pl.String else value.cast(pl.String)
    return pl.concat_str(pl.lit(before), said, pl.lit(after)).fill_null("")


def _pieces(parts: list[tuple[pl.DataFrame, list[Any]]], between: list[str]) -> Iterator[bytes]:
    def pieces() -> Iterator[bytes]:
        for (frame, said), before in zip(parts, between[:-1], strict=True):
            yield f"{before}\n".encode() if before else b""
            line = pl.concat_str(*(pl.lit(s) if isinstance(s, str) else s for s in said))
            for start in range(0, frame.height, ROWS):
                lines = frame.slice(start, ROWS).select(line.str.join("\n")).item()
                yield f"{lines}\n".encode()
        yield f"{between[-1]}\n".encode()

    return pieces()
