"""The moral graph as a figure: values in the order of wisdom, an arc for every step that voters took, places beside them."""

import polars as pl

from sociolect.report.ink import COLOURS, at, line, mark, require, short, svg, told, word
from sociolect.report.table import digits, interval

ROW, LEFT, LABEL, AXIS = 30.0, 190.0, 250.0, 220.0


def arcs(ranks: pl.DataFrame, edges: pl.DataFrame, *, label: str = "title", title: str = "The moral graph") -> str:
    """A row per value, the wisest on top, its place with its interval as a circle, its place by popularity as a square.

    `ranks` has node, rank, low, high, popular and the column `label`; `edges` has source, target, weight (0 to 1). An arc goes from a value to one
    that voters found wiser, thick where they agreed; upwards it is blue, downwards, against the order, orange.

    >>> two = pl.DataFrame({"node": ["a", "b"], "title": ["Care", "Rules"], "rank": [1.0, 2.0], "low": [1.0, 1.0], "high": [2.0, 2.0], "popular": [2.0, 1.0]})
    >>> drawn = arcs(two, pl.DataFrame({"source": ["b"], "target": ["a"], "weight": [0.5]}))
    >>> "Rules → Care: 0.500" in drawn, drawn.count("<circle")
    (True, 3)
    """
    require(ranks, ("node", label, "rank", "low", "high", "popular"), "arcs")
    rows = ranks.sort("rank", "node").to_dicts()
    place = {r["node"]: k for k, r in enumerate(rows)}
    n, top = len(rows), 46.0

    def y(k: float) -> float:
        return top + ROW * (k + 0.5)

    def x(rank: float) -> float:
        return LEFT + LABEL + (rank - 1) / max(n - 1, 1) * AXIS

    out = [mark(LEFT + LABEL, 12, 1), word(LEFT + LABEL + 10, 16, "by wisdom"), mark(LEFT + LABEL + 100, 12, 2),
           word(LEFT + LABEL + 110, 16, "by popularity")]  # fmt: skip
    for tick in sorted({1, n, *range(5, n, 5)}):
        out += [
            line(x(tick), top - 6, x(tick), y(n - 0.5)),
            word(x(tick), top - 10, str(tick), anchor="middle", size=10.5, ink="soft"),
        ]
    span = max(
        [
            abs(place[a] - place[b])
            for a, b in edges.select("source", "target").iter_rows()
            if a in place and b in place
        ],
        default=1,
    )
    for edge in edges.sort("source", "target").iter_rows(named=True):
        if edge["source"] not in place or edge["target"] not in place:
            continue
        a, b = place[edge["source"]], place[edge["target"]]
        colour, wide = (1, 0.6 + 2 * edge["weight"]) if a > b else (2, 0.6 + 2 * edge["weight"])
        reach = (
            LEFT - 14 - (LEFT - 24) * 1.3 * abs(a - b) / max(span, 3)
        )  # a curve reaches three quarters of its handles
        path = f"M{at(LEFT - 14)} {at(y(a))}C{at(reach)} {at(y(a))} {at(reach)} {at(y(b))} {at(LEFT - 14)} {at(y(b))}"
        drawn = f'<path d="{path}" class="s{colour}" stroke="{COLOURS[colour]}" stroke-width="{at(wide)}" stroke-opacity="0.45" fill="none"/>'
        names = rows[a][label], rows[b][label]
        out.append(told(drawn, f"{names[0]} → {names[1]}: {digits(edge['weight'])}"))
    for k, r in enumerate(rows):
        name = str(r[label])
        out += [mark(LEFT - 8, y(k), 8, size=3), word(LEFT + 4, y(k) + 4, short(name, LABEL - 24))]
        doubt = (
            line(x(r["low"]), y(k), x(r["high"]), y(k), colour=1, wide=2)
            if r["low"] is not None and r["high"] is not None
            else ""
        )
        if r["popular"] is not None:
            out.append(
                told(mark(x(r["popular"]), y(k), 2, size=4), f"{name}: place {digits(r['popular'])} by popularity")
            )
        out.append(
            told(
                doubt + mark(x(r["rank"]), y(k), 1, size=4.5),
                f"{name}: place {digits(r['rank'])}{interval(r['low'], r['high'])} by wisdom",
            )
        )
    wide = LEFT + LABEL + AXIS + 30
    out.append(word(LEFT + LABEL + AXIS / 2, y(n) + 6, "place, 1 the highest", anchor="middle", size=11.5, ink="soft"))
    desc = f"{n} values in the order of wisdom and {edges.height} steps from one to a wiser one. Circles are places by wisdom with intervals, squares by popularity."
    return svg(wide, y(n) + 14, title, desc, out)
