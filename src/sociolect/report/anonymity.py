"""No cell about fewer than k people: such rows keep their name and lose their numbers, and no total gives them away."""

from collections.abc import Sequence
from dataclasses import replace
from math import fsum
from typing import NamedTuple

import polars as pl

from sociolect.errors import InputError
from sociolect.report.content import Section

K = 10  # DESIGN section 8
_TOTALS = ("all", "total", "everyone", "everybody", "overall", "sum", "any")


class Withheld(NamedTuple):
    """The table as it may be shown, how many rows are about fewer than k people, and how many more had to go with them."""

    table: pl.DataFrame
    few: int
    more: int


def withheld(table: pl.DataFrame, *, k: int = K, people: str = "people", total: bool = False) -> Withheld:
    """The table without the numbers of rows about fewer than k people; `people` is the column that counts them.

    A row keeps the text columns it begins with, which name it; all its other cells are null. A row that does not say how
    many people it is about is treated as one of too few. Where a total stands in the table (a row called all, total, ..., or
    whose count is the sum of the others, among rows whose other names are alike), the hidden rows must not follow from it by
    subtraction: the smallest further rows are hidden too until there are two and they hold k people together, and the total where that is not
    enough (complementary suppression: Hundepool et al. 2012, Statistical Disclosure Control, ch. 4). With `total` the sum is said
    elsewhere: of the rows that differ in their last name alone.
    Raises InputError where the column is missing or counts nothing.

    >>> sizes = pl.DataFrame({"community": ["a", "b", "c", "all"], "people": [40, 12, 3, 55]})
    >>> withheld(sizes).table.rows(), withheld(sizes)[1:]
    ([('a', 40), ('b', None), ('c', None), ('all', 55)], (1, 1))
    """
    if people not in table.columns or not table.schema[people].is_numeric():
        have = ", ".join(f"{c} ({t})" for c, t in table.schema.items())
        raise InputError(
            f"the column {people!r} that counts the people behind a row is no number of this table: {have}"
        )
    counts = table[people].cast(pl.Float64).fill_nan(None).to_list()
    few = [n is None or n < k for n in counts]
    names = _names(table, people)
    gone = list(few)
    sums = _strata(table, names, counts)
    said = [(rows, None) for rows in _alike(table, names[:-1])] if total else []
    # What is hidden for one total may stand alone under another: until nothing more goes.
    before = None
    while before != (before := list(gone)):
        for rows, whole in [*sums, *said]:
            _complement(rows, whole, counts, gone, k)
    if not any(gone):
        return Withheld(table, 0, 0)
    stays = pl.lit(pl.Series([not one for one in gone]))
    shown = table.with_columns(pl.when(stays).then(pl.col(c)).alias(c) for c in table.columns if c not in names)
    return Withheld(shown, sum(few), sum(gone) - sum(few))


def anonymous(section: Section, *, k: int = K) -> Section:
    """The section as it may be shown: rows about fewer than k people without numbers, and the note that says how many.

    A figure goes where a row of its table goes: it is drawn from the same numbers. Of quotes with a column `people`, those of
    groups of fewer than k people go; of those with a column `person`, each person's first stays.
    """
    notes: list[str] = []
    if section.people and section.table is not None:
        table, few, more = withheld(section.table, k=k, people=section.people)
        if few:
            notes.append(f"{_rows(few)} about fewer than {k} people, or about an unknown number, without numbers")
        if more:
            notes.append(f"{_rows(more)} without numbers because a total would give the others away")
        if (few or more) and section.figure:
            notes.append("the figure is left out: it would show what the table withholds")
        section = replace(section, table=table, figure="" if few or more else section.figure)
    if section.quotes is not None:
        kept = section.quotes
        if "people" in kept.columns:
            kept = kept.filter(pl.col("people").fill_null(0) >= k)
        if "person" in kept.columns:
            # a model's reply is nobody's
            first = pl.col("person").is_null() | pl.col("person").is_first_distinct()
            kept = kept.filter(first)
        if lost := section.quotes.height - kept.height:
            notes.append(f"{lost} quotes left out: of fewer than {k} people, or a second one of a person")
        section = replace(section, quotes=kept)
    if not notes:
        return section
    said = f"Withheld: {'; '.join(notes)}."
    return replace(section, prose=f"{section.prose}\n\n{said}" if section.prose else said)


def _rows(n: int) -> str:
    return f"{n} row{'s' * (n > 1)}"


def _names(table: pl.DataFrame, people: str) -> list[str]:
    """The text columns that a table begins with."""
    names = []
    for column, dtype in table.schema.items():
        if dtype not in (pl.String, pl.Categorical, pl.Enum) or column == people:
            break
        names.append(column)
    return names


def _strata(table: pl.DataFrame, names: Sequence[str], counts: Sequence[float | None]) -> list[tuple[list[int], int]]:
    """For each way to read a total: the rows it sums, and its own row."""
    found = []
    for name in names:
        others = [c for c in names if c != name]
        words = table[name].cast(pl.String).str.to_lowercase().to_list()
        for rows in _alike(table, others):
            for i in rows:
                rest = [j for j in rows if j != i]
                sums = len(rest) > 1 and all(counts[j] is not None for j in rows)
                if rest and (words[i] in _TOTALS or (sums and counts[i] == fsum(counts[j] or 0 for j in rest))):
                    found.append((rest, i))
                    break
    return found


def _alike(table: pl.DataFrame, columns: Sequence[str]) -> list[list[int]]:
    """The rows by what they say in these columns; all together where there are none."""
    if not columns:
        return [list(range(table.height))]
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, row in enumerate(table.select(columns).iter_rows()):
        groups.setdefault(row, []).append(i)
    return list(groups.values())


def _complement(rows: list[int], total: int | None, counts: Sequence[float | None], gone: list[bool], k: int) -> None:
    """Hide further rows until what the total leaves over is more than one row and no fewer than k people."""
    hidden = [i for i in rows if gone[i]]
    left = sorted((i for i in rows if not gone[i]), key=lambda i: (counts[i] or 0.0, i))
    while (
        hidden
        and (total is None or not gone[total])
        and (len(hidden) < 2 or fsum(counts[i] or 0.0 for i in hidden) < k)
    ):
        if not left:
            if total is not None:
                gone[total] = True
            return
        hidden.append(left.pop(0))
        gone[hidden[-1]] = True
