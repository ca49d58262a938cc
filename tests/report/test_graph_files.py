"""GraphML and GEXF: what networkx and igraph read back is what was written, whatever the names hold."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import igraph
import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.errors import InputError
from sociolect.report import graph_files
from sociolect.report.graph_files import gexf, graphml

Writer = Callable[..., Iterator[bytes]]
READ: dict[Writer, Callable[[BytesIO], Any]] = {graphml: nx.read_graphml, gexf: nx.read_gexf}
WRITERS = pytest.mark.parametrize("write", [graphml, gexf])
NODES = pl.DataFrame(
    {
        "id": ["ada", "<b & 'c'>\"", "mid\tdle\n"],
        "community": ["c00", None, "</graph>&amp;"],
        "stability": [0.25, None, float("nan")],
        "degree": [2, 1, 1],
        "star": [True, False, None],
    }
)
EDGES = pl.DataFrame(
    {"source": ["ada", "ada"], "target": NODES["id"][1:], "kind": ["reply", "a\x00b"], "weight": [1.5, 2.0]}
)


def read(write: Writer, nodes: pl.DataFrame, edges: pl.DataFrame, **said: Any) -> Any:
    return READ[write](BytesIO(b"".join(write(nodes, edges, **said))))


@WRITERS
def test_networkx_reads_back_what_was_written(write: Writer) -> None:
    net = read(write, NODES, EDGES)
    assert list(net.nodes) == NODES["id"].to_list()
    bare = [{k: v for k, v in data.items() if k != "label"} for _, data in net.nodes(data=True)]
    assert bare == [
        {"community": "c00", "stability": 0.25, "degree": 2, "star": True},
        {"degree": 1, "star": False},
        {"community": "</graph>&amp;", "degree": 1},
    ], "null and nan write no attribute"
    told = {(a, b): (d["kind"], d["weight"]) for a, b, d in net.edges(data=True)}
    assert told == {("ada", NODES["id"][1]): ("reply", 1.5), ("ada", NODES["id"][2]): ("ab", 2.0)}
    assert not net.is_directed()
    assert read(write, NODES, EDGES, directed=True).is_directed()


def test_igraph_reads_graphml_back(tmp_path: Path) -> None:
    (tmp_path / "net.graphml").write_bytes(b"".join(graphml(NODES, EDGES, directed=True)))
    net = igraph.Graph.Read_GraphML(str(tmp_path / "net.graphml"))
    # igraph 1.0 leaves an ampersand of an attribute as a number, however it is written
    assert [name.replace("&#38;", "&") for name in net.vs["id"]] == NODES["id"].to_list()
    assert net.vs["community"][::2] == ["c00", "</graph>&amp;"]
    assert [(e.source, e.target, e["weight"]) for e in net.es] == [(0, 1, 1.5), (0, 2, 2.0)]
    assert net.is_directed()


@WRITERS
def test_two_kinds_between_one_pair_are_two_edges(write: Writer) -> None:
    ties = pl.DataFrame({"source": "a", "target": "b", "kind": ["reply", "mention"], "weight": [1.0, 2.0]})
    root = ET.fromstring(b"".join(write(pl.DataFrame({"id": ["a", "b"]}), ties)))
    assert sum(e.tag.endswith("}edge") for e in root.iter()) == 2


@WRITERS
def test_a_network_of_many_pieces_is_one_network(write: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    n = 50
    nodes = pl.DataFrame({"id": [f"p{i}" for i in range(n)]})
    edges = pl.DataFrame({"source": nodes["id"][:-1], "target": nodes["id"][1:], "weight": np.arange(1.0, n)})
    whole = b"".join(write(nodes, edges))
    monkeypatch.setattr(graph_files, "ROWS", 7)
    pieces = list(write(nodes, edges))
    assert len(pieces) > 10
    assert b"".join(pieces) == whole
    net = READ[write](BytesIO(whole))
    assert [d["weight"] for _, _, d in net.edges(data=True)] == list(range(1, n))


@WRITERS
def test_no_ties_and_no_nodes_are_a_network_too(write: Writer) -> None:
    assert read(write, NODES, EDGES.clear()).number_of_edges() == 0
    assert read(write, NODES.clear(), EDGES.clear()).number_of_nodes() == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=6), min_size=2, max_size=4, unique=True), st.sampled_from([graphml, gexf]))
def test_any_text_stays_inside_its_attribute(said: list[str], write: Writer) -> None:
    nodes = pl.DataFrame({"id": [f"p{i}" for i in range(len(said))], "said": said})
    found = read(write, nodes, EDGES.clear())
    kept = [[c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff")] for text in said]
    told = [data.get("said") or "" for _, data in found.nodes(data=True)]
    assert told == ["".join(k) for k in kept]


FAULTS = [
    (NODES.drop("id"), EDGES, "nodes have no column 'id'"),
    (NODES, EDGES.drop("source", "target"), "edges have no column 'source'; edges have no column 'target'"),
    (NODES, EDGES.with_columns(when=pl.lit([1])), "column 'when' of edges is List"),
    (NODES.with_columns(id=pl.lit(1)), EDGES, "column 'id' of nodes is no text"),
    (pl.DataFrame({"id": ["a", None]}), EDGES.clear(), "1 ids are null"),
    (pl.DataFrame({"id": ["a", "a"]}), EDGES.clear(), "1 ids are there twice"),
    (pl.DataFrame({"id": ["a", "a\x01"]}), EDGES.clear(), "1 ids are another's once the characters are removed"),
    (NODES.head(1), EDGES, "2 edges have an end that is no node"),
    (NODES, EDGES.with_columns(target=pl.lit(None, pl.String)), "2 edges have an end that is no node"),
]


@WRITERS
@pytest.mark.parametrize(("nodes", "edges", "told"), FAULTS, ids=[told for _, _, told in FAULTS])
def test_what_cannot_be_written_is_said_in_one_line(
    write: Writer, nodes: pl.DataFrame, edges: pl.DataFrame, told: str
) -> None:
    with pytest.raises(InputError) as error:
        write(nodes, edges)
    assert str(error.value).startswith("this network cannot be written: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)
