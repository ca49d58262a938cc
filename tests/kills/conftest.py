"""The server that counts what is paid, and the process that is forked for each run."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


class Counting(BaseHTTPRequestHandler):
    """Answers a chat with a word that follows from the request alone, and counts each request."""

    paid: Counter[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.paid[body] += 1
        said = {"choices": [{"message": {"content": f"word {sum(map(ord, body)) % 997}"}, "finish_reason": "stop"}]}
        usage = {"usage": {"prompt_tokens": 5, "completion_tokens": 2}, "model": "m-1"}
        content = json.dumps(said | usage).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.send_header("content-type", "application/json")
        self.end_headers()
        with suppress(BrokenPipeError):  # who asked was killed
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Counter[str]]]:
    paid: Counter[str] = Counter()
    handler = type("Handler", (Counting,), {"paid": paid})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as held:
        threading.Thread(target=held.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{held.server_port}/v1", paid
        held.shutdown()


Run = Callable[..., int]


@contextmanager
def zygote(study: str) -> Iterator[Run]:
    """A function that runs the study in a folder, in a process of its own; out comes 0, an exit code, or minus a signal."""
    command = [sys.executable, "-m", "tests.kills.zygote", study]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as held:
        assert held.stdin
        assert held.stdout

        def run(folder: Path, url: str, **how: Any) -> int:
            print(json.dumps({"study": study, "folder": str(folder), "url": url, **how}), file=held.stdin, flush=True)
            return int(json.loads(held.stdout.readline()))  # type: ignore[union-attr]  # asserted above

        yield run
        held.stdin.close()
