"""From what was said to the one option that was meant; in doubt, nothing.

A wrong option is a silent wrong number, a missing one is counted: so a reply is read only where it cannot mean two things.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sociolect.text import clean, unwrap

_SAY = r"(?:choose|pick|select|say|answer|reply|respond|go\s+with|go\s+for|tick|opt\s+for)"
# What opens an answer, and may stand before a label or an option's words.
_LEAD = (
    r"(?:(?:the|my)\s+)?(?:final\s+)?(?:answer|choice|response|selection|rating)(?:\s+(?:is|would\s+be|=)|\s*[:=])|"
    rf"i(?:\s+would|\s+will|\s+should|['’]d|['’]ll)?\s+{_SAY}"
)
_HEADS = re.compile(
    rf"(?:(?:{_LEAD})\s*:?\s*(?:that\s+(?=i\s))?)?(?:(?:option|choice|letter|number)\s+|[-*•]\s+(?=\S))?", re.IGNORECASE
)
_ANSWERS = re.compile(rf"(?<![\w'’])(?:{_LEAD})", re.IGNORECASE)
# These may stand before an option's words, never before a label: "I agree", "it's true".
_PRONOUN = re.compile(r"(?:i\s+am|i['’]m|i\s+do|i|it\s+is|it['’]s|that\s+is|that['’]s)\s+", re.IGNORECASE)
_TAIL = re.compile(
    r"\s+(?:(?:with|to)\s+(?:this|that|it|the)(?:\s+(?:statement|sentence|item|question|claim|description))?|"
    r"(?:is|would\s+be)\s+my\s+(?:final\s+)?(?:answer|choice)|(?:fits|describes|suits)\s+me\s+best|for\s+me)",
    re.IGNORECASE,
)
_MARKS = re.compile(r"</?answer>|[*_`#]+|^\s*\{\s*|\s*\}\s*$", re.IGNORECASE)
_NOT = re.compile(
    r"(?<!\w)(?:not|no|never|nor|neither|none|cannot|nope|hardly|without|except|\w+n['’]t)(?!\w)", re.IGNORECASE
)
_REASON = re.compile(
    r"(?:because|since|as|for|due|given|i|i['’]\w+|it|it['’]s|this|that|that['’]s|my|the|we|they|people)(?!\w)",
    re.IGNORECASE,
)
# What takes an answer back, or makes another option of it ("agree. Somewhat.").
_HEDGE = re.compile(
    r"(?:not|no|nope|never|but|or|and|actually|wait|though|although|however|maybe|perhaps|unless|except|rather|instead|"
    r"somewhat|mostly|partly|slightly|strongly|sometimes|kind|sort|well|hmm|also|to\s+some|"
    r"i\s+can(?:not|['’]t)\s+(?:pick|choose|decide|say|tell|answer))(?!\w)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.,])[-−]?\d+(?:[.,]\d+)?(?!\d|[.,]\d)")
_BOUND = re.compile(
    r"(?<!\w)(?:less|more|over|under|above|below|least|most|between|than|or|to|minus|up)(?!\w)", re.IGNORECASE
)
# ours: the units the bundled instruments declare, as people write them
_UNITS = {"kg": ("kilo", "kilos", "kilogram", "kilograms", "kgs"), "cm": ("centimetre", "centimetres", "centimeters")}


class _Option(NamedTuple):
    """One option's patterns: its label, its words, and both together."""

    label: re.Pattern[str] | None
    words: re.Pattern[str]
    both: re.Pattern[str] | None
    named: re.Pattern[str] | None  # the label as it is mentioned in running text


