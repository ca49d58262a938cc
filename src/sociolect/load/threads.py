"""Conversations out of who replied to what."""

import numpy as np
import polars as pl


def threads(posts: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Each post's conversation, and which posts' parents must be cut to break a cycle; in the order of the rows.

    `posts` has post (no two alike) and parent (or null). The conversation is the topmost ancestor's id, which may be a post
    that is not here: two replies to the same absent post talk in one thread. A cycle is cut at its smallest id.

    >>> said = pl.DataFrame({"post": ["a", "b", "c", "d"], "parent": [None, "a", "b", "d"]})
    >>> [part.to_list() for part in threads(said)]
    [['a', 'a', 'a', 'd'], [False, False, False, True]]
    """
    posts = posts.select(pl.col("post", "parent").cast(pl.String))
    ids = posts["post"]
    absent = posts["parent"].drop_nulls().unique()
    absent = absent.filter(~absent.is_in(ids.implode()))
    every = pl.concat([ids, absent]).to_frame("post").with_row_index("row")
    up = posts.select(post="parent").join(every, on="post", how="left", maintain_order="left")["row"]
    own = np.arange(every.height)
    parent = own.copy()
    parent[: len(ids)] = up.fill_null(pl.Series(own[: len(ids)])).to_numpy()
    cut = np.zeros(every.height, dtype=bool)
    cut[: len(ids)] = (parent[: len(ids)] == own[: len(ids)]) & posts["parent"].is_not_null().to_numpy()
    root = _top(parent)
    looped = np.unique(root[parent[root] != root])  # the ends of chains that never end lie on the cycles themselves
    if len(looped):
        left = set(looped.tolist())
        while left:
            ring = [left.pop()]
            while (after := int(parent[ring[-1]])) != ring[0]:
                ring.append(after)
            left -= set(ring)
            first = min(ring, key=lambda row: str(every["post"][row]))
            parent[first], cut[first] = first, True
        root = _top(parent)
    return every["post"][root[: len(ids)]].alias("thread"), pl.Series("cut", cut[: len(ids)])


def _top(parent: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The end of every chain by pointer jumping; on a cycle, some place on it."""
    top = parent
    for _ in range(max(1, len(parent)).bit_length() + 1):
        further = top[top]
        if (further == top).all():
            break
        top = further
    return top
