"""Planted players: what they do is known, they say it in words, and their heirs learn it from the advice in the prompt."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sociolect.errors import ModelError
from sociolect.models.model import Chat, Model, streams
from sociolect.models.ngram import ngram
from sociolect.systems.worlds.donor_game.prompts import PHRASE, units

GENES = ("first", "base", "slope", "threshold")
NOISE = 0.1  # [dossier] the standard deviation of what an heir changes
COST = 0.1  # [dossier] the share of its own units that a punisher pays
LOW, HIGH = np.array([0.0, 0.0, -1.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0])  # ours: the range of each gene
BORN = np.array([[0.0, 0.0, -1.0, 0.0], [1.0, 1.0, 1.0, 0.5]])  # ours: where the first generation's are drawn
_GENES = re.compile(
    PHRASE + r" to give ([-\d.]+) to strangers, else ([-\d.]+) and ([-\d.]+) times what was given above half, and to "
    r"punish below ([-\d.]+)\b"
)
_OWN = re.compile(r"You have ([\d.e+-]+) units\.")
_SEEN = re.compile(r"newest first: in round \d+ \S+ gave (\d+)%")


def words(genes: Sequence[float] | np.ndarray) -> str:
    """The strategy in words, which `genes_of` reads back.

    >>> genes_of(words((0.5, 0.25, -0.125, 0)))[0].tolist()
    [0.5, 0.25, -0.125, 0.0]
    """
    first, base, slope, threshold = (f"{g:.3f}" for g in genes)
    return (
        f"{PHRASE} to give {first} to strangers, else {base} and {slope} times what was given above half, and to punish "
        f"below {threshold}"
    )


def genes_of(text: str) -> list[np.ndarray]:
    """All strategies that stand in a text, in order."""
    return [np.array([float(g.rstrip(".")) for g in found]) for found in _GENES.findall(text)]


@dataclass(frozen=True, slots=True)
class Planted:
    """A population that can read: `strategies` by name, others drawn at random or, where there is advice, copied with noise.

    It answers in a way that cannot be read with the chance `mumble`.
    """

    name: str = "planted/donor"
    mumble: float = 0.0
    strategies: Mapping[str, tuple[float, float, float, float]] = field(default_factory=dict)

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """One reply per chat; no keyword but `seed` changes a thing."""
        return [
            self._reply(chat[-1].text, np.random.default_rng(stream))
            for chat, stream in zip(chats, streams(chats, seed), strict=True)
        ]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        raise ModelError(f"{self.name} weighs nothing: it is asked for words alone")

    def _reply(self, said: str, rng: np.random.Generator) -> str:
        if rng.random() < self.mumble:
            return "Hard to say."
        own = _OWN.search(said)
        if own is None:
            return f"It pays to be seen. {words(self._born(said, rng))}."
        mine, seen = genes_of(said), _SEEN.search(said)
        genes = mine[0] if mine else np.zeros(4)  # who has no strategy gives nothing
        kind, share = act(genes, int(seen[1]) / 100 if seen else None, punish="Punish, x" in said)
        amount = units(share * float(own[1]))
        return f"It is my strategy. Answer: {f'{kind.title()}, {amount}' if 'Donate, x' in said else amount}"

    def _born(self, said: str, rng: np.random.Generator) -> np.ndarray:
        name = said.partition("Your name is ")[2].partition(".")[0]
        if name in self.strategies:
            return np.array(self.strategies[name])
        advice = genes_of(said)
        if not advice:
            return np.asarray(rng.uniform(*BORN))
        return np.clip(advice[int(rng.integers(len(advice)))] + rng.normal(0, NOISE, 4), LOW, HIGH)


def act(genes: Sequence[float] | np.ndarray, seen: float | None, *, punish: bool = False) -> tuple[str, float]:
    """What a player of these genes does with whom it has seen give that share (None: nothing was seen), and with what share.

    >>> act((0.5, 0.25, 0.5, 0.2), None), act((0.5, 0.25, 0.5, 0.2), 1.0), act((0.5, 0.25, 0.5, 0.2), 0.1, punish=True)
    (('donate', 0.5), ('donate', 0.5), ('punish', 0.1))
    """
    first, base, slope, threshold = (float(g) for g in genes)
    if seen is None:
        return "donate", first
    if punish and seen < threshold:
        return "punish", COST
    return "donate", min(max(base + slope * (seen - 0.5), 0.0), 1.0)


def mumbler(name: str) -> Model:
    """A word model of sample answers: it cannot read a prompt, so that many of its answers cannot be read either.

    >>> from sociolect.models.model import user
    >>> mumbler("words").generate([user("You have 10 units.")], seed=1)[0].startswith(("Giving", "I", "My"))
    True
    """
    said = [
        f"Giving {why}. Answer: {form}{n}"
        for why in ("pays", "is risky")
        for form in ("", "Donate, ")
        for n in range(6)
    ]
    said += [f"{PHRASE} to give {much}." for much in ("half", "a little", "nothing", "what was given")] * 6
    return ngram([*said, "I cannot say.", "I would rather wait."], name=name)
