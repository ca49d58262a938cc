"""What could not be let in: counted by reason, with the first place it was seen and what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from sociolect.frames import SET_ASIDE


@dataclass(slots=True)
class Aside:
    """Counts by reason, in the order in which the reasons first came up."""

    rows: dict[str, tuple[int, str, str]] = field(default_factory=dict)

    def add(self, reason: str, count: int, where: str, mend: str) -> None:
        """Count `count` more under a reason; nothing is written for 0, and the first place stands."""
        if count:
            before, place, way = self.rows.get(reason, (0, where, mend))
            self.rows[reason] = (before + count, place, way)

    def frame(self) -> pl.DataFrame:
        """The table that travels with the society.

        >>> aside = Aside()
        >>> aside.add("empty text", 2, "posts.csv, row 7", "nothing to do")
        >>> aside.add("empty text", 1, "posts.csv, row 9", "nothing to do")
        >>> aside.frame().rows()
        [('empty text', 3, 'posts.csv, row 7', 'nothing to do')]
        """
        return pl.DataFrame(list(self._lines()), schema=SET_ASIDE, orient="row")

    def _lines(self) -> Iterator[tuple[str, int, str, str]]:
        for reason, (count, where, mend) in self.rows.items():
            yield reason, count, where, mend
