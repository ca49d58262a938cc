"""Consensus: what several runs of a finder agree on."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.find.graph import Graph, chosen, named, network_of
from sociolect.find.quality import numbered, one_each, rand
from sociolect.find.ties import folded
from sociolect.frames import Members, Society, Ties
from sociolect.seeds import derive

Labels = NDArray[np.int64]


def consensus(
    finder: Callable[..., Members],
    society: Society | Graph,
    *,
    seeds: int = 10,
    threshold: float = 0.5,
    kinds: str | Sequence[str] | None = None,
    rounds: int = 10,  # ours: the paper goes on until all runs agree, which usually takes two or three
    seed: int = 0,
) -> Members:
    """The communities that `seeds` runs of `finder(society, seed=...)` agree on, with each person's `stability`.

    Each tie is weighed by the share of runs in which its two ends share a community, dropped below `threshold`, and
    communities are found again in what is left, until all runs agree on every tie, or after `rounds`. A person whose
    ties would all go keeps the best one. Lancichinetti and Fortunato 2012, doi 10.1038/srep00336; as in Tandon et al.
    2019, doi 10.1103/PhysRevE.99.042301, only tied pairs are compared, not all pairs. Ours: the share multiplies the
    weight of the tie, so that strong ties stay strong. And ours: of the partitions met on the way, the one most like
    the runs on the ties as they are stands (mean adjusted Rand index; in a draw the latest), because ties dropped among
    tied pairs alone can shatter a community that every run had whole.

    `stability` is 0 to 1: the mean, over the runs on the ties as they are, of the share of the other members of a
    person's community who were with that person; for a person alone, the share of runs alone. Runs that merge whole
    communities do not lower it; `find.structure` shows those.

    A network (`find.graph.graph`) may stand for the society: then nothing is read twice and seeds run side by side, which a million
    ties call for. Name in `kinds` the ties the finder takes, where it does not take all. Raises UsageError for fewer than two seeds
    or a threshold outside 0 to 1, and what the finder raises.

    >>> from sociolect.find.leiden import leiden
    >>> pairs = ["ab", "bc", "ca", "cd", "de", "ef", "fd"]
    >>> rows = [{"source": s, "target": t, "kind": "reply", "weight": 1.0} for s, t in pairs]
    >>> society = Society(frames.empty("people"), frames.empty("posts"), frames.ties(pl.DataFrame(rows)))
    >>> consensus(leiden, society).row(0)
    ('a', 'c00', 1.0)
    """
    if seeds < 2 or not 0 < threshold <= 1:
        raise UsageError(f"seeds={seeds}, threshold={threshold}: due are two seeds or more, and a threshold in (0, 1]")
    if isinstance(society, Society):
        society = replace(society, ties=chosen(society.ties, kinds))
    net = network_of(society, None if isinstance(society, Society) else kinds)
    first = runs = met = _runs(finder, society, net, seeds, derive(seed, "consensus", 0))
    share = _together(runs, net).mean(axis=0)
    for turn in range(1, rounds + 1):
        if ((share == 0) | (share == 1)).all():
            break
        kept = _reweighed(society, net, share, threshold, 1 / seeds)
        runs = _runs(finder, kept, net, seeds, derive(seed, "consensus", turn))
        share = _together(runs, net).mean(axis=0)
        met = np.concatenate([runs, met])
    labels = max(met, key=lambda run: np.mean([rand(run, other) for other in first]))
    found = named(labels, net.persons)
    stability = pl.Series("stability", _stability(labels, first)[labels >= 0])
    return frames.members(found.with_columns(stability))


def _runs(finder: Callable[..., Members], society: Society | Graph, net: Graph, seeds: int, seed: int) -> Labels:
    """The community numbers of each person (columns) in each run (rows), -1 where the finder left somebody out."""

    def run(i: int) -> Labels:
        return labelled(finder(society, seed=derive(seed, i)), net.persons)

    if isinstance(society, Society):
        return np.stack([run(i) for i in range(seeds)])
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return np.stack(list(threads.map(run, range(seeds))))


def labelled(members: Members, persons: pl.Series) -> Labels:
    return numbered(one_each(members), persons, members["community"].unique().sort())


def _together(runs: Labels, net: Graph) -> NDArray[np.bool_]:
    """Whether the two ends of each tie (columns) share a community in each run (rows)."""
    a, b = runs[:, net.a], runs[:, net.b]
    return np.asarray((a == b) & (a >= 0))


def by_pair(ties: Ties, net: Graph) -> pl.DataFrame:
    """The ties without direction, with the number of their pair among the edges of the network."""
    rows = folded(ties, directed=False)
    code, n = pl.Enum(net.persons), net.persons.len()
    a, b = (rows[side].cast(code).to_physical().to_numpy().astype(np.int64) for side in ("source", "target"))
    pair = pl.Series("pair", np.searchsorted(net.a * n + net.b, a * n + b))
    return rows.with_columns(pair).sort("pair", "kind")


def _reweighed(
    society: Society | Graph, net: Graph, share: NDArray[np.float64], threshold: float, least: float
) -> Society | Graph:
    """The ties times the share of runs that keep their ends together, without those below the threshold."""
    keep = share >= threshold
    share = np.maximum(share, least)
    worth = net.weight * share
    # a person about to lose every tie keeps the best one (Lancichinetti and Fortunato 2012, Methods)
    ends = np.concatenate([net.a, net.b])
    edge = np.tile(np.arange(net.a.size), 2)
    best = edge[np.lexsort((edge, -worth[edge], ends))]
    first = np.unique(np.sort(ends), return_index=True)[1]
    lonely = np.bincount(ends, np.tile(keep, 2), minlength=net.persons.len()) == 0
    keep[best[first][lonely[np.unique(ends)]]] = True
    if isinstance(society, Graph):
        return Graph(net.persons, net.a[keep], net.b[keep], worth[keep])
    rows = by_pair(society.ties, net)
    pair = rows["pair"].to_numpy()
    part = rows.with_columns(weight=rows["weight"] * pl.Series(share[pair]))
    return replace(society, ties=frames.ties(part.filter(pl.Series(keep[pair])).drop("pair")))


def _stability(labels: Labels, runs: Labels) -> NDArray[np.float64]:
    """The mean share of the others of a person's community who share the person's community in a run."""
    size = np.bincount(labels[labels >= 0])
    total = np.zeros(labels.size)
    for run in runs:
        known = (labels >= 0) & (run >= 0)
        width = int(run.max()) + 1
        cell = labels[known] * width + run[known]
        _, place, count = np.unique(cell, return_inverse=True, return_counts=True)
        others = size[labels[known]] - 1
        alone = np.bincount(run[known])[run[known]] == 1
        total[known] += np.where(others > 0, (count[place] - 1) / np.maximum(others, 1), alone)
    return total / len(runs)
