"""A real server on loopback, asked by raw sockets: whoever is not this machine's browser at the printed address gets nothing."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from sociolect.explore.app import app
from sociolect.explore.atlas import atlas
from sociolect.explore.guard import BODY, HEADERS
from sociolect.explore.serve import ear, server

TOKEN = "t0ken-T0KEN_t0ken"


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def port(explored: Path) -> Iterator[int]:
    """The port of the explorer of the small workspace, served from a thread; growing echoes the question."""
    made = atlas(explored)
    listening = ear(0)
    number: int = listening.getsockname()[1]
    running = server(app(made, token=TOKEN, port=number, grow=lambda _, q: ({"heard": q}, made.accounts.head(0))))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not running.started and time.monotonic() < until:
        time.sleep(0.01)
    yield number
    running.should_exit = True
    thread.join(10)


def sent(port: int, head: str, *, body: bytes = b"") -> Reply:
    """The reply to these bytes: a first line and header lines, where PORT stands for the port."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        lines = head.replace("PORT", str(port)).strip().splitlines()
        wire.sendall("\r\n".join(["", *lines, "connection: close", "", ""])[2:].encode() + body)
        heard = b""
        try:
            while some := wire.recv(65_536):
                heard += some
        except ConnectionResetError:
            pass  # turned away before the body was read
    top, _, rest = heard.partition(b"\r\n\r\n")
    first, *named = top.decode("latin-1").split("\r\n")
    return Reply(int(first.split()[1]), {n.split(": ", 1)[0].lower(): n.split(": ", 1)[1] for n in named}, rest)


def get(port: int, path: str, *lines: str, host: str = "127.0.0.1:PORT", method: str = "GET") -> Reply:
    return sent(port, "\n".join([f"{method} {path} HTTP/1.1", f"host: {host}", *lines]))


def post(port: int, body: bytes, *lines: str, length: int | None = None, kind: str = "application/json") -> Reply:
    head = [f"POST /{TOKEN}/api/grow HTTP/1.1", "host: localhost:PORT", f"content-type: {kind}", *lines]
    head += [f"content-length: {len(body) if length is None else length}"]
    return sent(port, "\n".join(head), body=body)


def strict(reply: Reply) -> None:
    for name, value in HEADERS:
        assert reply.headers[name.decode()] == value.decode()
    assert "server" not in reply.headers
    assert "access-control-allow-origin" not in reply.headers


def test_the_printed_address_is_answered_with_strict_headers(port: int) -> None:
    for host in ("127.0.0.1:PORT", "localhost:PORT", "LOCALHOST:PORT"):
        reply = get(port, f"/{TOKEN}/api/overview", host=host)
        assert reply.status == 200
        assert json.loads(reply.body)["people"] == 54
        strict(reply)
    policy = reply.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert get(port, f"/{TOKEN}/", method="HEAD").body == b""
    assert get(port, f"/{TOKEN}").headers["location"] == f"/{TOKEN}/"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:PORT", "127.0.0.1", "127.0.0.1:1", "localhost", "localhost:PORT.evil.example",
     "localhost:PORT@evil.example", "[::1]:PORT", "0.0.0.0:PORT", "127.0.0.2:PORT", "127.0.0.1.:PORT", ""],
)  # fmt: skip
def test_another_host_is_turned_away(port: int, host: str) -> None:
    reply = get(port, f"/{TOKEN}/api/overview", host=host)
    assert reply.status == 421
    assert b"people" not in reply.body
    strict(reply)


def test_two_hosts_are_turned_away(port: int) -> None:
    assert get(port, f"/{TOKEN}/api/overview", "host: evil.example").status in {400, 421}
    assert sent(port, f"GET http://evil.example/{TOKEN}/ HTTP/1.1\nhost: localhost:PORT").status in {400, 404}
    assert sent(port, f"GET /{TOKEN}/ HTTP/1.0").status in {400, 421}, "no host at all"


@pytest.mark.parametrize(
    "line",
    ["origin: http://evil.example", "origin: null", "origin: http://127.0.0.1:1", "origin: https://127.0.0.1:PORT",
     "origin: http://localhost:PORT.evil.example", "origin: http://127.0.0.1:PORT/", "sec-fetch-site: cross-site",
     "sec-fetch-site: same-site", "sec-fetch-site: odd"],
)  # fmt: skip
def test_another_page_is_turned_away(port: int, line: str) -> None:
    for reply in (get(port, f"/{TOKEN}/api/overview", line), post(port, b"{}", line)):
        assert reply.status == 403
        strict(reply)


