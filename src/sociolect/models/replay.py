"""A model that gives back what somebody said: a person's own words, at the places where they were said."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sociolect.errors import ModelError
from sociolect.models.model import Chat


@dataclass(frozen=True, slots=True)
class Replay:
    """A model whose reply to a chat is the recorded text of the chat's place; it weighs that text at 0 nats."""

    name: str
    said: Mapping[Any, str]
    at: Callable[[Chat], Hashable]

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """The recorded texts, whole: no keyword changes a thing. Raises ModelError for a place without one."""
        return [self._found(chat) for chat in chats]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """0 for the recorded option, minus infinity for the others. Raises ModelError where it is none of them."""
        out = []
        for chat, some in zip(chats, options, strict=True):
            said = self._found(chat)
            if said not in some:
                raise ModelError(
                    f"{self.name} recorded {said!r}, which is none of the {len(some)} options: {', '.join(some)}"
                )
            out.append([0.0 if option == said else float("-inf") for option in some])
        return out

    def _found(self, chat: Chat) -> str:
        place = self.at(chat)
        if place not in self.said:
            raise ModelError(
                f"{self.name} has nothing recorded at {str(place)[:80]!r}; it holds {len(self.said)} texts: ask what was asked then"
            )
        return self.said[place]


def turns(chat: Chat) -> int:
    """How often the model has spoken in a chat: the place of its next reply.

    >>> from sociolect.models.model import Message
    >>> turns((Message("user", "hello"), Message("assistant", "hi"), Message("user", "well?")))
    1
    """
    return sum(message.role == "assistant" for message in chat)


def replay(
    said: Mapping[Any, str] | Sequence[str], *, at: Callable[[Chat], Hashable] | None = None, name: str = "replay"
) -> Replay:
    """A model that replies with what was recorded, the same text at the same place however often it is asked.

    `said` maps places to texts, and `at` reads the place off a chat (None: the chat itself is the place). A list is by turn: its
    k-th text is the reply once the model has spoken k times in the chat (`turns`), unless `at` says otherwise.
    Raises ModelError where nothing was recorded at all.

    >>> from sociolect.models.model import user
    >>> replay({"tea?": "yes", "milk?": "no"}, at=lambda chat: chat[-1].text).generate([user("milk?"), user("tea?")])
    ['no', 'yes']
    """
    by_turn = not isinstance(said, Mapping)
    held: dict[Any, str] = dict(said) if isinstance(said, Mapping) else dict(enumerate(said))
    if not held:
        raise ModelError(f"{name} has nothing recorded: a text at least is due")
    return Replay(name, held, at or (turns if by_turn else _itself))


def _itself(chat: Chat) -> Chat:
    return chat
