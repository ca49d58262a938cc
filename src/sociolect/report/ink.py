"""What every figure is drawn with: rounded numbers, escaped words, eight colours that also differ in shape."""

import math
from collections.abc import Sequence
from html import escape
from unicodedata import east_asian_width

import polars as pl

from sociolect.errors import InputError, RefusedError
from sociolect.report.table import legible

# Okabe and Ito (2008), darkened until each stands 3:1 from white; 0 is grey, for all that have no colour of their own.
# A colour is an attribute, so that a figure stands alone, and a class, so that page.css can restate it for a dark page.
COLOURS = ("#8a9198", "#0072b2", "#c85200", "#00805c", "#b0568c", "#a87200", "#2f8fc4", "#7a7400", "#3a3f44")
MOST = len(COLOURS) - 1
SHAPES = ("circle", "circle", "square", "triangle", "diamond", "down", "cross", "plus", "bar")
_POLYGONS = {
    "square": [(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)],
    "triangle": [(0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
    "diamond": [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)],
    "down": [(0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
    "plus": [(-0.4, -1.15), (0.4, -1.15), (0.4, -0.4), (1.15, -0.4), (1.15, 0.4), (0.4, 0.4), (0.4, 1.15), (-0.4, 1.15), (-0.4, 0.4), (-1.15, 0.4), (-1.15, -0.4), (-0.4, -0.4)],
    "bar": [(-0.5, -1.3), (0.5, -1.3), (0.5, 1.3), (-0.5, 1.3)],
}  # fmt: skip
_POLYGONS["cross"] = [((x - y) * 0.74, (x + y) * 0.74) for x, y in _POLYGONS["plus"]]


def at(value: float) -> str:
    """A coordinate, rounded to a hundredth, the same on every machine.

    >>> at(1.0), at(2.346), at(-0.001)
    ('1', '2.35', '0')
    """
    said = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if said == "-0" else said


def breadth(text: str, size: float = 12) -> float:
    """About how wide the text stands, in pixels; wide scripts count double.

    >>> breadth("ab") < breadth("abc") < breadth("社会")
    True
    """
    return math.fsum(1.0 if east_asian_width(c) in "WF" else 0.68 if c.isupper() else 0.56 for c in text) * size


def short(text: str, room: float, size: float = 12) -> str:
    """The text on one line, cut with an ellipsis where it is wider than the room.

    >>> short("a\\nb", 100), short("abcdefghij", 40)
    ('a b', 'abcd…')
    """
    line = " ".join(legible(text).split())
    if breadth(line, size) <= room:
        return line
    while line and breadth(line, size) > room - size:
        line = line[:-1]
    return line.rstrip() + "…"


def word(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: float = 12,
    ink: str = "",
    bold: bool = False,
    turn: float = 0,
) -> str:
    """A line of text whose baseline is at y; whatever is in it stays text. Its ink is soft (grey), ground (on a bar) or full."""
    more = f' text-anchor="{anchor}"' if anchor != "start" else ""
    more += ' font-weight="600"' if bold else ""
    more += {
        "": ' fill="currentColor"',
        "soft": ' class="soft" fill="#566069"',
        "ground": ' class="ground" fill="#fff"',
    }[ink]
    more += f' transform="rotate({at(turn)} {at(x)} {at(y)})"' if turn else ""
    return f'<text x="{at(x)}" y="{at(y)}" font-size="{at(size)}"{more}>{escape(legible(text), quote=False)}</text>'


def line(
    x1: float, y1: float, x2: float, y2: float, *, colour: int | None = None, wide: float = 1, dashes: str = ""
) -> str:
    """A line; without a colour it is a hairline of the frame."""
    stroke = 'class="rule" stroke="#d9dcda"' if colour is None else f'class="s{colour}" stroke="{COLOURS[colour]}"'
    more = f' stroke-width="{at(wide)}"' + (f' stroke-dasharray="{dashes}"' if dashes else "")
    return f'<line x1="{at(x1)}" y1="{at(y1)}" x2="{at(x2)}" y2="{at(y2)}" {stroke}{more}/>'


def box(x: float, y: float, width: float, height: float, *, colour: int, opacity: float = 1, round_: float = 0) -> str:
    """A filled rectangle."""
    more = (f' fill-opacity="{at(opacity)}"' if opacity < 1 else "") + (f' rx="{at(round_)}"' if round_ else "")
    return f'<rect x="{at(x)}" y="{at(y)}" width="{at(max(width, 0))}" height="{at(height)}" class="c{colour}" fill="{COLOURS[colour]}"{more}/>'


def mark(x: float, y: float, colour: int, *, size: float = 4.5) -> str:
    """The point of a series: its colour, and a shape of its own for those who do not see the colour."""
    ink = f'class="c{colour} halo" fill="{COLOURS[colour]}" stroke="#fff" stroke-width="{at(size / 6)}"'
    if SHAPES[colour] == "circle":
        return f'<circle cx="{at(x)}" cy="{at(y)}" r="{at(size)}" {ink}/>'
    corners = "L".join(f"{at(x + size * a)} {at(y + size * b)}" for a, b in _POLYGONS[SHAPES[colour]])
    return f'<path d="M{corners}Z" {ink}/>'


def told(inside: str, text: str) -> str:
    """A group that tells the text when a pointer rests on it."""
    return f"<g><title>{escape(legible(text), quote=False)}</title>{inside}</g>"


def span(numbers: Sequence[float], *, room: float = 0.04) -> tuple[float, float]:
    """An axis that holds the numbers with a little room; an end at 0 stays at 0, so that a bar begins there.

    >>> span([0.0, 1.0]), span([2.0, 2.0])
    ((0.0, 1.04), (1.0, 3.0))
    """
    low, high = min(numbers), max(numbers)
    if low == high:
        return low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    more = (high - low) * room
    return low - (more if low else 0), high + (more if high else 0)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between low and high, about `most` of them and never fewer than two.

    >>> ticks(0.13, 0.92), ticks(-3, 48)
    ([0.2, 0.4, 0.6, 0.8], [0.0, 10.0, 20.0, 30.0, 40.0])
    """
    while True:
        raw = (high - low) / most
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(s for s in (power, 2 * power, 2.5 * power, 5 * power, 10 * power) if s >= raw * 0.999)
        found = [
            round(k * step, 12) + 0.0 for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
        ]
        if len(found) > 1:
            return found
        most *= 2


def tick_words(values: Sequence[float]) -> list[str]:
    """The ticks' labels, all with the same number of decimals.

    >>> tick_words([0.0, 0.25, 0.5]), tick_words([-10.0, 0.0])
    (['0.00', '0.25', '0.50'], ['−10', '0'])
    """
    step = values[1] - values[0]
    if max(map(abs, values)) >= 1e7 or step < 1e-6:
        return [f"{v:.3g}".replace("-", "−") for v in values]
    places = next((p for p in range(9) if all(abs(round(v, p) - v) < step * 1e-6 for v in values)), 9)
    return [f"{v:,.{places}f}".replace("-", "−") for v in values]


def finite(value: object) -> float | None:
    """The number, or None where there is none to draw.

    >>> finite(1), finite(None), finite(float("nan"))
    (1.0, None, None)
    """
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def legend(
    names: Sequence[tuple[int, str]], x: float, y: float, width: float, *, boxes: bool = False
) -> tuple[str, float]:
    """Marks (or boxes) with their names, in lines of at most `width`, and how high they stand."""
    out, left, top = [], x, y
    for colour, name in names:
        said = short(name, 220)
        wide = 22 + breadth(said) + 18
        if left > x and left + wide > x + width:
            left, top = x, top + 20
        sign = box(left, top + 2, 12, 12, colour=colour, round_=2) if boxes else mark(left + 6, top + 8, colour)
        out.append(told(sign + word(left + 18, top + 12, said), name))
        left += wide
    return "".join(out), top + 20 - y


def svg(width: float, height: float, title: str, desc: str, inside: Sequence[str]) -> str:
    """The finished figure, which stands alone as a file and is inert in a page."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {at(width)} {at(height)}" width="{at(width)}" height="{at(height)}" role="img"'
        f' font-family="system-ui, sans-serif"><title>{escape(legible(title), quote=False)}</title>'
        f"<desc>{escape(legible(desc), quote=False)}</desc>{''.join(inside)}</svg>"
    )


def colours(names: Sequence[str]) -> dict[str, int]:
    """A colour for each name in its order; grey from the ninth on."""
    return {name: place if place <= MOST else 0 for place, name in enumerate(names, 1)}


def drawable(numbers: Sequence[float | None], what: str) -> list[float]:
    """The numbers that can be drawn; RefusedError where there is none."""
    found = [n for n in numbers if n is not None]
    if not found:
        raise RefusedError(f"there is nothing to draw: {what} holds no number")
    return found


def require(frame: pl.DataFrame, columns: Sequence[str], figure: str) -> None:
    """Raise InputError, with every fault, where the frame lacks what the figure is drawn from."""
    faults = [f"column {c!r} is missing" for c in columns if c not in frame.columns]
    if not faults and not frame.height:
        faults = ["it has no rows"]
    if faults:
        raise InputError(
            f"{figure} cannot be drawn from this frame: {'; '.join(faults)}; it has {', '.join(frame.columns)}"
        )
