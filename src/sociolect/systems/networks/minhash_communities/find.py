"""The index, what it answers when communities are asked for by a few of their members, and the communities found."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import RefusedError
from sociolect.find.consensus import consensus
from sociolect.find.expansion import grow
from sociolect.find.leiden import leiden
from sociolect.find.louvain import louvain
from sociolect.find.lsh import Index, index, opened
from sociolect.find.lsh_graph import alike
from sociolect.find.minhash import signatures
from sociolect.find.recall import area, candidate_recall, recall_curve
from sociolect.find.walktrap import walktrap
from sociolect.frames import Members, Society
from sociolect.seeds import derive, substream
from sociolect.systems.networks.minhash_communities.sizes import INTERVAL

TESTED = 200_000  # ours: ties beyond which 2 + 2 * 19 runs of a finder, and 19 rewirings, take too long
RANGED = 2_000_000  # ours: ties beyond which five further runs do
GRID = np.linspace(0.0, 1.0, 21)  # of the additions, as shares of the community
ANSWER: dict[str, pl.DataType] = {
    "truth": pl.String(), "community": pl.String(), "restart": pl.Int64(), "ranker": pl.String(), "size": pl.Int64(),
    "active": pl.Int64(), "returned": pl.Int64(), "candidates": pl.Float64(), "recall": pl.Float64(),
    "area": pl.Float64(), "due": pl.Float64(), "curve": pl.List(pl.Float64()),
}  # fmt: skip


def indexed(pairs: pl.DataFrame, *, hashes: int, bands: int, cap: int | None, seed: int, folder: Path) -> None:
    """The signatures of the accounts' sets and their LSH index, written into the folder."""
    index(signatures(pairs, hashes=hashes, cap=cap, seed=derive(seed, "signatures")), bands=bands, folder=folder)


def signed(folder: Path) -> pl.Series:
    """The accounts of an index, by name."""
    return opened(folder).signatures.accounts.alias("person")


def linked(lsh: Path, *, seed: int, folder: Path) -> None:
    """The graph of alike accounts of an index (`find.lsh_graph.alike`), and its counts, written into a folder."""
    found = alike(opened(lsh), seed=derive(seed, "alike"))
    found.ties.write_parquet(folder / "ties.parquet")
    counts = {"pairs": found.pairs, "thinned": found.thinned, "alone": found.alone}
    (folder / "counts.json").write_text(json.dumps(counts))


def joined(society: Society, linked: Path, accounts: pl.DataFrame) -> Society:
    """The society of the accounts that have a signature, tied by how alike they are."""
    ties = frames.ties(pl.read_parquet(linked / "ties.parquet"))
    people = society.people.join(accounts, on="person", how="semi", maintain_order="left")
    return replace(society, people=frames.people(people), ties=ties)


def engine(name: str, resolution: float) -> Callable[..., Members]:
    """The finder of that name over ties; WALKTRAP has no resolution."""
    ways: dict[str, Callable[..., Members]] = {
        "leiden": partial(leiden, resolution=resolution),
        "louvain": partial(louvain, resolution=resolution),
        "walktrap": walktrap,
        "lsh": partial(leiden, resolution=resolution),
    }
    return ways[name]


def found(society: Society, *, finder: str, resolution: float, runs: int, seed: int) -> Members:
    """The communities in the ties of the society: of one run, or the consensus of several, with each person's stability."""
    way = engine(finder, resolution)
    return consensus(way, society, seeds=runs, seed=seed) if runs > 1 else way(society, seed=derive(seed, "found"))


