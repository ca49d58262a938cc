"""A model whose every leaning is known: it mirrors the post's tone and reacts to the facts that its prompt states."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from sociolect import tones
from sociolect.errors import InputError, ModelError, UsageError
from sociolect.frames import Replies
from sociolect.load.planted_pairs import CLOSENESS, EFFECT_SD, GENDERS, NOISE_SD, POST_SD, social_terms
from sociolect.load.planted_pairs_words import SOCIAL, TRUTH
from sociolect.models.model import Chat, streams
from sociolect.systems.studies.relationship_alignment.comment_words import written
from sociolect.systems.studies.relationship_alignment.wordings import (
    FACT,
    MARKER,
    QUOTE,
    VARIABLES,
    fact,
    quoted,
    reader,
    values,
)
from sociolect.text import words as words_of

Floats = npt.NDArray[np.float64]
THOUGHT = "They have read the post, and answer it in their own way."
_AT_ONCE = 4096
NOISE = round(float(np.hypot(EFFECT_SD, NOISE_SD)), 3)  # a comment varies as much as a planted person's


@dataclass(frozen=True, slots=True, eq=False)
class Commenter:
    """A scripted commenter: words of the eight tones among plain ones, by a log-linear model whose parameters are these.

    The log of the share of a tone's words is `intercept + mirror x people's mirror x (the post's log rate, as its words tell
    it) + kappa x people's social terms of the facts stated + N(0, noise)`, with the coefficients of `planted_pairs_words.TRUTH`;
    so `kappa` is the ratio of its reaction to people's. A fact that is not stated counts for nothing. `blind` overlooks all
    facts. `cue` counts where no fact is stated: the share of the post's `read_off` effects (`commenter`) that it reads off
    the post. `heeds` are further sentences it reacts to, with the log effect on each tone: `fact("shared_history", "true")`.
    """

    name: str
    mirror: float = 1.0
    kappa: float = 1.0
    noise: float = 0.3
    cue: float = 0.0
    blind: bool = False
    heeds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    read_off: Mapping[str, tuple[float, ...]] = field(default_factory=dict, repr=False)

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """One comment per chat, of 60 to 90 words; `tokens` counts words, and cuts. Temperature and top-p change nothing.

        A prompt that asks to think first (a marker COMMENT: outside the post) gets a thought, the marker and the comment.
        """
        asked = list(dict.fromkeys(chats))
        rates, thinks = self._rates([chat[-1].text for chat in asked])
        place = {chat: i for i, chat in enumerate(asked)}
        at = np.array([place[chat] for chat in chats], dtype=np.int64)
        stream = np.array(streams(chats, seed), dtype=np.uint64)
        said: list[str] = []
        for start in range(0, len(at), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            said += written(rates[at[some]], stream[some], self.noise)
        said = [f"{THOUGHT}\n{MARKER} {t}" if thinks[i] else t for t, i in zip(said, at, strict=True)]
        return [t if t.count(" ") < tokens else " ".join(t.split()[:tokens]) for t in said]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """Raises ModelError: it writes comments, and weighs nothing."""
        raise ModelError(f"{self.name} writes comments in free text; it has no probabilities of options")

    def _rates(self, prompts: Sequence[str]) -> tuple[Floats, list[bool]]:
        """The log rate of each tone after each prompt (n, 8), and whether the prompt asks to think first."""
        seen = [_read(prompt) for prompt in prompts]
        facts = {v: [known.get(v) for _, known, _, _ in seen] for v in VARIABLES}
        social = _effects(facts)
        heard = np.zeros_like(social)
        for i, (post, known, others, _) in enumerate(seen):
            for sentence in others:
                heard[i] += [self.heeds.get(sentence, {}).get(tone, 0.0) for tone in tones.TONES]
            if self.cue and not known:
                heard[i] += self.cue * np.asarray(self.read_off.get(post, 0.0))
        posts = {post: _post_tone(post) for post in dict.fromkeys(post for post, *_ in seen)}
        mirrored = np.array([posts[post] for post, *_ in seen]).reshape(-1, len(tones.TONES))
        told = 0.0 if self.blind else self.kappa * social + heard
        base = np.array([TRUTH[t]["intercept"] for t in tones.TONES])
        echo = self.mirror * np.array([TRUTH[t]["mirror"] for t in tones.TONES])
        return base + echo * mirrored + told, [thinks for *_, thinks in seen]


def commenter(
    *,
    mirror: float = 1.0,
    kappa: float = 1.0,
    noise: float = NOISE,
    cue: float = 0.0,
    blind: bool = False,
    heeds: Mapping[str, Mapping[str, float]] | None = None,
    pairs: Replies | None = None,
    name: str = "scripted/commenter",
) -> Commenter:
    """A scripted commenter; without keywords it reacts as planted people do, and its comments vary as much as theirs.

    kappa 2 over-reacts to what it is told, `blind=True` is told in vain. With `cue` it knows of each post what the planted
    words do not tell: the mean social effect of those who commented on it, out of `pairs` (all of whose commenters it never
    sees apart: what it reads off a post lies between posts).

    Raises UsageError for a keyword out of its range, or a cue without pairs.

    >>> from sociolect.models.model import user
    >>> said = commenter().generate([user("> Thanks, thank you!")] * 2, seed=1)
    >>> [60 <= len(t.split()) <= 90 for t in said], said[0] != said[1]
    ([True, True], True)
    """
    faults = [
        f"{knob}={value} is not {low} to {high}"
        for knob, value, low, high in (
            ("mirror", mirror, -2, 4), ("kappa", kappa, -5, 5), ("noise", noise, 0, 2), ("cue", cue, -5, 5),
        )
        if not low <= value <= high
    ]  # fmt: skip
    faults += ["a cue is read off posts: give pairs="] * (cue != 0 and pairs is None)
    odd = sorted({t for said in (heeds or {}).values() for t in said} - {*tones.TONES})
    faults += [f"heeds names {', '.join(odd)}: due are {', '.join(tones.TONES)}"] * bool(odd)
    if faults:
        raise UsageError("this commenter cannot be: " + "; ".join(faults))
    known = _read_off(pairs) if pairs is not None and cue else {}
    return Commenter(name, mirror, kappa, noise, cue, blind, dict(heeds or {}), known)


def _read_off(pairs: Replies) -> dict[str, tuple[float, ...]]:
    """By post, as a prompt quotes it, the mean social effect on each tone of those who commented on it."""
    if "post_text" not in pairs.columns:
        raise InputError("column 'post_text' is missing: a cue is read off posts")
    rows = pairs.sort("item")
    effects = _effects(values(rows))
    posts = rows["post_text"].to_list()
    where = {post: i for i, post in enumerate(dict.fromkeys(posts))}
    at = np.array([where[post] for post in posts])
    total = np.zeros((len(where), effects.shape[1]))
    np.add.at(total, at, effects)
    mean = total / np.bincount(at)[:, None]
    return {quoted(post): tuple(map(float, mean[i])) for post, i in where.items()}


def _effects(facts: Mapping[str, Sequence[str | None]]) -> Floats:
    """People's social terms on the log rate of each tone (n, 8); what is unknown counts for nothing, alone and in a product."""
    place = {g: i for i, g in enumerate(GENDERS)} | {c: i for i, c in enumerate(CLOSENESS)}
    neutral = GENDERS.index("other")  # it has no term of its own
    gender, poster = (
        np.array([neutral if v is None else place[v] for v in facts[f"{who}_gender"]], dtype=np.int64)
        for who in ("commenter", "poster")
    )
    age, older = (
        np.array([np.nan if v is None else float(v) for v in facts[f"{who}_age"]]) for who in ("commenter", "poster")
    )
    near = np.array([0 if v is None else place[v] for v in facts["closeness"]], dtype=np.int64)
    design = np.nan_to_num(social_terms(gender, poster, age, older, near), nan=0.0)
    return np.asarray(design @ np.array([[TRUTH[t][term] for t in tones.TONES] for term in SOCIAL]))


