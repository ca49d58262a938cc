"""What a served model adds to a call beyond the server's time, at 64 in flight; beside a plain gather over aiohttp and httpx.

The server is a raw asyncio protocol on loopback, in a process of its own, that thinks 0 or 20 ms and answers from a constant.
What a call takes beyond the server is wall time per call, less the think time over the calls in flight. The peers send the
same bodies, check the status and read the JSON; they neither retry nor pace nor watch a budget.

    python benchmarks/served.py [calls]
"""

import asyncio
import json
import multiprocessing
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time

from sociolect.models.model import user
from sociolect.models.served import served

CALLS, IN_FLIGHT, ROUNDS = 2000, 64, 3
THINK = (0.0, 0.02)
SAID = json.dumps(
    {
        "model": "m",
        "choices": [{"message": {"role": "assistant", "content": "hello there"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 50, "completion_tokens": 2},
    }
).encode()
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(SAID), SAID)


class Constant(asyncio.Protocol):
    """Answers every request alike, after its think time."""

    think = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.to, self.heard = transport, b""

    def data_received(self, data: bytes) -> None:
        self.heard += data
        while (end := self.heard.find(b"\r\n\r\n")) >= 0:
            size = int(self.heard[:end].lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self.heard) < end + 4 + size:
                return
            self.heard = self.heard[end + 4 + size :]
            asyncio.get_running_loop().call_later(self.think, self.to.write, WHOLE)  # type: ignore[attr-defined]  # a transport that writes


def server(think: float, port: "multiprocessing.Queue[int]") -> None:
    async def forever() -> None:
        Constant.think = think
        made = await asyncio.get_running_loop().create_server(Constant, "127.0.0.1", 0)
        port.put(made.sockets[0].getsockname()[1])
        await made.serve_forever()

    asyncio.run(forever())


def bodies(calls: int) -> list[dict[str, object]]:
    asked = [[{"role": "user", "content": f"{i} " + "hello " * 40}] for i in range(calls)]
    return [
        {"model": "m", "messages": a, "max_tokens": 64, "temperature": 1.0, "top_p": 1.0, "seed": i}
        for i, a in enumerate(asked)
    ]


def ours(url: str, calls: int) -> int:
    model = served("m", url=url, key=None, workers=IN_FLIGHT)
    return len(model.generate([user(f"{i} " + "hello " * 40) for i in range(calls)], tokens=64))


def aiohttp_gather(url: str, calls: int) -> int:
    import aiohttp

    async def talk() -> int:
        left, said = iter(bodies(calls)), []
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

            async def one() -> None:
                for body in left:
                    async with session.post(f"{url}/chat/completions", json=body) as answer:
                        assert answer.status == 200
                        said.append((await answer.json())["choices"][0]["message"]["content"])

            await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
        return len(said)

    return asyncio.run(talk())


def httpx_gather(url: str, calls: int) -> int:
    import httpx

    async def talk() -> int:
        left, said = iter(bodies(calls)), []
        limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:

            async def one() -> None:
                for body in left:
                    answer = await client.post(f"{url}/chat/completions", json=body)
                    assert answer.status_code == 200
                    said.append(answer.json()["choices"][0]["message"]["content"])

            await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
        return len(said)

    return asyncio.run(talk())


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    sides: dict[str, Callable[[str, int], int]] = {"sociolect": ours, "aiohttp": aiohttp_gather, "httpx": httpx_gather}
    print(f"{calls} calls, {IN_FLIGHT} in flight, median of {ROUNDS} rounds taken in turn\n")
    print("think   client      ms per call   beyond the server   processor ms   calls/s   to aiohttp")
    for think in THINK:
        port: multiprocessing.Queue[int] = multiprocessing.Queue()
        process = multiprocessing.Process(target=server, args=(think, port), daemon=True)
        process.start()
        url = f"http://127.0.0.1:{port.get()}/v1"
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}  # per call
        for _ in range(ROUNDS):
            for name, side in sides.items():
                some = calls // 10 if name == "httpx" else calls  # it takes ten times as long
                wall, cpu = perf_counter(), process_time()
                assert side(url, some) == some
                took[name].append(((perf_counter() - wall) / some, (process_time() - cpu) / some))
        process.terminate()
        base = median(w for w, _ in took["aiohttp"])
        for name, rounds in took.items():
            wall, cpu = median(w for w, _ in rounds), median(c for _, c in rounds)
            # The server can answer IN_FLIGHT calls in every think time: what a call takes more than that is the client's.
            beyond = wall - think / IN_FLIGHT
            print(
                f"{think * 1e3:3.0f} ms  {name:10}  {wall * 1e3:11.3f}   {beyond * 1e3:17.3f}   "
                f"{cpu * 1e3:12.3f}   {1 / wall:7.0f}   {wall / base:10.2f}"
            )


if __name__ == "__main__":
    main()
