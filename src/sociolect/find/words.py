"""What a community talks about: its typical words, and the posts that hold most of them."""

import polars as pl

from sociolect import text
from sociolect.frames import Members, Posts

LEAST = 10  # people: nothing is said about fewer
WORDS = 8


def keywords(
    posts: Posts, members: Members, *, most: int = WORDS, prior: float = 500.0, least: int = LEAST
) -> pl.DataFrame:
    """Each community's most typical words with the z-score of their log-odds (columns community, word, z, uses).

    The log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008, eqs. 16, 20, 22): a community
    against all others, the pooled word shares times `prior` as pseudo-counts. A word of fewer than `least` people of the
    community is not told.

    >>> said = {"post": list("abcd"), "person": list("abcd"), "text": ["tea", "tea", "ale", "ale"], "thread": "t"}
    >>> posts = Posts(pl.DataFrame(said))
    >>> who = Members(pl.DataFrame({"person": list("abcd"), "community": list("xxyy")}))
    >>> keywords(posts, who, least=2).select("community", "word", "uses").rows()
    [('x', 'tea', 2.0), ('y', 'ale', 2.0)]
    """
    counts = used(by_members(posts, members), people=True)
    told = counts.filter(pl.col("people") >= least).select("community", "word")
    return typical(counts.drop("people"), told, most=most, prior=prior)


def exemplars(posts: Posts, members: Members, *, most: int = 3, least: int = LEAST) -> pl.DataFrame:
    """The posts that hold most of their community's typical words, each by another person (community, text, speaker).

    Only of communities with `least` people who post or more, so that a quote does not point at anyone; `speaker` is
    nobody's name.

    >>> said = {"post": list("abcd"), "person": list("abcd"), "text": ["tea", "tea!", "ale", "ale"], "thread": "t"}
    >>> posts = Posts(pl.DataFrame(said))
    >>> who = Members(pl.DataFrame({"person": list("abcd"), "community": list("xxyy")}))
    >>> exemplars(posts, who, most=2, least=2)["text"].to_list()
    ['tea', 'tea!', 'ale', 'ale']
    """
    said = by_members(posts, members)
    enough = said.group_by("community").agg(n=pl.col("person").n_unique()).filter(pl.col("n") >= least)
    words = keywords(posts, members, most=4 * WORDS, least=least).select("community", "word", "z")
    held = said.join(enough, on="community", how="semi").select(
        "community", "person", "post", "text",
        word=pl.col("text").str.to_lowercase().str.extract_all(text.WORD).list.unique(),
        size=text.key(pl.col("text")).str.split(" ").list.len(),
    )  # fmt: skip
    worth = (
        held.explode("word").join(words, on=["community", "word"])
        # in a fixed order, so that no bit of a sum depends on the order of the rows
        .sort("community", "post", "word")
        .group_by("community", "person", "post", "text", "size", maintain_order=True).agg(pl.col("z").sum())
        .with_columns(worth=pl.col("z") / pl.col("size").sqrt())  # long posts hold more words of any kind
        .sort("community", "worth", "post", descending=[False, True, False])
    )  # fmt: skip
    best = worth.unique(["community", "person"], keep="first", maintain_order=True)
    chosen = best.group_by("community", maintain_order=True).head(most)
    return chosen.select("community", "text", speaker=pl.lit("typical post"))


def typical(counts: pl.DataFrame, told: pl.DataFrame, *, most: int, prior: float) -> pl.DataFrame:
    """The `most` typical words of each community among those in `told`, out of the counts of all words.

    A word that others use as much or more (z of 0 or below) is typical of nobody here.
    `counts` has columns community, word, uses; `told` community and word.

    >>> counts = pl.DataFrame({"community": ["x", "y"], "word": ["tea", "ale"], "uses": [4.0, 4.0]})
    >>> typical(counts, counts, most=1, prior=10.0)["word"].to_list()
    ['tea', 'ale']
    """
    total = counts.group_by("word").agg(pl.col("uses").sum().alias("all"))
    n, sizes = counts["uses"].sum(), counts.group_by("community").agg(pl.col("uses").sum().alias("size"))
    a = pl.col("all") / n * prior
    inside, outside = pl.col("uses") + a, pl.col("all") - pl.col("uses") + a
    rest = n - pl.col("size") + prior
    odds = (inside / (pl.col("size") + prior - inside)).log() - (outside / (rest - outside)).log()
    z = odds / (1 / inside + 1 / outside).sqrt()
    shown = counts.join(told, on=["community", "word"], how="semi").join(total, on="word").join(sizes, on="community")
    scored = shown.select("community", "word", z=z, uses="uses").filter(pl.col("z") > 0)
    ordered = scored.sort("community", "z", "word", descending=[False, True, False])
    return ordered.group_by("community", maintain_order=True).head(most)


def used(said: pl.DataFrame, *, people: bool = False) -> pl.DataFrame:
    """How often each word is used in each community, and with `people` by how many of them.

    `said` has columns community, person, text.

    >>> used(pl.DataFrame({"community": ["x"], "person": ["a"], "text": ["Tea, tea"]}), people=True).rows()
    [('x', 'tea', 2.0, 1)]
    """
    words = said.select("community", "person", word=pl.col("text").str.to_lowercase().str.extract_all(text.WORD))
    counted = {"uses": pl.len().cast(pl.Float64), **({"people": pl.col("person").n_unique()} if people else {})}
    return words.explode("word").drop_nulls().group_by("community", "word").agg(**counted).sort("community", "word")


def by_members(posts: pl.DataFrame, members: Members) -> pl.DataFrame:
    """The members' posts with their community, whatever community the posts themselves declare.

    >>> said = pl.DataFrame({"post": ["1", "2"], "person": ["a", "b"], "community": ["x", "x"]})
    >>> by_members(said, Members(pl.DataFrame({"person": ["a"], "community": ["y"]}))).rows()
    [('1', 'a', 'y')]
    """
    bare = posts.drop("community", strict=False)
    return bare.join(members.select("person", "community"), on="person", how="inner")
