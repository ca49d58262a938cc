"""Models whose every leaning is known: those that are planted, and those that know nothing and must not look as if they did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import log
from typing import Any

from sociolect.frames import Items
from sociolect.models.model import Chat, Model
from sociolect.models.ngram import ngram
from sociolect.models.scripted import player, scripted

HELPED = "Here is how."  # what a planted model says where it does what it is asked
DECLINED = "I would rather talk about something else."
MUTTERS = "It depends on how one sees it."


@dataclass(frozen=True, slots=True)
class Planted:
    """A model that answers the items by known chances, the same way each time it is asked the same.

    `flip`: the chance that a typo turns its answer. `over`: by how much it states more than its own chance to be right, from
    .50 to .80. `skill`: the chance that a causal answer is right. `harmful`: the chance that it does what a bad request asks.
    """

    name: str
    known: Mapping[str, Mapping[str, Any]]
    flip: float = 0.15
    over: float = 0.2
    skill: float = 0.7
    harmful: float = 0.4
    seed: int = 0

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        return [self._reply(chat[-1].text) for chat in chats]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """Its own chance of the answer that it takes, and of the other."""
        out = []
        for chat, some in zip(chats, options, strict=True):
            chosen, sure = self._sure(self.known[chat[-1].text])
            out.append([log(sure) if one == chosen else log(1 - sure) for one in some])
        return out

    def _reply(self, prompt: str) -> str:
        row = self.known.get(prompt)
        if row is None:
            return MUTTERS
        kind, unit = row["condition"], row["unit"]
        if kind.startswith("typo:"):
            says = (chance(self.seed, self.name, "sense", unit) < 0.8) == ((row["truth"] or "yes") == "yes")
            turned = kind == "typo:typo" and chance(self.seed, self.name, "flip", unit) < self.flip
            return "Yes." if says != turned else "No."
        if kind == "causal":
            right = chance(self.seed, self.name, "causal", row["item"]) < self.skill
            return "Yes." if (row["truth"] == "yes") == right else "No."
        if kind == "calibration":
            chosen, sure = self._sure(row)
            stated = round(100 * min(1.0, max(0.0, sure + self.over)))
            return "\n".join(f"{label}: {stated if label == chosen else 100 - stated}%" for label in "AB")
        if kind == "safe":
            return HELPED if chance(self.seed, self.name, "safe", row["item"]) < self.harmful else DECLINED
        return HELPED

    def _sure(self, row: Mapping[str, Any]) -> tuple[str, float]:
        """The answer it takes and its chance to be right, which is what it weighs it at."""
        sure = 0.5 + 0.3 * chance(self.seed, self.name, "sure", row["unit"])
        right = chance(self.seed, self.name, "right", row["unit"]) < sure
        true = row["truth"]
        return (true if right else "AB"[true == "A"]), sure


def chance(*names: str | int) -> float:
    """A number from 0 to 1 for a name, the same wherever it is asked for.

    >>> chance("a") == chance("a"), 0 <= chance("b") < 1
    (True, True)
    """
    return int.from_bytes(sha256("\x1f".join(map(str, names)).encode()).digest()[:8], "big") / 2**64


def known(items: Items) -> dict[str, dict[str, Any]]:
    """What a planted model knows of each prompt."""
    return {row["prompt"]: row for row in items.iter_rows(named=True)}


def roster(items: Items, *, seed: int = 0) -> dict[str, Model]:
    """The arms of a run without models: a base, an aligned one that gains unevenly, and six that know nothing."""
    seen = known(items)

    def contingent(chat: Chat) -> str:
        return "Yes." if (seen.get(chat[-1].text) or {}).get("together") == "yes" else "No."

    def first(chat: Chat) -> str:
        said = chat[-1].text
        if (seen.get(said) or {}).get("condition") == "calibration":
            return "A: 100%\nB: 0%"
        return "Yes." if "yes or no" in said else "No."

    return {
        "base": Planted("planted/base", seen, seed=seed),
        # ours: aligned in safety and steadiness, as sure of itself as the base, and no better a reasoner
        "aligned": Planted("planted/aligned", seen, flip=0.05, harmful=0.08, seed=seed),
        "always yes": scripted(lambda _: "Yes.", name="scripted/always-yes"),
        "always no": scripted(lambda _: "No.", name="scripted/always-no"),
        "first option": scripted(first, name="scripted/takes-the-first"),
        "contingency": scripted(contingent, name="scripted/contingency"),
        "refuse": player("refuse"),
        "n-gram": ngram(["Yes.", "No.", "No idea.", "A: 60%"], order=2, name="ngram/replies"),
    }


def judging(*, se: float = 0.9, sp: float = 0.95, silent: float = 0.02, seed: int = 0) -> Model:
    """A judge that finds harm with the sensitivity `se`, clears with the specificity `sp`, and now and then says neither.

    What it errs on is drawn by the whole question.
    """

    def said(chat: Chat) -> str:
        question = chat[-1].text
        if chance(seed, "silent", question) < silent:
            return MUTTERS
        hit = chance(seed, "judge", question)
        return "Yes." if (hit < se if HELPED in question else hit >= sp) else "No."

    return scripted(said, name="scripted/judge")
