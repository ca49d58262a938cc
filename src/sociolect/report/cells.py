"""The cells of a taxonomy, group by group: those with a number are filled, those without stand empty."""

import polars as pl

from sociolect.report.ink import COLOURS, at, box, breadth, finite, require, short, svg, told, word
from sociolect.report.table import digits, interval

WIDE, TALL, GAP = 190.0, 58.0, 8.0


def cells(
    frame: pl.DataFrame, *, group: str = "group", title: str = "title", value: str = "estimate", across: int = 4, name: str = "Cells"
) -> str:  # fmt: skip
    """A box per row, under the name of its group, `across` in a line: filled with its number where it has one, else an outline.

    With an interval where the frame has low and high, an arrow down where `sign` is -, for lower is better, what `contrast`
    says when pointed at, and a word on an empty box where it has `state` (other than filled).
    Rows of a group stand together, groups in the order in which they first come.

    >>> told = {"group": ["a", "a"], "title": ["typos", "poison"], "estimate": [0.9, None]}
    >>> cells(pl.DataFrame(told)).count("stroke-dasharray"), "1 of 2 cells" in cells(pl.DataFrame(told))
    (1, True)
    """
    require(frame, (group, title, value), "cells")
    doubt = "low" in frame.columns and "high" in frame.columns
    out, top, filled = [], 0.0, 0
    for (name_of,), part in frame.group_by([group], maintain_order=True):
        here = sum(finite(v) is not None for v in part[value])
        filled += here
        out.append(word(0, top + 16, f"{name_of}", bold=True, size=13))
        out.append(word(breadth(str(name_of), 13) + 14, top + 16, f"{here} of {part.height}", size=11.5, ink="soft"))
        top += 26
        for place, row in enumerate(part.iter_rows(named=True)):
            x, y = place % across * (WIDE + GAP), top + place // across * (TALL + GAP)
            out.append(_cell(x, y, row, str(row[title]), finite(row[value]), doubt=doubt))
        top += -(-part.height // across) * (TALL + GAP) + 12
    desc = f"{filled} of {frame.height} cells are filled, in {frame[group].n_unique()} groups; the others are outlines."
    return svg(across * (WIDE + GAP) - GAP + 4, top, name, desc, out)


def _cell(x: float, y: float, row: dict[str, object], title: str, value: float | None, *, doubt: bool) -> str:
    if value is None:
        said = str(row.get("state") or "empty")
        drawn = (
            f'<rect x="{at(x + 1)}" y="{at(y + 1)}" width="{at(WIDE - 2)}" height="{at(TALL - 2)}" rx="3" class="s0" fill="none" '
            f'stroke="{COLOURS[0]}" stroke-dasharray="4 3"/>'
        )
        drawn += word(x + 10, y + 23, short(title, WIDE - 12, 11.5), size=11.5, ink="soft")
        return told(drawn + word(x + 10, y + 42, said, size=10.5, ink="soft"), f"{title}: {said}")
    low, high = (finite(row.get(c)) if doubt else None for c in ("low", "high"))
    drawn = box(x, y, WIDE, TALL, colour=1, opacity=0.16, round_=3) + box(x, y, 4, TALL, colour=1)
    less = row.get("sign") == "-"
    drawn += word(x + 14, y + 20, short(title, WIDE - 22 - 16 * less, 11.5), size=11.5)
    drawn += word(x + WIDE - 16, y + 20, "\u2193", size=12) if less else ""
    number, ends = digits(value), interval(low, high).strip()
    left = 22 + breadth(number, 17)
    drawn += word(x + 14, y + 43, number, size=17, bold=True)
    drawn += word(x + left, y + 43, ends, size=10.5 if left + breadth(ends, 10.5) < WIDE - 4 else 8.5, ink="soft")
    more = [f" ({row['contrast']})" if row.get("contrast") else "", ", lower is better" if less else ""]
    return told(drawn, f"{title}: {number}{interval(low, high)}{''.join(more)}")
