"""The journal: every answer stands before anything is made of it, once, under a key of its own."""

import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sociolect.errors import ModelError, WorkspaceError
from sociolect.models.answer import Answer
from sociolect.models.journal import COLUMNS, journal, noted, opened, session, using
from sociolect.models.journaled import heard, keys, weighed
from sociolect.models.model import Chat, Message, user


class Fixed(NamedTuple):
    name: str = "m"
    version: str = "1"


HOW = {"tokens": 5, "temperature": 1.0, "top_p": 1.0, "seed": 0}


def one_by_one(due: Sequence[int]) -> Iterator[list[tuple[int, Answer]]]:
    for i in due:
        yield [(i, Answer(f"said {i}", "m-2026", 7, 3, 0.5 if i else None, attempts=2, seconds=0.1))]


def test_what_was_asked_is_in_the_row(tmp_path: Path) -> None:
    with journal(tmp_path / "j.sqlite"), noted(step="replies", instrument="phq9@1"):
        assert heard(Fixed(), [user("a"), user("a")], one_by_one, HOW) == ["said 0", "said 1"]  # type: ignore[arg-type]  # its name and version suffice
    assert session() is None
    with sqlite3.connect(tmp_path / "j.sqlite") as book:
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in book.execute("SELECT * FROM calls ORDER BY draw")]
        assert book.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert [(r["draw"], r["response"], r["price"]) for r in rows] == [(0, "said 0", None), (1, "said 1", 0.5)]
    same = {
        k: rows[0][k]
        for k in ("kind", "step", "model", "resolved", "instrument", "prompt_tokens", "reply_tokens", "attempts")
    }
    assert list(same.values()) == ["generate", "replies", "m", "m-2026", "phq9@1", 7, 3, 2]
    assert rows[0]["sampling"] == '{"seed": 0, "temperature": 1.0, "tokens": 5, "top_p": 1.0}'


def test_the_ledger_says_what_is_unknown(tmp_path: Path) -> None:
    with journal(tmp_path / "j.sqlite") as book:
        heard(Fixed(), [user("a"), user("b"), user("c")], one_by_one, HOW)  # type: ignore[arg-type]  # likewise
        paid = book.totals().row(0, named=True)
    assert (paid["calls"], paid["price"], paid["unpriced"], paid["prompt_tokens"], paid["attempts"]) == (
        3,
        1.0,
        1,
        21,
        6,
    )


def test_what_came_before_a_fault_stands(tmp_path: Path) -> None:
    def breaks(due: Sequence[int]) -> Iterator[list[tuple[int, Answer]]]:
        yield from one_by_one(due[:2])
        raise ModelError("down")

    asked: list[int] = []

    def counts(due: Sequence[int]) -> Iterator[list[tuple[int, Answer]]]:
        asked.extend(due)
        return one_by_one(due)

    chats = [user(c) for c in "abcd"]
    with journal(tmp_path / "j.sqlite"):
        with pytest.raises(ModelError, match="down"):
            heard(Fixed(), chats, breaks, HOW)  # type: ignore[arg-type]  # likewise
        assert heard(Fixed(), chats, counts, HOW) == [f"said {i}" for i in range(4)]  # type: ignore[arg-type]  # likewise
    assert asked == [2, 3]


def test_the_key_of_a_draw_is_the_one_that_journals_hold() -> None:
    """Written out by hand: another way to make it would lose every answer that was paid for."""
    chat = (Message("system", "be brief"), Message("user", "a"))
    made, _ = keys("generate", "m", "1", "{}", [chat] * 3)
    said = b'["generate", "m", "1", "{}"]' + b"system\x1f8\x1fbe briefuser\x1f1\x1fa"
    assert made == [sha256(said + end).digest()[:16] for end in (b"", b"\x1e1", b"\x1e2")]


