"""What a language model is to this workbench: something that writes, and weighs what it might have written."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from sociolect.seeds import derive


class Message(NamedTuple):
    role: Literal["system", "user", "assistant"]
    text: str


Chat = tuple[Message, ...]


class Model(Protocol):
    @property
    def name(self) -> str: ...

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """One continuation per chat, in the order of the chats.

        A chat that comes twice is drawn twice: the k-th time it has a stream of its own (`streams`). So the same seed
        gives the same texts whatever the order of the chats, the batch size or the number of workers.
        `temperature=0` takes the likeliest token.
        """
        ...

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """The log-probability of each option as the whole next message, in nats, summed over its tokens."""
        ...


def user(text: str) -> Chat:
    """A chat of one message.

    >>> user("hello")[0].role
    'user'
    """
    return (Message("user", text),)


def streams(chats: Sequence[Chat], seed: int) -> list[int]:
    """A seed for each chat, out of the root seed, its words and how often they came before: never out of its place.

    >>> a, b, c = streams([user("x"), user("y"), user("x")], seed=1)
    >>> len({a, b, c}), streams([user("y"), user("x"), user("x")], seed=1) == [b, a, c]
    (3, True)
    """
    seen: Counter[Chat] = Counter()
    out = []
    for chat in chats:
        said = "\x1e".join(f"{m.role}\x1f{m.text}" for m in chat)
        out.append(derive(seed, seen[chat], said))
        seen[chat] += 1
    return out
