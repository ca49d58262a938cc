"""Counts of pairs too many for the memory: sorted runs on disk, read back together one range of people after the other.

A run is a file of records (pair, k, count) in the order of the pairs, each pair and k once. A pair is one number:
source x people + target.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.find.ties_shown import added, counted, summed

RUN = np.dtype([("pair", "<i8"), ("k", "<i4"), ("count", "<i4")])


def numbered(pairs: pl.DataFrame, people: int, *, directed: bool) -> pl.DataFrame:
    """How often each pair is there, in either order where not `directed`: columns pair, k (2: each has one whole), count.

    >>> numbered(pl.DataFrame({"source": [0, 1, 1], "target": [1, 0, 1]}), 3, directed=False).rows()
    [(1, 2, 2)]
    """
    source, target = pl.col("source").cast(pl.Int64), pl.col("target").cast(pl.Int64)
    low, high = (source, target) if directed else (pl.min_horizontal(source, target), pl.max_horizontal(source, target))
    pairs = pairs.filter(pl.col("source") != pl.col("target")).select(pair=low * people + high)
    return counted(pairs["pair"].to_numpy(), 2)


def spilled(counts: Iterable[pl.DataFrame], folder: Path, *, people: int, rows: int) -> NDArray[np.int64]:
    """Write the counts as runs of about so many rows; how many rows there are of each source comes out."""
    folder.mkdir()
    held: list[pl.DataFrame] = []
    loads = np.zeros(people, dtype=np.int64)
    number = 0
    for piece in counts:
        held.append(piece)
        if sum(one.height for one in held) >= rows:
            held = [added(pl.concat(held))]
            if held[0].height >= rows // 2:  # what can be added up is added up before it is written
                loads += _written(held.pop(), folder / f"{number:06}", people)
                number += 1
    if held:
        loads += _written(added(pl.concat(held)), folder / f"{number:06}", people)
    return loads


def _written(counts: pl.DataFrame, path: Path, people: int) -> NDArray[np.int64]:
    run = np.empty(counts.height, dtype=RUN)
    for column in RUN.names or ():
        run[column] = counts[column].to_numpy()
    with path.open("wb") as file:
        file.write(run.view(np.uint8).data)
    return np.bincount(run["pair"] // people, minlength=people)


def bounds(loads: NDArray[np.int64], rows: int) -> list[int]:
    """Where to cut the people, so that the sources between two cuts have about so many rows; one person is never cut.

    >>> bounds(np.array([3, 3, 0, 9, 1]), 6)
    [0, 2, 4, 5]
    """
    total = np.cumsum(loads)
    if not total.size or not total[-1]:
        return [0, loads.size]
    cuts = np.searchsorted(total, np.arange(rows, total[-1] + rows, rows)) + 1
    return [0, *np.unique(np.minimum(cuts, loads.size)).tolist()]


def merged(folder: Path, cuts: list[int], people: int) -> Iterator[pl.DataFrame]:
    """The runs added up, for each range of sources between two cuts: columns pair and weight, in the order of the pairs."""
    paths = sorted(folder.iterdir())
    edges = np.array(cuts, dtype=np.int64) * people
    places = [np.searchsorted(np.fromfile(path, RUN)["pair"], edges) for path in paths]
    for at in range(len(cuts) - 1):
        parts = [
            np.fromfile(path, RUN, count=place[at + 1] - place[at], offset=int(place[at]) * RUN.itemsize)
            for path, place in zip(paths, places, strict=True)
        ]
        run = np.concatenate([np.empty(0, RUN), *parts])
        counts = pl.DataFrame({name: np.ascontiguousarray(run[name]) for name in RUN.names or ()})
        yield summed(counts.with_columns(pl.col("count").cast(pl.Int64), pl.col("k").cast(pl.Int64)))
