"""What the metadata of an exported sample must hold to lead back to its question, and its values as columns."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, TypeGuard

import polars as pl

from sociolect.errors import InputError

# What `elicit.variants` writes: a column that is null throughout comes without a type.
_LISTS = ("options", "wording", "shown", "labels")
_TEXTS = (
    "community",
    "task",
    "unit",
    "instruction",
    "stem",
    "framed",
    "order",
    "label_style",
    "paraphrase",
    "framing",
    "template",
)
TYPES: dict[str, pl.DataType] = {
    **dict.fromkeys(_LISTS, pl.List(pl.String)), **dict.fromkeys(_TEXTS, pl.String()),
    "sign": pl.Int64(), "low": pl.Float64(), "high": pl.Float64(), "negated": pl.Boolean(), "placebo": pl.Boolean(),
}  # fmt: skip


def keyed(held: Mapping[str, Any]) -> bool:
    """Whether metadata name their item and condition, and lay its options out as `elicit.variants` does.

    >>> told = {"item": "1", "condition": "a", "stem": "Tea?", "options": ["n", "y"], "wording": ["no", "yes"], "shown": ["y", "n"], "labels": None}
    >>> keyed(told), keyed(told | {"shown": ["y"]}), keyed({"item": "1", "condition": "a"})
    (True, False, True)
    """
    if not all(isinstance(held.get(c), str) and held[c] for c in ("item", "condition")):
        return False
    kinds = ((_TEXTS, str), (("negated", "placebo"), bool))
    if not all(held.get(c) is None or isinstance(held[c], kind) for names, kind in kinds for c in names):
        return False
    if not all(held.get(c) is None or whole(held[c]) for c in ("sign",)) or not all(held.get(c) is None or number(held[c]) for c in ("low", "high")):  # fmt: skip
        return False
    if not all(held.get(c) is None or _texts(held[c]) for c in _LISTS):
        return False
    options, shown, labels = held.get("options"), held.get("shown"), held.get("labels")
    if options is None:
        return shown is None
    if held.get("stem") is None or shown is None or len(held.get("wording") or ()) != len(options):
        return False
    return sorted(options) == sorted(shown) and len(set(options)) == len(options) and len(labels or shown) == len(shown)


def columns(rows: Sequence[Mapping[str, Any]], types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The rows as a frame; a column that no row fills is text. Raises InputError where a column holds values of two kinds."""
    names = list(dict.fromkeys(c for row in rows for c in row))
    out = []
    for name in names:
        values = [row.get(name) for row in rows]
        if (
            name not in types
            and all(v is None or number(v) for v in values)
            and not all(v is None or whole(v) for v in values)
        ):
            values = [None if v is None else float(v) for v in values]  # 1 and 1.0 are one kind
        try:
            out.append(pl.Series(name, values, dtype=types.get(name)))
        except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
            raise InputError(f"column {name[:80]!r} holds values of more than one kind in these logs: read each export by itself") from error  # fmt: skip
    return pl.DataFrame(out).with_columns(pl.col(pl.Null).cast(pl.String))


def whole(value: Any) -> TypeGuard[int]:
    """Whether a value is a whole number that a log may count with."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31


def number(value: Any) -> TypeGuard[float]:
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53 and isfinite(value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