def asked(
    truth: Members, signed: pl.Series, *, least: int, largest: int, most: int, seed: int
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """The communities that are grown, by name, with their signed members in order; and why the others are not, counted.

    Too small: no more members than `least`, seeds and one interval of additions. Of those that fit, `most` are drawn.
    """
    here = truth.filter(pl.col("person").is_in(signed.implode()))
    sizes = here.group_by("community").agg(pl.col("person").n_unique().alias("n")).sort("community")
    fit = sizes.filter((pl.col("n") > least) & (pl.col("n") <= largest))["community"].to_list()
    drawn = sorted(substream(seed, "asked").permutation(len(fit))[:most].tolist())
    names = [fit[k] for k in drawn]
    counts = {
        "communities": truth["community"].n_unique(),
        f"{least} members or fewer with a signature": truth["community"].n_unique() - sizes.filter(pl.col("n") > least).height,
        f"more than {largest:,} members": sizes.filter(pl.col("n") > largest).height,
        f"not among the {most} drawn": len(fit) - len(names),
        "grown": len(names),
    }  # fmt: skip
    members = here.filter(pl.col("community").is_in(names)).sort("community", "person")
    return {
        str(c): part["person"].to_list() for (c,), part in members.group_by("community", maintain_order=True)
    }, counts


def answers(
    folder: Path, communities: dict[str, dict[str, list[str]]], *, rankers: Sequence[str], seeds_n: int, restarts: int, seed: int
) -> pl.DataFrame:  # fmt: skip
    """One row per truth, community, restart and ranker: grown from `seeds_n` random members to the community's size.

    `candidates` is the share of the other members that share a bucket with a seed: no ranker can pass it. `area` is the area
    under the recall curve (x: additions as a share of the community), flat once candidates run out; `due` is what it is for
    a ranker that is always right. `curve` is the recall at 21 even shares from 0 to 1. A query whose seeds share a bucket
    with nobody has recall 0.
    """
    lsh = opened(folder)
    rows = []
    for truth, members in communities.items():
        for name, persons in members.items():
            for restart in range(restarts):
                seeds = drawn(persons, seeds_n, seed, truth, name, restart)
                reached, until = candidate_recall(lsh, persons, seeds), len(persons)
                perfect = area(
                    recall_curve([p for p in persons if p not in seeds], persons, seeds, every=INTERVAL, until=until)
                )
                for ranker in rankers:
                    active, listed = grown(lsh, seeds, size=until, ranker=ranker)
                    curve = recall_curve(listed, persons, seeds, every=INTERVAL, until=until)
                    x, y = zip(*curve, strict=True)
                    rows.append((
                        truth, name, restart, ranker, until, active, len(listed), reached, y[-1], area(curve), perfect,
                        np.interp(GRID * until, x, y).tolist(),
                    ))  # fmt: skip
    return pl.DataFrame(rows, schema=ANSWER, orient="row")


def control(
    folder: Path, communities: dict[str, list[str]], *, rankers: Sequence[str], seeds_n: int, restarts: int, seed: int
) -> pl.DataFrame:  # fmt: skip
    """The same with seeds drawn at random over all grown communities: columns community, restart, ranker, recall, base.

    `base` is the recall that drawing as many accounts at random from the members of all of them would have.
    """
    lsh = opened(folder)
    everyone = sorted({p for persons in communities.values() for p in persons})
    rows = []
    for name, persons in communities.items():
        for restart in range(restarts):
            seeds = drawn(everyone, seeds_n, seed, "control", name, restart)
            others = set(persons) - set(seeds)
            known = set(everyone) - set(seeds)
            for ranker in rankers:
                _, listed = grown(lsh, seeds, size=len(persons), ranker=ranker)
                base = sum(m in known for m in listed) / len(known)
                rows.append((name, restart, ranker, sum(m in others for m in listed) / len(others), base))
    kinds = {"community": pl.String, "restart": pl.Int64, "ranker": pl.String, "recall": pl.Float64, "base": pl.Float64}
    return pl.DataFrame(rows, schema=kinds, orient="row")


def drawn(persons: Sequence[str], n: int, seed: int, *names: str | int) -> list[str]:
    """`n` of the persons, drawn by names, so that their order says nothing."""
    return [persons[k] for k in sorted(substream(seed, "seeds", *names).permutation(len(persons))[:n].tolist())]


def grown(lsh: Index, seeds: Sequence[str], *, size: int, ranker: str) -> tuple[int, list[str]]:
    """How many rows a query looked at, and the accounts it returned; none where the seeds share a bucket with nobody."""
    try:
        got = grow(lsh, seeds, size=size, ranker=ranker)
    except RefusedError:
        return len(seeds), []
    return got.active, got.members["account"].to_list()
