"""Every published claim beside our estimate: the paper says, here, same sign?"""

from collections.abc import Sequence

import polars as pl

from sociolect import frames
from sociolect.frames import Effects
from sociolect.report.content import Section
from sociolect.systems import Claim

# Which of our effects answers which claim: (measure, contrast), and the null value its interval is held against.
ANSWERS = {
    "origin_aligned": ("weighted_f1", "aligned"),
    "origin_in_context": ("weighted_f1", "in_context"),
    "origin_ratio": ("weighted_f1", "aligned / in_context"),
    "origin_human": ("accuracy", "human"),
    "emotion_closer": ("emotion", "aligned - in_context"),
    "toxicity_closer": ("toxicity", "aligned - in_context"),
    "frechet_closer": ("frechet", "aligned - in_context"),
    "preference": ("preference", "overall: aligned over in_context"),
    "harm_agreement": ("kappa", "harm"),
    "harm_rate": ("harm:harmful:agreed", "all arms"),
    "screener_order": ("", ""),
}
NULLS = {"> 1": 1.0, "> 0": 0.0, "< 0": 0.0, "> .5": 0.5, "order": 0.0}
COLUMNS = ("measure", "contrast", "estimate", "low", "high", "n")


def told(sections: Sequence[Section], names: Sequence[str]) -> Effects:
    """The numbers that stand in the named tables, as effects: what claims are held against is what the page shows."""
    found = [s.table.select(COLUMNS) for s in sections if s.name in names and s.table is not None]
    return frames.effects(pl.concat([frames.empty("effects").select(COLUMNS), *found]))


def claims(published: Sequence[Claim], effects: Effects, *, communities: int) -> pl.DataFrame:
    """One row per claim: what the paper says, our estimate with its interval, and whether the sign is the same.

    The sign is `yes` where our whole interval lies on the claim's side of its null value, `no` where it lies on the other,
    `undecided` where it holds it, and `not measured` where there is no estimate.
    """
    rows = []
    for claim in published:
        measure, contrast = ANSWERS[claim.id]
        found = effects.filter((pl.col("measure") == measure) & (pl.col("contrast") == contrast))
        null = 1 / communities if claim.sign == "> chance" else NULLS[claim.sign]
        here = found.row(0, named=True) if found.height else {"estimate": None, "low": None, "high": None, "n": None}
        rows.append(
            (
                claim.what,
                claim.value,
                claim.where,
                here["estimate"],
                here["low"],
                here["high"],
                here["n"],
                claim.sign if claim.sign == "order" else f"{claim.sign[0]} {null:.3g}",
                sign(here["low"], here["high"], null, above=claim.sign[0] != "<"),
            )
        )
    names = ["claim", "the paper says", "where", "here", "low", "high", "n", "sign tested", "same sign?"]
    kinds = [pl.String, pl.Float64, pl.String, pl.Float64, pl.Float64, pl.Float64, pl.Int64, pl.String, pl.String]
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")


def sign(low: float | None, high: float | None, null: float, *, above: bool = True) -> str:
    """Whether an interval lies on the side of a null value that is claimed.

    >>> sign(0.1, 0.3, 0.0), sign(-0.1, 0.3, 0.0), sign(-0.3, -0.1, 0.0), sign(None, None, 0.0)
    ('yes', 'undecided', 'no', 'not measured')
    """
    if low is None or high is None:
        return "not measured"
    if low <= null <= high:
        return "undecided"
    return "yes" if (low > null) == above else "no"
