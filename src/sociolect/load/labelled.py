"""Labelled texts, for classifiers to learn from and to be held against."""

import gzip
import zlib
from pathlib import Path

import polars as pl

from sociolect.errors import InputError
from sociolect.load import columns
from sociolect.load.aside import Aside
from sociolect.load.files import form
from sociolect.load.read import opened

_IDS = r"^\d+(?:\s*,\s*\d+)*$"


def labelled(
    path: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    labels: str | Path | None = None,
    names: str | Path | None = None,
    header: bool = True,
) -> pl.DataFrame:
    """The texts and their labels: columns text (String) and labels (List(String)), one row a text, in the order of the file.

    Either a table whose columns `text` and `label` name (without `header` they are column_1, column_2, ...), or a file of one
    text a line beside `labels`, a file of one label a line. A label cell may hold several, parted by commas: ids always, names
    where `names` is given. `names` says what the ids mean: a name a line in the order of the ids from 0, or `id<TAB>name`.
    Lines end at a line feed and nowhere else; an empty line is an empty text. Raises InputError where texts and labels do not go together.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     said, called = Path(folder, "t.tsv"), Path(folder, "names.txt")
    ...     _ = said.write_text("what a day\\t0,1\\noh no\\t1\\n"), called.write_text("joy\\nfear\\n")
    ...     labelled(said, text="column_1", label="column_2", names=called, header=False)["labels"].to_list()
    [['joy', 'fear'], ['fear']]
    """
    said = _beside(Path(path), labels) if labels is not None else _within(Path(path), text, label, header=header)
    where = Path(path).name
    silent, bare = (
        said.filter(pl.col("text").is_null()),
        said.filter(pl.col("label").is_null() | (pl.col("label").str.strip_chars() == "")),
    )
    faults = [
        f"{where}: {rows.height} rows have no {what} (the first is row {rows['row'][0]}): fill them in, or delete them"
        for what, rows in (("text", silent), ("label", bare))
        if rows.height
    ]
    if faults or not said.height:
        raise InputError("; ".join(faults) or f"{where} holds no texts")
    several = names is not None or bool(said["label"].str.contains(_IDS).all())
    cells = said["label"].str.strip_chars()
    found = cells.str.split(",") if several else cells.reshape((-1, 1)).arr.to_list()
    found = found.list.eval(pl.element().str.strip_chars())
    if names is not None:
        called = _names(Path(names))
        unknown = sorted(set(found.explode().to_list()) - set(called) - set(called.values()))
        if unknown:
            raise InputError(
                f"{where}: label {unknown[0]!r} is none of the {len(called)} in {Path(names).name}: name it there"
            )
        found = found.list.eval(pl.element().replace(called))
    return pl.DataFrame({"text": columns.cleaned(said["text"]), "labels": found})


def _within(path: Path, text: str | None, label: str | None, *, header: bool) -> pl.DataFrame:
    aside = Aside()
    with opened(path, aside, header=header) as source:
        due = {"text": text, "label": label}
        wrong = [
            f"{source.name}: {k}= has not been said; the columns are: {', '.join(source.columns)}"
            for k, v in due.items()
            if v is None
        ]
        wrong += columns.faults(source, due.items())
        if wrong or text is None or label is None:
            raise InputError("; ".join(wrong))
        raw = source.read([*columns.parts(text, source.columns), label])
        said = pl.DataFrame({"text": columns.texts(raw, text, source.columns), "label": raw[label].cast(pl.String)})
    for reason, (count, where, mend) in aside.rows.items():
        if (
            "NUL" not in reason and "UTF-8" not in reason
        ):  # a label for a text that is not there would be worse than a stop
            raise InputError(f"{where}: {reason} ({count} in all): {mend}")
    return said.with_row_index("row", offset=1)


def _beside(path: Path, labels: str | Path) -> pl.DataFrame:
    texts, said = _lines(path), _lines(Path(labels))
    if len(texts) != len(said):
        raise InputError(
            f"{path.name} holds {len(texts):,} texts and {Path(labels).name} {len(said):,} labels: they must be equally many lines"
        )
    return pl.DataFrame({"text": texts, "label": said}, schema={"text": pl.String, "label": pl.String}).with_row_index(
        "row", offset=1
    )


def _names(path: Path) -> dict[str, str]:
    """What each id means."""
    lines = [line.strip() for line in _lines(path) if line.strip()]
    pairs = [line.split("\t") for line in lines]
    if all(len(pair) == 2 for pair in pairs):
        return {i.strip(): name.strip() for i, name in pairs}
    return {str(i): line for i, line in enumerate(lines)}


def _lines(path: Path) -> list[str]:
    """The lines of a file, parted at line feeds alone: tweets hold every other sign that Unicode ends a line with."""
    _, gzipped = form(path)
    try:
        data = gzip.decompress(path.read_bytes()) if gzipped else path.read_bytes()
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path.name} is a broken gzip file ({error}): fetch or pack it again") from error
    lines = data.decode("utf-8-sig", "replace").split("\n")
    return [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]
