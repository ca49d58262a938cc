"""Answers to questions with options as shares: by published option, and by the place an option was shown at."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError
from sociolect.frames import Replies


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Replies with an answer (n rows), their shares by published option and by shown place (n, k), and their level.

    Options an item lacks have share 0. `level` (n,) is the expected published option, from 0: option units. `rows` also
    has `options_n`, `first` (the published option shown first), `rotated` (shown as a rotation of the published order) and
    `ascending` (the first published option shown before the last).
    """

    rows: pl.DataFrame
    published: FloatArray
    shown: FloatArray
    level: FloatArray

    def where(self, told: pl.Expr) -> "Answers":
        """Those rows for which the expression is true."""
        kept = self.rows.select(told.fill_null(False)).to_series().to_numpy()
        return Answers(self.rows.filter(kept), self.published[kept], self.shown[kept], self.level[kept])


def answers(replies: Replies) -> Answers:
    """The replies that chose an option, or hold `shares` over what was `shown`.

    The published order of an item is what `order` "forward" showed; where that was not asked, its `options`. Replies
    without options, or without an answer, are not in it. Raises InputError where an item has no published order or two,
    a choice was not shown, or shares are no distribution over what was shown.

    >>> said = pl.DataFrame({"item": ["q", "q"], "order": ["forward", "reversed"], "shown": [["a", "b"], ["b", "a"]],
    ...     "choice": ["b", "b"], "shares": [None, [0.75, 0.25]]}, schema_overrides={"shares": pl.List(pl.Float64)})
    >>> found = answers(Replies(said))
    >>> found.published.tolist(), found.shown.tolist(), found.level.tolist()
    ([[0.0, 1.0], [0.25, 0.75]], [[0.0, 1.0], [0.75, 0.25]], [1.0, 0.75])
    """
    if missing := [c for c in ("shown", "choice", "order") if c not in replies.columns]:
        raise InputError(f"these replies have no column {', '.join(map(repr, missing))}")
    frame = replies.drop("options_n", "first", "rotated", "ascending", strict=False)
    if "shares" not in frame.columns:
        frame = frame.with_columns(shares=pl.lit(None, pl.List(pl.Float64)))
    asked = frame.filter(pl.col("shown").is_not_null(), pl.col("choice").is_not_null() | pl.col("shares").is_not_null())
    rows = asked.join(_presentations(frame), on=["item", "shown"], how="left", maintain_order="left")
    long = rows.with_row_index("_row").select(
        "_row", "shown", "shares", "choice", "places",
        _at=pl.int_ranges(0, pl.col("shown").list.len(), dtype=pl.Int64),
    )  # fmt: skip
    if bad := long.filter(
        pl.col("shares").is_not_null()
        & ((pl.col("shares").list.len() != pl.col("shown").list.len())
           | ((pl.col("shares").list.sum() - 1).abs() > 1e-6) | (pl.col("shares").list.min() < 0))
    ).height:  # fmt: skip
        raise InputError(f"{bad} replies hold shares that are no distribution over what was shown: renormalise them")
    if odd := long.filter(pl.col("shares").is_null(), ~pl.col("shown").list.contains(pl.col("choice"))).height:
        raise InputError(f"{odd} replies chose an option that was not shown: such a reply is unparsed")
    n, k = rows.height, int(rows["options_n"].max() or 0)  # type: ignore[arg-type]  # an integer column
    published, shown = np.zeros((n, k)), np.zeros((n, k))
    one = long.filter(pl.col("shares").is_null()).drop("shares").explode("shown", "places", "_at")
    one = one.filter(pl.col("shown") == pl.col("choice")).with_columns(share=pl.lit(1.0))
    many = long.filter(pl.col("shares").is_not_null()).explode("shown", "places", "_at", "shares")
    for part in (one, many.rename({"shares": "share"})):
        row, share = part["_row"].to_numpy(), part["share"].to_numpy()
        published[row, part["places"].to_numpy()] = share
        shown[row, part["_at"].to_numpy()] = share
    return Answers(rows.drop("places"), published, shown, published @ np.arange(k, dtype=float))


def _presentations(replies: pl.DataFrame) -> pl.DataFrame:
    """Per item and what was shown: the published place of each option, their number, the first one, whether rotated."""
    extra = ["options"] if "options" in replies.columns else []
    seen = replies.filter(pl.col("shown").is_not_null()).select("item", "shown", "order", *extra).unique()
    orders: dict[str, set[tuple[str, ...]]] = {}
    for row in seen.iter_rows(named=True):
        if row["order"] == "forward":
            orders.setdefault(row["item"], set()).add(tuple(row["shown"]))
    for row in seen.iter_rows(named=True) if extra else ():
        if row["item"] not in orders and row["options"] is not None:
            orders[row["item"]] = {tuple(row["options"])}
    faults = [f"item {i} has {len(found)} published orders" for i, found in sorted(orders.items()) if len(found) > 1]
    out = []
    for item, shown in sorted((i, tuple(s)) for i, s in seen.select("item", "shown").unique().iter_rows()):
        order = min(orders[item]) if item in orders else None
        if order is None or sorted(order) != sorted(shown):
            said = "was never shown forward" if order is None else f"was shown options other than {', '.join(order)}"
            faults.append(f"item {item} {said}")
            continue
        places = [order.index(option) for option in shown]
        turned = all((b - a) % len(places) == 1 for a, b in pairwise(places))
        up = places.index(0) < places.index(len(places) - 1)
        out.append((item, list(shown), places, len(places), places[0], turned, up))
    if faults:
        raise InputError(f"the published order of options cannot be told: {'; '.join(dict.fromkeys(faults))}")
    return pl.DataFrame(out, schema=_PRESENTED, orient="row")


_PRESENTED: dict[str, pl.DataType] = {
    "item": pl.String(), "shown": pl.List(pl.String), "places": pl.List(pl.Int64), "options_n": pl.Int64(),
    "first": pl.Int64(), "rotated": pl.Boolean(), "ascending": pl.Boolean(),
}  # fmt: skip
