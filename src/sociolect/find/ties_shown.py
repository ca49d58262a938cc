"""What posts show between people, kind by kind: answers, mentions, shared threads. `ties` and `ties_at_size` both stand on it.

A person may be a name or its number: each function works on whatever type the column `person` has.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.errors import UsageError, unknown

KINDS = ("reply", "repost", "mention", "co-thread")
_PAIRS_AT_ONCE = 2_000_000  # keeps the co-thread pairs in memory to some tens of megabytes


def wanted(kinds: str | Sequence[str]) -> list[str]:
    """The named kinds, each once.

    >>> wanted("reply"), wanted(["reply", "mention", "reply"])
    (['reply'], ['reply', 'mention'])
    """
    return [kinds] if isinstance(kinds, str) else list(dict.fromkeys(kinds))


def asked(kinds: str | Sequence[str], *, directed: bool) -> list[str]:
    """The named kinds, each once, if posts can show them all. Raises UsageError where they cannot."""
    names = wanted(kinds)
    for name in names:
        if name not in KINDS:
            raise unknown("kind of tie that posts show", name, KINDS)
    if directed and "co-thread" in names:
        raise UsageError("co-thread ties have no direction; take directed=False, or leave co-thread out")
    return names


def is_repost(columns: Sequence[str]) -> pl.Expr:
    """Whether a post is a repost; none is where posts have no column `kind`."""
    return pl.col("kind").eq_missing(pl.lit("repost")) if "kind" in columns else pl.lit(False)


def answers(said: pl.DataFrame, posts: pl.DataFrame) -> pl.DataFrame:
    """Who answered whom, a row per answer: source wrote the post, target its parent. A parent not in `posts` is nobody's.

    >>> said = pl.DataFrame({"person": ["a", "a"], "parent": ["1", "9"]})
    >>> answers(said, pl.DataFrame({"post": ["1"], "person": ["b"]})).rows()
    [('a', 'b')]
    """
    parents = posts.select(parent="post", target="person")
    children = said.select("parent", source="person").drop_nulls("parent")
    return children.join(parents, on="parent", how="inner").select("source", "target")


def mentions(posts: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Who named whom, a row per post and person named: source as in `person`, target by name, one of `known`.

    >>> said = pl.DataFrame({"post": ["1"], "person": ["a"], "text": ["@b and @b: see @c"]})
    >>> mentions(said, pl.Series(["a", "b"])).rows()
    [('a', 'b')]
    """
    # \B: no letter before the @, so an e-mail address mentions nobody
    said = (
        posts.filter(pl.col("text").str.contains("@", literal=True))
        .select("post", source="person", name=pl.col("text").str.extract_all(r"\B@[^\s@]+").list.unique())
        .filter(pl.col("name").list.len() > 0)
        .explode("name")
    )
    # an id may hold almost any sign, so the longest reading that is somebody wins: the whole, less one sign at its end,
    # less all signs there, and up to the first sign that ids seldom hold (@p1's)
    bare = pl.col("name").str.strip_prefix("@")
    readings = [
        bare,
        bare.str.replace(r"[^\p{L}\p{N}_]$", ""),
        bare.str.replace(r"[^\p{L}\p{N}_]+$", ""),
        bare.str.extract(r"^([\w./-]*\w)"),
    ]
    names = said.select("name").unique()
    read = pl.concat([names.select("name", rank=pl.lit(i), target=reading) for i, reading in enumerate(readings)])
    people = known.unique().alias("target").to_frame()
    # one join, with the people read once, takes a fifth of the time of four times is_in
    somebody = read.join(people, on="target").sort("name", "rank")
    names = somebody.unique("name", keep="first", maintain_order=True)
    return said.join(names, on="name").unique(["post", "target"]).select("source", "target")


def shared(wrote: pl.DataFrame, people: int, limit: int) -> Iterator[pl.DataFrame]:
    """How many threads of k people each pair shares, in pieces to be added up: columns pair, k, count.

    `wrote` has columns thread and person, a number below `people`; all rows of a thread are here. A pair a < b is the number
    a x people + b. Threads of one person, and of more than `limit`, are skipped.

    >>> wrote = pl.DataFrame({"thread": ["x", "x", "y", "y"], "person": [0, 2, 2, 0]})
    >>> [piece.rows() for piece in shared(wrote, 3, 50)]
    [[(2, 2, 2)]]
    """
    rows = wrote.select("thread", "person").unique().with_columns(k=pl.len().over("thread").cast(pl.Int64))
    rows = rows.filter(pl.col("k").is_between(2, limit)).sort("k", "thread")
    for (k,), block in rows.group_by("k", maintain_order=True):
        numbers = block["person"].cast(pl.Int64).to_numpy().reshape(-1, int(k))
        i, j = np.triu_indices(int(k), 1)
        for at in range(0, len(numbers), step := max(1, _PAIRS_AT_ONCE // i.size)):
            a, b = numbers[at : at + step, i].ravel(), numbers[at : at + step, j].ravel()
            yield counted(np.minimum(a, b) * people + np.maximum(a, b), int(k))


def counted(pairs: NDArray[np.int64], k: int) -> pl.DataFrame:
    """How often each pair is there, in the order of the pairs: columns pair, k, count.

    >>> counted(np.array([7, 4, 7]), 2).rows()
    [(4, 2, 1), (7, 2, 2)]
    """
    pair, count = np.unique(pairs, return_counts=True)
    return pl.DataFrame({"pair": pair, "k": np.full(pair.size, k), "count": count})


def added(counts: pl.DataFrame) -> pl.DataFrame:
    """The counts with the rows of one pair and k added up, in the order of pair and k.

    >>> added(pl.DataFrame({"pair": [7, 4, 7], "k": [3, 2, 3], "count": [1, 5, 1]})).rows()
    [(4, 2, 5), (7, 3, 2)]
    """
    rows = counts.sort("pair", "k")  # a sort takes a quarter of the time of group_by here
    pair, k, count = (rows[column].to_numpy() for column in ("pair", "k", "count"))
    first = np.flatnonzero((np.diff(pair, prepend=-1) != 0) | (np.diff(k, prepend=-1) != 0))
    return pl.DataFrame({"pair": pair[first], "k": k[first], "count": added_up(count, first)})


def summed(counts: pl.DataFrame) -> pl.DataFrame:
    """The weight of each pair, the sum of count / (k - 1): columns pair and weight, in the order of the pairs (Newman 2001).

    Whole counts first, then one sum in the order of k: no bit depends on the order of the rows, or on the pairs beside.

    >>> summed(pl.DataFrame({"pair": [7, 7, 7, 4], "k": [3, 2, 3, 2], "count": [1, 1, 1, 5]})).rows()
    [(4, 5.0), (7, 2.0)]
    """
    rows = added(counts)
    pair, k, count = (rows[column].to_numpy() for column in ("pair", "k", "count"))
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    # not a sum by group_by: it adds in an order that depends on how many rows are beside the group
    return pl.DataFrame({"pair": pair[first], "weight": added_up(count / (k - 1), first)})


def added_up(values: NDArray[Any], first: NDArray[np.int64]) -> NDArray[Any]:
    """The sums of the stretches of `values` that begin at `first`, each added from left to right or in a fixed tree.

    >>> added_up(np.array([1.0, 2.0, 4.0]), np.array([0, 2])).tolist()
    [3.0, 4.0]
    """
    return np.add.reduceat(values, first) if first.size else values
