"""Which rows of a questionnaire's scores are its items, and which items make a scale."""

from collections.abc import Mapping, Sequence

import polars as pl

from sociolect.errors import InputError
from sociolect.frames import Scores

Scales = Mapping[str, Sequence[str]]  # a scale's measure -> its item ids


def item_rows(scores: Scores) -> tuple[str, pl.DataFrame]:
    """The instrument's id and the rows that hold items: measure "<id>:<item>", not those of subscales and rules.

    Raises InputError where there are none, or the items of several instruments.

    >>> said = pl.DataFrame({"item": ["1", "who5"], "measure": ["who5:1", "who5:who5"]})
    >>> name, rows = item_rows(Scores(said))
    >>> name, rows["measure"].to_list()
    ('who5', ['who5:1'])
    """
    prefix = pl.col("measure").str.split(":").list.first()
    rows = scores.filter(pl.col("measure") == prefix + ":" + pl.col("item"), pl.col("item") != prefix)
    names = sorted(rows.select(prefix).to_series().unique())
    if len(names) != 1:
        seen = f"items of {', '.join(names)}" if names else "no measure '<instrument>:<item>' with its item"
        raise InputError(f"the item scores of one instrument are due; seen: {seen}")
    return str(names[0]), rows


def scales_of(name: str, rows: pl.DataFrame, scales: Scales | None = None) -> dict[str, list[str]]:
    """Each scale's items: as named, or else one scale per `facet`, or else all items in one scale "<id>:all".

    Items in the order given, or of their ids, numbers as numbers. Raises InputError where a named item has no rows.

    >>> scales_of("who5", pl.DataFrame({"item": ["10", "2"]}))
    {'who5:all': ['2', '10']}
    """
    here = set(rows["item"].unique())
    if scales is not None:
        if absent := [f"{item} of {scale}" for scale, items in scales.items() for item in items if item not in here]:
            raise InputError(f"no scores of item {', '.join(absent)}: leave the scale out, or ask its items")
        return {scale: list(items) for scale, items in sorted(scales.items())}
    facet = pl.col("facet") if "facet" in rows.columns else pl.lit("all")
    known = rows.select("item", facet=facet).unique().with_columns(pl.col("facet").fill_null("all"))
    ordered = known.sort(pl.col("item").cast(pl.Int64, strict=False), "item", nulls_last=True)
    found = ordered.group_by("facet", maintain_order=True).agg("item").sort("facet")
    return {f"{name}:{facet}": items for facet, items in found.iter_rows()}
