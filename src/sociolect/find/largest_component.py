"""The largest component: the part of a network in which everybody reaches everybody over ties."""

from dataclasses import replace

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.find.graph import graph
from sociolect.frames import Society


def largest_component(society: Society) -> Society:
    """The society within its largest connected component, ties without direction; who stands outside is counted in `set_aside`.

    Of equally large ones the one with the first name. Posts stay.

    >>> t = pl.DataFrame({"source": ["a", "b", "x"], "target": ["b", "c", "y"], "kind": "tie", "weight": 1.0})
    >>> crowd = frames.people(pl.DataFrame({"person": list("abcxyz")}))
    >>> kept = largest_component(Society(crowd, frames.posts(frames.empty("posts")), frames.ties(t)))
    >>> kept.people["person"].to_list(), kept.ties.height, kept.set_aside["count"].to_list()
    (['a', 'b', 'c'], 2, [3, 1])
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    net = graph(society.ties)
    n = net.persons.len()
    _, labels = connected_components(coo_array((net.weight, (net.a, net.b)), shape=(n, n)), directed=False)
    inside = net.persons.filter(pl.Series(labels == np.bincount(labels).argmax())).implode()
    people = society.people.filter(pl.col("person").is_in(inside))
    ties = society.ties.filter(pl.col("source").is_in(inside))
    lost = {
        "person outside the largest component": society.people.height - people.height,
        "tie outside the largest component": society.ties.height - ties.height,
    }
    rows = [(reason, count, "the network", "keep all of it") for reason, count in lost.items() if count]
    told = pl.DataFrame(rows, schema=frames.SET_ASIDE, orient="row")
    aside = pl.concat([society.set_aside, told])
    return replace(society, people=frames.people(people), ties=frames.ties(ties), set_aside=aside)
