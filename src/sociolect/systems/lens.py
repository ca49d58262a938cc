"""A lens: the cells of a taxonomy, read from a toml file."""

import tomllib
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.compare.coverage import LENS
from sociolect.errors import CardError

_MAY: dict[str, pl.DataType] = {"note": pl.String(), "measured_in_paper": pl.Boolean(), "invited": pl.List(pl.String())}


def read(path: Path) -> pl.DataFrame:
    """One row per `[[cell]]`: id, group, title, meaning, evidence, filled_by, note (null: none), measured_in_paper (false), invited (none).

    `evidence` says where the cell's words come from; `filled_by` names measures as `compare.coverage` reads them; `invited`
    are those of them that no system here measures yet.
    Raises CardError with every fault at once.

    >>> from sociolect.systems import SYSTEMS
    >>> read(SYSTEMS / "lenses" / "trustworthy" / "lens.toml").height
    29
    """
    try:
        told: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise CardError(f"{path.name} is no lens: {error}") from error
    cells = told.get("cell")
    if not isinstance(cells, list) or not cells or not all(isinstance(c, dict) for c in cells):
        raise CardError(f"{path.name} is no lens: each cell begins with [[cell]], and there is one at least")
    faults, seen = [], set()
    for place, cell in enumerate(cells, 1):
        name = f"cell {cell.get('id', place)}"
        faults += [f"{name}: {f}" for f in _faults(cell)]
        faults += [f"{name} stands twice"] * (cell.get("id") in seen)
        seen.add(cell.get("id") if isinstance(cell.get("id"), str) else None)
    if faults:
        raise CardError(f"{path.name} is no lens: " + "; ".join(faults))
    rows = [{"note": None, "measured_in_paper": False, "invited": [], **cell} for cell in cells]
    return pl.DataFrame(rows, schema={**LENS, **_MAY})


def _faults(cell: dict[str, Any]) -> list[str]:
    out = [f"{k!r} is missing" for k in LENS if k not in cell]
    out += [f"{k!r} is no key of a cell" for k in cell if k not in LENS and k not in _MAY]
    texts = [k for k in (*LENS, "note") if k != "filled_by" and k in cell]
    out += [f"{k!r} is no text, or empty" for k in texts if not isinstance(cell[k], str) or not cell[k].strip()]
    lists = {k: cell.get(k, []) for k in ("filled_by", "invited")}
    odd = [k for k, by in lists.items() if not isinstance(by, list) or not all(isinstance(one, str) and one.strip("-") for one in by)]  # fmt: skip
    out += [f"{k!r} is no list of names" for k in odd]
    if not odd and (left := [name for name in lists["invited"] if name not in lists["filled_by"]]):
        out.append(f"'invited' holds {', '.join(left)}, not in 'filled_by'")
    return out + ["'measured_in_paper' is not true or false"] * (
        not isinstance(cell.get("measured_in_paper", False), bool)
    )
