"""Sweep: what each resolution finds, and how surely."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.find.consensus import labelled
from sociolect.find.graph import Graph, network_of
from sociolect.find.leiden import leiden
from sociolect.find.quality import modularity, rand
from sociolect.frames import Effects, Members, Society
from sociolect.seeds import derive

RESOLUTIONS = (0.25, 0.5, 1.0, 2.0, 4.0)


def sweep(
    society: Society | Graph,
    finder: Callable[..., Members] = leiden,
    *,
    resolutions: Sequence[float] = RESOLUTIONS,
    seeds: int = 5,
    kinds: str | Sequence[str] | None = None,
    seed: int = 0,
) -> Effects:
    """What `finder(network, resolution=, seed=)` finds at each resolution; estimate is the mean over seeds, low and high the range.

    Per resolution (`contrast`, such as `resolution 2`), `n` people:
    - communities: how many; largest: the share of the people in the largest one.
    - modularity: at resolution 1, so that resolutions compare.
    - agreement of seeds: the adjusted Rand index of each two seeds. A resolution worth trusting has it high.
    - agreement with the next: the adjusted Rand index with the next higher resolution, the same seed each; null at the last.
      A plateau of high values is structure that does not hang on the dial (Arenas et al. 2008, doi 10.1088/1367-2630/10/5/053039).
    Ties are read once and the runs stand side by side, so that a million ties take seconds. Raises UsageError for no resolution, one
    twice, or fewer than two seeds, and what the finder raises.

    >>> net = Graph(pl.Series("person", list("abcdef")), np.array([0, 0, 1, 2, 3, 3, 4]), np.array([1, 2, 2, 3, 4, 5, 5]), np.ones(7))
    >>> found = sweep(net, resolutions=(0.1, 1.0), seeds=2)
    >>> found.filter(measure="communities").select("contrast", "estimate").rows()
    [('resolution 0.1', 1.0), ('resolution 1', 2.0)]
    """
    dials = sorted(set(resolutions))
    if not dials or len(dials) < len(resolutions) or seeds < 2:
        raise UsageError(
            f"resolutions={tuple(resolutions)}, seeds={seeds}: due are resolutions, none twice, and two seeds or more"
        )
    net = network_of(society, kinds)

    def run(of: tuple[float, int]) -> tuple[Members, float]:
        members = finder(net, resolution=of[0], seed=derive(seed, "sweep", of[1]))
        return members, modularity(net, members)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        made = list(threads.map(run, [(dial, i) for dial in dials for i in range(seeds)]))
    labels = [labelled(members, net.persons) for members, _ in made]
    rows: list[tuple[str, str, list[float]]] = []
    for k, dial in enumerate(dials):
        here = slice(k * seeds, (k + 1) * seeds)
        sizes = [np.bincount(run[run >= 0]) for run in labels[here]]
        beyond = labels[(k + 1) * seeds : (k + 2) * seeds]
        name = f"resolution {float(dial)!r}".removesuffix(".0")
        rows += [
            ("communities", name, [float((size > 0).sum()) for size in sizes]),
            ("largest", name, [float(size.max() / size.sum()) for size in sizes]),
            ("modularity", name, [reached for _, reached in made[here]]),
            ("agreement of seeds", name, [rand(x, y) for x, y in combinations(labels[here], 2)]),
            ("agreement with the next", name, [rand(x, y) for x, y in zip(labels[here], beyond, strict=False)]),
        ]
    return frames.effects(
        pl.DataFrame(
            [
                {
                    "measure": measure,
                    "contrast": contrast,
                    "estimate": float(np.mean(values)) if values else None,
                    "low": min(values, default=None),
                    "high": max(values, default=None),
                    "n": net.persons.len(),
                    "method": f"range over {len(values)}",
                }
                for measure, contrast, values in rows
            ],
            schema_overrides={"estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64},
        )
    )
