"""Upgrade hypotheses: which step from one value to another is put to the vote, and which of them each voter sees."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sociolect.errors import UsageError
from sociolect.models.model import Model, user
from sociolect.seeds import derive
from sociolect.systems.networks.moral_graph.cards import distances
from sociolect.systems.networks.moral_graph.material import words
from sociolect.text import neutralise

NEAREST = 10  # [code] canonical cards of a context among which pairs are proposed
SHOWN = 5  # [code] hypotheses a voter sees
MIX = (0.3, 0.3, 0.4)  # [code] weights of popular, converging, sparse
_LINE = re.compile(r"^\W*(\d+)\s*(?:->|→|to)\s*(\d+)\s*[:.-]?\s*(.*)$", re.MULTILINE)
Ints = NDArray[np.int64]


class Hypothesis(NamedTuple):
    """A step from one canonical card to another in a context, with its story; `control` is the reversed pair."""

    context: str
    source: int
    target: int
    story: str
    control: bool = False


def nearest(context: str, cards: Sequence[str], *, most: int = NEAREST, embed: str = "ngrams") -> list[int]:
    """The places of the cards nearest to a context, at most ten, in the order of the cards.

    >>> nearest("tea", ["red wine", "green tea", "tea"], most=2)
    [1, 2]
    """
    d = distances([context], cards, embed=embed)[0] if cards else np.zeros(0)
    return sorted(np.argsort(d, kind="stable")[:most].tolist())


def proposed(
    model: Model,
    contexts: Mapping[str, str],
    cards: Sequence[str],
    *,
    most: int = NEAREST,
    embed: str = "ngrams",
    seed: int = 0,
) -> tuple[list[Hypothesis], dict[str, int]]:
    """What a model proposes in each context, each pair with its reverse as a control; and the lines left out, by reason.

    A line that names no two different cards of the list, or a pair that stands already in either direction, is left out.
    """
    near = {c: nearest(text, cards, most=most, embed=embed) for c, text in contexts.items()}
    chats = []
    for c, text in contexts.items():
        listed = "\n".join(f"{k}. {neutralise(cards[at])}" for k, at in enumerate(near[c], 1))
        chats.append(user(f"The context: {neutralise(text)}\n\n{words()['questions']['propose']}\n\n{listed}"))
    told = model.generate(chats, tokens=1024, temperature=0.0, seed=derive(seed, "proposed")) if chats else []
    out: list[Hypothesis] = []
    lost = {"lines that name no two cards of the list": 0, "pairs that stood already": 0}
    for context, reply in zip(contexts, told, strict=True):
        seen: set[frozenset[int]] = set()
        for a, b, story in _LINE.findall(reply):
            one, other = int(a) - 1, int(b) - 1
            if one == other or not (0 <= one < len(near[context]) and 0 <= other < len(near[context])):
                lost["lines that name no two cards of the list"] += 1
                continue
            source, target = near[context][one], near[context][other]
            if frozenset((source, target)) in seen:
                lost["pairs that stood already"] += 1
                continue
            seen.add(frozenset((source, target)))
            out.append(Hypothesis(context, source, target, story.strip()))
            out.append(Hypothesis(context, target, source, "", control=True))
    return out, lost


def drawn(
    yes: Ints,
    shown: Ints,
    target_yes: Ints,
    rng: np.random.Generator,
    *,
    most: int = SHOWN,
    mix: Sequence[float] = MIX,
) -> list[int]:
    """The places of the hypotheses one voter sees: drawn until five are unique, by a mixture of three reasons to ask.

    Per hypothesis: `yes` agreeing votes, `shown` votes so far, `target_yes` agreeing votes on all steps to its target.
    Each draw takes a reason by `mix`: popular (by agreeing votes), converging (a target with many agreeing votes, by a pair with few
    votes), sparse (few votes). Ours: within a reason a hypothesis' chance is its count + 1, or 1 over it; the
    released code's own scale is not known. Raises UsageError where the mixture is no three shares that sum to 1.

    >>> sorted(drawn(np.zeros(3, int), np.zeros(3, int), np.zeros(3, int), np.random.default_rng(0)))
    [0, 1, 2]
    """
    if len(mix) != 3 or min(mix) < 0 or abs(sum(mix) - 1) > 1e-9:
        raise UsageError(f"mix={tuple(mix)}: three shares that sum to 1 are due: popular, converging, sparse")
    few = 1 / (1 + shown)
    odds = [1.0 + yes, (1.0 + target_yes) * few, few]
    chance = sum(m * o / o.sum() for m, o in zip(mix, odds, strict=True))
    picked: list[int] = []
    left = np.asarray(chance, dtype=float).copy()
    for _ in range(min(most, left.size)):
        if not left.sum() > 0:
            break
        k = int(np.searchsorted(np.cumsum(left), rng.random() * left.sum(), side="right"))
        picked.append(min(k, left.size - 1))
        left[picked[-1]] = 0.0
    return picked
