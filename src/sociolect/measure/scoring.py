"""From one number per reply to a scores frame: every measure ends here, and none of them sees who spoke."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.frames import Replies, Scores

TEXT = ("prompt", "text", "raw", "measure", "value")  # words stay behind: scores may be shown where texts may not


def score(
    replies: Replies, measures: Mapping[str, pl.Series | NDArray[np.float64]], **columns: pl.Series | Sequence[object]
) -> Scores:
    """One row per reply and measure, with the reply's keys and further columns; a nan becomes null.

    `measures` holds a value per reply, in the order of the replies; `columns` are added to every measure's rows.

    >>> from sociolect.measure.scoring import score
    >>> score(frames.replies(frames.empty("replies")), {"length": np.array([])}).columns[-2:]
    ['measure', 'value']
    """
    bare = replies.drop([c for c in TEXT if c in replies.columns]).with_columns(
        **{name: c if isinstance(c, pl.Series) else pl.Series(c) for name, c in columns.items()}
    )
    parts = [
        bare.with_columns(
            measure=pl.lit(name), value=pl.Series("value", values, dtype=pl.Float64, nan_to_null=True).fill_nan(None)
        )
        for name, values in measures.items()
    ]
    return frames.scores(pl.concat(parts))


def said(replies: Replies) -> tuple[list[int], list[str]]:
    """The places of the replies that hold text, and their texts: null and blank alike are no text.

    >>> said(frames.replies(frames.empty("replies")))
    ([], [])
    """
    held = [(i, t) for i, t in enumerate(replies["text"]) if t is not None and t.strip()]
    return [i for i, _ in held], [t for _, t in held]


def spread(places: Sequence[int], values: Sequence[float] | NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """The values at their places among n, and nan where there was no text.

    >>> spread([1], [0.5], 2).tolist()
    [nan, 0.5]
    """
    out = np.full(n, np.nan)
    out[list(places)] = values
    return out