def test_many_questions_are_weighed_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sociolect.models.journaled.AT_ONCE", 2)
    sizes: list[int] = []

    def weigh(chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        sizes.append(len(chats))
        return [[-float(chat[0].text)] for chat in chats]

    asked = [user(str(i)) for i in range(5)]
    with journal(tmp_path / "j.sqlite"):
        for _ in range(2):
            told = weighed(Fixed(), asked, [["x"]] * 5, weigh)  # type: ignore[arg-type]  # its name and version suffice
            assert told == [[-float(i)] for i in range(5)]
    assert sizes == [2, 2, 1]


def test_a_replay_tells_what_was_deleted_from_what_was_never_weighed(tmp_path: Path) -> None:
    def weigh(chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        return [[-1.0] * len(some) for some in options]

    a, b = user("a"), user("b")
    with journal(tmp_path / "j.sqlite"):
        weighed(Fixed(), [a], [["x"]], weigh)  # type: ignore[arg-type]  # its name and version suffice
    with journal(tmp_path / "j.sqlite", replay=True):
        with pytest.raises(ModelError, match="weighed nothing"):
            weighed(Fixed(), [b], [["x"]], weigh)  # type: ignore[arg-type]  # likewise
        with pytest.raises(WorkspaceError, match="no answer to 1 of 2"):
            weighed(Fixed(), [a, b], [["x"], ["x"]], weigh)  # type: ignore[arg-type]  # likewise


def test_an_answer_that_never_comes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gave 1 answers to 2 chats"):
        heard(Fixed(), [user("a"), user("b")], lambda due: one_by_one(due[:1]), HOW)  # type: ignore[arg-type]  # likewise


def test_a_replay_asks_nobody(tmp_path: Path) -> None:
    chats = [user("a"), user("b")]
    with journal(tmp_path / "j.sqlite"):
        first = heard(Fixed(), chats, one_by_one, HOW)  # type: ignore[arg-type]  # likewise
    with journal(tmp_path / "j.sqlite", replay=True):
        assert heard(Fixed(), chats, one_by_one, HOW) == first  # type: ignore[arg-type]  # likewise
        with pytest.raises(WorkspaceError, match="has no answer to 1 of 3 calls to m"):
            heard(Fixed(), [*chats, user("c")], one_by_one, HOW)  # type: ignore[arg-type]  # likewise


def test_weighing_is_no_draw_and_infinity_comes_back(tmp_path: Path) -> None:
    asked = []

    def weigh(chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        asked.append(len(chats))
        return [[-float(len(o)) / 3 if o != "never" else float("-inf") for o in some] for some in options]

    with journal(tmp_path / "j.sqlite"):
        for _ in range(2):
            found = weighed(Fixed(), [user("a")] * 3, [["x", "never"], ["x", "never"], ["never", "x"]], weigh)  # type: ignore[arg-type]  # likewise
            assert found == [[-1 / 3, float("-inf")], [-1 / 3, float("-inf")], [float("-inf"), -1 / 3]]
    assert asked == [2]


def test_the_last_message_of_a_chat_is_not_taken_for_an_option(tmp_path: Path) -> None:
    def weigh(chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        return [[-float(len(chat)) for _ in some] for chat, some in zip(chats, options, strict=True)]

    chats = [user("a"), (*user("a"), Message("assistant", "b"))]
    for how in (chats, chats[::-1]):
        options = [["b", "c"] if len(chat) == 1 else ["c"] for chat in how]
        with journal(tmp_path / "j.sqlite"):
            found = weighed(Fixed(), how, options, weigh)  # type: ignore[arg-type]  # likewise
        assert found == [[-1.0, -1.0] if len(chat) == 1 else [-2.0] for chat in how]


message = st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text(max_size=6))
chats_of = st.lists(st.lists(message, min_size=1, max_size=3).map(tuple), max_size=8)


@given(chats_of)
def test_two_calls_share_a_key_only_where_they_are_the_same(chats: list[Chat]) -> None:
    found, draws = keys("generate", "m", "1", "{}", chats)
    assert draws == [sum(c == chat for c in chats[:i]) for i, chat in enumerate(chats)]
    assert len(set(found)) == len(chats)
    turned, others = keys("generate", "m", "1", "{}", chats[::-1])
    assert dict(zip(zip(chats, draws, strict=True), found, strict=True)) == dict(
        zip(zip(chats[::-1], others, strict=True), turned, strict=True)
    ), "the order of the chats is no part of a key"
    for other in (
        ("logprobs", "m", "1", "{}"),
        ("generate", "n", "1", "{}"),
        ("generate", "m", "2", "{}"),
        ("generate", "m", "1", "[]"),
    ):
        assert not set(found) & set(keys(*other, chats)[0])


def test_messages_are_told_apart_by_their_lengths() -> None:
    split = [(Message("user", "a"), Message("user", "b")), (Message("user", "a\x1f1\x1fuser\x1f1\x1fb"),)]
    assert len(set(keys("generate", "m", "1", "{}", split)[0])) == 2


def test_half_characters_are_kept_as_question_marks(tmp_path: Path) -> None:
    with journal(tmp_path / "j.sqlite"):
        for _ in range(2):
            said = heard(Fixed(), [user("a")], lambda due: iter([[(0, Answer("x\ud800y"))]]), HOW)  # type: ignore[arg-type]  # likewise
            assert said == ["x?y"]


def test_a_torn_journal_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "j.sqlite").write_bytes(b"torn" * 500)
    with pytest.raises(WorkspaceError, match="is torn.*move it away"), opened(tmp_path / "j.sqlite"):
        pass


def test_the_first_answer_to_a_question_stands_whoever_asked_it_again(tmp_path: Path) -> None:
    """Two processes that asked the same at once: what one has read already is not replaced by what the other heard."""
    row = (b"k" * 16, "generate", "m", 0, "{}")
    with opened(tmp_path / "j.sqlite") as one, opened(tmp_path / "j.sqlite") as two:
        one.keep([(*row, Answer("first"))])
        two.keep([(*row, Answer("second"))])
        assert one.known([row[0]]) == two.known([row[0]]) == {row[0]: "first"}


def test_a_journal_that_is_closed_first_leaves_the_other_open(tmp_path: Path) -> None:
    with opened(tmp_path / "b.sqlite") as other:
        first, second = journal(tmp_path / "a.sqlite"), using(other)
        one = first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert session() is other
        second.__exit__(None, None, None)
    assert session() is None
    assert one.path.name == "a.sqlite"
