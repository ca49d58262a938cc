"""A table on disk as a frame of text columns, whatever it is written in: csv, tsv, jsonl or parquet, the first three also gzipped."""

import csv
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.errors import InputError
from sociolect.load import files
from sociolect.load.aside import Aside

SEPARATORS = {"csv": ",", "tsv": "\t"}
_SPAN = 1000  # ours: a row that runs over more lines than this is an unclosed quotation mark
_LOOK = 10_000  # rows looked through for the keys of a jsonl file
_BATCH = 100_000
csv.field_size_limit(files.LONGEST * 2)


@dataclass(frozen=True, slots=True)
class Table:
    """An open table: its name, what it holds, its columns, and where what could not be read is counted."""

    name: str
    kind: str
    path: Path  # what is read: the file itself, or a mended copy that lives as long as the table is open
    columns: tuple[str, ...]
    aside: Aside
    header: bool = True
    quoted: bool = True
    nested: frozenset[str] = frozenset()  # keys of a jsonl file that hold lists or objects

    def read(self, columns: Sequence[str], *, rows: int | None = None) -> pl.DataFrame:
        """The named columns. Those of text files are all String, an empty field null; those of parquet keep their type.

        `rows` reads so many from the top and looks no further. Raises InputError where nothing can be read.
        """
        wanted = list(dict.fromkeys(columns))
        try:
            if self.kind == "parquet":
                found = pl.scan_parquet(self.path, glob=False).select(wanted)
                return (found if rows is None else found.head(rows)).collect()
            if self.kind == "jsonl":
                return _read_jsonl(self, wanted, rows)
            return _read_delimited(self, wanted, rows)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise InputError(
                f"{self.name} cannot be read as {self.kind}: {_first_line(error)}; write it anew"
            ) from error


@contextmanager
def opened(path: str | Path, aside: Aside, *, header: bool = True) -> Iterator[Table]:
    """A table, open for reading. Raises InputError where the file is not there, broken, or has no header.

    Without `header` the columns of a csv or tsv are column_1, column_2, ...
    """
    path = Path(path)
    kind, gzipped = files.form(path)
    if kind == "txt":
        raise InputError(f"{path.name} is no table: name it .csv, .tsv, .jsonl or .parquet, by what it holds")
    if kind == "parquet":
        try:
            names = tuple(pl.scan_parquet(path, glob=False).collect_schema())
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise InputError(
                f"{path.name} is a broken parquet file: {_first_line(error)}; fetch or write it again"
            ) from error
        yield Table(path.name, kind, path, names, aside)
        return
    with tempfile.TemporaryDirectory(prefix="sociolect-") as made:
        folder = Path(made)
        here = files.unzipped(path, folder) if gzipped else path
        here = files.scrubbed(here, folder, path.name, kind, aside)
        if not files.plain_name(here):
            here = _linked(here, folder / f"table.{kind}")
        if kind == "jsonl":
            keys, nested = _keys(path.name, here)
            yield Table(path.name, kind, here, keys, aside, nested=nested)
            return
        header_names = _header(path.name, here, SEPARATORS[kind])
        quoted = kind == "csv" or _quoted(path.name, here, len(header_names), aside, header=header)
        columns = tuple(n.strip().removeprefix("\ufeff").strip('"') for n in header_names)
        if not header:
            columns = tuple(f"column_{n}" for n in range(1, len(header_names) + 1))
        yield Table(path.name, kind, here, columns, aside, header, quoted)


def _quoted(name: str, path: Path, columns: int, aside: Aside, *, header: bool) -> bool:
    """Whether the quotation marks of a tsv file hold its fields together, or are words of its texts.

    Tab-separated files are mostly written without quotation: where that reads every row, it is the reading. Where a reading
    with quotation reads every row too, and finds line ends inside fields, that one is taken: each mark of the file then stands
    where a writer that quotes would set it, which chance seldom does. The line ends are counted, since it is a judgement.
    A header with every name in quotation marks, as R writes it, says that the writer quotes.
    """
    separator = SEPARATORS["tsv"]
    if header and _names_quoted(path) and files.regular(path, columns, separator, quoted=True):
        return True
    if not files.regular(path, columns, separator, quoted=False):
        return True
    count, line = files.joined(path)
    if not count or not files.regular(path, columns, separator, quoted=True):
        return False
    aside.add(
        "line end inside quotation marks, read as part of a text",
        count,
        f"{name}, line {line}",
        "nothing; or, where each line is a row of its own, double its marks and set the text in quotation marks",
    )
    return True


def _names_quoted(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        names = file.readline().rstrip("\r\n").split(SEPARATORS["tsv"])
    return all(len(name) > 1 and name[0] == name[-1] == '"' for name in names)


def _linked(path: Path, link: Path) -> Path:
    link.symlink_to(path.resolve())
    return link


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _header(name: str, path: Path, separator: str) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file, delimiter=separator), [])
    if not "".join(names).strip():
        raise InputError(f"{name} begins with an empty line: its first line must name the columns")
    return names


