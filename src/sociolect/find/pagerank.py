"""PageRank of weighted directed graphs, many at once, and what becomes of the mass of nodes that lead nowhere."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sociolect.errors import InputError, UsageError

Floats = NDArray[np.float64]


def pagerank(
    weights: Floats,
    *,
    damping: float = 0.85,  # [code]
    turns: int = 100,  # [code]
    dangling: Literal["leaked", "redistributed"] = "leaked",
) -> Floats:
    """The rank of each node, (..., n); `weights` (..., n, n) is how strongly the row's node leads to the column's.

    r begins at 1 / n; each turn r <- (1 - damping) / n + damping * (what flows in), a node's mass parted by its weights
    (Page, Brin, Motwani and Winograd 1999). A dangling node has no weight out: its mass is `leaked`, and ranks sum to less
    than 1, or `redistributed` over all nodes alike, and they sum to 1. Once settled, the two differ by a factor alone: the
    order is the same. Sums are taken in one order, whatever the number of threads. Raises InputError for weights that are not square,
    finite and 0 or more, UsageError for a damping outside 0 to 1 or no turn.

    >>> chain = np.array([[0.0, 1.0], [0.0, 0.0]])
    >>> pagerank(chain).round(4).tolist(), pagerank(chain, dangling="redistributed").round(4).tolist()
    ([0.075, 0.1388], [0.3509, 0.6491])
    """
    w = np.asarray(weights, dtype=float)
    if w.ndim < 2 or w.shape[-1] != w.shape[-2] or not w.shape[-1]:
        raise InputError(f"weights are of shape {w.shape}: due is (..., n, n), n of 1 or more")
    if bad := int((~np.isfinite(w) | (w < 0)).sum()):
        raise InputError(f"{bad} weights are negative, nan or infinite: leave those edges out, or give them 0")
    if not 0 <= damping < 1 or turns < 1:
        raise UsageError(f"damping={damping}, turns={turns}: due are 0 or more and below 1, and 1 or more")
    if dangling not in ("leaked", "redistributed"):
        raise UsageError(f"dangling={dangling!r}: due is 'leaked' or 'redistributed'")
    n, out = w.shape[-1], w.sum(-1, keepdims=True)
    # columns first: no library of threads takes these sums apart
    flow = np.ascontiguousarray(np.swapaxes(np.divide(w, out, out=np.zeros_like(w), where=out > 0), -1, -2))
    stuck = (out[..., 0] <= 0).astype(float)
    rank = np.full(w.shape[:-1], 1 / n)
    for _ in range(turns):
        arrived = np.einsum("...ba,...a->...b", flow, rank)
        if dangling == "redistributed":
            arrived = arrived + (rank * stuck).sum(-1, keepdims=True) / n
        rank = (1 - damping) / n + damping * arrived
    return np.asarray(rank, dtype=float)
