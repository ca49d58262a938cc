"""Texts with pseudonyms where names stood, so that who speaks to whom survives and who they are does not."""

from collections.abc import Callable
from functools import partial
from itertools import repeat

import polars as pl

from sociolect.load import hidden_marks as marks
from sociolect.load.pseudonyms import Names

_ROWS = 200_000  # texts looked through at once: bounds the memory that their words take


def hidden(texts: pl.Series, scopes: pl.Series | None, names: Names) -> pl.Series:
    """The texts with `@p...` in the place of every name that something marks, and of known names that no word could be.

    Marks are @handles, Slack's <@handle>, u/handles, whoever is addressed at the start (`nick: ...`, `nick, ...`) or quoted
    (`> NAME wrote:`, `RT NAME`, `[quote=NAME]`), hashtags that are a name, and places in addresses (/user/NAME). Known names with
    a digit, hyphen, underscore, bracket, dot or another sign are found wherever they stand.

    A known name of fewer than 6 digits alone is taken for a number. Names that are plain words stay where nothing marks them.
    """
    people = names.every()
    odd = {n for n in people if marks.odd(n)}
    quaint = sorted(n for n in people if marks.curious(n))
    heads, tokens = (pl.Series(sorted(some), dtype=pl.String).implode() for some in (people, odd))
    parts = []
    for start in range(0, len(texts), _ROWS):
        part = texts.slice(start, _ROWS)
        within = scopes.slice(start, _ROWS) if scopes is not None else None
        first = part.str.extract(r"^\s*([^:,\s][^:,\n]{0,63})[:,]", 1).str.strip_chars().str.to_lowercase()
        part = _rewritten(part, within, first.is_in(heads), partial(marks.addressed, names))
        part = _rewritten(
            part,
            within,
            _both(part, r"[:：\]]|\bRT|\bMT|(?:ing|rom|by|to)\s", marks.QUOTES),
            partial(marks.quoted, names),
        )
        part = _rewritten(part, within, part.str.contains(r"[@＠]|[uU]/"), partial(marks.handles, names))
        part = _rewritten(part, within, _both(part, "[/?&]", marks.ADDRESS), partial(marks.pathed, names))
        part = _rewritten(part, within, part.str.contains("[#＃]"), partial(marks.tagged, names))
        if odd:
            part = _rewritten(part, within, _naming(part, tokens, odd), partial(marks.whole, names))
        if quaint:
            some = part.str.to_lowercase().str.contains_any(quaint)
            part = _rewritten(part, within, some, partial(marks.quaint, names))
        parts.append(part)
    return pl.concat(parts) if parts else texts


def _both(texts: pl.Series, quick: str, form: str) -> pl.Series:
    """Which texts have the form: asked of those alone that pass the quick test."""
    rows = texts.str.contains(quick).fill_null(value=False).arg_true()
    hit = texts.gather(rows).str.contains(form)
    return pl.Series([False]).new_from_index(0, len(texts)).scatter(rows, hit)


def _rewritten(
    texts: pl.Series, scopes: pl.Series | None, hit: pl.Series, rewrite: Callable[[str, str], str]
) -> pl.Series:
    rows = hit.fill_null(value=False).arg_true()
    if rows.is_empty():
        return texts
    within = scopes.gather(rows).to_list() if scopes is not None else repeat("")
    said = [rewrite(t, s) for t, s in zip(texts.gather(rows).to_list(), within, strict=False)]
    return texts.clone().scatter(rows, pl.Series(said, dtype=pl.String))


def _naming(texts: pl.Series, tokens: pl.Series, odd: set[str]) -> pl.Series:
    """Which texts hold one of the odd names as a whole word; a few too many is no harm."""
    some = texts.str.contains(f"[{marks.MARK}]").fill_null(value=False).arg_true()
    rows = pl.DataFrame({"row": some, "word": texts.gather(some).str.extract_all(marks.TOKEN)})
    rows = rows.filter(pl.col("word").list.len() > 0).explode("word").with_columns(pl.col("word").str.to_lowercase())
    unique = rows.select(pl.col("word").unique())
    direct = pl.col("word").is_in(tokens)
    inner = [
        w
        for w in unique.filter(~direct & pl.col("word").str.contains(r"\W"))["word"].to_list()
        if marks.inside(w, odd.__contains__)
    ]
    hits = rows.filter(direct | pl.col("word").is_in(pl.Series(inner, dtype=pl.String).implode()))["row"].unique()
    return pl.Series([False]).new_from_index(0, len(texts)).scatter(hits, True)
