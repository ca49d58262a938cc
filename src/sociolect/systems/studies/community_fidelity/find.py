"""Who speaks for which community, and what it talks about.

Communities are found in the network of the training side, or declared; people held out join after, by their ties.
"""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from sociolect import frames, text
from sociolect.errors import RefusedError, UsageError, unknown
from sociolect.find.consensus import consensus
from sociolect.find.declared import declared, merged
from sociolect.find.label_propagation import label_propagation
from sociolect.find.leiden import leiden
from sociolect.find.louvain import louvain
from sociolect.find.placed import placed
from sociolect.find.structure import structure
from sociolect.find.ties import among, link
from sociolect.find.words import by_members
from sociolect.frames import Effects, Members, Posts, Society
from sociolect.systems.studies.community_fidelity.load import SIDES

LEAST = 10  # people: nothing is said about fewer
SIDE = 5  # people on each side, and twice as many posts: a classifier is calibrated over four folds of people


def engine(name: str, resolution: float) -> Callable[..., Members]:
    """The finder of that name; label propagation has no resolution, and says so."""
    if name == "label_propagation" and resolution != 1.0:
        raise UsageError("label propagation has no resolution: leave --resolution out, or say --finder leiden")
    finders: dict[str, Callable[..., Members]] = {
        "leiden": partial(leiden, resolution=resolution),
        "louvain": partial(louvain, resolution=resolution),
        "label_propagation": label_propagation,
    }
    if name not in finders:
        raise unknown("finder", name, finders)
    return finders[name]


def training_network(society: Society, sides: pl.DataFrame, *, network: tuple[str, ...]) -> Society:
    """The society with the ties of the named kinds among people of the training side only, out of its posts only.

    Where a person stands on two sides (a split by time), ties come from the training posts: a tie given by a file has no
    time, so it could be of any side.
    """
    learnt = sides.filter(pl.col("side") == "train")
    by_time = bool((sides.drop_nulls("side").group_by("person").agg(pl.col("side").n_unique())["side"] > 1).any())
    given = frames.ties(society.ties.clear()) if by_time else society.ties
    posts = frames.posts(society.posts.join(learnt.select("post"), on="post", how="semi"))
    ties = link(replace(society, posts=posts, ties=given), network)
    train = learnt["person"].unique()
    if not among(ties, train).height:
        raise RefusedError(
            f"no {' or '.join(network)} ties bind two people of the training side ({ties.height} ties in all), so no community "
            "can be found: name other ties with --network, or declare the communities: --finder declared with a column 'community'"
        )
    return replace(society, ties=among(ties, train))


def found(
    society: Society,
    sides: pl.DataFrame,
    *,
    finder: str,
    network: tuple[str, ...],
    resolution: float,
    seed: int,
) -> Members:
    """Every person's cluster, before anybody names, merges or drops one, and before small ones are left out.

    Found ones are the consensus of ten seeds on the training side's ties; people held out join by their ties to it.
    """
    if finder == "declared":
        return declared(society, column="community")
    inside = training_network(society, sides, network=network)
    members = consensus(engine(finder, resolution), inside, seed=seed)
    return frames.members(pl.concat([members, placed(members, link(society, network), society.people)], how="diagonal"))


def named(clusters: Members, merge: Path | None) -> tuple[Members, str]:
    """The communities as a person named, merged and dropped them in a file, and why; without a file, the clusters.

    Applied after held-out people were placed: people of a dropped cluster would else be placed again, by their ties to
    the kept ones.
    """
    if merge is None:
        return clusters, ""
    return merged(clusters, merge), str(tomllib.loads(merge.read_text(encoding="utf-8"))["why"])


def verdict(
    society: Society, sides: pl.DataFrame, *, finder: str, network: tuple[str, ...], resolution: float, seed: int
) -> Effects:
    """Whether the training network has more structure than its rewired nulls (`find.structure.structure`)."""
    return structure(training_network(society, sides, network=network), engine(finder, resolution), nulls=39, seed=seed)


