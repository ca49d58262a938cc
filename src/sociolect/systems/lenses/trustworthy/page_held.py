"""The page of the lens held against numbers that another run made."""

from collections.abc import Mapping

import polars as pl

from sociolect.compare.coverage import FILLED, covered, unplaced
from sociolect.report.content import Headline, Page, Section
from sociolect.systems.lenses.trustworthy.page import claimed, grid

CELLS = """Each box is a cell of the taxonomy. A filled one holds one number that the run has of it, with its interval where it has one: a level \
before a difference of two, then the one over most rows; all others stand in the table below. Where an arrow points down, lower is better. An outline is a \
cell that nothing in the run measures."""
UNPLACED = """Measures that no cell of the lens names. A line `filled_by` in a lens of your own (`--cells`) gives them a place, if they have one."""
DIFFER = """The paper holds no run against its taxonomy: what fills a cell is our reading, and stands in the lens under `filled_by`. A contrast of two \
arms fills a cell like a level does: read its name. Numbers are those of the run, with its own intervals; means of scores are ours, over what models said. \
`fidelity:` stands before a measure whose number says how near it is to people's: it is no level."""


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
        grid(lens, _one_each(lens, cells), CELLS),
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


def _one_each(lens: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """The row of each cell that its box shows, in the order of the lens."""
    difference = pl.col("contrast").str.contains(" - ", literal=True).fill_null(value=False)
    best = cells.sort(difference, pl.col("n").fill_null(0), descending=[False, True], maintain_order=True)
    first = best.unique("cell", keep="first", maintain_order=True)
    return lens.select(cell="id").join(first, on="cell", maintain_order="left").select(cells.columns)
