"""Graph files: GML, GraphML and MATLAB's, against what networkx and scipy write."""

import gzip
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from scipy import sparse
from scipy.io import savemat

from sociolect.errors import InputError
from sociolect.frames import Society
from sociolect.load.network import network

Edge = tuple[str, str, float]


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _edges(society: Society) -> list[Edge]:
    return [(s, t, w) for s, t, w in society.ties.select("source", "target", "weight").iter_rows()]


def _aside(society: Society) -> dict[str, tuple[int, str]]:
    return {r["reason"]: (r["count"], r["where"]) for r in society.set_aside.iter_rows(named=True)}


def _random(directed: bool) -> nx.Graph:
    g = nx.gnm_random_graph(40, 90, seed=3, directed=directed)
    rng = np.random.default_rng(0)
    for _, _, has in g.edges(data=True):
        has["weight"] = float(rng.integers(1, 9))
    for node, has in g.nodes(data=True):
        has["camp"] = 'a "quoted" & odd' if node % 2 else "b"
        has["age"] = node % 7
    return g


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("form", ["gml", "graphml", "gml.gz", "graphml.gz"])
def test_a_graph_that_networkx_writes_comes_back(tmp_path: Path, form: str, directed: bool) -> None:
    g = _random(directed)
    path = tmp_path / f"g.{form.removesuffix('.gz')}"
    (nx.write_gml if path.suffix == ".gml" else nx.write_graphml)(g, path)
    if form.endswith(".gz"):
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = Path(f"{path}.gz")
    society = network(path, keep_ids="a test", keep="camp,age")
    due = ((str(a), str(b), has["weight"]) for a, b, has in g.edges(data=True))
    assert _edges(society) == sorted((a, b, w) if directed else (min(a, b), max(a, b), w) for a, b, w in due)
    assert society.people.rows() == [
        (str(n), has["camp"], has["age"]) for n, has in sorted(g.nodes(data=True), key=lambda x: str(x[0]))
    ]


def test_isolated_nodes_are_people(tmp_path: Path) -> None:
    society = network(
        _write(tmp_path / "g.gml", "graph [ node [ id 1 ] node [ id 2 ] node [ id 3 ] edge [ source 1 target 2 ] ]"),
        keep_ids="a test",
    )
    assert society.people["person"].to_list() == ["1", "2", "3"]


def test_gml_ids_beyond_a_float_stay_apart(tmp_path: Path) -> None:
    a, b = 2**53, 2**53 + 1  # igraph's reader makes one node of these
    text = f"graph [ node [ id {a} ] node [ id {b} ] edge [ source {a} target {b} ] ]"
    assert _edges(network(_write(tmp_path / "g.gml", text), keep_ids="a test")) == [(str(a), str(b), 1.0)]


def test_what_a_gml_file_gets_wrong_is_counted_by_line(tmp_path: Path) -> None:
    text = """# a comment
Creator "me"
graph [
  directed 1
  node [ id 1 label "&quot;x&quot; &#233;" graphics [ x 1.0 y 2 ] ]
  node [ label "lost" ]
  node [ id 2 ]
  node [ id 2 label "again" ]
  edge [ source 1 target 2 value 2 ]
  edge [ source 1 target 9 value 1 ]
  edge [ source 1 value 1 ]
  edge [ source 2 target 2 value 1 ]
]
"""
    society = network(_write(tmp_path / "g.gml", text), weight="value", keep_ids="a test")
    assert _edges(society) == [("1", "2", 2.0)]
    assert society.people["label"].to_list() == ['"x" \u00e9', None]
    aside = _aside(society)
    assert aside["node without an id"] == (1, "g.gml, line 6")
    assert aside["node with another's id"] == (1, "g.gml, line 8")
    assert aside["tie to a node that the file does not list"][0] == 1
    assert aside["tie without a source or a target"][0] == 1
    assert aside["tie of a person to itself"][0] == 1
    assert aside["attribute that holds further ones, left out"][0] == 1


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("graph [ node [ id 1 ", r"line 1 ends inside 'node': it is no GML file, or was cut"),
        ('graph [\n node [ id "1 ] ]', "line 2 opens a quotation mark that never closes"),
        ("graph [\n node [ id ] ]", "line 2 closes a bracket where a value is due"),
        ("graph [ ] ]", "closes a bracket where a key is due"),
        ('graph [ "x" 1 ]', "holds a value where a key is due"),
        ("hello", "ends inside 'hello'"),
        ("hello world", "holds no node and no edge"),
        ("graph [ node [ id 1 ] node [ id 2 ] ]", "it names people and ties nobody"),
    ],
)
def test_a_broken_gml_file_is_one_line(tmp_path: Path, text: str, due: str) -> None:
    with pytest.raises(InputError, match=due) as caught:
        network(_write(tmp_path / "g.gml", text), keep_ids="a test")
    assert "\n" not in str(caught.value)


