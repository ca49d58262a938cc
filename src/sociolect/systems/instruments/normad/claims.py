"""What this run finds of each published claim: of the best model that was named, and of no planted respondent."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from sociolect.frames import Effects
from sociolect.report.table import digits
from sociolect.systems.held import Here

PLANTED = "planted respondents answered: name models"
CITED = "cited: the paper does not say how people were asked"
BOUND = 0.6  # [paper], as the card's sign says
ENGLISH, GIFTS = "English-speaking", "gifts"


def best(rungs: Effects) -> str | None:
    """The community with the highest accuracy with the rule given, over all rows; null where the rule was not asked."""
    told = rungs.filter(measure="accuracy", what="rule", rows="all").drop_nulls("estimate")
    return None if told.is_empty() else str(told.sort(-pl.col("estimate"), "community")["community"][0])


def found(tables: Mapping[str, Effects], *, planted: bool) -> dict[str, Here]:
    """Each claim's number of the best model: `tables` are rungs, labels, groups and subaxes; `group` differences need their groups.

    Where planted respondents answered nothing is held against the paper: what they find was put there.
    """
    if planted or (who := best(tables["rungs"])) is None:
        why = PLANTED if planted else "the rule was not asked: no model is the best with it"
        return {
            c: Here(why=CITED if c == "humans" else why)
            for c in ("best", "humans", "value", "country", "english", "gifts", "adhering")
        }

    def here(table: str, what: str, why: str, **of: str) -> Here:
        told = tables[table].filter(community=who, what=what, **of)
        if told.is_empty() or told["estimate"][0] is None:
            return Here(why=f"not asked: {why}")
        row: dict[str, Any] = told.row(0, named=True)
        return Here(
            row["estimate"],
            row["low"],
            row["high"],
            row["n"],
            "undecided" if row["low"] is None and of.get("measure") != "accuracy" else "",
            f"{who}, {why}",
        )

    def below(rung: str, bound: float, why: str) -> Here:
        """The paper's number is over all stories; neutral ones are suspect, so the verdict is one that both readings give."""
        every, alone = (here("rungs", rung, why, measure="accuracy", rows=rows) for rows in ("all", "yes and no"))
        if every.estimate is None or alone.estimate is None:
            return every
        known = [(one.low, one.high) for one in (every, alone) if one.low is not None and one.high is not None]
        sides = {"yes" if high < bound else "no" if low > bound else "undecided" for low, high in known}
        same = sides.pop() if len(known) == 2 and len(sides) == 1 else "undecided"
        return every._replace(same=same, why=f"{every.why}; yes and no stories alone: {digits(alone.estimate)}")

    gifts = next(
        (w for w in tables["subaxes"]["what"].to_list() if GIFTS[:4] in w.lower() and w.endswith(" - others")), ""
    )
    return {
        "best": here("rungs", "rule", "the rule given", measure="accuracy", rows="all"),
        "humans": Here(why=CITED),
        "value": below("value", BOUND, "the values given"),
        "country": below("country", BOUND, "the country given"),
        "english": here("groups", f"{ENGLISH} - others", "the country given, neutral stories among them"),
        "gifts": here("subaxes", gifts, "the rule given, neutral stories among them"),
        "adhering": here("labels", "rule", "the rule given", measure="yes-bias"),
    }
