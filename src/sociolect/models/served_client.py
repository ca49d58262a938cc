"""Many calls to one server at once, each answered once: an asyncio loop in a thread of its own, read as an iterator."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from sociolect.errors import needs
from sociolect.models.purse import Purse
from sociolect.models.served_talk import Endpoint, Heard, Job, Talk

_END = object()


def post_all(to: Endpoint, due: Sequence[int], job: Job, purse: Purse | None) -> Iterator[list[tuple[int, Heard]]]:
    """What the server says to the calls at the positions `due`, in groups as they come: each position once.

    After a call that can never succeed nothing more is sent; what is in flight is paid for, so it is waited for and handed
    on, and then the error is raised. Who leaves the iterator early cancels what is in flight. Never more than `workers`
    calls are in flight or not yet taken. Raises ModelError, and BudgetError where the purse is empty.
    """
    try:
        import aiohttp  # noqa: F401  # asked for here, so that the error is raised where the caller stands
    except ImportError as error:
        raise needs("a served model", "serve") from error
    out: SimpleQueue[Any] = SimpleQueue()
    begun, stop = threading.Event(), list[Callable[[], object]]()

    async def talk() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.create_task(Talk(to, due, job, purse, out).run())
        stop.append(lambda: loop.call_soon_threadsafe(task.cancel))
        begun.set()
        await task

    def work() -> None:
        try:
            asyncio.run(talk())
            out.put(_END)
        except asyncio.CancelledError:
            out.put(_END)
        except BaseException as error:  # it is raised again where the answers are read
            out.put(error)

    thread = threading.Thread(target=work, name=f"served {to.name}", daemon=True)
    thread.start()
    try:
        while True:
            group = [out.get()]
            while not out.empty():
                group.append(out.get())
            last = group[-1]
            some = group[:-1] if last is _END or isinstance(last, BaseException) else group
            if some:
                yield some
            if isinstance(last, BaseException):
                raise last
            if last is _END:
                return
    finally:
        begun.wait(1.0)
        with suppress(RuntimeError):  # the loop may be closed by now
            for end in stop:
                end()
        thread.join()
