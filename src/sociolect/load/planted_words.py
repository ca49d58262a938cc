"""How the people of a planted society speak: dialects first, then sentences."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.seeds import substream

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

EMOTIONS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
_EMOTION_BASE = (0.13, 0.09, 0.12, 0.20, 0.13, 0.09, 0.24)
_TOXIC = (0.02, 0.25)  # the mildest and the rudest community at strength 1
_TOXIC_BASE = 0.10
_SPREAD = {"words": 1.15, "topic": 0.7, "emotion": 0.6, "order": 1.2}  # of the logits, at strength 1
_UNSAID = 0.05  # how often a feeling is not put into words


@cache
def lexicon() -> dict[str, Any]:
    """The words of the planted society, as `planted.toml` has them."""
    return tomllib.loads((Path(__file__).parent / "planted.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Dialects:
    """What each community prefers: one row a community, and each row of a table sums to 1."""

    topic: Floats
    emotion: Floats
    toxic: Floats
    adverb_first: Floats
    feeling_first: Floats
    words: dict[str, Floats]


def dialects(communities: int, *, strength: float, seed: int) -> Dialects:
    """The preferences of each community; all alike at strength 0.

    >>> dialects(2, strength=0.0, seed=1).toxic.round(2).tolist()
    [0.1, 0.1]
    """
    said = lexicon()

    def prefer(name: str, base: Floats, spread: float) -> Floats:
        logit = np.log(base) + strength * spread * substream(seed, "dialect", name).normal(
            size=(communities, len(base))
        )
        odds = np.exp(logit - logit.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def first(name: str) -> Floats:
        return _logistic(strength * _SPREAD["order"] * substream(seed, "order", name).normal(size=communities))

    rates = substream(seed, "toxic").permutation(np.linspace(*_TOXIC, communities))
    middle = _logit(np.array(_TOXIC_BASE))
    return Dialects(
        topic=prefer("topic", np.ones(len(said["topics"])), _SPREAD["topic"]),
        emotion=prefer("emotion", np.array(_EMOTION_BASE), _SPREAD["emotion"]),
        toxic=_logistic(middle + strength * (_logit(rates) - middle)),
        adverb_first=first("adverb"),
        feeling_first=first("feeling"),
        words={slot: prefer(slot, np.ones(len(w)), _SPREAD["words"]) for slot, w in said["synonyms"].items()},
    )


def beside(first: Dialects, second: Dialects) -> Dialects:
    """Two tables of dialects in one: community c of the second stands in row c + C.

    >>> beside(dialects(2, strength=1.0, seed=1), dialects(2, strength=1.0, seed=2)).toxic.shape
    (4,)
    """
    both = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("topic", "emotion", "toxic", "adverb_first", "feeling_first")
    }
    return Dialects(**both, words={slot: np.concatenate([w, second.words[slot]]) for slot, w in first.words.items()})


def draw(shares: Floats, rows: Ints, rng: np.random.Generator) -> Ints:
    """One choice for each row, out of the shares of the community that the row names."""
    ends = np.cumsum(shares, axis=1)[:, :-1]
    at = rng.random(len(rows))
    out = np.zeros(len(rows), dtype=np.int64)
    for end in ends.T:
        out += at > end[rows]
    return out


def sentences(
    spoken: Dialects,
    *,
    home: Ints,
    person: Ints,
    topic: Ints,
    emotion: Ints,
    toxic: Bools,
    habit: float,
    rng: np.random.Generator,
    of: Ints | None = None,
) -> pl.Series:
    """One sentence for each post. `home` has one entry a person, the others one a post.

    With probability `habit` a word is the author's pet among its synonyms, else a new choice of the community's: of the
    dialect `of` where it is given, else of the author's home.
    """
    said, n, of = lexicon(), len(person), home[person] if of is None else of
    pets = {slot: draw(shares, home, rng) for slot, shares in spoken.words.items()}

    def word(slot: str, rows: Ints) -> pl.Series:
        anew = draw(spoken.words[slot], of[rows], rng)
        pet = rng.random(len(rows)) < habit
        return pick(said["synonyms"][slot], np.where(pet, pets[slot][person[rows]], anew))

    def main(slot: str, rows: Ints) -> pl.Series:
        if slot == "t":
            return pick(list(said["topics"]), topic[rows])
        if slot == "o":
            return _one_of(list(said["topics"].values()), topic[rows], rng)
        return word(slot, rows)

    def mood(_: str, rows: Ints) -> pl.Series:
        return _one_of([said["emotions"][e] for e in EMOTIONS], emotion[rows], rng)

    feelings = [*said["feelings"], said["unsaid"]]
    felt = np.where(rng.random(n) < _UNSAID, len(feelings) - 1, rng.integers(len(feelings) - 1, size=n))
    insults = ["", *(f", {phrase}" for phrase in said["insults"]["phrases"])]
    parts = {
        "main": _written(said["frames"], rng.integers(len(said["frames"]), size=n), main),
        "mood": _written(feelings, felt, mood),
        "insult": pick(insults, np.where(toxic, rng.integers(1, len(insults), size=n), 0)),
        "adverb": word("adverb", np.arange(n)),
        "early": rng.random(n) < spoken.adverb_first[of],
        "feeling": rng.random(n) < spoken.feeling_first[of],
    }
    comma, none = pl.lit(", "), pl.lit("")
    order = (
        pl.when("early").then(pl.concat_str("adverb", comma)).otherwise(none),
        pl.when("feeling").then("mood").otherwise("main"),
        comma,
        pl.when("feeling").then("main").otherwise("mood"),
        "insult",
        pl.when("early").then(none).otherwise(pl.concat_str(comma, "adverb")),
        pl.lit("."),
    )
    return pl.DataFrame(parts).select(text=pl.concat_str(*order))["text"]


def pick(choices: list[str], at: Ints) -> pl.Series:
    """The choice at each place, as a column of text."""
    return pl.Series(choices, dtype=pl.String).gather(at)


def _one_of(lists: list[list[str]], which: Ints, rng: np.random.Generator) -> pl.Series:
    """A word at random out of the list that each row names; the lists are equally long."""
    width = len(lists[0])
    return pick([word for words in lists for word in words], which * width + rng.integers(width, size=len(which)))


def _written(patterns: list[str], which: Ints, fill: Callable[[str, Ints], pl.Series]) -> pl.Series:
    """Each row's pattern with its braces filled: a loop over patterns, never over rows."""
    order, texts = np.argsort(which, kind="stable"), []
    for i, pattern in enumerate(patterns):
        rows = order[slice(*np.searchsorted(which[order], [i, i + 1]))]
        parts = [part for part in re.split(r"(\{\w+\})", pattern) if part]
        columns = [pl.lit(fill(part[1:-1], rows) if part[0] == "{" else part) for part in parts]
        texts.append(pl.DataFrame({"row": rows}).with_columns(text=pl.concat_str(columns))["text"])
    back = np.empty(len(which), dtype=np.int64)
    back[order] = np.arange(len(which))
    return pl.concat(texts).gather(back)


def _logit(p: Floats) -> Floats:
    return np.asarray(np.log(p / (1 - p)))


def _logistic(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))
