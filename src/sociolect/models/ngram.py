"""A word model that counts: it weighs and writes in milliseconds, and stands for nothing cleverer."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log

import numpy as np

from sociolect.errors import InputError, UsageError
from sociolect.models.model import Chat, streams
from sociolect.text import clean

START, END, RARE = "\x02", "\x03", "\x1a"
_TOKEN = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_OPEN = frozenset("([{“‘#@$£€")
_SHUT = frozenset(".,;:!?)]}”’%…")

History = tuple[str, ...]


def tokens(text: str) -> list[str]:
    """The words and marks of a text, in its own case.

    >>> tokens("It's fine, (really)!")
    ["It's", 'fine', ',', '(', 'really', ')', '!']
    """
    return _TOKEN.findall(clean(text))


def join(words: Sequence[str]) -> str:
    """Words and marks as running text.

    >>> join(["Fine", ",", "(", "really", ")", "!"])
    'Fine, (really)!'
    """
    tight = [a in _OPEN or b in _SHUT for a, b in pairwise(words)]
    return "".join(w if t else f"{w} " for w, t in zip(words, [*tight, True], strict=True))


@dataclass(frozen=True, slots=True)
class Ngram:
    """An interpolated word model with Witten-Bell smoothing; posts in a prompt are a second model, mixed in (`cache`).

    p(w | h) = (c(h, w) + t(h) p(w | h')) / (c(h) + t(h)), where t(h) is how many different words followed h and h' is h
    without its first word (Witten and Bell 1991; Chen and Goodman 1999, Eq. 17). Below the single words lies the uniform
    distribution over the vocabulary and one place for every word it has never met.
    """

    name: str
    order: int
    counts: Mapping[History, Counter[str]]
    vocabulary: tuple[str, ...]
    cache: float = 0.3

    def chance(self, word: str, history: Sequence[str]) -> float:
        """The probability of the next word; an unknown word has the share of `RARE`."""
        known = (RARE,) in self.counts[()] or word in self.counts[()]
        return self._chance(word if known else RARE, tuple(history)[-(self.order - 1) :] if self.order > 1 else ())

    def _chance(self, word: str, history: History) -> float:
        below = 1 / (len(self.vocabulary) + 1) if not history else self._chance(word, history[1:])
        seen = self.counts.get(history)
        if not seen:
            return below
        kinds = len(seen)
        return (seen[word] + kinds * below) / (seen.total() + kinds)
