"""Where two workspaces differ: what was said, what it was made with, and the numbers that came out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.errors import WorkspaceError
from sociolect.keep.listed import steps
from sociolect.record import standing_run

ROWS = {"part": pl.String, "what": pl.String, "a": pl.String, "b": pl.String}


def compared(one: Path, other: Path) -> pl.DataFrame:
    """One row for each difference: part (run, keyword, input, version, step, table, number), what, and its value in a and in b.

    Numbers are the cells of the tables beside the pages. Rows are held together by their words (every column that is no
    number), in the order they come where the same words come again. Raises WorkspaceError where one is no workspace.
    """
    a, b = standing_run(one), standing_run(other)
    rows = list(_values("run", *({k: r.get(k) for k in ("system", "schema", "finished", "code")} for r in (a, b))))
    for part, name in (("keyword", "keywords"), ("input", "inputs"), ("version", "versions")):
        rows += _values(part, a.get(name) or {}, b.get(name) or {})
    made = [
        dict(steps(at).filter(pl.col("state") != "begun").select("step", "rows").iter_rows()) for at in (one, other)
    ]
    rows += _values("step", *({s: "no table" if n is None else f"{n} rows" for s, n in m.items()} for m in made))
    tables = [{p.name: p for p in sorted(at.glob("tables/*.csv"))} for at in (one, other)]
    rows += [("table", name, "there", None) for name in sorted(tables[0].keys() - tables[1].keys())]
    rows += [("table", name, None, "there") for name in sorted(tables[1].keys() - tables[0].keys())]
    for name in sorted(tables[0].keys() & tables[1].keys()):
        rows += _cells(name, tables[0][name], tables[1][name])
    return pl.DataFrame(rows, ROWS, orient="row")


def _values(part: str, a: dict[str, Any], b: dict[str, Any]) -> Iterator[tuple[str | None, ...]]:
    for key in sorted(a.keys() | b.keys()):
        if a.get(key) != b.get(key):
            yield part, key, *(None if v.get(key) is None else str(v[key]) for v in (a, b))


def _cells(name: str, one: Path, other: Path) -> Iterator[tuple[str | None, ...]]:
    if one.read_bytes() == other.read_bytes():
        return
    a, b = (_read(path) for path in (one, other))
    for column in sorted({*a.columns} ^ {*b.columns}):
        yield "table", f"{name}: column {column}", *("there" if column in t.columns else None for t in (a, b))
    shared = [c for c in a.columns if c in b.columns]
    words = [c for c in shared if not (_numeric(a[c]) and _numeric(b[c]))]
    left, right = (_rows(table, words) for table in (a, b))
    for said, again in dict.fromkeys([*left, *right]):
        label = f"{name}: {' · '.join(word or '' for word in said)}" + (f" ({again + 1})" if again else "")
        mine, theirs = left.get((said, again)), right.get((said, again))
        if mine is None or theirs is None:
            yield "table", f"{label}: row", *("there" if row else None for row in (mine, theirs))
        else:
            yield from (("number", f"{label}: {c}", mine[c], theirs[c]) for c in shared if mine[c] != theirs[c])


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        told = str(error).splitlines()[0]
        raise WorkspaceError(f"{path} is torn ({told}): the same run, said again, writes it anew") from error


def _rows(table: pl.DataFrame, words: Sequence[str]) -> dict[tuple[tuple[str | None, ...], int], dict[str, str | None]]:
    """The rows by their words, and by how often the same words came before."""
    found: dict[tuple[tuple[str | None, ...], int], dict[str, str | None]] = {}
    seen: Counter[tuple[str | None, ...]] = Counter()
    for row in table.iter_rows(named=True):
        said = tuple(row[word] for word in words)
        found[said, seen[said]] = row
        seen[said] += 1
    return found


def _numeric(column: pl.Series) -> bool:
    """Whether a column of a CSV holds numbers alone."""
    said = column.drop_nulls()
    return said.cast(pl.Float64, strict=False).null_count() == 0
