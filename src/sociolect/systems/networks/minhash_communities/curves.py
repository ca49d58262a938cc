"""Recall curves as a figure: a panel per index, a line per ranker with its band of doubt."""

import polars as pl

from sociolect.report.ink import COLOURS, at, colours, legend, line, mark, require, svg, told, word
from sociolect.report.table import digits

WIDE, TALL, GAP = 300.0, 230.0, 64.0


def curves(frame: pl.DataFrame, *, title: str = "Recall as a community grows") -> str:
    """A panel per `panel`, two in a row; a line per `arm` through (`x`, `value`), both 0 to 1, with the band from low to high.

    A dashed line stands at `ceiling`, where the frame has it.

    >>> ends = {"value": [0.0, 0.5, 0.9], "low": [0.0, 0.4, 0.8], "high": [0.0, 0.6, 1.0]}
    >>> one = pl.DataFrame({"panel": "K", "arm": "average", "x": [0.0, 0.5, 1.0], **ends})
    >>> "K, average, at 1.00: recall 0.900 (0.800 to 1.00)" in curves(one)
    True
    """
    require(frame, ("panel", "arm", "x", "value", "low", "high"), "curves")
    arms, panels = (frame[c].unique(maintain_order=True).to_list() for c in ("arm", "panel"))
    ink = colours(arms)
    across = min(len(panels), 2)
    key, high = legend([(ink[a], a) for a in arms], GAP, 0, WIDE * across)
    out = [key]
    for place, panel in enumerate(panels):
        left, top = GAP + place % 2 * (WIDE + GAP), high + 34.0 + place // 2 * (TALL + 90)
        out += _axes(left, top, panel)
        here = frame.filter(pl.col("panel") == panel)
        if "ceiling" in here.columns and (most := here["ceiling"][0]) is not None:
            y = top + TALL * (1 - most)
            drawn = line(left, y, left + WIDE, y, colour=8, wide=1.25, dashes="5 4")
            out.append(told(drawn, f"{panel}: candidate recall {digits(most)}, which no ranker can pass"))
        for arm in arms:
            rows = here.filter(pl.col("arm") == arm).sort("x").rows(named=True)
            points = [(left + r["x"] * WIDE, top + TALL * (1 - r["value"])) for r in rows]
            band = [(left + r["x"] * WIDE, top + TALL * (1 - r["low"])) for r in rows]
            band += [(left + r["x"] * WIDE, top + TALL * (1 - r["high"])) for r in rows[::-1]]
            out.append(_shape(f"M{_through(band)}Z", ink[arm], filled=True))
            out.append(_shape(f"M{_through(points)}", ink[arm], filled=False))
            for (x, y), r in list(zip(points, rows, strict=True))[::2]:
                doubt = f"({digits(r['low'])} to {digits(r['high'])})"
                said = f"{panel}, {arm}, at {r['x']:.2f}: recall {digits(r['value'])} {doubt}"
                out.append(told(mark(x, y, ink[arm], size=3.5), said))
    desc = f"Recall against additions as a share of the community, for {', '.join(arms)}; panels: {'; '.join(panels)}. \
The bands are intervals; the dashed line is candidate recall."
    down = -(-len(panels) // 2)
    return svg(GAP + across * (WIDE + GAP) - GAP + 20, high + down * (TALL + 90), title, desc, out)


def _shape(path: str, colour: int, *, filled: bool) -> str:
    if filled:
        return f'<path d="{path}" class="c{colour}" fill="{COLOURS[colour]}" fill-opacity="0.15" stroke="none"/>'
    return f'<path d="{path}" class="s{colour}" stroke="{COLOURS[colour]}" stroke-width="2" fill="none"/>'


def _axes(left: float, top: float, panel: str) -> list[str]:
    out = [word(left, top - 12, panel, bold=True, size=13)]
    for k in range(6):
        x, y = left + WIDE * k / 5, top + TALL * (1 - k / 5)
        out += [
            line(left, y, left + WIDE, y),
            word(left - 8, y + 4, f"{k / 5:.1f}", anchor="end", size=10.5, ink="soft"),
        ]
        out.append(word(x, top + TALL + 16, f"{k / 5:.1f}", anchor="middle", size=10.5, ink="soft"))
    below = "additions / size of the community"
    out.append(word(left + WIDE / 2, top + TALL + 34, below, anchor="middle", size=10.5, ink="soft"))
    out.append(word(left - 38, top + TALL / 2, "recall", anchor="middle", size=10.5, ink="soft", turn=-90))
    return out


def _through(points: list[tuple[float, float]]) -> str:
    return "L".join(f"{at(x)} {at(y)}" for x, y in points)
