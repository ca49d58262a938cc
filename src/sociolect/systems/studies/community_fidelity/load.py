"""From a society to clean posts with a side each: train, judge or reference. The split is drawn before anything is learnt."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames, text
from sociolect.errors import RefusedError, UsageError, unknown
from sociolect.find.words import by_members
from sociolect.frames import Members, Posts, Society
from sociolect.load.planted import planted
from sociolect.load.table import table
from sociolect.measure.duplicates import leaks
from sociolect.seeds import substream
from sociolect.systems.studies.community_fidelity.sizes import ROLES
from sociolect.workspace import Workspace

SIDES = {"train": 0.5, "judge": 0.25, "reference": 0.25}  # ours: the paper splits posts 95/5 and never authors
SPLITS = {
    "author": "by author, before communities are found: half train, a quarter judge, a quarter reference",
    "time": "by time: the earliest half is train; the people of the later half are drawn to judge or reference",
}
MASK = r"<(?:url|email|phone)>|(?:https?://|www\.)\S+"
# A joiner or a sign of presentation goes with its emoji; elsewhere a joiner belongs to the spelling of a word.
EMOJI = r"(?:[\p{Emoji_Presentation}\p{Extended_Pictographic}]|[0-9#*]\x{FE0F}?\x{20E3})[\x{FE0F}\x{200D}\x{20E3}\p{Emoji_Modifier}]*"


def loaded(
    workspace: Workspace,
    posts: Path | None,
    *,
    columns: Mapping[str, str],
    rows: Mapping[str, Any],
    plant: Mapping[str, Any],
) -> Society:
    """The society of a table, or a planted one; raises UsageError for keywords of the one that are said of the other."""
    if posts is None:
        if columns or any(rows[k] for k in ("where", "links", "ties")):
            raise UsageError("--columns, --where, --links and --ties describe a table: name it with --posts")
        return workspace.society("society", planted, **plant)
    if plant["null"] or plant["drift"] or plant["variety"]:
        raise UsageError("--null, --drift and --variety are about a planted society: they do not go with --posts")
    if strange := sorted(set(columns) - set(ROLES)):
        raise unknown("role of a column", strange[0], ROLES)
    return workspace.society("society", table, posts, **columns, **rows)


def sides(society: Society, *, by: str = "author", seed: int = 0) -> pl.DataFrame:
    """Every post's side (columns post, person, side): half of it train, a quarter judge, a quarter reference.

    `author`: all posts of a person fall on one side. `time`: the earliest half of the posts is train, and the people of the
    later half are drawn to judge or reference, so that the classifier and the human ceiling share no author either way.
    Raises RefusedError where there is no author (every post its own person) and no time: nothing then keeps the sides apart.
    """
    if by not in SPLITS:
        raise unknown("split", by, SPLITS)
    said = society.posts.select("post", "person", *(["time"] if "time" in society.posts.columns else []))
    nobody = "anonymous" in society.people.columns and bool(society.people["anonymous"].all())
    if by == "author" and nobody:
        raise RefusedError(
            "these posts have no authors, so they cannot be split by author: say --split time (and map the column 'time')"
        )
    if by == "time" and ("time" not in said.columns or said["time"].null_count() == said.height):
        raise RefusedError(
            "these posts have no time, so they cannot be split by time: map the column 'time', or say --split author"
        )
    names = said["person"].unique().sort()
    drawn = pl.DataFrame({"person": names, "u": substream(seed, "sides").random(len(names))})
    train, judge, _ = SIDES.values()
    said = said.join(drawn, on="person")
    if by == "author":
        return said.select("post", "person", side=_side(pl.col("u"), train, judge)).sort("post")
    # Cut between two instants: posts of one instant never part.
    early = pl.col("time") < pl.col("time").quantile(train, "nearest")
    later = _side(pl.col("u"), 0.0, judge / (1 - train))
    # A post without a time could lie on either side of the cut: it is learnt from by nobody.
    side = pl.when(early).then(pl.lit("train")).when(pl.col("time").is_not_null()).then(later)
    return said.sort("time", "post").select("post", "person", side=side).sort("post")


def _side(u: pl.Expr, train: float, judge: float) -> pl.Expr:
    return (
        pl.when(u < train)
        .then(pl.lit("train"))
        .when(u < train + judge)
        .then(pl.lit("judge"))
        .otherwise(pl.lit("reference"))
    )


def cleaned(
    posts: Posts, *, replies: bool = False, hashtags: str = "strip", words: int = 40, least: int = 3
) -> tuple[Posts, pl.DataFrame]:
    """The posts as the study reads them, and how many fell away for which reason (columns step, posts).

    As Sec. 3 of the paper: URLs, mentions, hashtags and emoji are stripped, reposts and (unless `replies`) replies dropped.
    `hashtags="word"` keeps the word and loses the sign. Ours: white space is folded, a post is cut to its first `words` words
    so that every arm can hold it, posts of fewer than `least` words and repeats of an earlier post are dropped.
    """
    if hashtags not in ("strip", "word"):
        raise unknown("way with hashtags", hashtags, ("strip", "word"))
    here = {"loaded": posts.height}
    kept = posts.filter(pl.col("kind") != "repost") if "kind" in posts.columns else posts
    here["reposts dropped"] = posts.height - kept.height
    before = kept.height
    kept = kept if replies else kept.filter(pl.col("parent").is_null())
    here["replies dropped"] = before - kept.height
    bare = pl.col("text").str.replace_all(MASK, " ").str.replace_all(r"@[\w/\-.]+:?", " ")
    bare = bare.str.replace_all(r"#(\w+)", "$1" if hashtags == "word" else " ").str.replace_all(EMOJI, " ")
    kept = kept.with_columns(text=bare.str.replace_all(r"\s+", " ").str.strip_chars())
    whole = pl.col("text").str.split(" ")
    here[f"cut to {words} words"] = kept.filter(whole.list.len() > words).height
    kept = kept.with_columns(text=whole.list.head(words).list.join(" "))
    before = kept.height
    kept = kept.filter(text.key(pl.col("text")).str.split(" ").list.len() >= least)
    here[f"under {least} words dropped"] = before - kept.height
    before = kept.height
    kept = kept.sort("post").filter(text.key(pl.col("text")).is_first_distinct())
    here["repeats dropped"] = before - kept.height
    here["kept"] = kept.height
    return frames.posts(kept), pl.DataFrame({"step": list(here), "posts": list(here.values())})


def drawn(posts: Posts, members: Members, *, most: int, even: bool = False, seed: int = 0) -> Posts:
    """The members' posts with their community: at most `most` of each, drawn at random; with `even`, equally many of each."""
    said = by_members(posts, members).sort("post")
    said = said.with_columns(u=substream(seed, "drawn").random(said.height))
    sizes = said["community"].value_counts()["count"].to_list() if even else []
    return frames.posts(said.filter(pl.col("u").rank("ordinal").over("community") <= min([most, *sizes])).drop("u"))


def apart(
    spoken: pl.DataFrame, members: Members, *, corpus: int, most: int, seed: int = 0
) -> tuple[dict[str, Posts], pl.DataFrame]:
    """Each side's posts by members: at most `corpus` of a community to learn from, at most `most` on the held-out sides.

    Held-out near copies of training posts are removed, and so are reference posts that the judge would learn; the second
    frame counts them.
    """
    limits = {"train": corpus, "judge": most, "reference": most}
    mine = {side: frames.posts(spoken.filter(pl.col("side") == side)) for side in SIDES}
    parts = {side: drawn(posts, members, most=limits[side], seed=seed) for side, posts in mine.items()}
    learnt, told = parts["train"]["text"].to_list(), []
    for name in ("judge", "reference"):
        held = parts[name]
        copied = pl.Series(leaks(held["text"].to_list(), learnt), dtype=pl.Boolean)
        told.append((name, held.height, int(copied.sum())))
        parts[name] = frames.posts(held.filter(~copied))
        learnt = [*learnt, *parts[name]["text"]]
    return parts, pl.DataFrame(
        told, schema={"side": pl.String, "posts": pl.Int64, "near copies": pl.Int64}, orient="row"
    )