@pytest.mark.parametrize(
    "line",
    ["origin: http://127.0.0.1:PORT", "origin: http://localhost:PORT", "sec-fetch-site: same-origin", "sec-fetch-site: none"],
)  # fmt: skip
def test_our_own_page_is_answered(port: int, line: str) -> None:
    assert get(port, f"/{TOKEN}/api/overview", line).status == 200
    assert post(port, b'{"a": 1}', line).status == 200


WRONG = [
    "/", "//", "/api/overview", "/favicon.ico", f"/{TOKEN[:-1]}/", f"/{TOKEN}x/", f"/{TOKEN.lower()}/", f"//{TOKEN}/",
    f"/./{TOKEN}/", f"/x/../{TOKEN}/", "/%74" + TOKEN[1:] + "/", f"/{TOKEN}%2Fapi/overview", f"/{TOKEN}%00/", f"/{TOKEN};/",
    f"/x/{TOKEN}/api/overview", "/\u00e9".encode().decode("latin-1") + "/",
]  # fmt: skip


@pytest.mark.parametrize("path", WRONG)
def test_a_wrong_token_finds_nothing(port: int, path: str) -> None:
    reply = get(port, path)
    assert reply.status in {400, 404}
    assert TOKEN.encode() not in reply.body
    if reply.status == 404:
        assert json.loads(reply.body)["error"].startswith("nothing is here")
        strict(reply)


@pytest.mark.parametrize(
    "path",
    ["../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/guard.py", "guard.py", "app.py", "vendor_licenses.txt",
     "explore.js/../guard.py", "explore.js%00", "/etc/passwd", "api", "api/", "api/account/-1", "api/account/x",
     "api/account/99999999999999999999", "api/account/1/2", "api/nodes.bin/x", ".", "..", "%"],
)  # fmt: skip
def test_no_path_leads_to_a_file_that_is_not_the_page_s(port: int, path: str) -> None:
    reply = get(port, f"/{TOKEN}/{path}")
    assert reply.status == 404
    assert b"import" not in reply.body
    assert b"root:" not in reply.body
    strict(reply)


def test_a_question_is_small_and_json(port: int) -> None:
    assert json.loads(post(port, b'{"seeds": ["a"]}').body)["heard"] == {"seeds": ["a"]}
    assert post(port, b"{}", kind="application/json; charset=utf-8").status == 200
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json, text/plain",
    ):
        assert post(port, b"{}", kind=kind).status == 415
    assert post(port, b"x" * (BODY + 1)).status == 413
    assert post(port, b"", length=10**12).status == 413
    assert post(port, b'"' + b"x" * (BODY - 2) + b'"').status == 400, "large enough, and no object"
    chunked = f"POST /{TOKEN}/api/grow HTTP/1.1\nhost: localhost:PORT\ncontent-type: application/json\ntransfer-encoding: chunked"
    assert sent(port, chunked, body=b"2\r\n{}\r\n0\r\n\r\n").status == 411
    assert sent(port, f"POST /{TOKEN}/api/grow HTTP/1.1\nhost: localhost:PORT").status == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"])
def test_other_methods_are_turned_away(port: int, method: str) -> None:
    reply = get(port, f"/{TOKEN}/api/overview", method=method)
    assert reply.status in {400, 405}
    if reply.status == 405:
        strict(reply)


def test_a_websocket_is_not_opened(port: int) -> None:
    upgrade = ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13", "sec-websocket-key: dGVzdA=="]
    assert get(port, f"/{TOKEN}/api/overview", *upgrade).status != 101


def test_long_and_broken_lines_do_not_end_the_server(port: int) -> None:
    assert get(port, f"/{TOKEN}/api/search?q=" + "a" * 9000).status == 414
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(b"\x00\xff\r\n\r\n")
        assert b"400" in wire.recv(100)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(b"GET /")
    assert get(port, f"/{TOKEN}/api/overview").status == 200


def test_the_socket_is_loopback_s_alone(port: int) -> None:
    with ear(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=2)


def test_small_replies_do_not_wait_for_an_acknowledgement() -> None:
    """asyncio sets TCP_NODELAY on sockets that say they are TCP alone; without it a small reply waits 40 ms."""
    with ear(0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP
