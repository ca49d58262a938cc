"""How many people stand behind each category of commenters, so that nothing is printed about fewer than ten."""

import polars as pl

from sociolect.systems.studies.relationship_alignment.weights import Weighed


def commenters(made: Weighed) -> dict[str, int]:
    """How many different people commented in each category, by its name; where nobody is told apart, how many posts they met."""
    who = next((c for c in ("commenter", "speaker") if c in made.rows.columns), "post")
    known = made.rows.select(who, code=pl.Series(made.found.codes)).filter(pl.col("code") >= 0)
    counts = dict(known.group_by("code").agg(pl.col(who).n_unique()).iter_rows())
    return {name: int(counts.get(code, 0)) for code, name in enumerate(made.found.categories)}


def counted(table: pl.DataFrame, column: str, people: dict[str, int]) -> pl.DataFrame:
    """The table with a column `people` behind its names: of a difference (`a - b`) the fewer of the two sides.

    >>> told = pl.DataFrame({"contrast": ["close, man", "close, man - close, woman"], "estimate": [0.5, 0.25]})
    >>> counted(told, "contrast", {"close, man": 12, "close, woman": 9})["people"].to_list()
    [12, 9]
    """
    spelt = {name.replace("_", " "): n for name, n in people.items()}
    sides = (str(cell).replace("_", " ").split(" - ") for cell in table[column].to_list())
    counts = [min((spelt.get(side, 0) for side in both), default=0) for both in sides]
    place = max(
        (i + 1 for i, kind in enumerate(table.dtypes) if kind == pl.String and i <= table.columns.index(column)),
        default=0,
    )
    return table.insert_column(place, pl.Series("people", counts, dtype=pl.Int64))
