"""The columns of a formula as numbers: which rows are complete, which levels a category has, the design matrix."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from sociolect.compare.design_columns import Product, coded, products, written
from sociolect.compare.formula import Formula
from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, RefusedError, UsageError

_FIRST = ("stranger", "woman")  # reference levels by declaration; of any other category the first in sorted order
Levels = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """How rows become a matrix: formulaic's specification, the levels of categories, the names of the columns.

    `terms` maps each term to its columns, by position. `parts` are the terms as products that `design_columns.written`
    computes in one pass; None where only formulaic can.
    """

    spec: Any  # formulaic.ModelSpec
    constants: Mapping[str, float]
    levels: Levels
    used: tuple[str, ...]
    columns: tuple[str, ...]
    terms: Mapping[str, tuple[int, ...]]
    parts: tuple[Product, ...] | None = None


def complete(
    rows: pl.DataFrame, columns: Sequence[str], *, weights: str | None = None
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows without a gap in any of the columns, and how many were left out, each counted once, by its first gap.

    A null counts under the column's name, nan under `name (nan)`, a weight of 0 under `name = 0`.
    Raises InputError for weights that are missing, negative, or no numbers: a row of unknown weight is nobody's to drop.

    >>> kept, out = complete(pl.DataFrame({"x": [1.0, None, 3.0], "y": [None, None, 1.0]}), ["x", "y"])
    >>> kept.height, out
    (1, {'x': 1, 'y': 1})
    """
    out: dict[str, int] = {}
    gaps = [(c, pl.col(c).is_null()) for c in columns if rows[c].null_count()]
    gaps += [
        (f"{c} (nan)", pl.col(c).is_nan()) for c in columns if rows.schema[c].is_float() and rows[c].is_nan().any()
    ]
    if weights:
        w = rows[weights]
        if not w.dtype.is_numeric():
            raise InputError(f"weights {weights!r} are {w.dtype}; numbers of 0 or more are due")
        value = w.cast(pl.Float64)
        said = {"missing": value.null_count() + int(value.is_nan().sum()), "negative": int((value < 0).sum()),
                "infinite": int(value.is_infinite().sum())}  # fmt: skip
        if any(said.values()):
            told = ", ".join(f"{n} {what}" for what, n in said.items() if n)
            raise InputError(f"weights {weights!r}: {told}; a finite number of 0 or more is due in each row")
        if (value == 0).any():
            gaps.append((f"{weights} = 0", pl.col(weights) == 0))
    if not gaps:
        return rows, out
    cause = pl.coalesce(*(pl.when(gap).then(pl.lit(i, dtype=pl.Int32)) for i, (_, gap) in enumerate(gaps)))
    found = rows.select(cause.alias("gap"))["gap"]
    counts = dict(found.drop_nulls().value_counts().iter_rows())
    return rows.filter(found.is_null()), {name: counts[i] for i, (name, _) in enumerate(gaps) if i in counts}


def category(dtype: pl.DataType) -> bool:
    """Whether a column of this type is a category in a formula."""
    return dtype in (pl.String, pl.Categorical, pl.Enum)


def checked(formula: Formula, schema: Mapping[str, pl.DataType]) -> tuple[str, ...]:
    """The columns of a formula that are categories; InputError names each column of a type that cannot be used."""
    faults = []
    named = {*formula.labels} | {c for c in formula.columns if category(schema[c])}
    for c in formula.columns:
        if c in named and c in formula.plain:
            faults.append(f"column {c!r} is {schema[c]}, not a number, and stands in arithmetic")
        elif c not in named and not (schema[c].is_numeric() or schema[c] == pl.Boolean):
            faults.append(f"column {c!r} is {schema[c]}; a number, true or false, or text is due")
    if faults:
        raise InputError(f"these rows cannot be fitted: {'; '.join(faults)}")
    return tuple(c for c in formula.columns if c in named)


def levels(values: Mapping[str, pl.Series]) -> dict[str, tuple[str, ...]]:
    """The levels of each category that occur, the reference first: `stranger`, `woman`, else the first in order.

    An Enum declares its own order. Raises RefusedError for a category of one level: its effect cannot be told.

    >>> levels({"closeness": pl.Series(["close", "stranger", "not_close"])})
    {'closeness': ('stranger', 'close', 'not_close')}
    """
    found, single = {}, []
    for c, series in values.items():
        order = series.drop_nulls().unique().sort() if isinstance(series.dtype, pl.Enum) else _sorted(series)
        names = order.cast(pl.String).to_list()
        if not isinstance(series.dtype, pl.Enum):
            names.sort(key=lambda name: name not in _FIRST)
        found[c] = tuple(names)
        single += [f"column {c!r} holds {names[0] if names else 'no value'!r} only"] if len(names) < 2 else []
    if single:
        raise RefusedError(f"{'; '.join(single)}: a constant column is aliased with the intercept; leave it out")
    return found


def _sorted(series: pl.Series) -> pl.Series:
    return (series if series.dtype.is_numeric() else series.cast(pl.String)).drop_nulls().unique().sort()


