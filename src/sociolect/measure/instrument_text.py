"""What is wrong with the wording of a questionnaire, beside the card that it belongs to."""

from collections.abc import Iterator, Mapping
from typing import Any

from sociolect.measure.instrument_range import Table, texts, worded

TABLES = ("items", "options", "framing", "paraphrase")


def text_faults(words: Table, said: Table) -> list[str]:
    """Everything that a wording has too little or too much of, in the order of the file."""
    found = [f"[{name}] means nothing here: there are {', '.join(TABLES)}" for name in words if name not in TABLES]
    found += [f"[{name}] is no table" for name in TABLES if not isinstance(words.get(name, {}), Mapping)]
    if found:
        return found
    listed = said.get("item") if isinstance(said.get("item"), list) else []
    items = [str(one.get("id")) for one in listed or [] if isinstance(one, Mapping)]
    found += _beside("items", words.get("items", {}), items)
    groups: Mapping[str, Any] = said.get("options", {}) if isinstance(said.get("options", {}), Mapping) else {}
    given = words.get("options", {})
    found += [f"[options.{name}] words no options of the card" for name in given if name not in groups]
    for name, group in groups.items():
        ids = texts(group.get("ids")) if isinstance(group, Mapping) else []
        found += _beside(f"options.{name}", given.get(name, {}), ids)
    framing = words.get("framing", {})
    found += [f"[framing] holds {k!r}: there is only instruction" for k in framing if k != "instruction"]
    found += ["[framing] instruction is no text"] * ("instruction" in framing and not worded(framing["instruction"]))
    for name, one in words.get("paraphrase", {}).items():
        found += _beside(f"paraphrase.{name}", one, items, whole=False)
    return found


def _beside(where: str, said: object, ids: list[str], *, whole: bool = True) -> Iterator[str]:
    if not isinstance(said, Mapping):
        yield f"[{where}] is no table of id = words"
        return
    if whole and (absent := [i for i in ids if i not in said]):
        yield f"[{where}] has no words for {', '.join(absent)}"
    if strange := [i for i in said if i not in ids]:
        yield f"[{where}] has words for {', '.join(strange)}, which the card lacks"
    yield from (f"[{where}] {i} is no text" for i, text in said.items() if not worded(text))