def parse(text: str, *, labels: Sequence[str], wording: Sequence[str], ids: Sequence[str], prompt: str) -> str | None:
    """The id of the one option a reply means; null where it means none, two, or the opposite of one.

    Read in turn: the exact label, the exact words of an option, a label with its words; each may be opened by "my answer
    is" and followed by a reason that names no other option. Null where two options are named, an option is denied, the
    option is none of the item's, the list is read back, or the question is (`prompt`: its words, without the options).
    `labels` (empty where options were shown without), `wording` and `ids` run alike, in the order shown.

    >>> said = dict(labels=["A", "B"], wording=["agree", "disagree"], ids=["2", "1"], prompt="Tea is warm.")
    >>> [parse(t, **said) for t in ("B", "I agree.", "A) disagree", "A or B", "I don't agree")]
    ['1', '2', None, None, None]
    """
    if (whole := text.strip()) in labels:
        return ids[labels.index(whole)]
    options = _options(tuple(labels), tuple(wording))
    bare = _bare(text)
    if not bare or bare.casefold() == _bare(prompt).casefold():
        return None
    if (at := _exact(bare, labels)) is not None or (at := _exact(bare, wording)) is not None:
        return ids[at]
    found = _read(bare, options)
    if found is None:
        # A reason first, the answer last: one opening, and nothing before it names or denies an option.
        opened = list(_ANSWERS.finditer(bare))
        if len(opened) == 1 and (start := opened[0].start()):
            before = bare[:start]
            if not _mentions(before, options) and not _NOT.search(re.split(r"[.!?\n]", before)[-1]):
                found = _read(bare[start:], options)
    return None if found is None else ids[found]


def number(
    text: str, *, prompt: str, unit: str | None = None, low: float | None = None, high: float | None = None
) -> str | None:
    """The one number a reply means, as text; null where there is none or several, or it stands in the question.

    The number stands alone or has the declared unit behind it; another unit, a bound ("over 60 kg"), a denial, a comma
    that may part thousands, and a number outside `low` and `high` are null. So is an answer that happens to equal a
    number of the question: it cannot be told from an echo.

    >>> [number(t, prompt="In the past 28 days?", unit="days") for t in ("3", "about 4 days", "28", "3 weeks", "It was 5")]
    ['3', '4', None, None, None]
    """
    bare = _bare(text)
    found = _NUMBER.findall(bare)
    values = {_plain(n) for n in found}
    if len(values) != 1 or None in values or values & {_plain(n) for n in _NUMBER.findall(prompt)}:
        return None
    value = next(iter(values))
    assert value is not None
    held = (low is None or float(value) >= low) and (high is None or float(value) <= high)
    alone = re.sub(
        r"^(?:about|around|roughly|approximately|~)\s*", "", _HEADS.sub("", bare, count=1), flags=re.IGNORECASE
    )
    if not held or _NOT.search(bare) or _BOUND.search(bare):
        return None
    if alone.rstrip(".! ") == found[0]:
        return value
    spelt = [unit, f"{unit}s", unit.removesuffix("s"), *_UNITS.get(unit, ())] if unit else []
    behind = "|".join(map(re.escape, sorted(spelt, key=len, reverse=True)))
    places = _NUMBER.finditer(bare)
    return (
        value
        if behind and all(re.match(rf"\s*(?:{behind})(?!\w)", bare[m.end() :], re.IGNORECASE) for m in places)
        else None
    )


def _plain(said: str) -> str | None:
    """The number with a point for a comma; null where the comma may part thousands.

    >>> _plain("62,5"), _plain("1,200"), _plain("3.0")
    ('62.5', None, '3')
    """
    if re.search(r",\d{3}$", said):
        return None
    return f"{float(said.replace(',', '.').replace('−', '-')):.12g}"


def _bare(text: str) -> str:
    """The reply without what stands around an answer: marks of emphasis, quotes, braces, a closing point."""
    said = _MARKS.sub("", unwrap(clean(text))).replace("’", "'").strip()
    said = re.sub(r'^"(\w+)"\s*:', r"\1:", said)  # {"answer": "B"}
    said = re.sub(r'"([^"\n]*)"', r"\1", said)
    return unwrap(said).strip()


def _exact(bare: str, names: Sequence[str]) -> int | None:
    """The place of the one name that is the whole reply; brackets and a closing mark may stand around it."""
    whole = _flat(bare)
    inner = _flat(re.sub(r"^[(\[]\s*(.*?)\s*[)\]]$", r"\1", re.sub(r"[.!,;:]+$", "", bare).strip()))
    inner = inner[:-1] if inner.endswith(")") and "(" not in inner else inner
    places = [i for i, n in enumerate(names) if _flat(n) in (whole, inner)]
    return places[0] if len(places) == 1 else None


