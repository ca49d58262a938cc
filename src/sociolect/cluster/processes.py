"""Work handed out to processes of this machine: one that dies loses nothing, its work is done again by another."""

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, NamedTuple

from sociolect.errors import ClusterError

TRIES = 3  # ours: so many processes may die of one piece of work


class Hand(NamedTuple):
    """A process, and its number: each stands in a pool of its own, so that it is known what a dead one was at."""

    pool: ProcessPoolExecutor
    number: "Future[int]"

    def end(self) -> None:
        """Ends the process, whatever it is at."""
        with suppress(BrokenProcessPool, ProcessLookupError):
            os.kill(self.number.result(), signal.SIGTERM)
        self.pool.shutdown(wait=True, cancel_futures=True)


def handed_here(
    do: Callable[[Any], Iterator[Any]], count: int, piece: Callable[[int], Any], *, workers: int, what: str
) -> Generator[tuple[int, Any]]:
    """What `do(piece(k))` yields, with its k, for every k below `count`, as it comes: in so many processes, or in this one.

    It is `cluster.pool.handed` on one machine: `do` is a function of a module; a process has one piece at a time, and where
    it dies another does the piece again. They end with this process, however it ends. What `do` raises is raised here.
    Raises ClusterError where one piece has killed three.
    """
    if workers == 1:
        for k in range(count):
            for message in do(piece(k)):
                yield k, message
        return
    due, tries = deque(range(count)), Counter[int]()
    idle, doing = list[Hand](), dict["Future[list[Any]]", tuple[Hand, int]]()
    try:
        while due or doing:
            while due and len(doing) < workers:
                hand, k = idle.pop() if idle else _hand(), due.popleft()
                doing[hand.pool.submit(_all, do, piece(k))] = hand, k
            for future in wait(doing, return_when=FIRST_COMPLETED).done:
                hand, k = doing.pop(future)
                try:
                    said = future.result()
                except BrokenProcessPool as error:
                    hand.pool.shutdown()
                    tries[k] += 1
                    if tries[k] == TRIES:
                        raise ClusterError(
                            f"{what}: {TRIES} processes died of the same piece of work: most often memory was full, so say "
                            "fewer rows or fewer workers; a script of your own needs its calls under if __name__ == '__main__'"
                        ) from error
                    due.appendleft(k)
                else:
                    idle.append(hand)
                    for message in said:
                        yield k, message
    finally:
        for hand in [*idle, *(hand for hand, _ in doing.values())]:
            hand.end()


def _hand() -> Hand:
    with _few_threads():
        pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_ends_with_its_parent)
        return Hand(pool, pool.submit(os.getpid))


@contextmanager
def _few_threads() -> Iterator[None]:
    """Processes that are started meanwhile work on one thread each where nothing else is said: there is one to a core."""
    said = {name: os.environ.get(name) for name in ("POLARS_MAX_THREADS", "OMP_WAIT_POLICY")}
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        yield
    finally:
        for name, before in said.items():
            if before is None:
                del os.environ[name]


def _ends_with_its_parent() -> None:
    def watch() -> None:
        if (parent := parent_process()) is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _all(do: Callable[[Any], Iterator[Any]], piece: Any) -> list[Any]:
    return list(do(piece))
