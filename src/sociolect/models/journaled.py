"""What is asked of a model goes through the journal: known answers are read back, the others kept before the next is taken."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from sociolect.errors import ModelError, WorkspaceError
from sociolect.models.answer import Answer
from sociolect.models.journal import Journal, session
from sociolect.models.model import Chat, Message, Model
from sociolect.points import point

# Asked for the positions that are due, it yields groups of (position, answer) as they come.
Ask = Callable[[Sequence[int]], Iterator[Iterable[tuple[int, Answer]]]]
AT_ONCE = 4096  # questions weighed between two commits


def keys(kind: str, model: str, version: str, sampling: str, chats: Sequence[Chat]) -> tuple[list[bytes], list[int]]:
    """A key and a draw number for each chat: how often the same chat came before in this call is part of the key.

    >>> from sociolect.models.model import user
    >>> found, draws = keys("generate", "m", "", "{}", [user("a"), user("b"), user("a")])
    >>> len(set(found)), draws
    (3, [0, 0, 1])
    """
    base = sha256(json.dumps([kind, model, version, sampling]).encode("utf-8", "surrogatepass"))
    begun: dict[Chat, Any] = {}
    seen: dict[Chat, int] = {}
    found, draws = [], []
    for chat in chats:
        draw = seen.get(chat, 0)
        seen[chat] = draw + 1
        if draw == 0:
            begun[chat] = one = base.copy()
            told = "".join(f"{m.role}\x1f{len(m.text)}\x1f{m.text}" for m in chat)
            one.update(told.encode("utf-8", "surrogatepass"))
        else:
            one = begun[chat].copy()
            one.update(b"\x1e%d" % draw)
        found.append(one.digest()[:16])
        draws.append(draw)
    return found, draws


def heard(
    model: Model,
    chats: Sequence[Chat],
    ask: Ask,
    sampling: Mapping[str, Any],
    *,
    kind: str = "generate",
    journal: Journal | None = None,
) -> list[str]:
    """The answers to the chats, in their order: from the journal that is open where it has them, else from `ask`.

    `ask` gets the positions still due. Each group of answers is committed before the next is taken, so a kill loses what is
    in flight and no more. A refusal or an empty reply is what the model said, and is kept; a fault is no answer, and is not.
    `model` is known by its name and its `version`, which tells two sets of weights of one name apart.
    Raises WorkspaceError where the journal cannot be written, or replays and has no answer; ModelError for missing answers.
    """
    book = journal or session()
    said: list[str | None] = [None] * len(chats)
    due: Sequence[int] = range(len(chats))
    names: list[bytes] = []
    draws: list[int] = []
    how = json.dumps(sampling, sort_keys=True)
    if book is not None:
        names, draws = keys(kind, model.name, getattr(model, "version", ""), how, chats)
        known = book.known(names)
        said = [known.get(name) for name in names]
        due = [i for i, text in enumerate(said) if text is None]
        if due and book.replay:
            told = f"{book.path.name} has no answer to {len(due)} of {len(chats)} calls to {model.name}"
            if kind == "logprobs" and len(due) == len(chats):
                raise ModelError(f"{told}: it weighed nothing when it was asked")
            raise WorkspaceError(f"{told}: they were never made, or have been deleted")
    for group in ask(due) if due else ():
        # What stands in the journal is what was said, whatever comes along with the rest.
        some = [(i, answer._replace(text=_whole(answer.text))) for i, answer in group if said[i] is None]
        if book is not None:
            point("call answered")
            book.keep((names[i], kind, model.name, draws[i], how, answer) for i, answer in some)
        for i, answer in some:
            said[i] = answer.text
    if missing := said.count(None):
        raise ModelError(f"{model.name} gave {len(chats) - missing} answers to {len(chats)} chats")
    return [text for text in said if text is not None]


def weighed(
    model: Model,
    chats: Sequence[Chat],
    options: Sequence[Sequence[str]],
    weigh: Callable[[Sequence[Chat], Sequence[Sequence[str]]], list[list[float]]],
    *,
    journal: Journal | None = None,
) -> list[list[float]]:
    """The log-probabilities of the options, likewise; weighing is no draw, so the same question is asked once."""
    # The options are part of what was asked: they stand as further messages in the key, and behind them how many they
    # are, so that none is taken for the chat's own last message.
    asked = [
        (*chat, *(Message("assistant", text) for text in (*some, str(len(some)))))
        for chat, some in zip(chats, options, strict=True)
    ]
    once = {question: i for i, question in reversed(list(enumerate(asked)))}
    unique = sorted(once, key=once.__getitem__)

    def ask(due: Sequence[int]) -> Iterator[list[tuple[int, Answer]]]:
        for start in range(0, len(due), AT_ONCE):
            some = due[start : start + AT_ONCE]
            rows = [once[unique[i]] for i in some]
            found = weigh([chats[r] for r in rows], [options[r] for r in rows])
            yield [(i, Answer(json.dumps(row))) for i, row in zip(some, found, strict=True)]

    told = heard(model, unique, ask, {}, kind="logprobs", journal=journal)
    rows = {question: json.loads(text) for question, text in zip(unique, told, strict=True)}
    return [list(rows[question]) for question in asked]


def _whole(text: str) -> str:
    """The text without half characters, which neither a journal nor a table can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
