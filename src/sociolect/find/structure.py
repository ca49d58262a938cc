"""Structure: whether the ties hold communities at all, against the same ties rewired at random."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import overload

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.find.consensus import by_pair, labelled
from sociolect.find.graph import Graph, chosen, network_of, seeded
from sociolect.find.quality import modularity, rand
from sociolect.frames import Effects, Members, Society
from sociolect.seeds import derive, substream


@overload
def null(society: Society, *, kinds: str | Sequence[str] | None = None, seed: int = 0) -> Society: ...
@overload
def null(society: Graph, *, kinds: None = None, seed: int = 0) -> Graph: ...
def null(society: Society | Graph, *, kinds: str | Sequence[str] | None = None, seed: int = 0) -> Society | Graph:
    """The society with its ties rewired at random: everybody keeps as many tied partners, and no community is left.

    Ties are taken without direction, and ends are swapped between pairs of ties ten times per tie (the configuration
    model: Maslov and Sneppen 2002, doi 10.1126/science.1065103). The weights, and the kinds of a pair together, go to
    the new pairs at random. A network stays a network. People and posts stay, so posts no longer show these ties.

    >>> pairs = ["ab", "bc", "ca", "cd", "de", "ef", "fd"]
    >>> rows = [{"source": s, "target": t, "kind": "reply", "weight": 1.0} for s, t in pairs]
    >>> society = Society(frames.empty("people"), frames.empty("posts"), frames.ties(pl.DataFrame(rows)))
    >>> from sociolect.find.graph import graph
    >>> [np.bincount(np.r_[g.a, g.b]).tolist() for g in (graph(society.ties), graph(null(society, seed=1).ties))]
    [[2, 2, 3, 3, 2, 2], [2, 2, 3, 3, 2, 2]]
    """
    net = network_of(society, kinds)
    a, b = net.a, net.b
    if net.a.size > 1 and net.persons.len() > 3:  # fewer leave nothing to swap, and igraph refuses them
        with seeded(derive(seed, "null")) as igraph:
            network = igraph.Graph(n=net.persons.len(), edges=np.column_stack([a, b]))
            network.rewire(n=10 * net.a.size)
        ends = np.sort(np.array(network.get_edgelist(), dtype=np.int64), axis=1)
        a, b = ends[np.lexsort((ends[:, 1], ends[:, 0]))].T
    place = substream(seed, "null", "weights").permutation(net.a.size)
    if isinstance(society, Graph):
        return Graph(net.persons, a, b, net.weight[np.argsort(place)])
    rows = by_pair(chosen(society.ties, kinds), net)
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
    society: Society | Graph,
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
    if isinstance(society, Society):
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
    n = network_of(society).persons.len()
    people = society.people.height if isinstance(society, Society) else n
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
                    "left_out": max(0, people - n),
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
    finder: Callable[..., Members], society: Society | Graph, seeds: int, seed: int
) -> tuple[list[float], list[float]]:
    """The modularity of each run, and the adjusted Rand index of each pair of runs."""
    found = [finder(society, seed=derive(seed, i)) for i in range(seeds)]
    net = network_of(society)
    labels = [labelled(members, net.persons) for members in found]
    pairs = [rand(x, y) for x, y in combinations(labels, 2)]
    return [modularity(net, members) for members in found], pairs