def test_account_numbers_of_19_digits_are_no_trait_that_rides_along(tmp_path: Path) -> None:
    """As floats they would be rounded, and pass for a measure that many could share."""
    nodes = "".join(f"node [ id {i} account {10**18 + i} ] " for i in range(12))
    path = tmp_path / "net.gml"
    path.write_text(f"graph [ {nodes} edge [ source 0 target 1 ] ]")
    assert network(path, key=tmp_path / "key").people.columns == ["person"]
    kept = network(path, keep="account", keep_ids="a test").people
    assert kept.filter(person="3")["account"].to_list() == [str(10**18 + 3)]


def test_a_weight_no_edge_has_is_named_with_the_nearest(tmp_path: Path) -> None:
    text = "graph [ node [ id 1 ] node [ id 2 ] edge [ source 1 target 2 value 3 ] ]"
    with pytest.raises(InputError, match=r"g.gml has no column 'vlaue' \(weight\); did you mean 'value'\?"):
        network(_write(tmp_path / "g.gml", text), weight="vlaue", keep_ids="a test")


HEAD = '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'


def test_a_graphml_default_names_nobody_and_an_empty_one_is_null(tmp_path: Path) -> None:
    keys = "".join(
        f'<key id="{name}" for="node" attr.name="{name}"><default>{said}</default></key>'
        for name, said in (("id", "zoe"), ("mood", ""))
    )
    nodes = '<node id="a"/><node id="b"><data key="mood">calm</data></node><node/>'
    path = tmp_path / "net.graphml"
    path.write_text(
        f'<graphml>{keys}<graph edgedefault="directed">{nodes}<edge source="a" target="b"/></graph></graphml>'
    )
    society = network(path, keep_ids="a test")
    assert society.people.select("person", "mood", "id_").rows() == [("a", None, "zoe"), ("b", "calm", "zoe")]
    assert society.set_aside["reason"][0] == "node without an id"


def test_graphml_defaults_nested_graphs_and_faults(tmp_path: Path) -> None:
    text = f"""{HEAD}
<key id="d0" for="node" attr.name="camp" attr.type="string"><default>none</default></key>
<key id="d1" for="edge" attr.name="weight" attr.type="double"/>
<key id="d2" for="node" attr.name="id" attr.type="string"/>
<graph edgedefault="undirected">
<node id="a"><data key="d0">red</data><data key="d2">other</data><graph edgedefault="directed"><node id="b"/></graph></node>
<node id="c"/><node id="c"/><node/>
<edge source="c" target="a"><data key="d1"> 2.5 </data></edge>
<edge source="a" target="b" directed="true"/>
<edge source="a" target="x"/>
<hyperedge><endpoint node="a"/></hyperedge>
</graph></graphml>"""
    society = network(_write(tmp_path / "g.graphml", text), keep_ids="a test")
    assert _edges(society) == [("a", "c", 2.5)]  # the other edge says no weight, and so is counted
    assert society.people.select("person", "camp", "id_").rows() == [
        ("a", "red", "other"),
        ("b", "none", None),
        ("c", "none", None),
    ]
    aside = _aside(society)
    for reason in (
        "hyperedge, left out",
        "edge of the other direction, read as the file's",
        "node without an id",
        "node with another's id",
        "tie to a node that the file does not list",
        "tie with a weight that is missing or no number",
    ):
        assert aside[reason][0] == 1, reason


@pytest.mark.parametrize(
    ("text", "due"),
    [
        (
            '<!DOCTYPE g [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><graphml>&b;</graphml>',
            "declares a document type, where entities can grow without end: delete its",
        ),
        ('<!DOCTYPE g SYSTEM "file:///etc/passwd"><graphml/>', "declares a document type"),
        (f"{HEAD}<graph>\n<node", "line 2 is no XML"),
        ("not xml", "line 1 is no XML"),
        ("<html/>", "is XML and holds no <graph>"),
        (f'{HEAD}<graph><node id="1"/></graph></graphml>', "it names people and ties nobody"),
    ],
)
def test_a_broken_or_hostile_graphml_file_is_one_line(tmp_path: Path, text: str, due: str) -> None:
    with pytest.raises(InputError, match=due) as caught:
        network(_write(tmp_path / "g.graphml", text), keep_ids="a test")
    assert "\n" not in str(caught.value)


