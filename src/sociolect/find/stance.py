"""Stance: what the sentiment of their exchanges says two people are to one another: for, against, or not to be told."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError, unknown
from sociolect.find.ties import ties
from sociolect.find.ties_shown import KINDS
from sociolect.frames import Society, Ties

_SHOWN = tuple(kind for kind in KINDS if kind != "co-thread")  # what is said in a thread is said to nobody in it
_MADE = {"sentiment": pl.Float64, "sentiment_n": pl.Int64, "sentiment_sd": pl.Float64}


def sentiments(society: Society, *, column: str, kinds: str | Sequence[str] = "reply", directed: bool = True) -> Ties:
    """The ties that posts show, each with the mean sentiment of the posts behind it: the ties of `find.ties`, and three columns.

    `column` is a number on each post: what a reader of tone or sentiment says of it, joined by the caller; null is not read.
    - sentiment: the mean over the posts from source to target that have one; null where none has.
    - sentiment_n: how many have one. `weight` counts all.
    - sentiment_sd: their standard deviation (n - 1); null below two.

    `kinds` are reply, repost, mention. A repost's sentiment is that of its own row, which is the original's words.
    With `directed=False` both ways are one sample. No bit depends on the order of the posts.
    Raises UsageError for a kind or column that is not there, InputError for a column of text or one with NaN or infinity,
    RefusedError where no post has a value.

    >>> said = {"post": ["1", "2", "3"], "person": ["a", "b", "b"], "text": "", "thread": "1", "tone": [0.0, 0.5, 1.0]}
    >>> posts = frames.posts(pl.DataFrame(said | {"parent": [None, "1", "1"]}))
    >>> sentiments(Society(frames.empty("people"), posts, frames.empty("ties")), column="tone").rows()
    [('b', 'a', 'reply', 2.0, 0.75, 2, 0.3535533905932738)]
    """
    wanted = [kinds] if isinstance(kinds, str) else list(dict.fromkeys(kinds))
    for kind in wanted:
        if kind not in _SHOWN:
            raise unknown("kind of tie that carries sentiment from one person to another", kind, _SHOWN)
    posts = _valued(society, column)
    parts = [_said(posts, society, kind).with_columns(kind=pl.lit(kind)) for kind in wanted]
    none = frames.empty("ties").rename({"weight": "value"})
    rows = pl.concat([none, *(part.select(none.columns) for part in parts)])
    rows = rows.filter(pl.col("source") != pl.col("target"))
    if not directed:
        rows = rows.with_columns(
            source=pl.min_horizontal("source", "target"), target=pl.max_horizontal("source", "target")
        )
    # sorted by value, so that no bit of a sum depends on the order of the posts
    made = rows.sort("value").group_by("source", "target", "kind", maintain_order=True).agg(
        weight=pl.len().cast(pl.Float64),
        sentiment=pl.col("value").mean(),
        sentiment_n=pl.col("value").count().cast(pl.Int64),
        sentiment_sd=pl.col("value").std(),
    )  # fmt: skip
    return frames.ties(made.sort("source", "target", "kind"))


def stance(
    ties: pl.DataFrame, *, least: int = 5, level: float = 0.95, neutral: float = 0.0
) -> pl.DataFrame:  # fmt: skip
    """The same rows with low, high, p, stance (`for`, `against`, null) and, where that is null, the reason.

    The rows have sentiment (a mean), sentiment_n and sentiment_sd: ties out of `sentiments`, or out of a network file; a row
    without sentiment_n is one reading. low and high are Student's interval of the mean at `level`, p its two-sided test of
    `neutral`: the sentiment that is neither, 0 unless the reader leans. Stance is told where the interval leaves `neutral` out:
    of pairs that are neither, 1 - level are told one. Over many rows, correct p for multiplicity before any is named.
    The reasons: `no sentiment`; `fewer than N readings` (`least`); `spread not known`; `readings do not differ`, as copies
    do, so that no interval can be had; `undecided`, where the interval holds `neutral`.
    Readings that hang together (one quarrel, one thread) make intervals too short: then resample threads instead.
    Raises UsageError for a level or `least` that cannot be, InputError for columns that are not as due.

    >>> rows = {"sentiment": [0.5, 0.1], "sentiment_n": [9, 9], "sentiment_sd": [0.3, 0.3]}
    >>> stance(pl.DataFrame(rows)).select("stance", "reason", pl.col("low", "p").round(3)).rows()
    [('for', None, 0.269, 0.001), (None, 'undecided', -0.131, 0.347)]
    """
    from scipy.special import stdtr, stdtrit

    faults = [
        text
        for text, bad in (
            (f"least is {least}, not 2 or more", least < 2),
            (f"level is {level}, not between 0 and 1", not 0 < level < 1),
            (f"neutral is {neutral}, not a number", not np.isfinite(neutral)),
        )
        if bad
    ]
    if faults:
        raise UsageError("; ".join(faults))
    read = readings(ties)
    mean, n, sd = (read[c].to_numpy() for c in ("sentiment", "sentiment_n", "sentiment_sd"))
    # copies differ by rounding at most
    same = sd <= 1e-9 * np.maximum(np.abs(mean), 1e-300)
    fine = (n >= least) & np.isfinite(sd) & ~same
    sizes, place = np.unique(n[fine], return_inverse=True)
    error, off = sd[fine] / np.sqrt(n[fine]), mean[fine] - neutral
    half = stdtrit(sizes - 1.0, 0.5 + level / 2)[place] * error
    made = {name: np.full(len(n), np.nan) for name in ("low", "high", "p")}
    made["low"][fine], made["high"][fine] = mean[fine] - half, mean[fine] + half
    made["p"][fine] = 2 * stdtr(n[fine] - 1.0, -np.abs(off) / error)
    told = ties.with_columns(*(pl.Series(name, values).fill_nan(None) for name, values in made.items()))
    above, below = pl.col("low") > neutral, pl.col("high") < neutral
    known = pl.when(above).then(pl.lit("for")).when(below).then(pl.lit("against"))
    reason = (
        pl.when(pl.Series(n == 0)).then(pl.lit("no sentiment"))
        .when(pl.Series(n < least)).then(pl.lit(f"fewer than {least} readings"))
        .when(pl.Series(~np.isfinite(sd))).then(pl.lit("spread not known"))
        .when(pl.Series(same)).then(pl.lit("readings do not differ"))
        .when(pl.col("stance").is_null()).then(pl.lit("undecided"))
    )  # fmt: skip
    return told.with_columns(stance=known).with_columns(reason=reason)


def readings(ties: pl.DataFrame) -> pl.DataFrame:
    """The columns sentiment, sentiment_n and sentiment_sd, held to what they must be: NaN for an absent mean or spread.

    Without sentiment_n each row with a sentiment is one reading; below two readings there is no spread.
    Raises InputError that names every fault.

    >>> readings(pl.DataFrame({"sentiment": [0.5, None]}))["sentiment_n"].to_list()
    [1, 0]
    """
    faults = ["column 'sentiment' is missing"] if "sentiment" not in ties.columns else []
    texts = [c for c in _MADE if c in ties.columns and not ties.schema[c].is_numeric() and ties.schema[c] != pl.Null]
    faults += [f"column {c!r} is {ties.schema[c]}, not a number" for c in texts]
    if faults:
        raise InputError("; ".join(faults) + ": give each tie the mean of a number, null where there is none")
    absent = [pl.lit(None, dtype).alias(c) for c, dtype in _MADE.items() if c not in ties.columns]
    whole = ties.with_columns(absent).select(pl.col(c).cast(pl.Float64) for c in _MADE)
    if "sentiment_n" not in ties.columns:
        whole = whole.with_columns(sentiment_n=pl.col("sentiment").is_not_null().cast(pl.Float64))
    some, n, sd = pl.col("sentiment").is_not_null(), pl.col("sentiment_n").fill_null(0.0), pl.col("sentiment_sd")
    rules = {
        "'sentiment' is NaN or infinite": ~pl.col("sentiment").is_finite(),
        "'sentiment_n' is no whole number of readings, 0 where there is no sentiment": (
            ~n.is_finite() | (n < 0) | (n != n.floor()) | (some != (n > 0))
        ),
        "'sentiment_sd' is NaN, infinite or below 0": ~sd.is_finite() | (sd < 0),
    }
    counts = {why: int(whole.select(bad.fill_null(value=False).sum()).item()) for why, bad in rules.items()}
    if any(counts.values()):
        raise InputError("; ".join(f"column {why} in {k} rows" for why, k in counts.items() if k) + "; null is absent")
    return whole.select(
        pl.col("sentiment").fill_null(np.nan),
        n.cast(pl.Int64),
        pl.when(n > 1).then(sd).fill_null(np.nan).alias("sentiment_sd"),
    )


def _valued(society: Society, column: str) -> pl.DataFrame:
    """The posts with `value`, the number that is asked for."""
    posts = society.posts
    if column not in posts.columns:
        raise unknown("column of the posts", column, [c for c in posts.columns if posts.schema[c].is_numeric()])
    dtype = posts.schema[column]
    if not dtype.is_numeric() and dtype != pl.Null:
        raise InputError(
            f"column {column!r} of the posts is {dtype}, not a number: read sentiment with a measure first"
        )
    made = posts.with_columns(value=pl.col(column).cast(pl.Float64))
    if bad := int((~made["value"].is_finite()).sum()):
        raise InputError(f"column {column!r} of the posts is NaN or infinite in {bad} rows; null is absent")
    if not made["value"].count():
        raise RefusedError(f"no post has a value in column {column!r}, so no tie has a sentiment")
    return made


def _said(posts: pl.DataFrame, society: Society, kind: str) -> pl.DataFrame:
    """One row for each post and person it turns to: source, target, value."""
    if kind == "mention":
        # as authors the posts name themselves, so that `ties` tells which post names whom; a name never holds a space
        authors = society.posts.select("person").unique()
        people = frames.people(pl.concat([society.people.select("person"), authors]).unique())
        alone = frames.posts(society.posts.with_columns(person=" " + pl.col("post")))
        named = ties(Society(people, alone, frames.ties(frames.empty("ties"))), kind="mention", directed=True)
        said = posts.select("value", author="person", source=" " + pl.col("post"))
        return (
            named.select("source", "target")
            .join(said, on="source", how="inner")
            .select("target", "value", source="author")
        )
    repost = pl.col("kind").eq_missing("repost") if "kind" in posts.columns else pl.lit(value=False)
    said = posts.filter(repost if kind == "repost" else ~repost).select("parent", "value", source="person")
    return said.drop_nulls("parent").join(posts.select(parent="post", target="person"), on="parent", how="inner")
