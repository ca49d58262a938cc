"""The network as a picture: communities by colour and shape, and no person's name anywhere."""

import random
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.errors import RefusedError
from sociolect.report.ink import MOST, at, colours, legend, mark, svg
from sociolect.seeds import derive, substream

SIDE = 640.0


def network(
    ties: pl.DataFrame,
    members: pl.DataFrame,
    *,
    most: int = 600,
    title: str = "The network and its communities",
    seed: int = 0,
) -> str:
    """The best-connected `most` people and the ties among them, coloured by community; nobody is named.

    The eight largest communities have a colour and a shape, further ones share grey. Whoever is in several stands in the
    one of greatest weight. The layout is Fruchterman and Reingold's (1991), out of the ties alone: it does not know the communities.
    Raises RefusedError where no tie is left to draw.

    >>> two = pl.DataFrame({"source": ["ada"], "target": ["bob"], "kind": ["reply"], "weight": [1.0]})
    >>> drawn = network(two, pl.DataFrame({"person": ["ada", "bob"], "community": ["red", "red"]}))
    >>> "red (2)" in drawn, "ada" in drawn
    (True, False)
    """
    edges = (
        ties.filter(pl.col("source") != pl.col("target"))
        .select(a=pl.min_horizontal("source", "target"), b=pl.max_horizontal("source", "target"), weight="weight")
        .group_by("a", "b")
        .agg(pl.col("weight").sort().sum())
    )
    strength = pl.concat([edges.select(person="a", weight="weight"), edges.select(person="b", weight="weight")])
    ranked = (
        strength.group_by("person").agg(pl.len().alias("degree")).sort("degree", "person", descending=[True, False])
    )
    chosen = ranked["person"].head(most)
    edges = edges.filter(pl.col("a").is_in(chosen.implode()) & pl.col("b").is_in(chosen.implode())).sort("a", "b")
    people = sorted({*edges["a"], *edges["b"]})
    if not people:
        raise RefusedError("there is no network to draw: no tie joins two of the people chosen")
    home = _homes(members)
    sizes = (
        members.group_by("community")
        .agg(pl.col("person").n_unique().alias("n"))
        .sort("n", "community", descending=[True, False])
    )
    names = [str(c) for c in sizes["community"]]
    ink = colours(names)
    index = {person: k for k, person in enumerate(people)}
    pairs = [(index[a], index[b]) for a, b in edges.select("a", "b").iter_rows()]
    places = _layout(len(people), pairs, edges["weight"].to_numpy(), seed)
    key, high = legend(_key(names, sizes["n"].to_list(), any(p not in home for p in people)), 0, SIDE + 16, SIDE)
    lines = "".join(f"M{at(places[a, 0])} {at(places[a, 1])}L{at(places[b, 0])} {at(places[b, 1])}" for a, b in pairs)
    light = max(0.12, min(0.45, 60 / len(pairs) ** 0.75))
    out = [
        f'<path d="{lines}" class="edge" stroke="#8a9198" stroke-width="0.7" stroke-opacity="{at(light)}" fill="none"/>'
    ]
    degree = np.bincount(np.array(pairs).ravel(), minlength=len(people))
    size = max(2.4, min(6.0, 70 / len(people) ** 0.5))
    # Grey first, so that no colour is hidden under it; then in an order that favours no community.
    order = substream(seed, "network", "order").permutation(len(people))
    for k in sorted(map(int, order), key=lambda k: ink.get(home.get(people[k], ""), 0) > 0):
        colour = ink.get(home.get(people[k], ""), 0)
        out.append(
            mark(places[k, 0], places[k, 1], colour, size=size * (0.8 + 0.5 * (degree[k] / degree.max()) ** 0.5))
        )
    everyone = ranked.height
    desc = (
        f"{len(people):,} of {everyone:,} people with ties, the best connected, and the {len(pairs):,} ties among them; "
        f"{len(names)} communities. Places come from the ties alone. Numbers in the legend count all members."
    )
    return svg(SIDE, SIDE + 24 + high, title, desc, [*out, key])


def _homes(members: pl.DataFrame) -> dict[str, str]:
    """One community for each person: the one of greatest weight, then the first by name."""
    weighed = members if "weight" in members.columns else members.with_columns(weight=pl.lit(1.0))
    first = weighed.sort(pl.col("weight").fill_null(0.0), "community", descending=[True, False]).unique(
        "person", keep="first", maintain_order=True
    )
    return {str(p): str(c) for p, c in first.select("person", "community").iter_rows()}


def _key(names: list[str], sizes: list[int], homeless: bool) -> list[tuple[int, str]]:
    """The legend: each coloured community with its size, then what is grey."""
    shown = [(k, f"{name} ({n:,})") for k, (name, n) in enumerate(zip(names[:MOST], sizes, strict=False), 1)]
    rest = len(names) - MOST
    grey = [f"{rest} smaller ({sum(sizes[MOST:]):,})"] if rest > 0 else []
    grey += ["in none"] if homeless else []
    return [*shown, *([(0, ", ".join(grey))] if grey else [])]


def _layout(
    count: int, pairs: list[tuple[int, int]], weights: npt.NDArray[np.float64], seed: int
) -> npt.NDArray[np.float64]:
    """Places within the square, by Fruchterman and Reingold; loose parts are held near by a weak pull to the middle."""
    import igraph

    graph: Any = igraph.Graph(n=count + 1, edges=[*pairs, *((k, count) for k in range(count))])
    pull = np.concatenate([np.log1p(weights / weights.max()) / np.log(2) * 0.9 + 0.1, np.full(count, 0.02)])
    start = substream(seed, "network", "start").uniform(-1, 1, (count + 1, 2)) * count**0.5
    # igraph draws from one generator for the whole process: it is lent a seeded one and given its own back.
    igraph.set_random_number_generator(random.Random(derive(seed, "network", "layout")))
    try:
        layout = graph.layout_fruchterman_reingold(weights=pull.tolist(), niter=400, seed=start.tolist(), grid="nogrid")
    finally:
        igraph.set_random_number_generator(random)
    places: npt.NDArray[np.float64] = np.array(layout.coords, dtype=np.float64)[:count]
    low, high = places.min(axis=0), places.max(axis=0)
    span = max(float((high - low).max()), 1e-9)
    fitted: npt.NDArray[np.float64] = (places - (low + high) / 2) / span * (SIDE - 32) + SIDE / 2
    return fitted
