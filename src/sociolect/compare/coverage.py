"""A taxonomy held against what was measured: which of its cells have a number behind them, and which are empty."""

from fnmatch import fnmatchcase
from typing import Any

import polars as pl

from sociolect.errors import InputError, unknown

FILLED, UNDEFINED, EMPTY = "filled", "no number", "empty"
S, F, I = pl.String(), pl.Float64(), pl.Int64()
# One row of a lens is a cell. `filled_by` are names of measures: a leading - says that lower is better, * stands for anything.
LENS = {"id": S, "group": S, "title": S, "meaning": S, "evidence": S, "filled_by": pl.List(S)}
_ROW = {
    "group": S, "cell": S, "title": S, "state": S, "measure": S, "contrast": S, "estimate": F, "low": F, "high": F, "n": I,
    "sign": S,
}  # fmt: skip


def coverage(lens: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """One row per cell and number that fills it, in the order of the lens; a cell that nothing fills has one row of nulls.

    `lens` has the columns of `LENS`. `found` has those of an effects frame, and may have `cell`, by which a measure names
    the cell that it fills, beside those whose `filled_by` names it. `state` is filled, `no number` (it was measured, and no
    row has an estimate) or empty: only a row with an estimate and an n above 0 fills. `sign` is + where higher is better.
    Raises InputError, all faults at once, where a column is missing or a measure names a cell that the lens does not have.

    >>> lens = pl.DataFrame([("typo", "robust", "Typos", "", "", ["typo:*"]), ("poison", "robust", "Poison", "", "", [])],
    ...     schema=LENS, orient="row")
    >>> found = pl.DataFrame({"measure": ["typo:same"], "contrast": ["m"], "estimate": [0.9], "low": [0.8], "high": [1.0], "n": [50]})
    >>> coverage(lens, found).select("cell", "state", "estimate").rows()
    [('typo', 'filled', 0.9), ('poison', 'empty', None)]
    """
    own = _checked(lens, found)
    rows: list[tuple[object, ...]] = []
    for cell in lens.iter_rows(named=True):
        head = (cell["group"], cell["id"], cell["title"])
        said = [
            (row, sign)
            for row in own
            if (sign := "+" if row["cell"] == cell["id"] else _sign(row["measure"], cell["filled_by"]))
        ]
        whole = [(row, sign) for row, sign in said if row["estimate"] is not None and (row["n"] or 0) > 0]
        for row, sign in whole:
            rows.append(
                (*head, FILLED, *(row[c] for c in ("measure", "contrast", "estimate", "low", "high", "n")), sign)
            )
        if not whole:
            measure = ", ".join(sorted({row["measure"] for row, _ in said})) or None
            rows.append((*head, UNDEFINED if said else EMPTY, measure, None, None, None, None, None, None))
    return pl.DataFrame(rows, schema=_ROW, orient="row")


def covered(cells: pl.DataFrame) -> pl.DataFrame:
    """How many cells of each group are filled, in the order of the lens, and of all: group, cells, filled, no number, empty.

    >>> told = {"group": ["a", "a", "b"], "cell": ["x", "x", "y"], "state": ["filled", "filled", "empty"]}
    >>> covered(pl.DataFrame(told)).rows()
    [('a', 1, 1, 0, 0), ('b', 1, 0, 0, 1), ('all', 2, 1, 0, 1)]
    """
    once = cells.unique("cell", keep="first", maintain_order=True)
    counts = [pl.len().alias("cells"), *((pl.col("state") == s).sum().alias(s) for s in (FILLED, UNDEFINED, EMPTY))]
    parts = once.group_by("group", maintain_order=True).agg(counts)
    whole = once.select(pl.lit("all").alias("group"), *counts)
    return pl.concat([parts, whole]).with_columns(pl.col("cells", FILLED, UNDEFINED, EMPTY).cast(pl.Int64))


def unplaced(lens: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The measures that fill no cell, with the number of their rows: a lens shows what it has a place for, and no more.

    >>> lens = pl.DataFrame([("typo", "robust", "Typos", "", "", ["typo:*"])], schema=LENS, orient="row")
    >>> found = {"measure": ["style", "typo:a"], "contrast": "m", "estimate": 1.0, "low": 1.0, "high": 1.0, "n": 9}
    >>> unplaced(lens, pl.DataFrame(found)).rows()
    [('style', 1)]
    """
    every = [pattern for some in lens["filled_by"] for pattern in some]
    left = [r["measure"] for r in _checked(lens, found) if r["cell"] is None and not _sign(r["measure"], every)]
    told = pl.DataFrame({"measure": left}, schema={"measure": S}).group_by("measure").agg(pl.len().alias("rows"))
    return told.with_columns(pl.col("rows").cast(I)).sort("measure")


def _sign(measure: str, patterns: list[str]) -> str:
    """Whether one of the names is this measure's, and which way it is better; empty where none is."""
    return next(("-" if p[:1] == "-" else "+" for p in patterns if fnmatchcase(measure, p.lstrip("-"))), "")


def _checked(lens: pl.DataFrame, found: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows that were found, sorted, each with a `cell` or null."""
    due = ("measure", "contrast", "estimate", "low", "high", "n")
    faults = [f"the lens has no column {c!r}" for c in LENS if c not in lens.columns]
    faults += [f"what was measured has no column {c!r}" for c in due if c not in found.columns]
    if not faults:
        faults += [f"cell {c!r} stands twice" for c in lens.filter(pl.col("id").is_duplicated())["id"].unique().sort()]
    named = found if "cell" in found.columns else found.with_columns(cell=pl.lit(None, S))
    if not faults:
        known = lens["id"].to_list()
        odd = named.filter(pl.col("cell").is_not_null(), ~pl.col("cell").is_in(known)).select("measure", "cell")
        faults += [
            f"measure {m!r}: {unknown('cell', c, known)}" for m, c in odd.unique().sort("measure", "cell").rows()
        ]
    if faults:
        raise InputError("no coverage: " + "; ".join(faults))
    return named.select(*due, "cell").sort("measure", "contrast", "estimate", nulls_last=True).to_dicts()
