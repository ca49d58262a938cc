import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sociolect.errors import ModelError, UsageError
from sociolect.models.model import Message, user
from sociolect.models.served import Served, served

Answer = tuple[int, dict[str, str], bytes]


def good(text: Any) -> Answer:
    return 200, {}, json.dumps({"choices": [{"message": {"content": text}}]}).encode()


class Server:
    """A loopback endpoint that answers by a script and remembers what it was sent."""

    def __init__(self) -> None:
        self.script: Callable[[dict[str, Any], int], Answer] = lambda body, _: good(
            "re: " + body["messages"][-1]["content"]
        )
        self.seen: list[tuple[dict[str, Any], dict[str, str]]] = []
        self.busy = self.most = 0
        lock, outer = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with lock:
                    outer.seen.append((body, {k.lower(): v for k, v in self.headers.items()}))
                    count = len(outer.seen)
                    outer.busy += 1
                    outer.most = max(outer.most, outer.busy)
                status, headers, data = outer.script(body, count)
                with lock:
                    outer.busy -= 1
                self.send_response(status)
                for k, v in {"content-length": str(len(data)), **headers}.items():
                    self.send_header(k, v)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def model(server: Server, **settings: Any) -> Served:
    return served("m", url=server.url, **{"key": None, "pause": 0.01, "tries": 3, "timeout": 5.0, **settings})


def test_replies_come_back_in_the_order_of_the_chats(server: Server) -> None:
    chats = [(Message("system", "s"), Message("user", str(i))) for i in range(30)]

    def slow(body: dict[str, Any], count: int) -> Answer:
        time.sleep(0.02 if count % 2 else 0.001)
        return good("re: " + body["messages"][-1]["content"])

    server.script = slow
    assert model(server, workers=4).generate(chats, tokens=7, temperature=0.5, top_p=0.8) == [
        f"re: {i}" for i in range(30)
    ]
    assert server.most <= 4
    body = server.seen[0][0]
    assert (body["max_tokens"], body["temperature"], body["top_p"], body["model"]) == (7, 0.5, 0.8, "m")
    assert [m["role"] for m in body["messages"]] == ["system", "user"]
    assert len({b["seed"] for b, _ in server.seen}) == 30


FAULTS: dict[str, Answer] = {
    "500": (500, {}, b"oops"),
    "429": (429, {"retry-after": "0.3"}, b"slow down"),
    "bad json": (200, {}, b"{not json"),
    "truncated body": (200, {"content-length": "500"}, b'{"choices": ['),
    "empty choices": (200, {}, b'{"choices": []}'),
    "null content": good(None),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_passing_fault_is_tried_again(server: Server, fault: str) -> None:
    server.script = lambda _, count: FAULTS[fault] if count == 1 else good("fine")
    start = time.monotonic()
    assert model(server, timeout=1.0).generate([user("a")]) == ["fine"]
    assert len(server.seen) == 2
    if fault == "429":
        assert time.monotonic() - start >= 0.3


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lasting_fault_is_an_error_and_never_a_text(server: Server, fault: str) -> None:
    server.script = lambda *_: FAULTS[fault] if fault != "429" else (429, {}, b"slow down")
    with pytest.raises(ModelError, match="did not answer in 3 tries"):
        model(server, timeout=1.0).generate([user("a")])
    assert len(server.seen) == 3


def test_a_call_that_can_never_succeed_is_not_repeated(server: Server) -> None:
    server.script = lambda *_: (401, {}, b"no such key")
    with pytest.raises(ModelError, match="status 401: no such key"):
        model(server, workers=1).generate([user("a"), user("b"), user("c")])
    assert len(server.seen) <= 2


def test_a_server_that_hangs_or_is_not_there(server: Server) -> None:
    def late(*_: Any) -> Answer:
        time.sleep(0.6)
        return good("late")

    server.script = late
    with pytest.raises(ModelError, match="no whole answer within 0.1 s"):
        model(server, timeout=0.1, tries=2).generate([user("a")])
    gone = served("m", url="http://127.0.0.1:9/v1", key=None, tries=2, pause=0.01)
    with pytest.raises(ModelError, match="ClientConnectorError"):
        gone.generate([user("a")])


def test_the_key_comes_from_the_environment_alone(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_KEY", raising=False)
    keyed = model(server, key="A_KEY")
    with pytest.raises(ModelError, match="set the environment variable A_KEY"):
        keyed.generate([user("a")])
    monkeypatch.setenv("A_KEY", "s3cret")
    assert keyed.generate([user("a")]) == ["re: a"]
    assert server.seen[-1][1]["authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(keyed)


def test_what_cannot_be_meant_is_said_at_once() -> None:
    for settings, said in {
        "ftp": ({"url": "ftp://x"}, "due is http"),
        "key in the url": ({"url": "https://me:s3cret@x/v1"}, "keys come from the environment"),
        "api": ({"api": "responses", "workers": 0}, "due is chat or completions; workers=0"),
        "seconds": ({"timeout": 0.0}, "due are seconds"),
        "extra": ({"extra": {"stream": True, "n": 3}}, "extra sets n, stream"),
    }.values():
        with pytest.raises(UsageError, match=said) as raised:
            served("m", **settings)  # type: ignore[arg-type]  # of several kinds
        assert "s3cret" not in str(raised.value)
    with pytest.raises(UsageError, match="tokens=0"):
        served("m").generate([user("a")], tokens=0)
