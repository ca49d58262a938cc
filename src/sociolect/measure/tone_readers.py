"""Readers made of readers: several side by side, or one with its labels grouped into tones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sociolect.errors import InputError, UsageError
from sociolect.measure.pretrained import Reader, pretrained
from sociolect.measure.tone_labels import mapped
from sociolect.tones import TONES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Reading(NamedTuple):
    """What a reader says of n texts and k labels, each (n, k): probabilities, nan where it gives none.

    A judge also counts how often it was `asked`, `refused` and answered what is neither yes nor no (`unparsed`); `order` is
    the probability with yes named first less that with no named first. For other readers these are 0 and nan.
    """

    chance: Floats
    asked: Ints
    refused: Ints
    unparsed: Ints
    order: Floats


@runtime_checkable
class Beside(Protocol):
    """A reader that can be shown the post a text answers; null where there is none to show."""

    def beside(self, texts: Sequence[str], posts: Sequence[str | None]) -> Reading: ...


def called(reader: object) -> str:
    """What a reader is called in a message."""
    return str(getattr(reader, "name", type(reader).__name__.lower()))


def read(reader: Reader, texts: Sequence[str], posts: Sequence[str | None]) -> Reading:
    """What the reader says of the texts, with the posts beside them where it looks at posts at all.

    Raises InputError where it gives a number outside [0, 1], or not one per text and label; nan is no number given.
    """
    if isinstance(reader, Beside):
        found = reader.beside(texts, posts)
    else:
        chance = np.asarray(reader.probabilities(texts), dtype=np.float64)
        none = np.zeros(chance.shape, dtype=np.int64)
        found = Reading(chance, none, none, none, np.full(chance.shape, np.nan))
    due = (len(texts), len(reader.labels))
    if found.chance.shape != due:
        raise InputError(
            f"{called(reader)} gives numbers of shape {found.chance.shape}, not {due}: one per text and label"
        )
    with np.errstate(invalid="ignore"):
        odd = (found.chance < 0) | (found.chance > 1)
    if odd.any():
        faults = [
            f"{label}: {int(odd[:, k].sum())} of {len(texts)} (from {found.chance[odd[:, k], k].min():.4g} "
            f"to {found.chance[odd[:, k], k].max():.4g})"
            for k, label in enumerate(reader.labels)
            if odd[:, k].any()
        ]
        raise InputError(
            f"{called(reader)} gives numbers outside [0, 1]: {'; '.join(faults)}; a reader gives probabilities"
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Readers side by side. `parts` says for each label which reader gives it; `labels` are in the order of `TONES`, then others."""

    readers: Mapping[str, Reader]
    parts: Mapping[str, str]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.parts)

    @property
    def multi(self) -> bool:
        return True

    @property
    def name(self) -> str:
        return " + ".join(self.readers)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """How likely each label is for each text: (n, k) in the order of `labels`."""
        return self.beside(texts, [None] * len(texts)).chance

    def beside(self, texts: Sequence[str], posts: Sequence[str | None]) -> Reading:
        """The same, with the posts shown to the readers that look at posts."""
        used = {name: read(self.readers[name], texts, posts) for name in dict.fromkeys(self.parts.values())}
        place = [(used[n], self.readers[n].labels.index(label)) for label, n in self.parts.items()]
        return Reading(
            chance=np.stack([one.chance[:, k] for one, k in place], axis=1),
            asked=np.stack([one.asked[:, k] for one, k in place], axis=1),
            refused=np.stack([one.refused[:, k] for one, k in place], axis=1),
            unparsed=np.stack([one.unparsed[:, k] for one, k in place], axis=1),
            order=np.stack([one.order[:, k] for one, k in place], axis=1),
        )


