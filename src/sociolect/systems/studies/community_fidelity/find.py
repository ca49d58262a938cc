"""What a community talks about: words it uses more than the others, and a few topics that all of them share."""

import polars as pl

from sociolect import text
from sociolect.frames import Members, Posts


def suggest(posts: Posts, members: Members, *, most: int = 8, prior: float = 500.0) -> pl.DataFrame:
    """Each community's most typical words with the z-score of their log-odds (columns community, word, z, uses).

    The log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008, eqs. 16, 20, 22): a community
    against all others, the pooled word shares times `prior` as pseudo-counts. It names nothing and merges nothing.
    """
    counts = _counts(posts, members)
    total = counts.group_by("word").agg(pl.col("uses").sum().alias("all"))
    n, sizes = counts["uses"].sum(), counts.group_by("community").agg(pl.col("uses").sum().alias("size"))
    a = pl.col("all") / n * prior
    inside, outside = pl.col("uses") + a, pl.col("all") - pl.col("uses") + a
    rest = n - pl.col("size") + prior
    odds = (inside / (pl.col("size") + prior - inside)).log() - (outside / (rest - outside)).log()
    z = odds / (1 / inside + 1 / outside).sqrt()
    scored = counts.join(total, on="word").join(sizes, on="community").select("community", "word", z=z, uses="uses")
    return scored.sort("community", "z", "word", descending=[False, True, False]).group_by("community", maintain_order=True).head(most)


def shared_topics(posts: Posts, members: Members, *, n: int = 9, least: int = 4, common: float = 0.2) -> pl.DataFrame:
    """Words that every community uses about alike: neutral topics to ask all of them about (columns topic, words).

    A word's worth is the smallest share, over communities, of posts that hold it. Words of fewer than `least` letters, or in
    more than `common` of all posts, are grammar rather than topics. Ours: the paper's topics are chosen by hand.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    said = posts.join(members.select("person", "community"), on="person", how="inner").select(
        "community", "post", word=pl.col("text").str.to_lowercase().str.extract_all(text.WORD).list.unique()
    )
    sizes = said.group_by("community").agg(pl.col("post").n_unique().alias("size"))
    held = said.explode("word").group_by("community", "word").len().join(sizes, on="community")
    held = held.filter(pl.col("word").str.contains(rf"^[\p{{L}}]{{{least},}}$") & ~pl.col("word").is_in(sorted(ENGLISH_STOP_WORDS)))
    worth = held.group_by("word").agg(
        pl.len().alias("in"), (pl.col("len") / pl.col("size")).min().alias("worth"), pl.col("len").sum().alias("posts")
    )
    worth = worth.filter((pl.col("in") == sizes.height) & (pl.col("posts") <= common * said.height))
    best = worth.sort("worth", "word", descending=[True, False]).head(n)["word"]
    return pl.DataFrame({"topic": best, "words": best}, schema={"topic": pl.String, "words": pl.String})


def _counts(posts: Posts, members: Members) -> pl.DataFrame:
    said = posts.join(members.select("person", "community"), on="person", how="inner").select(
        "community", word=pl.col("text").str.to_lowercase().str.extract_all(text.WORD)
    )
    return said.explode("word").drop_nulls().group_by("community", "word").agg(pl.len().cast(pl.Float64).alias("uses")).sort("community", "word")

