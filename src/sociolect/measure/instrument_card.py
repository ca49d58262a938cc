"""What a questionnaire is, as values: its options, items, subscales, rules, cut-offs and norms, once the card has been checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sociolect.measure.rules import Expression


@dataclass(frozen=True, slots=True)
class Options:
    """The answers an item offers, in published order; `score` is empty where they have none."""

    name: str
    ids: tuple[str, ...]
    score: tuple[float, ...]
    direction: Literal["up", "down", "none"]  # whether scores rise along the published order; none: nominal
    wording: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `scores` holds a score per option id as it counts, after the key; `low` and `high` are its range."""

    id: str
    wording: str
    facet: str | None
    options: Options | None  # None: answered with a number
    key: int
    scores: Mapping[str, float]
    unit: str | None
    low: float | None
    high: float | None
    follows: str | None
    scored: bool

    @property
    def answer(self) -> Literal["choice", "number"]:
        return "number" if self.options is None else "choice"

    @property
    def sign(self) -> int | None:
        """The key where the item counts in a subscale and its options rise or fall; else None."""
        nominal = self.options is not None and self.options.direction == "none"
        return None if nominal or not self.scored else self.key


@dataclass(frozen=True, slots=True)
class Subscale:
    """Items that make one number; where answers are missing, `policy` and its `limit` say what is done."""

    id: str
    items: tuple[str, ...]
    how: str  # sum, mean, range_mean, centred_mean
    policy: str  # null, mean_if, median_if, drop_if
    limit: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Cutoff:
    """A threshold somebody published: printed with its population and source, never applied to a person."""

    subscale: str
    value: float
    operator: str
    label: str
    population: str
    source: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A criterion as the card writes it, and as it was understood."""

    id: str
    when: str
    source: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Norm:
    """What a subscale was in a group of people."""

    subscale: str
    group: str
    mean: float
    sd: float
    n: int
    source: str
    licence: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """A card that holds together. `text_hash` is the SHA-256 of the wording's file; None where it is placeholders."""

    id: str
    title: str
    version: str
    language: str
    period: str
    population: str
    citation: str
    licence: str
    status: str
    text_bundled: bool
    sensitive: bool
    withheld: tuple[str, ...]
    options: tuple[Options, ...]
    items: tuple[Item, ...]
    subscales: tuple[Subscale, ...]
    cutoffs: tuple[Cutoff, ...]
    rules: tuple[Rule, ...]
    norms: tuple[Norm, ...]
    instruction: str | None
    paraphrases: Mapping[str, Mapping[str, str]]
    text_hash: str | None
