"""What the answers to a scale vary with: community, item, wording, order, label, their interactions, and the draw."""

from collections.abc import Mapping, Sequence
from itertools import chain, combinations

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.fidelity import centred
from sociolect.compare.interval import FEW, FloatArray, IntArray, interval
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Effects
from sociolect.seeds import substream

Subset = tuple[int, ...]
_CELLS = 1_000_000  # numbers in one chunk of resampled tables


def components(cells: FloatArray, within: float | None, n: float) -> dict[Subset, float]:
    """Variance components of a complete crossed table of cell means, by subset of its axes; () is the draw.

    All factors random, every interaction in: the expected mean square of a subset A is the draw's variance / n plus, for
    each B that holds A, its component times the levels of the axes outside B; solved from the top down (Searle, Casella
    and McCulloch 1992, ch. 4). `within` is the pooled variance inside cells and `n` the (harmonic mean) replies a cell.
    Without `within` the highest interaction cannot be told from the draw: the draw holds both. Negative components are
    given as they come.

    >>> found = components(np.array([[1.0, 2.0], [3.0, 4.0]]), None, 1)
    >>> {axes: round(v, 6) for axes, v in found.items()}
    {(): 0.0, (0,): 2.0, (1,): 0.5}
    """
    inside = None if within is None else np.array([within])
    found = _components(cells[None], inside, np.array([n]))
    return {axes: float(value[0]) for axes, value in found.items()}


def _components(cells: FloatArray, within: FloatArray | None, n: FloatArray) -> dict[Subset, FloatArray]:
    """The components of each of m tables (m, ...), with `within` and `n` (m,)."""
    size = cells.shape[1:]
    axes = range(len(size))
    whole = tuple(axes)
    subsets = [tuple(s) for s in chain.from_iterable(combinations(axes, r) for r in range(1, len(size) + 1))]
    outside = {s: float(np.prod([size[a] for a in axes if a not in s])) for s in subsets}

    def mean(s: Subset) -> FloatArray:
        return np.asarray(cells.mean(axis=tuple(a + 1 for a in axes if a not in s), keepdims=True))

    effect: dict[Subset, FloatArray] = {(): mean(())}
    squares: dict[Subset, FloatArray] = {}
    for s in subsets:
        smaller = chain.from_iterable(combinations(s, r) for r in range(len(s)))
        effect[s] = mean(s) - sum(effect[b] for b in smaller)
        total = (effect[s] ** 2).reshape(len(cells), -1).sum(1)
        squares[s] = np.asarray(total * outside[s] / np.prod([size[a] - 1 for a in s]))
    draw = squares[whole] * n if within is None else within
    out: dict[Subset, FloatArray] = {}
    for s in reversed(subsets):
        if s == whole and within is None:
            continue
        above = sum((out[b] * outside[b] for b in out if set(b) > set(s)), np.zeros(len(cells)))
        out[s] = (squares[s] - above - draw / n) / outside[s]
    return {(): draw} | dict(sorted(out.items(), key=lambda pair: (len(pair[0]), pair[0])))


