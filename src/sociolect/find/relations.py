"""Relations: what two people give and get back, how strong, mutual and embedded the tie is, and what it is for or against."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.errors import RefusedError
from sociolect.find.graph import chosen
from sociolect.find.stance import readings, stance
from sociolect.frames import Ties

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_MANY = 20  # ours: ties of any direction all run up the alphabet with a chance of 2**-20


class Readings(NamedTuple):
    """Sentiment of some rows: the mean (NaN for none), how many readings, and their summed squares about it (NaN: not known)."""

    mean: Floats
    n: Ints
    squares: Floats


class Pairs(NamedTuple):
    """Tied pairs of people, a < b in the order of `persons`: weight and sentiment from a to b, and back."""

    persons: pl.Series
    a: Ints
    b: Ints
    given: Floats
    received: Floats
    there: Readings | None
    back: Readings | None
    self_ties: int


def relations(
    ties: Ties,
    *,
    kinds: str | Sequence[str] | None = None,
    least: int = 5,  # ours: below, a mean of readings tells little
    level: float = 0.95,
    neutral: float = 0.0,
) -> pl.DataFrame:
    """One row for each two tied people, a < b by name: what goes there, what comes back, and what the two are to one another.

    The ties are directed, as `ties(directed=True)`, `sentiments` and network files give them; kinds are summed, self ties
    are no relation.
    - given, received: the weight from a to b, and from b to a. strength: their sum. mutual: both are above 0.
    - reciprocity: the smaller over the larger, 0 to 1.
    - embeddedness: how many neighbours the two share, either way and of the chosen kinds. overlap: the same over all neighbours
      of either but the two themselves; null where there are none (Onnela et al. 2007, doi 10.1073/pnas.0610245104, eq. in Fig. 1).
    Where ties carry a column sentiment also:
    - sentiment_given, sentiment_received: the mean of the readings each way, null where none.
    - sentiment, sentiment_n, sentiment_sd: of both ways as one sample; low, high, p, stance, reason as in `stance`.
    Sorted. A million ties take seconds.
    Raises UsageError for a kind that no tie has, InputError for sentiment that is no number, RefusedError where no two people
    are tied, and where ties look undirected: nothing can be returned then, and reciprocity would be 0 of itself.

    >>> t = {"source": ["a", "b", "c"], "target": ["b", "a", "b"], "kind": "reply", "weight": [4.0, 1.0, 2.0]}
    >>> found = relations(Ties(pl.DataFrame(t)))
    >>> found.select("a", "b", "strength", "reciprocity", "mutual", "overlap").rows()
    [('a', 'b', 5.0, 0.25, True, 0.0), ('b', 'c', 2.0, 0.0, False, 0.0)]
    """
    net = paired(ties, kinds=kinds)
    shared, overlap = embeddedness(net)
    made = pl.DataFrame(
        {
            "a": net.persons.gather(net.a), "b": net.persons.gather(net.b), "given": net.given, "received": net.received,
            "strength": net.given + net.received,
            "reciprocity": np.minimum(net.given, net.received) / np.maximum(net.given, net.received),
            "mutual": (net.given > 0) & (net.received > 0), "embeddedness": shared, "overlap": overlap,
        }
    ).with_columns(pl.col("overlap").fill_nan(None))  # fmt: skip
    if net.there is None or net.back is None:
        return made
    both = _joint(net.there, net.back)
    known = {
        "sentiment_given": net.there.mean, "sentiment_received": net.back.mean, "sentiment": both.mean, "sentiment_n": both.n,
        "sentiment_sd": np.sqrt(both.squares / np.where(both.n > 1, both.n - 1, np.nan)),
    }  # fmt: skip
    read = pl.DataFrame(known).with_columns(pl.exclude("sentiment_n").fill_nan(None))
    return stance(pl.concat([made, read], how="horizontal"), least=least, level=level, neutral=neutral)


def paired(ties: Ties, *, kinds: str | Sequence[str] | None = None) -> Pairs:
    """The tied pairs of a directed network, as numbers; errors as in `relations`.

    >>> t = {"source": ["a", "b"], "target": ["b", "a"], "kind": "reply", "weight": [4.0, 1.0]}
    >>> net = paired(Ties(pl.DataFrame(t)))
    >>> net.given.tolist(), net.received.tolist()
    ([4.0], [1.0])
    """
    here = chosen(ties, kinds)
    rows = here.filter(pl.col("source") != pl.col("target"))
    if not rows.height:
        raise RefusedError(
            f"no relation can be told: {here.height} ties, none between two people; build some with "
            "ties(society, directed=True), or give a network"
        )
    directed(rows)
    read = readings(rows) if "sentiment" in rows.columns else None
    persons = pl.concat([rows["source"], rows["target"]]).unique().sort().alias("person")
    code = pl.Enum(persons)
    source, target = (rows[side].cast(code).to_physical().to_numpy().astype(np.int64) for side in ("source", "target"))
    kind = rows["kind"].cast(pl.Enum(rows["kind"].unique().sort())).to_physical().to_numpy()
    way = 2 * (np.minimum(source, target) * np.int64(persons.len()) + np.maximum(source, target)) + (source > target)
    # no two rows share way and kind: the sums below have one order, whatever that of the rows
    order = np.lexsort((kind, way))
    way = way[order]
    first = np.flatnonzero(np.diff(way, prepend=-1))
    weight = np.add.reduceat(rows["weight"].to_numpy()[order], first)
    pair, place = np.unique(way[first] // 2, return_inverse=True)
    back = way[first] % 2 == 1
    sums = {side: np.zeros(pair.size) for side in (False, True)}
    for side, weights in sums.items():
        weights[place[back == side]] = weight[back == side]
    there = received = None
    if read is not None:
        mean, n, sd = (read[c].to_numpy()[order] for c in ("sentiment", "sentiment_n", "sentiment_sd"))
        single = Readings(mean, n, np.where(n > 1, (n - 1) * sd**2, 0.0))
        folded = _folded(single, first)
        there, received = (_placed(folded, back == side, place, pair.size) for side in (False, True))
    a, b = np.divmod(pair, np.int64(persons.len()))
    return Pairs(persons, a, b, sums[False], sums[True], there, received, here.height - rows.height)


def directed(ties: pl.DataFrame) -> None:
    """Nothing, where ties may be directed; RefusedError where 20 or more all run up the alphabet, as undirected ones do.

    Where nobody is both source and target (fans and stars), no order of names tells anything.
    """
    if ties.height < _MANY or not (ties["source"] < ties["target"]).all():
        return
    if ties["source"].is_in(ties["target"].unique().implode()).any():
        raise RefusedError(
            f"all {ties.height} ties run from the smaller name to the larger and none back, as undirected ties do: "
            "what is returned cannot be told; take ties(society, directed=True)"
        )


def embeddedness(net: Pairs) -> tuple[Ints, Floats]:
    """How many neighbours the two of each pair share, and that over all their other neighbours (NaN where there are none).

    >>> t = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]
    >>> rows = [{"source": s, "target": t, "kind": "x", "weight": 1.0} for s, t in t]
    >>> shared, overlap = embeddedness(paired(Ties(pl.DataFrame(rows))))
    >>> shared.tolist(), overlap.tolist()
    ([1, 1, 1, 0], [1.0, 0.5, 0.5, 0.0])
    """
    from sociolect.find.kernels.triangles import triangles

    size = net.persons.len()
    degree = np.bincount(net.a, minlength=size) + np.bincount(net.b, minlength=size)
    rank = np.empty(size, dtype=np.int64)
    rank[np.argsort(degree, kind="stable")] = np.arange(size)
    x, y = rank[net.a], rank[net.b]
    low, high = np.minimum(x, y), np.maximum(x, y)
    order = np.lexsort((high, low))
    start = np.concatenate([[0], np.cumsum(np.bincount(low, minlength=size))]).astype(np.int64)
    shared = np.empty(net.a.size, dtype=np.int64)
    shared[order] = triangles(start, high[order])
    others = degree[net.a] + degree[net.b] - 2 - shared
    return shared, np.where(others > 0, shared / np.maximum(others, 1), np.nan)


def _folded(rows: Readings, first: Ints) -> Readings:
    """Readings of runs of rows as one sample each: squares within, and of the means about the whole one."""
    n = np.add.reduceat(rows.n, first)
    weighed = np.where(rows.n > 0, rows.n * rows.mean, 0.0)
    mean = np.add.reduceat(weighed, first) / np.where(n > 0, n, np.nan)
    apart = rows.mean - np.repeat(mean, np.diff(first, append=rows.n.size))
    squares = np.where(rows.n > 0, rows.squares + rows.n * apart**2, 0.0)
    return Readings(mean, n, np.add.reduceat(squares, first))


def _placed(rows: Readings, keep: NDArray[np.bool_], place: Ints, size: int) -> Readings:
    made = Readings(np.full(size, np.nan), np.zeros(size, dtype=np.int64), np.zeros(size))
    for whole, part in zip(made, rows, strict=True):
        whole[place[keep]] = part[keep]
    return made


def _joint(there: Readings, back: Readings) -> Readings:
    """Both ways of each pair as one sample."""
    rows = Readings(*(np.column_stack(both).ravel() for both in zip(there, back, strict=True)))
    return _folded(rows, np.arange(0, rows.n.size, 2))
