"""The pairs of the study: planted ones, a table of pairs, DialogRE's dialogues, or comments whose posts are not at hand."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from sociolect import frames, text
from sociolect.elicit.comments import comments
from sociolect.elicit.human import human
from sociolect.errors import InputError, UsageError
from sociolect.find.closeness import closeness
from sociolect.frames import Replies, Society
from sociolect.load.comment_pairs import comment_pairs
from sociolect.load.dialogre import dialogre
from sociolect.load.planted_pairs import planted_pairs
from sociolect.load.table import table
from sociolect.systems.studies.relationship_alignment.elicit import EVERYONE
from sociolect.workspace import Workspace

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
    """The society of the one source that was named, or a planted one; UsageError where two were."""
    named = [
        name for name, given in (("pairs", pairs), ("dialogues", dialogues), ("posts", posts)) if given is not None
    ]
    if len(named) > 1:
        raise UsageError(f"--{' and --'.join(named)} each name the data: leave all but one out")
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


def people_of(society: Society, *, ties: bool, alone: bool) -> tuple[Replies, pl.DataFrame]:
    """People's comments as replies, and what became of each.

    `ties`: closeness is read off who turned to whom before, not declared. `alone`: the posts that were commented on are not
    in the data; a thread is then the post, nothing is known of its poster, and no model can be asked.
    """
    if alone:
        return _alone(society)
    known = closeness(society, rule="exchanges") if ties else None
    made, counts = comments(society, closeness=known)
    times = society.posts.select(post="post", post_time="time") if "time" in society.posts.columns else None
    if times is not None:
        made = frames.replies(made.join(times, on="post", how="left", maintain_order="left"))
    long = pl.col("post_text").str.to_lowercase().str.extract_all(text.WORD).list.len().cast(pl.Float64)
    return frames.replies(made.with_columns(post_length=long)), counts


def _alone(society: Society) -> tuple[Replies, pl.DataFrame]:
    members = frames.members(society.people.select("person", community=pl.lit(EVERYONE)))
    said = human(society.posts, members, condition="observed")
    length = pl.col("text").str.to_lowercase().str.extract_all(text.WORD).list.len().cast(pl.Int64)
    none = {c: pl.lit(None, pl.Float64 if c.endswith("_age") else pl.String) for c in (*RIDERS, "poster", "post_text")}
    made = said.with_columns(
        item=pl.col("post"), post=pl.col("thread"), commenter=pl.col("speaker"), length=length, **none
    )
    counts = pl.DataFrame(
        [("found", "comments", society.posts.height), ("kept", "comments", made.height)],
        schema={"outcome": pl.String, "reason": pl.String, "count": pl.Int64},
        orient="row",
    )
    return frames.replies(made.with_columns(draw=pl.lit(0, pl.Int64))), counts
