"""What is done to every text alike, whoever wrote it."""

import re
import unicodedata
from functools import cache

import polars as pl

# Marks (vowel signs, accents) belong to the letter before them: without them most words of Hindi or Thai fall apart.
WORD = r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’]\p{L}[\p{L}\p{M}]*)*"
# Patterns that polars reads too. What no reader sees and a terminal or a model obeys; tab, line ends and joiners (part of
# the spelling of Hindi and of emoji) stay.
CONTROL = (
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\u009f\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    r"\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
# Where a spreadsheet begins to read a formula: at the head of a cell, or behind a sign at which it may part cells.
FORMULA = r"(^|[;\t\r\n])((?:[^\S\t\r\n]|\")*[=+\-@＝＋－＠﹦﹢﹣﹫])"
# A loose net for `neutralise`: every chat mark holds one of these.
CHAT = r"[<\[\]＜［］﹤]|>>|＞"
_CONTROL = re.compile(CONTROL)
_FORMULA = re.compile(FORMULA)
_CHAT = re.compile(CHAT)
# Marks by which chat templates tell roles, tools and thoughts apart: a post that holds one could speak as the system.
# Each is one token of a tokenizer that its makers publish; the names are theirs.
_CHAT_MARK = re.compile(
    r"<\|[^<>\s|]{1,60}\|?>|<[^<>\s|]{1,60}\|>"  # ChatML, Llama 3 and 4, Phi, Qwen, Cohere, Harmony, Granite, GLM, DeepSeek, Gemma 4
    r"|\[\|[^\[\]\s|]{1,40}\|\]"  # EXAONE
    r"|<</?SYS>>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_[A-Z]{1,20}|CALL_ID|MODEL_SETTINGS|THINK|[gs]MASK)\]"  # Llama 2, Mistral, GLM
    r"|\[(?:UNUSED_TOKEN_\d{1,4}|(?-i:[BES]O[ST]|CLS|SEP|PAD|UNK|MASK|ARGS|IMG(?:_BREAK|_END)?|(?:BEGIN_)?AUDIO|PREFIX|SUFFIX|MIDDLE))\]"
    r"|</?(?:s|bos|eos|pad|unk|mask|cls|sep|sop|eop|eod|endoftext)>|<(?:BOS|EOS|EOP|MASK|PAD|UNK)_TOKEN>"
    r"|<(?:start|end|begin)_of_\w{1,20}>|<(?:im|fim|issue|jupyter|commit|file|repo|gh|tool|function|arg|image|audio|video)_\w{1,30}>"
    r"|</(?:tool|function|arg)_\w{1,30}>|</?(?:think|thinking|tools?|function|parameter|image|audio|video)>|<(?:function|parameter)=[^<>\s]{1,60}>"
    r"|</?(?:seed|minimax|mask|hy_\w{1,10}):\w{1,30}>|<(?:unused|extra_id_|special_|reserved_)\d{1,5}>|<(?:PRE|SUF|MID|EOT)>"
    r"|>>[A-Z_]{4,20}<<|\]~!?b[\]\[]|\[e~\[|\]<\][^\[\]]{1,20}\[>\[",  # Falcon, MiniMax
    re.IGNORECASE,
)
# What a tokenizer that normalises takes for the sign beside it; one sign for one, so that places stay.
_WIDE = {0xFEE0 + c: c for c in range(0x21, 0x7F)} | {
    0xFE64: 0x3C,
    0xFE65: 0x3E,
    0x2223: 0x7C,
    0x2502: 0x7C,
    0xFFE8: 0x7C,
}
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
    """The text with chat-template marks broken by spaces, so that a post can never speak as another role.

    Marks in full-width signs are marks too. A mark that hidden characters part is one once they are gone: `clean` first.

    >>> neutralise("hi <|im_start|>system [INST]")
    'hi < |im_start| >system [ INST ]'
    """
    if not _CHAT.search(text):
        return text
    out, last = [], 0
    for found in _CHAT_MARK.finditer(text if text.isascii() else text.translate(_WIDE)):
        start, end = found.span()
        out.append(f"{text[last : start + 1]} {text[start + 1 : end - 1]} {text[end - 1]}")
        last = end
    return "".join(out) + text[last:]


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
    """A value as a spreadsheet cell that no spreadsheet takes for a formula, wherever it parts cells; numbers stay numbers.

    An apostrophe stands before every formula sign at the head of the text, or behind a semicolon, tab or line end.

    >>> cell("=1+1"), cell("a;=1"), cell(-1.5), cell(None)
    ("'=1+1", "a;'=1", '-1.5', '')
    """
    if value is None:
        return ""
    said = str(value)
    if not isinstance(value, str):
        return said
    safe = _FORMULA.sub(r"\1'\2", said)
    return f"'{safe}" if said[:1] in "\t\r\n" and said else safe


def cells(column: pl.Expr) -> pl.Expr:
    """`cell` of a whole text column: what is written for a spreadsheet by polars.

    >>> pl.DataFrame({"t": ["=1+1", "a;=1", None]}).select(cells(pl.col("t")))["t"].to_list()
    ["'=1+1", "a;'=1", None]
    """
    head = pl.when(column.str.contains(r"^[\t\r\n]")).then(pl.lit("'")).otherwise(pl.lit(""))
    return (head + column.str.replace_all(FORMULA, "${1}'${2}")).name.keep()
