"""How often a community's replies meet a criterion, with an interval that knows that 0 of 50 is not never."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.group_means import GroupMeans, group_means
from sociolect.compare.interval import FEW
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Effects, Scores

SAME = 0.1  # ours: how alike the replies of one cluster are taken to be where none of them differ


def criteria(
    scores: Scores,
    *,
    by: Sequence[str] = ("measure", "community"),
    clusters: Sequence[str] = ("template",),
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Effects:
    """The probability of each criterion in each community: the mean of 1 (met) and 0 (not met) over replies.

    Undetermined replies (null) are counted in `left_out`, never as not met. The interval is `proportion`'s.
    Raises InputError where a value is neither 1, 0 nor null, RefusedError without rows.

    >>> met = [("m", "model", "red", "swed", "a", d, 0, "swed:C2", float(d == 0), f"u{d}") for d in range(10)]
    >>> found = criteria(frames.scores(pl.DataFrame(met, schema=[*frames.KEYS, "measure", "value", "template"], orient="row")))
    >>> found["contrast"][0], found["estimate"][0], round(found["low"][0], 2), round(found["high"][0], 2)
    ('red', 0.1, 0.01, 0.47)
    """
    if scores.is_empty():
        raise RefusedError("there are no scores: no criterion to count")
    if odd := scores.filter(~pl.col("value").is_in([0.0, 1.0])).height:
        raise InputError(f"{odd} values are neither 1, 0 nor null: a criterion is met, not met or undetermined")
    found = group_means(
        scores, scores["value"].to_numpy(), by=by, clusters=clusters, level=level, draws=draws, seed=seed
    )
    rows = []
    for at, group in enumerate(found.groups.iter_rows(named=True)):
        named = ", ".join(str(group[c]) for c in by if c != "measure") or "all"
        rows.append(
            {"measure": group.get("measure", "criterion"), "contrast": named} | {c: group[c] for c in by if c != "measure"}
            | proportion(found, at)
        )  # fmt: skip
    schema = {"estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "clusters": pl.Int64}
    return frames.effects(pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None))


def proportion(found: GroupMeans, at: int, value: int = 0) -> dict[str, object]:
    """A share among 0 and 1 with Wilson's interval at the effective number of rows: the columns of an effects row.

    The effective number is p (1 - p) over the clusters' bootstrap variance, at most n, and the quantile is Student's t
    with one degree less than the clusters (Korn and Graubard 1998; Dean and Pagano 2015 for Wilson's form). Where all
    rows agree no draw shows how far clusters differ: an intraclass correlation of .1 is taken for granted (ours).
    """
    from scipy.special import stdtrit

    share = float(found.estimate[at, value])
    n, left_out, clusters = *found.groups.select("n", "left_out").row(at), int(found.clusters[at])
    out = {"estimate": None if np.isnan(share) else share, "low": None, "high": None, "n": n, "left_out": left_out,
           "clusters": clusters or None}  # fmt: skip
    if np.isnan(share):
        return out | {"method": "proportion; no number: no row has a value"}
    if found.samples is None or clusters < 2:
        return out | {"method": f"proportion; no interval: {found.reason or 'one cluster only'}"}
    drawn = found.samples[:, at, value]
    variance = float(np.nanvar(drawn, ddof=1)) * clusters / (clusters - 1)
    effective = min(n, share * (1 - share) / variance) if variance > 1e-15 else n / (1 + SAME * (n / clusters - 1))
    t = -float(stdtrit(clusters - 1, (1 - found.level) / 2))
    middle = (share + t * t / (2 * effective)) / (1 + t * t / effective)
    half = t / (1 + t * t / effective) * np.sqrt(share * (1 - share) / effective + t * t / (4 * effective**2))
    few = f"; few clusters ({clusters} < {FEW})" if clusters < FEW else ""
    return out | {
        "low": max(0.0, float(middle - half)), "high": min(1.0, float(middle + half)),
        "method": f"proportion, Wilson at effective n {effective:.1f}{few}",
    }  # fmt: skip
