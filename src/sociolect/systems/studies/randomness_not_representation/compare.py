"""What is found: the audits of arms A and D written down, the values survey's clusters, the case study's claims."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.compare.robustness import Audit, audit, positions
from sociolect.compare.stability import FORMATS
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
    """Per speaker: of the claims made on one scale at least, how many are not made on all, or are turned round."""
    made = claims.filter(pl.col("sure") > 0)
    broken = (pl.col("sure") < 1) | (pl.col("reversed") > 0)
    return made.group_by("of").agg(made=pl.len().cast(pl.Int64), broken=broken.sum().cast(pl.Int64)).sort("of")


def largest(stable: Effects) -> dict[str, Any] | None:
    """The format effect that is the largest in people's spreads, told as a size."""
    known = stable.filter(pl.col("line") == "effect", pl.col("in_spreads").is_not_null())
    if known.is_empty():
        return None
    row = known.sort(pl.col("in_spreads").abs(), "contrast", descending=[True, False]).row(0, named=True)
    ends = sorted(abs(row[c]) for c in ("spread_low", "spread_high")) if row["spread_low"] * row["spread_high"] > 0 else [0.0, max(abs(row["spread_low"]), abs(row["spread_high"]))]  # fmt: skip
    return {
        "estimate": abs(row["in_spreads"]),
        "low": ends[0],
        "high": ends[1],
        "n": row["n"],
        "contrast": row["contrast"],
        "of": known.height,
    }


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
