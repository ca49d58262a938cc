"""Louvain: communities of high modularity, by moving people and then whole communities."""

from collections.abc import Sequence
from math import inf

from sociolect.errors import UsageError
from sociolect.find.graph import Graph, found, network_of
from sociolect.find.modularity import optimised
from sociolect.frames import Members, Society


def louvain(
    society: Society | Graph, *, resolution: float = 1.0, kinds: str | Sequence[str] | None = None, seed: int = 0
) -> Members:
    """Communities by the Louvain algorithm, modularity, over the ties of a society: undirected, weighted, kinds summed.

    A network (`find.graph.graph`, also of a parquet file) may stand for the society. A higher `resolution` gives more and
    smaller communities; `kinds` takes only these ties. Communities are c00, c01, ... by size. People without a tie are no members: their number is `society.people.height - members.height`.
    A community may fall into parts that no tie joins; `leiden` has no such. Raises RefusedError without a tie,
    UsageError for a kind nobody has or a resolution below 0.
    Source: Blondel et al. 2008, doi 10.1088/1742-5468/2008/10/P10008; ours (`find.modularity`).

    >>> import polars as pl
    >>> from sociolect import frames
    >>> pairs = ["ab", "bc", "ca", "cd", "de", "ef", "fd"]
    >>> rows = [{"source": s, "target": t, "kind": "reply", "weight": 1.0} for s, t in pairs]
    >>> society = Society(frames.empty("people"), frames.empty("posts"), frames.ties(pl.DataFrame(rows)))
    >>> louvain(society)["community"].to_list()
    ['c00', 'c00', 'c00', 'c01', 'c01', 'c01']
    """
    if not 0 <= resolution < inf:
        raise UsageError(f"resolution={resolution}: due is a finite number, 0 or above")
    return found(
        network_of(society, kinds),
        lambda net: optimised(net, refine=False, resolution=resolution, iterations=1, seed=seed),
    )