def design(
    fixed: str,
    rows: pl.DataFrame,
    levels: Levels,
    *,
    constants: Mapping[str, float] | None = None,
    learnt: Mapping[str, Any] | None = None,
) -> Design:
    """How the rows of this frame, and any later ones, become a matrix.

    `learnt` is what poly, bs or scale have seen in all rows, where these rows are only some of them.

    >>> made = design("closeness", pl.DataFrame({"closeness": ["stranger", "close"]}), {"closeness": ("stranger", "close")})
    >>> made.columns, made.terms
    (('Intercept', 'closeness[T.close]'), {'Intercept': (0,), 'closeness': (1,)})
    """
    from formulaic import ModelSpec

    known = dict(constants or {})
    if bad := [c for c, value in known.items() if not np.isfinite(value)]:
        raise UsageError(f"constant {bad[0]!r} is {known[bad[0]]}; a finite number is due")
    spec = ModelSpec(
        fixed, output="numpy", na_action="ignore", ensure_full_rank=True, transform_state=dict(learnt or {})
    )
    made = _materialised(spec, rows, levels, known)
    found = made.model_spec
    columns = tuple(found.column_names)
    if not columns:
        raise UsageError(f"formula {fixed!r} has no columns: an intercept or a term is due")
    terms = {
        "Intercept" if str(term) == "1" else str(term): tuple(range(part.start, part.stop))
        for term, part in found.term_slices.items()
    }
    used = tuple(dict.fromkeys(str(v) for v in found.required_variables if v in rows.columns))
    parts = products(found, levels)
    # what formulaic made of these rows is the proof: where the products differ, formulaic goes on
    same = parts and np.allclose(
        written(parts, rows.with_columns(**{c: coded(rows[c], levels[c]) for c in used if c in levels}), known),
        made,
        rtol=1e-14,
        atol=0,
        equal_nan=True,
    )
    return Design(found, known, dict(levels), used, columns, terms, parts if same else None)


def matrix(made: Design, rows: pl.DataFrame) -> FloatArray:
    """The design matrix (rows, columns) of complete rows.

    Raises InputError where a category has a level the design does not know, or a column is infinite or undefined:
    the logarithm of 0 is nobody's tone.

    >>> rows = pl.DataFrame({"x": [1.0, 2.0]})
    >>> matrix(design("log(x)", rows, {}), rows).round(3).tolist()
    [[1.0, 0.0], [1.0, 0.693]]
    """
    faults, codes = [], {}
    for c in made.used:
        if c not in rows.columns:
            faults.append(f"column {c!r} is missing")
        elif c in made.levels:
            codes[c] = coded(rows[c], made.levels[c])
            if codes[c].null_count() > rows[c].null_count():
                new = sorted(set(rows[c].cast(pl.String).unique()) - {*made.levels[c]} - {None})
                faults.append(
                    f"column {c!r} holds {', '.join(map(repr, new))}; the fit knows {', '.join(made.levels[c])}"
                )
    if faults:
        raise InputError(f"these rows do not fit the design: {'; '.join(faults)}")
    if made.parts is not None:
        out = written(made.parts, rows.with_columns(**codes), made.constants)
    else:
        out = np.asarray(_materialised(made.spec, rows, made.levels, made.constants), dtype=float)
    # the sum is finite wherever all its parts are, but for columns whose sum overflows
    if not np.isfinite(out.sum()) and not (defined := np.isfinite(out)).all():
        bad = [(made.columns[j], int(n)) for j, n in enumerate((~defined).sum(0)) if n]
        raise InputError(
            f"{'; '.join(f'{c!r} is infinite or undefined in {n} rows' for c, n in bad)}: "
            "add a constant inside the logarithm, or leave these rows out and say so"
        )
    return out


def state(fixed: Iterable[str], rows: pl.DataFrame, constants: Mapping[str, float] | None = None) -> dict[str, Any]:
    """What poly, bs, scale and their kin learn from all rows: formulaic's own state, by factor."""
    from formulaic import ModelSpec

    spec = ModelSpec("0 + " + " + ".join(fixed), output="numpy", na_action="ignore")
    return dict(_materialised(spec, rows, {}, dict(constants or {})).model_spec.transform_state)


def _materialised(spec: Any, rows: pl.DataFrame, levels: Levels, constants: Mapping[str, float]) -> Any:
    import pandas as pd
    from formulaic.materializers import PandasMaterializer

    held = {
        s.name: pd.Categorical.from_codes(
            s.cast(pl.String).cast(pl.Enum(levels[s.name])).to_physical().to_numpy().astype(np.int32),
            categories=list(levels[s.name]),
        )
        if s.name in levels
        else s.cast(pl.Float64).to_numpy()
        for s in rows.get_columns()
        if s.name in levels or s.dtype.is_numeric() or s.dtype == pl.Boolean
    }
    functions = {"log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt, "abs": np.abs}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        try:
            return PandasMaterializer(
                pd.DataFrame(held, copy=False), context={**functions, **constants}
            ).get_model_matrix(spec)
        except Exception as error:  # formulaic raises many kinds; each says why
            raise UsageError(f"formula {spec.formula} cannot be computed: {error}") from error