@cache
def _ages() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (v, re.compile(re.escape(fact(v, "#")).replace(re.escape("#"), r"(\d+)")))
        for v in ("commenter_age", "poster_age")
    )


def _read(prompt: str) -> tuple[str, dict[str, str], list[str], bool]:
    """The post as quoted, the facts of the five variables, the other sentences told, and whether a thought is due."""
    lines = prompt.splitlines()
    post = "\n".join(line for line in lines if line.startswith(QUOTE))
    known, others = {}, []
    for line in lines:
        if not line.startswith(FACT):
            continue
        told = line.removeprefix(FACT)
        found = reader().get(told) or next(((v, m[1]) for v, p in _ages() if (m := p.fullmatch(told))), None)
        if found:
            known[found[0]] = found[1]
        else:
            others.append(told)
    return post, known, others, any(MARKER in line for line in lines if not line.startswith((QUOTE, FACT)))


@lru_cache(maxsize=65_536)  # every condition asks about the same posts
def _post_tone(post: str) -> Floats:
    """The log of how much more of each tone's words a post holds than posts do on average.

    Gamma-Poisson: the rate's ratio to its mean has the spread of planted posts, so that a short post is not taken at its word.
    """
    shape = 1 / (np.exp(POST_SD**2) - 1)
    said = words_of(post)
    hits = Counter(_toned().get(word) for word in said)
    due = np.exp([TRUTH[t]["intercept"] for t in tones.TONES]) * np.exp(POST_SD**2 / 2) * len(said)
    counts = np.array([hits[t] for t in tones.TONES])
    # the mean of rates whose logs spread by .5 lies above the rate at the mean log
    return np.asarray(np.log((shape + counts) / (shape + due)) + POST_SD**2 / 2)


@cache
def _toned() -> dict[str, str]:
    return {word: tone for tone, said in tones.words().items() for word in said}