def _adjacency(pairs: list[tuple[int, int]], n: int) -> sparse.csc_matrix:
    a = sparse.lil_matrix((n, n))
    for i, j in pairs:
        a[i, j] = a[j, i] = 1
    return a.tocsc()


def test_mat_gives_each_pair_once_with_its_traits(tmp_path: Path) -> None:
    info = np.array([[1, 2, 0, 0, 31, 2006, 9], [1, 1, 5, 0, 31, 2007, 9], [2, 0, 5, 0, 32, 2007, 8]], dtype=float)
    savemat(tmp_path / "Reed98.mat", {"A": _adjacency([(0, 1), (1, 2), (2, 2)], 3), "local_info": info})
    society = network(tmp_path / "Reed98.mat", keep_ids="a test")
    assert _edges(society) == [("1", "2", 1.0), ("2", "3", 1.0)]
    assert society.people.select("person", "gender", "major", "dorm", "year").rows() == [
        ("1", 2, None, 31, 2006),
        ("2", 1, 5, 31, 2007),
        ("3", None, 5, 32, 2007),
    ]
    assert _aside(society)["tie of a person to itself"][0] == 1


def test_mat_that_is_not_symmetric_has_a_direction_and_other_traits_stand(tmp_path: Path) -> None:
    a = sparse.csc_matrix(np.array([[0, 2.5, 0], [1, 0, 0], [0, 0, 0]]))
    savemat(tmp_path / "d.mat", {"A": a, "local_info": np.array([[1.5], [0.0], [np.nan]])})
    society = network(tmp_path / "d.mat", keep_ids="a test")
    assert _edges(society) == [("1", "2", 2.5), ("2", "1", 1.0)]
    assert society.people["local_info_1"].to_list() == [1.5, 0.0, None]
    savemat(tmp_path / "e.mat", {"A": a, "local_info": np.zeros((2, 7))})
    assert "local_info that does not have a row of numbers per node, left out" in _aside(
        network(tmp_path / "e.mat", keep_ids="x")
    )


def test_a_mat_that_is_not_one_is_one_line(tmp_path: Path) -> None:
    savemat(tmp_path / "b.mat", {"B": np.eye(2)})
    savemat(tmp_path / "wide.mat", {"A": np.ones((2, 3))})
    savemat(tmp_path / "words.mat", {"A": np.array(["x", "y"], dtype=object)})
    savemat(tmp_path / "cut.mat", {"A": _adjacency([(0, 1)], 2)})
    (tmp_path / "cut.mat").write_bytes((tmp_path / "cut.mat").read_bytes()[:150])
    (tmp_path / "text.mat").write_text("this is no MATLAB file, whatever it says\n" * 9)
    (tmp_path / "hdf.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400))
    for name, due in {
        "b": "holds no matrix 'A'",
        "wide": r"'A' has shape \(2, 3\); due is a square adjacency matrix",
        "words": "'A' is no matrix of numbers",
        "cut": "is no MATLAB file, or was cut",
        "text": "is no MATLAB file, or was cut|is MATLAB 7.3",
        "hdf": "is MATLAB 7.3, which is not read here",
    }.items():
        with pytest.raises(InputError, match=due) as caught:
            network(tmp_path / f"{name}.mat", keep_ids="a test")
        assert "\n" not in str(caught.value)
    (tmp_path / "none.gml").write_text("")
    with pytest.raises(InputError, match="none.gml is empty"):
        network(tmp_path / "none.gml")


def test_several_mats_are_one_graph_whose_files_are_a_trait(tmp_path: Path) -> None:
    info = np.tile(np.arange(1.0, 8.0), (3, 1))
    for name in ("one", "two"):
        savemat(tmp_path / f"{name}.mat", {"A": _adjacency([(0, 1), (1, 2)], 3), "local_info": info})
    society = network([tmp_path / "one.mat", tmp_path / "two.mat"], key=tmp_path / "key")
    assert society.people["network"].value_counts().sort("network").rows() == [("one", 3), ("two", 3)]
    who = society.people.select("person", "network")
    ends = society.ties.join(who, left_on="source", right_on="person").join(who, left_on="target", right_on="person")
    assert (ends["network"] == ends["network_right"]).all()
    assert society.people["dorm"].to_list() == [5] * 6
