"""Players whose every word is known beforehand: for tests, and as the plainest opponents of a measure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sociolect.errors import ModelError, unknown
from sociolect.models.model import Chat

Script = Mapping[str, str] | Callable[[Chat], str] | Sequence[str]
REFUSAL = "I'm sorry, but I can't help with that."


def _echo(chat: Chat) -> str:
    return chat[-1].text


# What an instrument must not take for an opinion: each of these earns the score of knowing nothing.
PLAYERS: dict[str, Callable[[Chat], str]] = {
    "constant": lambda _: "yes",
    "first-option": _echo,
    "refuse": lambda _: REFUSAL,
    "echo": _echo,
}


@dataclass(frozen=True, slots=True)
class Scripted:
    """A model that says what its script says; it weighs the scripted answer at 0 nats, or its first option, as named."""

    name: str
    replies: Any

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """The scripted replies; `tokens` counts words. No keyword but `tokens` changes a thing."""
        said, seen = [], Counter[Chat]()
        for chat in chats:
            said.append(self._reply(chat, seen[chat]))
            seen[chat] += 1
        return [text if len(text.split()) <= tokens else " ".join(text.split()[:tokens]) for text in said]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """0 for the option the script says (the first one for `first-option`), minus infinity for the others.

        Raises ModelError where the script says none of the options: a script weighs nothing it does not say.
        """
        found = []
        for chat, some in zip(chats, options, strict=True):
            say = some[0] if self.name == "scripted/first-option" else self._reply(chat, 0)
            if say not in some:
                raise ModelError(f"{self.name} says {say!r}, which is none of the {len(some)} options")
            at = list(some).index(say)
            found.append([0.0 if i == at else float("-inf") for i in range(len(some))])
        return found

    def _reply(self, chat: Chat, draw: int) -> str:
        if callable(self.replies):
            return str(self.replies(chat))
        if isinstance(self.replies, Mapping):
            if chat[-1].text not in self.replies:
                raise ModelError(
                    f"{self.name} has no reply to {chat[-1].text!r}; it knows {len(self.replies)} messages"
                )
            return str(self.replies[chat[-1].text])
        return str(self.replies[draw % len(self.replies)])


def scripted(replies: Script, *, name: str = "scripted") -> Scripted:
    """A model that replies by a map from the last message, by a function of the chat, or by a list.

    Of a list, a chat that comes for the k-th time gets the k-th entry, so the order of the chats changes nothing.

    >>> from sociolect.models.model import user
    >>> scripted(["yes", "no"]).generate([user("a"), user("b"), user("a")])
    ['yes', 'yes', 'no']
    """
    if not callable(replies) and not replies:
        raise ModelError("a script needs at least one reply")
    return Scripted(name, [replies] if isinstance(replies, str) else replies)


def player(name: str) -> Scripted:
    """A player by name: constant, first-option, refuse, echo.

    >>> player("constant").name
    'scripted/constant'
    """
    if name not in PLAYERS:
        raise unknown("scripted player", name, PLAYERS)
    return Scripted(f"scripted/{name}", PLAYERS[name])
