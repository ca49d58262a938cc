"""Who may ask: only this machine's browser, by the address that was printed; and what every reply carries."""

from collections.abc import Awaitable, Callable, MutableMapping
from hmac import compare_digest
from typing import Any

BODY = 1 << 16  # bytes of a question; the longest due is a thousand seeds
LINE = 1 << 13  # bytes of a path with its query
HEADERS = (
    (b"content-security-policy", b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                                 b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)  # fmt: skip
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def guarded(app: App, *, token: str, port: int) -> App:
    """The app behind its guard: it sees paths below the token only, and every reply carries the strict headers.

    - Another `Host` than 127.0.0.1 or localhost at this port: 421, so that no name that resolves to this machine gets in
      (DNS rebinding). Another `Origin`, or a `Sec-Fetch-Site` other than same-origin and none: 403.
    - A path that does not begin with the token, compared in constant time: 404, whatever follows.
    - A method other than GET, HEAD and POST: 405. A POST that is not application/json: 415; without a length: 411; of
      more than 64 KiB: 413. A path of more than 8 KiB: 414.
    - A WebSocket is closed.
    """
    hosts = {f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode()}
    origins = {b"http://" + host for host in hosts}
    secret = token.encode("ascii")

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in HEADERS}
                kept = [(n, v) for n, v in message.get("headers", []) if n.lower() not in own]
                message = {**message, "headers": [*kept, *HEADERS]}
            await send(message)

        status, location = _refused(scope, hosts, origins, secret)
        if status:
            await _said(strict, status, location)
            return
        await app(_below(scope, secret), receive, strict)

    return guard


def _refused(scope: Scope, hosts: set[bytes], origins: set[bytes], secret: bytes) -> tuple[int, bytes | None]:
    """The status a request is turned away with, 0 for none; and where it is sent instead."""
    sent = _headers(scope)
    if len(sent.get(b"host", [])) != 1 or sent[b"host"][0].lower() not in hosts:
        return 421, None
    if any(origin not in origins for origin in sent.get(b"origin", [])):
        return 403, None
    if any(site not in {b"same-origin", b"none"} for site in sent.get(b"sec-fetch-site", [])):
        return 403, None
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    if len(raw) + len(scope.get("query_string", b"")) > LINE:
        return 414, None
    # the bytes as they came: no spelling of a path in percent signs or dots is read before the token is
    first, slash, _ = raw.removeprefix(b"/").partition(b"/")
    if not compare_digest(first, secret):
        return 404, None
    if not slash:
        return 308, b"/" + secret + b"/"
    if scope["method"] not in {"GET", "HEAD", "POST"}:
        return 405, None
    return (_posted(sent), None) if scope["method"] == "POST" else (0, None)


def _posted(sent: dict[bytes, list[bytes]]) -> int:
    kinds = [kind.partition(b";")[0].strip().lower() for kind in sent.get(b"content-type", [])]
    if kinds != [b"application/json"]:
        return 415
    length = sent.get(b"content-length", [b""])
    if len(length) != 1 or not length[0].isdigit() or b"transfer-encoding" in sent:
        return 411
    return 413 if len(length[0]) > 9 or int(length[0]) > BODY else 0


def _headers(scope: Scope) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.lower(), []).append(value)
    return found


def _below(scope: Scope, secret: bytes) -> Scope:
    """The request as the app sees it: the token is gone from its path."""
    prefix = "/" + secret.decode()
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return {**scope, "path": scope["path"].removeprefix(prefix), "raw_path": raw[len(prefix) :]}


async def _said(send: Send, status: int, location: bytes | None) -> None:
    body = f'{{"error": "{REASONS[status]}"}}'.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    # what was sent along is not read: the connection is of no further use
    headers += [(b"location", location)] if location else [(b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


REASONS = {
    308: "the address ends with a slash",
    403: "asked from another page",
    404: "nothing is here: open the address that sociolect explore printed",
    405: "due is GET or POST",
    411: "a question needs a content-length",
    413: "a question has at most 64 KiB",
    414: "an address has at most 8 KiB",
    415: "a question is application/json",
    421: "another host was asked for: due is 127.0.0.1 or localhost at this port",
}
