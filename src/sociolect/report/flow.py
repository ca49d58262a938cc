"""What became of all that was asked, arm by arm."""

from collections.abc import Sequence

import polars as pl

from sociolect.errors import InputError, RefusedError
from sociolect.report.ink import MOST, box, breadth, legend, line, short, svg, told, word
from sociolect.report.table import percent

LOST = "not accounted for"


def flow(
    attrition: pl.DataFrame,
    *,
    total: str = "asked",
    through: Sequence[str] = ("answered", "generated"),
    kept: str = "kept",
    title: str = "What became of every reply",
) -> str:
    """A stacked bar per arm: of all that was asked, the share kept, and the shares lost on each way.

    `attrition` has a row per arm: its text columns name the arm, `total` counts what was asked, and every other column of
    counts is an outcome; the columns in `through` are stations on the way, not outcomes, and are not drawn.
    What no outcome explains is drawn as not accounted for. Raises RefusedError where outcomes exceed what was asked.

    >>> one = pl.DataFrame({"arm": ["aligned"], "asked": [10], "refused": [1], "kept": [8]})
    >>> "aligned, not accounted for: 1 of 10 (10.0%)" in flow(one)
    True
    """
    names = [c for c, t in attrition.schema.items() if t in (pl.String, pl.Categorical, pl.Enum)]
    ways = [c for c, t in attrition.schema.items() if t.is_integer() and c not in {total, kept, *through}]
    counts = [c for c, t in attrition.schema.items() if t.is_integer()]
    faults = [f"column {c!r} of counts is missing" for c in (total, kept) if c not in counts]
    faults += [f"column {c!r} is below 0" for c in counts if (attrition[c].fill_null(0) < 0).any()]
    faults += [] if names else ["no text column names the arm"]
    faults += [] if attrition.height else ["it has no rows"]
    if faults:
        raise InputError(f"a flow cannot be drawn from this frame: {'; '.join(faults)}")
    if len(ways) >= MOST:
        raise InputError(f"a flow shows at most {MOST - 1} ways of being lost, not {len(ways)}: {', '.join(ways)}")
    rows = []
    for row in attrition.iter_rows(named=True):
        arm = " · ".join(str(row[c]) for c in names if row[c] is not None)
        spent = {c: int(row[c] or 0) for c in (kept, *ways)}
        asked = int(row[total] or 0)
        if (over := sum(spent.values())) > asked:
            raise RefusedError(
                f"{arm}: {over:,} outcomes of {asked:,} {total}: an outcome is counted twice, or a station belongs in `through`"
            )
        rows.append((arm, asked, spent | {LOST: asked - over}))
    # Kept is blue; what was lost takes the other colours in turn; the unexplained is grey.
    ink = {kept: 1} | {c: k for k, c in enumerate(ways, 2)} | {LOST: 0}
    drawn = [c for c in ink if any(spent[c] for _, _, spent in rows)]
    left, room = min(280.0, max(breadth(arm) for arm, _, _ in rows) + 18), 460.0
    key, high = legend([(ink[c], c.replace("_", " ")) for c in drawn], left, 0, room + 150, boxes=True)
    out = [key]
    top = high + 14
    for k, (arm, asked, spent) in enumerate(rows):
        x, y = left, top + 34 * k
        out.append(word(left - 12, y + 16, short(arm, left - 16), anchor="end"))
        for c in drawn:
            share = spent[c] / asked if asked else 0.0
            if not share:
                continue
            wide = share * room
            said = f"{arm}, {c.replace('_', ' ')}: {spent[c]:,} of {asked:,} ({share:.1%})"
            label = percent(share) if c == kept else ""
            inside = word(x + 8, y + 16, label, size=11.5, bold=True, ink="ground")
            out.append(
                told(box(x, y, max(wide - 1, 0.75), 24, colour=ink[c]) + (inside if label and wide > 44 else ""), said)
            )
            x += wide
        out.append(
            word(left + room + 14, y + 16, f"{spent[kept]:,} of {asked:,}" if asked else "none asked", size=11.5)
        )
    bottom = top + 34 * len(rows)
    for k in range(5):
        out += [
            line(left + room * k / 4, bottom - 4, left + room * k / 4, bottom + 2),
            word(left + room * k / 4, bottom + 16, f"{k * 25}%", anchor="middle", size=11, ink="soft"),
        ]
    desc = f"{len(rows)} arms; each bar is all that was {total}, parted into {', '.join(c.replace('_', ' ') for c in drawn) or 'nothing'}."
    return svg(left + room + 150, bottom + 24, title, desc, out)
