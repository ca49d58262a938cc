"""Growth: a line per series over generations, with its band of doubt, and a thin line for every run."""

from collections.abc import Callable

import polars as pl

from sociolect.errors import InputError
from sociolect.report.ink import (
    COLOURS,
    at,
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

_WIDE, _TALL, _LEFT, _GAP, _BELOW = 300.0, 190.0, 58.0, 44.0, 86.0


def lines(
    frame: pl.DataFrame,
    *,
    x: str = "generation",
    value: str = "value",
    series: str = "series",
    panel: str = "panel",
    each: pl.DataFrame | None = None,
    run: str = "run",
    axis: str = "mean",
    title: str = "Over generations",
) -> str:
    """A panel per `panel`, two in a row; in each a line per `series` through (`x`, `value`), with a band where it has low and high.

    `each` has the same columns and `run`: a thin line per run stands behind. All panels share both axes; the upright one holds
    0. A value that is not there breaks its line. At most eight series have a colour and a shape; further ones are grey.
    Raises InputError for columns that are missing, rows that repeat or have no place on the axis, and thin lines of a panel or
    series that `frame` has not; RefusedError where there is no number.

    >>> one = pl.DataFrame({"panel": "trace", "series": "numeric", "generation": [1, 2], "value": [0.5, 0.25]})
    >>> "trace, numeric, generation 2: 0.250" in lines(one)
    True
    """
    require(frame, (x, value, series, panel), "lines")
    thin = frame.clear() if each is None else each
    if each is not None:
        require(each, (x, value, series, panel, run), "thin lines")
    for rows, key in ((frame, (panel, series, x)), (thin, (panel, series, *((run,) if thin.height else ()), x))):
        if twice := rows.height - rows.select(key).n_unique():
            raise InputError(
                f"lines cannot be drawn: {twice} rows repeat the {', '.join(key)} of another: aggregate them first"
            )
        if lost := rows.height - sum(finite(v) is not None for v in rows[x]):
            raise InputError(f"lines cannot be drawn: {lost} of {rows.height} rows have no number in {x}")
    if strange := set(thin.select(panel, series).rows()) - set(frame.select(panel, series).rows()):
        raise InputError(f"thin lines cannot be drawn: of {sorted(map(str, strange))[0]} there is no line")
    doubt = "low" in frame.columns and "high" in frame.columns
    heights = [v for c in (value, *(("low", "high") if doubt else ())) for v in frame[c]] + list(thin[value])
    seen = drawable([finite(v) for v in heights], value)
    places = drawable([finite(v) for part in (frame, thin) for v in part[x]], x)
    low, high = span([0.0, *seen])
    first, last = (min(places), max(places)) if min(places) < max(places) else span(places)
    panels, names = (
        frame[c].cast(pl.String).fill_null("–").unique(maintain_order=True).to_list() for c in (panel, series)
    )
    ink, across = colours(names), min(len(panels), 2)
    key_, above = (
        legend([(ink[n], n) for n in names], _LEFT, 0, across * (_WIDE + _GAP)) if len(names) > 1 else ("", 0.0)
    )
    out = [key_]
    for place, name in enumerate(panels):
        left, top = _LEFT + place % 2 * (_WIDE + _GAP + 20), above + 34 + place // 2 * (_TALL + _BELOW)

        def where(a: float, b: float, left: float = left, top: float = top) -> tuple[float, float]:
            return left + (a - first) / (last - first) * _WIDE, top + (1 - (b - low) / (high - low)) * _TALL

        out.append(word(left, top - 12, short(name, _WIDE, 13), bold=True, size=13))
        out += _axes(where, (first, last), (low, high), x, axis if place % 2 == 0 else "")
        own = frame.filter(pl.col(panel).cast(pl.String).fill_null("–") == name)
        behind = thin.filter(pl.col(panel).cast(pl.String).fill_null("–") == name)
        for who in names:
            mine = behind.filter(pl.col(series).cast(pl.String).fill_null("–") == who)
            for (one,), part in (
                mine.partition_by(run, as_dict=True, maintain_order=True).items() if thin.height else ()
            ):
                drawn = _path(_points(part.sort(x), x, value), where, ink[who], wide=0.8, light=0.4)
                out.append(told(drawn, f"{name}, {who}: {run} {one}"))
        for who in names:
            rows = own.filter(pl.col(series).cast(pl.String).fill_null("–") == who).sort(x)
            if doubt:
                out.append(_band(_points(rows, x, "low"), _points(rows, x, "high"), where, ink[who]))
            points = _points(rows, x, value)
            out.append(_path(points, where, ink[who], wide=2.25, light=1))
            for row, (a, b) in zip(rows.iter_rows(named=True), points, strict=True):
                if b is not None:
                    ends = interval(row["low"], row["high"]) if doubt else ""
                    out.append(
                        told(
                            mark(*where(a, b), ink[who], size=3.5),
                            f"{name}, {who}, {x} {digits(row[x])}: {digits(b)}{ends}",
                        )
                    )
    down = -(-len(panels) // 2)
    desc = f"{len(panels)} panels: {'; '.join(panels)}. In each the {axis} by {x}, for {', '.join(names)}."
    desc += f" Thin lines are single values of {run}." if thin.height else ""
    return svg(_LEFT + across * (_WIDE + _GAP) + 20, above + down * (_TALL + _BELOW) + 10, title, desc, out)


_Where = Callable[[float, float], tuple[float, float]]
_Points = list[tuple[float, float | None]]


def _points(rows: pl.DataFrame, x: str, y: str) -> _Points:
    return [(float(a), finite(b)) for a, b in rows.select(x, y).iter_rows()]


def _path(points: _Points, where: _Where, colour: int, *, wide: float, light: float) -> str:
    said, pen = "", "M"
    for a, b in points:
        if b is None:
            pen = "M"
            continue
        px, py = where(a, b)
        said, pen = f"{said}{pen}{at(px)} {at(py)}", "L"
    more = f' stroke-opacity="{at(light)}"' if light < 1 else ""
    return (
        f'<path d="{said}" class="s{colour}" stroke="{COLOURS[colour]}" stroke-width="{at(wide)}"{more} fill="none"/>'
        if said
        else ""
    )


def _band(low: _Points, high: _Points, where: _Where, colour: int) -> str:
    """Where both ends are there; it parts where one is not."""
    parts: list[list[tuple[float, float, float]]] = [[]]
    for (a, b), (_, c) in zip(low, high, strict=True):
        if b is None or c is None:
            parts.append([])
        else:
            parts[-1].append((a, b, c))
    out = []
    for part in parts:
        if part:
            edge = [where(a, b) for a, b, _ in part] + [where(a, c) for a, _, c in part[::-1]]
            out.append("M" + "L".join(f"{at(px)} {at(py)}" for px, py in edge) + "Z")
    said = "".join(out)
    return (
        f'<path d="{said}" class="c{colour}" fill="{COLOURS[colour]}" fill-opacity="0.15" stroke="none"/>'
        if said
        else ""
    )


def _axes(where: _Where, across: tuple[float, float], up: tuple[float, float], x: str, axis: str) -> list[str]:
    out = []
    (left, bottom), (right, top) = where(across[0], up[0]), where(across[1], up[1])
    scale = ticks(*up, most=5)
    for tick, text in zip(scale, tick_words(scale), strict=True):
        y = where(across[0], tick)[1]
        out += [line(left, y, right, y), word(left - 8, y + 4, text, anchor="end", size=10.5, ink="soft")]
    # a generation is counted: no tick stands between two
    scale = [tick for tick in ticks(*across) if tick == round(tick)] if across[1] - across[0] >= 1 else ticks(*across)
    for tick in scale:
        px = where(tick, up[0])[0]
        out.append(word(px, bottom + 16, f"{tick:g}", anchor="middle", size=10.5, ink="soft"))
    out.append(word((left + right) / 2, bottom + 34, x, anchor="middle", size=10.5, ink="soft"))
    if axis:
        out.append(word(left - 42, (top + bottom) / 2, axis, anchor="middle", size=10.5, ink="soft", turn=-90))
    return out
