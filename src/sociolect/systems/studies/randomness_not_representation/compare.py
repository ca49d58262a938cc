"""What is found: the audits of arms A and D written down, the values survey's clusters, the case study's claims."""

from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.compare.robustness import Audit, audit, positions
from sociolect.compare.stability import FORMATS, by_line
from sociolect.compare.steerability import steerability
from sociolect.frames import Effects

PARTS = Audit._fields


def audited(
    replies: pl.DataFrame, people: pl.DataFrame | None = None, *, folder: Path, within: str | None = None, formats: Sequence[str] = FORMATS, dimension: str | None = None,
    draws: int, permutations: int, seed: int,
) -> None:  # fmt: skip
    """The audit of these replies, a parquet file per part in `folder`; a part that cannot be had has none."""
    how: dict[str, Any] = {"draws": draws, "permutations": permutations, "seed": seed, "formats": formats}
    found = audit(replies, people=people, within=within, dimension=dimension, **how)
    for part in PARTS:
        if (one := getattr(found, part)) is not None:
            one.write_parquet(folder / f"{part}.parquet")


def read(folder: Path) -> Audit:
    """The audit that stands in a folder."""

    def part(name: str) -> Any:
        file = folder / f"{name}.parquet"
        return pl.read_parquet(file) if file.exists() else None

    return Audit(*(part(name) for name in PARTS))


def fragile(claims: pl.DataFrame) -> pl.DataFrame:
    """Per speaker: of the claims made on one scale at least, how many are not made on all, or are turned round.

    Counted where the scales differ beyond chance too: a claim that is sure here and not there may owe it to noise alone.
    """
    made = claims.filter(pl.col("sure") > 0)
    broken = ((pl.col("sure") < 1) | (pl.col("reversed") > 0)) & (pl.col("apart") > 0)
    return made.group_by("of").agg(made=pl.len().cast(pl.Int64), broken=broken.sum().cast(pl.Int64)).sort("of")


def largest(stable: Effects) -> dict[str, Any] | None:
    """The format effect that is the largest in people's spreads, told as a size."""
    known = stable.filter(pl.col("line") == "effect", pl.col("in_spreads").is_not_null())
    if known.is_empty():
        return None
    row = known.sort(pl.col("in_spreads").abs(), "contrast", descending=[True, False]).row(0, named=True)
    low, high = chosen(row["in_spreads"], row["spread_low"], row["spread_high"], among=known.height)
    if low is None or high is None:
        ends: tuple[float | None, float | None] = (None, None)
    else:
        ends = (min(abs(low), abs(high)) if low * high > 0 else 0.0, max(abs(low), abs(high)))
    return {
        "estimate": abs(row["in_spreads"]),
        "low": ends[0],
        "high": ends[1],
        "n": row["n"],
        "contrast": row["contrast"],
        "of": known.height,
    }


def chosen(
    estimate: float, low: float | None, high: float | None, *, among: int, level: float = 0.95
) -> tuple[float | None, float | None]:
    """The interval of the largest of several numbers, widened for the choice: Bonferroni, on the normal scale of each side.

    >>> [None if e is None else round(e, 2) for e in chosen(1.0, 0.8, 1.4, among=15)]
    [0.7, 1.6]
    """
    if low is None or high is None:
        return None, None
    tail = (1 - level) / 2
    wider = NormalDist().inv_cdf(1 - tail / among) / NormalDist().inv_cdf(1 - tail)
    return estimate - wider * (estimate - low), estimate + wider * (high - estimate)


def beside_base(stable: Effects) -> pl.DataFrame:
    """Arm B: the base less each change (effect), and the size of that pair by pair (shift); p by Holm over these effects."""
    base_first = pl.col("contrast").str.extract(r"^way: base - (.+?)(?:, |$)", 1)
    base_last = pl.col("contrast").str.extract(r"^way: (.+?) - base(?:, |$)", 1)
    held = (
        stable.filter(pl.col("line").is_in(["effect", "shift"]))
        .with_columns(
            change=pl.coalesce(base_first, base_last), _turned=base_last.is_not_null() & (pl.col("line") == "effect")
        )
        .filter(pl.col("change").is_not_null())
    )
    ends = {
        c: pl.when("_turned").then(-pl.col(o)).otherwise(pl.col(c))
        for c, o in (("estimate", "estimate"), ("low", "high"), ("high", "low"))
    }
    told = by_line(held.with_columns(**ends), "holm").sort("who", "line", "change")
    return told.select("who", "line", "change", "estimate", "low", "high", "p", "p_adjusted", "n", "left_out", "method")


def outcomes(arms: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Per arm and speaker: asked, answered, refused, unparsed, blank; the last four sum to the first."""
    kinds = ("answered", "refused", "unparsed", "blank")
    parts = [
        one.group_by("speaker").agg(asked=pl.len().cast(pl.Int64), **{k: (pl.col("outcome") == k).sum().cast(pl.Int64) for k in kinds})
        .sort("speaker").select(pl.lit(arm).alias("arm"), "speaker", "asked", *kinds)
        for arm, one in arms.items()
    ]  # fmt: skip
    return pl.concat(parts)


def steer_only(replies: pl.DataFrame, people: pl.DataFrame, *, draws: int, permutations: int, seed: int) -> Effects:
    """Steerability of replies in one form."""
    return frames.effects(
        steerability(positions(frames.replies(replies)), people, draws=draws, relabelled=permutations, seed=seed)
    )
