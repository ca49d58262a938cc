"""Where two workspaces differ: what was said, what it was made with, and the numbers that came out."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.errors import WorkspaceError
from sociolect.keep.listed import steps
from sociolect.record import standing_run

_Key = tuple[tuple[str | None, ...], int]  # a row's words, and how often they came before
ROWS = {"part": pl.String, "what": pl.String, "a": pl.String, "b": pl.String}


def compared(one: Path, other: Path) -> pl.DataFrame:
    """One row for each difference: part (run, keyword, input, placement, version, step, table, number, word), what, its value in a and in b.

    Numbers and words are the cells of the tables beside the pages. Rows are held together by their words (every column that
    is no number), in the order they come where the same words come again; a row without such a partner by the most words
    it begins with, where one row of either side has them. Raises WorkspaceError where one is no workspace.
    """
    a, b = standing_run(one), standing_run(other)
    rows = list(_values("run", *({k: r.get(k) for k in ("system", "schema", "finished", "code")} for r in (a, b))))
    for part, name in (
        ("keyword", "keywords"),
        ("input", "inputs"),
        ("placement", "placement"),
        ("version", "versions"),
    ):
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
    pairs = _begin_alike(left.keys(), right.keys())
    told: set[_Key] = set()
    for key in dict.fromkeys([*left, *right]):
        if key in told:
            continue
        (said, again), (partner, shown) = key, pairs.get(key, (key, len(words)))
        told.add(partner)
        label = f"{name}: {' · '.join(word or '' for word in said[:shown])}" + (f" ({again + 1})" if again else "")
        mine, theirs = left.get(key), right.get(partner)
        if mine is None or theirs is None:
            yield "table", f"{label}: row", *("there" if row else None for row in (mine, theirs))
            continue
        for column in shared:
            if mine[column] != theirs[column]:
                yield "word" if column in words else "number", f"{label}: {column}", mine[column], theirs[column]


def _begin_alike(left: Collection[_Key], right: Collection[_Key]) -> dict[_Key, tuple[_Key, int]]:
    """The row of the other side for each of `left` that has none of the same words, and with how many both begin.

    They are as many as can be, and no other row of either side begins with them.
    """
    found: dict[_Key, tuple[_Key, int]] = {}
    lost = [[k for k in left if k not in right], [k for k in right if k not in left]]
    for shown in range(max((len(said) for said, _ in left), default=0) - 1, 0, -1):
        seen = [Counter(said[:shown] for said, _ in side) for side in (left, right)]
        met = {partner for partner, _ in found.values()}
        alone = {k[0][:shown]: k for k in lost[1] if k not in met and seen[1][k[0][:shown]] == 1}
        for key in lost[0]:
            begin = key[0][:shown]
            if key not in found and seen[0][begin] == 1 and begin in alone:
                found[key] = alone[begin], shown
    return found


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        told = str(error).splitlines()[0]
        raise WorkspaceError(f"{path} is torn ({told}): the same run, said again, writes it anew") from error


def _rows(table: pl.DataFrame, words: Sequence[str]) -> dict[_Key, dict[str, str | None]]:
    """The rows by their words, and by how often the same words came before."""
    found: dict[_Key, dict[str, str | None]] = {}
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
