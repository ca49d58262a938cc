"""A loopback endpoint that answers rightly, wrongly, late, half or not at all, as a plan says, and remembers what it was sent."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

Writer = asyncio.StreamWriter
Plan = Callable[
    [dict[str, Any], int], str
]  # the request and how often its words came before -> the name of what happens


def reply(text: object, **more: Any) -> bytes:
    told = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "model": "m-2026", **more}
    return json.dumps(told).encode()


def http(status: int, body: bytes, **headers: str) -> bytes:
    lines = {"content-length": str(len(body)), **{k.replace("_", "-"): v for k, v in headers.items()}}
    head = "".join(f"{k}: {v}\r\n" for k, v in lines.items())
    return f"HTTP/1.1 {status} x\r\n{head}\r\n".encode() + body


def said(body: dict[str, Any]) -> str:
    return str(body["prompt"] if "prompt" in body else body["messages"][-1]["content"])


def echo(body: dict[str, Any]) -> bytes:
    return http(200, reply("re: " + said(body)))


# What each fault puts on the wire; None is done by `_happens` itself.
FAULTS: dict[str, bytes | None] = {
    "429": http(429, b"slow down"),
    "429 with seconds": http(429, b"slow down", retry_after="0.01"),
    "429 with a date": http(
        429, b"slow", retry_after="Wed, 21 Oct 2015 07:28:00 GMT", date="Wed, 21 Oct 2015 07:28:00 GMT"
    ),
    "500": http(500, b"oops"),
    "503": http(503, b""),
    "wrong JSON": http(200, b'{"choices": [{"message": '),
    "not UTF-8": http(200, b"\xff\xfe\x00"),
    "HTML": http(200, b"<html><body>Bad gateway</body></html>", content_type="text/html"),
    "no choices": http(200, b'{"choices": []}'),
    "an error of status 200": http(200, b'{"error": {"code": 502, "message": "upstream"}}'),
    "content null": http(200, reply(None).replace(b'"stop"', b"null")),
    "content a number": http(200, reply(7)),
    "content a list of pictures": http(200, reply([{"type": "image_url"}])),
    "half a response": http(200, reply("lost"))[:-9],
    "reset": None,
    "hang": None,
    "slow drip": None,
}


class Faulty:
    """The server, on a port of its own in a thread of its own."""

    def __init__(self, plan: Plan, think: float = 0.0, answer: Callable[[dict[str, Any]], bytes] = echo) -> None:
        self.plan, self.think, self.answer = plan, think, answer
        self.seen: Counter[str] = Counter()  # how often each text was asked
        self.good: Counter[str] = Counter()  # how often it was answered
        self.happened: Counter[str] = Counter()
        self.busy = self.most = 0
        self.loop = asyncio.new_event_loop()
        self.url = ""
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait(10)

    def _run(self, ready: threading.Event) -> None:
        async def serve() -> None:
            server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            self.over = asyncio.Event()
            ready.set()
            await self.over.wait()
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        self.loop.run_until_complete(serve())

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(10)

    async def _talk(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                size = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                body = json.loads(await reader.readexactly(size))
                self.busy += 1
                self.most = max(self.most, self.busy)
                try:
                    alive = await self._happens(body, writer)
                finally:
                    self.busy -= 1
                if not alive:
                    break
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _happens(self, body: dict[str, Any], writer: Writer) -> bool:
        """Says what the plan says; whether the connection goes on."""
        text = said(body)
        fault = self.plan(body, self.seen[text])
        self.seen[text] += 1
        self.happened[fault] += 1
        if self.think:
            await asyncio.sleep(self.think)
        if fault in {"hang", "slow drip"}:
            self.busy -= 1  # who has given up on it is no longer here
            for byte in http(200, reply("too late")):
                if fault == "slow drip":
                    writer.write(bytes([byte]))
                await asyncio.sleep(0.02)
                if writer.transport.is_closing():
                    break
            self.busy += 1
            return False
        if fault == "reset":
            writer.transport.abort()
            return False
        if not fault:
            self.good[text] += 1
        writer.write(FAULTS.get(fault) or self.answer(body))
        await writer.drain()
        return fault != "half a response"


Make = Callable[..., Faulty]
