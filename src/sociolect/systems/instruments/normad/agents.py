"""Planted respondents to the planted stories: each knows exactly what its name says, and reads it off the prompt."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from sociolect.errors import UsageError, unknown
from sociolect.frames import Items
from sociolect.models.model import Chat, Model
from sociolect.models.scripted import scripted
from sociolect.seeds import derive
from sociolect.systems.instruments.normad.elicit import WORDS_OF

FLIP = 0.3  # how often `says yes` turns a no round
AGENTS = ("knows all", "knows half", "deaf", "says yes", "first option")
_ACT = re.compile(r"(?:meets|is served|enters|is given) a (.+?) and answers with a (.+?)\.")
_RULE = re.compile(r"^Rule of thumb: On .+? a (.+?), one answers with a (.+?)\.$", re.MULTILINE)
_COUNTRY = re.compile(r"^Country: (.+)$", re.MULTILINE)
_OPTION = re.compile(r"^- (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Agent:
    """What a planted respondent knows: the ways of some countries, by country and thing; and its habits."""

    name: str
    ways: Mapping[str, Mapping[str, str]]
    reads: bool = True  # whether it uses what it is told
    flip: float = 0.0
    first: bool = False
    always: str = ""

    def __call__(self, chat: Chat) -> str:
        """The words of its answer: by the rule it is given, else by what it knows of the country, else drawn evenly."""
        prompt = chat[-1].text
        if self.first:
            return str(_OPTION.findall(prompt)[0])
        if self.always:
            return WORDS_OF[self.always]
        act = _ACT.search(prompt)
        # what it draws depends on the story and the order of the options, not on what it is told beside them
        seen = "\n".join([act.group(0) if act else prompt, *_OPTION.findall(prompt)])
        drawn, turned = (derive(0, self.name, what, seen) / 2.0**63 for what in ("draw", "flip"))
        label = self._label(prompt) or ("yes", "no", "neutral")[int(drawn * 3)]
        if label == "no" and turned < self.flip:
            label = "yes"
        return WORDS_OF[label]

    def _label(self, prompt: str) -> str | None:
        shown = _ACT.search(prompt)
        if shown is None or not self.reads:
            return None
        thing, way = shown.groups()
        if given := _RULE.search(prompt):
            asked, due = given.groups()
            return "neutral" if asked != thing else "yes" if due == way else "no"
        where = _COUNTRY.search(prompt)
        if where is None or (own := self.ways.get(where.group(1))) is None:
            return None
        return "neutral" if thing not in own else "yes" if own[thing] == way else "no"


def agents(items: Items, names: tuple[str, ...] = AGENTS) -> dict[str, Model]:
    """The planted respondents by name: knows all, knows half (every other country), deaf, says yes, first option.

    `says yes` knows all, and turns three in ten of its no's round. `constant yes` is known too.
    Raises UsageError for a name that there is not, or items that were not planted.
    """
    if not {"thing", "way"} <= set(items.columns):
        raise UsageError("planted respondents know the planted stories alone: name models for a table of your own")
    ways = known(items)
    half = {c: ways[c] for c in half_known(items)}
    made = {
        "knows all": Agent("knows all", ways), "knows half": Agent("knows half", half), "deaf": Agent("deaf", {}, reads=False),
        "says yes": Agent("says yes", ways, flip=FLIP), "first option": Agent("first option", {}, first=True),
        "constant yes": Agent("constant yes", {}, always="yes"),
    }  # fmt: skip
    if wrong := [n for n in names if n not in made]:
        raise unknown("planted respondent", wrong[0], made)
    return {name: scripted(made[name], name=f"planted/{name}") for name in names}


def known(items: Items) -> dict[str, dict[str, str]]:
    """Each country's way with each thing that it has a rule on: what the stories that keep to it show."""
    kept = items.filter(pl.col("gold") == "yes").sort("item")
    out: dict[str, dict[str, str]] = {}
    for country, thing, way in kept.select("country", "thing", "way").iter_rows():
        out.setdefault(country, {})[thing] = way
    return out


def half_known(items: Items) -> list[str]:
    """Every other country by name: those that `knows half` knows."""
    return items["country"].unique().sort().to_list()[::2]