def _flat(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!")


@lru_cache(maxsize=4096)
def _options(labels: tuple[str, ...], wording: tuple[str, ...]) -> tuple[_Option, ...]:
    out = []
    for place, words in enumerate(wording):
        said = r"\s+".join(map(re.escape, words.rstrip(".!").replace("’", "'").split()))
        label = labels[place] if labels else None
        if label is None or label == words:
            out.append(_Option(None, re.compile(rf"{said}(?!\w)", re.IGNORECASE), None, None))
            continue
        mark = rf"[(\[]?{re.escape(label)}[)\]]?"
        both = rf"(?:{mark}\s*[.):=,–—-]*\s*[(\[]?{said}[)\]]?|{said}\s*[,:–—-]?\s*[(\[]{re.escape(label)}[)\]])(?!\w)"
        # "I" is a pronoun; every other label counts as named wherever it stands alone.
        named = None if label == "I" else re.compile(rf"(?<![\w'’]){re.escape(label)}(?![\w'’])")
        out.append(
            _Option(
                re.compile(rf"{mark}(?![\w'’])"),
                re.compile(rf"{said}(?!\w)", re.IGNORECASE),
                re.compile(both, re.IGNORECASE),
                named,
            )
        )
    return tuple(out)


def _read(said: str, options: tuple[_Option, ...]) -> int | None:
    """The option that the reply begins with, after an opening, if what follows leaves it standing."""
    lead = _HEADS.match(said)
    starts = {0, lead.end() if lead else 0}
    pronoun = _PRONOUN.match(said, max(starts))
    heads: list[tuple[int, int, bool]] = []  # where it ends, which option, whether its words were said
    for start in sorted(starts):
        for i, option in enumerate(options):
            for pattern, worded in ((option.both, True), (option.words, True), (option.label, False)):
                if pattern and (m := pattern.match(said, start)):
                    heads.append((m.end(), i, worded))
    if pronoun:
        heads += [(m.end(), i, True) for i, o in enumerate(options) if (m := o.words.match(said, pronoun.end()))]
    if not heads:
        return None
    end, found, worded = max(heads)
    if len({i for e, i, _ in heads if e == end}) > 1:
        return None
    if worded and (tail := _TAIL.match(said, end)):
        end = tail.end()
    return found if _stands(said[end:], found, options, worded=worded) else None


def _stands(rest: str, found: int, options: tuple[_Option, ...], *, worded: bool) -> bool:
    """Whether what follows an option leaves it as the one that was meant: nothing, or a reason that names no other."""
    after = re.match(r"\s*([.,;:!)–—-]*)\s*", rest)
    assert after is not None
    reason = rest[after.end() :]
    if not reason:
        return "?" not in rest
    parted = "\n" in after.group(0) or (worded and after.group(1)[:1] in (".", "!"))
    if not after.group(0).strip() and not parted and not re.match(r"(?:because|since|as)(?!\w)", reason, re.IGNORECASE):
        return False
    if _HEDGE.match(reason) or not (parted or _REASON.match(reason)):
        return False
    first = re.split(r"[.!?\n]", reason)[0]
    if len(first.split()) <= 4 and _NOT.search(first) and not _NOT.search(options[found].words.pattern):
        return False
    named = _mentions(reason, options)
    return not named - {found} and not (named and _NOT.search(reason))


def _mentions(text: str, options: tuple[_Option, ...]) -> set[int]:
    """Every option that a text names, by label or by words; "strongly agree" does not name "agree"."""
    out, left = set(), text
    for i in sorted(range(len(options)), key=lambda i: -len(options[i].words.pattern)):
        bounded = re.compile(rf"(?<!\w){options[i].words.pattern}", re.IGNORECASE)
        if bounded.search(left):
            out.add(i)
            left = bounded.sub(" ", left)
    return out | {i for i, o in enumerate(options) if o.named and o.named.search(left)}
