"""Linear algebra on one thread: with another number of threads, sums run in another order and end in other last digits."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """The function with numpy's and scipy's BLAS held to one thread while it runs, so that its bytes depend on no machine's cores.

    For functions of many small products and factors: there, threads cost more time than they save. The limit holds for
    the process, so what other threads of it compute meanwhile is held too.

    >>> from threadpoolctl import threadpool_info
    >>> {library["num_threads"] for library in one_thread(threadpool_info)() if library["user_api"] == "blas"}
    {1}
    """

    @wraps(function)
    def held(*said: P.args, **keywords: P.kwargs) -> R:
        with _libraries().limit(limits=1, user_api="blas"):
            return function(*said, **keywords)

    return held


@cache
def _libraries() -> Any:
    """The BLAS libraries of this process, looked for once: that takes longer than a small fit."""
    import scipy.linalg  # noqa: F401  # it brings a BLAS of its own, which can be held only once it is loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
