"""What is wrong with a table of posts: counted, with a rule, masked examples and a fix, before anything is made of it."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from sociolect.errors import InputError, UsageError
from sociolect.load import columns as named
from sociolect.load.aside import Aside
from sociolect.load.doctor.columns import columns, resolved
from sociolect.load.doctor.findings import Found, told
from sociolect.load.doctor.languages import fewest, languages, mixed, sampled
from sociolect.load.doctor.links import links
from sociolect.load.doctor.masks import column_name, least, shape
from sociolect.load.doctor.people import people
from sociolect.load.doctor.pii import PII
from sociolect.load.doctor.repeats import prints, repeats
from sociolect.load.doctor.texts import flags
from sociolect.load.doctor.times import SINCE, read_times, when
from sociolect.load.read import Table, opened
from sociolect.seeds import derive

_PIECE = 100_000  # texts looked through at once: bounds the memory that their words take
_PRIVATE = frozenset(PII)  # counted alone: even a shape says too much
_SURROGATE = re.compile(rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|[c-fC-F][0-9a-fA-F]{2})")
_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\\\")


@dataclass(frozen=True, slots=True)
class Examined:
    """What was read, and what is wrong with it.

    `findings`: one row each (see `findings.COLUMNS`), the gravest kinds of each group first; none for what is not there.
    `languages`: language, n, share, low, high of a sample. `set_aside`: what could not be read at all, by reason.
    `roles`: role -> column; `guessed`: the roles that nobody said. `skipped`: what could not be examined, and why.
    `touched`: finding -> its rows, counted from 0 in the order in which the table is read.
    """

    name: str
    rows: int
    roles: Mapping[str, str]
    guessed: tuple[str, ...]
    skipped: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    findings: pl.DataFrame
    languages: pl.DataFrame
    set_aside: pl.DataFrame
    touched: Mapping[str, pl.Series]


def doctor(
    path: str | Path,
    *,
    post: str | None = None,
    person: str | None = None,
    text: str | None = None,
    thread: str | None = None,
    parent: str | None = None,
    time: str | None = None,
    kind: str | None = None,
    since: datetime = SINCE,
    now: datetime | None = None,
    key: bytes | None = None,
    sample: int = 2000,
    guessing: bool = True,
    seed: int = 0,
) -> Examined:
    """What is wrong with a table of posts (csv, tsv, jsonl, each also .gz, or parquet), counted; nothing is changed.

    Roles are columns as in `table`; a role that is not said is taken from the column that is likeliest by its name, and told
    in `guessed`, unless `guessing` is false. `since` is when the platform began and `now` what counts as the future (default: the clock). Examples show ids
    as pseudonyms under `key` (default: a key made for this call and thrown away) and texts as shapes. `seed` draws the
    `sample` texts whose language is looked at (0: none). Counts do not depend on the order of the rows.

    Raises InputError for what cannot be read, or columns that are not there, and UsageError for times without a zone.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     said = Path(folder, "posts.csv")
    ...     _ = said.write_text("id,author,body,parent_id\\n1,ada,hello there you,\\n2,bob,write to ada@b.org now,7\\n")
    ...     doctor(said).findings.select("finding", "count", "share", "fix").rows()
    [('orphans', 1, 0.5, 'empty the parent'), ('emails', 1, 0.5, 'rewrite the text')]
    """
    now = datetime.now(UTC) if now is None else now
    if bad := [f"{name}={at!r} has no zone" for name, at in (("since", since), ("now", now)) if at.tzinfo is None]:
        raise UsageError("; ".join(bad) + ": say which, as in datetime(2024, 1, 31, tzinfo=UTC)")
    key = secrets.token_bytes(32) if key is None else key
    said = {
        "post": post,
        "person": person,
        "text": text,
        "thread": thread,
        "parent": parent,
        "time": time,
        "kind": kind,
    }
    aside = Aside()
    with opened(path, aside) as source:
        if wrong := named.faults(source, said.items()):
            raise InputError("; ".join(wrong))
        roles, guessed = resolved(source, said, guessing=guessing)
        if "text" not in roles:
            raise InputError(
                f"{source.name}: no column looks like one of texts; say text=..., the columns are: {', '.join(map(column_name, source.columns))}"
            )
        raw = source.read(list(source.columns))
        if not raw.height:
            raise InputError(f"{source.name} has a header and no rows that can be read: there is nothing to examine")
        found = columns(source, raw, roles, guessed)
        found += _surrogates(source)
        texts = named.texts(raw, roles["text"], source.columns)
        rows = _rows(raw, source, roles, aside)
        written = _written(raw, source, roles)
        del raw
    first = last = None
    if written is not None:
        at = read_times(written)
        found += when(written, at, now=now, since=since)
        rows = rows.with_columns(at)
        first, last = at.min(), at.max()
        del written
    seen, more, drawn = _texts(texts, sample, derive(seed, "doctor"))
    found += more
    skip = seen["missing_texts"] | seen["removed_texts"]
    if "kind" in rows.columns:
        skip |= rows["kind"].str.to_lowercase().is_in(["repost", "retweet"]).fill_null(value=False)
    rows = rows.hstack(seen.select("said", "key", "long", "near_0", "near_1")).with_columns(skip=skip)
    del seen
    found += repeats(rows.select("row", "skip", "key", "long", "near_0", "near_1"), texts)
    rows = rows.drop("long", "near_0", "near_1")
    del texts
    found += links(rows.drop("key", "skip"), key)
    found += people(rows, key)
    shares = languages(drawn)
    found.append(mixed(shares))
    return Examined(
        source.name, rows.height, roles, tuple(guessed), _skipped(roles), first, last,  # type: ignore[arg-type]  # least and greatest of times are times
        told(found), shares, aside.frame(), {f.name: f.rows for f in found if len(f.rows)},
    )  # fmt: skip


def _rows(raw: pl.DataFrame, source: Table, roles: Mapping[str, str], aside: Aside) -> pl.DataFrame:
    """The columns that name something, as ids, beside the number of the row."""
    made = {
        r: named.ids(raw, roles[r], source.columns)
        for r in ("post", "person", "thread", "parent", "kind")
        if r in roles
    }
    if "post" in made and "parent" in made:
        made["parent"] = named.same_spelling(made["parent"], made["post"], aside, source.name)
    frame = pl.DataFrame([column.alias(role) for role, column in made.items()]) if made else raw.select()
    return frame.with_row_index("row") if made else raw.select(row=pl.int_range(pl.len(), dtype=pl.get_index_type()))


def _written(raw: pl.DataFrame, source: Table, roles: Mapping[str, str]) -> pl.Series | None:
    """The column of times as the file has it; a date and a clock in two columns are joined."""
    if "time" not in roles:
        return None
    said = raw.select(named.parts(roles["time"], source.columns))
    if said.width == 1:
        return said.to_series()
    return said.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)).to_series()


def _texts(texts: pl.Series, n: int, seed: int) -> tuple[pl.DataFrame, list[Found], pl.DataFrame]:
    """What is seen in the texts, piece by piece: one row each, the findings about single texts, and a sample of them."""
    seen: list[pl.DataFrame] = []
    drawn: list[pl.DataFrame] = []
    few: dict[str, pl.Series] = {}
    hits: dict[str, list[pl.Series]] = {}
    for start in range(0, len(texts), _PIECE):
        piece = texts.slice(start, _PIECE)
        flag = flags(piece)
        for name in flag.columns:
            at = flag[name].arg_true()
            hits.setdefault(name, []).append(at + start)
            if name not in _PRIVATE and len(at):
                few[name] = least(pl.concat([few.get(name, piece.clear()), piece.gather(at)]))
        seen.append(prints(piece).hstack(flag.select("missing_texts", "removed_texts")))
        drawn.append(sampled(piece, n, seed))
    found = [
        Found(name, pl.concat(at), len(texts), examples=tuple(shape(t) for t in few[name]) if name in few else ())
        for name, at in hits.items()
    ]
    return pl.concat(seen), found, fewest(pl.concat(drawn), n)


def _surrogates(source: Table) -> list[Found]:
    """Lines of a jsonl file with half of an escaped pair: a reader of text can no longer see them."""
    if source.kind != "jsonl":
        return []
    hit = total = 0
    with source.path.open("rb") as file:
        for line in file:
            total += 1
            hit += b"\\u" in line and _SURROGATE.search(_PAIR.sub(b"", line)) is not None
    return [Found("lone_surrogates", pl.Series([], dtype=pl.get_index_type()), total, hit)]


def _skipped(roles: Mapping[str, str]) -> tuple[str, ...]:
    due = {
        "post": "ids, parents",
        "person": "authors, self-replies, machines",
        "parent": "orphans, cycles",
        "time": "times, rates, replies before their parents",
    }
    return tuple(
        f"{what}: no column is said to be, or looks like, {role}" for role, what in due.items() if role not in roles
    )
