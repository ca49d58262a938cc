"""What the paper claims beside what we find, sign for sign."""

from collections.abc import Mapping, Sequence

import polars as pl

from sociolect.systems import Claim

Row = Mapping[str, float | None]
# The tones each claim is about; the others are about all of them.
ABOUT = {
    "beta_surprised": ("surprised",), "beta_worried": ("worried",), "beta_order": ("worried", "surprised"),
    "context_surprised": ("surprised",), "context_insult": ("insult",), "disclosure_close": ("self_disclosure",),
}  # fmt: skip
NONE: dict[str, float | None] = {"estimate": None, "low": None, "high": None}


def table(claims: Sequence[Claim], found: Mapping[str, pl.DataFrame], *, weak: Sequence[str]) -> pl.DataFrame:
    """One row per claim of the card: the paper's number, ours with its interval, and whether the whole interval has the claimed sign.

    `found` holds the tables of the sections by name. A claim about a tone that the reader tells badly (`weak`) is shown and
    not judged. What was not measured stays empty, with "not measured". Of a family of tones, a claim
    about one is judged by its p after Holm: its interval is for it alone.
    """
    rows = []
    for claim in claims:
        here = _here(claim.id, found)
        rows.append(
            {
                "claim": claim.what, "paper": claim.value, "here": here["estimate"], "low": here["low"], "high": here["high"], "n": here.get("n"),
                "same sign?": "weak reader, not judged" if {*ABOUT.get(claim.id, ())} & {*weak} else _same(claim.sign, here), "where": claim.where,
            }
        )  # fmt: skip
    kinds = dict.fromkeys(("paper", "here", "low", "high"), pl.Float64) | {"n": pl.Int64}
    return pl.DataFrame(rows, schema_overrides=kinds)


def _here(claim: str, found: Mapping[str, pl.DataFrame]) -> Row:
    if claim == "gain":
        return _gained(found.get("gain"))
    if claim == "equal":
        return _equal(found.get("kappa"))
    if claim == "beta_order":
        return _row(found.get("order"))
    if claim == "context_overall":
        return _row(found.get("context"), measure="mean over tones")
    if claim.startswith("beta_"):
        return _row(found.get("betas"), adjusted="p_bh", measure=ABOUT[claim][0], condition="none")
    if claim.startswith("context_"):
        return _row(found.get("context"), adjusted="p_holm", measure=ABOUT[claim][0])
    if (
        "in_public" in found
    ):  # where some comments are private, the coefficient of closeness is not about those in public
        return _row(found["in_public"], measure="self_disclosure", contrast="close, public")
    return _row(found.get("slopes"), measure="self_disclosure", contrast="closeness[T.close]")


def _row(table: pl.DataFrame | None, *, adjusted: str = "", **where: str) -> Row:
    """The first row that fits: that of the first model, where there are several. `family` is its p among its like."""
    if table is None:
        return NONE
    rows = table.filter(*(pl.col(c) == v for c, v in where.items())) if where else table
    if not rows.height:
        return NONE
    row = rows.row(0, named=True)
    return {k: row[k] for k in ("estimate", "low", "high")} | {
        "family": row[adjusted] if adjusted else None,
        "n": row.get("n"),
    }


def _gained(gain: pl.DataFrame | None) -> Row:
    """The share of tones that the social block is shown to move (joint Wald test, Holm); a count of tests has no interval."""
    if gain is None or not gain.height:
        return NONE
    share = float((gain["p_holm"] <= 0.05).mean() or 0.0)  # type: ignore[arg-type]  # a mean of booleans
    return NONE | {"estimate": share, "shown": share, "n": gain.height}


def _equal(kappa: pl.DataFrame | None) -> Row:
    """The first model's reaction over people's without context, and whether it is shown to be equal, or to differ."""
    if kappa is None:
        return NONE
    rows = kappa.filter((pl.col("measure") == "all tones") & pl.col("arm").str.ends_with("none"))
    if not rows.height:
        return NONE
    row = rows.row(0, named=True)
    said = {"equal": 1.0, "different but small": 1.0, "different": -1.0}.get(row["verdict"], 0.0)
    return {k: row[k] for k in ("estimate", "low", "high")} | {"equal": said, "n": row.get("n")}


def _same(sign: str, here: Row) -> str:
    """yes where the whole interval has the sign, no where it has the other, undecided else."""
    low, high = here["low"], here["high"]
    if "shown" in here:  # not shown is not the opposite shown
        return "yes" if here["shown"] else "undecided"
    if "equal" in here and here["estimate"] is None:
        return "people's own reaction is not told from 0"
    if here["estimate"] is None or low is None or high is None:
        return "not measured"
    if sign == "equal":
        return {1.0: "yes", -1.0: "no"}.get(here["equal"] or 0.0, "undecided")
    if sign == "<= 0":
        return "yes" if high <= 0 else "no" if low > 0 else "undecided"
    alone = here.get("family")
    if alone is not None and alone > 0.05:
        return "undecided"
    up, down = low > 0, high < 0
    if sign == "> 0":
        return "yes" if up else "no" if down or high <= 0 else "undecided"
    return "yes" if down else "no" if up else "undecided"
