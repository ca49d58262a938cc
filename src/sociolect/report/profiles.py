"""Small multiples: the same measure, category by category, in each community."""

import polars as pl

from sociolect.errors import InputError
from sociolect.report.ink import (
    breadth,
    colours,
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
from sociolect.report.table import digits, interval


def profiles(
    frame: pl.DataFrame,
    *,
    category: str = "category",
    arm: str = "arm",
    panel: str = "community",
    value: str = "value",
    axis: str = "mean",
    title: str = "Profiles by community",
) -> str:
    """A panel per community: a row per category, a mark per arm, with its interval where the frame has low and high.

    All panels share one axis, which holds 0. At most eight arms have a colour and a shape; further ones are grey.

    >>> one = pl.DataFrame({"community": ["red"], "arm": ["human"], "category": ["joy"], "value": [0.25]})
    >>> "red, joy, human: 0.250" in profiles(one)
    True
    """
    require(frame, (category, arm, panel, value), "profiles")
    frame = frame.with_columns(pl.col(category, arm, panel).cast(pl.String).fill_null("–"))
    if twice := frame.height - frame.select(category, arm, panel).n_unique():
        raise InputError(
            f"profiles cannot be drawn: {twice} rows repeat the {panel}, {category} and {arm} of another: aggregate them first"
        )
    doubt = "low" in frame.columns and "high" in frame.columns
    seen = drawable([finite(v) for c in (value, *(("low", "high") if doubt else ())) for v in frame[c]], value)
    begin, end = span([0.0, *seen])
    scale = ticks(begin, end, most=4)
    categories = frame[category].unique(maintain_order=True).to_list()
    arms, panels = (frame[c].unique(maintain_order=True).to_list() for c in (arm, panel))
    ink = colours(arms)
    left = min(170.0, max(breadth(c) for c in categories) + 16)
    across = min(3 if len(panels) != 4 else 2, len(panels))
    wide = {1: 520.0, 2: 320.0, 3: 220.0}[across]
    row = max(24.0, 11.0 * len(arms) + 6)
    key, high = legend([(ink[a], a) for a in arms], left, 0, across * (wide + 28))
    tall = row * len(categories)
    out = [key]
    for place, name in enumerate(panels):
        x0, y0 = left + place % across * (wide + 28), high + 40 + place // across * (tall + 72)

        def x(v: float, x0: float = x0) -> float:
            return x0 + (v - begin) / (end - begin) * wide

        out.append(word(x0, y0 - 10, short(name, wide, 13), bold=True, size=13))
        for tick, text in zip(scale, tick_words(scale), strict=True):
            out += [
                line(x(tick), y0, x(tick), y0 + tall),
                word(x(tick), y0 + tall + 15, text, anchor="middle", size=10.5, ink="soft"),
            ]
        out.append(word(x0 + wide / 2, y0 + tall + 32, axis, anchor="middle", size=10.5, ink="soft"))
        here = {(r[category], r[arm]): r for r in frame.filter(pl.col(panel) == name).iter_rows(named=True)}
        for k, kind in enumerate(categories):
            top = y0 + row * k
            out.append(line(x0, top, x0 + wide, top))
            if place % across == 0:
                out.append(word(left - 12, top + row / 2 + 4, short(kind, left - 14, 11.5), anchor="end", size=11.5))
            for m, who in enumerate(arms):
                found = here.get((kind, who), {})
                if (v := finite(found.get(value))) is None:
                    continue
                mid = top + row * (m + 1) / (len(arms) + 1)
                low, upper = finite(found.get("low")), finite(found.get("high"))
                drawn = (
                    line(x(low), mid, x(upper), mid, colour=ink[who], wide=1.75)
                    if low is not None and upper is not None
                    else ""
                )
                out.append(
                    told(
                        drawn + mark(x(v), mid, ink[who], size=4),
                        f"{name}, {kind}, {who}: {digits(v)}{interval(found.get('low'), found.get('high'))}",
                    )
                )
        out.append(line(x(0), y0, x(0), y0 + tall, colour=8, wide=1))
    down = -(-len(panels) // across)
    desc = f"{len(panels)} panels, one per community; in each {len(categories)} categories and the {axis} of {len(arms)} arms: {', '.join(arms)}."
    return svg(left + across * (wide + 28), high + 40 + down * (tall + 72) - 28, title, desc, out)
