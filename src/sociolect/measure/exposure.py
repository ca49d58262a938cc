"""How much of each topic a training set really holds, community by community, and what a filter left of it."""

import polars as pl

from sociolect import text as texts
from sociolect.errors import InputError


def exposures(posts: pl.DataFrame, topics: pl.DataFrame, *, column: str = "text") -> pl.DataFrame:
    """How many posts of each community hold each topic's words: community, topic, posts, held, share; sorted.

    `posts` is any frame with `community` and a column of texts: posts as they are trained on, or the examples themselves with
    `column="reply"`. `topics` has columns topic and words. A post holds a topic when all the words of one of the topic's
    rows are among its own, whole words in any order and case; it may hold several topics, and each counts. A census of
    the set it is given: no interval is due. A post without text holds nothing and counts in `posts`.

    Raises InputError where a column is missing or null, or a topic has no word.

    >>> said = pl.DataFrame({"community": ["a", "a", "b"], "text": ["Green tea!", "tea, so green", "greens"]})
    >>> exposures(said, pl.DataFrame({"topic": ["t"], "words": ["green tea"]})).rows()
    [('a', 't', 2, 2, 1.0), ('b', 't', 1, 0, 0.0)]
    """
    needs = _needs(posts, topics, column)
    sizes = posts.group_by("community").agg(posts=pl.len().cast(pl.Int64))
    spoken = (
        posts.select("community", word=spelt(pl.col(column)))
        .with_row_index("_post")
        .explode("word")
        .filter(pl.col("word").is_in(needs["word"].implode()))
        .unique()
    )
    met = spoken.join(needs, on="word").group_by("_post", "community", "topic", "_row", "_due").len()
    held = (
        met.filter(pl.col("len") == pl.col("_due"))
        .unique(["_post", "topic"])
        .group_by("community", "topic")
        .agg(held=pl.len().cast(pl.Int64))
    )
    cells = sizes.join(topics.select("topic").unique(), how="cross")
    return (
        cells.join(held, on=["community", "topic"], how="left")
        .select("community", "topic", "posts", pl.col("held").fill_null(0))
        .with_columns(share=pl.col("held") / pl.col("posts"))
        .sort("community", "topic")
    )


def kept(before: pl.DataFrame, after: pl.DataFrame, topics: pl.DataFrame, *, column: str = "text") -> pl.DataFrame:
    """What a filter left of each topic: community, topic, before, after, kept, share_before, share_after; sorted.

    `before` and `after` count the posts that hold the topic (`exposures`); `kept` is after over before, null where there
    were none. The shares are of all posts of the community: a filter that cuts every topic alike keeps them as they
    were. A community of which nothing is left has 0 after and a null share. Raises InputError where `after` holds a community
    that `before` does not.

    >>> said = pl.DataFrame({"community": ["a"] * 4, "text": ["tea", "tea", "rye", "rye"]})
    >>> kept(said, said.slice(1), pl.DataFrame({"topic": ["t"], "words": ["tea"]})).select("before", "after", "kept").rows()
    [(2, 1, 0.5)]
    """
    if strange := sorted(set(after["community"].drop_nulls()) - set(before["community"].drop_nulls())):
        raise InputError(f"{', '.join(strange)} stands after the filter and not before it: were the frames exchanged?")
    first, second = (exposures(side, topics, column=column) for side in (before, after))
    whole = first.rename({"held": "before", "share": "share_before"}).join(
        second.select("community", "topic", after="held", share_after="share"), on=["community", "topic"], how="left"
    )
    count = pl.col("after").fill_null(0)
    share = pl.when(pl.col("before") > 0).then(count / pl.col("before"))
    return whole.select("community", "topic", "before", count, share.alias("kept"), "share_before", "share_after").sort(
        "community", "topic"
    )


def spelt(text: pl.Expr) -> pl.Expr:
    """The words of a text as a list: `text.words`, in whole columns.

    >>> pl.DataFrame({"t": ["It's FINE."]}).select(spelt(pl.col("t")))["t"].to_list()
    [["it's", 'fine']]
    """
    return text.str.to_lowercase().str.extract_all(texts.WORD)


def _needs(posts: pl.DataFrame, topics: pl.DataFrame, column: str) -> pl.DataFrame:
    """One row per word that a row of topics needs, with how many words that row needs in all."""
    faults = [f"the posts have no column {c!r}" for c in ("community", column) if c not in posts.columns]
    faults += [f"the topics have no column {c!r}" for c in ("topic", "words") if c not in topics.columns]
    if not faults:
        faults += [f"{n} posts have no community" for n in [posts["community"].null_count()] if n]
        rows = topics.select("topic", word=spelt(pl.col("words")).list.unique()).with_row_index("_row")
        bare = rows.filter(pl.col("topic").is_null() | (pl.col("word").list.len().fill_null(0) == 0))
        # a topic without a word would be held by every post there is
        faults += [f"topic {t!r} has no word or no name" for t in bare["topic"].to_list()]
        faults += ["there are no topics"] if topics.is_empty() else []
    if faults:
        raise InputError(f"exposure cannot be counted: {'; '.join(faults)}")
    return rows.with_columns(_due=pl.col("word").list.len()).explode("word")
