"""One question of a Qualtrics survey file as items, or the reason why it is none."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from itertools import pairwise
from math import isfinite
from typing import Any

from sociolect.text import clean

SINGLE = {"SAVR", "SAHR", "SACOL", "DL", "SB", "NPS"}  # one answer, upright, across, in columns, from a list
# What a question may have that a questionnaire card cannot say.
LOGIC = {
    "DisplayLogic": "display logic: taken as if it were always shown",
    "InPageDisplayLogic": "display logic: taken as if it were always shown",
    "QuestionJS": "JavaScript",
    "DynamicChoices": "choices carried forward from another question",
    "DynamicAnswers": "answers carried forward from another question",
}
_LINES = re.compile(r"(?i)<(?:br|/p|/div|/li|/tr)\b[^>]*>")
_HIDDEN = re.compile(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->")
_PICTURE = re.compile(r"(?i)<(?:img|video|audio|iframe|svg|object|embed)\b")
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Question:
    """An item: options as (id, words) in the order shown, with their scores; or a number's unit and range."""

    id: str
    wording: str
    options: tuple[tuple[str, str], ...] = ()
    scores: tuple[float, ...] = ()
    direction: str = "none"
    unit: str = ""
    low: float = 0.0
    high: float = 0.0


def question(said: Mapping[str, Any]) -> tuple[list[Question], list[str]]:
    """The items of a question, and why it or a part of it could not be imported."""
    kind, selector = str(said.get("QuestionType")), str(said.get("Selector"))
    tag = plain(str(said.get("DataExportTag") or said.get("QuestionID")))
    stem = words(str(said.get("QuestionText") or ""))
    if kind == "DB":
        return [], ["text or a picture without an answer"]
    if kind in {"MC", "NPS"}:
        if selector not in SINGLE:
            return [], [f"several answers at once ({kind} {selector})"]
        options, wrong = _options(said, "Choices", "ChoiceOrder")
        return _chosen([(tag, stem)], options, said, wrong)
    if kind == "Matrix":
        if selector != "Likert" or str(said.get("SubSelector")) not in {"SingleAnswer", "DL"}:
            return [], [f"matrix of another form than one answer a row ({selector} {said.get('SubSelector')})"]
        options, wrong = _options(said, "Answers", "AnswerOrder")
        return _chosen(_rows(said, tag, stem), options, said, wrong)
    if kind == "Slider":
        ends = _slider(said, selector)
        return _numbers(_rows(said, tag, stem), ends) if ends else ([], [f"slider without a range ({selector})"])
    if kind == "TE":
        if selector != "SL" or (ends := _typed(said)) is None:
            return [], [f"text entry that need not be a number between two bounds ({selector})"]
        return _numbers([(tag, stem)], ends)
    return [], [f"question of type {kind} {selector}"]


def unhandled(said: Mapping[str, Any]) -> Iterator[str]:
    """What hangs on a question and was not taken along."""
    yield from dict.fromkeys(what for key, what in LOGIC.items() if said.get(key))
    order = said.get("Randomization")
    if isinstance(order, Mapping) and str(order.get("Type") or "None") != "None":
        yield f"options or rows in random order ({order['Type']}): taken in the order written"
    if said.get("Language"):
        yield "translations"
    texts = [
        str(said.get("QuestionText") or ""),
        *(_display(v) for k in ("Choices", "Answers") for v in _mapping(said.get(k)).values()),
    ]
    if any("${" in text for text in texts):
        yield "piped text: ${...} stands in the wording"
    if any(_PICTURE.search(text) for text in texts):
        yield "pictures, sound or film in the wording"


def words(html: str) -> str:
    """The words of a piece of HTML, a line a paragraph.

    >>> words("<p>How <b>often</b>&nbsp;&amp; when?</p><script>x()</script>")
    'How often & when?'
    """
    bare = unescape(_TAG.sub("", _LINES.sub("\n", _HIDDEN.sub("", html)))).replace("\xa0", " ")
    lines = [" ".join(line.split()) for line in clean(bare).splitlines()]
    return "\n".join(line for line in lines if line)


def plain(name: str) -> str:
    """A name as an id.

    >>> plain(" Q1 (new) ")
    'Q1_new'
    """
    return re.sub(r"[^A-Za-z0-9_.\-]+", "_", name).strip("_") or "unnamed"


