"""What a language model is to this workbench: something that writes, and weighs what it might have written."""

from collections import Counter
from collections.abc import Sequence
from math import inf, isnan
from typing import Any, Literal, NamedTuple, Protocol

from sociolect.errors import ModelError
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


def generated(
    model: Model,
    chats: Sequence[Chat],
    *,
    tokens: int = 256,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> list[str]:
    """What the model writes, held against what it was asked: one text for each chat; half characters are replaced.

    Raises ModelError where the model gave another number of replies, or what is no text.
    """
    said = model.generate(chats, tokens=tokens, temperature=temperature, top_p=top_p, seed=seed)
    told = _as_many(model, said, len(chats), "replies")
    if odd := [i for i, one in enumerate(told) if not isinstance(one, str)]:
        kind = type(told[odd[0]]).__name__
        raise ModelError(
            f"{model.name} gave {len(odd)} of {len(told)} replies that are no text: reply {odd[0]} is {kind}"
        )
    # neither a journal nor a table can hold half a character
    return [one if one.isascii() else one.encode("utf-8", "replace").decode() for one in told]


def weighed(model: Model, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
    """What the model weighs, held against what it was asked: a log-probability for each option of each chat.

    Raises ModelError where a weight is missing, no number or infinitely large, or where no option of a chat is possible.
    """
    told = _as_many(model, model.logprobs(chats, options), len(chats), "rows of weights")
    out = []
    for i, (row, some) in enumerate(zip(told, options, strict=True)):
        try:
            found = [float(one) for one in row]
        except (TypeError, ValueError):
            raise ModelError(f"{model.name} weighed the options of chat {i} by what are no numbers") from None
        if len(found) != len(some):
            raise ModelError(f"{model.name} gave {len(found)} weights for the {len(some)} options of chat {i}")
        if any(isnan(one) or one == inf for one in found) or max(found, default=-inf) == -inf:
            raise ModelError(
                f"{model.name} weighed the {len(some)} options of chat {i} by {found[:8]}: a log-probability of each is due, "
                "and one option at least that is possible"
            )
        out.append(found)
    return out


def _as_many(model: Model, given: Any, due: int, what: str) -> list[Any]:
    if isinstance(given, str | bytes) or not hasattr(given, "__len__"):
        raise ModelError(f"{model.name} gave a {type(given).__name__} for {due} chats: a list of {what} is due")
    if len(given) != due:
        raise ModelError(f"{model.name} gave {len(given)} {what} for {due} chats")
    return list(given)
