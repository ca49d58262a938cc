"""What a planted pair is made of: the coefficients of the eight tones, and the plain words around the words of a tone."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import polars as pl

from sociolect import tones
from sociolect.load.planted_words import Floats, Ints, pick

# The terms of the planted log-linear model, beside `intercept` and `mirror`. The reference is a comment by a woman of 40 to a
# woman of 40 who is a stranger; ages are in decades; people of gender "other" have no term of their own.
SOCIAL = (
    "man", "poster_man", "man:poster_man", "commenter_age", "poster_age", "age_gap", "not_close", "close",
)  # fmt: skip

# Ours: the paper tells no coefficient of a human regression. One sign is its own: less self-disclosure to those who are close.
_TABLE = """
tone               intercept mirror   man  poster_man man:poster_man commenter_age poster_age age_gap not_close close
surprised              -3.40    .35  -.10         .00            .00          -.05        .00     .00       .10   .20
funny                  -3.20    .45   .25         .10            .15          -.10       -.05    -.10       .20   .40
insult                 -3.70    .40   .35         .20            .20          -.10        .00     .05       .10   .20
emotional_support      -3.10    .50  -.30        -.15           -.10           .05        .00     .00       .15   .35
self_disclosure        -3.20    .35  -.20        -.05            .00          -.05        .00     .00      -.15  -.40
worried                -3.40    .55  -.20        -.10            .00           .05        .05     .00       .10   .25
thankful               -3.20    .50  -.15         .00            .00           .10        .05     .00       .00  -.10
relaxed                -3.40    .40   .10         .00            .00           .05        .00    -.05       .05   .10
"""


# What a shared history of the two adds to the log share of each tone's words. Ours, and nobody's claim.
HISTORY: Mapping[str, float] = MappingProxyType(
    dict(zip(tones.TONES, (0.1, 0.5, 0.3, 0.4, 0.5, 0.3, -0.3, 0.3), strict=True))
)

SHORTEST, LONGEST = 60, 90  # words of a text: in much shorter ones the count of a tone's words is mostly chance


def _read(table: str) -> Mapping[str, Mapping[str, float]]:
    head, *rows = (line.split() for line in table.strip().splitlines())
    return MappingProxyType(
        {
            row[0]: MappingProxyType(dict(zip(head[1:], map(float, row[1:]), strict=True)))
            for row in sorted(rows, key=lambda row: tones.TONES.index(row[0]))
        }
    )


# tone -> term -> coefficient: the log of how many of a comment's words are words of that tone.
TRUTH: Mapping[str, Mapping[str, float]] = _read(_TABLE)

_FILLER = """
    the a my this that one some our your his her their it we they there here and but so then when while after before at in on
    for with from about near over under between along table window street garden market bottle paper river corner bicycle
    kitchen station morning evening tuesday weekend picture letter number building walked looked brought carried opened closed
    painted moved stood went came put took made found small large green blue round wooden second other same early late again
    often already still also just really quite
"""


def filler() -> tuple[str, ...]:
    """The plain words, none of which is a word of a tone.

    >>> len(filler()) > 80, "garden" in filler()
    (True, True)
    """
    toned = {word for said in tones.words().values() for word in said}
    return tuple(word for word in _FILLER.split() if word not in toned)


def written(rates: Floats, length: Ints, rng: np.random.Generator) -> tuple[pl.Series, Ints]:
    """A text for each row, and how many words of each tone are in it: Poisson counts with mean rate x length.

    `rates` (rows, 8) in the order of `TONES`; `length` (rows,) in words. Plain words fill the text up to its length, and
    all words stand in random order; the text is longer where its tones alone are.
    """
    counts = rng.poisson(rates * length[:, None]).astype(np.int64)
    plain = np.maximum(length - counts.sum(axis=1), 0)
    said = [list(filler()), *(list(tones.words()[tone]) for tone in tones.TONES)]
    starts = np.cumsum([0, *(len(words) for words in said)])
    kinds = np.column_stack([plain, counts])
    kind = np.repeat(np.tile(np.arange(9), len(length)), kinds.ravel())
    row = np.repeat(np.arange(len(length)), kinds.sum(axis=1))
    sizes = np.diff(starts)
    word = starts[kind] + (rng.random(len(kind)) * sizes[kind]).astype(np.int64)
    order = np.lexsort((rng.random(len(kind)), row))  # words mix within their own row alone
    flat = pick([w for words in said for w in words], word[order])
    texts = (
        pl.DataFrame({"row": row, "word": flat}).group_by("row", maintain_order=True).agg(pl.col("word").str.join(" "))
    )
    return texts["word"].str.slice(0, 1).str.to_uppercase() + texts["word"].str.slice(1) + ".", counts
