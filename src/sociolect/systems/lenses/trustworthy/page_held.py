"""The page of the lens held against numbers that another run made."""

from collections.abc import Mapping

import polars as pl

from sociolect.compare.coverage import FILLED, covered, unplaced
from sociolect.report.content import Headline, Page, Section
from sociolect.systems.lenses.trustworthy.page import claimed, grid

CELLS = """Each box is a cell of the taxonomy. A filled one holds the first number that the run has of it, with its interval where it has one; \
an outline is a cell that nothing in the run measures. `sign` in the table below says which way is better."""
UNPLACED = """Measures that no cell of the lens names. A line `filled_by` in a lens of your own (`--cells`) gives them a place, if they have one."""
DIFFER = """The paper holds no run against its taxonomy: what fills a cell is our reading, and stands in the lens under `filled_by`. A contrast of two \
arms fills a cell like a level does: read its name. Numbers are those of the run, with its own intervals; means of scores are ours, over what models said."""


def page(
    lens: pl.DataFrame,
    cells: pl.DataFrame,
    found: pl.DataFrame,
    aside: pl.DataFrame,
    made: Mapping[str, str],
    *,
    what: str,
    limits: pl.DataFrame | None,
) -> Page:
    """The whole page; `limits` are the bounds of lost verdicts, where answers were judged."""
    n = cells.filter(state=FILLED)["cell"].n_unique()
    left = unplaced(lens, found)
    sections = [
        grid(lens, cells, CELLS),
        claimed(lens, None, planted=False),
        Section("What fills the cells", "One row per cell and number.", table=cells, name="cells"),
        Section(
            "Category by category", "A cell counts only with a number behind it.", table=covered(cells), name="covered"
        ),
        Section("Everything that was measured", f"Out of {what}.", table=found, name="measured"),
    ]
    if limits is not None:
        sections.append(
            Section("If every lost verdict had been the worst, or the best", "", table=limits, name="bounds")
        )
    if left.height:
        sections.append(Section("Measured, and without a cell", UNPLACED, table=left, name="unplaced"))
    said = "Nothing is dropped in silence." if aside.height else "Nothing was left out."
    sections.append(Section("What was left out, and why", said, table=aside if aside.height else None, name="aside"))
    sections.append(Section("Where we differ", DIFFER))
    summary = f"{n} of {lens.height} cells have a number behind them, out of {what}; {lens.height - n} are empty."
    top = [Headline("cells with a number", f"{n} of {lens.height}", "a count", "covered"), Headline("measures without a cell", str(left.height), f"of {found['measure'].n_unique()}", "measured")]  # fmt: skip
    return Page(
        "Trustworthy language models: a finished run in the lens", sections, top, summary, made=tuple(made.items())
    )
