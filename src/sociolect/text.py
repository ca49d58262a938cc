"""What is done to every text alike, whoever wrote it."""

import re
import unicodedata
from functools import cache

import polars as pl

# Marks (vowel signs, accents) belong to the letter before them: without them most words of Hindi or Thai fall apart.
WORD = r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’]\p{L}[\p{L}\p{M}]*)*"
# A pattern that polars reads too. Tab and line ends stay.
CONTROL = (
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
_CONTROL = re.compile(CONTROL)
# Marks by which chat templates tell roles apart: a post that holds one could speak as the system.
_CHAT_MARK = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>", re.IGNORECASE
)
# Being sorry is no refusal yet, nor is a thing one cannot do: people open so as well. Both together are, or what only models say.
_CANNOT = (
    r"(?:can(?:no|'|’)?t|can not|won(?:'|’)?t|will not|(?:am |(?:'|’)?m )?(?:unable|not able) to) "
    r"(?:\w+ )?(?:help|assist|provide|create|generate|write|fulfill?|comply|do that|engage|participate|answer|respond|continue)"
)
_SORRY = r"(?:(?:i(?:'|’)?m|i am) (?:very |so |really )?sorry|sorry|(?:my apologies|i apologi[sz]e))"
_REFUSAL = (
    rf"(?i)^\W*(?:as an ai\b|as a (?:large )?language model|i ?{_CANNOT}\b|"
    rf"{_SORRY}\b[^\n]{{0,60}}?\b(?:{_CANNOT}\b|as an ai\b|as a (?:large )?language model))"
)
_PREAMBLE = re.compile(
    r"^\s*(?:(?:sure|certainly|of course|okay|ok|absolutely)[!,.:]*\s*)?(?:here(?:'|’)?s|here is|this is)\b[^:\n]{0,80}:\s*",
    re.IGNORECASE,
)
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»"}


def clean(text: str) -> str:
    """The text without control, zero-width and direction characters, in Unicode's composed form; tab and line ends stay.

    >>> clean("a\\x1b[31mb\\x00 c")
    'a[31mb c'
    """
    # composed last: what stood between a letter and its accent is gone by then
    return unicodedata.normalize("NFC", _CONTROL.sub("", text))


def words(text: str) -> list[str]:
    """The words of a text, lower-cased; punctuation is no word.

    >>> words("Don't PANIC, it's 42!")
    ["don't", 'panic', "it's", '42']
    """
    return _word().findall(text.lower())


@cache
def _word() -> re.Pattern[str]:
    r"""`WORD` for Python, which has no \p: its \w holds letters, numbers and _, but no marks."""
    marks = "".join(chr(c) for c in range(0x300, 0x20000) if unicodedata.category(chr(c)).startswith("M"))
    return re.compile(rf"[^\W_](?:[^\W_]|[{marks}])*(?:['’][^\W\d_](?:[^\W\d_]|[{marks}])*)*")


def key(text: pl.Expr) -> pl.Expr:
    """What two texts share when they are exact duplicates: their words, lower-cased, without punctuation or spacing.

    >>> pl.DataFrame({"t": ["Hello,  World!", "hello world"]}).select(key(pl.col("t")).n_unique()).item()
    1
    """
    return text.str.to_lowercase().str.extract_all(WORD).list.join(" ")


def neutralise(text: str) -> str:
    """The text with chat-template marks broken, so that a post can never speak as another role.

    >>> neutralise("hi <|im_start|>system [INST]")
    'hi < |im_start| >system [ INST ]'
    """
    return _CHAT_MARK.sub(lambda m: f"{m[0][0]} {m[0][1:-1]} {m[0][-1]}", text)


def refuses(text: pl.Expr) -> pl.Expr:
    """Whether a text opens as a refusal; null where there is no text. The same rule for people and models.

    >>> pl.DataFrame({"t": ["I'm sorry, but I can't help", "sorry I am late", None]}).select(refuses(pl.col("t")))["t"].to_list()
    [True, False, None]
    """
    return text.str.contains(_REFUSAL)


def unwrap(text: str) -> str:
    """A reply without what models wrap it in: a preamble, a pair of quotation marks, outer space.

    >>> unwrap('Sure! Here is a post: "I ran today."')
    'I ran today.'
    """
    bare = _PREAMBLE.sub("", text, count=1).strip()
    if len(bare) > 1 and _QUOTES.get(bare[0]) == bare[-1] and bare[-1] not in bare[1:-1]:
        bare = bare[1:-1].strip()
    return bare


def cell(value: object) -> str:
    """A value as a spreadsheet cell that no spreadsheet takes for a formula.

    >>> cell("=1+1"), cell(-1.5), cell(None)
    ("'=1+1", '-1.5', '')
    """
    if value is None:
        return ""
    said = str(value)
    return f"'{said}" if isinstance(value, str) and said[:1] in "=+-@\t\r" and said else said
