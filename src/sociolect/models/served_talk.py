"""One conversation with a server: which call goes next, what came of it, and whether it is tried again."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from io import BytesIO
from queue import SimpleQueue
from random import Random
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sociolect.errors import BudgetError, ModelError
from sociolect.models.purse import Purse
from sociolect.models.served_faults import Fault, Torn, of_error, of_status, shown
from sociolect.models.served_flow import LONGEST, Flow

MOST = 64 * 2**20  # bytes of one answer: a server that says more is not believed
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
POLL = 0.002  # seconds between two looks at whether a slow reader has taken what came


class Endpoint(NamedTuple):
    """Where calls go, and how they are tried. `secret` is the key itself: it lives in one call's frame and is not kept."""

    name: str
    url: str
    secret: str | None
    workers: int
    tries: int
    timeout: float
    connect: float
    pause: float
    adaptive: bool

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r}, {self.url!r})"


class Heard(NamedTuple):
    """What came back for one call: what `read` made of it, how many tries it took and how many seconds the last one."""

    what: Any
    attempts: int
    seconds: float


class Job(NamedTuple):
    """How one call is written and read, by its position; `worst` and `spent` are money, None without a purse to mind."""

    body: Callable[[int], bytes]
    read: Callable[[int, Any], Any]
    worst: Callable[[bytes], float] | None = None
    spent: Callable[[Any], float | None] | None = None


