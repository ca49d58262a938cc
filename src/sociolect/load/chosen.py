"""Cells of a table become options of a questionnaire: by label or code, and never by a guess."""

from collections.abc import Mapping

import polars as pl

from sociolect.errors import UsageError

_SAID_BY = 10  # DESIGN section 8: an answer that so many people give may be quoted; a rarer one could tell who gave it


def plain(text: pl.Expr) -> pl.Expr:
    """A label as it is compared: spacing and case apart."""
    return text.str.strip_chars().str.replace_all(r"\s+", " ").str.to_lowercase()


def chosen(
    cells: pl.DataFrame,
    options: Mapping[str, Mapping[str, str]],
    left: list[tuple[str, str, int]],
    *,
    blank: str | None,
) -> pl.DataFrame:
    """The cells (columns column, item, text) with `choice` and `outcome`; `text` stays where it is a known label.

    `options` says what an item's labels mean; items without are taken as they stand. `blank` is a cell that means no answer.
    What is no option is added to `left`. Raises UsageError where two labels are alike but for spacing and case.
    """
    table = pl.DataFrame(
        [(item, label, option) for item, words in options.items() for label, option in words.items()],
        schema={"item": pl.String, "label": pl.String, "option": pl.String},
        orient="row",
    )
    table = table.with_columns(plain(pl.col("label"))).unique(maintain_order=True)
    both = table.filter(table.select("item", "label").is_duplicated())
    if both.height:
        said = "; ".join(
            f"{label!r} of item {item}"
            for item, label in both.select("item", "label").unique(maintain_order=True).iter_rows()
        )
        raise UsageError(f"options gives two meanings to {said}: spacing and case do not tell labels apart")
    empty = pl.col("text").is_null() | (pl.col("text").str.strip_chars() == "")
    known = pl.col("item").is_in(table["item"].unique().implode())
    cells = cells.with_columns(label=plain(pl.col("text"))).join(
        table, on=["item", "label"], how="left", maintain_order="left"
    )
    # a table with gaps writes the code 3 as 3.0
    whole = cells.select("item", label=pl.col("label").str.strip_suffix(".0"))
    cells = cells.with_columns(
        pl.col("option").fill_null(whole.join(table, on=["item", "label"], how="left", maintain_order="left")["option"])
    )
    if blank is not None:
        empty |= (pl.col("label") == blank) & pl.col("option").is_null()
    cells = cells.with_columns(
        choice=pl.when(~empty).then(pl.when(known).then("option").otherwise(pl.col("text").str.strip_chars())),
        empty=empty,
    ).with_columns(
        outcome=pl.when("empty")
        .then(pl.lit("blank"))
        .when(pl.col("choice").is_null())
        .then(pl.lit("unparsed"))
        .otherwise(pl.lit("answered"))
    )
    odd = (
        cells.filter(pl.col("outcome") == "unparsed")
        .group_by("column", "item", "label")
        .len()
        .sort("column", "item", "label")
    )
    often = pl.col("len") >= _SAID_BY
    left += [
        (column, f"{label!r} is no option of item {item}", n)
        for column, item, label, n in odd.filter(often).iter_rows()
    ]
    rare = odd.filter(~often).group_by("column", "item").agg(pl.col("len").sum()).sort("column", "item")
    left += [(column, f"rarer answers that are no option of item {item}", n) for column, item, n in rare.iter_rows()]
    return cells.with_columns(text=pl.when((pl.col("outcome") == "answered") & known).then("text"))
