"""What the columns of a table are to be: looked up by name, joined where several are named, held to a type, filtered."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import polars as pl

from sociolect import text as marks
from sociolect.errors import InputError
from sociolect.load.aside import Aside
from sociolect.load.read import Table

_CONTROL = marks.CONTROL
_UNUSUAL = r"[^\x20-\x7e\t\n\r]"  # what plain ASCII text does not hold: most texts need no second look
_SINGLE = {"keep", "where", "tie_weight"}  # these name one column and join none
_EXACT = 2**53  # above, a float no longer tells two whole numbers apart


def parts(value: str, columns: Sequence[str]) -> list[str]:
    """The columns that a map names: one, or several joined with `+`.

    >>> parts("file+line", ["file", "line"]), parts("a+b", ["a+b"])
    (['file', 'line'], ['a+b'])
    """
    return [value] if value in columns else [part.strip() for part in value.split("+")]


def faults(table: Table, said: Iterable[tuple[str, str | None]]) -> list[str]:
    """What is wrong with a column map: each keyword whose column is not there or comes twice, with the nearest names."""
    wrong = []
    for keyword, value in said:
        for name in [] if value is None else [value] if keyword in _SINGLE else parts(value, table.columns):
            if table.columns.count(name) > 1:
                wrong.append(f"column {name!r} ({keyword}) comes {table.columns.count(name)} times")
            elif name in table.nested and keyword != "keep":
                wrong.append(
                    f"column {name!r} ({keyword}) holds lists or objects, not text: bring what is meant to the top of each line"
                )
            elif name not in table.columns and not _late(table, name):
                near = get_close_matches(name, table.columns, n=3, cutoff=0.5)
                hint = (
                    f"did you mean {' or '.join(map(repr, near))}?"
                    if near
                    else f"there are: {', '.join(table.columns)}"
                )
                wrong.append(f"{table.name} has no column {name!r} ({keyword}); {hint}")
    return wrong


def _late(table: Table, name: str) -> bool:
    """Whether a key comes up only further down a jsonl file than its columns were looked for."""
    if table.kind != "jsonl":
        return False
    return bool(table.read([name])[name].is_not_null().any())


def ids(frame: pl.DataFrame, value: str, columns: Sequence[str]) -> pl.Series:
    """A column of ids as text, several joined with `/`; null where any part is. A whole number has no `.0`.

    Raises InputError where the ids are floats too large to be told apart, or no ids at all.
    """
    names = parts(value, columns)
    texts = [_id(frame[name]) for name in names]
    if len(texts) == 1:
        return texts[0]
    return pl.select(pl.concat_str([pl.lit(t) for t in texts], separator="/")).to_series()


def _id(column: pl.Series) -> pl.Series:
    if column.dtype.is_float():
        column = column.fill_nan(None)
        if (column.abs() >= _EXACT).any():
            raise InputError(
                f"column {column.name!r} holds ids as floats beyond 2**53, so some are one: write it anew as text or whole numbers"
            )
        if (column == column.round()).all():
            column = column.cast(pl.Int64)
    return _plain(column)


def _plain(column: pl.Series) -> pl.Series:
    """A column as clean, stripped text, an empty one null."""
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise InputError(f"column {column.name!r} is {column.dtype}, not text: write it as text")
    return cleaned(column.cast(pl.String).str.strip_chars().replace("", None))


def scoped(scope: pl.Series, name: pl.Series) -> pl.Series:
    """A person's whole id: scope, slash, name. A scope holds no slash, so that the two can be told apart again.

    >>> scoped(pl.Series(["red"]), pl.Series(["ada"])).item()
    'red/ada'
    """
    return plain_scope(scope) + "/" + name


def plain_scope(scope: pl.Series) -> pl.Series:
    return scope.str.replace_all("/", "\u2215", literal=True)


def texts(frame: pl.DataFrame, value: str, columns: Sequence[str]) -> pl.Series:
    """A column of texts, several joined with a line break, absent parts skipped; null where nothing was said."""
    names = parts(value, columns)
    for name in names:
        if frame.schema[name].is_nested() or frame.schema[name] in (pl.Binary, pl.Object):
            raise InputError(f"column {name!r} (text) is {frame.schema[name]}, not text: write it as text")
    said = frame.select(pl.col(names).cast(pl.String))
    if len(names) == 1:
        return said.to_series()
    bare = pl.all().replace("", None)
    return said.select(text=pl.concat_str(bare, separator="\n", ignore_nulls=True)).to_series()


def cleaned(column: pl.Series) -> pl.Series:
    """`text.clean` of a whole column: called only for the texts that hold what it takes out or composes."""
    rows = column.str.contains(_UNUSUAL).fill_null(value=False).arg_true()
    if rows.is_empty():
        return column
    some = column.gather(rows)
    hit = some.str.contains(_CONTROL) | (some.str.normalize("NFC") != some)
    return column.clone().scatter(rows, _each(some, hit, marks.clean))


def neutral(column: pl.Series) -> pl.Series:
    """`text.neutralise` of a whole column."""
    return _each(column, column.str.contains(marks.CHAT), marks.neutralise)


def _each(column: pl.Series, hit: pl.Series, function: object) -> pl.Series:
    """The column with the function called on the rows that were hit."""
    rows = hit.fill_null(value=False).arg_true()
    if rows.is_empty():
        return column
    said = [function(t) for t in column.gather(rows).to_list()]  # type: ignore[operator]  # a plain str -> str
    return column.clone().scatter(rows, pl.Series(said, dtype=pl.String))


def where(frame: pl.DataFrame, wanted: Mapping[str, object], name: str, aside: Aside) -> pl.DataFrame:
    """The rows whose columns hold the wanted values: a value, a list of them, or "!value" for all but that one.

    Values are compared as text. Rows left out are counted. Raises InputError where nothing is left.
    """
    keep = pl.lit(value=True)
    for column, value in wanted.items():
        values = [_as_text(v) for v in (value if isinstance(value, list | tuple | set | frozenset) else [value])]
        unwanted = [v[1:] for v in values if v.startswith("!")]
        due = [v for v in values if not v.startswith("!")]
        said = pl.col(column).cast(pl.String)
        if due:
            keep &= said.is_in(due)
        if unwanted:
            keep &= ~said.is_in(unwanted).fill_null(value=False)
    kept = frame.filter(keep)
    if frame.height and not kept.height:
        here = {c: frame[c].cast(pl.String).drop_nulls().unique().sort().head(5).to_list() for c in wanted}
        held = "; ".join(f"{c!r} holds {', '.join(map(repr, v)) or 'nothing'}" for c, v in here.items())
        raise InputError(f"{name}: no row is left by where={dict(wanted)!r}; {held}")
    aside.add("row left out by where", frame.height - kept.height, name, "nothing: it was asked for")
    return kept


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def typed(column: pl.Series) -> pl.Series:
    """A text column as whole numbers, numbers or truth values where every value is one; else as it is.

    Whole numbers of 19 digits or more stay text: as numbers they would be rounded to another's.

    >>> typed(pl.Series(["3", None, "4"])).to_list(), typed(pl.Series(["3", "x"])).to_list(), typed(pl.Series(["007"])).to_list()
    ([3, None, 4], ['3', 'x'], ['007'])
    >>> typed(pl.Series(["9223372036854775807", "1"])).to_list()
    ['9223372036854775807', '1']
    """
    if column.dtype != pl.String or column.is_null().all():
        return column
    if column.str.contains(r"^-?[1-9]\d{18,}$").any():
        return column
    for pattern, dtype in (
        (r"^-?(?:0|[1-9]\d{0,17})$", pl.Int64),
        (r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$", pl.Float64),
    ):
        if column.str.contains(pattern).all():
            return column.cast(dtype)
    if column.str.contains(r"^(?:[Tt]rue|[Ff]alse)$").all():
        return column.str.to_lowercase() == "true"
    return column


def same_spelling(parent: pl.Series, post: pl.Series, aside: Aside, name: str) -> pl.Series:
    """Parents spelt as the posts are: 12.0 is post 12, as tables with gaps write whole numbers."""
    floats = r"^\d+\.0$"
    if parent.null_count() == len(parent) or not parent.str.contains(floats).all() or post.str.contains(floats).any():
        return parent
    aside.add("parent id written as a float (12.0), read as 12", parent.count(), name, "nothing, or write ids as text")
    return parent.str.strip_suffix(".0")


def shape_hint(parent: str, post: str) -> str:
    """How the spelling of a parent's id differs from that of a post's, without quoting either.

    >>> shape_hint("t1_c0ffee", "c0ffee")
    "parents begin with 't1_' and posts do not"
    """
    prefix = re.match(r"t\d_", parent)
    if prefix and not re.match(r"t\d_", post):
        return f"parents begin with {prefix[0]!r} and posts do not"
    return ""
