"""A chat as the token numbers a model reads, and a reply as the token numbers it should write.

Fine-tuning and generation both come through here, so that a model is asked in the words it was taught in.
"""

import re
from typing import Any

from sociolect import text as texts
from sociolect.models.model import Chat

# Some templates print today's date or open a hidden train of thought: neither may change a study's bytes.
SETTINGS = {"date_string": "26 Jul 2024", "enable_thinking": False}
_NEXT_ROLE = re.compile(r"\n(?:system|user|assistant):")
_ROLE_LINE = re.compile(r"(^|[\n\r\x0b\x0c\u2028\u2029])(?=(?:system|user|assistant):)")


def harmless(text: str, tokenizer: Any) -> str:
    """The text without control characters and with every mark broken that the tokenizer would read as a special token.

    `text.neutralise` breaks the marks everybody knows; this breaks the ones that this tokenizer adds to them.
    """
    text = texts.neutralise(texts.clean(text))
    for mark in sorted((m for m in tokenizer.get_added_vocab() if len(m.strip()) > 2), key=len, reverse=True):
        text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


def layout(tokenizer: Any, chat: Chat) -> str:
    """The chat as one text that ends where the assistant begins.

    The tokenizer's own chat template where it has one. A template that knows no system role gets the system's words at
    the head of the first message. Without a template: one line `role: text` per message, then `assistant:`.
    """
    told = [{"role": m.role, "content": harmless(m.text, tokenizer)} for m in chat]
    if not tokenizer.chat_template:
        # a line of a post that opens with a role would be another message
        lines = [(m["role"], _ROLE_LINE.sub(r"\1 ", m["content"])) for m in told]
        return "".join(f"{role}: {said}\n" for role, said in lines) + "assistant:"
    from jinja2 import TemplateError

    try:
        return str(tokenizer.apply_chat_template(told, tokenize=False, add_generation_prompt=True, **SETTINGS))
    except TemplateError:
        if len(told) < 2 or told[0]["role"] != "system":
            raise
        head = {"role": told[1]["role"], "content": f"{told[0]['content']}\n\n{told[1]['content']}"}
        return str(
            tokenizer.apply_chat_template([head, *told[2:]], tokenize=False, add_generation_prompt=True, **SETTINGS)
        )


def prompt_ids(tokenizer: Any, chat: Chat) -> list[int]:
    """The tokens of a chat up to where the reply begins."""
    # A template writes its own opening mark; a plain layout gets the one the tokenizer puts before every text.
    ids: list[int] = tokenizer.encode(layout(tokenizer, chat), add_special_tokens=not tokenizer.chat_template)
    return ids[:-1] if ids and not tokenizer.chat_template and ids[-1] == tokenizer.eos_token_id else ids


def reply_ids(tokenizer: Any, text: str, end: int) -> list[int]:
    """The tokens of a reply, and the end token at which generation stops."""
    text = harmless(text, tokenizer)
    # In the plain layout a space parts `assistant:` from the reply, and most tokenizers keep it with the first word.
    return [*tokenizer.encode(text if tokenizer.chat_template else f" {text}", add_special_tokens=False), end]


def ends(tokenizer: Any, settings: Any) -> tuple[int, ...]:
    """The tokens at which a reply ends, by the generation settings and the tokenizer; the first is the one the chat template writes after a reply."""
    given = [getattr(settings, "eos_token_id", None), tokenizer.eos_token_id]
    stops = sorted({int(i) for g in given for i in (g if isinstance(g, list) else [g]) if i is not None})
    if tokenizer.chat_template:
        mark = "qzq"
        told = [{"role": "user", "content": "a"}, {"role": "assistant", "content": mark}]
        tail = str(tokenizer.apply_chat_template(told, tokenize=False, **SETTINGS)).rpartition(mark)[2]
        first = next((i for i in tokenizer.encode(tail, add_special_tokens=False) if i in stops), None)
        stops = stops if first is None else [first, *(s for s in stops if s != first)]
    return tuple(stops)


def reply_text(tokenizer: Any, ids: list[int]) -> str:
    """What was written, as text; in the plain layout, up to where the model begins to speak for the next role."""
    said = str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))
    return said.strip() if tokenizer.chat_template else _NEXT_ROLE.split(said, maxsplit=1)[0].strip()
