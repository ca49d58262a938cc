"""What a server says in answer to a chat, read: the reply, who wrote it, its tokens, and why it ended."""

import re
from typing import Any

from sociolect.models.answer import Answer
from sociolect.models.model import Chat
from sociolect.models.served_faults import Torn
from sociolect.text import clean, neutralise

STOPS = ("\nuser:", "\nassistant:", "\nsystem:")  # where a reply to a plain text ends
BELIEVED = 10**9  # ours: no call has so many tokens; such a count is no count, and its price is unknown
LABEL = 200  # characters: ours
_NEXT_ROLE = re.compile(r"\n(?:system|user|assistant):")
# A reply may lack its text for a reason that the server gives: then the empty reply is what the model said.
_REASONS = frozenset({"content_filter", "length"})


def messages(chat: Chat) -> list[dict[str, str]]:
    """The chat as a chat endpoint takes it, with no mark in it that could speak as another role."""
    return [{"role": m.role, "content": neutralise(clean(m.text))} for m in chat]


def plain(chat: Chat) -> str:
    """The chat as one text, a line `role: text` per message, that ends where the assistant begins.

    >>> from sociolect.models.model import user
    >>> plain(user("hello"))
    'user: hello\\nassistant:'
    """
    return "".join(f"{m.role}: {neutralise(clean(m.text))}\n" for m in chat) + "assistant:"


def chat_answer(data: Any) -> Answer:
    """The answer of a /chat/completions endpoint. Raises Torn where it holds no reply.

    >>> said = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 5}}
    >>> chat_answer(said)[0], chat_answer(said).prompt_tokens, chat_answer(said).finish
    ('hi', 5, 'stop')
    """
    choice = choice_of(data)
    told = choice.get("message")
    if not isinstance(told, dict):
        raise Torn("an answer without a reply")
    content, refusal = told.get("content"), told.get("refusal")
    if isinstance(content, list):
        content = _joined(content)
    if content is None and isinstance(refusal, str):
        content = refusal
    if content is None and choice.get("finish_reason") in _REASONS:
        content = ""
    if not isinstance(content, str):
        raise Torn(f"an answer whose reply is {type(content).__name__}, not text")
    return _answer(data, choice, content)


def plain_answer(data: Any) -> Answer:
    """The answer of a /completions endpoint, up to where the next role would speak. Raises Torn where it holds no reply."""
    choice = choice_of(data)
    if not isinstance(text := choice.get("text"), str):
        raise Torn("an answer without a reply")
    return _answer(data, choice, _NEXT_ROLE.split(text, maxsplit=1)[0].strip())


def usage(data: Any) -> tuple[int | None, int | None]:
    """The tokens of the prompt and of the reply as the server counts them; None where it does not say.

    >>> usage({"usage": {"prompt_tokens": 5, "completion_tokens": True}})
    (5, None)
    """
    told = data.get("usage") if isinstance(data, dict) else None
    told = told if isinstance(told, dict) else {}
    return _count(told.get("prompt_tokens")), _count(told.get("completion_tokens"))


def choice_of(data: Any) -> dict[str, Any]:
    """The first choice of an answer. Raises Torn where there is none."""
    choices = data.get("choices") if isinstance(data, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Torn("an answer without a reply")
    return choices[0]


def _answer(data: Any, choice: dict[str, Any], text: str) -> Answer:
    prompt, reply = usage(data)
    model, finish = _label(data.get("model")), _label(choice.get("finish_reason"))
    return Answer(text, model=model, prompt_tokens=prompt, reply_tokens=reply, finish=finish)


def _label(told: Any) -> str | None:
    """A server's own word, as one line that a ledger can hold; None for what is no such word."""
    if not isinstance(told, str) or len(told) > LABEL:
        return None
    return " ".join(clean(told.encode("utf-8", "replace").decode()).split())


def _joined(parts: list[Any]) -> str | None:
    """The texts of a reply in parts; None where a part is not text."""
    texts = [p.get("text") for p in parts if isinstance(p, dict) and p.get("type") == "text"]
    return "".join(texts) if len(texts) == len(parts) and all(isinstance(t, str) for t in texts) else None  # type: ignore[arg-type]  # all are str


def _count(told: Any) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < BELIEVED else None
