"""What served calls cost, and that a budget is never passed."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.models.faulty_server import FAULTS, Faulty, Make, http, reply, said

from sociolect.errors import BudgetError, InputError, UsageError
from sociolect.models.journal import journal
from sociolect.models.model import user
from sociolect.models.prices import Price, read_prices
from sociolect.models.purse import Purse
from sociolect.models.served import Served, served

PRICE = Price(prompt=1000.0, reply=2000.0)  # per million: a token of the reply costs 0.002


def counted(body: dict[str, Any]) -> bytes:
    return http(200, reply("re: " + said(body), usage={"prompt_tokens": 10, "completion_tokens": 3}))


def model(server: Faulty, **settings: Any) -> Served:
    return served("m", url=server.url, **{"key": None, "pause": 0.002, "tries": 9, "price": PRICE, **settings})


def test_an_answer_says_its_tokens_and_its_price(serve: Make) -> None:
    server = serve(lambda *_: "", answer=counted)
    ((_, answer),) = model(server).answers([user("a")], due=[0])
    assert (answer.prompt_tokens, answer.reply_tokens, answer.price) == (10, 3, 0.016)
    ((_, unpriced),) = model(server, price=None).answers([user("a")], due=[0])
    assert unpriced.price is None
    ((_, uncounted),) = model(serve(lambda *_: "")).answers([user("a")], due=[0])
    assert (uncounted.reply_tokens, uncounted.price) == (None, None)


@pytest.mark.parametrize("faults", [0.0, 0.2])
def test_the_limit_is_never_passed_with_64_in_flight(serve: Make, tmp_path: Path, faults: float) -> None:
    draw = Random(3)
    names = ["429", "500", "reset", "half a response", "wrong JSON"]
    server = serve(
        lambda *_: names[int(draw.random() * 5)] if draw.random() < faults else "", answer=counted, think=0.003
    )
    purse = Purse(20.0)
    with journal(tmp_path / "j.sqlite", purse=purse) as book:
        with pytest.raises(BudgetError, match="the budget of 20 is reached"):
            model(server, workers=64, adaptive=False).generate([user(str(i)) for i in range(2000)], tokens=5)
        ledger = book.totals()
    assert purse.held == 0
    assert purse.spent <= 20.0
    paid = 0.016 * server.good.total()
    assert ledger["price"].sum() == pytest.approx(paid)
    assert ledger["calls"].sum() == server.good.total()  # what was paid for is kept
    if not faults:
        worst = 20.0 - purse.spent
        assert purse.spent == pytest.approx(paid)
        assert worst < 1.0  # it stops where the next call might not fit, not long before


def test_a_budget_without_a_price_sends_nothing(serve: Make, tmp_path: Path) -> None:
    server = serve(lambda *_: "", answer=counted)
    purse = Purse(1.0)
    with journal(tmp_path / "j.sqlite", purse=purse) as book:
        with pytest.raises(BudgetError, match="the price of openai/m is unknown"):
            model(server, price=None).generate([user("a")])
        assert not server.seen
        book.prices = {"m": PRICE}
        assert model(server, price=None).generate([user("a")], tokens=5) == ["re: a"]
    assert purse.spent == pytest.approx(0.016)


def test_who_asks_again_pays_nothing_for_what_the_journal_has(serve: Make, tmp_path: Path) -> None:
    server = serve(lambda *_: "", answer=counted)
    chats = [user(str(i % 5)) for i in range(20)]
    for _ in range(2):
        with journal(tmp_path / "j.sqlite"):
            first = model(server).generate(chats)
    assert first == [f"re: {i % 5}" for i in range(20)]
    assert server.seen.total() == 20


def test_a_purse_holds_the_worst_and_books_what_was_paid() -> None:
    purse = Purse(1.0)
    purse.reserve(0.6)
    with pytest.raises(BudgetError, match=r"0 is spent, 0.6 is held .* the next call may cost 0.5"):
        purse.reserve(0.5)
    purse.settle(0.6, 0.1)
    purse.reserve(0.9)
    purse.settle(0.9, None)  # nobody knows: the worst is booked
    assert (purse.spent, purse.held, purse.left) == (1.0, 0.0, 0.0)
    free = Purse(None)
    free.reserve(1e9)
    assert free.left is None
    drift = Purse(0.3)
    for _ in range(3):
        drift.reserve(0.1)  # 0.1 + 0.1 + 0.1 is more than 0.3 in floats
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="due is money"):
            Purse(wrong)
        with pytest.raises(UsageError, match="due is money"):
            free.reserve(wrong)


def test_a_file_of_prices_is_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('["gpt-x"]\nprompt = 2.5\nreply = 10\n["endpoint/home"]\nprompt = 0\nreply = 0.0\n')
    assert read_prices(file) == {"gpt-x": Price(2.5, 10.0), "endpoint/home": Price(0.0, 0.0)}
    file.write_text('a = 1\n["b"]\nprompt = -1\n["c"]\nprompt = true\nreply = inf\ntax = 2\n')
    with pytest.raises(InputError) as raised:
        read_prices(file)
    for fault in (
        "'a' is 1, not a table",
        "'b' has no 'reply'",
        "'b' has prompt = -1",
        "'c' has prompt = True",
        "'c' has reply = inf",
        "'tax'",
    ):
        assert fault in str(raised.value)
    for text, wrong in (("", "no model has a price"), ("[", "no TOML")):
        file.write_text(text)
        with pytest.raises(InputError, match=wrong):
            read_prices(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_prices(tmp_path / "none.toml")


def test_a_key_is_shown_nowhere(serve: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    key = 'sk-"planted"\\0123456789'
    monkeypatch.setenv("A_KEY", key)
    caplog.set_level("DEBUG")
    monkeypatch.setitem(
        FAULTS, "echo", http(401, b"x" * 190 + json.dumps({"bad": f"Bearer {key}"}).encode() + key.encode())
    )
    monkeypatch.setitem(FAULTS, "torn", http(200, b"<p>" + key.encode()))
    for fault in ("echo", "torn"):
        with pytest.raises(Exception, match="last fault|refused") as raised:
            model(serve(lambda *_, f=fault: f), key="A_KEY", tries=1).generate([user("a")])
        told = repr(raised.value) + repr(raised.value.__cause__) + repr(raised.value.__context__) + caplog.text
        assert not [part for part in (key, "sk-", "planted", "0123") if part in told]
    kind = serve(lambda *_: "", answer=lambda body: http(200, reply(f"your key is {key}", model=key)))
    with journal(tmp_path / "j.sqlite"):
        assert model(kind, key="A_KEY").generate([user("a")]) == ["your key is [key]"]
    assert not [f for f in tmp_path.iterdir() if b"planted" in f.read_bytes()]
    monkeypatch.setenv("A_KEY", "two\nlines")
    with pytest.raises(Exception, match="holds no key"):
        model(kind, key="A_KEY").generate([user("a")])
