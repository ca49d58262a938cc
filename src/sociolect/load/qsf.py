"""A Qualtrics survey file (QSF) as a questionnaire: its structure and wording as TOML, and a list of what could not be imported.

A QSF is JSON: `SurveyElements` hold the blocks (BL), the flow (FL) and the questions (SQ). Single choices, Likert matrices, sliders,
and text entry that must be a number in a range become items. Everything else is listed, and so is what changes who sees what.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.errors import InputError, UsageError
from sociolect.load.files import json_of
from sociolect.load.qsf_questions import Question, plain, question, unhandled, words
from sociolect.load.toml import toml
from sociolect.text import cell

LEFT_OUT = {"element": pl.String(), "reason": pl.String()}
_UNKNOWN = "not said in the survey file"
_SHOWN_ALWAYS = "Block", "Standard", "Group", "Root"


@dataclass(frozen=True, slots=True)
class Imported:
    """`structure` for instrument.toml, `wording` for a text file beside it, what `survey` needs, and what was left out.

    `labels` says for each item what a label or code in an export means; a number's is not there. `left_out`: element, reason.
    """

    structure: str
    wording: str
    items: tuple[str, ...]
    labels: Mapping[str, Mapping[str, str]]
    left_out: pl.DataFrame


def qsf(path: str | Path) -> Imported:
    """The questionnaire in a QSF, in the order of its flow; the text files are for the user to complete.

    Option ids are the survey's recode values, and so are their scores where they rise or fall in the order shown. No subscale,
    key, citation or licence is in a QSF: items say `scored = false`, the status is "unvalidated paraphrase", and the card is
    sensitive until its user says otherwise. Raises InputError where the file is no QSF, or no question could be imported.
    """
    elements, name, language = _opened(Path(path))
    questions = {str(one["QuestionID"]): one for one in _payloads(elements, "SQ") if one.get("QuestionID")}
    left: list[tuple[str, str]] = []
    order = _order(elements, questions, left)
    found: list[Question] = []
    taken: set[str] = set()
    for qid in order:
        made, reasons = question(questions[qid])
        tag = plain(str(questions[qid].get("DataExportTag") or qid))
        left += [(tag, reason) for reason in (*reasons, *unhandled(questions[qid]))]
        for one in made:
            if one.id in taken:
                left.append((tag, f"item {one.id} is there already: give its question another export tag"))
            else:
                taken.add(one.id)
                found.append(one)
    if not found:
        said = "; ".join(f"{tag}: {reason}" for tag, reason in left[:5]) or "it holds no questions"
        raise InputError(f"{Path(path).name}: no question could be imported ({said})")
    structure, wording = _card(name, language, found)
    labels = {one.id: _labels(one, left) for one in found if one.options}
    return Imported(
        toml(structure),
        toml(wording),
        tuple(one.id for one in found),
        labels,
        pl.DataFrame(left, schema=LEFT_OUT, orient="row"),
    )


def written(path: str | Path, folder: Path) -> pl.DataFrame:
    """The import as an instrument's folder: instrument.toml, wording.toml, and left_out.csv, which is also what comes out.

    Raises InputError as `qsf` does, UsageError where the folder holds an instrument already: a person may have completed it.
    """
    if (folder / "instrument.toml").exists():
        raise UsageError(f"{folder} holds an instrument already: name another folder with --out")
    found = qsf(path)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "instrument.toml").write_text(found.structure, encoding="utf-8")
    (folder / "wording.toml").write_text(found.wording, encoding="utf-8")
    found.left_out.select(pl.all().map_elements(cell, return_dtype=pl.String)).write_csv(folder / "left_out.csv")
    return found.left_out


def _labels(one: Question, left: list[tuple[str, str]]) -> dict[str, str]:
    """What a cell of an export means, be it an option's words or its code."""
    codes, said = {i: i for i, _ in one.options}, {words: i for i, words in one.options}
    if any(said.get(code, code) != code for code in codes):
        left.append((one.id, "options whose words are other options' codes: its answers are read as codes"))
        return codes
    return said | codes


def _opened(path: Path) -> tuple[list[dict[str, Any]], str, str]:
    """The elements of a survey, its name and its language."""
    try:
        said = json_of(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path.name} cannot be read as a QSF: {error}; export the survey anew from Qualtrics"
        ) from error
    elements = said.get("SurveyElements") if isinstance(said, dict) else None
    elements = list(elements.values()) if isinstance(elements, dict) else elements
    if not isinstance(elements, list):
        raise InputError(
            f"{path.name} is no QSF: it has no SurveyElements; export the survey from Qualtrics (Tools, Export Survey)"
        )
    entry = said.get("SurveyEntry") if isinstance(said.get("SurveyEntry"), dict) else {}
    kept = [one for one in elements if isinstance(one, dict)]
    return kept, str(entry.get("SurveyName") or path.stem), str(entry.get("SurveyLanguage") or "en").lower()


