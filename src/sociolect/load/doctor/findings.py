"""What can be wrong with a table of posts: the list of findings, and the frame they are told in."""

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

BREAKS, BIAS, NOTE = "breaks numbers", "may bias", "note"
DROP, NO_PARENT, NO_PERSON, NO_TIME, EDIT, LOWER = (
    "drop the row",
    "empty the parent",
    "empty the person",
    "empty the time",
    "rewrite the text",
    "write the person in lower case",
)
KEEP_FIRST = "drop the row, keep the first"


class Kind(NamedTuple):
    """How much a finding matters, what is counted, the rule by which it is found, and what its fix does (None: there is none)."""

    severity: str
    unit: str
    rule: str
    fix: str | None = None


class Found(NamedTuple):
    """One finding: the rows it touches (from 0, in the order of the file), how many units there are, and masked examples."""

    name: str
    rows: pl.Series
    of: int
    units: int | None = None  # how many; None where each row is one
    examples: tuple[str, ...] = ()
    note: str | None = None


KINDS: dict[str, Kind] = {
    "data_as_header": Kind(BREAKS, "column", "the name of a column is a number or a sentence: the first row was taken for the header"),
    "repeated_columns": Kind(BREAKS, "column", "two columns have one name: only the first can be read"),
    "constant_columns": Kind(NOTE, "column", "one value in every row, or none at all"),
    "doubted_roles": Kind(BIAS, "column", "what the column holds does not fit its role, or another column fits it better"),
    "missing_posts": Kind(BREAKS, "row", "no id", DROP),
    "missing_persons": Kind(BREAKS, "row", "no author", DROP),
    "missing_texts": Kind(NOTE, "row", "no text, or blank", DROP),
    "missing_times": Kind(NOTE, "row", "no time"),
    "repeated_rows": Kind(BREAKS, "row", "an earlier row says the same in every column that has a role", KEEP_FIRST),
    "repeated_ids": Kind(BREAKS, "row", "an earlier row has the same id and says something else", KEEP_FIRST),
    "rounded_ids": Kind(BREAKS, "row", "an id written as 1.23E+17, as spreadsheets do: its last digits are lost", DROP),
    "mixed_ids": Kind(NOTE, "row", "the rarer way of writing ids: whole number, number with .0, or other"),
    "orphans": Kind(BIAS, "row", "the parent is no post of this table", NO_PARENT),
    "own_parents": Kind(BREAKS, "row", "the parent is the post itself", NO_PARENT),
    "reply_cycles": Kind(BREAKS, "row", "the chain of parents comes back to the post, over two posts or more", NO_PARENT),
    "self_replies": Kind(NOTE, "row", "the parent is by the same person: a tie of a person to self", NO_PARENT),
    "early_replies": Kind(BREAKS, "row", "the time is before the parent's", NO_PARENT),
    "future_times": Kind(BREAKS, "row", "the time is after now", NO_TIME),
    "early_times": Kind(BREAKS, "row", "the time is before the platform could be", NO_TIME),
    "unread_times": Kind(BREAKS, "row", "a time that cannot be read", NO_TIME),
    "mixed_times": Kind(BIAS, "row", "not the commonest way of writing times: seconds, milliseconds, microseconds, date, without a zone, with one"),
    "removed_texts": Kind(BIAS, "row", "[deleted], [removed] or the like instead of a text", DROP),
    "removed_persons": Kind(BREAKS, "row", "[deleted] or the like instead of an author: all would be one person, a false hub", NO_PERSON),
    "person_case": Kind(BIAS, "row", "a name with capitals that is another's but for them", LOWER),
    "large_person": Kind(BIAS, "person", "one person wrote over a fifth of 100 rows or more (ours)", DROP),
    "large_thread": Kind(NOTE, "thread", "one thread of several holds over half of 100 rows or more (ours)"),
    "fast_persons": Kind(
        BIAS,
        "person",
        "60 posts or more in one clock hour (ours), or 50 a day on average over 3 days or more (Howard and Kollanyi 2016, arXiv 1606.06356)",
        DROP,
    ),
    "even_persons": Kind(BIAS, "person", "20 posts or more at even distances: standard deviation under .1 of the mean (ours)", DROP),
    "same_text_persons": Kind(BIAS, "person", "one text 10 times or more, and in half of all posts of the person (ours)", DROP),
    "repeated_texts": Kind(
        BIAS,
        "row",
        "an earlier row has the same words (20 characters or more), case and punctuation aside; reposts are not counted",
        KEEP_FIRST,
    ),
    "near_texts": Kind(
        BIAS,
        "row",
        "another text shares .8 or more of the three-word runs of both (Jaccard) without being the same; 5 words or more",
    ),
    "mixed_languages": Kind(NOTE, "text", "a sampled text in another language than the commonest, where those are surely over 5%"),
    "mojibake": Kind(BIAS, "row", "UTF-8 read as Windows-1252 or the like: Ã© for é (as ftfy mends it)", EDIT),
    "replacement_marks": Kind(BIAS, "row", "U+FFFD: a character that an earlier program could not read"),
    "control_marks": Kind(NOTE, "row", "control, zero-width or direction characters, NUL and terminal codes among them", EDIT),
    "lone_surrogates": Kind(BIAS, "line", "half of a character beyond U+FFFF, escaped in JSON: read as ? or U+FFFD"),
    "html_entities": Kind(BIAS, "row", "&amp; and the like, left by a web page", EDIT),
    "chat_marks": Kind(NOTE, "row", "a mark of chat templates, as [INST]: the post could speak as another role", EDIT),
    "injections": Kind(NOTE, "row", "words that address a model: to forget its instructions, or to show them", DROP),
    "hostile_markup": Kind(NOTE, "row", "scripts, event handlers, frames, javascript: links, spreadsheet formulas", DROP),
    "emails": Kind(NOTE, "row", "an e-mail address", EDIT),
    "phones": Kind(NOTE, "row", "a telephone number", EDIT),
    "cards": Kind(NOTE, "row", "the number of a payment card: network and check digit (Luhn, ISO/IEC 7812-1)", EDIT),
    "ibans": Kind(NOTE, "row", "a bank account that passes its check (ISO 13616)", EDIT),
    "national_ids": Kind(NOTE, "row", "an identity number of a state, by form and check digit", EDIT),
    "ip_addresses": Kind(NOTE, "row", "an IPv4 or IPv6 address", EDIT),
    "mac_addresses": Kind(NOTE, "row", "the hardware address of a device", EDIT),
    "wallets": Kind(NOTE, "row", "the address of a crypto wallet", EDIT),
    "coordinates": Kind(NOTE, "row", "a place as latitude and longitude", EDIT),
}  # fmt: skip
COLUMNS: dict[str, pl.DataType] = {
    "finding": pl.String(),
    "severity": pl.String(),
    "unit": pl.String(),
    "count": pl.Int64(),
    "of": pl.Int64(),
    "share": pl.Float64(),
    "rows": pl.Int64(),
    "examples": pl.List(pl.String()),
    "rule": pl.String(),
    "fix": pl.String(),
    "note": pl.String(),
}


def told(found: Iterable[Found]) -> pl.DataFrame:
    """The findings that hold for at least one unit, in the order of `KINDS`: one row each.

    >>> rows = pl.Series([4, 7], dtype=pl.UInt32)
    >>> told([Found("orphans", rows, of=8), Found("mojibake", rows.clear(), of=8)]).select("finding", "count", "share", "fix").rows()
    [('orphans', 2, 0.25, 'empty the parent')]
    """
    by = {one.name: one for one in found}
    lines = []
    for name, kind in KINDS.items():
        if name in by and (count := _units(by[name])):
            one = by[name]
            share = count / one.of if one.of else None
            examples, rows = list(one.examples), len(one.rows)
            lines.append(
                (name, kind.severity, kind.unit, count, one.of, share, rows, examples, kind.rule, kind.fix, one.note)
            )
    return pl.DataFrame(lines, schema=COLUMNS, orient="row")


def _units(one: Found) -> int:
    return len(one.rows) if one.units is None else one.units
