"""No number about what fewer than ten people of a community said: the models' rows beside it stay."""

from dataclasses import replace

import polars as pl

from sociolect.report.anonymity import K
from sociolect.report.content import Section


def enough(section: Section) -> Section:
    """The section without the numbers of rows about people (`human` in the contrast) that rest on fewer than ten of them.

    `clusters` counts the people of such a row. Its figure goes where a number goes: it is drawn of the same.

    >>> told = pl.DataFrame({"contrast": ["c0 human", "c0 aligned"], "estimate": [0.5, 0.25], "clusters": [6, 9]})
    >>> enough(Section("Moods", "Here.", table=told)).table.rows()
    [('c0 human', None, None), ('c0 aligned', 0.25, 9)]
    """
    table = section.table
    if table is None or not {"contrast", "clusters"} <= {*table.columns}:
        return section
    people = pl.col("contrast").str.contains(r"\bhuman\b") & (pl.col("clusters") < K)
    few = table.select(few=people.fill_null(value=False))["few"]
    if not few.any():
        return section
    names = [c for c, kind in table.schema.items() if kind == pl.String]
    shown = table.with_columns(pl.when(~few).then(pl.col(c)).alias(c) for c in table.columns if c not in names)
    said = f"Withheld: {int(few.sum())} rows about fewer than {K} people, and the figure, which would show them."
    return replace(section, table=shown, figure="", prose=f"{section.prose}\n\n{said}")
