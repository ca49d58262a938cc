"""The design matrix written column by column in one pass: what formulaic makes of its specification, without its copies."""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import polars as pl

from sociolect.compare.interval import FloatArray

Value = FloatArray | float
_BLOCK = 4_096  # rows whose columns stay in the processor's cache
FUNCTIONS: Mapping[str, Callable[[Value], Value]] = {
    "abs": np.abs, "exp": np.exp, "expm1": np.expm1, "log": np.log, "log10": np.log10, "log1p": np.log1p, "log2": np.log2,
    "sqrt": np.sqrt, "I": lambda value: value,
}  # fmt: skip
_TWO: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip
_ONE: Mapping[type, Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}


class _Other(Exception):
    """A factor that only formulaic can compute."""


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A factor that is arithmetic of columns."""

    tree: ast.expr


@dataclass(frozen=True, slots=True, eq=False)
class Category:
    """A factor that is a category: its column, and what each level (row) adds to each of the factor's columns."""

    column: str
    table: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """The columns of one term: a scale times all products of the factors' columns, the first factor's running fastest."""

    scale: float
    factors: tuple[Number | Category, ...]
    width: int


def products(spec: Any, levels: Mapping[str, tuple[str, ...]]) -> tuple[Product, ...] | None:
    """The terms of a formulaic.ModelSpec that has seen rows, as products; None where a factor learns from all rows (poly, bs).

    >>> from formulaic import ModelSpec
    >>> import pandas as pd
    >>> spec = ModelSpec("x*k", output="numpy").get_model_matrix(pd.DataFrame({"x": [1.0, 2.0], "k": ["a", "b"]})).model_spec
    >>> [part.width for part in products(spec, {"k": ("a", "b")})], products(spec, {}) is None
    ([1, 1, 1, 1], True)
    """
    found: list[Product] = []
    known: dict[tuple[str, bool], Number | Category] = {}
    try:
        for term in spec.structure:
            at = len(found)
            for scoped in term.scoped_terms:
                for f in scoped.factors:
                    if (key := (f.factor.expr, f.reduced)) not in known:
                        known[key] = _factor(f, spec, levels)
                factors = tuple(known[f.factor.expr, f.reduced] for f in scoped.factors)
                wide = [f.table.shape[1] for f in factors if isinstance(f, Category)]
                found.append(Product(float(scoped.scale), factors, int(np.prod(wide, dtype=int))))
            if sum(part.width for part in found[at:]) != len(term.columns):
                return None  # columns of one name, which formulaic keeps once
    except _Other:
        return None
    return tuple(found)


def written(parts: Sequence[Product], rows: pl.DataFrame, constants: Mapping[str, float]) -> FloatArray:
    """The matrix (rows, columns) of complete rows, a block at a time, while it is in the processor's cache.

    Categories are in the frame as their codes (`coded`).

    >>> tree = ast.parse("log(x)", mode="eval").body
    >>> written([Product(2.0, (Number(tree),), 1)], pl.DataFrame({"x": [1.0, np.e]}), {}).tolist()
    [[0.0], [2.0]]
    """
    factors = list(dict.fromkeys(f for part in parts for f in part.factors))
    named = set[str]().union(*(_names(f.tree) for f in factors if isinstance(f, Number)))
    numbers = {c: rows[c].cast(pl.Float64).to_numpy() for c in rows.columns if c in named}
    codes = {f.column: rows[f.column].to_numpy() for f in factors if isinstance(f, Category)}
    out = np.empty((rows.height, sum(part.width for part in parts)))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for start in range(0, rows.height, _BLOCK):
            here = slice(start, start + _BLOCK)
            known: dict[str, Value] = {**constants, **{c: values[here] for c, values in numbers.items()}}
            place = {c: values[here] for c, values in codes.items()}
            made = [
                [_value(f.tree, known)] if isinstance(f, Number) else list(f.table[place[f.column]].T) for f in factors
            ]
            _fill(out[here], parts, dict(zip(factors, made, strict=True)))
    return out


def coded(column: pl.Series, levels: Sequence[str]) -> pl.Series:
    """The place of each value among the levels; null where it is none of them.

    >>> coded(pl.Series(["b", "a", "c"]), ("a", "b")).to_list()
    [1, 0, None]
    """
    return column.cast(pl.String).cast(pl.Enum(levels), strict=False).to_physical().alias(column.name)


def _fill(out: FloatArray, parts: Sequence[Product], made: Mapping[Number | Category, list[Value]]) -> None:
    j = 0
    for part in parts:
        if not part.factors:
            out[:, j] = part.scale
        # formulaic's order, to the last digit: factors of one column first among themselves, then after the others
        single = [made[f][0] for f in part.factors if len(made[f]) == 1]
        several = [made[f] for f in part.factors if len(made[f]) > 1]
        last = [reduce(operator.mul, single)] if single else []
        columns: list[list[Value]] = [last]
        for factor in reversed(several):
            columns = [[value, *rest] for rest in columns for value in factor]
        for at, factors in enumerate(columns if part.factors else []):
            value = reduce(operator.mul, factors)
            out[:, j + at] = value if part.scale == 1 else part.scale * value
        j += part.width


def _factor(scoped: Any, spec: Any, levels: Mapping[str, tuple[str, ...]]) -> Number | Category:
    factor = scoped.factor
    kind, learnt = spec.encoder_state[factor.expr]
    looked_up = factor.factor.eval_method.value == "lookup"
    tree = ast.Name(factor.expr, ast.Load()) if looked_up else ast.parse(factor.expr, mode="eval").body
    if kind.value == "numerical":
        _arithmetic(tree)
        return Number(tree)
    column, contrasts = _category(tree), learnt.get("contrasts")
    if kind.value != "categorical" or contrasts is None or tuple(contrasts.levels) != levels.get(column):
        raise _Other
    table = contrasts.contrasts.get_coding_matrix(contrasts.levels, reduced_rank=scoped.reduced)
    return Category(column, np.asarray(table, dtype=float))


def _category(tree: ast.expr) -> str:
    match tree:
        case ast.Name(id=name) | ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=name), *_]):
            return str(name)
    return ""


def _names(node: ast.expr) -> set[str]:
    called = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in called}


def _arithmetic(node: ast.expr) -> None:
    match node:
        case ast.Name() | ast.Constant(value=int() | float()):
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _TWO:
            _arithmetic(left)
            _arithmetic(right)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _ONE:
            _arithmetic(operand)
        case ast.Call(func=ast.Name(id=name), args=[value], keywords=[]) if name in FUNCTIONS:
            _arithmetic(value)
        case _:
            raise _Other


def _value(node: ast.expr, known: Mapping[str, Value]) -> Any:
    match node:
        case ast.Name(id=name):
            return known[name]
        case ast.Constant(value=value):
            return value
        case ast.BinOp(left=left, op=op, right=right):
            return _TWO[type(op)](_value(left, known), _value(right, known))
        case ast.UnaryOp(op=op, operand=operand):
            return _ONE[type(op)](_value(operand, known))
        case ast.Call(func=ast.Name(id=name), args=[value]):
            return FUNCTIONS[name](_value(value, known))
    raise TypeError(f"{ast.dump(node)} is no arithmetic")  # `products` lets nothing else through
