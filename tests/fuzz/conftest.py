"""Fuzzing: hostile bytes made of good ones, and the judge of what a reader may do with them.

A reader gives a value or raises a SociolectError of one line; nothing else, within 2 s of processor time and 500 MB.
`SOCIOLECT_FUZZ=N` takes N random cases a reader in place of the fixed ones (`benchmarks/fuzz.py`).
"""

import json
import os
import signal
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from sociolect.errors import SociolectError
from sociolect.load.toml import toml

SECONDS, BYTES = 2.0, 500 << 20
RANDOM = int(os.environ.get("SOCIOLECT_FUZZ", "0"))
TOKENS = [
    b"", b'"', b'""', b"'", b"\n", b"\r", b"\r\n", b"\0", b"\t", b",", b";", b"\\", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3\x28",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x1f\x8b\x08", b"PAR1", b"nan", b"inf", b"-inf", b"1e999", b"-1", b"0", b"-0.0",
    b"99999999999999999999", b"9" * 5000, b"1e-400", b"2020-13-45", b"0001-01-01T00:00:00", b"9999999999999", b"null", b"true",
    b"{", b"}", b"[", b"]", b"[" * 3000, b"{\"a\":" * 2000, b"<", b">", b"&", b"&#0;", b"&x;", b"]]>", b"<!--", b"=", b"[[", b"]]",
    "\u2028".encode(), "\u202e".encode(), "\u0130".encode(), "e\u0301".encode(), "\U0001f600".encode(), b"\\ud800", b"\\u0000",
    b"__proto__", b"$", b"*", b"%s", b"{}", b"../", b"a" * 70_000,
]  # fmt: skip
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2**31, 2**63, 10**400, 0.5, -0.0, float("nan"), float("inf"), "", " ", "a", "1", "nan", "\0",
    "\ud800", "\u202e", "\n", "=1+1", "x" * 5000, [], [None], [[]], ["a", "a"], [1, "a"], {}, {"a": 1}, {"": None}, {"id": []},
]  # fmt: skip
PLAIN = [one for one in ODD if one is not None and one != "\ud800" and not (isinstance(one, list) and None in one)]


class Fuzz(Protocol):
    """`seeds` are good files, `read` reads one, `shape` says what they hold: bytes, json, toml; `known` have failed before."""

    def __call__(
        self, seeds: Sequence[bytes], read: Callable[[bytes], object], *, shape: str = "bytes", n: int = 60, known: Sequence[bytes] = ()
    ) -> None: ...  # fmt: skip


class Hang(BaseException):
    """More processor time than a case may take; no `except Exception` stops it."""


@contextmanager
def watched() -> Iterator[None]:
    """Raises Hang after SECONDS of this process's own time, and AssertionError where memory grew by more than BYTES."""

    def late(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGVTALRM, late)
    start = _memory(reset=True)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    assert _memory() - start <= BYTES, f"memory grew by {_memory() - start:,} bytes"


def _memory(*, reset: bool = False) -> int:
    """The most memory this process has held since the last reset, in bytes; 0 where the system does not tell."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        held = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0
    return int(held.split()[1]) * 1024


def judged(read: Callable[[bytes], object], data: bytes) -> bool:
    """Whether a value came out; AssertionError where neither a value nor a proper error did."""
    said: str | None = None
    try:
        with watched():
            read(data)
    except SociolectError as error:
        said = str(error)
    except (KeyboardInterrupt, AssertionError):
        raise
    except Hang:
        raise AssertionError(f"more than {SECONDS} s") from None
    except BaseException as error:  # polars panics with a BaseException
        raise AssertionError(f"{type(error).__name__}: {error}") from error
    assert said is None or (said.strip() and said.isprintable()), f"an error of more than a line, or of none: {said!r}"
    return said is None


@pytest.fixture
def fuzz() -> Fuzz:
    """Gives a reader its seeds, what failed before, and mutations of the seeds."""

    def run(
        seeds: Sequence[bytes], read: Callable[[bytes], object], *, shape: str = "bytes", n: int = 60, known: Sequence[bytes] = ()
    ) -> None:  # fmt: skip
        read(seeds[0])  # what is compiled or imported on first use is no hang
        for seed in seeds:
            assert judged(read, seed), "a good file is refused"
        for data in known:
            judged(read, data)

        @settings(
            max_examples=RANDOM or n,
            derandomize=not RANDOM,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink] if RANDOM else [Phase.generate],
        )
        @given(mutated(seeds, shape))
        def case(data: bytes) -> None:
            note(repr(data[:2000]))
            judged(read, data)

        case()

    return run


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes], shape: str) -> bytes:
    """A seed with one to four wounds: of its bytes, or of what it holds."""
    data = draw(st.sampled_from(seeds))
    if shape != "bytes" and draw(st.integers(0, 3)):
        return _rewritten(draw, data, shape)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.sampled_from([0, 1, 1, 2, 4, 16, 64, 1 << 30])))
        match draw(st.integers(0, 5)):
            case 0:
                data = data[:at] + draw(st.sampled_from(TOKENS)) + data[to:]
            case 1:
                data = data[:at] + draw(st.binary(max_size=8)) + data[to:]
            case 2:
                data = data[:at] + data[to:]
            case 3:
                data = data[:at] + data[at:to][:5000] * draw(st.integers(2, 9)) + data[to:]
            case 4 if at < len(data):
                data = data[:at] + bytes([data[at] ^ (1 << draw(st.integers(0, 7)))]) + data[at + 1 :]
            case _:  # two fields, lines or words change places
                mark = draw(st.sampled_from([b"\n", b",", b" ", b'"', b"\t"]))
                parts = data.split(mark)
                i, j = (draw(st.integers(0, len(parts) - 1)) for _ in range(2))
                parts[i] = parts[j] if draw(st.booleans()) else draw(st.sampled_from(TOKENS))
                data = mark.join(parts)
    return data


def _rewritten(draw: st.DrawFn, data: bytes, shape: str) -> bytes:
    """A JSON or TOML file with values inside it swapped for odd ones, taken away, or put elsewhere."""
    said = json.loads(data) if shape == "json" else tomllib.loads(data.decode())
    odd = ODD if shape == "json" else PLAIN
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(said))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        match draw(st.integers(0, 3)):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[draw(st.sampled_from(["", "id", "a b", "\n", "x" * 300]))] = holder.pop(key)
            case 2:
                other, name = draw(st.sampled_from(places))
                holder[key] = json.loads(json.dumps(other[name], default=str))
            case _:
                holder[key] = deepcopy(draw(st.sampled_from(odd)))
    try:
        made = json.dumps(said) if shape == "json" else toml(said)
    except (TypeError, ValueError, AttributeError):  # what TOML cannot say is no case
        return data
    return made.encode("utf-8", "surrogatepass")


def _places(said: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a nest of lists and tables, as what holds it and its key."""
    if isinstance(said, dict | list):
        for key in list(said) if isinstance(said, dict) else range(len(said)):
            yield said, key
            yield from _places(said[key])
