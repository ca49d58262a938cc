"""The paper's claims held against what we find: the paper says, here, same sign?"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from sociolect.errors import InputError, unknown
from sociolect.systems import Claim


class Here(NamedTuple):
    """What we find of one claim: the number with its interval, how many units it rests on.

    `same` is the verdict where no sign can decide it (an order, a pattern): yes, no or undecided. `why` says why there is
    no number, or what it is a number of.
    """

    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    same: str = ""
    why: str = ""


KINDS = {
    "claim": pl.String, "the paper says": pl.Float64, "here": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64,
    "same sign?": pl.String, "what stands here": pl.String, "sign tested": pl.String, "where": pl.String,
}  # fmt: skip


def held(claims: Sequence[Claim], found: Mapping[str, Here], *, planted: bool = False) -> pl.DataFrame:
    """One row per claim of the card, in its order; `found` holds what we find by the claim's id.

    A sign `+` or `-` is there where the whole interval lies on that side of 0, is not where it lies on the other, else
    undecided; `> x` and `< x` likewise against x. `0` and `=` are denied where the interval excludes 0, or the paper's number,
    and otherwise undecided, for a wide interval shows no equality: only a count without an interval can equal a number, and
    `Here.same` says what a test of equivalence found. Any other sign is words: `Here.same` judges it. A claim without an entry,
    or without an estimate and a verdict, is not measured here. Where the players are `planted`, a verdict is about what was
    planted and about no model, and says so: "planted: yes". Counts (`=` without an interval) stay as they are.
    Raises InputError for an entry that the card has no claim for, or an end of an interval that lies on the wrong side.

    >>> card = [Claim("gain", "practice helps", 0.16, "abstract", "+"), Claim("cost", "costs nothing", 0.0, "abstract", "0")]
    >>> held(card, {"gain": Here(0.3, 0.2, 0.4, 20)})["same sign?"].to_list()
    ['yes', 'not measured']
    """
    known = {claim.id for claim in claims}
    for name, here in found.items():
        if name not in known:
            raise InputError(str(unknown("claim", name, known)))
        if here.estimate is not None and not (
            (here.low is None or here.low <= here.estimate) and (here.high is None or here.high >= here.estimate)
        ):
            raise InputError(f"claim {name!r}: {here.estimate} lies outside its interval {here.low} to {here.high}")
    rows = []
    for claim in claims:
        here = found.get(claim.id, Here())
        rows.append(
            (
                claim.what,
                claim.value,
                *here[:4],
                _said(_same(claim, here), claim, here, planted=planted),
                here.why,
                claim.sign,
                claim.where,
            )
        )
    return pl.DataFrame(rows, schema=KINDS, orient="row")


def _said(verdict: str, claim: Claim, here: Here, *, planted: bool) -> str:
    count = claim.sign.strip() == "=" and here.low is None
    return f"planted: {verdict}" if planted and not count and verdict in ("yes", "no", "undecided") else verdict


def _same(claim: Claim, here: Here) -> str:
    if here.same:
        return here.same
    if here.estimate is None:
        return "not measured"
    low = here.estimate if here.low is None else here.low
    high = here.estimate if here.high is None else here.high
    sign, bound = claim.sign.strip(), 0.0
    if sign in ("=", "0"):
        due = claim.value if sign == "=" else 0.0
        if due is None:
            return "not judged"
        if not low <= due <= high:
            return "no"
        return "yes" if here.low is None and here.high is None else "undecided"
    if sign[:1] in "<>" and sign[1:].strip():
        try:
            bound = float(sign[1:])
        except ValueError:
            return "not judged"
    if sign[:1] not in ("+", "-", "<", ">") or (sign[:1] in "+-" and len(sign) > 1):
        return "not judged"
    if low == high == bound:
        return "no"
    up = sign[0] in "+>"
    if low > bound or high < bound:
        return "yes" if (low > bound) is up else "no"
    return "undecided"
