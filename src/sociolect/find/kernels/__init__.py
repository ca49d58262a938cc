"""Inner loops compiled by numba. Nothing here is imported before it is needed: numba takes half a second.

A compiled kernel is kept on disk beside its source, or in the user's cache; where neither can be written it is compiled anew.
A kernel calls only kernels of its own file: the cache does not see a change in another.
"""

from collections.abc import Callable
from typing import Any


def kernel(function: Callable[..., Any]) -> Any:
    """The function compiled, without Python's lock, so that threads run it side by side."""
    from numba import njit

    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder to keep it in
        return njit(nogil=True)(function)
