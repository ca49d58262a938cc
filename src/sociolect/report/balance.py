"""How far categories lie apart in their covariates, before and after weighting."""

import polars as pl

from sociolect.report.ink import (
    breadth,
    drawable,
    finite,
    legend,
    line,
    mark,
    require,
    short,
    span,
    svg,
    tick_words,
    ticks,
    told,
    word,
)
from sociolect.report.table import digits

_BEFORE, _AFTER = 2, 1  # a square and a circle


def balance(
    frame: pl.DataFrame,
    *,
    category: str | None = None,
    due: float = 0.10,
    axis: str = "standardised mean difference, absolute",
    title: str = "Balance before and after weighting",
) -> str:
    """A row per covariate (or level) with its absolute difference before and after; the dashed line is the due one.

    `frame` is that of `compare.balance`. Without a `category` a row shows, before and after alike, the largest
    difference over the categories. Widest first; negative controls stand last, under their own heading. A covariate without
    a difference keeps its row, with a dash.

    >>> one = pl.DataFrame({"covariate": ["age"], "level": [None], "category": ["close"], "before": [-0.4], "after": [0.02],
    ...     "held_out": [False]}, schema_overrides={"level": pl.String})
    >>> "age: 0.400 before, 0.0200 after" in balance(one)
    True
    """
    require(frame, ("covariate", "level", "category", "before", "after", "held_out"), "a balance plot")
    if category is not None:
        frame = frame.filter(pl.col("category") == category)
        require(frame, ("category",), f"the balance of {category!r}")
    label = pl.col("covariate") + pl.when(pl.col("level").is_null()).then(pl.lit("")).otherwise("=" + pl.col("level"))
    found = (
        frame.with_columns(pl.col("before", "after").fill_nan(None).abs(), label=label)
        .group_by("held_out", "label", maintain_order=True)
        .agg(pl.col("before", "after").max())
        .sort("held_out", "before", "label", descending=[False, True, False], nulls_last=True)
    )
    rows = list(found.iter_rows(named=True))
    seen = drawable([finite(r[c]) for r in rows for c in ("before", "after")], "the balance")
    end = span([0.0, due, *seen])[1]
    scale = ticks(0.0, end)
    left, room, right = min(280.0, max(140.0, *(breadth(r["label"]) + 24 for r in rows))), 380.0, 150.0

    def x(value: float) -> float:
        return left + value / end * room

    key, y = legend([(_BEFORE, "before"), (_AFTER, "after")], left, 0, room)
    top, body, out = y + 4, [], []
    controls = False
    for row in rows:
        if row["held_out"] and not controls:
            controls = True
            body.append(word(0, y + 24, "Negative controls", bold=True, size=12.5))
            y += 34
        mid = y + 16
        before, after = finite(row["before"]), finite(row["after"])
        said = "– not available" if before is None or after is None else f"{digits(before)} → {digits(after)}"
        body.append(word(12, mid + 4, short(row["label"], left - 20)))
        if before is not None and after is not None:
            ink = line(x(before), mid, x(after), mid, wide=1.5)
            ink += mark(x(before), mid, _BEFORE, size=5) + mark(x(after), mid, _AFTER, size=5)
            body.append(told(ink, f"{row['label']}: {digits(before)} before, {digits(after)} after"))
        body.append(word(left + room + 18, mid + 4, said, size=11.5))
        y += 24
    bottom = y + 10
    for value, text in zip(scale, tick_words(scale), strict=True):
        out += [
            line(x(value), top, x(value), bottom),
            word(x(value), bottom + 16, text, anchor="middle", size=11, ink="soft"),
        ]
    out.append(told(line(x(due), top, x(due), bottom, colour=8, wide=1.25, dashes="4 3"), f"due: below {digits(due)}"))
    out += [key, *body, word(left + room / 2, bottom + 36, axis, anchor="middle", size=11.5, ink="soft")]
    wide = sum((finite(r["after"]) or 0) >= due for r in rows)
    which = f"of category {category}" if category is not None else "at its largest over the categories"
    desc = f"{len(rows)} covariates, each difference {which}, before and after weighting; after it {wide} reach {digits(due)}."
    return svg(left + room + right, bottom + 48, title, desc, out)
