"""Estimates with their intervals, between their floor and their ceiling, one series or several beside each other."""

from collections.abc import Callable
from typing import Any, NamedTuple

import polars as pl

from sociolect.errors import InputError, UsageError
from sociolect.report.ink import (
    COLOURS,
    MOST,
    at,
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
from sociolect.report.table import digits, interval

_ROOM = 380.0


class _Size(NamedTuple):
    """How large a row is drawn: its height, half its band, its point, its line, its words, and the room that they have."""

    tall: float
    half: float
    point: float
    wide: float
    font: float
    right: float


_ALONE, _BESIDE = _Size(26, 9, 5, 2.5, 11.5, 230), _Size(14, 6, 4, 1.75, 10.5, 256)


def forest(
    effects: pl.DataFrame,
    *,
    label: str = "contrast",
    group: str = "measure",
    beside: str | None = None,
    axis: str = "estimate",
    reference: float | None = 0.0,
    band: tuple[float, float] | None = None,
    floor: float | None = None,
    ceiling: float | None = None,
    title: str = "Estimates with their intervals",
) -> str:
    """An estimate per row with its interval, grouped, on one axis; floor and ceiling stand behind as a band.

    `effects` has estimate, low, high and the columns named by `label` and `group`; its own columns `floor` and `ceiling`
    give each row a band of its own, and `n` is printed where it is. A null estimate keeps its row, with a dash.
    The dashed line is at `reference`; None leaves it out. `band` is shaded over all rows, such as the bounds of equivalence.

    `beside` names the column of series, such as source or condition: rows of one group and label stand close together in the
    order in which the series first come, wherever they stand in the frame; a series has one colour and one shape, at most eight.
    A series that lacks a row has no mark there. Raises InputError where two rows are one series' of one label.

    >>> one = pl.DataFrame({"measure": ["f1"], "contrast": ["a - b"], "estimate": [0.5], "low": [0.4], "high": [0.6]})
    >>> "0.500 [0.400, 0.600]" in forest(one)
    True
    """
    require(effects, (label, group, "estimate", "low", "high", *([beside] if beside else [])), "a forest")
    if band is not None and not (finite(band[0]) is not None and finite(band[1]) is not None and band[0] < band[1]):
        raise UsageError(f"band is {band}: give two finite numbers, the lower first")
    series: list[str] = []
    if beside is not None:
        if beside in {label, group}:
            raise UsageError(
                f"beside is {beside!r}, which names the rows or their groups: name the column of the series"
            )
        effects = effects.with_columns(pl.col(label, group, beside).cast(pl.String).fill_null("–"))
        series = _series(effects, label=label, group=group, beside=beside)
    rows = _rows(effects, label=label, group=group, floor=floor, ceiling=ceiling)
    if beside is not None:
        rows = _gathered(rows, effects[beside].to_list(), series)
    seen = drawable([row[c] for row in rows for c in ("estimate", "low", "high")], "estimate")
    ends = [row[c] for row in rows for c in ("floor", "ceiling") if row[c] is not None]
    begin, end = span([*seen, *ends, *([] if reference is None else [reference]), *(band or ())])
    scale = ticks(begin, end)
    # a group's heading stands before the axis where each group has one of its own
    left = min(280.0, max(breadth(name) for row in rows for name in (row["name"], row["group"] if series else "")) + 24)

    def x(value: float) -> float:
        return left + (value - begin) / (end - begin) * _ROOM

    right = left + _ROOM + (_BESIDE if series else _ALONE).right
    out: list[str] = []
    top = 8.0
    if series:
        key, high = legend(list(enumerate(series, 1)), 0, 0, right)
        out, top = [key], high + 8
    body, panels = _beside(rows, x, left, top, scale) if series else _alone(rows, x, left, top)
    if band is not None:
        a, b = x(band[0]), x(band[1])
        for head, foot in panels:
            out.append(_shade(a, b, head, foot - head))
            out += [line(edge, head, edge, foot, colour=0, dashes="1 3") for edge in (a, b)]
    bottom = panels[-1][1]
    for value, text in zip(scale, tick_words(scale), strict=True):
        out += [line(x(value), head, x(value), foot) for head, foot in panels]
        out.append(word(x(value), bottom + 16, text, anchor="middle", size=11, ink="soft"))
    if reference is not None:
        out += [
            line(x(reference), head, x(reference), foot, colour=8, wide=1.25, dashes="4 3") for head, foot in panels
        ]
    out += body
    out.append(word(left + _ROOM / 2, bottom + 36, axis, anchor="middle", size=11.5, ink="soft"))
    y = bottom + 48
    named = [(c, e) for c, e in ((0, "floor"), (3, "ceiling")) if any(r[e] is not None for r in rows)]
    for place, (colour, name) in enumerate(named):
        start = left + place * 110
        out += [line(start, y, start, y + 14, colour=colour, wide=2), word(start + 8, y + 11, name, size=11.5)]
    desc = f"{len(rows)} estimates with intervals on an axis from {digits(begin)} to {digits(end)}. Points stand at estimates, lines run over intervals."
    if series:
        desc += f" {len(series)} series stand beside each other: {', '.join(series)}."
    if band is not None:
        shaded = f"shaded: {digits(band[0])} to {digits(band[1])}"
        start = left + len(named) * 110
        out += [_shade(start, start + 14, y, 14), word(start + 22, y + 11, shaded, size=11.5)]
        desc += f" The band {shaded}."
    return svg(right, y + (24 if named or band is not None else 0), title, desc, out)


def _series(effects: pl.DataFrame, *, label: str, group: str, beside: str) -> list[str]:
    """The names of the series in the order in which they first come; faults where they cannot be told apart."""
    names: list[str] = effects[beside].unique(maintain_order=True).to_list()
    faults = []
    if len(names) > MOST:
        faults.append(f"{len(names)} series in {beside!r}, of which {MOST} can be told apart: filter them")
    if twice := effects.height - effects.select(group, label, beside).n_unique():
        faults.append(f"{twice} rows repeat the {group}, {label} and {beside} of another: aggregate them first")
    if faults:
        raise InputError(f"a forest cannot be drawn from this frame: {'; '.join(faults)}")
    return names


def _rows(
    effects: pl.DataFrame, *, label: str, group: str, floor: float | None, ceiling: float | None
) -> list[dict[str, Any]]:
    """What each row shows: its words, and the numbers that can be drawn."""
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
        rows.append({**drawn, "said": said, "name": str(row[label]), "group": row[group], "colour": 1})
    return rows


def _gathered(rows: list[dict[str, Any]], of: list[str], series: list[str]) -> list[dict[str, Any]]:
    """The rows with those of a group together, and in it those of a label, in the order in which each first comes."""
    groups, names = ({v: k for k, v in enumerate(dict.fromkeys(r[c] for r in rows))} for c in ("group", "name"))
    told_ = [{**row, "series": name, "colour": series.index(name) + 1} for row, name in zip(rows, of, strict=True)]
    return sorted(told_, key=lambda r: (groups[r["group"]], names[r["name"]], r["colour"]))


def _alone(
    rows: list[dict[str, Any]], x: Callable[[float], float], left: float, y: float
) -> tuple[list[str], list[tuple[float, float]]]:
    """A row of its own for each estimate, and where the lines of the axis begin and end."""
    body: list[str] = []
    last, top = None, y
    for row in rows:
        if row["group"] != last:
            last = row["group"]
            y += 6
            body.append(word(0, y + 14, short(str(last), left + _ROOM), bold=True, size=12.5))
            y += 26
        mid = y + 12
        body.append(word(12, mid + 4, short(row["name"], left - 20)))
        body += _row(row, mid, x, left, size=_ALONE, name=row["name"])
        y += _ALONE.tall
    return body, [(top, y + 4)]


def _beside(
    rows: list[dict[str, Any]], x: Callable[[float], float], left: float, y: float, scale: list[float]
) -> tuple[list[str], list[tuple[float, float]]]:
    """The series of a label close together under its one name, a panel and an axis for each group: such figures are tall."""
    body: list[str] = []
    panels: list[tuple[float, float]] = []
    last: tuple[str, str] | None = None
    top = y
    for k, row in enumerate(rows):
        here = (row["group"], row["name"])
        if last is None or here[0] != last[0]:
            if last is not None:
                panels.append((top, y + 4))
                y += 18
            body.append(word(0, y + 14, short(here[0], left - 12, 12.5), bold=True, size=12.5))
            for value, text in zip(scale, tick_words(scale), strict=True):
                body.append(word(x(value), y + 13, text, anchor="middle", size=10, ink="soft"))
            y += 20
            top = y + 4
        if here != last:
            y += 4
            body.append(line(0, y, left + _ROOM + _BESIDE.right, y))
            y += 4
            lines = sum((r["group"], r["name"]) == here for r in rows[k : k + MOST])
            body.append(word(12, y + lines * _BESIDE.tall / 2 + 4, short(here[1], left - 20)))
        last = here
        name = f"{here[0]}, {here[1]}, {row['series']}"
        body += _row(row, y + _BESIDE.tall / 2, x, left, size=_BESIDE, name=name)
        y += _BESIDE.tall
    return body, [*panels, (top, y + 4)]


def _row(
    row: dict[str, Any], mid: float, x: Callable[[float], float], left: float, *, size: _Size, name: str
) -> list[str]:
    """One estimate: its band, its floor and ceiling, its interval and point, and its words."""
    out = []
    if row["floor"] is not None and row["ceiling"] is not None:
        a, b = sorted((x(row["floor"]), x(row["ceiling"])))
        out.append(_shade(a, b, mid - size.half, 2 * size.half))
    for edge, ink in (("floor", 0), ("ceiling", 3)):
        if row[edge] is not None:
            stroke = line(x(row[edge]), mid - size.half, x(row[edge]), mid + size.half, colour=ink, wide=2)
            out.append(told(stroke, f"{edge} {digits(row[edge])}"))
    drawn = ""
    if row["low"] is not None and row["high"] is not None:
        drawn += line(x(row["low"]), mid, x(row["high"]), mid, colour=row["colour"], wide=size.wide)
    if row["estimate"] is not None:
        drawn += mark(x(row["estimate"]), mid, row["colour"], size=size.point)
    count = f"  n = {digits(round(row['n']))}" if row["n"] is not None else ""
    out.append(told(drawn, f"{name}: {row['said']}{count}") if drawn else "")
    out.append(word(left + _ROOM + 18, mid + 4, row["said"], size=size.font))
    if count:
        end = left + _ROOM + size.right
        out.append(word(end, mid + 4, count.strip(), anchor="end", size=size.font - 0.5, ink="soft"))
    return out


def _shade(a: float, b: float, y: float, tall: float) -> str:
    return f'<rect x="{at(a)}" y="{at(y)}" width="{at(b - a)}" height="{at(tall)}" class="band" fill="{COLOURS[1]}" fill-opacity="0.13"/>'
