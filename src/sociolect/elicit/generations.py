"""Games over generations: populations play, some players survive, and their heirs play on."""

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Generic, NamedTuple, TypeVar

import polars as pl

from sociolect import frames
from sociolect.elicit.play import Played
from sociolect.errors import UsageError
from sociolect.frames import Replies, Scores
from sociolect.seeds import derive, substream

P = TypeVar("P")


class Generation(NamedTuple, Generic[P]):
    """One generation, numbered from 1: the populations that played, and their matches, game i being population i's."""

    number: int
    populations: tuple[P, ...]
    matches: tuple[Played, ...]


def generations(
    populations: Sequence[P],
    match: Callable[[Sequence[P], Sequence[Played], int], Played],
    heirs: Callable[[Sequence[P], Sequence[Played], int], Sequence[P]],
    *,
    number: int = 10,
    matches: int = 1,
    seed: int = 0,
) -> list[Generation[P]]:
    """`number` generations: each plays `matches` times, and its heirs are the next one's populations.

    `match(populations, past, seed)` plays all populations at once, game i being population i's; `past` are this generation's
    earlier matches. `heirs(populations, matches, seed)` selects and renews. Both are functions of what they are given, so
    the same seed gives the same lineage. Raises UsageError for fewer than one generation or match, or no population.

    >>> import polars as pl
    >>> nothing = Played(frames.replies(frames.empty("replies")), frames.scores(frames.empty("scores")), ())
    >>> grown = generations([1, 10], lambda *_: nothing, lambda now, *_: [2 * p for p in now], number=3, matches=2)
    >>> [(one.number, one.populations, len(one.matches)) for one in grown]
    [(1, (1, 10), 2), (2, (2, 20), 2), (3, (4, 40), 2)]
    """
    if number < 1 or matches < 1 or not populations:
        raise UsageError(
            f"number={number}, matches={matches}, {len(populations)} populations: 1 or more of each are due"
        )
    now, lived = tuple(populations), []
    for g in range(1, number + 1):
        past: tuple[Played, ...] = ()
        for m in range(matches):
            past = (*past, match(now, past, derive(seed, "generation", g, m)))
        lived.append(Generation(g, now, past))
        if g < number:
            now = tuple(heirs(now, past, derive(seed, "heirs", g)))
    return lived


def survivors(worth: Mapping[str, float | None], *, keep: int, seed: int = 0) -> tuple[str, ...]:
    """The `keep` players of the highest worth, the best first; equals by lot, those without a number last.

    The lot depends on the seed and the names, not on their order: no place at the table is favoured. A worth that is nan is no
    number. Raises UsageError where more are to be kept than there are, or fewer than none.

    >>> survivors({"ada": 1.0, "bo": None, "cy": 3.0}, keep=2)
    ('cy', 'ada')
    """
    if not 0 <= keep <= len(worth):
        raise UsageError(f"keep is {keep}: from 0 to the {len(worth)} players is due")
    names = sorted(worth)
    lot = dict(zip(names, substream(seed, "lot").permutation(len(names)).tolist(), strict=True))

    def place(who: str) -> tuple[bool, float, int]:
        value = worth[who]
        known = value is not None and not isnan(value)
        return not known, -(value or 0.0) if known else 0.0, lot[who]

    return tuple(sorted(names, key=place)[:keep])


def said(lived: Sequence[Generation[P]]) -> Replies:
    """All replies of all matches, with the columns `generation` and `match`, both from 1; `item` names them too."""
    return frames.replies(_stacked(lived, 0))


def scored(lived: Sequence[Generation[P]]) -> Scores:
    """All scores of all matches, likewise."""
    return frames.scores(_stacked(lived, 1))


def _stacked(lived: Sequence[Generation[P]], part: int) -> pl.DataFrame:
    return pl.concat(
        pl.DataFrame(played[part]).with_columns(
            item=pl.format("{} generation:{} match:{}", "item", pl.lit(one.number), pl.lit(m)),
            generation=pl.lit(one.number, pl.Int64),
            match=pl.lit(m, pl.Int64),
        )
        for one in lived
        for m, played in enumerate(one.matches, 1)
    )
