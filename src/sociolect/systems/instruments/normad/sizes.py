"""What `size` turns, and the stories that a run asks."""

from typing import NamedTuple

import polars as pl

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.frames import Items
from sociolect.seeds import substream


class Dial(NamedTuple):
    """The stories put to named models (planted respondents are put all of them), and the draws of every interval."""

    most: int | None
    draws: int


SIZES = {"tiny": Dial(36, 1000), "small": Dial(324, 2000), "full": Dial(None, 4000)}


def drawn(items: Items, most: int | None, *, seed: int = 0) -> Items:
    """At most so many items, as even over countries and labels as they come; all where `most` is None.

    >>> from sociolect.systems.instruments.normad.load import planted
    >>> drawn(planted(), 36)["country"].value_counts()["count"].unique().to_list()
    [3]
    """
    if most is not None and most < 1:
        raise UsageError(f"{most} stories: 1 or more are due")
    if most is None or most >= items.height:
        return items
    ordered = items.sort("item")
    shuffled = ordered.with_columns(_u=pl.Series(substream(seed, "normad", "drawn").random(ordered.height)))
    ranked = shuffled.with_columns(_rank=pl.col("_u").rank("ordinal").over("country", "gold"))
    # the first of each country and label, then the second: within one round in a drawn order
    return frames.items(ranked.sort("_rank", "_u").head(most).drop("_u", "_rank").sort("item"))
