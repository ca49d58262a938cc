"""Values cards: read out of what an interviewer wrote, checked, found again in other words, and made canonical."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sociolect.errors import InputError, UsageError
from sociolect.text import key

LEAST, MOST = 2, 10  # [code] policies on a card: median 4, from 2 to 10
LONGEST = 200  # ours: characters of one policy
WITHIN = 0.1  # [code] cosine distance within which a canonical card is a candidate
CANDIDATES = 5  # [code] candidates that are asked about, at most
CONTEXTS = 0.5  # [code] cosine distance within which contexts are one
BATCH = 20  # [code] cards beyond which new ones are clustered first
_POLICY = re.compile(r"[A-Z][A-Z'’-]+(?:\s+[A-Z][A-Z'’-]+)*\s+\S")
_HEAD = re.compile(r"\s*CARD:\s*([^|\n]+?)\s*\|\s*([^\n]+?)\s*(?:\n|$)", re.IGNORECASE)
Floats = NDArray[np.float64]
Same = Callable[[Sequence[tuple[str, str]]], list[bool]]


class Card(NamedTuple):
    """A value: its title, one sentence, and the attentional policies."""

    title: str
    description: str
    policies: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join([f"CARD: {self.title} | {self.description}", *(f"- {p}" for p in self.policies)])


def read(text: str) -> Card | None:
    """The card in a text; None where its head, or a line of it, is not in the form that was asked for.

    >>> read("CARD: Care | One cares.\\n- SIGNS that it hurts\\n- WORDS that help").policies
    ('SIGNS that it hurts', 'WORDS that help')
    >>> read("CARD: Care | One cares.\\n- being good") is None
    True
    """
    head = _HEAD.match(text)
    if head is None:
        return None
    lines = [line.strip() for line in text[head.end() :].splitlines() if line.strip()]
    card = Card(head[1], head[2], tuple(line.lstrip("-*• ").strip() for line in lines))
    return None if faults(card) else card


def faults(card: Card) -> list[str]:
    """What is wrong with a card's form; the rest of the checklist is the interviewer's to judge.

    >>> faults(Card("Care", "One cares.", ("being good",)))
    ['1 policies: due are 2 to 10', "'being good' does not begin with a noun in capitals"]
    """
    found = []
    if not LEAST <= len(card.policies) <= MOST:
        found.append(f"{len(card.policies)} policies: due are {LEAST} to {MOST}")
    found += [f"{p[:40]!r} does not begin with a noun in capitals" for p in card.policies if not _POLICY.match(p)]
    found += [f"{p[:40]!r} is longer than {LONGEST} characters" for p in card.policies if len(p) > LONGEST]
    if len({p.lower() for p in card.policies}) < len(card.policies):
        found.append("a policy stands twice")
    return found


def distances(texts: Sequence[str], others: Sequence[str], *, embed: str = "ngrams") -> Floats:
    """Cosine distances (texts, others), 0 to 2: of hashed runs of characters, or in a sentence-transformers model's space.

    >>> distances(["a cat"], ["a cat", "zzz"]).round(2).tolist() == [[0.0, 1.0]]
    True
    """
    if embed == "ngrams":
        from sociolect.measure.ngrams import char_ngrams

        # small whole numbers: sums of their products are exact in any order
        both = char_ngrams([*texts, *others]).astype(np.float64)
        size = np.sqrt(np.asarray(both.multiply(both).sum(1)).ravel())
        inner = np.asarray((both[: len(texts)] @ both[len(texts) :].T).todense())
    else:
        from sociolect.measure.embedding import sentence_transformer

        made = np.asarray(sentence_transformer(embed).vectors([*texts, *others]), dtype=float)
        size = np.linalg.norm(made, axis=1)
        inner = np.einsum("id,jd->ij", made[: len(texts)], made[len(texts) :])
    room = size[: len(texts), None] * size[None, len(texts) :]
    return np.asarray(1 - np.divide(inner, room, out=np.zeros_like(inner), where=room > 0), dtype=float)


def canonical(cards: Sequence[str], same: Same, *, embed: str = "ngrams", within: float = WITHIN) -> list[int]:
    """The place of each card's canonical one: its own, where it is the first to state its value.

    Cards come one after another. Candidates are the nearest canonical cards within a cosine distance of .1, five at most; `same`
    is asked about each pair, and the first that it takes for the same value in other words is the card's. A batch of more than 20
    is clustered first (DBSCAN at that distance): the later cards of a cluster are then held against its canonical ones alone.

    >>> canonical(["CARD: a | tea", "CARD: b | wine", "CARD: a | Tea"], lambda pairs: [True] * len(pairs))
    [0, 1, 0]
    """
    if not cards:
        return []
    if not 0 < within <= 2:
        raise UsageError(f"within={within}: a cosine distance above 0 is due, 2 at most")
    d = distances(cards, cards, embed=embed)
    cluster = _clusters(d, within) if len(cards) > BATCH else [-1] * len(cards)
    home: list[int] = []
    for k in range(len(cards)):
        mine = cluster[k] >= 0 and any(cluster[j] == cluster[k] for j in range(k))
        known = [j for j in range(k) if home[j] == j and (not mine or cluster[j] == cluster[k])]
        near = [j for j in sorted(known, key=lambda j: (d[k, j], j)) if d[k, j] <= within][:CANDIDATES]
        told = same([(cards[k], cards[j]) for j in near]) if near else []
        if len(told) != len(near):
            raise InputError(f"{len(told)} verdicts about {len(near)} pairs of cards")
        home.append(next((j for j, yes in zip(near, told, strict=True) if yes), k))
    return home


def merged(contexts: Sequence[str], *, embed: str = "ngrams", within: float = CONTEXTS) -> list[int]:
    """The place of each context's first like it: within a cosine distance of .5 two contexts are one.

    >>> merged(["when a friend asks", "when a friend asks me", "at war"])
    [0, 0, 2]
    """
    return canonical(contexts, lambda pairs: [True] * len(pairs), embed=embed, within=within)


def recovered(found: Sequence[str], known: Sequence[str], *, embed: str = "ngrams", within: float = 0.3) -> int:
    """How many known policies a card holds: each matched to one of its own within that distance, one to one, as many as can be.

    >>> recovered(["FACTS that bear on it", "OTHERS"], ["FACTS that bear on it", "RISKS that are near"])
    1
    """
    from scipy.optimize import linear_sum_assignment

    if not found or not known:
        return 0
    far = distances(known, found, embed=embed) > within
    rows, columns = linear_sum_assignment(far.astype(float))
    return int((~far[rows, columns]).sum())


def alike(one: str, other: str) -> bool:
    """Whether two cards say the same words, whatever their case and punctuation: the tiny judge of sameness."""
    import polars as pl

    return pl.select(key(pl.lit(one)) == key(pl.lit(other))).item() is True


def _clusters(d: Floats, within: float) -> list[int]:
    """DBSCAN's cluster of each card, -1 outside of all; two cards make a cluster (ours: the number is not known)."""
    from sklearn.cluster import DBSCAN

    return [int(c) for c in DBSCAN(eps=within, min_samples=2, metric="precomputed").fit_predict(np.clip(d, 0, None))]
