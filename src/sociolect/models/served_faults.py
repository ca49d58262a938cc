"""What a server's fault means: whether to try again, when, and whether it may have cost money."""

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from sociolect.text import clean

PASSING = frozenset({408, 409, 425, 429, *range(500, 600)})  # may be gone in a moment
SLOW = frozenset({408, 429, 503})  # the server has more than it can do
UNPAID = frozenset({429, 503})  # turned away at the door
SPENT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})  # a 429 no wait mends
PATIENCE = 600.0  # seconds: who is asked to wait longer is told so
SHOWN = 200  # characters of a server's words in an error


class Fault(NamedTuple):
    """Why a try gave no answer. `final` is not tried again; `slow` asks for fewer calls at once; `wait` is in seconds."""

    said: str
    final: bool = False
    slow: bool = False
    wait: float = 0.0
    paid: bool = True  # whether the try may have cost money


class Torn(Exception):
    """An answer that came, but not as one."""


def of_status(status: int, headers: Mapping[str, str], body: bytes) -> Fault:
    """The fault that a status other than 200 stands for.

    >>> of_status(429, {"retry-after": "3"}, b"slow down")
    Fault(said='status 429: slow down', final=False, slow=True, wait=3.0, paid=False)
    """
    text = body.decode("utf-8", "replace")
    said = f"status {status}: {text}" if text.strip() else f"status {status}"
    wait = retry_after(headers)
    paid = status not in UNPAID and status >= 500
    if status not in PASSING or (status == 429 and _spent(text)):
        return Fault(said, final=True, paid=paid)
    if wait > PATIENCE:
        return Fault(
            f"the server asks to wait {wait:.0f} s, longer than {PATIENCE:.0f} s: {said}", final=True, paid=paid
        )
    return Fault(said, slow=status in SLOW, wait=wait, paid=paid)


def of_error(data: Any) -> Fault | None:
    """The fault in an answer of status 200 that holds an error and no reply; None where there is none."""
    told = data.get("error") if isinstance(data, dict) and not data.get("choices") else None
    if not told:
        return None
    code = told.get("code") if isinstance(told, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return of_status(status, {}, json.dumps(told).encode())._replace(paid=True)


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds a server asks to wait: of `retry-after-ms`, or of Retry-After in seconds or as a date; 0 where it says none.

    A date is read against the server's own clock where it tells it: this machine's may be wrong.

    >>> retry_after({"retry-after": "2"}), retry_after({"retry-after-ms": "250"}), retry_after({"retry-after": "soon"})
    (2.0, 0.25, 0.0)
    >>> retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"})
    10.0
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        if re.fullmatch(r"\s*\d{1,9}(?:\.\d{0,9})?\s*", told := headers.get(name) or ""):
            return float(told) / unit
    until, now = _date(headers.get("retry-after")), _date(headers.get("date"))
    return 0.0 if until is None else max(0.0, until - (time.time() if now is None else now))


def shown(text: str, secret: str | None) -> str:
    """A server's words as an error may show them: one short line, without the key and without control characters.

    >>> shown("bad key s3cret\\n\\x1b[31m", "s3cret")
    'bad key [key] [31m'
    """
    # again once what nobody sees is gone: it may have parted the key
    line = " ".join(redacted(clean(redacted(text, secret)), secret).split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def redacted(text: str, secret: str | None) -> str:
    """The text without the key: as it stands, and as JSON and addresses write it.

    >>> redacted("Bearer s3cret", "s3cret")
    'Bearer [key]'
    """
    if secret:
        told = json.dumps(secret)[1:-1]
        for form in (told.replace("/", "\\/"), told, quote(secret, safe=""), secret):
            text = text.replace(form, "[key]")
    return text


def _spent(text: str) -> bool:
    """Whether the error says that the quota is gone, by its code or type."""
    try:
        error = json.loads(text)["error"]
        return bool({error.get("code"), error.get("type")} & SPENT)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _date(told: str | None) -> float | None:
    try:
        at = parsedate_to_datetime(told or "")
    except (ValueError, TypeError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
