"""How much of the spread of answers is the item, the community, the form of the question, and what is left."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FloatArray
from sociolect.compare.variance import components
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Effects
from sociolect.seeds import substream

AXES = ("item", "community", "format")
NAMES = {
    (0,): "item", (1,): "community", (2,): "format", (0, 2): "item x format", (0, 1): "item x community", (1, 2): "community x format",
    (): "residual",
}  # fmt: skip
LOST = 0.1  # ours: the share of cells that may be filled in


def format_variance(
    values: pl.DataFrame,
    *,
    formats: Sequence[str],
    community: str = "community",
    item: str = "item",
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Effects:
    """Variance components of answers crossed by item, community and format, and each one's share of their sum, with intervals.

    A format is one combination of `formats`; repeats of a cell are averaged. The highest interaction and the draw are the
    residual. Crossed random effects by the method of moments (`variance.components`), which is REML in a balanced table
    where nothing is negative; a negative component is 0, and `method` says so. Intervals are generalised ones: each mean
    square over an independent chi-square of its degrees of freedom (Weerahandi 1993, doi 10.1080/01621459.1993.10476355),
    so that few formats or communities make them wide.

    A missing cell is filled by what items, communities, formats and their pairs make of it, and taken off the residual's
    degrees of freedom (Yates 1933); items without any answer in some format, and answers that are null, are counted.
    Raises InputError where a column is missing, RefusedError for fewer than two of anything, or more than a tenth missing.

    >>> rng = np.random.default_rng(1)
    >>> parts = [rng.normal(size=n) for n in (40, 10, 8)]
    >>> cells = [(str(i), str(c), str(f), parts[0][i] + 0.1 * rng.normal()) for i in range(40) for c in range(10) for f in range(8)]
    >>> found = format_variance(pl.DataFrame(cells, schema=["item", "community", "form", "value"], orient="row"), formats=["form"])
    >>> found.filter(contrast="item")["share"].round(2).item()
    0.99
    """
    cells, missing, dropped, left_out = _table(values, [item, community], list(formats))
    size = np.array(cells.shape)
    if size.min() < 2:
        raise RefusedError(
            f"{' x '.join(f'{n} {a}s' for n, a in zip(size, AXES, strict=True))}: two or more of each are due"
        )
    found = components(cells, None, 1)
    subsets = [s for s in found if s]
    # a mean square is the residual plus every component above it, times the levels that are averaged over
    rows = [*subsets, ()]
    lift = np.zeros((len(rows), len(rows)))
    lift[:, -1] = 1.0
    for i, s in enumerate(subsets):
        for j, b in enumerate(subsets):
            if set(b) >= set(s):
                lift[i, j] = float(np.prod([size[a] for a in range(3) if a not in b]))
    squares = lift @ np.array([found[b] for b in rows])
    freedom = np.array(
        [float(np.prod([size[a] - 1 for a in s])) if s else float(np.prod(size - 1)) - missing for s in rows]
    )
    stream = substream(seed, "format variance")
    drawn = squares * freedom / stream.chisquare(freedom, (draws, freedom.size))
    parts = np.maximum(np.linalg.solve(lift, drawn.T).T, 0)
    raw = np.linalg.solve(lift, squares)
    estimate = np.maximum(raw, 0)
    tail = (1 - level) / 2
    out = []
    ends = [np.quantile(x, [tail, 1 - tail], axis=0) for x in (parts, _share(parts))]
    shares = _share(estimate[None])[0]
    for s, called in NAMES.items():
        at = rows.index(s)
        note = "; negative, set to 0" if raw[at] < -1e-12 else ""
        filled = f"; {missing} cells filled in" if missing else ""
        without = f"; {dropped} items left out" if dropped else ""
        out.append({
            "measure": "answers", "contrast": called, "estimate": float(estimate[at]), "low": _least(ends[0][0, at], estimate[at]),
            "high": max(float(ends[0][1, at]), float(estimate[at])), "n": int(np.prod(size)) - missing, "share": float(shares[at]),
            "share_low": _least(ends[1][0, at], shares[at]), "share_high": min(1.0, max(float(ends[1][1, at]), float(shares[at]))),
            "left_out": left_out, "degrees": int(freedom[at]), "method": f"method of moments, generalised interval{filled}{without}{note}",
        })  # fmt: skip
    return frames.effects(pl.DataFrame(out).with_columns(pl.col(pl.Float64).fill_nan(None)))


def _table(values: pl.DataFrame, own: list[str], formats: list[str]) -> tuple[FloatArray, int, int, int]:
    """Cell means (items, communities, formats), how many of them are filled in, items dropped, and answers left out."""
    if absent := [c for c in dict.fromkeys(["value", *own, *formats]) if c not in values.columns]:
        raise InputError(f"these values have no column {', '.join(map(repr, absent))}")
    known = values.filter(pl.col("value").is_not_null()).sort(*own, *formats, "value")
    cells = known.group_by([*own, *formats], maintain_order=True).agg(pl.col("value").mean())
    form = cells.select(pl.concat_str(formats, separator="\x1f", ignore_nulls=True)).to_series() if formats else None
    if form is None or cells.is_empty():
        raise RefusedError(
            "no form of the question was named, or none was answered: ask the same items in two forms or more"
        )
    axes = [cells[own[0]].cast(pl.String), cells[own[1]].cast(pl.String), form]
    levels = [sorted(a.unique().to_list()) for a in axes]
    table = np.full([len(x) for x in levels], np.nan)
    at = tuple(
        np.array([{v: i for i, v in enumerate(found)}[v] for v in a]) for a, found in zip(axes, levels, strict=True)
    )
    table[at] = cells["value"].to_numpy()
    # an item that lacks a whole community or format tells nothing of either
    whole = ~(np.isnan(table).all(1).any(1) | np.isnan(table).all(2).any(1))
    kept = table[whole]
    missing = int(np.isnan(kept).sum())
    if not kept.size or missing > LOST * kept.size:
        raise RefusedError(
            f"{missing} of {kept.size} cells (item x community x format) have no answer: a tenth is the most that may be missing"
        )
    lost = values.height - known.height + int((~np.isnan(table[~whole])).sum())
    return _filled(kept), missing, int((~whole).sum()), lost


def _filled(table: FloatArray) -> FloatArray:
    """The table with its empty cells at what main effects and pairs make of them."""
    empty = np.isnan(table)
    if not empty.any():
        return table
    x = np.where(empty, np.nanmean(table), table)
    for _ in range(200):
        fit = np.zeros_like(x)
        for keep in product((False, True), repeat=3):
            if not all(keep):
                # means over the axes not kept, with the signs by which pairs make up for what they count twice
                sign = {2: 1.0, 1: -1.0, 0: 1.0}[sum(keep)]
                fit = fit + sign * x.mean(axis=tuple(a for a in range(3) if not keep[a]), keepdims=True)
        moved = float(np.abs(x[empty] - fit[empty]).max())
        x[empty] = fit[empty]
        if moved < 1e-10:
            break
    return x


def _share(parts: FloatArray) -> FloatArray:
    total = parts.sum(1, keepdims=True)
    return np.asarray(np.where(total > 0, parts / np.where(total > 0, total, 1), np.nan))


def _least(low: float, estimate: float) -> float:
    return max(0.0, min(float(low), float(estimate)))
