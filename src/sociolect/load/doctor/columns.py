"""What is wrong with the columns of a table: names that come twice, columns that say nothing, columns in the wrong role."""

import re
from collections.abc import Mapping

import polars as pl

from sociolect.load.columns import parts
from sociolect.load.doctor.findings import Found
from sociolect.load.doctor.masks import column_name
from sociolect.load.guess import called, proposals
from sociolect.load.read import SEPARATORS, Table

_WORDED = 0.1  # share of texts of three words or more, under which a column is hardly one of texts; ours, as in `guess`
# three words, or a run in a script that sets no space between them
_WORDS = r"\S\s+\S+\s+\S|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]{4}"
_FEW = 20  # rows, under which nothing is said of a column
ROLES = ("post", "person", "text", "thread", "parent", "time", "kind")
_NONE = pl.Series([], dtype=pl.get_index_type())


def resolved(
    source: Table, said: Mapping[str, str | None], *, guessing: bool = True
) -> tuple[dict[str, str], list[str]]:
    """Which column has which role: as was said, else the likeliest by name and content; and which roles were guessed."""
    roles = {role: column for role, column in said.items() if column is not None}
    guessed: list[str] = []
    taken = {name for value in roles.values() for name in parts(value, source.columns)}
    if not guessing or all(role in roles for role in ROLES):
        return roles, guessed
    for role, column, why, share in proposals(source).iter_rows():
        sure = why.startswith("its name") or (role == "text" and share >= 0.9)
        if role in ROLES and role not in roles and column not in taken | source.nested and sure and share >= 0.5:
            roles[role] = column
            guessed.append(role)
            taken.add(column)
    for role in (
        "text",
        "parent",
        "time",
    ):  # what nothing bears out may be what is wrong, or has no space between words
        near = [c for c in source.columns if c not in taken | source.nested and len(c) > 2 and called(role, c)]
        if role not in roles and near:
            roles[role] = near[0]
            guessed.append(role)
            taken.add(near[0])
    return roles, guessed


def columns(source: Table, raw: pl.DataFrame, roles: Mapping[str, str], guessed: list[str]) -> list[Found]:
    """The findings about columns; `raw` is the table as it was read."""
    names = list(dict.fromkeys(source.columns))
    twice = [c for c in names if source.columns.count(c) > 1]
    flat = [c for c in raw.columns if not raw.schema[c].is_nested() and raw.schema[c] not in (pl.Binary, pl.Object)]
    constant = [c for c in flat if raw.height > 1 and _constant(raw[c])]
    doubted = _doubted(source, raw, roles, guessed) if raw.height > _FEW else {}
    return [
        _of("data_as_header", [c for c in names if source.kind in SEPARATORS and _said(c)], len(names)),
        _of("repeated_columns", twice, len(names)),
        _of("constant_columns", constant, len(names)),
        _of("doubted_roles", list(doubted), len(roles), "; ".join(doubted.values()) or None),
    ]


def _of(name: str, found: list[str], of: int, note: str | None = None) -> Found:
    return Found(name, _NONE, of, len(found), tuple(column_name(c) for c in found[:3]), note)


def _said(name: str) -> bool:
    """Whether a column's name is a value: a number, or four words or more."""
    return re.fullmatch(r"-?\d+(?:\.\d+)?", name) is not None or name.count(" ") >= 3


def _constant(column: pl.Series) -> bool:
    first = column.drop_nulls().head(1)
    return first.is_empty() or (column.null_count() == 0 and bool((column == first[0]).all()))


def _doubted(source: Table, raw: pl.DataFrame, roles: Mapping[str, str], guessed: list[str]) -> dict[str, str]:
    """Roles whose column does not look like one, by name of the column: why, and which may be it."""
    doubts: dict[str, str] = {}
    text = raw.select(pl.col(parts(roles["text"], source.columns)).cast(pl.String)).to_series()
    if text.str.contains(_WORDS).fill_null(value=False).mean() < _WORDED:  # type: ignore[operator]  # the mean of truth values is a number
        doubts[roles["text"]] = f"text={column_name(roles['text'])!r}: hardly a value has three words"
    single = {role: value for role, value in roles.items() if value in raw.columns and role not in guessed}
    for role in ("person", "thread", "post"):
        if role not in roles or roles[role] not in raw.columns:
            continue
        there = raw[roles[role]].drop_nulls()
        distinct = there.n_unique() / max(1, len(there))
        if role != "post" and len(there) > _FEW and distinct == 1:
            doubts[roles[role]] = f"{role}={column_name(roles[role])!r}: each row has a value of its own"
        if role == "post" and distinct < 0.5:
            doubts[roles[role]] = f"post={column_name(roles[role])!r}: less than half of its values are distinct"
    found = proposals(source)
    for role, value in single.items():
        near = found.filter(pl.col("role") == role)["column"].to_list()
        if near and value not in near and value not in doubts:
            doubts[value] = f"{role}={column_name(value)!r}: {column_name(near[0])!r} may be it"
    return doubts