def _mapping(said: object) -> Mapping[str, Any]:
    return {str(k): v for k, v in said.items()} if isinstance(said, Mapping) else {}


def _display(said: object) -> str:
    return str(said.get("Display") or "") if isinstance(said, Mapping) else str(said or "")


def _ordered(said: Mapping[str, Any], what: str, order: str) -> list[str]:
    """The ids of choices, rows or answers in the order shown; a deleted one may still stand in the order."""
    there = _mapping(said.get(what))
    given = said.get(order)
    listed = [str(i) for i in given] if isinstance(given, list) and given else list(there)
    return [i for i in dict.fromkeys(listed) if i in there]


def _options(said: Mapping[str, Any], what: str, order: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Option ids, as the export writes them, with their words."""
    there, recoded, wrong = _mapping(said.get(what)), _mapping(said.get("RecodeValues")), []
    shown = _ordered(said, what, order)
    codes = [str(recoded.get(i, i)) for i in shown]
    ids = [code if _number(code) else plain(code) for code in codes]
    if len(set(ids)) < len(ids):
        wrong.append("two options with one recode value: imported under the numbers of the choices")
        ids = shown
    wrong += ["an option with a text entry: imported without the text"] * any(
        isinstance(there[i], Mapping) and str(there[i].get("TextEntry")).lower() in {"true", "on"} for i in shown
    )
    return [(i, words(_display(there[s])) or f"option {i}") for i, s in zip(ids, shown, strict=True)], wrong


def _number(code: str) -> bool:
    return re.fullmatch(r"-?\d+(?:\.\d+)?", code) is not None


def _chosen(
    rows: list[tuple[str, str]], options: list[tuple[str, str]], said: Mapping[str, Any], wrong: list[str]
) -> tuple[list[Question], list[str]]:
    if len(options) < 2:
        return [], [*wrong, f"a choice of {len(options)} options"]
    if len({" ".join(w.casefold().split()) for _, w in options}) < len(options):
        return [], [*wrong, "two options with the same words"]
    scores = tuple(float(i) for i, _ in options) if all(_number(i) for i, _ in options) else ()
    steps = [b - a for a, b in pairwise(scores)]
    direction = "none" if not steps else "up" if min(steps) > 0 else "down" if max(steps) < 0 else "none"
    if direction == "none":
        wrong = [
            *wrong,
            "option values that neither rise nor fall in the order shown: imported as nominal, without scores",
        ]
    return [Question(i, stem or f"item {i}", tuple(options), scores, direction) for i, stem in rows], wrong


def _rows(said: Mapping[str, Any], tag: str, stem: str) -> list[tuple[str, str]]:
    """Each row of a matrix or slider, named as its column in the export is."""
    there, tags = _mapping(said.get("Choices")), _mapping(said.get("ChoiceDataExportTags"))
    return [
        (plain(str(tags.get(i) or f"{tag}_{i}")), "\n".join(t for t in (stem, words(_display(there[i]))) if t))
        for i in _ordered(said, "Choices", "ChoiceOrder")
    ]


def _numbers(rows: list[tuple[str, str]], ends: tuple[float, float]) -> tuple[list[Question], list[str]]:
    return [Question(i, stem or f"item {i}", unit="number", low=ends[0], high=ends[1]) for i, stem in rows], []


def _range(low: object, high: object) -> tuple[float, float] | None:
    try:
        found = float(str(low)), float(str(high))
    except ValueError:
        return None
    return found if found[0] < found[1] and all(map(isfinite, found)) else None


def _slider(said: Mapping[str, Any], selector: str) -> tuple[float, float] | None:
    form = _mapping(said.get("Configuration"))
    if selector == "STAR":
        return _range(0, form.get("StarCount"))
    return _range(form.get("CSSliderMin"), form.get("CSSliderMax")) if selector in {"HSLIDER", "HBAR"} else None


def _typed(said: Mapping[str, Any]) -> tuple[float, float] | None:
    """The bounds of a text entry that must be a number."""
    settings = _mapping(_mapping(said.get("Validation")).get("Settings"))
    bounds = _mapping(settings.get("ValidNumber"))
    return _range(bounds.get("Min"), bounds.get("Max")) if settings.get("ContentType") == "ValidNumber" else None