def _payloads(elements: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    """What elements of a kind hold: blocks come as one list, or as one mapping by number."""
    for one in elements:
        if one.get("Element") == kind and isinstance(said := one.get("Payload"), dict | list):
            several = (
                said
                if isinstance(said, list)
                else list(said.values())
                if kind == "BL" and "BlockElements" not in said
                else [said]
            )
            yield from (each for each in several if isinstance(each, dict))


def _order(elements: list[dict[str, Any]], questions: Mapping[str, Any], left: list[tuple[str, str]]) -> list[str]:
    """The ids of the questions in the order in which the flow shows their blocks."""
    blocks = {str(one.get("ID")): one for one in _payloads(elements, "BL")}
    flows = list(_payloads(elements, "FL"))
    usual = [name for name, one in blocks.items() if one.get("Type") != "Trash"]
    shown = list(dict.fromkeys(name for flow in flows for name in _walked(flow, left))) if flows else usual
    order: list[str] = []
    for name in shown:
        if (block := blocks.get(name)) is None:
            left.append((name, "block that the flow names and the file lacks"))
            continue
        title = str(block.get("Description") or name)
        said = block.get("Options") if isinstance(block.get("Options"), dict) else {}
        if said and str(said.get("Looping") or "None") != "None":
            left.append((title, "loop and merge: its questions are taken once"))
        if said and str(said.get("RandomizeQuestions") or "false").lower() not in {"false", "none"}:
            left.append((title, "questions in random order: taken in the order written"))
        inside = [one for one in _listed(block.get("BlockElements")) if isinstance(one, dict)]
        left += [(title, "skip logic: every question is taken")] * any(one.get("SkipLogic") for one in inside)
        order += [
            str(one["QuestionID"])
            for one in inside
            if one.get("Type") == "Question" and str(one.get("QuestionID")) in questions
        ]
    order = list(dict.fromkeys(order))
    away = [one for qid, one in questions.items() if qid not in order]
    left += [
        (plain(str(one.get("DataExportTag") or one["QuestionID"])), "in the trash, or in no block that is shown")
        for one in away
    ]
    return order


def _listed(said: object) -> list[Any]:
    return said if isinstance(said, list) else []


def _walked(node: Mapping[str, Any], left: list[tuple[str, str]]) -> Iterator[str]:
    """The blocks below a node of the flow; what else is there is listed."""
    kind, name = str(node.get("Type")), str(node.get("FlowID") or "flow")
    if kind == "Branch":
        left.append((name, "branch logic: its blocks are taken as if they were always shown"))
    elif kind == "BlockRandomizer":
        left.append((name, "blocks in random order, or some of them only: all are taken in the order written"))
    elif kind not in _SHOWN_ALWAYS:
        left.append((name, f"flow element {kind}"))
    if kind in {"Block", "Standard"} and node.get("ID"):
        yield str(node["ID"])
    for one in _listed(node.get("Flow")):
        if isinstance(one, dict):
            yield from _walked(one, left)


def _card(name: str, language: str, found: list[Question]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tables of instrument.toml and of the wording; options that are the same stand once."""
    groups: dict[tuple[tuple[str, str], ...], str] = {}
    for one in found:
        if one.options:
            groups.setdefault(one.options, f"options{len(groups) + 1}")
    options: dict[str, Any] = {}
    for one in found:
        if one.options:
            said = {"ids": [i for i, _ in one.options], "direction": one.direction}
            options[groups[one.options]] = said | ({"score": list(one.scores)} if one.direction != "none" else {})
    head = {
        "id": plain(name),
        "title": words(name) or plain(name),
        "version": "1",
        "language": language,
        "period": _UNKNOWN,
    }
    head |= dict.fromkeys(("population", "citation", "licence"), _UNKNOWN)
    state = {"text_bundled": False, "status": "unvalidated paraphrase", "sensitive": True}
    number = {"answer": "number"}
    items = [
        {"id": one.id, "scored": False}
        | (
            {"options": groups[one.options]}
            if one.options
            else number | {"unit": one.unit, "low": one.low, "high": one.high}
        )
        for one in found
    ]
    wording = {
        "items": {one.id: one.wording for one in found},
        "options": {group: dict(said) for said, group in groups.items()},
    }
    return {**head, **state, "options": options, "item": items}, wording
