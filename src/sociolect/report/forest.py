"""Estimates with their intervals, between their floor and their ceiling."""

from typing import Any

import polars as pl

from sociolect.report.ink import (
    COLOURS,
    at,
    breadth,
    drawable,
    finite,
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
from sociolect.report.table import digits, interval


def forest(
    effects: pl.DataFrame,
    *,
    label: str = "contrast",
    group: str = "measure",
    axis: str = "estimate",
    reference: float | None = 0.0,
    floor: float | None = None,
    ceiling: float | None = None,
    title: str = "Estimates with their intervals",
) -> str:
    """An estimate per row with its interval, grouped, on one axis; floor and ceiling stand behind as a band.

    `effects` has estimate, low, high and the columns named by `label` and `group`; its own columns `floor` and `ceiling`
    give each row a band of its own, and `n` is printed where it is. A null estimate keeps its row, with a dash.
    The dashed line is at `reference`; None leaves it out.

    >>> one = pl.DataFrame({"measure": ["f1"], "contrast": ["a - b"], "estimate": [0.5], "low": [0.4], "high": [0.6]})
    >>> "0.500 [0.400, 0.600]" in forest(one)
    True
    """
    require(effects, (label, group, "estimate", "low", "high"), "a forest")
    rows: list[dict[str, Any]] = []
    for row in effects.iter_rows(named=True):
        said = (
            "– not available"
            if row["estimate"] is None
            else digits(row["estimate"]) + interval(row["low"], row["high"])
        )
        drawn = {k: finite(row.get(k)) for k in ("estimate", "low", "high", "n", "floor", "ceiling")}
        drawn["floor"] = floor if drawn["floor"] is None else drawn["floor"]
        drawn["ceiling"] = ceiling if drawn["ceiling"] is None else drawn["ceiling"]
        rows.append({**drawn, "said": said, label: row[label], group: row[group]})
    seen = drawable([row[c] for row in rows for c in ("estimate", "low", "high")], "estimate")
    ends = [row[c] for row in rows for c in ("floor", "ceiling") if row[c] is not None]
    begin, end = span([*seen, *ends, *([] if reference is None else [reference])])
    scale = ticks(begin, end)
    names = [str(row[label]) for row in rows]
    left = min(280.0, max(breadth(n) for n in names) + 24)
    room, right = 380.0, 230.0

    def x(value: float) -> float:
        return left + (value - begin) / (end - begin) * room

    out, y = [], 8.0
    body: list[str] = []
    last = None
    for row, name in zip(rows, names, strict=True):
        if row[group] != last:
            last = row[group]
            y += 6
            body.append(word(0, y + 14, short(str(last), left + room), bold=True, size=12.5))
            y += 26
        mid = y + 12
        body.append(word(12, mid + 4, short(name, left - 20)))
        if row["floor"] is not None and row["ceiling"] is not None:
            a, b = sorted((x(row["floor"]), x(row["ceiling"])))
            body.append(
                f'<rect x="{at(a)}" y="{at(mid - 9)}" width="{at(b - a)}" height="18" class="band" fill="{COLOURS[1]}" fill-opacity="0.13"/>'
            )
        for edge, colour in (("floor", 0), ("ceiling", 3)):
            if row[edge] is not None:
                body.append(
                    told(
                        line(x(row[edge]), mid - 9, x(row[edge]), mid + 9, colour=colour, wide=2),
                        f"{edge} {digits(row[edge])}",
                    )
                )
        ink = ""
        if row["low"] is not None and row["high"] is not None:
            ink += line(x(row["low"]), mid, x(row["high"]), mid, colour=1, wide=2.5)
        if row["estimate"] is not None:
            ink += mark(x(row["estimate"]), mid, 1, size=5)
        count = f"  n = {digits(round(row['n']))}" if row["n"] is not None else ""
        body.append(told(ink, f"{name}: {row['said']}{count}") if ink else "")
        body.append(word(left + room + 18, mid + 4, row["said"], size=11.5))
        if count:
            body.append(word(left + room + right, mid + 4, count.strip(), anchor="end", size=11, ink="soft"))
        y += 26
    bottom = y + 4
    for value, text in zip(scale, tick_words(scale), strict=True):
        out += [
            line(x(value), 8, x(value), bottom),
            word(x(value), bottom + 16, text, anchor="middle", size=11, ink="soft"),
        ]
    if reference is not None:
        out.append(line(x(reference), 8, x(reference), bottom, colour=8, wide=1.25, dashes="4 3"))
    out += body
    out.append(word(left + room / 2, bottom + 36, axis, anchor="middle", size=11.5, ink="soft"))
    y = bottom + 48
    key = [(c, e) for c, e in ((0, "floor"), (3, "ceiling")) if any(r[e] is not None for r in rows)]
    for place, (colour, name) in enumerate(key):
        start = left + place * 110
        out += [line(start, y, start, y + 14, colour=colour, wide=2), word(start + 8, y + 11, name, size=11.5)]
    desc = f"{len(rows)} estimates with intervals on an axis from {digits(begin)} to {digits(end)}. Points stand at estimates, lines run over intervals."
    return svg(left + room + right, y + (24 if key else 0), title, desc, out)
