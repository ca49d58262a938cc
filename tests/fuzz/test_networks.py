"""Every reader of networks under fire: edge lists, GML, GraphML, MATLAB's .mat, ties and posts in parquet, an LSH index."""

import gzip
import io
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.find.graph import graph
from sociolect.find.lsh import index, opened
from sociolect.find.minhash import signatures
from sociolect.find.ties_at_size import ties_at_size
from sociolect.load.network import network

EDGES = b"source,target,weight,kind,t,mood\nada,bob,1,reply,2020-01-01T00:00:00,0.5\nbob,cy,2.5,mention,2020-01-02,-1\ncy,cy,1,reply,,\n"
GML = b'graph [\n directed 1\n node [ id 1 label "ada &amp; co" age 33 ]\n node [ id 2 label "bob" xy [ x 1 y 2 ] ]\n edge [ source 1 target 2 weight 2.0 ]\n edge [ source 2 target 1 ]\n]\n'
GRAPHML = b'<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="d0" for="node" attr.name="age" attr.type="int"><default>5</default></key><key id="w" for="edge" attr.name="weight" attr.type="double"/><graph edgedefault="directed"><node id="a"><data key="d0">33</data></node><node id="b"/><edge source="a" target="b"><data key="w">1.5</data></edge></graph></graphml>'


# A byte of the .mat changed: a complex part that is not there, values of no type, more of them than there are, fewer columns.
# Handed on to scipy 1.17 each of these takes the process down.
CRASHES = [(145, 8), (176, 0), (177, 1), (180, 255), (200, 21), (202, 4), (204, 144), (224, 8), (225, 128), (328, 0)]


def at(path: Path, read: Any, data: bytes) -> object:
    path.write_bytes(data)
    return read(path)


def mat(*, compressed: bool) -> bytes:
    from scipy import sparse
    from scipy.io import savemat

    held = io.BytesIO()
    edges = sparse.csc_array(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]], dtype=float))
    savemat(held, {"A": edges, "local_info": np.arange(21).reshape(3, 7)}, do_compression=compressed)
    return held.getvalue()


@pytest.mark.parametrize(
    ("name", "seeds", "n"),
    [
        ("n.gml", [GML], 120),
        ("n.gml.gz", [gzip.compress(GML, mtime=0)], 40),
        ("n.graphml", [GRAPHML], 120),
        ("n.graphml.gz", [gzip.compress(GRAPHML, mtime=0)], 40),
        ("n.mat", [mat(compressed=False), mat(compressed=True)], 120),
        ("n.csv", [EDGES], 60),
        ("n.parquet", [b""], 40),
    ],
)
def test_networks(tmp_path: Path, fuzz: Any, name: str, seeds: list[bytes], n: int) -> None:
    said: dict[str, Any] = {}
    if name == "n.csv":
        said = {
            "source": "source",
            "target": "target",
            "weight": "weight",
            "kind": "kind",
            "time": "t",
            "sentiment": "mood",
        }
    if name == "n.parquet":
        seeds = [ties_file(tmp_path)]
        said = {"source": "source", "target": "target"}
    known = [seeds[0][:i] + bytes([byte]) + seeds[0][i + 1 :] for i, byte in CRASHES] if name == "n.mat" else []
    fuzz(seeds, partial(at, tmp_path / name, partial(network, key=tmp_path / "key", **said)), n=n, known=known)


def test_people_of_a_network(tmp_path: Path, fuzz: Any) -> None:
    (tmp_path / "n.csv").write_bytes(EDGES)

    def read(path: Path) -> object:
        return network(
            tmp_path / "n.csv", source="source", target="target", people=path, person="who", key=tmp_path / "key"
        )

    fuzz([b"who,age,town\nada,33,red\nbob,x,blue\nzed,1,\n"], partial(at, tmp_path / "people.csv", read), n=40)


def ties_file(folder: Path) -> bytes:
    pl.DataFrame({"source": ["ada", "bob"], "target": ["bob", "cy"], "kind": ["reply", "reply"], "weight": [1.0, 2.0]}).write_parquet(
        folder / "seed.parquet"
    )  # fmt: skip
    return (folder / "seed.parquet").read_bytes()


def test_ties_of_a_graph(tmp_path: Path, fuzz: Any) -> None:
    fuzz([ties_file(tmp_path)], partial(at, tmp_path / "ties.parquet", graph), n=80)


def test_posts_at_size(tmp_path: Path, fuzz: Any) -> None:
    said = {"post": ["1", "2"], "person": ["a", "b"], "text": ["x", "y"], "thread": ["1", "1"], "parent": [None, "1"]}
    frames.posts(pl.DataFrame(said, schema_overrides={"parent": pl.String})).write_parquet(tmp_path / "seed.parquet")
    read = partial(ties_at_size, out=tmp_path / "ties.parquet")
    fuzz([(tmp_path / "seed.parquet").read_bytes()], partial(at, tmp_path / "posts.parquet", read), n=50)


@pytest.mark.parametrize(
    "name", ["index.json", "accounts-1.parquet", "values-1.npy", "starts-1.npy", "keys-1.npy", "rows-1.npy"]
)
def test_an_index(tmp_path: Path, fuzz: Any, name: str) -> None:
    rows = {"account": ["a", "a", "b", "b", "c"], "element": ["x", "y", "x", "y", "z"]}
    made, torn = tmp_path / "made", tmp_path / "torn"
    index(signatures(pl.DataFrame(rows), hashes=8), bands=4, folder=made)
    shutil.copytree(made, torn)

    def read(data: bytes) -> object:
        (torn / name).write_bytes(data)
        # what stands in the arrays is known to be whole only where it is asked
        return opened(torn, verified=name.startswith(("keys", "rows", "values"))).candidates(np.arange(2))

    shape = "json" if name.endswith("json") else "bytes"
    fuzz([(made / name).read_bytes()], read, shape=shape, n=150 if shape == "json" else 30)
