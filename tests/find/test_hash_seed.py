"""Twenty values of PYTHONHASHSEED, and every finder and index says the same bytes."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib, sys, tempfile
from pathlib import Path
import polars as pl
from sociolect.find.consensus import consensus
from sociolect.find.expansion import grow
from sociolect.find.graph import graph
from sociolect.find.leiden import leiden
from sociolect.find.louvain import louvain
from sociolect.find.lsh import index
from sociolect.find.minhash import signatures
from sociolect.find.relations import relations
from sociolect.find.sets import sets
from sociolect.find.sweep import sweep
from sociolect.find.ties_at_size import ties_at_size
from sociolect.load.planted import planted

world = planted(people=150, communities=5, mixing=0.5, seed=2)
net, made = graph(world.ties), index(signatures(sets(world), hashes=100), bands=50)
with tempfile.TemporaryDirectory() as folder:
    posts, out = Path(folder, "posts.parquet"), Path(folder, "ties.parquet")
    world.posts.write_parquet(posts)
    ties_at_size(posts, out, kind=["reply", "co-thread"])
    tied = pl.read_parquet(out)
said = {
    "leiden": leiden(net, seed=3).rows(),
    "louvain": louvain(net, seed=3).rows(),
    "consensus": consensus(leiden, net, seeds=3, seed=7).rows(),
    "sweep": sweep(net, seeds=2, resolutions=(0.5, 2.0)).rows(),
    "index": (made.signatures.values.tobytes(), made.keys.tobytes(), made.rows.tobytes()),
    "grown": [grow(made, sets(world)["account"][:3].to_list(), size=20, ranker=r).members.rows() for r in ("average", "pagerank")],
    "ties": tied.rows(),
    "relations": relations(world.ties).rows(),
}
print({name: hashlib.sha256(repr(value).encode()).hexdigest() for name, value in said.items()})
"""


@pytest.mark.slow
def test_twenty_hash_seeds_change_nothing() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env=os.environ | {"PYTHONHASHSEED": str(h)}, capture_output=True, check=True
        ).stdout
        for h in range(1, 21)
    ]
    assert set(said) == {said[0]}
    assert said[0].count(b":") == 8
