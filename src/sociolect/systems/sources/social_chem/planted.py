"""A toy grammar in which each of five attributes decides one word of a rule, and annotators whose distribution is known."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import polars as pl

from sociolect.compare.interval import FloatArray
from sociolect.errors import UsageError
from sociolect.models.model import Chat
from sociolect.seeds import substream
from sociolect.systems.sources.social_chem.dimensions import ASKED, DIMENSIONS

# ours: fifteen words, three to a situation, in 3,375 orders
WORDS = (
    "neighbour", "friend", "sister", "boss", "child", "stranger", "dog", "letter", "garden", "train", "money", "party", "secret", "dinner",
    "song",
)  # fmt: skip
# The word of the rule that a level decides. Two attributes share their tokens (rare, most, ...) and no word.
GRAMMAR: dict[str, dict[str, str]] = {
    "rot-agree": {"nobody": "never", "rare": "seldom", "controversial": "sometimes", "most": "usually", "all": "always"},
    "action-agree": {"nobody": "shun", "rare": "avoid", "most": "pick", "all": "seek"},
    "action-moral-judgment": {"bad": "wrong", "ok": "fine", "good": "kind"},
    "action-legal": {"legal": "allowed", "illegal": "forbidden", "tolerated": "overlooked"},
    "action-agency": {"agency": "doing", "experience": "feeling"},
}  # fmt: skip
SHARES = (0.8, 0.9)  # [code] train, dev, test are 80, 10, 10
JUDGED = "action-moral-judgment"
LEVELS = tuple(DIMENSIONS[JUDGED].levels.values())


def grammar(situations: int, *, seed: int = 0) -> pl.DataFrame:
    """So many situations of three words with one rule each, in the columns of a loaded table: levels at random, split by situation.

    A rule opens with the first word of its situation; the five that follow are the attributes', in their order.

    >>> row = grammar(3, seed=0).row(0, named=True)
    >>> len(row["rule_text"].split()), row["rule_text"].split()[0] == row["words"].split()[0]
    (6, True)
    """
    most = len(WORDS) ** 3
    if not 1 <= situations <= most:
        raise UsageError(f"{situations} situations: the grammar has 1 to {most:,}")
    rng, every = substream(seed, "grammar"), list(product(WORDS, repeat=3))
    rows = []
    for place, k in enumerate(rng.permutation(most)[:situations]):
        levels = {name: str(rng.choice(list(GRAMMAR[name]))) for name in ASKED["planted"]}
        said = [every[k][0], *(GRAMMAR[name][level] for name, level in levels.items())]
        split = "train" if place < SHARES[0] * situations else "dev" if place < SHARES[1] * situations else "test"
        rows.append({
            "area": "confessions", "split": split, "m": 1, "situation": f"s{place:04d}", "words": " ".join(every[k]), "rule": f"r{place:04d}",
            "rule_text": " ".join(said), "action_text": None, "author": f"a{place % 60:05d}", "annotator": f"a{60 + place % 40:05d}", **levels,
        })  # fmt: skip
    absent = {c: pl.String() for c in DIMENSIONS if c not in ASKED["planted"]}
    made = pl.DataFrame(rows, schema_overrides={"action_text": pl.String()})
    return made.with_columns(pl.lit(None, dtype).alias(c) for c, dtype in absent.items())


def vocabulary(table: pl.DataFrame) -> set[str]:
    """Every word that prompts and rules of the grammar are made of."""
    said = [*table["words"], *table["rule_text"]]
    return {w for text in said for w in text.split()} | {v for levels in GRAMMAR.values() for v in levels}


def annotations(rules: int, annotators: int, *, seed: int = 0) -> pl.DataFrame:
    """Breakdowns of so many further rules by the same annotators, their moral judgement drawn from a distribution of each rule's own."""
    rng = substream(seed, "annotations")
    shares = rng.dirichlet(np.full(len(LEVELS), 0.7), rules)  # ours: some rules are clear, some divide
    drawn = (rng.random((rules, annotators, 1)) > np.cumsum(shares, -1)[:, None, :-1]).sum(-1)
    rows = [
        (f"x{i:03d}", f"a{k:05d}", "{} {} {}".format(*(WORDS[int(w)] for w in _digits(i))), LEVELS[drawn[i, k]], annotators)
        for i in range(rules)
        for k in range(annotators)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["rule", "annotator", "action_text", JUDGED, "m"], orient="row")


def _digits(i: int) -> tuple[int, int, int]:
    n = len(WORDS)
    return i % n, i // n % n, i // n**2 % n


class Judge(NamedTuple):
    """A model whose distribution over levels is planted: for every prompt that holds a rule's action, that rule's."""

    name: str
    shares: dict[str, FloatArray]

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        raise UsageError(f"{self.name} writes nothing: it weighs levels")

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """The logarithm of each level's planted share; an impossible level is minus infinity."""
        with np.errstate(divide="ignore"):
            return [np.log(self.shares[chat[-1].text]).tolist() for chat in chats]
