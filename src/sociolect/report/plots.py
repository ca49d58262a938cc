"""Figures as SVG text: the same frame gives the same bytes, and every figure says in words what it shows."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.errors import InputError
from sociolect.report.flow import flow
from sociolect.report.ink import at, box, breadth, colours, drawable, finite, legend, line, mark, short, svg, tick_words, ticks, told, word
from sociolect.report.network import network
from sociolect.report.table import digits

__all__ = ["bars", "confusion", "flow", "forest", "network", "profiles"]


def require(frame: pl.DataFrame, columns: Sequence[str], figure: str) -> None:
    """Raise InputError, with every fault, where the frame lacks what the figure is drawn from."""
    faults = [f"column {c!r} is missing" for c in columns if c not in frame.columns]
    if not faults and not frame.height:
        faults = ["it has no rows"]
    if faults:
        raise InputError(f"{figure} cannot be drawn from this frame: {'; '.join(faults)}; it has {', '.join(frame.columns)}")


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
    rows = [{k: v if k in (label, group) else finite(v) for k, v in row.items()} for row in effects.iter_rows(named=True)]
    for row in rows:
        row["floor"] = row.get("floor") if row.get("floor") is not None else floor
        row["ceiling"] = row.get("ceiling") if row.get("ceiling") is not None else ceiling
    seen = drawable([row[c] for row in rows for c in ("estimate", "low", "high")], "estimate")
    ends = [row[c] for row in rows for c in ("floor", "ceiling") if row[c] is not None]
    scale = ticks(min([*seen, *ends, *([] if reference is None else [reference])]), max([*seen, *ends, *([] if reference is None else [reference])]))
    names = [str(row[label]) for row in rows]
    left = min(280.0, max(breadth(n) for n in names) + 24)
    room, right = 380.0, 230.0

    def x(value: float) -> float:
        return left + (value - scale[0]) / (scale[-1] - scale[0]) * room

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
            body.append(f'<rect x="{at(a)}" y="{at(mid - 9)}" width="{at(b - a)}" height="18" class="band" fill="{_BAND}" fill-opacity="0.13"/>')
        for end, colour in (("floor", 0), ("ceiling", 3)):
            if row[end] is not None:
                body.append(told(line(x(row[end]), mid - 9, x(row[end]), mid + 9, colour=colour, wide=2), f"{end} {digits(row[end])}"))
        said = digits(row["estimate"]) if row["estimate"] is not None else "– not available"
        if row["low"] is not None and row["high"] is not None:
            said += f" [{digits(row['low'])}, {digits(row['high'])}]"
        drawn = ""
        if row["low"] is not None and row["high"] is not None:
            drawn += line(x(row["low"]), mid, x(row["high"]), mid, colour=1, wide=2.5)
        if row["estimate"] is not None:
            drawn += mark(x(row["estimate"]), mid, 1, size=5)
        count = f"  n = {round(row['n']):,}" if row.get("n") is not None else ""
        body.append(told(drawn, f"{name}: {said}{count}") if drawn else "")
        body.append(word(left + room + 18, mid + 4, said, size=11.5))
        if count:
            body.append(word(left + room + right, mid + 4, count.strip(), anchor="end", size=11, soft=True))
        y += 26
    bottom = y + 4
    for value, text in zip(scale, tick_words(scale), strict=True):
        out += [line(x(value), 8, x(value), bottom), word(x(value), bottom + 16, text, anchor="middle", size=11, soft=True)]
    if reference is not None:
        out.append(line(x(reference), 8, x(reference), bottom, colour=8, wide=1.25, dashes="4 3"))
    out += body
    out.append(word(left + room / 2, bottom + 36, axis, anchor="middle", size=11.5, soft=True))
    y = bottom + 48
    key = [(c, e) for c, e in ((0, "floor"), (3, "ceiling")) if any(r[e] is not None for r in rows)]
    for place, (colour, name) in enumerate(key):
        start = left + place * 110
        out += [line(start, y, start, y + 14, colour=colour, wide=2), word(start + 8, y + 11, name, size=11.5)]
    desc = f"{len(rows)} estimates with intervals on an axis from {digits(scale[0])} to {digits(scale[-1])}. Points stand at estimates, lines run over intervals."
    return svg(left + room + right, y + (24 if key else 0), title, desc, out)


_BAND = "#0072b2"


def confusion(
    matrix: Sequence[Sequence[int]] | npt.NDArray[np.int64],
    labels: Sequence[str],
    *,
    rows: str = "true",
    columns: str = "assigned",
    title: str = "Confusion matrix",
) -> str:
    """Counts by true row and assigned column, shaded by the share of the row, which stands under each count.

    Raises InputError where the matrix is not square, not of the labels' size, or holds anything but counts.

    >>> confusion([[8, 2], [0, 0]], ["red", "blue"]).count("20%")
    1
    """
    counts = np.asarray(matrix)
    size = len(labels)
    if counts.shape != (size, size) or not size:
        raise InputError(f"a confusion matrix of {size} labels is {size} by {size}, not {' by '.join(map(str, counts.shape))}")
    if not (np.issubdtype(counts.dtype, np.number) and np.all(counts == np.floor(counts)) and np.all(counts >= 0)):
        raise InputError("a confusion matrix holds counts: whole numbers from 0; not shares, not nulls")
    side = float(max(46, min(84, 560 // size)))
    left = min(220.0, max(breadth(str(n)) for n in labels) + 46)
    fits = all(breadth(str(n), 11.5) <= side - 8 for n in labels)
    top = 46.0 if fits else 46 + min(110.0, max(breadth(str(n), 11.5) for n in labels) * 0.72)
    out = [word(left + side * size / 2, 14, columns, anchor="middle", size=11.5, soft=True)]
    out.append(word(14, top + side * size / 2, rows, anchor="middle", size=11.5, soft=True, turn=-90))
    for k, name in enumerate(labels):
        middle = left + side * (k + 0.5)
        if fits:
            out.append(word(middle, top - 10, str(name), anchor="middle", size=11.5))
        else:
            out.append(word(middle - 4, top - 8, short(str(name), 150, 11.5), size=11.5, turn=-45))
        out.append(word(left - 12, top + side * (k + 0.5) + 4, short(str(name), left - 40, 11.5), anchor="end", size=11.5))
    for i, row in enumerate(counts):
        total = int(row.sum())
        for j, count in enumerate(map(int, row)):
            share = count / total if total else None
            said = f"{share:.0%}" if share is not None else "–"
            x, y = left + side * j, top + side * i
            # At most .6 opaque, so that one colour of words stands clear of every shade.
            shade = f'<rect x="{at(x + 1)}" y="{at(y + 1)}" width="{at(side - 2)}" height="{at(side - 2)}" rx="2" class="heat" fill="{_BAND}" fill-opacity="{at(0.04 + 0.56 * (share or 0))}"/>'
            words = word(x + side / 2, y + side / 2, f"{count:,}", anchor="middle", size=14 if side > 50 else 12, bold=i == j)
            words += word(x + side / 2, y + side / 2 + 15, said, anchor="middle", size=10.5)
            out.append(told(shade + words, f"{rows} {labels[i]}, {columns} {labels[j]}: {count:,} of {total:,} ({said})"))
        out.append(word(left + side * size + 12, top + side * (i + 0.5) + 4, f"{total:,}", size=11.5, soft=True))
    out.append(word(left + side * size + 12, top - 10, "all", size=11.5, soft=True))
    right_ = sum(int(counts[k, k]) for k in range(size))
    desc = f"{size} communities; {right_:,} of {int(counts.sum()):,} stand on the diagonal. Each cell holds a count and its share of the row."
    return svg(left + side * size + 70, top + side * size + 8, title, desc, out)


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
    doubt = "low" in frame.columns and "high" in frame.columns
    seen = drawable([finite(v) for c in (value, *(("low", "high") if doubt else ())) for v in frame[c]], value)
    scale = ticks(min(0.0, *seen), max(0.0, *seen), most=4)
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
            return x0 + (v - scale[0]) / (scale[-1] - scale[0]) * wide

        out.append(word(x0, y0 - 10, short(name, wide, 13), bold=True, size=13))
        for tick, text in zip(scale, tick_words(scale), strict=True):
            out += [line(x(tick), y0, x(tick), y0 + tall), word(x(tick), y0 + tall + 15, text, anchor="middle", size=10.5, soft=True)]
        out.append(word(x0 + wide / 2, y0 + tall + 32, axis, anchor="middle", size=10.5, soft=True))
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
                spread = f" [{digits(low)}, {digits(upper)}]" if low is not None and upper is not None else ""
                drawn = line(x(low), mid, x(upper), mid, colour=ink[who], wide=1.75) if low is not None and upper is not None else ""
                out.append(told(drawn + mark(x(v), mid, ink[who], size=4), f"{name}, {kind}, {who}: {digits(v)}{spread}"))
        out.append(line(x(0), y0, x(0), y0 + tall, colour=8, wide=1))
    down = -(-len(panels) // across)
    desc = f"{len(panels)} panels, one per community; in each {len(categories)} categories and the {axis} of {len(arms)} arms: {', '.join(arms)}."
    return svg(left + across * (wide + 28), high + 40 + down * (tall + 72) - 28, title, desc, out)


def bars(frame: pl.DataFrame, *, label: str = "label", value: str = "value", axis: str = "", title: str = "Values") -> str:
    """A bar per row from 0 to its value, which is printed beside it; with an interval where the frame has low and high.

    >>> bars(pl.DataFrame({"label": ["red"], "value": [3]})).count("<rect")
    1
    """
    require(frame, (label, value), "bars")
    doubt = "low" in frame.columns and "high" in frame.columns
    rows = [(str(r[label]), finite(r[value]), finite(r.get("low")), finite(r.get("high")), r[value]) for r in frame.iter_rows(named=True)]
    seen = drawable([v for r in rows for v in (r[1:4] if doubt else r[1:2])], value)
    scale = ticks(min(0.0, *seen), max(0.0, *seen))
    left, room = min(260.0, max(breadth(r[0]) for r in rows) + 18), 420.0

    def x(v: float) -> float:
        return left + (v - scale[0]) / (scale[-1] - scale[0]) * room

    bottom = 8 + 28.0 * len(rows)
    out = []
    for tick, text in zip(scale, tick_words(scale), strict=True):
        out += [line(x(tick), 4, x(tick), bottom), word(x(tick), bottom + 16, text, anchor="middle", size=11, soft=True)]
    for k, (name, v, low, high, raw) in enumerate(rows):
        y = 10 + 28.0 * k
        spread = f" [{digits(low)}, {digits(high)}]" if low is not None and high is not None else ""
        said = f"{digits(raw)}{spread}" if v is not None else "– not available"
        drawn = box(min(x(0), x(v)), y, abs(x(v) - x(0)), 18, colour=1, round_=1.5) if v is not None else ""
        if low is not None and high is not None:
            drawn += line(x(low), y + 9, x(high), y + 9, colour=8, wide=1.75)
        out += [word(left - 12, y + 13, short(name, left - 16), anchor="end"), told(drawn, f"{name}: {said}") if drawn else ""]
        out.append(word(left + room + 14, y + 13, said, size=11.5))
    out.append(line(x(0), 4, x(0), bottom, colour=8))
    if axis:
        out.append(word(left + room / 2, bottom + 36, axis, anchor="middle", size=11.5, soft=True))
    desc = f"{len(rows)} bars from 0 on an axis from {digits(scale[0])} to {digits(scale[-1])}."
    return svg(left + room + 170, bottom + (46 if axis else 26), title, desc, out)
