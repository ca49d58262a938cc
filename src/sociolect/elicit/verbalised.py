"""A distribution in words: what a model says a group would answer, and the shares read out of it."""

import json
import re
from collections.abc import Sequence
from math import fsum

from sociolect.text import clean

OFF = 0.02  # how far the stated shares may miss their whole
_ALL = re.compile(
    r"(?:\(?\s*(?:out\s+of|of|/)\s*(?:every\s+|the\s+)?100(?:\s*%)?(?:\s+(?:people|persons|members|respondents))?\)?)|"
    r"^.*\b(?:total|sum|altogether|adds?\s+up)\b.*$",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = r"(?<![\w.,-])(\d+(?:[.,]\d+)?)(?![\d.,]*\d)\s*(%|percent|per\s+cent)?"
_RANGE = re.compile(r"\d\s*%?\s*(?:-|–|to)\s*\d")


def request(labels: Sequence[str] | None) -> str:
    """What a model is asked for after the question and its options.

    >>> request(["A", "B"]).splitlines()[-1]
    'Write one line per option: its label, a colon, a number. The numbers add up to 100.'
    """
    mark = "its words" if labels is None else "its label"
    return (
        "Out of 100 people of your community, how many give each answer?\n"
        f"Write one line per option: {mark}, a colon, a number. The numbers add up to 100."
    )


def shares(text: str, *, labels: Sequence[str], wording: Sequence[str]) -> tuple[list[float], float] | None:
    """The shares of the options as shown, made to sum to 1, and the sum as stated (1 is the whole); null in doubt.

    Read are a JSON object, a bare list in the order shown, and any text in which every option stands once and once beside
    a number, by label, by words or by both, the number always before or always behind. Null where an option is missing or
    named twice, a share is a range or negative, or the sum misses 1, or 100, by more than 2 %.

    >>> shares("A: 25%\\nB: 76%", labels=["A", "B"], wording=["yes", "no"])
    ([0.24752475247524752, 0.7524752475247525], 1.01)
    >>> shares("A: 25%\\nB: 80%", labels=["A", "B"], wording=["yes", "no"]) is None
    True
    """
    said = re.sub(r"[*_`]+", "", clean(text)).strip()
    found = _mapping(said, labels, wording) or _bare(said, len(wording)) or _pairs(said, labels, wording)
    if found is None:
        return None
    values, percent = found
    total = fsum(values)
    if not percent and abs(total - 1) <= OFF + 1e-9:
        return [v / total for v in values], total
    if abs(total - 100) <= 100 * OFF + 1e-9:
        return [v / total for v in values], total / 100
    return None


def _mapping(said: str, labels: Sequence[str], wording: Sequence[str]) -> tuple[list[float], bool] | None:
    """A JSON object from label or words to a number."""
    block = re.search(r"\{[^{}]*\}", said)
    if block is None:
        return None
    try:
        told = json.loads(block.group(0), object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    names = [
        {w.casefold(), *([label.casefold()] if label else [])}
        for label, w in zip(labels or [""] * len(wording), wording, strict=True)
    ]
    values: dict[int, float] = {}
    percent = False
    for key, stated in told:
        places = [i for i, n in enumerate(names) if key.strip().casefold() in n]
        said_so = re.fullmatch(
            r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", stated if isinstance(stated, str) else json.dumps(stated)
        )
        if len(places) != 1 or places[0] in values or said_so is None:
            return None
        percent = percent or bool(said_so.group(2))
        values[places[0]] = float(said_so.group(1))
    return ([values[i] for i in range(len(wording))], percent) if len(values) == len(wording) else None


def _bare(said: str, k: int) -> tuple[list[float], bool] | None:
    """Nothing but k numbers, in the order shown."""
    inside = said.strip("[]() .\n")
    if re.search(r"[^\d\s.,;/|%]", inside):
        return None
    parts = [p for p in re.split(r"\s*[,;/|]\s+|\s*[;/|]\s*|\s+|,(?=\d+%?(?:,|$))", inside.replace(" %", "%")) if p]
    if len(parts) != k or not all(re.fullmatch(r"\d+(?:\.\d+)?%?", p) for p in parts):
        return None
    return [float(p.rstrip("%")) for p in parts], "%" in inside


def _pairs(said: str, labels: Sequence[str], wording: Sequence[str]) -> tuple[list[float], bool] | None:
    """Options and numbers in turn, over the whole text: option, number, option, number, or the other way round."""
    left = _ALL.sub(" ", said)
    left = "\n".join(line for line in left.splitlines() if re.search(r"\d", line))
    if re.search(r"(?<![\w-])-\d", left):
        return None
    kinds, values, percent = [], [], False
    counted = bool(labels) and all(label.isdigit() for label in labels)
    option = _option(labels, wording, counted)
    at = 0
    places: list[int] = []
    for m in re.finditer(rf"(?P<option>{option})|{_NUMBER}", left, re.IGNORECASE):
        if m.start() < at:
            continue
        at = m.end()
        if m.group("option") is not None:
            kinds.append("o")
            places.append(_which(m.group("option"), labels, wording))
        else:
            number, sign = m.groups()[-2:]
            kinds.append("n")
            values.append(float(number.replace(",", ".")))
            percent = percent or sign is not None
    k = len(wording)
    order = "".join(kinds)
    if order not in ("on" * k, "no" * k) or sorted(places) != list(range(k)) or _RANGE.search(_without(left, option)):
        return None
    return [v for _, v in sorted(zip(places, values, strict=True))], percent


def _without(said: str, option: str) -> str:
    return re.sub(option, " ; ", said, flags=re.IGNORECASE)


def _option(labels: Sequence[str], wording: Sequence[str], counted: bool) -> str:
    """One pattern for every way an option is named: the longest first, so that "strongly agree" is not "agree"."""
    words = sorted((re.escape(w) for w in wording), key=len, reverse=True)
    named = rf"(?<!\w)(?:{'|'.join(words)})(?!\w)"
    if not labels or list(labels) == list(wording):
        return named
    some = "|".join(sorted((re.escape(label) for label in labels), key=len, reverse=True))
    # A label that is a number is one only where a mark says so; a letter wherever it stands alone and is no article.
    alone = (
        rf"(?:(?<![\w.,])(?:option\s+)?(?:{some})(?=\s*[:=)|])|option\s+(?:{some})(?!\w)|^\W*(?:{some})(?=\s+[-–]\s))"
        if counted
        else rf"(?<![\w'’])(?-i:{some})(?![\w'’])"
    )
    both = rf"(?<![\w'’])[(\[]?(?:{some})[)\]]?\s*[.):=|–-]*\s*[(\[]?(?:{'|'.join(words)})(?!\w)"
    behind = rf"(?<!\w)(?:{'|'.join(words)})\s*[(\[](?:{some})[)\]]"
    return rf"{both}|{behind}|{named}|(?m:{alone})"


def _which(said: str, labels: Sequence[str], wording: Sequence[str]) -> int:
    """The place of the option a match names; -1 where its label and its words are not of one option."""
    low = said.casefold()
    for i in sorted(range(len(wording)), key=lambda i: -len(wording[i])):
        word = wording[i].casefold()
        if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", low):
            rest = re.sub(r"[\W_]+", "", low.replace(word, " ", 1))
            return i if not rest or not labels or rest in (labels[i].casefold(), word) else -1
    bare = re.sub(r"[\W_]+|option", "", low)
    return next((i for i, label in enumerate(labels) if label.casefold() == bare), -1)