def joined(readers: Mapping[str, Reader], *, take: Mapping[str, str] | None = None) -> Joined:
    """Readers side by side, as one whose labels are all of theirs: each from the table that has it.

    A table that lacks a tone says nothing about it, so tables are not stacked: a reader is trained on each, then they are
    joined. `take` says which reader gives a label that several have ({"emotional_support": "offmychest"}).
    Raises UsageError where it does not, or names a reader or label that is not there.
    """
    have: dict[str, list[str]] = {}
    for name, reader in readers.items():
        for label in reader.labels:
            have.setdefault(label, []).append(name)
    take = dict(take or {})
    faults = [] if readers else ["there are no readers to join"]
    faults += [
        f"take gives {label} to {name}; it is given by: {', '.join(have.get(label, [])) or 'none'}"
        for label, name in take.items()
        if name not in have.get(label, [])
    ]
    faults += [
        f"{label} is given by {' and '.join(names)}: say which in take={{{label!r}: ...}}"
        for label, names in have.items()
        if len(names) > 1 and label not in take
    ]
    if faults:
        raise UsageError("; ".join(faults))
    order = [*(t for t in TONES if t in have), *(v for v in have if v not in TONES)]
    return Joined(dict(readers), {label: take.get(label, have[label][0]) for label in order})


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """A reader whose labels are grouped: `members` holds the places of each new label's old ones."""

    reader: Reader
    members: Mapping[str, tuple[int, ...]]
    how: Literal["any", "max"]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.members)

    @property
    def multi(self) -> bool:
        return True

    @property
    def name(self) -> str:
        return called(self.reader)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """How likely each new label is for each text: (n, k) in the order of `labels`."""
        old = np.asarray(self.reader.probabilities(texts), dtype=np.float64)
        parts = [old[:, list(places)] for places in self.members.values()]
        if self.how == "max":
            new = [p.max(1) for p in parts]
        elif self.reader.multi:
            # one label passes through untouched: 1 - (1 - p) would lose digits of a small p
            new = [p[:, 0] if p.shape[1] == 1 else -np.expm1(np.log1p(-np.minimum(p, 1)).sum(1)) for p in _open(parts)]
        else:
            new = [np.minimum(p.sum(1), 1) for p in parts]  # a sum of a softmax's cells ends a rounding above 1
        return np.stack(new, axis=1)


def _open(parts: Sequence[Floats]) -> list[Floats]:
    """The cells with a certain 1 drawn in by a hair where they are combined, so that its logarithm is finite."""
    return [p if p.shape[1] == 1 else np.where(p == 1, 1 - 1e-16, p) for p in parts]


def grouped(reader: Reader, labels: str | Mapping[str, str | None], *, how: Literal["any", "max"] = "any") -> Grouped:
    """The reader with its labels grouped into tones by a mapping, or by a data set of the shipped table (`tone_labels`).

    Several labels of one tone come to the probability that at least one holds: 1 - prod(1 - p) where each label is a
    sigmoid of its own (as if independent given the text), their sum where all share one softmax (they exclude each other).
    `how="max"` takes the likeliest of them, a lower bound on either. A label mapped to null has no tone.
    Raises UsageError for a label the mapping does not know, one that is none of the reader's, or a tone that is none of the eight.

    >>> from types import SimpleNamespace
    >>> mood = SimpleNamespace(labels=("fear", "joy", "nervousness"), multi=True, probabilities=lambda t: np.array([[0.5, 0.1, 0.2]]))
    >>> grouped(mood, {"fear": "worried", "nervousness": "worried", "joy": None}).probabilities(["eek"]).round(6).tolist()
    [[0.6]]
    """
    told = mapped(labels)
    faults = [f"how is {how!r}, not any or max"] if how not in {"any", "max"} else []
    if strange := [v for v in reader.labels if v not in told]:
        faults.append(f"no tone is said for {', '.join(strange)}; map a label without a tone to None")
    # a shipped table lists every label its data set has; a reader may know fewer
    if not isinstance(labels, str) and (odd := [v for v in told if v not in reader.labels]):
        faults.append(f"{', '.join(odd)} are no labels of {called(reader)}; its labels are: {', '.join(reader.labels)}")
    members = {t: tuple(k for k, v in enumerate(reader.labels) if told.get(v) == t) for t in TONES}
    if not faults and not any(members.values()):
        faults.append(f"no label of {called(reader)} has a tone")
    if faults:
        raise UsageError("; ".join(faults))
    return Grouped(reader, {t: places for t, places in members.items() if places}, how)


def tone_model(
    name: str | Path,
    labels: str | Mapping[str, str | None] = "goemotions",
    *,
    how: Literal["any", "max"] = "any",
    **opening: Any,
) -> Grouped:
    """Any Hugging Face text classifier by its hub id or folder, its labels grouped into tones (`grouped`).

    `opening` goes to `measure.pretrained.pretrained` (rename, multi, tokens, batch, threads, device).
    """
    return grouped(pretrained(name, **opening), labels, how=how)