def _read_delimited(table: Table, wanted: list[str], rows: int | None) -> pl.DataFrame:
    separator = SEPARATORS[table.kind]
    if rows is None and not files.regular(table.path, len(table.columns), separator, quoted=table.quoted):
        return _read_row_by_row(table, wanted)
    at = sorted(table.columns.index(c) for c in wanted)
    frame = pl.read_csv(
        table.path,
        columns=at,
        has_header=table.header,
        separator=separator,
        quote_char='"' if table.quoted else None,
        infer_schema=False,
        n_rows=rows,
        truncate_ragged_lines=True,
        raise_if_empty=False,
        glob=False,
        ignore_errors=rows is not None,
    )
    if frame.width != len(at):  # a file of a header alone
        return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
    frame.columns = [table.columns[i] for i in at]
    if not table.quoted:
        # a writer that quotes only where it must has doubled the marks inside, or had a carriage return or nothing to quote
        doubled = pl.col(pl.String).str.contains(r'^"(?:[^"]|"")*(?:""|\r)(?:[^"]|"")*"$|^""$')
        bare = (
            pl.col(pl.String)
            .str.slice(1, pl.col(pl.String).str.len_chars() - 2)
            .str.replace_all('""', '"', literal=True)
        )
        frame = frame.with_columns(pl.when(doubled).then(bare).otherwise(pl.col(pl.String)).name.keep())
    return frame.select(pl.col(wanted).replace("", None))


def _read_row_by_row(table: Table, wanted: list[str]) -> pl.DataFrame:
    """The careful reading of an irregular file: a row that does not fit is set aside alone, and reading goes on in the next line."""
    separator, n = SEPARATORS[table.kind], len(table.columns)
    at = [table.columns.index(c) for c in wanted]
    kept: list[list[str | None]] = []
    frames = []
    with table.path.open(encoding="utf-8-sig", newline="\n") as file:
        lines = enumerate(file, 1)
        waiting: list[tuple[int, str]] = []
        while (here := waiting.pop(0) if waiting else next(lines, None)) is not None:
            number, line = here
            if number == 1 and table.header:
                continue
            if not line.strip("\r\n"):
                continue
            row, used = _row(line, separator, n), 0
            while row is None and used < _SPAN and line.count('"') % 2:
                if used == len(waiting) and (more := next(lines, None)) is not None:
                    waiting.append(more)
                if used == len(waiting):
                    break
                line += waiting[used][1]
                used += 1
                if waiting[used - 1][1].count('"') % 2:
                    row = _row(line, separator, n)
                    break
            if row is None:
                table.aside.add(
                    "row with too few or too many fields, or a stray quotation mark",
                    1,
                    f"{table.name}, line {number}",
                    f"give it {n} fields, and double each quotation mark inside a quoted one",
                )
                continue
            del waiting[:used]
            kept.append([row[i] or None for i in at])
            if len(kept) == _BATCH:
                frames.append(_frame(kept, wanted))
                kept = []
    return pl.concat([*frames, _frame(kept, wanted)])


def _row(line: str, separator: str, fields: int) -> list[str] | None:
    """The one row that a line (or several, joined) holds; None where it holds none of that many fields."""
    try:
        rows = list(csv.reader([line.rstrip("\r\n")], delimiter=separator, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 and len(rows[0]) == fields else None


def _frame(rows: list[list[str | None]], columns: list[str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def _keys(name: str, path: Path) -> tuple[tuple[str, ...], frozenset[str]]:
    """The keys of a jsonl file's objects, in the order in which the first rows bring them, and those that hold no plain value."""
    keys: dict[str, None] = {}
    nested: set[str] = set()
    seen = 0
    for _, said in objects(path):
        seen += 1
        if isinstance(said, dict):
            keys.update(dict.fromkeys(said))
            nested.update(key for key, value in said.items() if isinstance(value, dict | list))
        elif isinstance(said, list) and seen == 1 and (not said or isinstance(said[0], dict)):
            raise InputError(f"{name} is one JSON array, not one object a line: jq -c '.[]' {name} parts it")
        if seen == _LOOK:
            break
    if not keys:
        raise InputError(
            f'{name} holds no JSON object in its first {seen or 1} lines: each line must be one, like {{"text": "..."}}'
        )
    return tuple(keys), frozenset(nested)


def objects(path: Path) -> Iterator[tuple[int, Any]]:
    """Each line with its number, as JSON; None where it is not."""
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except (ValueError, RecursionError):
                    yield number, None


def _read_jsonl(table: Table, wanted: list[str], rows: int | None) -> pl.DataFrame:
    if rows is None:
        try:
            return pl.read_ndjson(table.path, schema=dict.fromkeys(wanted, pl.String))
        except pl.exceptions.PolarsError:
            pass  # some line is broken: read them one by one, and set it aside
    kept: list[list[str | None]] = []
    frames = []
    for number, said in objects(table.path):
        if not isinstance(said, dict):
            if rows is None:
                table.aside.add(
                    "line that is no JSON object", 1, f"{table.name}, line {number}", "mend or delete that line"
                )
            continue
        kept.append([_said(said.get(c)) for c in wanted])
        if len(kept) == rows:
            break
        if len(kept) == _BATCH:
            frames.append(_frame(kept, wanted))
            kept = []
    return pl.concat([*frames, _frame(kept, wanted)])


def _said(value: Any) -> str | None:
    """A JSON value as the fast reader writes it."""
    if value is None or isinstance(value, str):
        return value and value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
