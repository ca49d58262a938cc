"""Consensus: what several runs of a finder agree on, and whether there is anything to agree on."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.find.graph import Graph, chosen, graph, named, seeded
from sociolect.find.quality import modularity, numbered, one_each, rand
from sociolect.find.ties import folded
from sociolect.frames import Effects, Members, Society, Ties
from sociolect.seeds import derive, substream

Labels = NDArray[np.int64]


def consensus(
    finder: Callable[..., Members],
    society: Society,
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
    communities do not lower it; `structure` shows those.

    Name in `kinds` the ties the finder takes, where it does not take all. Raises UsageError for fewer than two seeds
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
    society = replace(society, ties=chosen(society.ties, kinds))
    net = graph(society.ties)
    first = runs = met = _runs(finder, society, net, seeds, derive(seed, "consensus", 0))
    share = _together(runs, net).mean(axis=0)
    for turn in range(1, rounds + 1):
        if ((share == 0) | (share == 1)).all():
            break
        kept = _reweighed(society.ties, net, share, threshold, 1 / seeds)
        runs = _runs(finder, replace(society, ties=kept), net, seeds, derive(seed, "consensus", turn))
        share = _together(runs, net).mean(axis=0)
        met = np.concatenate([runs, met])
    labels = max(met, key=lambda run: np.mean([_alike(run, other) for other in first]))
    found = named(labels, net.persons)
    stability = pl.Series("stability", _stability(labels, first)[labels >= 0])
    return frames.members(found.with_columns(stability))


def null(society: Society, *, kinds: str | Sequence[str] | None = None, seed: int = 0) -> Society:
    """The society with its ties rewired at random: everybody keeps as many tied partners, and no community is left.

    Ties are taken without direction, and ends are swapped between pairs of ties ten times per tie (the configuration
    model: Maslov and Sneppen 2002, doi 10.1126/science.1065103). The weights, and the kinds of a pair together, go to
    the new pairs at random. People and posts stay, so posts no longer show these ties.

    >>> pairs = ["ab", "bc", "ca", "cd", "de", "ef", "fd"]
    >>> rows = [{"source": s, "target": t, "kind": "reply", "weight": 1.0} for s, t in pairs]
    >>> society = Society(frames.empty("people"), frames.empty("posts"), frames.ties(pl.DataFrame(rows)))
    >>> [np.bincount(np.r_[g.a, g.b]).tolist() for g in (graph(society.ties), graph(null(society, seed=1).ties))]
    [[2, 2, 3, 3, 2, 2], [2, 2, 3, 3, 2, 2]]
    """
    ties = chosen(society.ties, kinds)
    net = graph(ties)
    a, b = net.a, net.b
    if net.a.size > 1 and net.persons.len() > 3:  # fewer leave nothing to swap, and igraph refuses them
        with seeded(derive(seed, "null")) as igraph:
            network = igraph.Graph(n=net.persons.len(), edges=np.column_stack([a, b]))
            network.rewire(n=10 * net.a.size)
        ends = np.sort(np.array(network.get_edgelist(), dtype=np.int64), axis=1)
        a, b = ends[np.lexsort((ends[:, 1], ends[:, 0]))].T
    place = substream(seed, "null", "weights").permutation(net.a.size)
    rows = _by_pair(ties, net)
    new = place[rows["pair"].to_numpy()]
    rewired = pl.DataFrame(
        {
            "source": net.persons.gather(a[new]),
            "target": net.persons.gather(b[new]),
            "kind": rows["kind"],
            "weight": rows["weight"],
        }
    )
    return replace(society, ties=frames.ties(rewired.sort("source", "target", "kind")))


def structure(
    society: Society,
    finder: Callable[..., Members],
    *,
    seeds: int = 10,
    nulls: int = 20,
    kinds: str | Sequence[str] | None = None,
    seed: int = 0,
) -> Effects:
    """Whether the ties hold communities at all: modularity and agreement between seeds, against rewired ties.

    Four effects: `modularity` (resolution 1) and `agreement of seeds` (mean adjusted Rand index over pairs of seeds),
    each `found` in the ties and `rewired`, in `nulls` networks of `null`. The estimate is the mean; low and high are
    the smallest and largest, over seeds, pairs of seeds, or networks: ranges, not intervals. `p` is that of a
    permutation test, one-sided: (1 + rewired networks at least as high) / (1 + nulls); it cannot fall below
    1 / (1 + nulls). `n` is the people with a tie, `left_out` those without. Every rewired network is found in with as
    many seeds, so this takes seeds * (1 + nulls) runs. `looks_random` reads the verdict. Raises UsageError for fewer
    than two seeds or no null.

    >>> from sociolect.find.leiden import leiden
    >>> pairs = ["ab", "bc", "ca", "cd", "de", "ef", "fd"]
    >>> rows = [{"source": s, "target": t, "kind": "reply", "weight": 1.0} for s, t in pairs]
    >>> society = Society(frames.empty("people"), frames.empty("posts"), frames.ties(pl.DataFrame(rows)))
    >>> structure(society, leiden, seeds=2, nulls=3)["estimate"].round(3).to_list()[0]
    0.357
    """
    if seeds < 2 or nulls < 1:
        raise UsageError(f"seeds={seeds}, nulls={nulls}: due are two seeds or more, and one rewired network or more")
    society = replace(society, ties=chosen(society.ties, kinds))
    of, among_seeds = _measured(finder, society, seeds, derive(seed, "structure"))
    rewired = [
        _measured(finder, null(society, seed=derive(seed, "rewired", i)), seeds, derive(seed, "structure", i))
        for i in range(nulls)
    ]
    rows: list[tuple[str, str, list[float], float | None, str]] = []
    for measure, found, without in (
        ("modularity", of, [float(np.mean(m)) for m, _ in rewired]),
        ("agreement of seeds", among_seeds, [float(np.mean(r)) for _, r in rewired]),
    ):
        # up to rounding, an equal number is as high
        p = (1 + sum(value >= np.mean(found) - 1e-12 for value in without)) / (1 + nulls)
        rows += [
            (measure, "found", found, p, f"range over {len(found)}"),
            (measure, "rewired", without, None, f"range over {nulls}"),
        ]
    n = graph(society.ties).persons.len()
    return frames.effects(
        pl.DataFrame(
            [
                {
                    "measure": measure,
                    "contrast": contrast,
                    "estimate": float(np.mean(values)),
                    "low": float(min(values)),
                    "high": float(max(values)),
                    "n": n,
                    "p": p,
                    "method": method,
                    "left_out": max(0, society.people.height - n),
                }
                for measure, contrast, values, p, method in rows
            ],
            schema_overrides={"p": pl.Float64},
        )
    )


def looks_random(effects: Effects, *, level: float = 0.05, agreement: float = 0.2) -> bool:
    """Whether what `structure` found cannot be told from rewired ties, so that a page must say: no communities.

    True where the p of modularity is above `level`, or seeds agree no better than `agreement` (adjusted Rand index).
    With fewer than 19 rewired networks p cannot reach .05, and everything looks random.

    >>> row = {"contrast": "found", "low": 0.0, "high": 1.0, "n": 9, "method": "range over 10"}
    >>> modular = row | {"measure": "modularity", "estimate": 0.4, "p": 0.04}
    >>> unsure = row | {"measure": "agreement of seeds", "estimate": 0.1, "p": 0.04}
    >>> looks_random(frames.effects(pl.DataFrame([modular, unsure])))
    True
    """
    found = {row["measure"]: row for row in effects.filter(pl.col("contrast") == "found").iter_rows(named=True)}
    return bool(found["modularity"]["p"] > level or found["agreement of seeds"]["estimate"] <= agreement)


def _measured(
    finder: Callable[..., Members], society: Society, seeds: int, seed: int
) -> tuple[list[float], list[float]]:
    """The modularity of each run, and the adjusted Rand index of each pair of runs."""
    found = [finder(society, seed=derive(seed, i)) for i in range(seeds)]
    persons = graph(society.ties).persons
    labels = [_labels(members, persons) for members in found]
    pairs = [_alike(x, y) for x, y in combinations(labels, 2)]
    return [modularity(society.ties, members) for members in found], pairs


def _runs(finder: Callable[..., Members], society: Society, net: Graph, seeds: int, seed: int) -> Labels:
    """The community numbers of each person (columns) in each run (rows), -1 where the finder left somebody out."""
    return np.stack([_labels(finder(society, seed=derive(seed, i)), net.persons) for i in range(seeds)])


def _labels(members: Members, persons: pl.Series) -> Labels:
    return numbered(one_each(members), persons, members["community"].unique().sort())


def _alike(x: Labels, y: Labels) -> float:
    both = (x >= 0) & (y >= 0)
    return rand(x[both], y[both])


def _together(runs: Labels, net: Graph) -> NDArray[np.bool_]:
    """Whether the two ends of each tie (columns) share a community in each run (rows)."""
    a, b = runs[:, net.a], runs[:, net.b]
    return np.asarray((a == b) & (a >= 0))


def _by_pair(ties: Ties, net: Graph) -> pl.DataFrame:
    """The ties without direction, with the number of their pair among the edges of the network."""
    rows = folded(ties, directed=False)
    code, n = pl.Enum(net.persons), net.persons.len()
    a, b = (rows[side].cast(code).to_physical().to_numpy().astype(np.int64) for side in ("source", "target"))
    pair = pl.Series("pair", np.searchsorted(net.a * n + net.b, a * n + b))
    return rows.with_columns(pair).sort("pair", "kind")


def _reweighed(ties: Ties, net: Graph, share: NDArray[np.float64], threshold: float, least: float) -> Ties:
    """The ties times the share of runs that keep their ends together, without those below the threshold."""
    keep = share >= threshold
    worth = net.weight * np.maximum(share, least)
    # a person about to lose every tie keeps the best one (Lancichinetti and Fortunato 2012, Methods)
    ends = np.concatenate([net.a, net.b])
    edge = np.tile(np.arange(net.a.size), 2)
    best = edge[np.lexsort((edge, -worth[edge], ends))]
    first = np.unique(np.sort(ends), return_index=True)[1]
    lonely = np.bincount(ends, np.tile(keep, 2), minlength=net.persons.len()) == 0
    keep[best[first][lonely[np.unique(ends)]]] = True
    rows = _by_pair(ties, net)
    pair = rows["pair"].to_numpy()
    part = rows.with_columns(weight=rows["weight"] * pl.Series(np.maximum(share, least)[pair]))
    return frames.ties(part.filter(pl.Series(keep[pair])).drop("pair"))


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