def chosen(
    members: Members, said: pl.DataFrame, *, only: tuple[str, ...], most: int, least: int = LEAST
) -> tuple[Members, pl.DataFrame]:
    """The communities the study is about, and one row per community with its sizes and why it is in or out.

    `said` is the cleaned posts with their side. A community needs `least` people, and 5 people with 10 posts on every side; of those the
    `most` with the most training posts are taken (or those named by `only`). Raises RefusedError where fewer than two stay.
    """
    spoken = by_members(said, members)
    sizes = spoken.group_by("community").agg(
        people=pl.col("person").n_unique(),
        **{s: (pl.col("side") == s).sum() for s in SIDES},
        fewest=pl.min_horizontal(pl.col("person").filter(pl.col("side") == s).n_unique() for s in SIDES),
    )
    sizes = sizes.sort("train", "community", descending=[True, False])
    if absent := sorted(set(only) - set(sizes["community"])):
        raise UsageError(f"no community {', '.join(absent)}; there are: {', '.join(sizes['community'].head(20))}")
    poor = (pl.min_horizontal(*SIDES) < 2 * SIDE) | (pl.col("fewest") < SIDE)
    why = (
        pl.when(pl.lit(bool(only)) & ~pl.col("community").is_in(list(only)))
        .then(pl.lit("not asked for"))
        .when(pl.col("people") < least)
        .then(pl.lit(f"fewer than {least} people"))
        .when(poor)
        .then(pl.lit("too few people or posts on one side"))
        .otherwise(pl.lit(None, pl.String))
    )
    sizes = sizes.with_columns(left_out=why).drop("fewest")
    rank = pl.col("left_out").is_null().cum_sum()
    sizes = sizes.with_columns(
        left_out=pl.when(pl.col("left_out").is_null() & (rank > most))
        .then(pl.lit(f"not among the {most} largest"))
        .otherwise("left_out")
    )
    kept = sizes.filter(pl.col("left_out").is_null())["community"]
    if len(kept) < 2:
        reasons = sizes.drop_nulls("left_out").group_by("left_out").len().sort("left_out").iter_rows()
        told = "; ".join(f"{n} {reason}" for reason, n in reasons)
        raise RefusedError(
            f"{len(kept)} community is left to compare, two or more are due ({told or 'none was found'}): bring more posts, or find others (--resolution, --network)"
        )
    return frames.members(members.filter(pl.col("community").is_in(kept.implode()))), sizes


def shared_topics(posts: Posts, members: Members, *, n: int = 9, least: int = 4, common: float = 0.2) -> pl.DataFrame:
    """Words that every community uses about alike: neutral topics to ask all of them about (columns topic, words).

    A word's worth is the smallest share, over communities, of posts that hold it. Words of fewer than `least` letters, or in
    more than `common` of all posts, are grammar rather than topics. Ours: the paper's topics are chosen by hand.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    said = by_members(posts, members).select(
        "community", "post", word=pl.col("text").str.to_lowercase().str.extract_all(text.WORD).list.unique()
    )
    sizes = said.group_by("community").agg(pl.col("post").n_unique().alias("size"))
    held = said.explode("word").group_by("community", "word").len().join(sizes, on="community")
    held = held.filter(
        pl.col("word").str.contains(rf"^[\p{{L}}]{{{least},}}$") & ~pl.col("word").is_in(sorted(ENGLISH_STOP_WORDS))
    )
    worth = held.group_by("word").agg(
        pl.len().alias("in"), (pl.col("len") / pl.col("size")).min().alias("worth"), pl.col("len").sum().alias("posts")
    )
    worth = worth.filter((pl.col("in") == sizes.height) & (pl.col("posts") <= common * said.height))
    best = worth.sort("worth", "word", descending=[True, False]).head(n)["word"]
    if best.is_empty():
        raise RefusedError(
            f"no word is shared by all {sizes.height} communities: name topics of your own with --topics"
        )
    return pl.DataFrame({"topic": best, "words": best}, schema={"topic": pl.String, "words": pl.String})