class Talk:
    """One conversation: all its state belongs to one coroutine, so nothing is locked."""

    def __init__(
        self, to: Endpoint, due: Sequence[int], job: Job, purse: Purse | None, out: "SimpleQueue[Any]"
    ) -> None:
        self.to, self.job, self.out = to, job, out
        self.purse = purse if job.worst else None
        self.fresh = iter(due)
        self.next: int | None = None
        self.again: list[tuple[float, int, int]] = []  # when, which call, which try
        self.flow = Flow(to.workers, to.tries, to.adaptive)
        self.flying: set[asyncio.Task[Any]] = set()
        self.done: deque[asyncio.Task[Any]] = deque()
        self.wake = asyncio.Event()
        self.held_until = 0.0
        self.error: Exception | None = None
        self.jitter = Random()  # touches no byte of any result

    async def run(self) -> None:
        import aiohttp

        self.loop = asyncio.get_running_loop()
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if self.to.secret:
            headers["authorization"] = f"Bearer {self.to.secret}"
        # Servers close idle connections after 5 s and more: who keeps them longer meets a closed door.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=4.0)
        limit = aiohttp.ClientTimeout(total=self.to.timeout, sock_connect=self.to.connect)
        away = urlsplit(self.to.url).hostname not in LOOPBACK
        async with aiohttp.ClientSession(
            connector=connector, headers=headers, timeout=limit, trust_env=away, cookie_jar=aiohttp.DummyCookieJar()
        ) as self.session:
            try:
                while self._begin() or self.flying:
                    await self._pause()
                    while self.done:
                        self._end(self.done.popleft())
            finally:
                for task in self.flying:
                    task.cancel()
                await asyncio.gather(*self.flying, return_exceptions=True)
        if self.error:
            raise self.error

    def _begin(self) -> bool:
        """Begins what may begin; whether anything is left to begin later."""
        while not self.error:
            call = self._take()
            if call is None:
                return bool(self.again) or self.next is not None
            when, i, attempt = call
            data = self.job.body(i)
            worst = self.job.worst(data) if self.purse and self.job.worst else 0.0
            try:
                if self.purse:
                    self.purse.reserve(worst)
            except BudgetError as error:
                if self.flying:  # one of them may cost less than was held for it
                    heappush(self.again, (when, i, attempt))
                    return True
                self.error = error
                break
            task = self.loop.create_task(self._try(i, attempt, self.flow.begin(), data, worst))
            self.flying.add(task)
            task.add_done_callback(self._landed)
        return False

    def _take(self) -> tuple[float, int, int] | None:
        """The next call that may be sent now; one that failed before comes first."""
        # Looked up first: whether anything is left is asked also while nothing may be sent.
        self.next = next(self.fresh, None) if self.next is None else self.next
        now = self.loop.time()
        if now < self.held_until or len(self.flying) >= self.flow.room:
            return None
        if len(self.flying) + self.out.qsize() >= self.to.workers:
            return None
        if self.again and self.again[0][0] <= now:
            return heappop(self.again)
        if self.next is None:
            return None
        i, self.next = self.next, None
        return 0.0, i, 1

    async def _pause(self) -> None:
        """Until a call lands, or the next one may begin."""
        self.wake.clear()
        if self.done:
            return
        now = self.loop.time()
        # Want of room or money ends when a call lands; only what time ends is timed.
        ends = [self.held_until, *(when for when, _, _ in self.again[:1])]
        waits = [when - now for when in ends if when > now] + ([] if self.out.empty() else [POLL])
        if not self.flying and not waits:
            return
        timer = self.loop.call_later(min(waits), self.wake.set) if waits else None
        await self.wake.wait()
        if timer:
            timer.cancel()

    def _landed(self, task: asyncio.Task[Any]) -> None:
        self.done.append(task)
        self.wake.set()

    async def _try(self, i: int, attempt: int, begun: int, data: bytes, worst: float) -> tuple[Any, ...]:
        start, spent = perf_counter(), None
        try:
            what = await self._once(i, data)
            if isinstance(what, Fault):
                spent = None if what.paid else 0.0
            else:
                what, spent = what
        finally:
            if self.purse:  # a call cut off may have been paid: its worst is booked
                self.purse.settle(worst, spent)
        return i, attempt, begun, what, perf_counter() - start

    async def _once(self, i: int, data: bytes) -> Any:
        """A fault, or what was read and what it cost."""
        import aiohttp

        body = b""
        try:
            sent = data if len(data) < 2**20 else BytesIO(data)
            async with self.session.post(self.to.url, data=sent, allow_redirects=False) as response:
                body = await _whole(response)
                if response.status != 200:
                    return of_status(response.status, response.headers, body)
            told = json.loads(body)
            if fault := of_error(told):
                return fault
            return self.job.read(i, told), self.job.spent(told) if self.job.spent else None
        except aiohttp.ConnectionTimeoutError:
            return Fault(f"no connection within {self.to.connect:g} s", slow=True, paid=False)
        except TimeoutError:
            return Fault(f"no whole answer within {self.to.timeout:g} s", slow=True)
        except aiohttp.ClientConnectorError as error:
            final = isinstance(error, aiohttp.ClientSSLError)
            return Fault(f"{type(error).__name__}: {error}", final=final, paid=False)
        except (aiohttp.ClientError, OSError) as error:
            return Fault(f"{type(error).__name__}: {getattr(error, 'message', None) or error}")
        except Torn as error:
            return Fault(f"{error}: {body.decode('utf-8', 'replace')}")
        except (ValueError, RecursionError):
            return Fault(f"an answer that is no JSON: {body.decode('utf-8', 'replace')}")

    def _end(self, task: asyncio.Task[Any]) -> None:
        self.flying.discard(task)
        i, attempt, begun, what, seconds = task.result()
        if not isinstance(what, Fault):
            self.flow.well()
            self.out.put((i, Heard(what, attempt, seconds)))
            return
        said = shown(what.said, self.to.secret)
        if what.final:
            self._stop(f"{self.to.name} refused the call, {said}")
            return
        stop, now = self.flow.badly(i, begun, slow=what.slow), self.loop.time()
        if stop:
            self._stop(f"{self.to.name} does not answer: {self.flow.failed()}; the last fault was {said}")
        elif attempt >= self.to.tries:
            self._stop(f"{self.to.name} did not answer in {attempt} tries; the last fault was {said}")
        # Callers that failed together must not come back together.
        shake = 1 + 0.25 * self.jitter.random()
        if what.wait and what.slow:
            self.held_until = max(self.held_until, now + what.wait)
        self.held_until = max(self.held_until, now + self.flow.hold(self.to.pause))
        wait = max(what.wait, min(LONGEST, self.to.pause * 2 ** (attempt - 1))) * shake
        heappush(self.again, (now + wait, i, attempt + 1))

    def _stop(self, said: str) -> None:
        self.error = self.error or ModelError(said)


async def _whole(response: Any) -> bytes:
    """The bytes of an answer, no more than `MOST`."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MOST:
            raise Torn(f"an answer longer than {MOST} bytes")
    return b"".join(parts)
