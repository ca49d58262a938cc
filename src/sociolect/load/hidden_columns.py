"""Ids and columns that ride along, without names: an id that holds one is keyed, a value that is one becomes its pseudonym."""

from collections.abc import Callable

import polars as pl

from sociolect.load import hidden_marks as marks
from sociolect.load.aside import Aside
from sociolect.load.hidden import hidden
from sociolect.load.pii import DEFAULT, pii
from sociolect.load.pseudonyms import Names, pseudonym

_SHARE = 0.5  # ours: of a column's values, so many are names where it is a column of names
_OWN = ("post", "person", "text", "thread", "parent", "time", "scope", "said_time")  # what is seen to elsewhere
_THINGS = ("kind", "topic", "community")  # a word in them names a thing, whoever is called so too
# An address that was asked for stays, without the names in it.
_RIDING = tuple(kind for kind in DEFAULT if kind != "url")


def nameless(
    posts: pl.DataFrame, scopes: pl.Series | None, names: Names, where: str, aside: Aside, *, every_id: bool = False
) -> pl.DataFrame:
    """The posts whose ids and further columns hold no name that is known; what was changed, and what had to stay, is counted."""
    posts, keyed = ids(posts, names, every=every_id)
    aside.add(
        "id that holds a name, replaced by a keyed one" if not every_id else "id replaced by a keyed one",
        keyed,
        where,
        "nothing",
    )
    for column in [c for c in posts.columns if c not in _OWN]:
        named = column not in _THINGS
        made, left = riders(posts[column], scopes, names, lambda texts: pii(texts, kinds=_RIDING).texts, people=named)
        aside.add(
            f"value of column {column!r} that is a word and also somebody's name, left as it is", left * named, where,
            "leave the column out of keep, or rename the value",
        )  # fmt: skip
        posts = posts.with_columns(made)
    return posts


def tell(counts: pl.DataFrame, where: str, aside: Aside) -> None:
    """Count what was masked in texts, kind by kind."""
    for kind, n in counts.iter_rows():
        aside.add(f"{kind} in a text, masked", n, where, "nothing")


def ids(posts: pl.DataFrame, names: Names, *, every: bool = False) -> tuple[pl.DataFrame, int]:
    """The posts with keyed ids in the place of those of post, thread and parent that hold a known name, and how many there were.

    An id that holds a name becomes `i` and 16 digits as a whole, in all three columns alike, so that threads survive. With
    `every` all ids do: an id that a platform gave leads back to who wrote it there.

    >>> who = Names(bytes(32), {"": {"ada": "p6uiraospl4isk3ad"}}, {}, False, set())
    >>> made, n = ids(pl.DataFrame({"post": ["ada-1", "7"], "thread": ["ada-1", "ada-1"], "parent": [None, "ada-1"]}), who)
    >>> made["post"].to_list(), made["parent"][1] == made["post"][0], n
    (['ir3rjgq35gvrncpqn', '7'], True, 1)
    """
    here = [c for c in ("post", "thread", "parent") if c in posts.columns]
    said = pl.concat([posts[c].alias("id") for c in here]).drop_nulls().unique()
    if not every:
        people = {n for n in names.every() if len(n) > 1 and not (n.isdigit() and len(n) < 6)}
        if not people:
            return posts, 0
        # an id of one piece holds a name only if it is one; the search within is for the others
        signs = said.filter(said.str.contains("[^0-9A-Za-z]"))
        near = signs.filter(signs.str.to_lowercase().str.contains_any(sorted(people))) if len(signs) else signs
        alike = said.filter(said.str.to_lowercase().is_in(list(people)) & ~said.str.contains(r"^\d+$"))
        held = near.filter(pl.Series([marks.embedded(people, one) for one in near.to_list()], dtype=pl.Boolean))
        said = pl.concat([held, alike]).unique()
    if said.is_empty():
        return posts, 0
    old = said.to_list()
    # no name begins with NUL, so ids and people never meet
    new = [f"i{pseudonym(chr(0) + one, names.key)[1:]}" for one in old]
    return posts.with_columns(pl.col(here).replace(old, new)), len(old)


def riders(
    column: pl.Series,
    scopes: pl.Series | None,
    names: Names,
    mask: Callable[[pl.Series], pl.Series],
    *,
    people: bool = True,
) -> tuple[pl.Series, int]:
    """A column that rides along without names, and how many of its values are words that are spelt like a name, and stay.

    A value that is a name becomes the bare pseudonym, so that it still says who; a text is treated as a post's text is, after
    `mask`. A value that could be a word is a name where at least half of the column's values are names; in a column of other words
    it stays, and is counted; so it does without `people`, where words name things. Lists and records are gone through value by value.
    """
    if column.dtype.is_integer():
        said = column.drop_nulls().cast(pl.String)
        long = said.filter(said.str.len_chars() >= 6)
        if not len(long) or not long.is_in(sorted(names.every())).mean() >= _SHARE:  # type: ignore[operator]  # a mean of booleans is a number
            return column, 0
        column = column.cast(pl.String)
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype.is_nested():
        flat = pl.Series(list(_strings(column.to_list())), dtype=pl.String).unique().sort()
        new, left = _values(flat, None, names, mask, people=people)
        told = dict(zip(flat.to_list(), new.to_list(), strict=True))
        return pl.Series(column.name, [_put(v, told) for v in column.to_list()], dtype=column.dtype), left
    if column.dtype != pl.String:
        return column, 0
    return _values(column, scopes, names, mask, people=people)


def _values(
    column: pl.Series,
    scopes: pl.Series | None,
    names: Names,
    mask: Callable[[pl.Series], pl.Series],
    *,
    people: bool = True,
) -> tuple[pl.Series, int]:
    rows = pl.DataFrame({"value": column, "scope": scopes if scopes is not None else ""})
    once = rows.unique(maintain_order=True).filter(pl.col("value").is_not_null())
    found = [_who(names, value, scope) for value, scope in once.iter_rows()]
    sure = people and sum(f is not None for f in found) >= _SHARE * max(1, len(found))
    plain = [not marks.odd(v.lower()) and not marks.curious(v.lower()) for v in once["value"].to_list()]
    left = 0 if sure else sum(f is not None and p for f, p in zip(found, plain, strict=True))
    whole = [f if sure or not p else None for f, p in zip(found, plain, strict=True)]
    text = hidden(mask(once["value"]), once["scope"] if scopes is not None else None, names)
    once = once.with_columns(new=pl.coalesce(pl.Series(whole, dtype=pl.String), text))
    made = rows.join(once, on=["value", "scope"], how="left", maintain_order="left")
    return made["new"].alias(column.name), left


def _who(names: Names, value: str, scope: str) -> str | None:
    bare = value.strip().removeprefix("@").removeprefix("/").removeprefix("u/")
    if bare.isdigit() and len(bare) < 6:
        return None
    return names.find(scope, value.strip()) or names.find(scope, bare)


def _strings(value: object) -> "list[str]":
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [one for part in inner for one in _strings(part)]


def _put(value: object, told: dict[str, str]) -> object:
    if isinstance(value, str):
        return told[value]
    if isinstance(value, dict):
        return {k: _put(v, told) for k, v in value.items()}
    return [_put(v, told) for v in value] if isinstance(value, list | tuple) else value
