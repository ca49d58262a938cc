"""The paper's claims beside what we find; run times, and what they decide, only where they are asked for."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect.systems import Claim

BOUNDS = {
    "real_time": 0.25,
    "milliseconds": 1.0,
}  # seconds: [paper] human reaction time; ours: what is no longer milliseconds
NAMES = ("claim", "the paper says", "where", "here", "n", "sign tested", "same sign?")
KINDS = (pl.String, pl.Float64, pl.String, pl.Float64, pl.Int64, pl.String, pl.String)


def held(published: Sequence[Claim], seconds: pl.DataFrame | None) -> pl.DataFrame:
    """One row per claim; `seconds` is None where run times were not asked for, and their claims are then not measured here.

    >>> card = [Claim("real_time", "p95", 0.25, "abstract", "< .25")]
    >>> slow = pl.DataFrame({"ranker": ["average"], "query": [0], "seconds": [0.5]})
    >>> held(card, slow)["same sign?"].to_list(), held(card, None)["same sign?"].to_list()
    (['no'], ['not on this page'])
    """
    rows = []
    for claim in published:
        here, n, verdict = None, None, "no claim" if claim.sign == "none" else "not on this page"
        if seconds is not None and claim.sign != "none":
            n, percent = seconds.height, 95 if claim.id == "real_time" else 50
            here = quantile(seconds["seconds"], percent)
            verdict = "yes" if here < BOUNDS[claim.id] else "no"
        rows.append((claim.what, claim.value, claim.where, here, n, claim.sign, verdict))
    return pl.DataFrame(rows, schema=dict(zip(NAMES, KINDS, strict=True)), orient="row")


def quantile(values: pl.Series, percent: int) -> float:
    return float(np.percentile(values.to_numpy(), percent))


def per_ranker(seconds: pl.DataFrame) -> pl.DataFrame:
    """Seconds per query: p50, p95, the slowest, and how many queries, per ranker."""
    rows = [
        (ranker, quantile(part["seconds"], 50), quantile(part["seconds"], 95), float(part["seconds"].to_numpy().max()), part.height)
        for (ranker,), part in seconds.group_by("ranker", maintain_order=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["ranker", "p50", "p95", "slowest", "queries"], orient="row")
