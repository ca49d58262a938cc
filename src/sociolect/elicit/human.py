"""What people said, in the frame in which models answer."""

import polars as pl

from sociolect import frames, text
from sociolect.frames import Members, Posts, Replies


def human(posts: Posts, members: Members, *, condition: str = "human") -> Replies:
    """The members' posts as replies: the thread is the item, and a person's n-th post in a thread is draw n.

    Posts by people who are in no community are left out; every further column of both frames rides along. `refused` is
    found by the same rule as for models.

    >>> said = pl.DataFrame({"post": ["1"], "person": ["ada"], "text": ["hi"], "thread": ["t"], "parent": [None]})
    >>> said = frames.posts(said.with_columns(pl.col("parent").cast(pl.String)))
    >>> human(said, frames.members(pl.DataFrame({"person": ["ada"], "community": ["red"]})))["community"].to_list()
    ['red']
    """
    taken = {"community", "source", "condition"}
    said = posts.drop([c for c in taken if c in posts.columns]).join(
        members.select("person", "community"), on="person", how="inner", maintain_order="left"
    )
    return frames.replies(
        said.sort("post")
        .with_columns(
            speaker=pl.col("person"),
            source=pl.lit("human"),
            item=pl.col("thread"),
            condition=pl.lit(condition),
            draw=pl.int_range(pl.len(), dtype=pl.Int64).over("person", "community", "thread"),
            turn=pl.lit(0, pl.Int64),
            prompt=pl.lit(None, pl.String),
            refused=text.refuses(pl.col("text")),
        )
        .drop("person")
    )
