"""The pairs of the study: planted ones, a table of pairs, DialogRE's dialogues, or comments whose posts are not at hand."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from sociolect import frames, text
from sociolect.elicit.comments import comments
from sociolect.elicit.human import human
from sociolect.errors import InputError, RefusedError, UsageError, unknown
from sociolect.find.closeness import closeness
from sociolect.frames import Replies, Society
from sociolect.load.comment_pairs import comment_pairs
from sociolect.load.dialogre import dialogre
from sociolect.load.planted_pairs import planted_pairs
from sociolect.load.table import table
from sociolect.systems.studies.relationship_alignment.elicit import EVERYONE
from sociolect.systems.studies.relationship_alignment.network import riders, within
from sociolect.workspace import Workspace

POSTS = ("post", "person", "text", "thread", "time", "kind", "topic", "parent", "scope")
_TABLE = ("columns", "where", "keep", "anonymous", "keep-ids")
READ = {"pairs": (*_TABLE, "closeness"), "posts": _TABLE}  # what else each source reads
FEW = 10  # people of a class: nothing is said about fewer
RIDERS = ("commenter_gender", "poster_gender", "commenter_age", "poster_age", "closeness")


def society_of(
    workspace: Workspace,
    *,
    pairs: Path | None,
    dialogues: Path | None,
    posts: Path | None,
    columns: Mapping[str, str],
    closeness_of: Mapping[str, str],
    where: Mapping[str, str],
    keep: tuple[str, ...],
    anonymous: bool,
    keep_ids: str,
    planted: Mapping[str, object],
) -> Society:
    """The society of the one source that was named, or a planted one.

    Raises UsageError where two were, and for keywords and roles of columns that the source does not read.
    """
    named = [
        name for name, given in (("pairs", pairs), ("dialogues", dialogues), ("posts", posts)) if given is not None
    ]
    if len(named) > 1:
        raise UsageError(f"--{' and --'.join(named)} each name the data: leave all but one out")
    source = named[0] if named else "planted pairs"
    said = {
        "columns": columns, "closeness": closeness_of, "where": where, "keep": keep, "anonymous": anonymous, "keep-ids": keep_ids,
    }  # fmt: skip
    if idle := [f"--{name}" for name, value in said.items() if value and name not in READ.get(source, ())]:
        raise UsageError(f"{', '.join(idle)}: nothing that {(named and '--' + source) or source} reads; leave it out")
    if posts is not None and (odd := [role for role in columns if role not in POSTS]):
        raise unknown("role of a column of posts", odd[0], POSTS)
    if pairs is not None:
        rows = {
            "closeness": dict(closeness_of) or None,
            "where": dict(where),
            "keep": keep,
            "anonymous": anonymous,
            "keep_ids": keep_ids,
        }
        return workspace.society("load", comment_pairs, pairs, dict(columns), **rows)
    if dialogues is not None:
        files = sorted(dialogues.glob("*.json*")) if dialogues.is_dir() else [dialogues]
        if not files:
            raise InputError(
                f"{dialogues.name} holds no .json or .json.gz: name the folder of the dialogues, or a file"
            )
        return workspace.society("load", dialogre, files)
    if posts is not None:
        rows = {"where": dict(where), "keep": keep, "anonymous": anonymous, "keep_ids": keep_ids}
        return workspace.society("load", table, posts, **columns, **rows)
    return workspace.society("load", planted_pairs, **planted)


def people_of(
    society: Society, *, ties: bool, alone: bool, tied: Society | None = None
) -> tuple[Replies, pl.DataFrame]:
    """People's comments as replies, and what became of each.

    `ties`: closeness is read off who turned to whom before, not declared; `tied`: off the ties of that network. What went
    between the two then rides along (`network.riders`). `alone`: the posts that were commented on are not in the data; a thread is then the post, nothing
    is known of its poster, and no model can be asked.
    """
    if alone:
        if ties:
            raise UsageError("--ties reads closeness off who turned to whom, and --posts tells no poster: leave it out")
        return _compared(*_alone(society))
    known = closeness(society, rule="exchanges") if ties else None
    if tied is not None:
        known = closeness(within(society, tied), rule="ties")
    made, counts = comments(society, closeness=known)
    if known is not None:
        riding = riders(known, tied)
        if taken := sorted(set(riding.columns) & set(made.columns) - {"item"}):
            raise InputError(
                f"columns {', '.join(map(repr, taken))} of the pairs have names that are made here: rename them"
            )
        made = frames.replies(made.join(riding, on="item", how="left", maintain_order="left"))
    times = society.posts.select(post="post", post_time="time") if "time" in society.posts.columns else None
    if times is not None:
        made = frames.replies(made.join(times, on="post", how="left", maintain_order="left"))
    long = pl.col("post_text").str.to_lowercase().str.extract_all(text.WORD).list.len().cast(pl.Float64)
    return _compared(frames.replies(made.with_columns(post_length=long)), counts)


def _compared(made: Replies, counts: pl.DataFrame) -> tuple[Replies, pl.DataFrame]:
    """The same, refused where there is nothing to compare: the study holds posts, or threads, against each other."""
    groups = max(made[c].n_unique() for c in ("post", "thread"))
    if groups < 2:
        raise RefusedError(
            f"all {made.height} comments are on one post: posts, or threads, are compared; give two or more"
        )
    return made, counts


def _alone(society: Society) -> tuple[Replies, pl.DataFrame]:
    """Comments without their posts: the thread is the post; what a comment is about (its topic) rides along as `about`."""
    posts = society.posts
    blank = posts["text"].str.strip_chars() == ""
    key = text.key(pl.col("text"))
    # where no letter is, there is no key: then the signs themselves must agree
    same = pl.struct("person", "thread", key=pl.when(key != "").then(key).otherwise("text"))
    said_again = ~posts.select(same.is_first_distinct()).to_series()
    left = {
        "comment without words": blank,
        "comment that says again what its author said on its post": said_again & ~blank,
    }
    kept = posts.filter(~(blank | said_again))
    if not kept.height:
        raise RefusedError(
            f"no comment is left: {'; '.join(f'{int(hit.sum())} x {why}' for why, hit in left.items() if hit.any()) or 'there is none'}"
        )
    made, few = _about(kept)
    members = frames.members(society.people.select("person", community=pl.lit(EVERYONE)))
    said = human(frames.posts(made), members, condition="observed")
    none = {c: pl.lit(None, pl.Float64 if c.endswith("_age") else pl.String) for c in (*RIDERS, "poster", "post_text")}
    out = said.with_columns(
        item=pl.col("post"), post=pl.col("thread"), commenter=pl.col("speaker"), draw=pl.lit(0, pl.Int64),
        length=pl.col("text").str.count_matches(text.WORD).cast(pl.Int64), **none,
    )  # fmt: skip
    tally = [
        ("found", "comments", posts.height), *(("left out", why, int(hit.sum())) for why, hit in left.items()),
        ("kept", "comments", out.height), ("emptied", f"about of fewer than {FEW} people", few),
        *(("unknown", c, out[c].null_count()) for c in RIDERS),
    ]  # fmt: skip
    rows = [row for row in tally if row[2] or row[0] in {"found", "kept"}]
    schema = {"outcome": pl.String, "reason": pl.String, "count": pl.Int64}
    return frames.replies(out), pl.DataFrame(rows, schema=schema, orient="row")


def _about(posts: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The posts with their topic as `about`: one that only joins others' names is `several`, one of few people is emptied (counted)."""
    if "topic" not in posts.columns:
        return posts, 0
    parts = pl.col("about").str.split(" ")
    made = posts.rename({"topic": "about"})
    single = made.filter(parts.list.len() == 1)["about"].unique()
    joins = (parts.list.len() > 1) & parts.list.eval(pl.element().is_in(single.implode())).list.all()
    made = made.with_columns(about=pl.when(joins).then(pl.lit("several")).otherwise("about"))
    few = made.drop_nulls("about").group_by("about").agg(n=pl.col("person").n_unique()).filter(pl.col("n") < FEW)
    hit = made["about"].is_in(few["about"].implode()).fill_null(value=False)
    return made.with_columns(made["about"].set(hit, None)), int(hit.sum())
