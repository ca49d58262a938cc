"""Edges out of rows: sorted pairs without direction, each once, the weights summed in sorted order."""

from typing import Any

import numpy as np

from sociolect.find.kernels import kernel


@kernel
def _by(key: Any, a: Any, b: Any, weight: Any, n: int) -> Any:
    """The rows in the order of a key below n; rows of one key keep their order."""
    at = np.zeros(n + 1, np.int64)
    for e in range(key.size):
        at[key[e] + 1] += 1
    for v in range(n):
        at[v + 1] += at[v]
    x, y, w = np.empty_like(a), np.empty_like(b), np.empty_like(weight)
    for e in range(key.size):
        place = at[key[e]]
        at[key[e]] += 1
        x[place], y[place], w[place] = a[e], b[e], weight[e]
    return x, y, w


@kernel
def _pairs(source: Any, target: Any, weight: Any, n: int) -> Any:
    a, b = np.minimum(source, target), np.maximum(source, target)
    a, b, weight = _by(b, a, b, weight, n)
    a, b, weight = _by(a, a, b, weight, n)
    end = 0
    begin = 0
    while begin < a.size:
        stop = begin + 1
        while stop < a.size and a[stop] == a[begin] and b[stop] == b[begin]:
            stop += 1
        # a sum of two is the same either way round
        parts = weight[begin:stop] if stop - begin < 3 else np.sort(weight[begin:stop])
        total = 0.0
        for part in parts:
            total += part
        a[end], b[end], weight[end] = a[begin], b[begin], total
        begin = stop
        end += 1
    return a[:end].astype(np.int64), b[:end].astype(np.int64), weight[:end].copy()


def summed(source: Any, target: Any, weight: Any, n: int) -> Any:
    """a, b (int64, a < b, sorted) and weight of each pair, out of rows with ends below n and no self tie."""
    ends = (np.ascontiguousarray(side, dtype=np.uint32) for side in (source, target))
    return _pairs(*ends, np.ascontiguousarray(weight, dtype=np.float64), n)
