"""Which column of a table may be which: proposed from names and contents, never applied."""

import re
from pathlib import Path

import polars as pl

from sociolect.load.aside import Aside
from sociolect.load.read import Table, opened
from sociolect.load.times import times

_ROWS = 5000
_NAMES = {
    "post": r"(post|tweet|status|comment|message|msg|submission|utterance)?[_ ]?(id|key|uid|uuid)(_str)?|id|post|name",
    "person": r"(author|user|person|speaker|nick|sender|poster|account|screen|member|participant|worker|who|from|by)([_ ]?(id|name|nick|handle|key))?(_str)?",
    "text": r"(self|full|raw|clean)?[_ ]?(text|body|content|message|comment|post|tweet|utterance|caption|title|sentence|msg)([_ ]?text)?",
    "thread": r"(thread|conversation|conv|dialog|dialogue|discussion|link|topic|submission|root)[_ ]?(id|key)?",
    "parent": r"(parent|in[_ ]?reply[_ ]?to|reply[_ ]?to|replied[_ ]?to|retweeted|quoted)([_ ]?(status|post|comment|message|tweet))?([_ ]?(id|line|key))?(_str)?|to",
    "time": r"(created|posted|sent|published|edited)?[_ ]?(time|date|at|utc|ts|datetime)([_ ]?(stamp|utc|at))?|timestamp|created",
    "kind": r"(post|message|msg|tweet)?[_ ]?(kind|type)",
    "topic": r"(topic|subject|theme|hashtag|target)([_ ]?name)?",
    "community": r"(community|subreddit|channel|group|team|party|forum|board|server|guild|room|stance|camp)([_ ]?(id|name))?",
}
_COLUMNS = ("role", "column", "why", "share")


def guess(path: str | Path) -> pl.DataFrame:
    """What each column may be: role, column, why, share (how many of the first 5,000 rows bear it out), the best first.

    Proposals only: nothing loads by them until they are said. Raises InputError where the table cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     said = Path(folder, "t.csv")
    ...     _ = said.write_text("tweet_id,user,body\\n17,ada,hello there everyone\\n18,bob,good morning all\\n")
    ...     guess(said).select("role", "column").rows()
    [('post', 'tweet_id'), ('person', 'user'), ('text', 'body')]
    """
    with opened(path, Aside()) as source:
        return proposals(source)


def proposals(source: Table) -> pl.DataFrame:
    """The same, of a table that is open."""
    columns = list(dict.fromkeys(source.columns))
    head = source.read(columns, rows=_ROWS)
    said = {c: _text(head[c]) for c in columns}
    rows = []
    posts: pl.Series | None = None
    for role in _NAMES:
        found = []
        for name in columns:
            named = called(role, name)
            if said[name].null_count() == len(said[name]):
                continue
            fits, why = _fits(role, head[name], said[name], posts)
            if fits and (named or role in {"text", "time", "parent"}) and (named or fits >= 0.9):
                found.append(
                    (1.5 * named + fits, role, name, f"{'its name, and ' if named else ''}{why}", round(fits, 3))
                )
        found.sort(key=lambda f: (-f[0], columns.index(f[2])))
        if role == "post" and found:
            posts = said[found[0][2]]
        rows += [f[1:] for f in found[:3]]
    return pl.DataFrame(
        rows, schema=dict(zip(_COLUMNS, (pl.String, pl.String, pl.String, pl.Float64), strict=True)), orient="row"
    )


def called(role: str, name: str) -> bool:
    """Whether a column's name is one that a role goes by.

    >>> called("parent", "in_reply_to"), called("parent", "author")
    (True, False)
    """
    return re.fullmatch(_NAMES[role], name.lower()) is not None


def _text(column: pl.Series) -> pl.Series:
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        return pl.Series(column.name, [None] * len(column), dtype=pl.String)
    return column.cast(pl.String)


def _fits(role: str, raw: pl.Series, said: pl.Series, posts: pl.Series | None) -> tuple[float, str]:
    """The share of the values that bear the role out, and what they show."""
    there = said.drop_nulls()
    distinct = there.n_unique() / len(there)
    worded = float(there.str.contains(r"\S\s+\S+\s+\S").mean() or 0)  # type: ignore[arg-type]  # the mean of truth values is a number
    if role == "post":
        return (
            (distinct * len(there) / len(said), f"{distinct:.0%} of its values are distinct")
            if distinct > 0.9 and worded < 0.1
            else (0, "")
        )
    if role == "text":
        return (worded, f"{worded:.0%} of its values are three words or more") if worded > 0.1 else (0, "")
    if role == "time":
        read = times(raw).count() / len(there)
        return (read, f"{read:.0%} of its values read as times") if read > 0.5 else (0, "")
    if role == "parent":
        if posts is None or said.name == posts.name:
            return 0, ""
        here = float(there.is_in(posts.implode()).mean() or 0)  # type: ignore[arg-type]  # as above
        return (here, f"{here:.0%} of its values are ids of posts") if here > 0.05 else (0, "")
    if worded > 0.5 or (distinct > 0.9 and role in {"kind", "topic", "community"} and len(there) > 20):
        return 0, ""
    return 1 - worded, f"{there.n_unique()} distinct values in {len(there)} rows"
