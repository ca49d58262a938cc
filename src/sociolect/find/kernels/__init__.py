"""Inner loops compiled by numba. Nothing here is imported before it is needed: numba takes half a second.

A compiled kernel is kept on disk beside its source, or in the user's cache; where neither can be written it is compiled anew.
A kernel calls only kernels of its own file: the cache does not see a change in another.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4


def kernel(function: Callable[..., Any]) -> Any:
    """The function compiled, without Python's lock, so that threads run it side by side."""
    from numba import njit

    try:
        made = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder to keep it in
        return njit(nogil=True)(function)
    # numba numbers its files 1, 2, ...: of two processes that compile at once, for other types or from another version of
    # the source, one could write its code where the other's index points; no error would tell
    with suppress(AttributeError):  # a numba that keeps its files in another way
        kept = made._cache._cache_file
        kept._data_name_pattern = kept._data_name_pattern.replace(".{number", f".{uuid4().hex[:8]}-{{number")
    return made
