"""Which languages the texts are in, by a sample of them."""

import polars as pl

from sociolect.load.doctor.findings import Found

LETTERS = 20  # that a text must have to tell its language by; ours
SECOND = 0.05  # ours: share of other languages, whose interval must lie above it
LANGUAGES = {"language": pl.String, "n": pl.Int64, "share": pl.Float64, "low": pl.Float64, "high": pl.Float64}


def sampled(texts: pl.Series, n: int, seed: int) -> pl.DataFrame:
    """Up to n texts of 20 letters or more, drawn at random: the least by a hash, whatever the order of the rows."""
    frame = pl.DataFrame({"text": texts, "draw": texts.hash(seed)})
    return fewest(frame.filter(pl.col("text").str.count_matches(r"\p{L}") >= LETTERS), n)


def fewest(frame: pl.DataFrame, n: int) -> pl.DataFrame:
    """The n rows with the least draws."""
    return frame.bottom_k(n, by="draw").sort("draw")


def languages(sample: pl.DataFrame) -> pl.DataFrame:
    """The share of each language with its 95% interval (Wilson 1927), the commonest first: language, n, share, low, high.

    Found by py3langid (Lui and Baldwin 2012), which errs in about one short text of ten: a rare language may be none.

    >>> said = ["the weather was rather nice over there today"] * 3 + ["das wetter war heute dort ziemlich schön"]
    >>> languages(pl.DataFrame({"text": said})).select("language", "share", pl.col("low").round(2)).rows()
    [('en', 0.75, 0.3), ('de', 0.25, 0.05)]
    """
    import py3langid

    said = pl.Series([py3langid.classify(t)[0] for t in sample["text"].to_list()], dtype=pl.String)
    n = len(said)
    counts = said.alias("language").value_counts(name="n").sort("n", "language", descending=[True, False])
    rows = [(language, k, k / n, *_wilson(k, n)) for language, k in counts.iter_rows()]
    return pl.DataFrame(rows, schema=LANGUAGES, orient="row")


def mixed(shares: pl.DataFrame) -> Found:
    """The finding: sampled texts in another language than the commonest, if their share is surely above 5%."""
    n = int(shares["n"].sum())
    other = n - int(shares["n"][0]) if n else 0
    low, high = _wilson(other, n) if n else (0.0, 0.0)
    note = f"share {low:.3f} to {high:.3f} of {n:,} sampled texts; shares by language are in `languages`"
    return Found(
        "mixed_languages", pl.Series([], dtype=pl.get_index_type()), n, other if low > SECOND else 0, note=note
    )


def _wilson(k: int, n: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    low, high = binomtest(k, n).proportion_ci(method="wilson")
    return float(low), float(high)
