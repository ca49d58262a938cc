"""Ties read off a parquet file of any size, checked whole, without the frame's own door."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from sociolect.errors import InputError, unknown


def scanned(ties: pl.LazyFrame | Path, kinds: str | Sequence[str] | None = None) -> pl.DataFrame:
    """Source, target and weight of the ties in a parquet file or a lazy frame, in one streaming pass.

    Ends that are whole numbers of any width become text. Without a column `weight` each row weighs 1. A pair may stand in many
    rows. Raises InputError, all faults at once, for a file that cannot be read, columns that are missing or of another type,
    null ends, and weights that are not finite and above 0; UsageError for a kind that no tie has.

    >>> scanned(pl.LazyFrame({"source": [2**40], "target": [7]})).rows()
    [('1099511627776', '7', 1.0)]
    """
    name = ties.name if isinstance(ties, Path) else "the ties"
    try:
        rows = pl.scan_parquet(ties) if isinstance(ties, Path) else ties
        schema = rows.collect_schema()
        _typed(schema, name, kinds)
        if kinds is not None:
            wanted = [kinds] if isinstance(kinds, str) else list(kinds)
            here = rows.select(pl.col("kind").unique()).collect(engine="streaming")["kind"].drop_nulls().to_list()
            for kind in wanted:
                if kind not in here:
                    raise unknown("kind of tie", kind, here)
            rows = rows.filter(pl.col("kind").is_in(wanted))
        weight = pl.col("weight") if "weight" in schema else pl.lit(1.0)
        made = rows.select(pl.col("source", "target").cast(pl.String), weight=weight.cast(pl.Float64))
        whole = made.collect(engine="streaming")
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as fault:
        if isinstance(fault, FileNotFoundError):
            raise InputError(f"there is no file {name}") from fault
        raise InputError(f"{name} cannot be read as parquet: {str(fault).splitlines()[0]}") from fault
    faults = [
        f"column {c!r} is null in {n} row{'s' * (n > 1)}" for c in ("source", "target") if (n := whole[c].null_count())
    ]
    if odd := whole.filter(~(pl.col("weight").is_finite() & (pl.col("weight") > 0)).fill_null(value=False)).height:
        faults.append(f"column 'weight' is not finite and above 0 in {odd} row{'s' * (odd > 1)}")
    if faults:
        raise InputError(f"{name}: " + "; ".join(faults))
    return whole


def _typed(schema: pl.Schema, name: str, kinds: object) -> None:
    """Raise for columns that are missing or of a type that names nobody, all at once."""
    due = ["source", "target", *(["kind"] if kinds is not None else [])]
    faults = [f"column {c!r} is missing (there are: {', '.join(schema)})" for c in due if c not in schema]
    for c in ("source", "target"):
        if c in schema and not (schema[c] in (pl.String, pl.Categorical, pl.Enum) or schema[c].is_integer()):
            faults.append(f"column {c!r} is {schema[c]}, not text or whole numbers: names would be rounded or lost")
    if "weight" in schema and not schema["weight"].is_numeric():
        faults.append(f"column 'weight' is {schema['weight']}, not a number")
    if faults:
        raise InputError(f"{name}: " + "; ".join(faults))
