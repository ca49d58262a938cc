"""What went between two people before a moment, and how close that makes them."""

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.errors import InputError

Floats = npt.NDArray[np.float64]


def has_times(frame: pl.DataFrame) -> bool:
    """Whether some row has a time.

    >>> has_times(pl.DataFrame({"time": [None, 3]})), has_times(pl.DataFrame({"time": [None]}))
    (True, False)
    """
    return "time" in frame.columns and bool(frame["time"].is_not_null().any())


def turned(posts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The posts in short, and those of them that answer or repost somebody else's: source, target, kind, time."""
    timed = has_times(posts)
    if timed and not (posts.schema["time"].is_temporal() or posts.schema["time"].is_numeric()):
        raise InputError(
            f"column 'time' of the posts is {posts.schema['time']}, not a time: read it with table(time=...)"
        )
    made = posts.select(
        "post", "person", "parent",
        kind=pl.col("kind") if "kind" in posts.columns else pl.lit(None, pl.String),
        time=pl.col("time").cast(pl.Int64) if timed else pl.lit(0, pl.Int64),
    )  # fmt: skip
    shown = made.with_columns(
        kind=pl.when(pl.col("kind") == "repost").then(pl.lit("repost")).otherwise(pl.lit("reply"))
    ).join(made.select(parent="post", target="person", parent_time="time"), on="parent", how="inner")
    return made, shown.filter(pl.col("person") != pl.col("target")).rename({"person": "source"})


def classed(
    found: pl.DataFrame,
    *,
    often: float,
    some: float,
    seen: int,
    unheard: str = "not heard before",
    unsure: str = "an exchange without a time",
) -> pl.DataFrame:
    """The class of each counted comment, or why it has none.

    `found` has source, target, post, time, given, received, heard (how often the less heard of the two was) and gap (whether it is
    not told if an exchange of theirs was before).
    """
    strangers = (pl.col("given") == 0) & (pl.col("received") == 0)
    close = (pl.col("given") >= often) & (pl.col("received") >= often)
    met = pl.max_horizontal("given", "received") >= some
    reason = (
        pl.when(pl.col("time").is_null())
        .then(pl.lit("no time"))
        .when(close)
        .then(None)
        .when("gap")
        .then(pl.lit(unsure))
        .when(met)
        .then(None)
        .when(~strangers)
        .then(pl.lit("hardly"))
        .when(pl.col("heard") < seen)
        .then(pl.lit(unheard))
    )
    known = pl.when(close).then(pl.lit("close")).when(met).then(pl.lit("not_close")).otherwise(pl.lit("stranger"))
    untimed = pl.col("time").is_null()
    return (
        found.with_columns(reason=reason)
        .with_columns(
            closeness=pl.when(pl.col("reason").is_null()).then(known),
            given=pl.when(~untimed).then("given"),
            received=pl.when(~untimed).then("received"),
        )
        .select("source", "target", "closeness", "post", "given", "received", "reason")
    )


def before(events: pl.DataFrame, asked: pl.DataFrame, *, timed: bool) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The weight of the events of each asked pair before its time (of all where not `timed`), and whether some have no time.

    One sorted key holds pair and time, so that a sum is the running sum of the pair at the last event before.
    """
    pair = ["source", "target"]
    codes = asked.select(pair).unique(maintain_order=True).with_row_index("pair")
    here = events.join(codes, on=pair, how="inner")
    at = asked.join(codes, on=pair, how="left", maintain_order="left")["pair"].to_numpy().astype(np.int64)
    gap = np.isin(at, here.filter(pl.col("time").is_null())["pair"].to_numpy())
    here = here.drop_nulls("time")
    moments = np.unique(here["time"].to_numpy())
    width = len(moments) + 1
    keys = here["pair"].to_numpy().astype(np.int64) * width + np.searchsorted(moments, here["time"].to_numpy())
    order = np.lexsort((here["weight"].to_numpy(), keys))
    keys = keys[order]
    # summed pair by pair: a heavy pair beside would else leave its rounding in the sums of the others
    total = here[order].select(pl.col("weight").cum_sum().over("pair"))["weight"].to_numpy()
    upto = np.full(len(at), width)
    if timed:
        upto = np.searchsorted(moments, asked["time"].fill_null(0).to_numpy())
    begin, end = np.searchsorted(keys, at * width), np.searchsorted(keys, at * width + upto)
    found = np.zeros(len(at))
    found[end > begin] = total[end[end > begin] - 1]
    return found, gap
