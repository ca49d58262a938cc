"""What a regression reads of its rows: the complete ones, as numbers and group codes, in one piece or in batches."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sociolect.compare.design import Design, Levels, checked, complete, design, levels, matrix, state
from sociolect.compare.formula import Formula, absent, read
from sociolect.compare.group_sums import Codes, gathered
from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, RefusedError, UsageError

_FLAT = 1e-20  # a sum of squares within groups below this share of the whole is rounding


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows that can be read again: `read` gives the named columns from the start, in one batch or many.

    `held` are rows that are in memory anyway: their complete ones and codes are then kept from the first reading.
    """

    schema: Mapping[str, pl.DataType]
    read: Callable[[Sequence[str]], Iterator[pl.DataFrame]]
    held: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The columns that vary inside the groups of `within`, and the mean of each in each group (G, p).

    A column is `whole`, `split` in two, or only `inside`: its mean is the same in every group, and says nothing.
    """

    within: str
    kinds: tuple[str, ...]
    means: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ModelFrame:
    """How rows become numbers; what `scan` found in one reading of them.

    `names` are the sorted names behind the codes of each group or cluster; `scale` is the mean weight of sampling
    weights, 1 for precision weights.
    """

    formula: Formula
    design: Design
    response: Design
    names: Mapping[str, pl.Series]
    used: tuple[str, ...]
    weights: str | None
    scale: float
    n: int
    left_out: Mapping[str, int]
    split: Split | None = None
    held: tuple[pl.DataFrame, Mapping[str, Codes]] | None = None

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns to read: those used, and the weights."""
        return (*self.used, *([self.weights] if self.weights and self.weights not in self.used else []))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the design's columns, after the split within and between."""
        return tuple(name for part in _named(self) for name in part)

    @property
    def terms(self) -> dict[str, tuple[int, ...]]:
        """The columns of each term, by position; the two parts of a split term are terms of their own."""
        places: dict[str, list[int]] = {}
        at = np.cumsum([0, *(len(part) for part in _named(self))])
        for term, columns in self.design.terms.items():
            for j in columns:
                for i, name in enumerate(_named(self)[j]):
                    suffix = name[len(self.design.columns[j]) :]
                    places.setdefault(term + suffix, []).append(int(at[j]) + i)
        return {term: tuple(found) for term, found in places.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Rows as arrays: x (n, p), y (n, k), weights (n,) or None, and codes (n,) by column."""

    x: FloatArray
    y: FloatArray
    weights: FloatArray | None
    codes: Mapping[str, Codes]


def scan(
    rows: Rows,
    formula: str,
    *,
    outcomes: Sequence[str] = (),
    constants: Mapping[str, float] | None = None,
    weights: str | None = None,
    sampling: bool = False,
    coded: Sequence[str] = (),
    within: str | None = None,
) -> ModelFrame:
    """One reading of the rows: the levels, the groups, and how many rows are left out for which column.

    `coded` are further columns that need codes (clusters). Raises InputError for missing columns and faulty weights,
    RefusedError where no row is complete.
    """
    schema = dict(rows.schema)
    parsed = read(formula, schema, outcomes=outcomes, constants=constants)
    grouped = tuple(dict.fromkeys([*parsed.groups, *coded, *([within] if within else [])]))
    wanted = [*grouped, *([weights] if weights else [])]
    if missing := [c for c in dict.fromkeys(wanted) if c not in schema]:
        raise InputError(f"these rows cannot be fitted: {'; '.join(absent(c, list(schema)) for c in missing)}")
    categories = checked(parsed, schema)
    used = tuple(dict.fromkeys([*parsed.columns, *grouped]))
    out: Counter[str] = Counter()
    seen: dict[str, list[pl.Series]] = {c: [] for c in (*categories, *grouped)}
    head: list[pl.DataFrame] = []
    learnt: list[pl.DataFrame] = []
    n, total, held = 0, 0.0, None
    names: dict[str, pl.Series] = {}
    for chunk in rows.read(list(dict.fromkeys([*used, *([weights] if weights else [])]))):
        kept, gone = complete(chunk, used, weights=weights)
        out.update(gone)
        n += kept.height
        if rows.held:
            ranked = {c: _ranked(_plain(kept[c])) for c in grouped}
            names = {c: found for c, (found, _) in ranked.items()}
            held = kept, {c: codes for c, (_, codes) in ranked.items()}
        for c in categories if rows.held else seen:
            seen[c].append(kept[c].unique())
        if weights:
            total += float(kept[weights].cast(pl.Float64).sum())
        if kept.height and not head:
            head = [kept.head(1000)]
        if parsed.learnt:
            learnt.append(kept.select(c for c in parsed.columns if schema[c].is_numeric() or schema[c] == pl.Boolean))
    if weights and not n and out[f"{weights} = 0"]:
        raise InputError(f"weights {weights!r} are 0 in every complete row; at least some above 0 are due")
    if not n:
        raise RefusedError(f"no row is complete: {', '.join(f'{c} {m}' for c, m in out.items()) or 'there are none'}")
    found: Levels = levels({c: pl.concat(seen[c]) for c in categories})
    names = names or {c: _plain(pl.concat(seen[c])).unique().sort() for c in grouped}
    known = state(parsed.learnt, pl.concat(learnt), constants) if parsed.learnt else {}
    response = design(
        "0 + " + " + ".join(f"`{o}`" if o in schema else f"{{{o}}}" for o in parsed.outcomes),
        head[0],
        found,
        constants=constants,
    )
    if len(response.columns) != len(parsed.outcomes):
        raise UsageError(
            f"{len(parsed.outcomes)} outcomes make {len(response.columns)} columns: one number each is due"
        )
    made = design(parsed.fixed, head[0], found, constants=constants, learnt=known)
    scale = total / n if weights and sampling else 1.0
    frame = ModelFrame(parsed, made, response, names, used, weights, scale, n, dict(out), held=held)
    return _divided(frame, rows, within) if within else frame


def numbers(frame: ModelFrame, rows: pl.DataFrame | None = None) -> Numbers:
    """The complete ones among these rows, as arrays; without rows, those the frame holds. Errors as in `design.matrix`."""
    if rows is not None:
        kept, _ = complete(rows.select(frame.needed), frame.used, weights=frame.weights)
        codes: Mapping[str, Codes] = {c: _coded(kept[c], names) for c, names in frame.names.items()}
    elif frame.held:
        kept, codes = frame.held
    else:
        raise TypeError("the frame holds no rows: hand them in")
    weights = None
    if frame.weights:
        weights = kept[frame.weights].cast(pl.Float64).to_numpy()
        weights = weights if frame.scale == 1 else weights / frame.scale
    x, y = matrix(frame.design, kept), matrix(frame.response, kept)
    if frame.split is None:
        return Numbers(x, y, weights, codes)
    means = frame.split.means[codes[frame.split.within]]
    parts = []
    for j, kind in enumerate(frame.split.kinds):
        parts += [x[:, j]] if kind == "whole" else [x[:, j] - means[:, j]]
        parts += [means[:, j]] if kind == "split" else []
    return Numbers(np.stack(parts, axis=1), y, weights, codes)


def _divided(frame: ModelFrame, rows: Rows, within: str) -> ModelFrame:
    """The frame with its columns split into deviations from the groups' (weighted) means, and these means (Mundlak 1978)."""
    again = [numbers(frame)] if frame.held else (numbers(frame, chunk) for chunk in rows.read(frame.needed))
    p = len(frame.design.columns)
    sums = gathered(((part.x, part.codes[within], part.weights) for part in again), frame.names[within].len(), p)
    whole = np.diag(sums.within) + sums.weight @ sums.mean**2
    apart = sums.weight @ (sums.mean - sums.weight @ sums.mean / sums.weight.sum()) ** 2
    inside, between = np.diag(sums.within) > _FLAT * whole, apart > _FLAT * whole
    constant = bool((~inside & ~between).any())
    kinds = [
        "whole" if not varies else "split" if differs or not constant else "inside"
        for varies, differs in zip(inside, between, strict=True)
    ]
    return replace(frame, split=Split(within, tuple(kinds), sums.mean))


def _named(frame: ModelFrame) -> list[tuple[str, ...]]:
    if frame.split is None:
        return [(name,) for name in frame.design.columns]
    of = frame.split.within
    suffixes = {"whole": ("",), "split": (f" [within {of}]", f" [between {of}]"), "inside": (f" [within {of}]",)}
    return [
        tuple(name + suffix for suffix in suffixes[kind])
        for name, kind in zip(frame.design.columns, frame.split.kinds, strict=True)
    ]


def _plain(names: pl.Series) -> pl.Series:
    return names.cast(pl.String) if names.dtype in (pl.Categorical, pl.Enum) else names


def _ranked(column: pl.Series) -> tuple[pl.Series, Codes]:
    """The sorted names of a column without gaps, and each value's place among them."""
    runs = column.rle_id().to_numpy()
    first = np.flatnonzero(np.diff(runs.astype(np.int64), prepend=-1))
    if first.size < runs.size / 2:  # rows of one group stand together: one look-up per run
        column = column.gather(first)
        codes = column.rank("dense").to_numpy().astype(np.int64) - 1
        places = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.int64)
        places[codes] = np.arange(codes.size)
        return column.gather(places), codes[runs]
    names = column.unique().sort()
    if column.dtype == pl.String:
        return names, column.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
    return names, _coded(column, names)


def _coded(column: pl.Series, names: pl.Series) -> Codes:
    places = pl.DataFrame({"name": names, "code": np.arange(names.len(), dtype=np.int64)})
    found = pl.DataFrame({"name": _plain(column)}).join(places, on="name", how="left", maintain_order="left")["code"]
    if lost := found.null_count():
        raise InputError(
            f"{lost} rows belong to groups that were not there when the rows were first read: read them again"
        )
    return found.to_numpy()
