"""What would lead to a person is masked: addresses, numbers with a check digit, and what else is asked for, each kind counted."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import polars as pl

from sociolect.errors import UsageError, unknown
from sociolect.load import pii_checks as checks
from sociolect.load.pii_national import QUICK, spans


class Masked(NamedTuple):
    """The texts with masks, and a frame of kind and count."""

    texts: pl.Series
    counts: pl.DataFrame


class _Kind(NamedTuple):
    """How one kind is found: its mask, a quick test in Rust that every text with one passes, its form, and a check of what was found."""

    mask: str
    quick: str
    form: str
    check: Callable[[str], bool] | None = None


_TLD = "com|org|net|edu|gov|io|co|ly|me|be|gg|uk|de|fr|nl|eu|app|tv|ai|info|us|ca|au|in|ru|jp|br|it|es|pl|ch|at|se|social|link|blog|xyz"
_CUE = r"(?i:\b(?:tel|phone|telephone|telefon|telefono|teléfono|tél|call|text|mobile|mobil|cell|handy|móvil|whatsapp|signal|fax|ring)\b)"
_DAY = (
    r"(?:\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}|\d{1,2}(?:st|nd|rd|th|\.)?\s+(?:de\s+)?[^\W\d_]{3,10}\.?,?\s+(?:de\s+)?\d{4}"
    r"|[^\W\d_]{3,10}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4}|\d{4}年\d{1,2}月\d{1,2}日)"
)
_BORN = r"(?i:\b(?:born|d\.?o\.?b\.?|date of birth|birth ?date|birthday|geboren|geburtsdatum|née?|date de naissance|nacid[oa]|fecha de nacimiento|nat[oa]|nascid[oa]|geboortedatum|född|urodzon[ay])|生年月日|出生)"
_WAY = r"(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|terrace|close|crescent|square|way|place|pl)"
_STREET = (
    rf"\b\d{{1,5}}[A-Za-z]?\s+(?:[A-Z][\w'.\-]*\s+){{1,4}}(?i:{_WAY})\b\.?"
    r"|\b[A-ZÄÖÜ][\wäöüß\-]+(?:straße|strasse|str\.|gasse|weg|platz|allee|straat|laan|gracht|plein|kade|gatan|vägen|gade|vej)\s+\d{1,4}\s?[a-z]?\b"
    r"|\b\d{1,4}(?:\s?bis)?,?\s+(?:rue|avenue|boulevard|place|chemin|allée|impasse)\s+[\w'\- ]{3,40}"
    r"|\b(?:Calle|Avenida|Avda\.|Plaza|Paseo|Via|Viale|Piazza|Corso|Rua|Praça|ul\.)\s+[A-ZÁÉÍÓÚŁŚŻ][\w'\- ]{2,40}?,?\s+\d{1,4}\b"
)
_GAPS = re.compile(r"[ \-]")
# In this order: what a later kind could take for its own is masked before.
_KINDS = {
    "url": _Kind(
        "<url>",
        r"/|[wW]\.|:",
        r"(?i)<(?:https?://|mailto:)[^<>\s|]*(?:\|[^<>\n]*)?>"
        rf"|\b(?:(?:https?|ftp)://|www\.|(?:[a-z0-9-]+\.)+(?:{_TLD})/)"
        r"[^\s<>\"|]*[^\s<>\"|).,;:!?'\]]",
    ),
    "email": _Kind("<email>", "@", r"[\w.%+\-]*\w@[\w\-]+(?:\.[\w\-]+)*"),
    "iban": _Kind(
        "<iban>",
        r"[A-Za-z]{2}[0-9]{2}",
        r"\b[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?\b",
        checks.iban,
    ),
    "card": _Kind(
        "<card>",
        r"[0-9]{4}[ \-]?[0-9]{4}|[0-9]{4}[ \-][0-9]{6}",
        r"(?<![\w.\-])\d(?:[ \-]?\d){12,18}(?![\w\-])",
        checks.card,
    ),
    "crypto": _Kind(
        "<wallet>",
        r"0x[0-9a-fA-F]{40}|bc1|[13][1-9A-HJ-NP-Za-km-z]{25}",
        r"\b0x[0-9a-fA-F]{40}\b|\bbc1[ac-hj-np-z02-9]{11,71}\b|\b[13][1-9A-HJ-NP-Za-km-z]{25,34}\b",
        checks.wallet,
    ),
    "mac": _Kind(
        "<mac>",
        r"[0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}[:\-]|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.",
        r"(?i)\b[0-9a-f]{2}(?:[:\-][0-9a-f]{2}){5}\b|\b[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}\b",
    ),
    "ip": _Kind(
        "<ip>",
        r"[0-9]\.[0-9]+\.[0-9]+\.[0-9]|[0-9A-Fa-f]:[0-9A-Fa-f:]*:",
        r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)|(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])",
        checks.internet,
    ),
    "gps": _Kind(
        "<place>",
        r"[0-9]\.[0-9]{4}|°",
        r"(?<![\d.])-?\d{1,2}\.\d{4,}°?\s?[NS]?\s*[,;/ ]\s*-?\d{1,3}\.\d{4,}°?\s?[EW]?|\d{1,2}°\s?\d{1,2}['′]\s?(?:[\d.]+[\"″]\s?)?[NS][\s,]+\d{1,3}°\s?\d{1,2}['′]\s?(?:[\d.]+[\"″]\s?)?[EW]",
        lambda s: ("°" in s and "'" in s) or "′" in s or checks.place(s),
    ),
    "birth": _Kind("<birth>", r"[0-9]{4}|[0-9][./\-][0-9]", rf"({_BORN}[^\n\d]{{0,14}}?){_DAY}"),
    "national": _Kind("<id>", QUICK, ""),
    "street": _Kind("<street>", r"[0-9]", _STREET),
    "phone": _Kind(
        "<phone>",
        r"\+[0-9]|[0-9][ .\-/()]{1,3}[0-9]{2}|[0-9]{7}",
        r"\+[0-9][0-9\s().\-]{6,}[0-9]|\(?\b[0-9]{3}\)?[ .\-][0-9]{3}[ .\-][0-9]{4}\b"
        r"|\b0[0-9]{1,4}[ /\-][0-9]{6,8}\b|\b0\d{1,3}[ /\-]\d{2,3}(?: \d{2,3}){2,3}\b|\b0[0-9]{2,4}[ \-][0-9]{3,4}[ \-][0-9]{3,4}\b"
        r"|\b0\d{1,4}([ .\-/])\d{2,4}(?:\1\d{2,4}){2,3}\b|\b0\d([ .\-])\d{4}\2\d{4}\b"
        r"|\(\d{2}\) ?\d{4,5}-\d{4}\b|\b8 ?\(?\d{3}\)?[ \-]\d{3}[ \-]\d{2}[ \-]\d{2}\b|\b1[3-9]\d[ \-]\d{4}[ \-]\d{4}\b"
        rf"|\b[6-9]\d{{4}}[ \-]\d{{5}}\b|({_CUE}[^\n\d+]{{0,12}})\d(?:[ .\-/()]{{0,2}}\d){{6,13}}\b",
        checks.phone,
    ),
}
KINDS = tuple(_KINDS)
DEFAULT = (
    "url",
    "email",
    "iban",
    "card",
    "national",
    "phone",
)  # what no post loses by: an address, or a number that a check confirms


def masked(texts: pl.Series) -> pl.Series:
    """The texts with masks in the place of what the loader hides in every text: `pii(texts).texts`.

    >>> masked(pl.Series(["see https://a.org/b?c, or ada@b.org / +44 20 7946 0958"])).item()
    'see <url>, or <email> / <phone>'
    """
    return pii(texts).texts


def pii(texts: pl.Series, *, kinds: Sequence[str] = DEFAULT, engine: str = "rules") -> Masked:
    """The texts with a mask in the place of each thing of these kinds, and how many of each kind were masked.

    Kinds are `KINDS`: url, email, iban (its check, ISO 13616), card (network and Luhn), crypto (wallets), mac, ip, gps (coordinates),
    birth (a day where it is said to be one of birth), national (identity numbers of 22 countries by form and check), street, phone.
    By `engine="presidio"` the recognisers of Presidio that need no language model read what the rules left (the extra `privacy`).
    `benchmarks/pii.py` prints recall and precision of each kind. Raises UsageError for a kind or engine that is not there.

    >>> said = pii(pl.Series(["card 4111 1111 1111 1111, not 4111 1111 1111 1112", None]), kinds=["card"])
    >>> said.texts.to_list(), said.counts.rows()
    (['card <card>, not 4111 1111 1111 1112', None], [('card', 1)])
    """
    for kind in kinds:
        if kind not in _KINDS:
            raise unknown("kind of personal information", kind, _KINDS)
    if engine not in {"rules", "presidio"}:
        raise UsageError(f"engine is rules or presidio, not {engine!r}")
    counts: dict[str, int] = {}
    for name, how in _KINDS.items():
        if name in kinds:
            texts, counts[name] = _masked(texts, how)
    if engine == "presidio":
        from sociolect.load.pii_presidio import recognised

        texts, more = recognised(texts, kinds)
        counts = {name: n + more.get(name, 0) for name, n in counts.items()}
    return Masked(
        texts,
        pl.DataFrame(
            {"kind": list(counts), "count": list(counts.values())}, schema={"kind": pl.String, "count": pl.Int64}
        ),
    )


def mask(kind: str) -> str:
    """What stands in the place of a kind.

    >>> mask("national")
    '<id>'
    """
    return _KINDS[kind].mask


def _masked(texts: pl.Series, kind: _Kind) -> tuple[pl.Series, int]:
    rows = texts.str.contains(kind.quick).fill_null(value=False).arg_true()
    if rows.is_empty():
        return texts, 0
    some = texts.gather(rows)
    if kind.form and kind.check is None and "(?<" not in kind.form and kind.mask != "<birth>":
        n = int(some.str.count_matches(kind.form).sum())
        return (texts.clone().scatter(rows, some.str.replace_all(kind.form, kind.mask)), n) if n else (texts, 0)
    said, n = [], 0
    for text in some.to_list():
        made, last = "", 0
        for start, end in _found(text, kind):
            made, last, n = f"{made}{text[last:start]}{kind.mask}", end, n + 1
        said.append(made + text[last:])
    return (texts.clone().scatter(rows, pl.Series(said, dtype=pl.String)), n) if n else (texts, 0)


def _found(text: str, kind: _Kind) -> Iterator[tuple[int, int]]:
    if not kind.form:
        yield from spans(text)
        return
    at = 0
    form = _compiled(kind.form)
    while m := form.search(text, at):
        # what stands before the number and says what it is stays
        start = m.end(m.lastindex) if m.lastindex and m.start(m.lastindex) == m.start() else m.start()
        # the number may be followed by words or numbers that are spelt as its groups are
        ends = [m.end(), *(start + cut.start() for cut in reversed(list(_GAPS.finditer(text[start : m.end()]))))]
        end = next((e for e in ends if e > start and (kind.check is None or kind.check(text[start:e]))), 0)
        if end:
            yield start, end
        at = end or m.start() + 1


def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(form)  # re keeps what it compiled
