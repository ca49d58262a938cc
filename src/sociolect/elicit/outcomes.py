"""What became of everything that was asked: the table of every page that tells how much of it was answered."""

from collections.abc import Sequence

import polars as pl


def outcomes(
    replies: pl.DataFrame, *, by: Sequence[str] = ("community", "mode"), unread: str = "unparsed", **further: pl.Expr
) -> pl.DataFrame:
    """How many replies of each group were asked for, answered, refused, could not be read, or were blank; the four sum to `asked`.

    `unread` is what the replies call those that could not be read: `unparsed` of an instrument, `invalid` of a game.
    `further` are more columns, each a sum over the group. Groups are sorted by name.

    >>> said = pl.DataFrame({"phase": ["vote"] * 3, "outcome": ["answered", "invalid", "answered"], "tries": [1, 3, 2]})
    >>> outcomes(said, by=["phase"], unread="invalid", again=(pl.col("tries") > 1).sum()).row(0)
    ('vote', 3, 2, 0, 1, 0, 2)
    """
    kinds = ("answered", "refused", unread, "blank")
    counted = replies.group_by(*by).agg(
        pl.len().alias("asked"), *((pl.col("outcome") == kind).sum().alias(kind) for kind in kinds), **further
    )
    return counted.sort(*by)
