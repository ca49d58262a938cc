"""MATLAB's .mat with a sparse adjacency `A`, as the Facebook100 networks come (Traud, Mucha, Porter 2012)."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sociolect.errors import InputError
from sociolect.load.aside import Aside
from sociolect.load.mat_parts import sound

# Facebook100's columns of `local_info`; 0 means not said.
TRAITS = ("student_fac", "gender", "major", "second_major", "dorm", "year", "high_school")


def mat(path: Path, name: str, aside: Aside) -> tuple[pl.DataFrame, pl.DataFrame, bool]:
    """Nodes (id from 1, with the traits of `local_info`), edges (source, target, weight), and whether they have a direction.

    A symmetric `A` gives each pair once, without direction; another gives source = row, target = column. Where
    `local_info` has seven columns they are Facebook100's, 0 as null; else local_info_1, ... as they stand.
    Raises InputError where the file is no MATLAB file of version 5, is cut, or holds no square numeric `A`.
    """
    from scipy import sparse
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        known = sound(path, ("A", "local_info"))
        found = loadmat(path, variable_names=[n for n, numbers in known.items() if numbers]) if known.get("A") else {}
    except NotImplementedError:
        raise InputError(f"{name} is MATLAB 7.3, which is not read here: save it in MATLAB with '-v7'") from None
    except (
        MatReadError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        OverflowError,
        OSError,
        EOFError,
        zlib.error,
    ) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{name} is no MATLAB file, or was cut ({why}): fetch it again") from None
    if "A" in known and not known["A"]:
        raise InputError(f"{name}: 'A' is no matrix of numbers")
    if "A" not in found:
        raise InputError(f"{name} holds no matrix 'A': save the adjacency under that name")
    try:
        matrix = sparse.coo_array(found["A"])
        matrix.sum_duplicates()
        value = matrix.data.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: 'A' is no matrix of numbers") from None
    n, m = matrix.shape if matrix.ndim == 2 else (0, -1)
    if n != m or not n:
        raise InputError(f"{name}: 'A' has shape {matrix.shape}; due is a square adjacency matrix")
    row, column = (side.astype(np.int64) for side in matrix.coords)
    symmetric = _symmetric(row, column, value, n)
    if symmetric:
        keep = row <= column
        row, column, value = row[keep], column[keep], value[keep]
    edges = pl.DataFrame({"source": row + 1, "target": column + 1, "weight": value})
    nodes = pl.DataFrame({"id": np.arange(1, n + 1)})
    if "local_info" in known:
        traits = found.get("local_info", np.empty(0))
        nodes = nodes.with_columns(_traits(traits, n, name, aside))
    return nodes, edges, not symmetric


def _symmetric(row: Any, column: Any, value: Any, n: int) -> bool:
    there, back = np.lexsort((column, row)), np.lexsort((row, column))
    same = np.array_equal(row[there], column[back]) and np.array_equal(column[there], row[back])
    return bool(same and np.array_equal(value[there], value[back], equal_nan=True))


def _traits(said: Any, n: int, name: str, aside: Aside) -> list[pl.Series]:
    if said.ndim != 2 or said.shape[0] != n or said.dtype.kind not in "iufb":
        aside.add("local_info that does not have a row of numbers per node, left out", 1, name, f"give it {n:,} rows")
        return []
    known = said.shape[1] == len(TRAITS)
    names = TRAITS if known else tuple(f"local_info_{i + 1}" for i in range(said.shape[1]))
    made = []
    for i, trait in enumerate(names):
        column = pl.Series(trait, said[:, i].astype(np.float64), nan_to_null=True)
        if (column.drop_nulls() == column.drop_nulls().round()).all():
            column = column.cast(pl.Int64)
        made.append(column.replace(0, None) if known else column)
    return made
