"""Rows become posts: no two alike, each by someone, saying something, in a conversation, answering a post that is here."""

import polars as pl

from sociolect.errors import InputError
from sociolect.load import columns
from sociolect.load.aside import Aside
from sociolect.load.links import linked
from sociolect.load.threads import threads

GONE = "said_time"
_DELETED = ["[deleted]", "[removed]"]  # how Reddit writes that there is no author, or no text, any more


def settled(
    said: pl.DataFrame, name: str, aside: Aside, links: tuple[pl.Series, pl.Series] | None = None, link_name: str = ""
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """The posts that can be let in, in the order of the file (`row` is where each stood), and the ties that links between posts show.

    Each row that is left out, and each value that is emptied, is counted. Raises InputError where no post is left.
    """
    said = _dropped(
        said,
        pl.col("post").is_null(),
        name,
        aside,
        reason="post without an id",
        mend="fill in the id, or leave post= out",
    )
    said = _once(said, name, aside)
    if "scope" in said.columns:
        said = _dropped(
            said, pl.col("scope").is_null(), name, aside, reason="post without a scope", mend="fill in the scope column"
        )
        said = said.with_columns(person=columns.scoped(said["scope"], said["person"]))
    said = said.with_columns(person=pl.when(~_bare("person").is_in(_DELETED)).then("person"))
    ties: list[pl.DataFrame] = []
    if "parent" not in said.columns:
        said = said.with_columns(parent=pl.lit(None, pl.String))
    said = said.with_columns(columns.same_spelling(said["parent"], said["post"], aside, name).alias("parent"))
    if links is not None:
        parents, tied = linked(links[0], links[1], said.select("post", "person"), link_name, aside)
        ties.append(tied)
        said = said.join(parents.rename({"parent": "linked"}), on="post", how="left", maintain_order="left")
        said = said.with_columns(parent=pl.coalesce("linked", "parent")).drop("linked")
    said = _threaded(said, name, aside)
    said = _kinds(said)
    nobody, silent = pl.col("person").is_null(), pl.col("text").is_null() | (pl.col("text").str.strip_chars() == "")
    said = _dropped(
        said,
        nobody,
        name,
        aside,
        reason="post without an author",
        mend="fill in the author, or say anonymous=True where there are none",
    )
    said = _nul(said, name, aside)
    said = _dropped(
        said,
        silent | pl.col("text").is_in(_DELETED),
        name,
        aside,
        reason="post without text",
        mend="nothing, or name its other text column too",
    )
    if not said.height:
        raise InputError(
            f"no post of {name} can be let in: " + "; ".join(f"{n} x {why}" for why, (n, _, _) in aside.rows.items())
        )
    said = _orphans(said, name, aside)
    if GONE in said.columns:
        unread = said.filter(pl.col(GONE) & pl.col("time").is_null())
        _count(
            unread,
            "time that cannot be read, left empty",
            "write it as 2023-01-31T12:00:00Z or in epoch seconds",
            name,
            aside,
        )
    return said.drop("row"), ties


def _bare(column: str) -> pl.Expr:
    return pl.col(column).str.replace(r"^.*/", "")


def _place(rows: pl.DataFrame, name: str) -> str:
    return f"{name}, row {rows['row'][0]}"


def _count(rows: pl.DataFrame, reason: str, mend: str, name: str, aside: Aside) -> None:
    if rows.height:
        aside.add(reason, rows.height, _place(rows, name), mend)


def _dropped(said: pl.DataFrame, bad: pl.Expr, name: str, aside: Aside, *, reason: str, mend: str) -> pl.DataFrame:
    rows = said.filter(bad)
    if not rows.height:
        return said
    _count(rows, reason, mend, name, aside)
    return said.filter(~bad)


def _once(said: pl.DataFrame, name: str, aside: Aside) -> pl.DataFrame:
    """The first row of each id; a row that only repeats it is counted apart from one that says something else."""
    if said["post"].n_unique() == said.height:
        return said
    first = said.filter(pl.col("post").is_first_distinct())
    more = said.filter(~pl.col("post").is_first_distinct())
    rest = [c for c in said.columns if c != "row" and not said.schema[c].is_nested()]
    same = more.join(first, on=rest, how="semi", nulls_equal=True)
    other = more.join(same, on="row", how="anti")
    _count(same, "row that repeats a post word for word", "nothing: the first was kept", name, aside)
    _count(
        other,
        "row with another post's id and other content",
        "give each post an id of its own; the first was kept",
        name,
        aside,
    )
    return first


def _threaded(said: pl.DataFrame, name: str, aside: Aside) -> pl.DataFrame:
    if said["parent"].null_count() == said.height:
        own, cut = said["post"], None
    else:
        own, cut = threads(said.select("post", "parent"))
    if cut is not None and cut.any():
        rows = said.filter(cut)
        _count(rows, "cycle of replies, cut at one post", "mend the parent of that post", name, aside)
        said = said.with_columns(parent=pl.when(~pl.lit(cut)).then("parent"))
    if "thread" in said.columns:
        return said.with_columns(thread=pl.coalesce("thread", pl.lit(own)))
    return said.with_columns(own.alias("thread"))


def _kinds(said: pl.DataFrame) -> pl.DataFrame:
    shown = pl.when(pl.col("parent").is_null()).then(pl.lit("post")).otherwise(pl.lit("reply"))
    return said.with_columns(kind=pl.coalesce("kind", shown) if "kind" in said.columns else shown)


def _nul(said: pl.DataFrame, name: str, aside: Aside) -> pl.DataFrame:
    rows = said.filter(pl.col("text").str.contains("\x00", literal=True))
    _count(rows, "NUL character taken out of a text", "nothing, or export the file again", name, aside)
    return said.with_columns(pl.col("text").str.replace_all("\x00", "", literal=True)) if rows.height else said


def _orphans(said: pl.DataFrame, name: str, aside: Aside) -> pl.DataFrame:
    """Parents that are not here are emptied; that a post was a reply stays in its kind."""
    lost = pl.col("parent").is_not_null() & ~pl.col("parent").is_in(said["post"].implode())
    rows = said.filter(lost)
    if not rows.height:
        return said
    hint = columns.shape_hint(rows["parent"][0], said["post"][0])
    mend = "load the table that holds them, or nothing: the reply is kept without its parent"
    _count(rows, "reply to a post that is not here", f"{hint}: write both alike" if hint else mend, name, aside)
    return said.with_columns(parent=pl.when(~lost).then("parent"))
