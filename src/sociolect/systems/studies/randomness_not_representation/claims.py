"""What is held against each claim of the card."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from sociolect.compare.robustness import Audit
from sociolect.frames import Effects
from sociolect.systems.held import Here
from sociolect.systems.studies.randomness_not_representation.compare import chosen, fragile, largest

PLANTED = {
    "incoherence": "planted/alike", "erratic": "planted/half", "narrow": "planted/torn",
}  # the players in which a claim's finding is planted  # fmt: skip


def found(
    forms: Audit, steered: Effects | None, clustered: Effects | None, saved: pl.DataFrame, *, planted: bool
) -> dict[str, Here]:
    """The number of each claim, of the planted player that has it, or of all models; a claim without one says why."""
    out: dict[str, Here] = {}
    moved = largest(forms.stability) if forms.stability is not None else None
    note = "of what is planted: " if planted else ""
    out["instability"] = (
        Here(moved["estimate"], moved["low"], moved["high"], moved["n"],
             why=f"{note}{moved['contrast']}; the largest of {moved['of']} effects, its interval widened for the choice (Bonferroni)")
        if moved else Here(why="no effect in standard deviations between countries could be had")
    )  # fmt: skip
    out["incoherence"] = _over(clustered, "incoherence", planted, note)
    out["erratic"] = _steered(steered, planted, note)
    counted = fragile(saved)
    mine = counted.filter(pl.col("of") == PLANTED["narrow"]) if planted else counted
    made, broken = int(mine["made"].sum()), int(mine["broken"].sum())
    out["narrow"] = (
        _share(broken, made, note) if made else Here(why="no country is preferred to another on either scale")
    )
    return out


def _over(clustered: Effects | None, claim: str, planted: bool, note: str) -> Here:
    rows = pl.DataFrame() if clustered is None else clustered.filter(pl.col("contrast").str.starts_with("all held out"))
    if planted and rows.height:
        rows = rows.filter(of=PLANTED[claim])
    if not rows.height:
        return Here(why="no model was clustered")
    # of several models the one with the most coherence: the claim is about all of them
    row: Mapping[str, Any] = rows.sort("estimate", "of", descending=True).row(0, named=True)
    return Here(
        row["estimate"],
        row["low"],
        row["high"],
        row["n"],
        why=f"{note}{row['of']}" + (f", the highest of {rows.height}" if rows.height > 1 else ""),
    )


def _steered(steered: Effects | None, planted: bool, note: str) -> Here:
    rows = (
        pl.DataFrame()
        if steered is None
        else steered.filter(pl.col("measure") == "steer ratio", pl.col("speaker").is_not_null())
    )
    if planted and rows.height:
        rows = rows.filter(speaker=PLANTED["erratic"])
    if not rows.height or rows["low"].null_count() == rows.height:
        return Here(why="no steered vectors could be held against people's")
    far = (pl.col("estimate") - 1).abs()
    row = rows.sort(far, "speaker", descending=[True, False]).row(0, named=True)
    noisy = "single answers" in row["method"]  # their noise alone makes vectors spread
    low, high = chosen(row["estimate"], row["low"], row["high"], among=rows.height)
    same = "yes" if not noisy and low is not None and high is not None and (low > 1 or high < 1) else "undecided"
    more = f", the farthest from 1 of {rows.height}, its interval widened for the choice (Bonferroni)" if rows.height > 1 else ""  # fmt: skip
    more += "; not judged: single answers, whose noise alone makes vectors spread" if noisy else ""
    return Here(row["estimate"], low, high, row["n"], same, f"{note}{row['speaker']}{more}")


def _share(broken: int, made: int, note: str) -> Here:
    """A share with Wilson's interval."""
    from scipy.stats import binomtest

    ends = binomtest(broken, made).proportion_ci(method="wilson")
    why = f"{note}{broken} of {made} claims made on one scale at least, where the scales differ beyond chance; Wilson's interval, pairs taken as independent"
    # Wilson's lower end is 0 but for rounding where nothing changed
    low = 0.0 if broken == 0 else float(ends.low)
    return Here(broken / made, low, float(ends.high), made, why=why)
