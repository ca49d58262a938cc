"""What gives one person away in a table: their pseudonym, their name, the ids of their posts, and runs of their words."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import polars as pl

from sociolect import text

RUN = 6  # ours: words in a row that are taken for somebody's own
SHORT = 3  # ours: a post of fewer words than a run is known by all its words, from this many on
PSEUDONYM = re.compile(r"p[a-z2-7]{16}")  # as `load.pseudonyms` makes them
SAID = ("text", "reply")
POST_COLUMNS = ("post", "parent", "thread", "item", "link", "example")
_BY = ("person", "speaker", "author", "account")


class Traces(NamedTuple):
    """The traces of one person, or of several: whatever holds one of them is about them, or copies them."""

    ids: frozenset[str]
    names: frozenset[str] = frozenset()  # as words, lower-cased
    posts: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()  # all the words of a post too short to hold a run


def traces(tables: Iterable[pl.DataFrame], ids: Iterable[str], names: Iterable[str] = (), *, run: int = RUN) -> Traces:
    """The traces that the people of these ids left in the tables: rows whose person, speaker, author or account they are.

    `run` is how many words in a row count as a copy. Names are looked for as whole words, whatever their case.

    >>> said = pl.DataFrame({"person": ["ada", "bob"], "post": ["1", "2"], "text": ["One two, three!", "four"]})
    >>> found = traces([said], ["ada"])
    >>> sorted(found.posts), sorted(found.whole), len(found.runs)
    (['1'], ['one two three'], 0)
    """
    whose = frozenset(ids)
    posts, runs, whole = set[str](), set[str](), set[str]()
    for table in tables:
        by = [c for c in _BY if table.schema.get(c) == pl.String]
        if not by:
            continue
        own = table.filter(pl.any_horizontal(pl.col(c).is_in(whose) for c in by))
        if own.schema.get("post") == pl.String:
            posts |= set(own["post"].drop_nulls())
        for column in (c for c in SAID if own.schema.get(c) == pl.String):
            for said in own.select(text.key(pl.col(column)))[column].drop_nulls().unique():
                words = said.split()
                runs |= {" ".join(words[i : i + run]) for i in range(len(words) - run + 1)}
                if SHORT <= len(words) < run:
                    whole.add(said)
    # A pseudonym is found wherever it stands; an id that is a name, only where it is a whole word.
    plain = {i for i in whose if not PSEUDONYM.fullmatch(i)}
    spelt = {" ".join(text.words(name)) for name in (*names, *plain)} - {""}
    return Traces(whose, frozenset(spelt), frozenset(posts), frozenset(runs), frozenset(whole))


def marks(frame: pl.DataFrame, known: Traces) -> pl.Series:
    """Whether each row holds a trace: true or false, one for each row.

    >>> said = pl.DataFrame({"text": ["so ONE two, three", "One two: three", "hi @p6uiraospl4isk3ad!"]})
    >>> marks(said, Traces(frozenset(["p6uiraospl4isk3ad"]), whole=frozenset(["one two three"]))).to_list()
    [False, True, True]
    """
    hits = [hit for column in frame.columns for hit in _hits(column, frame.schema[column], known)]
    if not hits or frame.is_empty():
        return pl.Series("mark", [False] * frame.height, dtype=pl.Boolean)
    return frame.select(mark=pl.any_horizontal(hits).fill_null(value=False))["mark"]


def unmarked(frame: pl.DataFrame, known: Traces) -> pl.DataFrame:
    """The rows that hold no trace."""
    return frame.filter(~marks(frame, known))


def adrift(posts: pl.DataFrame, known: Traces, names: Mapping[str, str]) -> pl.DataFrame:
    """The posts of the others without a word of whose post they answer: no parent there, and the thread under another name.

    `names` gives the other name of a thread that was called after one of those posts.
    """
    parent = pl.when(pl.col("parent").is_in(known.posts)).then(None).otherwise(pl.col("parent"))
    return posts.with_columns(parent=parent, thread=pl.col("thread").replace(names))


def _hits(column: str, dtype: pl.DataType, known: Traces) -> list[pl.Expr]:
    cells = pl.col(column)
    if isinstance(dtype, pl.List | pl.Array) and dtype.inner == pl.String:
        cells = (cells.arr.to_list() if isinstance(dtype, pl.Array) else cells).list.join(" ", ignore_nulls=True)
    elif isinstance(dtype, pl.Struct):
        cells = cells.struct.json_encode()
    elif isinstance(dtype, pl.Categorical | pl.Enum):
        cells = cells.cast(pl.String)
    elif dtype != pl.String:
        return []
    out = [cells.is_in(known.ids)] if known.ids else []
    if hidden := sorted(i for i in known.ids if PSEUDONYM.fullmatch(i)):
        out.append(cells.str.contains_any(hidden))
    if known.posts and column in POST_COLUMNS:
        out.append(cells.is_in(known.posts))
    words = text.key(cells)
    if within := sorted(known.names | known.runs):
        out.append(pl.concat_str(pl.lit(" "), words, pl.lit(" ")).str.contains_any([f" {w} " for w in within]))
    if known.whole:
        out.append(words.is_in(known.whole))
    return out
