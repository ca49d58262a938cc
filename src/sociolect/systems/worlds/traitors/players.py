"""Players whose knowledge is known: they vote blindly, spare their fellows, or follow a clue as often as planted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log

from sociolect.models.model import Chat

_FELLOWS = re.compile(r"^Fellow traitors: (.*)\.$", re.MULTILINE)
_CLUE = re.compile(r"^Clue, for you alone: (Player \d+) is a traitor\.$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Voter:
    """A model that weighs seats: all alike, but for fellow traitors where it spares them, and for whom a clue names.

    `heed` is the chance that it follows a clue it was given. It says nothing of use where it is asked to talk.
    """

    name: str
    spare: bool = False
    heed: float = 0.0

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """The same words each time; no keyword changes a thing."""
        return ["I have nothing to say."] * len(chats)

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """The logarithm of the chance that it names each option."""
        return [self._weighed(chat[-1].text, some) for chat, some in zip(chats, options, strict=True)]

    def _weighed(self, told: str, options: Sequence[str]) -> list[float]:
        fellows = _FELLOWS.search(told)
        spared = set(fellows.group(1).split(", ")) if fellows and self.spare else set()
        allowed = [one not in spared for one in options]
        if not any(allowed):
            allowed = [True] * len(options)
        found = _CLUE.search(told)
        named = found.group(1) if found and found.group(1) in options else None
        heed = self.heed if named else 0.0
        chance = [
            (1 - heed) * a / sum(allowed) + heed * (one == named) for a, one in zip(allowed, options, strict=True)
        ]
        return [log(p) if p else -inf for p in chance]
