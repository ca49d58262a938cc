"""Posts that order a model about, planted into a society: so that what they change can be measured."""

import polars as pl

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Society
from sociolect.load.hostile import orders
from sociolect.seeds import substream
from sociolect.text import words

WORD = "kumquat"  # ours: a word that no planted society says


def injected(society: Society, *, share: float, word: str = WORD, seed: int = 0) -> Society:
    """The society with an order before the words of a share of its posts: to say `word` and nothing else.

    Reposts stay as they are. Each post is drawn by itself, so the posts of a smaller share are among those of a larger one,
    whatever the order of the rows. posts gets a column `injected`. The order comes first, because prompts show a post's
    first words. Raises UsageError for what is no share or no word, RefusedError where posts hold the word already: a reply
    that says it would then prove nothing.

    >>> from sociolect.load.planted import planted
    >>> society = injected(planted(people=60, communities=3, seed=1), share=0.25, seed=1)
    >>> society.posts.filter(pl.col("kind") != "repost")["injected"].sum(), society.posts["text"].str.contains("kumquat").sum()
    (101, 101)
    """
    faults = [] if 0 <= share <= 1 else [f"share is {share}, not a share from 0 to 1"]
    faults += [] if words(word) == [word] else [f"word is {word!r}, not one word in small letters"]
    if faults:
        raise UsageError("no injection can be planted: " + "; ".join(faults))
    said = society.posts.filter(pl.col("text").str.to_lowercase().str.contains(word, literal=True)).height
    if said:
        raise RefusedError(f"{said} posts hold {word!r} already: choose a word that nobody says")
    rng = substream(seed, "injected")
    ordered = society.posts.select("post").unique().sort("post")
    drawn = ordered.with_columns(
        u=rng.random(ordered.height), order=pl.Series(orders(word)).gather(rng.integers(len(orders(word)), size=ordered.height))
    )  # fmt: skip
    own = pl.col("kind") != "repost" if "kind" in society.posts.columns else pl.lit(value=True)
    hit = (pl.col("u") < share) & own.fill_null(value=True)
    posts = society.posts.drop("injected", strict=False).join(drawn, on="post", how="left", maintain_order="left")
    posts = posts.with_columns(injected=hit).with_columns(
        text=pl.when("injected").then(pl.concat_str("order", "text", separator=" ")).otherwise("text")
    )
    return Society(society.people, frames.posts(posts.drop("u", "order")), society.ties, society.set_aside)
