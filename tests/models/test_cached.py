import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sociolect.errors import ModelError, WorkspaceError
from sociolect.models.answer import Answer
from sociolect.models.cached import cached
from sociolect.models.journal import opened
from sociolect.models.model import Chat, streams, user

A, B = user("a"), user("b")


@dataclass
class Counting:
    """Says its stream, and counts what it was asked."""

    name: str = "counting"
    asked: list[Chat] = field(default_factory=list)
    words: str = ""

    def generate(self, chats: Sequence[Chat], *, seed: int = 0, **setting: Any) -> list[str]:
        self.asked += chats
        return [self.words or f"{s} {sorted(setting.items())}" for s in streams(chats, seed)]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        self.asked += chats
        return [[-float(len(o)) / 3 for o in some] for some in options]


def test_asks_once_and_draws_stay_draws(tmp_path: Path) -> None:
    inner = Counting()
    model = cached(inner, tmp_path / "calls.db")
    first = model.generate([A, B, A], seed=1)
    assert first == Counting().generate([A, B, A], seed=1, tokens=256, temperature=1.0, top_p=1.0)
    assert first[0] != first[2]
    assert model.generate([A, B, A], seed=1) == first
    assert model.generate([B], seed=1) == [first[1]]
    assert len(inner.asked) == 3
    # A third draw is new, and the same as it would be without a journal.
    assert model.generate([A, A, A], seed=1) == Counting().generate(
        [A] * 3, seed=1, tokens=256, temperature=1.0, top_p=1.0
    )


@pytest.mark.parametrize("changed", [{"seed": 2}, {"tokens": 9}, {"temperature": 0.5}, {"top_p": 0.5}])
def test_every_setting_is_in_the_key(tmp_path: Path, changed: dict[str, Any]) -> None:
    inner = Counting()
    model = cached(inner, tmp_path / "calls.db")
    model.generate([A])
    model.generate([A], **changed)
    cached(inner, tmp_path / "calls.db", version="2").generate([A])
    cached(Counting("other", inner.asked), tmp_path / "calls.db").generate([A])
    assert len(inner.asked) == 4


@pytest.mark.parametrize("words", ["I'm sorry, but I can't help with that.", "  "])
def test_a_refusal_is_what_was_said_and_is_not_asked_away(tmp_path: Path, words: str) -> None:
    inner = Counting(words=words)
    model = cached(inner, tmp_path / "calls.db")
    assert model.generate([A]) == [words]
    inner.words = "a proper reply"
    assert model.generate([A]) == [words]
    assert model.generate([A, A]) == [words, "a proper reply"]


def test_errors_are_not_kept(tmp_path: Path) -> None:
    class Broken(Counting):
        def generate(self, chats: Sequence[Chat], *, seed: int = 0, **setting: Any) -> list[str]:
            raise ModelError("down")

    with pytest.raises(ModelError, match="down"):
        cached(Broken(), tmp_path / "calls.db").generate([A])
    assert cached(Counting(), tmp_path / "calls.db").generate([A])


def test_logprobs_come_back_to_the_last_bit(tmp_path: Path) -> None:
    inner = Counting()
    model = cached(inner, tmp_path / "calls.db")
    first = model.logprobs([A, A], [["x", "yyyy"], ["x", "yyyy"]])
    assert model.logprobs([A], [["x", "yyyy"]]) == first[:1] == [[-1 / 3, -4 / 3]]
    assert len(inner.asked) == 1
    model.logprobs([A], [["yyyy", "x"]])
    assert len(inner.asked) == 2


WORK = """
import sys
from sociolect.models.answer import Answer
from sociolect.models.cached import cached
from sociolect.models.journal import opened
from sociolect.models.model import user
from sociolect.models.scripted import scripted
model = cached(scripted(["yes"], name="counting"), sys.argv[1])
for i in range(40):
    model.generate([user(f"{i}"), user(f"{sys.argv[2]}-{i}")])
"""


def test_two_processes_share_a_journal(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WORK, str(tmp_path / "calls.db")]
    workers = [subprocess.Popen([*command, str(part)]) for part in range(2)]
    assert [w.wait(60) for w in workers] == [0, 0]
    inner = Counting()
    cached(inner, tmp_path / "calls.db").generate([user(f"{part}-{i}") for part in range(2) for i in range(40)])
    assert inner.asked == []


def test_a_torn_journal_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    cached(Counting(), path).generate([user(f"{i} {'x' * 500}") for i in range(200)])
    whole = path.read_bytes()
    path.write_bytes(b"torn" * 300 + whole[1200 : len(whole) // 2])
    torn = path.read_bytes()
    with pytest.raises(WorkspaceError, match="torn"):
        cached(Counting(), path).generate([A])
    assert path.read_bytes() == torn


def test_a_model_that_answers_as_it_goes_is_asked_for_what_is_due_alone(tmp_path: Path) -> None:
    """What was paid for stands before the next is asked, and a new draw pays for no old one."""

    @dataclass
    class Going(Counting):
        breaks: int = 99

        def answers(
            self, chats: Sequence[Chat], *, due: Sequence[int], seed: int = 0, **_: Any
        ) -> Iterator[tuple[int, Answer]]:
            drawn = streams(chats, seed)
            for n, i in enumerate(due):
                if n == self.breaks:
                    raise ModelError("down")
                self.asked.append(chats[i])
                yield i, Answer(f"{drawn[i]} {len(self.asked)}", price=0.5)

    inner = Going(breaks=2)
    model = cached(inner, tmp_path / "calls.db")
    with pytest.raises(ModelError, match="down"):
        model.generate([A, A, B])
    inner.breaks = 99
    first = model.generate([A, A, B])
    assert len(inner.asked) == 3
    more = model.generate([A, A, A, B])
    assert (more[:2], more[3], len(inner.asked)) == (first[:2], first[2], 4)
    with opened(tmp_path / "calls.db") as book:
        assert (book.count(), book.spent()) == (4, 2.0)
