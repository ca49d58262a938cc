"""The parts of a MATLAB file: held against their own sizes before a reader written in C, which trusts them, gets to see them."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

# Data types of the format by their number, and the numbers of the array classes (MAT-File Format, tables 1-1 and 1-3).
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED, _SPARSE = 14, 15, 5
_NUMERIC = range(6, 16)


class _Part(NamedTuple):
    """A data element: its type, its bytes, and where the next one begins."""

    kind: int
    data: memoryview
    end: int


def sound(path: Path, names: tuple[str, ...]) -> dict[str, bool]:
    """The variables of those names that are there, and whether each is a matrix of numbers.

    Raises ValueError where the file is no MATLAB file of version 5, where an element runs over the end of what holds it,
    is of a type that the format does not know, or has another number of values than its matrix; zlib.error where what is
    packed cannot be unpacked; NotImplementedError for version 7.3. Source: MathWorks, MAT-File Format, chapter 1.
    """
    data = memoryview(path.read_bytes())
    order = {b"IM": "<", b"MI": ">"}.get(bytes(data[126:128]))
    if order is None:
        raise ValueError("no header of version 5")
    if bytes(data[124:126]) == (b"\x00\x02" if order == "<" else b"\x02\x00"):
        raise NotImplementedError("version 7.3")
    found = {}
    for part in _parts(data[128:], order, padded=False):
        if part.kind == _COMPRESSED:
            part = next(_parts(memoryview(zlib.decompress(part.data)), order, padded=False))  # noqa: PLW2901  # the same part, unpacked
        if part.kind == _MATRIX and len(part.data):
            name, numbers = _matrix(part.data, order, names)
            found[name] = numbers
    return {name: found[name] for name in names if name in found}


def _parts(data: memoryview, order: str, *, padded: bool = True) -> Iterator[_Part]:
    """The elements that stand one after another; each begins at a multiple of 8 bytes within a matrix."""
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            raise ValueError(f"{len(data) - at} bytes are left where an element is due")
        kind, size = (int(n) for n in np.frombuffer(data[at : at + 8], dtype=f"{order}u4"))
        begin = at + 8
        if kind >> 16:  # a small one: its size and data stand in the tag
            kind, size, begin = kind & 0xFFFF, kind >> 16, at + 4
            if size > 4:
                raise ValueError(f"a small element of {size} bytes")
        if begin + size > len(data):
            raise ValueError(f"an element of {size:,} bytes where {len(data) - begin:,} are left")
        end = at + 8 if begin == at + 4 else begin + size + (-size % 8 if padded else 0)
        yield _Part(kind, data[begin : begin + size], end)
        at = end


def _matrix(data: memoryview, order: str, names: tuple[str, ...]) -> tuple[str, bool]:
    """A variable's name, and whether it is a matrix of numbers; its parts are looked at where its name is one of `names`."""
    parts = _parts(data, order)
    flags, shape, called = (next(parts, _Part(0, memoryview(b""), 0)) for _ in range(3))
    if flags.kind != 6 or len(flags.data) != 8 or shape.kind != 5 or called.kind != 1:
        raise ValueError("a variable without class, shape or name")
    flag = int(np.frombuffer(flags.data, dtype=f"{order}u4")[0])
    kind, complex_ = flag & 0xFF, bool(flag & 0x800)
    dims = np.frombuffer(shape.data, dtype=f"{order}i4").astype(object)  # Python's numbers do not overflow
    name = bytes(called.data).decode("latin-1").rstrip("\0")
    if name not in names or (kind != _SPARSE and kind not in _NUMERIC):
        return name, False
    if len(dims) < 2 or min(dims) < 0:
        raise ValueError(f"{name} has no shape")
    values = [_values(part, order) for part in parts]
    if len(values) != (3 if kind == _SPARSE else 1) + complex_:
        raise ValueError(f"{name} lacks values, or has too many")
    if kind == _SPARSE:
        _columns(name, values, tuple(int(n) for n in dims))
    elif any(len(v) != np.prod(dims) for v in values):
        raise ValueError(f"{name} holds {len(values[0]):,} numbers, not {np.prod(dims):,}")
    return name, True


def _values(part: _Part, order: str) -> np.ndarray:
    if part.kind not in _TYPES:
        raise ValueError(f"values of type {part.kind}, which are no numbers")
    dtype = np.dtype(order + _TYPES[part.kind])
    if len(part.data) % dtype.itemsize:
        raise ValueError("half a number")
    return np.frombuffer(part.data, dtype=dtype)


def _columns(name: str, values: list[np.ndarray], dims: tuple[int, ...]) -> None:
    """A sparse matrix: each column's rows stand where the next column's begin."""
    rows, starts, *held = values
    if len(dims) != 2 or len(starts) != dims[1] + 1 or starts[0] != 0 or (starts[1:] < starts[:-1]).any():
        raise ValueError(f"{name} has columns that do not follow one another")
    used = int(starts[-1])
    if used > min(len(rows), *map(len, held)):
        raise ValueError(f"{name} has fewer values than its columns count")
    if used and not 0 <= rows[:used].min() <= rows[:used].max() < dims[0]:
        raise ValueError(f"{name} has values in rows that it does not have")
