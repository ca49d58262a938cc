"""A plain task with known answers, beside the planted society: what a model may forget while it learns to speak for a community."""

from itertools import product

import polars as pl

from sociolect import frames
from sociolect.frames import Examples

_THINGS = (
    "kettle", "lantern", "ladder", "anchor", "basket", "bridge", "button", "candle", "carpet", "cradle", "curtain", "dagger",
    "engine", "fiddle", "goblet", "hammer", "helmet", "jacket", "kennel", "mirror", "needle", "pencil", "pillow", "puzzle",
)  # fmt: skip
_COLOURS = ("red", "blue", "green", "white", "black", "brown", "grey", "pink")
_WORDINGS = (
    "Which colour is the {thing}?",
    "Name the colour of the {thing}.",
    "The {thing} was painted. In what colour?",
)


def tasks() -> Examples:
    """72 questions (24 things in three wordings), each with its one answer: columns community ("general"), prompt, reply, item.

    The answers are arbitrary, so that only a model that learnt them knows them; guessing is right one time in eight.

    >>> tasks().height, tasks().row(0)
    (72, ('general', 'Which colour is the kettle?', 'red', 'kettle|0'))
    """
    rows = [
        ("general", wording.format(thing=thing), _COLOURS[i * 5 % len(_COLOURS)], f"{thing}|{k}")
        for (i, thing), (k, wording) in product(enumerate(_THINGS), enumerate(_WORDINGS))
    ]
    return frames.examples(pl.DataFrame(rows, schema=["community", "prompt", "reply", "item"], orient="row"))
