"""Texts that say again what another says: word for word, or nearly."""

import polars as pl

from sociolect import text as marks
from sociolect.load.doctor.findings import Found
from sociolect.load.doctor.masks import shapes

LONG = 20  # characters; ours: shorter texts are alike by chance
NEAR, LEAST = 0.8, 5  # Jaccard index, words in a text; ours
CANDIDATES, CROWD = 20_000, 50  # texts held against each other, and in one bucket; ours
_SEEDS = (11, 23)


def prints(texts: pl.Series) -> pl.DataFrame:
    """What texts are told apart by: said (a hash of the text), key (of its words), long, and two min-hashes of its runs of words.

    The hashes are those of polars: the same whatever the order of the rows, and not kept from one version to the next.
    `near_0`, `near_1` are null for texts of fewer than five words.

    >>> made = prints(pl.Series(["One, two three four five six!", "one two three four five six", "short"]))
    >>> made["key"][0] == made["key"][1], made["said"][0] == made["said"][1], made["long"].to_list(), made["near_0"].null_count()
    (True, False, [True, True, False], 1)
    """
    frame = pl.DataFrame({"text": texts})
    words = frame.select(
        "text", words=pl.col("text").str.to_lowercase().str.extract_all(marks.WORD), said=pl.col("text").hash(3)
    )
    words = words.with_columns(key=pl.col("words").list.join(" "))
    element = pl.element()
    low = {
        f"near_{i}": pl.when(pl.col("words").list.len() >= LEAST).then(
            pl.col("words").list.eval(_run(element.hash(seed))).list.min()
        )
        for i, seed in enumerate(_SEEDS)
    }
    # a text without a word, as emoji are, is told by itself
    told = pl.when(pl.col("key") == "").then("text").otherwise("key")
    return words.select("said", key=told.hash(5), long=told.str.len_chars() >= LONG, **low)


def _run(word: pl.Expr) -> pl.Expr:
    """A hash of each run of three words out of those of its words; the sums wrap round 2**64. Mixed, so that the least is any of them."""
    mixed = word * pl.lit(0x9E3779B97F4A7C15, pl.UInt64) + word.shift(1) * pl.lit(0xC2B2AE3D27D4EB4F, pl.UInt64)
    return (mixed + word.shift(2) * pl.lit(0x165667B19E3779F9, pl.UInt64)).drop_nulls()


def repeats(rows: pl.DataFrame, texts: pl.Series) -> list[Found]:
    """The findings about repeated texts. `rows` has row, skip (no text of its own: gone, or a repost), and what `prints` gives.

    >>> texts = pl.Series(["one two three four five six", "One two three four five six.", "one two three four five six seven"])
    >>> rows = prints(texts).with_columns(skip=pl.lit(False)).with_row_index("row")
    >>> [(f.name, f.rows.to_list()) for f in repeats(rows, texts)]
    [('repeated_texts', [1]), ('near_texts', [0, 1, 2])]
    """
    own = rows.filter(~pl.col("skip"))
    again = own.filter(pl.col("long") & pl.col("key").is_not_null() & ~pl.col("key").is_first_distinct())["row"]
    return [Found("repeated_texts", again, rows.height, examples=shapes(texts.gather(again))), _near(own, rows, texts)]


def _near(own: pl.DataFrame, rows: pl.DataFrame, texts: pl.Series) -> Found:
    one = own.filter(pl.col("near_0").is_not_null()).unique("key", keep="any").select("row", "key", "near_0", "near_1")
    pairs = pl.concat([one.select("row", "key", bucket=f"near_{i}", hash=pl.lit(i)) for i in range(len(_SEEDS))])
    pairs = pairs.filter(pl.len().over("hash", "bucket") > 1).sort("bucket", "hash", "key")
    met = pairs["key"].n_unique()
    # the first buckets by their hash are a sample at random, the same whatever the order of the rows
    pairs = pairs.filter(pl.int_range(pl.len()).over("hash", "bucket") < CROWD).head(CANDIDATES)
    looked = pairs["key"].n_unique()
    said = pairs.unique("key", keep="any")
    words = texts.gather(said["row"]).str.to_lowercase().str.extract_all(marks.WORD)
    hashed = words.to_frame("words").select(pl.col("words").list.eval(_run(pl.element().hash(_SEEDS[0])))).to_series()
    runs = dict(zip(said["key"].to_list(), map(frozenset, hashed.to_list()), strict=True))
    near: set[int] = set()
    for (_, _), bucket in pairs.group_by("hash", "bucket"):
        keys = bucket["key"].to_list()
        for i, a in enumerate(keys):
            for b in keys[i + 1 :]:
                if (a not in near or b not in near) and _jaccard(runs[a], runs[b]) >= NEAR:
                    near |= {a, b}
    hits = own.filter(pl.col("key").is_in(pl.Series(sorted(near), dtype=pl.UInt64).implode()))["row"]
    share = f"{looked:,} of the {met:,}" if looked < met else f"all {met:,}"
    note = (
        f"a lower bound: {share} texts that share a min-hash were held against each other; "
        f"of two texts at {NEAR} one of two hashes meets with chance {1 - (1 - NEAR) ** len(_SEEDS):.2f} or more"
    )
    return Found("near_texts", hits, rows.height, examples=shapes(texts.gather(hits)), note=note)


def _jaccard(a: frozenset[int], b: frozenset[int]) -> float:
    both = len(a & b)
    return both / (len(a) + len(b) - both) if a or b else 0.0
