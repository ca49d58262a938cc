"""Who answers at tiny: respondents with one planted habit each, countries' voices, and a word model that reads no question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from sociolect.frames import Items
from sociolect.models.model import Chat, Model
from sociolect.models.ngram import ngram
from sociolect.models.respondent import Question, Respondent
from sociolect.seeds import substream
from sociolect.systems.studies.randomness_not_representation.load import expected

SURE = 1e4  # a slope at which an answer is all but certain
POSITION, HALF = 0.3, 0.5  # planted: a pull of the first place; the part of countries' spread that is kept
HEARD = 40  # answers a country and item that the word model is made of


def habits(items: Items, *, seed: int = 0) -> dict[str, Model]:
    """Players of arm A: steady never changes its mind, first takes the first option in 3 of 10, moody wavers, the rest as named."""
    drawn = substream(seed, "views").uniform(-1.5, 1.5, items.height)
    views = dict(zip(items["item"].sort().to_list(), map(float, drawn), strict=True))
    known = _known(items, views)
    return {
        "steady": Respondent("planted/steady", known, sharpness=SURE),
        "first": Respondent("planted/first", known, sharpness=SURE, position=POSITION, end="first"),
        "moody": Respondent("planted/moody", known, refusal=0.02, mumble=0.02),
        "agreeable": Respondent("planted/agreeable", known, acquiescence=1.5),
        "random": Respondent("planted/random", known, noise=1.0),
    }


def voices(items: Items, people: pl.DataFrame, *, share: float = 1.0, name: str = "faithful", mixed: bool = False, seed: int = 0) -> dict[str, Model]:  # fmt: skip
    """A respondent per country whose mean answers keep `share` of the country's distance from the mean of all countries.

    With `mixed` each country speaks with another one's voice. An item that a country has no mean of is answered at that of all.
    """
    means = people.filter(pl.col("value").is_not_null()).sort("item", "community")
    centre = dict(means.group_by("item", maintain_order=True).agg(pl.col("value").mean()).iter_rows())
    own = {(i, c): v for i, c, v in means.select("item", "community", "value").iter_rows()}
    size = dict(items.select("item", pl.col("options").list.len()).iter_rows())
    countries = sorted(people["community"].unique())
    order = substream(seed, "mixed").permutation(len(countries)) if mixed else np.arange(len(countries))
    out: dict[str, Model] = {}
    for c, other in zip(countries, (countries[i] for i in order), strict=True):
        views = {i: leaning(size[i], m + share * (own.get((i, other), m) - m)) for i, m in centre.items() if i in size}
        out[c] = Respondent(f"planted/{name}", _known(items, views))
    return out


def word_models(items: Items, people: pl.DataFrame, *, seed: int = 0) -> dict[str, Model]:
    """A word model per country, made of what its people answer in words: it reads no question, and knows no labels."""
    out: dict[str, Model] = {}
    for country, voice in voices(items, people).items():
        said = []
        for item, prompt, options in items.sort("item").select("item", "prompt", "options").iter_rows():
            p = voice.distribution(prompt + "\n" + "\n".join(f"- {o}" for o in options))  # type: ignore[attr-defined]  # voices are respondents
            drawn = substream(seed, "heard", country, item).choice(len(options), HEARD, p=[p[o] for o in options])
            said += [options[i] for i in drawn]
        out[country] = ngram(said, name="ngram/answers")
    return out


@dataclass(frozen=True, slots=True)
class Swayed:
    """A model that answers as one respondent, and as another one where the prompt holds some words."""

    name: str
    plain: Model
    moved: Model
    by: str

    def generate(self, chats: Sequence[Chat], **how: Any) -> list[str]:
        """Each chat answered by the one or the other."""
        moved = [self._is(chat) for chat in chats]
        said = [iter(m.generate([c for c, f in zip(chats, moved, strict=True) if f is kind], **how)) for kind, m in ((False, self.plain), (True, self.moved))]  # fmt: skip
        return [next(said[kind]) for kind in moved]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """Likewise."""
        pairs = zip(chats, options, strict=True)
        return [(self.moved if self._is(c) else self.plain).logprobs([c], [o])[0] for c, o in pairs]

    def _is(self, chat: Chat) -> bool:
        return any(self.by in message.text for message in chat)


@cache
def _grid(k: int) -> tuple[np.ndarray, np.ndarray]:
    at = np.linspace(-12, 12, 241)
    return np.array([expected(k, float(e)) for e in at]), at


def leaning(k: int, mean: float) -> float:
    """The leaning, in logits, at which answers to a question with k options have this mean.

    >>> round(expected(4, leaning(4, 0.7)), 2)
    0.7
    """
    return float(np.interp(mean, *_grid(k)))


def _known(items: Items, views: Mapping[str, float]) -> dict[str, Question]:
    return {
        prompt: Question({w: float(j) for j, w in enumerate(options)}, loading=0.0, easiness=views[item])
        for item, prompt, options in items.select("item", "prompt", "options").iter_rows()
        if item in views
    }
