"""Leiden: communities of high modularity that hang together."""

from collections.abc import Sequence
from math import inf

from sociolect.errors import UsageError
from sociolect.find.graph import Graph, found, network_of
from sociolect.find.modularity import optimised
from sociolect.frames import Members, Society


def leiden(
    society: Society | Graph,
    *,
    resolution: float = 1.0,
    kinds: str | Sequence[str] | None = None,
    iterations: int = -1,
    seed: int = 0,
) -> Members:
    """Communities by the Leiden algorithm, modularity, over the ties of a society: undirected, weighted, kinds summed.

    A network (`find.graph.graph`, also of a parquet file) may stand for the society. A higher `resolution` gives more and
    smaller communities; `kinds` takes only these ties; `iterations=-1` goes on until one adds less than 1e-5 of modularity.
    Communities are c00, c01, ... by size. People without a tie are no members: their number is
    `society.people.height - members.height`. Raises RefusedError without a tie, UsageError for a kind nobody has
    a resolution below 0, or no iteration.
    Source: Traag, Waltman, van Eck 2019, doi 10.1038/s41598-019-41695-z; the finding is ours (`find.modularity`).

    >>> import polars as pl
    >>> from sociolect import frames
    >>> pairs = ["ab", "bc", "ca", "cd", "de", "ef", "fd"]
    >>> rows = [{"source": s, "target": t, "kind": "reply", "weight": 1.0} for s, t in pairs]
    >>> society = Society(frames.empty("people"), frames.empty("posts"), frames.ties(pl.DataFrame(rows)))
    >>> leiden(society)["community"].to_list()
    ['c00', 'c00', 'c00', 'c01', 'c01', 'c01']
    """
    if not 0 <= resolution < inf:
        raise UsageError(f"resolution={resolution}: due is a finite number, 0 or above")
    if iterations == 0 or iterations < -1:
        raise UsageError(f"iterations={iterations}: due is 1 or more, or -1 to go on while it gains")
    return found(
        network_of(society, kinds),
        lambda net: optimised(net, refine=True, resolution=resolution, iterations=iterations, seed=seed),
    )
