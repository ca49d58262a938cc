"""A society out of one table with a row for each post and comment on it, who wrote them, and how close the two are."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, UsageError, unknown
from sociolect.frames import Society
from sociolect.load import columns as named
from sociolect.load.aside import Aside
from sociolect.load.hidden import hidden
from sociolect.load.key import read_key
from sociolect.load.paired import paired, settled
from sociolect.load.person_traits import ages, classes, genders
from sociolect.load.pii import masked
from sociolect.load.pseudonyms import known, pseudonyms
from sociolect.load.read import Table, opened
from sociolect.load.times import times

ROLES = (
    "post_text", "comment_text", "post_id", "comment_id", "thread", "turn", "poster", "commenter", "closeness", "setting", "weight",
    "time",
)  # fmt: skip
_SIDES = ("commenter_", "poster_")
_MADE = {
    *ROLES, "post", "person", "text", "parent", "kind", "row", "comment", "own_scope", "poster_scope", "community", "item",
    "condition", "draw", "source", "speaker", "prompt", "poster_age", "poster_gender", "commenter_age", "commenter_gender", "length",
}  # fmt: skip
_ROW = "\x00row"  # no column of a file is called so
_DELETED = ["[deleted]", "[removed]"]


def comment_pairs(
    path: str | Path,
    columns: Mapping[str, str],
    *,
    closeness: Mapping[str, str] | None = None,
    where: Mapping[str, object] | None = None,
    keep: str | Sequence[str] = (),
    anonymous: bool = False,
    keep_ids: str = "",
    key: str | Path | None = None,
) -> Society:
    """The society a table of post-comment pairs shows: csv, tsv, jsonl (each also .gz) or parquet, under pseudonyms.

    `columns` says which column has which role, several joined with `+`. Needed: post_text, comment_text, and commenter
    unless `anonymous` (then each text is by a person of its own). May be: post_id, comment_id, thread, turn (the
    comment's place in its thread), poster, closeness, setting (public, private), weight, time; and any trait of a person
    as commenter_<trait> and poster_<trait>, of which age and gender are held to years and to woman, man, other. Names
    that hold within a thread alone are joined to it: `commenter="thread+role"`.

    `closeness` maps the values of that column to stranger, not_close, close. `where`, `keep`, `key` and `keep_ids` are as in
    `table`. What one post is: the same post_id; else the comment one turn earlier in the thread that says the same words;
    else the same words by the same poster in the same thread, as far as those are told. A poster that is not told is whoever
    made that earlier comment, or the other one in a thread of two, or a person of its own (counted).
    A comment's id is its comment_id, else its thread and turn, else a keyed digest of its row: the order of rows changes nothing.

    - people: person, every trait, and `minor` where ages are told: whether any of them is below 18.
    - posts: kind post or reply with its parent, thread; replies carry closeness, setting, weight, time and what is kept.
    - ties: commenter -> poster, kind relation, weight 1, closeness; none where rows of the two contradict each other.

    What cannot be let in is counted in `set_aside`. Raises InputError for what cannot be read, UsageError for a wrong map.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     said = Path(folder, "pairs.csv")
    ...     _ = said.write_text("p,c,who,to,sex,tie\\nI ran,well done,ada,bob,F,friend\\nI ran,wow,eve,bob,f,none\\n")
    ...     roles = {"post_text": "p", "comment_text": "c", "commenter": "who", "poster": "to", "commenter_gender": "sex"}
    ...     society = comment_pairs(
    ...         said, roles | {"closeness": "tie"}, closeness={"friend": "close"}, key=Path(folder, "key")
    ...     )
    >>> society.posts["kind"].to_list(), society.people["gender"].null_count(), society.ties["closeness"].to_list()
    (['post', 'reply', 'reply'], 1, ['close'])
    """
    keep = [c.strip() for c in keep.split(",") if c.strip()] if isinstance(keep, str) else list(keep)
    _check(columns, closeness, anonymous=anonymous)
    aside = Aside()
    with ExitStack() as open_:
        source = open_.enter_context(opened(path, aside))
        said = [*columns.items(), *(("keep", c) for c in keep), *(("where", c) for c in where or {})]
        wrong = named.faults(source, said)
        wrong += [
            f"keep column {c!r} has the name of a column that is made here: rename it" for c in keep if c in _MADE
        ]
        if not keep_ids and not wrong:
            wrong += _telling(source, columns, keep)
        if wrong:
            raise InputError("; ".join(wrong))
        wanted = [name for value in columns.values() for name in named.parts(value, source.columns)]
        raw = source.read([*wanted, *keep, *(where or {})]).with_row_index(_ROW, offset=1)
        raw = named.where(raw, where, source.name, aside) if where else raw
        if not raw.height:
            raise InputError(f"{source.name} has a header and no rows that can be read: there is nothing to load")
        secret = b"" if keep_ids else read_key(key)
        made = _mapped(raw, source, columns, keep=keep, closeness=closeness, aside=aside)
        pairs = settled(made, source.name, aside, keep=keep, key=secret)
        kept = [c for c in keep if c in pairs.columns]
    posts, people, ties = paired(pairs, source.name, aside, keep=kept)
    return _society(posts, people, ties, aside, anonymous=anonymous, keep_ids=keep_ids, key=secret, name=source.name)


def _check(columns: Mapping[str, str], closeness: Mapping[str, str] | None, *, anonymous: bool) -> None:
    for role in columns:
        if role not in ROLES and not (role.startswith(_SIDES) and role.split("_", 1)[1] not in {"", "person", "minor"}):
            raise unknown(
                "role of a column of pairs",
                role,
                (*ROLES, *(f"{side}{t}" for side in _SIDES for t in ("age", "gender"))),
            )
    due = [role for role in ("post_text", "comment_text", "commenter") if role not in columns]
    faults = [
        f"columns does not say which column is {role!r}" for role in due if not (role == "commenter" and anonymous)
    ]
    if "commenter" in due and not anonymous:
        faults[-1] += " (or say anonymous=True where the file has no authors)"
    if anonymous and {"commenter", "poster"} & set(columns):
        faults.append("anonymous=True says that there is no author, and columns names one: leave one of them out")
    if closeness is not None and "closeness" not in columns:
        faults.append("closeness maps the values of a column that columns does not name: give it the role closeness")
    if "turn" in columns and "thread" not in columns:
        faults.append("turn is a place in a thread, and columns names no thread")
    if faults:
        raise UsageError("; ".join(faults))


def _telling(source: Table, columns: Mapping[str, str], keep: Sequence[str]) -> list[str]:
    """Columns that would say beside the pseudonym whose it is: the name is the last part of commenter and poster."""
    names = {named.parts(columns[r], source.columns)[-1] for r in ("commenter", "poster") if r in columns}
    others = [(r, v) for r, v in columns.items() if r not in {"commenter", "poster", "post_text", "comment_text"}]
    return [
        f"{role}={value!r} holds the names that are hidden: choose other columns, or say keep_ids='reason'"
        for role, value in [*others, *(("keep", c) for c in keep)]
        if names & set(named.parts(value, source.columns))
    ]


def _mapped(
    raw: pl.DataFrame,
    source: Table,
    columns: Mapping[str, str],
    *,
    keep: Sequence[str],
    closeness: Mapping[str, str] | None,
    aside: Aside,
) -> pl.DataFrame:
    """The table under the names of the roles: ids, texts, years and classes as what they are."""
    made: dict[str, pl.Series] = {"row": raw[_ROW]}
    for role, value in columns.items():
        if role in {"post_text", "comment_text"}:
            made[role] = named.cleaned(named.texts(raw, value, source.columns)).str.strip_chars().replace("", None)
            continue
        if role == "time":
            written = raw.select(named.parts(value, source.columns))
            gone = written.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
            if written.width > 1:  # a date and a clock
                written = written.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True))
            made[role] = times(written.to_series())
            unread = int((gone & made[role].is_null()).sum())
            aside.add("time that cannot be read, left empty", unread, source.name, "write it as 2023-01-31T12:00:00Z")
            continue
        found = named.ids(raw, value, source.columns).alias(value)
        if role in {"commenter", "poster"}:
            made[role], made["own_scope" if role == "commenter" else "poster_scope"] = _person(raw, value, source)
        elif role.endswith("_age"):
            made[role], made[role.replace("_age", "_minor")] = ages(found, f"{source.name} ({role})", aside)
        elif role.endswith("_gender"):
            made[role] = genders(found, f"{source.name} ({role})", aside)
        elif role == "closeness":
            made[role] = classes(found, closeness, source.name, aside)
        elif role in {"turn", "weight"}:
            number = found.cast(pl.Float64, strict=False)
            number = number.set(~number.is_finite().fill_null(value=True), None)
            lost = int((found.is_not_null() & number.is_null()).sum())
            aside.add(f"{role} that is no number, left empty", lost, source.name, "write a number")
            made[role] = number.cast(pl.Int64, strict=False) if role == "turn" else number
        elif role == "setting":
            word = found.str.to_lowercase()
            made[role] = word.set(~word.is_in(["public", "private"]).fill_null(value=True), None)
            lost = int(found.count() - made[role].count())
            aside.add(
                "setting that is neither public nor private, left empty", lost, source.name, "write public or private"
            )
        else:
            made[role] = found if role in ROLES else named.typed(found)
    for name in keep:
        made[name] = named.typed(raw[name]) if source.kind != "parquet" else raw[name]
    return pl.DataFrame([column.alias(name) for name, column in made.items()])


def _person(raw: pl.DataFrame, value: str, source: Table) -> tuple[pl.Series, pl.Series]:
    """Whole ids of people, and the scope in which their names hold: all parts but the last."""
    *outer, last = named.parts(value, source.columns)
    name = named.ids(raw, last, source.columns)
    name = name.set(name.is_in(_DELETED).fill_null(value=False), None)
    if not outer:
        return name, pl.Series([""]).new_from_index(0, raw.height)
    parts = [named.ids(raw, part, source.columns) for part in outer]
    scope = pl.select(pl.concat_str([pl.lit(part) for part in parts], separator="/")).to_series()
    return named.scoped(scope, name), named.plain_scope(scope)


def _society(
    posts: pl.DataFrame,
    people: pl.DataFrame,
    ties: pl.DataFrame,
    aside: Aside,
    *,
    anonymous: bool,
    keep_ids: str,
    key: bytes,
    name: str,
) -> Society:
    """The frames, with names and texts as they may be seen."""
    text = named.neutral(posts["text"])
    if keep_ids:
        aside.add(f"ids, texts and addresses kept as they are: {keep_ids}", people.height, name, "leave keep_ids out")
    else:
        said = pseudonyms(people["person"], key)
        bare = pl.col("person").str.strip_prefix(pl.col("scope") + "/")
        who = (
            posts.select("person", "scope")
            .unique()
            .with_columns(name=pl.when(pl.col("scope") == "").then("person").otherwise(bare))
        )
        who = who.filter(~pl.col("person").str.starts_with("anonymous/"))
        names = known(who, {} if anonymous else said, key)
        text = hidden(masked(text), posts["scope"], names)
        old, new = list(said), list(said.values())
        posts = posts.with_columns(posts["person"].replace_strict(old, new))
        people = people.with_columns(people["person"].replace_strict(old, new))
        ties = ties.with_columns(pl.col("source", "target").replace_strict(old, new, return_dtype=pl.String))
    return Society(
        frames.people(people.sort("person")),
        frames.posts(posts.with_columns(text).drop("scope")),
        frames.ties(ties.sort("source", "target")),
        aside.frame(),
    )
