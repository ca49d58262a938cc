"""A served model against a server that fails in every way there is."""

import threading
import time
from collections import Counter
from random import Random
from typing import Any

import pytest
from tests.models.faulty_server import FAULTS, Faulty, Make, http

from sociolect.errors import ModelError
from sociolect.models.model import user
from sociolect.models.served import Served, served


def model(server: Faulty, **settings: Any) -> Served:
    return served("m", url=server.url, **{"key": None, "pause": 0.005, "tries": 3, "timeout": 0.3, **settings})


def patience(fault: str, short: float) -> float:
    """What only a time-out ends is waited for shortly; all else may take its time on a busy machine."""
    return short if fault in {"hang", "slow drip"} else 20.0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_is_tried_again(serve: Make, fault: str) -> None:
    server = serve(lambda _, before: fault if before == 0 else "")
    ((at, answer),) = model(server, timeout=patience(fault, 1.0)).answers([user("a")], due=[0])
    assert (at, answer.text, answer.attempts, answer.model) == (0, "re: a", 2, "m-2026")
    assert server.seen == {"a": 2}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_is_an_error_and_never_a_text(serve: Make, fault: str) -> None:
    server = serve(lambda *_: fault)
    with pytest.raises(ModelError, match="did not answer in 2 tries; the last fault was ") as raised:
        model(server, tries=2, timeout=patience(fault, 0.3)).generate([user("a")])
    assert server.seen == {"a": 2}
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 330


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 302])
def test_a_call_that_can_never_succeed_is_sent_once(serve: Make, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "final", http(status, b"no"))
    server = serve(lambda *_: "final")
    with pytest.raises(ModelError, match=f"refused the call, status {status}: no"):
        model(server, workers=1).generate([user("a"), user("b")])
    assert server.seen == {"a": 1}


SPENT = {
    "a quota by its code": (b'{"error": {"code": "insufficient_quota", "message": "pay"}}', {}, "insufficient_quota"),
    "a wait of a day": (b"", {"retry_after": "86400"}, "asks to wait 86400 s, longer than 600 s"),
}


@pytest.mark.parametrize("case", SPENT)
def test_a_429_that_no_wait_mends_is_final(serve: Make, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body, headers, said = SPENT[case]
    monkeypatch.setitem(FAULTS, "final", http(429, body, **headers))
    server = serve(lambda *_: "final")
    with pytest.raises(ModelError, match=said):
        model(server).generate([user("a")])
    assert server.seen == {"a": 1}


def test_everybody_waits_as_long_as_the_server_asks(serve: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "wait", http(429, b"", retry_after="0.4"))
    begun = time.monotonic()
    times: list[float] = []

    def plan(body: dict[str, Any], before: int) -> str:
        times.append(time.monotonic() - begun)
        return "wait" if len(times) == 1 else ""

    server = serve(plan)
    chats = [user(str(i)) for i in range(6)]
    assert model(server, workers=2).generate(chats) == [f"re: {i}" for i in range(6)]
    assert [t for t in times if t < 0.4] == times[:2]  # the two that were in flight before the server asked


def test_an_answered_call_is_not_lost_when_another_can_never_succeed(
    serve: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAULTS, "final", http(400, b"too long"))
    server = serve(lambda body, _: "final" if body["messages"][-1]["content"] == "3" else "", think=0.02)
    came: list[int] = []
    answers = model(server, workers=8).answers([user(str(i)) for i in range(100)], due=range(100))
    with pytest.raises(ModelError, match="status 400: too long"):
        came.extend(at for at, _ in answers)
    assert sorted(map(str, came)) == sorted(server.good)  # all that was paid for is handed on
    assert sum(server.seen.values()) < 30  # and little was sent after it


def test_a_dead_server_is_not_hammered(serve: Make) -> None:
    server = serve(lambda *_: "500")
    with pytest.raises(
        ModelError, match="does not answer: 20 calls in a row failed, then 5 single ones; the last fault was status 500"
    ):
        model(server, workers=64, tries=5, adaptive=False).generate([user(str(i)) for i in range(1000)])
    # 64 fly at once, 19 more begin before the twentieth failure stops them all, and then 5 go one by one
    assert sum(server.seen.values()) <= 64 + 19 + 5


def test_a_server_that_comes_back_is_asked_again(serve: Make) -> None:
    begun = time.monotonic()
    chats = [user(str(i)) for i in range(200)]
    server = serve(lambda *_: "500" if time.monotonic() - begun < 0.2 else "")
    assert model(server, workers=64, tries=9, adaptive=False).generate(chats) == [f"re: {i}" for i in range(200)]


def test_who_leaves_early_cancels_what_is_in_flight(serve: Make) -> None:
    server = serve(lambda *_: "", think=0.05)
    running = threading.active_count()
    answers = model(server, workers=4, timeout=5.0).answers([user(str(i)) for i in range(50)], due=range(50))
    next(answers)
    answers.close()  # type: ignore[attr-defined]  # an iterator that is a generator
    sent = sum(server.seen.values())
    time.sleep(0.15)
    assert sum(server.seen.values()) <= sent + 1
    assert sent <= 12
    assert threading.active_count() == running


def test_a_reader_that_is_slow_holds_the_next_calls_back(serve: Make) -> None:
    server = serve(lambda *_: "")
    answers = model(server, workers=8).answers([user(str(i)) for i in range(100)], due=range(100))
    for taken, _ in enumerate(answers, 1):
        if taken == 10:
            time.sleep(0.2)
            assert sum(server.seen.values()) <= taken + 2 * 8  # those in hand, those in the queue


@pytest.mark.slow
def test_ten_thousand_calls_at_64_in_flight_with_a_fault_in_five(serve: Make) -> None:
    names = [f for f in FAULTS if f not in {"hang", "slow drip"}]
    draw = Random(5)
    lock = threading.Lock()

    def plan(*_: object) -> str:
        with lock:
            at = draw.random()
        if at >= 0.2:
            return ""
        return "hang" if at < 0.001 else "slow drip" if at < 0.002 else names[int(at * 1e6) % len(names)]

    server = serve(plan, think=0.003)
    chats = [user(str(i)) for i in range(10_000)]
    m = model(server, workers=64, tries=15, timeout=2.0, adaptive=False, pause=0.002)
    came = Counter[int]()
    for at, answer in m.answers(chats, due=range(10_000)):
        came[at] += 1
        assert answer.text == f"re: {at}"
    assert came == dict.fromkeys(range(10_000), 1)  # none lost, none doubled
    assert all(server.good[str(i)] >= 1 for i in range(10_000))
    assert server.good.total() - 10_000 <= 200  # asked for again only where an answer came too late
    assert 56 <= server.most <= 64
    share = 1 - server.happened[""] / server.happened.total()
    assert 0.17 < share < 0.23
    assert set(server.happened) == {*FAULTS, ""}
