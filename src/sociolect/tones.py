"""The eight tones of a comment, and the words by which a built-in lexicon knows them: planted texts are made of the same."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

# arXiv 2410.01708 names eight tones; the ids are ours. Tables, tests and pages keep this order.
TONES: tuple[str, ...] = (
    "surprised", "funny", "insult", "emotional_support", "self_disclosure", "worried", "thankful", "relaxed",
)  # fmt: skip


@cache
def words() -> Mapping[str, tuple[str, ...]]:
    """The words of each tone, in the order of `TONES`; lower-cased, no word in two tones, none so common that it tells nothing.

    The list is our own (`tones.csv`: tone, word). It is English and short: it tells a planted tone, and is a first look
    at real text, no more.

    >>> len(words()), all(len(w) >= 25 for w in words().values())
    (8, True)
    >>> words()["thankful"][:2]
    ('thank', 'thanks')
    """
    told = files("sociolect").joinpath("tones.csv").read_text(encoding="utf-8")
    listed = [(row["tone"], row["word"]) for row in csv.DictReader(told.splitlines())]
    return MappingProxyType({tone: tuple(word for of, word in listed if of == tone) for tone in TONES})
