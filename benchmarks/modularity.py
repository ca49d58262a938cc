"""Leiden and Louvain from a parquet file of ties to communities: seconds, peak memory, modularity, beside their peers.

    python benchmarks/modularity.py [--edges 1000000] [--large 10000000] [--rounds 3] [--seeds 10]

Due: Leiden on 1,000,000 ties at least 3 times as fast as igraph's and 2 times as scikit-network's, end to end, at modularity within
.001; 10,000,000 ties under 60 s and 4 GB; Louvain at least as fast as networkit's parallel one (PLM) at its modularity.

The network is planted (`planted_graphs.py`): power laws of degree and size, a third of the ties across. Every run is a process of its own
that reads the same parquet file with named people, and ends with a community number for each. Reading and numbering people is the same
code for the peers (polars: unique, sorted, Enum); then each builds what its library takes: igraph's `Graph`, scikit-network's sparse
matrix, networkit's `GraphFromCoo`. Imports are not counted, nor is the first compilation. Leiden: two iterations of ours and of
igraph, which is igraph's own setting, scikit-network as it comes; then ours as it comes (while an iteration adds 1e-5) and igraph's until
it stands still. PLM runs on both
cores, ours on one. Rounds go round all, medians are told. `consensus` is of ten seeds on the smaller network.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from planted_graphs import planted_graph  # type: ignore[import-not-found]  # beside this script, not in a package

Labels = npt.NDArray[np.int64]
LEIDEN = ("ours leiden", "igraph leiden", "scikit-network leiden")
ENDS = ("ours leiden to its end", "igraph leiden to its end")
LOUVAIN = ("ours louvain", "networkit PLM", "networkit PLM refined", "igraph louvain", "scikit-network louvain")


def drawn(edges: int, path: Path) -> None:
    """The planted ties as a ties frame of named people, in no order."""
    a, b, community = planted_graph(edges)
    random = np.random.default_rng(1)
    order, turn = random.permutation(a.size), random.random(a.size) < 0.5
    a, b = a[order], b[order]
    names = pl.Series([f"p{i:09d}" for i in range(community.size)])
    rows = {"source": names.gather(np.where(turn, a, b)), "target": names.gather(np.where(turn, b, a))}
    pl.DataFrame(rows).with_columns(kind=pl.lit("reply"), weight=pl.lit(1.0)).write_parquet(path)


def numbered(path: Path) -> tuple[Any, Any, int]:
    """Both ends as numbers, as a user of any peer would have them."""
    rows = pl.read_parquet(path, columns=["source", "target"])
    code = pl.Enum(pl.concat([rows["source"], rows["target"]]).unique().sort())
    a, b = (rows[side].cast(code).to_physical().to_numpy().astype(np.int64) for side in ("source", "target"))
    return a, b, len(code.categories)


def found(way: str, path: Path) -> Any:
    """The community numbers of the people in the order of their names."""
    if way.startswith("ours"):
        from sociolect.find.graph import graph
        from sociolect.find.modularity import optimised

        refine = "leiden" in way
        return optimised(graph(path), refine=refine, iterations=-1 if way.endswith("end") else 2 if refine else 1)
    a, b, n = numbered(path)
    if way.startswith("igraph"):
        import igraph

        network = igraph.Graph(n=n, edges=np.column_stack([a, b]))
        if way == "igraph louvain":
            return network.community_multilevel().membership
        turns = -1 if way.endswith("end") else 2
        return network.community_leiden(objective_function="modularity", n_iterations=turns).membership
    if way.startswith("scikit"):
        from scipy.sparse import coo_matrix
        from sknetwork.clustering import Leiden, Louvain

        ends = (np.concatenate([a, b]), np.concatenate([b, a]))
        matrix = coo_matrix((np.ones(2 * a.size), ends), shape=(n, n)).tocsr()
        return (Leiden if "leiden" in way else Louvain)().fit_predict(matrix)
    import networkit

    network = networkit.GraphFromCoo((a, b), n=n)
    plm = networkit.community.PLM(network, refine=way.endswith("refined"))
    plm.run()
    return plm.getPartition().getVector()


def child(way: str, path: Path, seeds: int) -> dict[str, float]:
    from sociolect.find.consensus import consensus
    from sociolect.find.graph import graph, named
    from sociolect.find.leiden import leiden
    from sociolect.find.modularity import optimised
    from sociolect.find.quality import modularity

    small = path.with_name("small.parquet")
    pl.DataFrame({"source": ["a", "b"], "target": ["b", "c"]}).write_parquet(small)
    optimised(graph(small), refine=True)  # compiled before
    if not way.startswith("ours") and way != "consensus":
        found(way, small)  # imported before
    begun = perf_counter()
    made: Any = consensus(leiden, graph(path), seeds=seeds) if way == "consensus" else np.asarray(found(way, path))
    seconds = perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    net = graph(path)
    members = made if way == "consensus" else named(made.astype(np.int64), net.persons)
    stability = float(np.mean(made["stability"].to_numpy())) if way == "consensus" else float("nan")
    return {"seconds": seconds, "gigabytes": peak, "modularity": modularity(net, members), "stability": stability}


def ran(way: str, path: Path, seeds: int) -> dict[str, float]:
    said = subprocess.run(
        [sys.executable, __file__, "--child", way, "--path", str(path), "--seeds", str(seeds)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
    return told


def table(ways: tuple[str, ...], path: Path, rounds: int, seeds: int) -> dict[str, dict[str, float]]:
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            runs[way].append(ran(way, path, seeds))
    middle = {way: {k: statistics.median(r[k] for r in all_) for k in all_[0]} for way, all_ in runs.items()}
    ours = next(iter(middle.values()))
    for way, m in middle.items():
        print(
            f"  {way:26} {m['seconds']:7.2f} s  {m['gigabytes']:5.2f} GB  modularity {m['modularity']:.5f}"
            f"  ours is {m['seconds'] / ours['seconds']:.1f}x as fast, modularity {ours['modularity'] - m['modularity']:+.5f}"
        )
    return middle


def main() -> None:
    parse = argparse.ArgumentParser()
    parse.add_argument("--edges", type=int, default=1_000_000)
    parse.add_argument("--large", type=int, default=10_000_000)
    parse.add_argument("--rounds", type=int, default=3)
    parse.add_argument("--seeds", type=int, default=10)
    parse.add_argument("--child", default="")
    parse.add_argument("--path", type=Path)
    said = parse.parse_args()
    if said.child:
        print(json.dumps(child(said.child, said.path, said.seeds)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ties.parquet")
        drawn(said.edges, path)
        print(f"{pl.scan_parquet(path).select(pl.len()).collect().item():,} ties, medians of {said.rounds} rounds")
        table(LEIDEN, path, said.rounds, said.seeds)
        table(ENDS, path, said.rounds, said.seeds)
        table(LOUVAIN, path, said.rounds, said.seeds)
        m = ran("consensus", path, said.seeds)
        print(
            f"  consensus of {said.seeds} seeds {m['seconds']:.1f} s, {m['gigabytes']:.2f} GB, mean stability {m['stability']:.3f}"
        )
        if said.large:
            drawn(said.large, path)
            print(f"{pl.scan_parquet(path).select(pl.len()).collect().item():,} ties, one round")
            table(("ours leiden", "ours leiden to its end"), path, 1, said.seeds)
            table(("ours louvain", "networkit PLM", "networkit PLM refined"), path, 1, said.seeds)


if __name__ == "__main__":
    main()
