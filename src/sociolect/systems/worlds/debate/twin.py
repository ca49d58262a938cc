"""A twin whose truth is known: it reads its prompt as any model does, moves by a set share at each meeting, and says so."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sociolect.models.model import Chat, streams
from sociolect.seeds import derive
from sociolect.systems.worlds.debate.planted import sentence, topics
from sociolect.systems.worlds.debate.scale import nearest, stated

_FIRST = re.compile(r"Your opinion at first: (-?\d\.5)")
_STATEMENT = re.compile(r"^Statement: (.*)$", re.MULTILINE)
_POST = re.compile(r"^\[round (\d), post, partner\] (.*)$", re.MULTILINE)
LONGER = 22.0  # ours: words beyond the stated level, so that planted twins write longer than planted people (10)


@dataclass(frozen=True, slots=True)
class Twin:
    """A model of one share and one noise (in units of the scale)."""

    name: str
    share: float
    noise: float
    length: float = LONGER

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """A message that states what the twin thinks by now, reported with its noise; `tokens` counts words."""
        themes = {t["statement"]: t["words"] for t in topics()}
        out = []
        for chat, stream in zip(chats, streams(chats, derive(seed, self.name)), strict=True):
            draw, told = np.random.default_rng(stream), chat[0].text
            level = float(nearest(self.thinks(chat) + draw.normal(0, self.noise)))
            found = _STATEMENT.search(told)
            words = themes.get(found[1] if found else "", ["this"])
            out.append(" ".join(sentence(level, words, words[:3], self.length, draw).split()[:tokens]))
        return out

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """A normal density around what the twin thinks at each level offered: minus the squared distance over twice the variance."""
        variance = max(self.noise, 0.05) ** 2
        return [
            [-((float(option) - x) ** 2) / (2 * variance) for option in some]
            for x, some in zip(map(self.thinks, chats), options, strict=True)
        ]

    def thinks(self, chat: Chat) -> float:
        """The opinion by now: the first one, moved towards each partner's post by the share, round by round.

        A post phase comes before the meeting of its round, a chat in the midst of it, so the partner's post of that round counts.
        """
        told = "\n".join(message.text for message in chat)
        first = _FIRST.search(told)
        opinion = float(first[1]) if first else 0.0
        for _, said in _POST.findall(told):
            if (level := stated(said)) is not None:
                opinion += self.share * (level - opinion)
        return opinion


def twin(*, share: float = 0.3, noise: float = 0.5, length: float = LONGER) -> Twin:
    """A planted twin.

    >>> from sociolect.models.model import user
    >>> said = "Your opinion at first: 1.5 (agree).\\n[round 1, post, partner] I strongly disagree, friend."
    >>> round(twin(share=0.5).thinks(user(said)), 2)
    -0.5
    """
    return Twin(f"planted/{share:g}", share, noise, length)
