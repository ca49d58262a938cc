"""Label propagation: everybody takes the label most of their ties carry, until nobody changes."""

from collections.abc import Sequence

from sociolect.find.graph import Graph, network_of, partition
from sociolect.frames import Members, Society


def label_propagation(society: Society | Graph, *, kinds: str | Sequence[str] | None = None, seed: int = 0) -> Members:
    """Communities by label propagation over the ties of a society: undirected, weighted, kinds summed.

    It maximises nothing and knows no resolution, so it also finds communities that modularity is too coarse for; it
    varies more over seeds, and may find one community only. `kinds` takes only these ties. Communities are c00, c01,
    ... by size. People without a tie are no members: their number is `society.people.height - members.height`.
    Raises RefusedError without a tie, UsageError for a kind nobody has.
    Source: Raghavan, Albert, Kumara 2007, doi 10.1103/PhysRevE.76.036106; the finding is igraph's.

    >>> import polars as pl
    >>> from sociolect import frames
    >>> rows = [{"source": s, "target": t, "kind": "reply", "weight": 1.0} for s, t in ["ab", "bc", "ca", "de"]]
    >>> society = Society(frames.empty("people"), frames.empty("posts"), frames.ties(pl.DataFrame(rows)))
    >>> label_propagation(society)["community"].to_list()
    ['c00', 'c00', 'c00', 'c01', 'c01']
    """
    return partition(
        network_of(society, kinds), seed, lambda network: network.community_label_propagation(weights="weight")
    )
