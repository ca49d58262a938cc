"""A server that says what no server should: it is written down as far as it can be, believed no further, and crashes nothing."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.models.faulty_server import Make, http, reply
from tests.models.test_served_money import PRICE, model

from sociolect.errors import BudgetError
from sociolect.keep import forget_journal
from sociolect.models.answer import Answer
from sociolect.models.journal import journal, opened
from sociolect.models.model import user
from sociolect.models.prices import Price
from sociolect.models.purse import Purse
from sociolect.traces import Traces
from sociolect.workspace import workspace

HOSTILE = {
    "half a character": ("a\ud800b", "a?b"),
    "NUL and ANSI": ("a\x00b \x1b[31mred\x1b]0;title\x07", "a\x00b \x1b[31mred\x1b]0;title\x07"),
    "ten megabytes": ("x" * 10_000_000, "x" * 10_000_000),
    "nothing": ("", ""),
}
USAGE = (
    {"prompt_tokens": -5, "completion_tokens": -1},
    {"prompt_tokens": "7", "completion_tokens": [3]},
    {"prompt_tokens": 10**400, "completion_tokens": 3},
    {"prompt_tokens": 2**63, "completion_tokens": 2**63},
    {"prompt_tokens": 1.5, "completion_tokens": float("nan")},
    "none of your business",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_is_said_stands_in_the_journal_and_is_said_again(serve: Make, tmp_path: Path, name: str) -> None:
    text, due = HOSTILE[name]
    lies: dict[str, Any] = {"model": "gpt\x1b[2J\ud800-9\n", "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    server = serve(lambda *_: "", answer=lambda _: http(200, reply(text, **lies)))
    for _ in range(2):
        with journal(tmp_path / "j.sqlite") as book:
            assert model(server).generate([user("a")]) == [due]
            assert book.totals()["resolved"].to_list() == ["gpt[2J?-9"]
    assert server.seen.total() == 1


def test_a_count_that_cannot_be_is_no_count_and_costs_the_worst(serve: Make, tmp_path: Path) -> None:
    told = iter(USAGE)
    server = serve(lambda *_: "", answer=lambda _: http(200, reply("b", usage=next(told))))
    purse = Purse(1000.0)
    with journal(tmp_path / "j.sqlite", purse=purse) as book:
        for i in range(len(USAGE)):
            assert model(server, tries=1).generate([user(str(i))], tokens=5) == ["b"]
        paid = book.totals()
    assert paid["unpriced"].to_list() == [len(USAGE)]
    assert paid["price"].to_list() == [None]
    assert purse.spent > len(USAGE) * 0.5, "each is booked at the most it can have cost"


def test_a_reply_longer_than_it_may_be_stops_the_next_call(serve: Make, tmp_path: Path) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 10**6}
    server = serve(lambda *_: "", answer=lambda _: http(200, reply("b", usage=usage)))
    purse = Purse(10.0)
    with journal(tmp_path / "j.sqlite", purse=purse):
        with pytest.raises(BudgetError, match="is reached"):
            model(server, workers=1).generate([user(c) for c in "abcd"], tokens=5)
        assert server.seen.total() == 1
        # A price of 0 is no way past a purse that is empty.
        with pytest.raises(BudgetError, match="is reached"):
            model(server, price=Price(0.0, 0.0)).generate([user("e")])
    assert purse.spent == pytest.approx(PRICE.of(10, 10**6))


def test_a_key_in_any_field_of_an_answer_is_no_key(
    serve: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", key := "sk-PLANTED0123456789")
    told = json.loads(reply(f"it is {key}", model=f"m {key}"))
    told["choices"][0]["finish_reason"] = f"because {key}"
    parted = f"no such key: {key[:9]}\u200b{key[9:]}".encode()
    server = serve(lambda body, _: "", answer=lambda body: http(200, json.dumps(told).encode()))
    with journal(tmp_path / "j.sqlite"):
        assert model(server, key="A_KEY").generate([user("a")]) == ["it is [key]"]
    with opened(tmp_path / "j.sqlite") as book:
        assert book.connection.execute("SELECT resolved, finish FROM calls").fetchall() == [
            ("m [key]", "because [key]")
        ]
    assert not [f for f in tmp_path.iterdir() if b"PLANTED" in f.read_bytes()]
    refuses = serve(lambda *_: "", answer=lambda _: http(401, parted))
    with pytest.raises(Exception, match=r"no such key: \[key\]"):
        model(refuses, key="A_KEY").generate([user("a")])


def test_a_budget_counts_what_no_journal_row_tells(serve: Make, tmp_path: Path) -> None:
    """Uncounted answers and tries that hung are booked at their worst, and still are when the run is taken up again."""
    server = serve(lambda *_: "")  # it counts no tokens
    spent = []
    for i in range(12):
        purse = Purse(3.0)
        with suppress(BudgetError), workspace(tmp_path / "w", system="s", keywords={}, purse=purse):
            model(server).generate([user(f"call {i}")], tokens=5)
        spent.append(purse.spent)
        assert purse.spent <= 3.0
    assert spent == sorted(spent)
    assert 1 <= server.good.total() <= 5
    with workspace(tmp_path / "w", system="s", keywords={}, purse=Purse(99.0)):
        assert model(server).generate([user("call 99")], tokens=5) == ["re: call 99"]


def test_a_kill_in_flight_is_counted_at_its_worst(tmp_path: Path) -> None:
    with opened(tmp_path / "j.sqlite") as book:
        purse = Purse(10.0, kept=book.hold)
        purse.reserve(2.0)
        book.keep([(b"k" * 16, "generate", "m", 0, "{}", Answer("a", price=0.5))])
        purse.settle(2.0, 0.5)
        purse.reserve(3.0)  # here it is killed
    with opened(tmp_path / "j.sqlite") as book:
        assert book.booked() == 3.5
        assert book.booked() == 3.5, "asking changes nothing"
        book.keep([(b"l" * 16, "generate", "m", 0, "{}", Answer("b", price=1.0))])
        assert book.booked() == 4.5
        assert book.booked(spent=4.0) == 4.0
        assert book.booked() == 4.0
        book.keep([(b"n" * 16, "generate", "endpoint/m", 0, "{}", Answer("c", None, 1000, 500))])
        assert book.booked() == 4.0
        book.prices = {"m": PRICE}
        assert book.booked() == 4.0 + 2.0, "what had no price then has one now"


def test_money_is_not_forgotten_with_the_calls(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with opened(path) as book:
        book.keep(
            [(bytes([i] * 16), "generate", "m", 0, "{}", Answer(f"so said ada {i}", price=0.5)) for i in range(4)]
        )
        book.booked(spent=2.25)
    assert forget_journal.purge(path, Traces(frozenset(), frozenset(["ada"])), keep=(), derived=True) == 4
    with opened(path) as book:
        assert (book.count(), book.spent(), book.booked()) == (0, 0.0, 2.25)


def test_a_call_that_shows_a_trace_goes_though_its_step_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with opened(path) as book:
        book.step = "branches/more/screen"
        book.keep([(bytes([i] * 16), "generate", "m", 0, "{}", Answer(t)) for i, t in enumerate(("so said ada", "no"))])
    assert forget_journal.purge(path, Traces(frozenset(), frozenset(["ada"])), keep=("screen",), derived=True) == 1
    with opened(path) as book:
        assert book.known([bytes([0] * 16), bytes([1] * 16)]) == {bytes([1] * 16): "no"}
