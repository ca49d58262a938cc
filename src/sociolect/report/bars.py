"""Plain bars from zero."""

import polars as pl

from sociolect.report.ink import (
    box,
    breadth,
    drawable,
    finite,
    line,
    require,
    short,
    span,
    svg,
    tick_words,
    ticks,
    told,
    word,
)
from sociolect.report.table import digits, interval


def bars(
    frame: pl.DataFrame, *, label: str = "label", value: str = "value", axis: str = "", title: str = "Values"
) -> str:
    """A bar per row from 0 to its value, which is printed beside it; with an interval where the frame has low and high.

    >>> bars(pl.DataFrame({"label": ["red"], "value": [3]})).count("<rect")
    1
    """
    require(frame, (label, value), "bars")
    doubt = "low" in frame.columns and "high" in frame.columns
    rows = [
        (str(r[label]), r[value], r.get("low") if doubt else None, r.get("high") if doubt else None)
        for r in frame.iter_rows(named=True)
    ]
    seen = drawable([finite(v) for r in rows for v in r[1:]], value)
    begin, end = span([0.0, *seen])
    scale = ticks(begin, end)
    left, room = min(260.0, max(breadth(r[0]) for r in rows) + 18), 420.0

    def x(v: float) -> float:
        return left + (v - begin) / (end - begin) * room

    bottom = 8 + 28.0 * len(rows)
    out = []
    for tick, text in zip(scale, tick_words(scale), strict=True):
        out += [
            line(x(tick), 4, x(tick), bottom),
            word(x(tick), bottom + 16, text, anchor="middle", size=11, ink="soft"),
        ]
    for k, (name, raw, *ends) in enumerate(rows):
        y = 10 + 28.0 * k
        v, low, high = finite(raw), *map(finite, ends)
        said = "– not available" if raw is None else digits(raw) + interval(*ends)
        drawn = box(min(x(0), x(v)), y, abs(x(v) - x(0)), 18, colour=1, round_=1.5) if v is not None else ""
        if low is not None and high is not None:
            drawn += line(x(low), y + 9, x(high), y + 9, colour=8, wide=1.75)
        out += [
            word(left - 12, y + 13, short(name, left - 16), anchor="end"),
            told(drawn, f"{name}: {said}") if drawn else "",
        ]
        out.append(word(left + room + 14, y + 13, said, size=11.5))
    out.append(line(x(0), 4, x(0), bottom, colour=8))
    if axis:
        out.append(word(left + room / 2, bottom + 36, axis, anchor="middle", size=11.5, ink="soft"))
    desc = f"{len(rows)} bars from 0 on an axis from {digits(begin)} to {digits(end)}."
    return svg(left + room + 170, bottom + (46 if axis else 26), title, desc, out)
