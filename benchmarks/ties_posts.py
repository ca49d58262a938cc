"""Posts for `benchmarks/ties.py`, written in pieces: skewed people, reply trees with hot posts, a fifth with a mention, reposts."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.seeds import substream

AT_ONCE = 1_000_000
WORDS, LINES = 5_000, 20_000


def _trees(
    posts: int, replies: float, reposts: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The parent of each post (-1: none), the post its thread begins with, and whether it is a repost."""
    rng = substream(1, "benchmark", "ties", "trees")
    numbers = np.arange(posts)
    what = rng.random(posts)
    parent = numbers - 1 - (rng.random(posts) * np.minimum(numbers, 200_000)).astype(np.int64)
    hot = rng.random(posts) < 0.5
    parent[hot] -= parent[hot] % 64  # every 64th post draws half of all answers
    parent[(what >= replies + reposts) | (numbers == 0)] = -1
    root = np.where(parent < 0, numbers, parent)
    while (further := root[root] != root).any():
        root[further] = root[root[further]]
    return parent, root, (what >= replies) & (parent >= 0)


def _names(numbers: NDArray[np.int64]) -> pl.Series:
    # an odd factor: a name's place in the alphabet tells nothing of how much the person writes
    mixed = (numbers * 2_654_435_761) % 2**32
    return pl.select(pl.format("p{}", pl.lit(pl.Series(mixed)))).to_series()


def written(folder: Path, *, posts: int = 10_000_000, people: int = 1_000_000) -> list[Path]:
    """The parquet files of so many posts, of a million each: 55% replies, 15% reposts, texts of about 100 bytes."""
    parent, root, repost = _trees(posts, 0.55, 0.15)
    rng = substream(1, "benchmark", "ties", "words")
    words = np.array(["".join(map(chr, 97 + rng.integers(0, 26, int(n)))) for n in rng.integers(3, 12, WORDS)])
    lines = pl.Series([" ".join(row) for row in words[rng.integers(0, WORDS, (LINES, 6))]])
    paths = []
    for at in range(0, posts, AT_ONCE):
        rng = substream(1, "benchmark", "ties", "posts", at)
        here = slice(at, min(at + AT_ONCE, posts))
        n = here.stop - at
        author, other = ((people * rng.random(n) ** 3).astype(np.int64) for _ in "ab")
        frame = pl.DataFrame(
            {
                "post": pl.Series(np.arange(at, here.stop)).cast(pl.String),
                "person": _names(author),
                "line": lines.gather(rng.integers(0, LINES, n)) + " " + lines.gather(rng.integers(0, LINES, n)),
                "other": _names(other),
                "named": rng.random(n) < 0.2,
                "thread": pl.Series(root[here]).cast(pl.String),
                "up": pl.Series(parent[here]),
                "repost": pl.Series(repost[here]),
                "time": pl.Series(1_700_000_000_000 + 100 * np.arange(at, here.stop)).cast(pl.Datetime("ms", "UTC")),
            }
        ).select(
            "post",
            "person",
            pl.when("named").then(pl.format("@{}, {}", "other", "line")).otherwise("line").alias("text"),
            "thread",
            pl.when(pl.col("up") >= 0).then(pl.col("up").cast(pl.String)).alias("parent"),
            pl.when("repost")
            .then(pl.lit("repost"))
            .otherwise(pl.when(pl.col("up") >= 0).then(pl.lit("reply")).otherwise(pl.lit("post")))
            .alias("kind"),
            "time",
        )
        paths.append(folder / f"posts_{at // AT_ONCE:03}.parquet")
        frame.write_parquet(paths[-1])
    return paths


if __name__ == "__main__":
    print(*written(Path(sys.argv[1]), posts=int(float(sys.argv[2]))), sep="\n")
