"""Triangles of a sparse network, each found once: how many close over every edge."""

import numpy as np
from numpy.typing import NDArray

from sociolect.find.kernels import kernel


@kernel
def triangles(start: NDArray[np.int64], head: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many triangles each edge is in; edges run from the lesser degree to the greater, heads ascending per tail.

    Two ascending lists are merged for each edge; no list is longer than the root of twice the edges, so hubs cost little
    (Chiba and Nishizeki 1985, doi 10.1137/0214017).
    """
    count = np.zeros(head.size, dtype=np.int64)
    for u in range(start.size - 1):
        for e in range(start[u], start[u + 1]):
            v = head[e]
            i, j = e + 1, start[v]
            while i < start[u + 1] and j < start[v + 1]:
                if head[i] < head[j]:
                    i += 1
                elif head[i] > head[j]:
                    j += 1
                else:
                    count[e] += 1
                    count[i] += 1
                    count[j] += 1
                    i += 1
                    j += 1
    return count
