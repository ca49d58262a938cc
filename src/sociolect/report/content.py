"""What a page holds, as values: no HTML here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it; each part may be absent.

    `prose` is paragraphs of plain text (a blank line parts them; `[words](#anchor)` links inside the page; what stands between
    backticks is set as code).
    `figure` is a finished SVG from `report.plots`. `table` is shown in full and offered as CSV under `name`.
    `quotes` is a frame with the columns `community`, `speaker` (human or an arm), `text`: shown side by side.
    Quotes may say `person` (whose words; null for a model) and `people` (how many are in the group): neither is shown, and at most
    one quote of a person, of groups of ten or more, is.
    `people` names the column that counts the persons behind each row of the table: rows about fewer than ten lose their numbers
    (`report.anonymity`).
    `level` is loud where it must not be overlooked: note, warning.
    """

    title: str
    prose: str = ""
    table: pl.DataFrame | None = None
    name: str = ""
    caption: str = ""
    figure: str = ""
    quotes: pl.DataFrame | None = None
    level: str = ""
    people: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    """A number at the top of the page, with its interval, and the name of the table it links to."""

    label: str
    value: str
    doubt: str
    table: str


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    sections: Sequence[Section]
    headlines: Sequence[Headline] = ()
    summary: str = ""
    sensitive: bool = False
    made: Sequence[tuple[str, str]] = field(default=())  # how the page came to be: (what, value)

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The tables of the sections that name them."""
        return {s.name: s.table for s in self.sections if s.table is not None and s.name}
