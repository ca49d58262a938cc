"""Work side by side on the cores of one machine, each piece on one thread, so that no byte depends on how many there are."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

W = TypeVar("W")


class StoppedError(Exception):
    """Another piece of work failed, so this one ended early."""


def side_by_side(work: Sequence[W], do: Callable[[W, Callable[[], None]], None], *, workers: int) -> None:
    """Does every piece of work, `workers` at a time, in threads of this process.

    torch lets go of Python's lock inside every operation, so threads share the cores as processes would, without their
    seconds of start-up and without fork. `do` gets the piece and a call that raises once another piece has failed. Raises
    what the first failed piece raised, in the order of the work, when all have ended.
    """
    import torch

    stop, threads = Event(), torch.get_num_threads()

    def still() -> None:
        if stop.is_set():
            raise StoppedError

    def one(piece: W) -> None:
        torch.set_num_threads(1)
        still()
        do(piece, still)

    pool = ThreadPoolExecutor(max(1, min(workers, len(work))))
    torch.set_num_threads(1)
    try:
        futures = [pool.submit(one, piece) for piece in work]
        wait(futures, return_when=FIRST_EXCEPTION)
    finally:
        # After an error, and on Ctrl-C: what runs ends at its next step, what waits never starts.
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(threads)
    for future in futures:
        if not future.cancelled() and (error := future.exception()) and not isinstance(error, StoppedError):
            raise error
