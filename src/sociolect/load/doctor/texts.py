"""What is wrong with the texts of posts, each looked at on its own."""

import html
import re
from collections.abc import Callable
from html.entities import html5

import polars as pl

from sociolect.load import columns
from sociolect.load.doctor.pii import PII, holds
from sociolect.text import CONTROL

REMOVED = (
    "[deleted]", "[removed]", "[deleted by user]", "[removed by reddit]", "[ removed by reddit ]", "<deleted>", "<removed>",
    "[message deleted]", "this message was deleted", "this tweet is unavailable.",
)  # fmt: skip
# What Windows-1252 makes of the two or more bytes of one character: a first byte, and one that follows.
_MOJIBAKE = "[Â-ô][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_ENTITY = r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});"
_ENTITIES = re.compile(_ENTITY)
_MARKUP = (
    r"(?i)</?(?:script|iframe|object|embed|svg|meta|link|style|base|form)\b[^<>]*>?|javascript:|data:text/html|vbscript:"
    r"|<[^<>]*\bon[a-z]{3,20}\s*="
)
_FORMULA = r"(?i)^\s*[=+@-]\s*(?:[A-Z][A-Z0-9.]{1,20}\s*\(|cmd\s*\|)"
_ADDRESSED = ("ignore", "disregard", "forget", "override", "reveal", "print", "repeat", "show", "output", "pretend", "you are", "act as", "system", "jailbreak", "new instructions")  # fmt: skip
_INJECTION = (
    r"(?i)\b(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|preceding|your|system|all)\b[^.\n]{0,30}"
    r"\b(?:instructions?|prompts?|rules?|guidelines?|directions?|messages?)\b"
    r"|\b(?:reveal|print|repeat|show|output)\b[^.\n]{0,30}\b(?:system|hidden|initial|your) (?:prompt|instructions?|message)\b"
    r"|\byou are (?:now|no longer)\b[^.\n]{0,30}\b(?:dan|ai|assistant|model|chatbot|jailbroken|unrestricted|developer mode)\b"
    r"|(?m)^\s*(?:#{1,4}\s*)?(?:system|assistant)\s*:\s*\S|\bnew instructions\s*:|\bdeveloper mode enabled\b"
)


def removed(text: pl.Expr) -> pl.Expr:
    """Whether a platform wrote a note in the place of a text that is gone."""
    return text.str.strip_chars().str.to_lowercase().is_in(REMOVED).fill_null(value=False)


def missing(text: pl.Expr) -> pl.Expr:
    """Whether there is no text: null or blank."""
    return text.is_null() | (text.str.strip_chars() == "")


def flags(texts: pl.Series) -> pl.DataFrame:
    """One truth value per text and finding; a text that is not there has none.

    >>> flags(pl.Series(["cafÃ© &amp; bar", "[removed]", "<script>x</script>", None])).select(
    ...     "mojibake", "html_entities", "removed_texts", "hostile_markup", "missing_texts").rows()[:2]
    [(True, True, False, False, False), (False, False, True, False, False)]
    """
    t = pl.col("text")
    odd = t.str.contains("[^\x20-\x7e\t\n\r]")
    frame = pl.DataFrame({"text": texts})
    quick = frame.select(
        missing_texts=missing(t),
        removed_texts=removed(t),
        odd=odd,
        entity=t.str.contains("&", literal=True),
        replacement_marks=t.str.contains("\ufffd", literal=True),
        markup=t.str.contains_any(["<", ":", "=", "+", "@", "-"]),
        address=t.str.contains_any(list(_ADDRESSED), ascii_case_insensitive=True),
    ).with_columns(pl.all().fill_null(value=False))
    made = {name: quick[name] for name in ("missing_texts", "removed_texts", "replacement_marks")}
    made["control_marks"] = _where(texts, quick["odd"], lambda s: s.str.contains(CONTROL))
    made["mojibake"] = _where(texts, quick["odd"], lambda s: _changed(s, _MOJIBAKE, unmangled))
    made["html_entities"] = _where(texts, quick["entity"], lambda s: _changed(s, _ENTITY, unescaped))
    made["hostile_markup"] = _where(
        texts, quick["markup"], lambda s: s.str.contains(_MARKUP) | s.str.contains(_FORMULA)
    )
    made["injections"] = _where(texts, quick["address"], lambda s: s.str.contains(_INJECTION))
    made["chat_marks"] = _where(texts, quick["markup"] | texts.str.contains("[", literal=True), _chat)
    for name, kind in PII.items():
        made[name] = holds(texts, kind)
    return pl.DataFrame([column.alias(name) for name, column in made.items()])


def _chat(texts: pl.Series) -> pl.Series:
    return columns.neutral(texts) != texts


def _where(texts: pl.Series, hit: pl.Series, found: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """The answers of `found` for the texts that a quick look lets pass, false for all others."""
    rows = hit.fill_null(value=False).arg_true()
    none = pl.Series([False]).new_from_index(0, len(texts))
    if rows.is_empty():
        return none
    return none.scatter(rows.filter(found(texts.gather(rows)).fill_null(value=False)), True)


def _changed(texts: pl.Series, net: str, mend: Callable[[str], str]) -> pl.Series:
    """Which texts a mend changes: asked only where the net catches."""
    rows = texts.str.contains(net).fill_null(value=False).arg_true()
    some = texts.gather(rows).to_list()
    return (
        pl.Series([False])
        .new_from_index(0, len(texts))
        .scatter(rows, pl.Series([mend(t) != t for t in some], dtype=pl.Boolean))
    )


def unmangled(text: str) -> str:
    """The text with UTF-8 that was read as another encoding read anew, as ftfy does it, until nothing changes.

    >>> unmangled("cafÃ©"), unmangled("SÃO É")
    ('café', 'SÃO É')
    """
    import ftfy

    return _settled(text, ftfy.fix_encoding)


def unescaped(text: str) -> str:
    """The text with HTML entities as the characters they stand for, those that were escaped twice too.

    >>> unescaped("a &amp;lt; b &nothing;")
    'a < b &nothing;'
    """
    return _settled(text, lambda said: _ENTITIES.sub(_character, said))


def _character(entity: re.Match[str]) -> str:
    """What an entity stands for: by its whole name, for &nothing; is none though &not is one."""
    return html.unescape(entity[0]) if entity[0][1] == "#" else html5.get(entity[0][1:], entity[0])


def _settled(text: str, mend: Callable[[str], str]) -> str:
    for _ in range(10):  # ours: no text is mangled ten times over
        if (after := mend(text)) == text:
            break
        text = after
    return text


def uncontrolled(text: str) -> str:
    """The text without control, zero-width and direction characters."""
    return re.sub(CONTROL, "", text)
