"""Which elements each account has: whatever makes a set per account makes accounts alike."""

from collections.abc import Sequence

import polars as pl

from sociolect.errors import RefusedError, UsageError, unknown
from sociolect.find.graph import chosen
from sociolect.frames import Society

NAMED = ("neighbours", "followers", "followed", "hashtags", "threads")


def sets(society: Society, *, of: str = "neighbours", kinds: str | Sequence[str] | None = None) -> pl.DataFrame:
    """The pairs of account and element, both String, sorted, each once.

    - `neighbours`: whom an account is tied with, in either direction; `kinds` takes only these ties.
    - `followers`: the sources of the ties that point to an account; `followed`: the targets of those it sends.
    - `hashtags`: `#word` in the texts of its posts, reposts too, in lower case without the sign, NFKC. A word has
      letters, marks, digits or _, and a letter among them; no letter stands before the sign; addresses are no tags.
    - `threads`: the conversations it wrote in.
    - a column of posts, of people, or of both: the values its rows have there; a list gives each of its values. Only
      values that are named exactly alike are the same: no floats, no times.
    Self ties are no pairs; null is no element. Accounts without an element are in no row: their number is
    `society.people.height - sets(society)["account"].n_unique()`.
    Raises UsageError for a name nobody knows, a column without names, or kinds where no ties are asked; RefusedError
    where no pair is left.

    >>> from sociolect import frames
    >>> t = pl.DataFrame({"source": ["a", "b"], "target": ["b", "c"], "kind": "follow", "weight": 1.0})
    >>> society = Society(frames.empty("people"), frames.empty("posts"), frames.ties(t))
    >>> sets(society, of="followers").rows(), sets(society).height
    ([('b', 'a'), ('c', 'b')], 4)
    """
    if kinds is not None and of not in NAMED[:3]:
        raise UsageError(f"kinds={kinds!r} chooses ties, and of={of!r} asks for none: leave kinds out")
    if of in NAMED[:3]:
        found = _tied(society, of, kinds)
    elif of == "hashtags":
        found = _hashtags(society.posts)
    elif of == "threads":
        found = society.posts.select(account="person", element="thread")
    else:
        found = _column(society, of)
    found = found.drop_nulls().unique().sort("account", "element")
    if found.is_empty():
        raise RefusedError(_nothing(society, of))
    return found


def _tied(society: Society, of: str, kinds: str | Sequence[str] | None) -> pl.DataFrame:
    ties = chosen(society.ties, kinds).filter(pl.col("source") != pl.col("target"))
    sent = ties.select(account="source", element="target")
    got = ties.select(account="target", element="source")
    return {"followed": sent, "followers": got, "neighbours": pl.concat([sent, got])}[of]


def _hashtags(posts: pl.DataFrame) -> pl.DataFrame:
    # an address may end in #part, and &#x27; is an apostrophe
    text = pl.col("text").str.normalize("NFKC").str.replace_all(r"https?://\S+|&#x?[0-9A-Fa-f]+;", " ")
    return (
        posts.filter(pl.col("text").str.contains("[#＃]"))
        .select(account="person", element=text.str.extract_all(r"\B#[\p{L}\p{M}\p{N}_]+"))
        .explode("element")
        .with_columns(pl.col("element").str.strip_prefix("#").str.to_lowercase())
        .filter(pl.col("element").str.contains(r"\p{L}"))
    )


def _column(society: Society, of: str) -> pl.DataFrame:
    tables = {"posts": society.posts, "people": society.people}
    own = {"person", "post", "text", "parent"}
    if of in own or not any(of in table.columns for table in tables.values()):
        known = {c for table in tables.values() for c in table.columns} - own
        raise unknown("sets of", of, {*NAMED, *known})
    parts = []
    for name, table in tables.items():
        if of not in table.columns:
            continue
        dtype = table.schema[of]
        inner = dtype.inner if isinstance(dtype, pl.List | pl.Array) else dtype
        if not (inner.is_integer() or inner in (pl.String, pl.Boolean, pl.Categorical, pl.Enum)):
            raise UsageError(f"column {of!r} of {name} is {dtype}, which names no elements: cut it into named classes")
        pairs = table.select(account="person", element=of)
        if inner is not dtype:
            pairs = pairs.explode("element")
        parts.append(pairs.with_columns(pl.col("element").cast(pl.String)))
    return pl.concat(parts)


def _nothing(society: Society, of: str) -> str:
    if of in NAMED[:3]:
        return (
            f"nobody has {of}: {society.ties.height} ties, none between two people; build some with "
            "link(society, kinds=...), or take the sets of hashtags, threads or a column"
        )
    return f"nobody has an element among {of!r}: {society.posts.height} posts, {society.people.height} people"
