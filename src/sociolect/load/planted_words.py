"""How the people of a planted society speak: dialects first, then sentences."""

import re
import tomllib
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
_SPREAD = {"words": 1.25, "topic": 0.7, "emotion": 0.6, "order": 1.2}  # of the logits, at strength 1
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
        logit = np.log(base) + strength * spread * substream(seed, "dialect", name).normal(size=(communities, len(base)))
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
) -> pl.Series:
    """One sentence for each post. `home` is the community of each person; the others have one entry a post.

    With probability `habit` a word is the author's pet among its synonyms, else a new choice of the community's.
    """
    said = lexicon()
    n = len(person)
    of = home[person]
    pets = {slot: draw(shares, home, rng) for slot, shares in spoken.words.items()}

    def word(slot: str, rows: Ints) -> pl.Series:
        choice = draw(spoken.words[slot], of[rows], rng)
        mine = rng.random(len(rows)) < habit
        return pick(said["synonyms"][slot], np.where(mine, pets[slot][person[rows]], choice))

    objects = np.array(list(said["topics"].values()))
    names = list(said["topics"])

    def fill(slot: str, rows: Ints) -> pl.Series:
        if slot == "t":
            return pick(names, topic[rows])
        if slot == "o":
            return pick(
                objects.ravel().tolist(), topic[rows] * objects.shape[1] + rng.integers(objects.shape[1], size=len(rows))
            )
        return word(slot, rows)

    frame = rng.integers(len(said["frames"]), size=n)
    main = _scatter(n, [(rows := np.flatnonzero(frame == f), _fill(p, rows, fill)) for f, p in enumerate(said["frames"])])

    feel = np.array([said["emotions"][e] for e in EMOTIONS])
    pattern = rng.integers(len(said["feelings"]), size=n)
    pattern[rng.random(n) < _UNSAID] = len(said["feelings"])

    def felt(_: str, rows: Ints) -> pl.Series:
        at = emotion[rows] * feel.shape[1] + rng.integers(feel.shape[1], size=len(rows))
        return pick(feel.ravel().tolist(), at)

    patterns = [*said["feelings"], said["unsaid"]]
    mood = _scatter(n, [(rows := np.flatnonzero(pattern == f), _fill(p, rows, felt)) for f, p in enumerate(patterns)])

    everyone = np.arange(n)
    insults = [f", {phrase}" for phrase in said["insults"]["phrases"]]
    insult = pick(["", *insults], np.where(toxic, 1 + rng.integers(len(insults), size=n), 0))
    return pl.DataFrame(
        {
            "main": main,
            "mood": mood,
            "insult": insult,
            "adverb": word("adverb", everyone),
            "early": rng.random(n) < spoken.adverb_first[of],
            "feeling": rng.random(n) < spoken.feeling_first[of],
        }
    ).select(
        pl.concat_str(
            pl.when("early").then(pl.concat_str("adverb", pl.lit(", "))).otherwise(pl.lit("")),
            pl.when("feeling").then("mood").otherwise("main"),
            pl.lit(", "),
            pl.when("feeling").then("main").otherwise("mood"),
            "insult",
            pl.when("early").then(pl.lit(".")).otherwise(pl.concat_str(pl.lit(", "), "adverb", pl.lit("."))),
        ).alias("text")
    )["text"]


def pick(choices: list[str], at: Ints) -> pl.Series:
    """The choice at each place, as a column of text."""
    return pl.Series(choices, dtype=pl.String).gather(pl.Series(at))


def _fill(pattern: str, rows: Ints, fill: Any) -> pl.Series:
    parts = [p for p in re.split(r"(\{\w+\})", pattern) if p]
    columns = [fill(p[1:-1], rows).alias(str(i)) if p[0] == "{" else pl.lit(p) for i, p in enumerate(parts)]
    if all(isinstance(c, pl.Expr) for c in columns):
        return pl.repeat(pattern, len(rows), dtype=pl.String, eager=True)
    table = pl.DataFrame([c for c in columns if isinstance(c, pl.Series)])
    return table.select(pl.concat_str(c if isinstance(c, pl.Expr) else pl.col(c.name) for c in columns).alias("text"))["text"]


def _scatter(n: int, parts: list[tuple[Ints, pl.Series]]) -> pl.Series:
    """The parts, each row back in its place."""
    at = np.concatenate([rows for rows, _ in parts])
    back = np.empty(n, dtype=np.int64)
    back[at] = np.arange(n)
    return pl.concat([texts for _, texts in parts]).gather(pl.Series(back))


def _logit(p: Floats) -> Floats:
    return np.asarray(np.log(p / (1 - p)))


def _logistic(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))