def variance(
    scores: pl.DataFrame,
    *,
    factors: Mapping[str, Sequence[str]] | None = None,
    trait: str = "trait",
    cluster: str = "wording",
    level: float = 0.95,
    draws: int = 500,
    seed: int = 0,
) -> Effects:
    """The variance of item scores split into components: `estimate`, `share` of their sum, each with an interval.

    `scores` are item rows of one scale and arm, in scored direction. `factors`: a component's name -> the columns whose
    combinations are its levels (default: trait = community, item, wording = paraphrase and template, order, label =
    label_style); a factor of one level is left out. `contrast` is a factor, "trait x <factor>" for what it does to
    communities apart, "other interactions", or "draw": what repeats of the same question differ by.

    Balanced, crossed, by the method of moments (`components`); cells of unequal size count by their means. A negative
    component is 0, and `method` says so. The interval resamples the levels of `cluster` and is centred on the estimate:
    it is about the communities, items and orders that were asked, under other wordings (measured: it covers the variance
    among those in 94-98 % of worlds with 8 wordings; the variance of all wordings there might be, in 83 %). Without two
    wordings there is none.

    Raises RefusedError where cells are empty or fewer than two factors have two levels, InputError where a column is
    missing or `trait` is no factor.
    """
    named = dict(factors or _default(scores))
    if missing := sorted({c for columns in named.values() for c in columns} - set(scores.columns)):
        raise InputError(f"these scores have no column {', '.join(map(repr, missing))}")
    if trait not in named:
        raise InputError(f"no factor {trait!r}; there are: {', '.join(named)}")
    known = scores.filter(pl.col("value").is_not_null())
    varied = [f for f, columns in named.items() if known.select(columns).n_unique() > 1]
    if len(varied) < 2 or trait not in varied:
        raise RefusedError(
            f"two factors with two levels or more are due, {trait} among them; seen: {', '.join(varied) or 'none'}"
        )
    means, squares, counts = _table(known, [list(named[f]) for f in varied])
    if empty := int((counts == 0).sum()):
        raise RefusedError(
            f"{empty} of {counts.size} cells ({' x '.join(varied)}) have no answer: ask more draws, or leave out what was refused"
        )
    names = _names(varied, trait)

    labels = list(dict.fromkeys(names.values()))

    def split(at: IntArray | None) -> FloatArray:
        """The components of the table, or of one table per row of levels of `cluster`."""
        axis = varied.index(cluster) if at is not None else 0
        m, s, c = (
            np.moveaxis(np.take(x, at, axis=axis), axis, 0) if at is not None else x[None]
            for x in (means, squares, counts)
        )
        flat = c.reshape(len(c), -1)
        inside = s.reshape(len(s), -1).sum(1) / (flat - 1).sum(1) if (counts > 1).any() else None
        found = _components(m, inside, flat.shape[1] / (1 / flat).sum(1))
        return np.stack([sum(v for axes, v in found.items() if names[axes] == label) for label in labels], axis=1)

    raw = split(None)[0]
    estimate = np.maximum(raw, 0)
    levels = means.shape[varied.index(cluster)] if cluster in varied else 0
    method, ends = "method of moments; no interval: two levels of wording are due", np.full((4, raw.size), np.nan)
    if levels > 1:
        stream = substream(seed, "variance")
        drawn_levels = stream.integers(0, levels, (draws, levels))
        step = max(1, _CELLS // means.size)
        drawn = np.concatenate([split(drawn_levels[i : i + step]) for i in range(0, draws, step)])
        parts = np.maximum(centred(raw, drawn), 0)
        shares = parts / np.maximum(parts.sum(1, keepdims=True), 1e-300)
        for i, (value, sample) in enumerate(((estimate, parts), (_share(estimate), shares))):
            found = interval(value, sample, n=known.height, clusters=levels, level=level)
            ends[2 * i], ends[2 * i + 1] = np.maximum(found.low, 0), found.high
        few = f"; few clusters ({levels} < {FEW})" if levels < FEW else ""
        method = f"method of moments, bootstrap over {cluster}{few}"
    single = "; one reply a cell: the highest interaction is in the draw" if counts.max() == 1 else ""
    measure = "item scores"
    if "measure" in known.columns:
        measure = str(known["measure"].sort()[0]).partition(":")[0]
    return frames.effects(
        pl.DataFrame({
            "measure": [measure] * len(labels), "contrast": labels, "estimate": estimate, "low": ends[0], "high": ends[1],
            "n": [known.height] * len(labels), "share": _share(estimate), "share_low": ends[2],
            "share_high": np.minimum(ends[3], 1), "left_out": [scores.height - known.height] * len(labels),
            "clusters": [levels or None] * len(labels),
            "method": [method + single + ("; negative, set to 0" if v < -1e-12 else "") for v in raw.tolist()],
        }, schema_overrides={"clusters": pl.Int64}).with_columns(pl.col(pl.Float64).fill_nan(None))
    )  # fmt: skip


def _default(scores: pl.DataFrame) -> dict[str, list[str]]:
    own = {"trait": ["community"], "item": ["item"], "wording": ["paraphrase", "template"], "order": ["order"],
           "label": ["label_style"]}  # fmt: skip
    return {name: here for name, columns in own.items() if (here := [c for c in columns if c in scores.columns])}


def _table(known: pl.DataFrame, factors: Sequence[Sequence[str]]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, sum of squares around it and count of each cell; axes as the factors, their levels sorted."""
    codes, size = [], []
    for columns in factors:
        levels = known.select(columns).unique().sort(columns, nulls_last=True).with_row_index("_code")
        place = known.select(columns).join(
            levels, on=list(columns), how="left", nulls_equal=True, maintain_order="left"
        )
        codes.append(place["_code"].to_numpy())
        size.append(levels.height)
    at = np.ravel_multi_index(tuple(codes), size)
    value = known["value"].to_numpy()
    order = np.lexsort((value, at))  # sums run in an order of their own, so that the order of the rows changes no byte
    at, value = at[order], value[order]
    cells = int(np.prod(size))
    count: FloatArray = np.bincount(at, minlength=cells).astype(float)
    mean: FloatArray = np.bincount(at, weights=value, minlength=cells) / np.maximum(count, 1)
    square: FloatArray = np.bincount(at, weights=(value - mean[at]) ** 2, minlength=cells).astype(float)
    return mean.reshape(size), square.reshape(size), count.reshape(size)


def _names(varied: Sequence[str], trait: str) -> dict[Subset, str]:
    """The component each subset of axes is told under, factors first, then their interactions with the trait."""
    first = varied.index(trait)
    out: dict[Subset, str] = {(i,): name for i, name in enumerate(varied)}
    out |= {tuple(sorted((first, i))): f"{trait} x {name}" for i, name in enumerate(varied) if i != first}
    rest = chain.from_iterable(combinations(range(len(varied)), r) for r in range(2, len(varied) + 1))
    out |= {tuple(s): "other interactions" for s in rest if tuple(s) not in out}
    return out | {(): "draw"}


def _share(parts: FloatArray) -> FloatArray:
    total = parts.sum()
    return np.asarray(parts / total if total > 0 else np.full(parts.shape, np.nan))
