"""A respondent whose every leaning is known: it reads the question it is shown and answers as a biased person or model might."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import fsum
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sociolect.errors import ModelError
from sociolect.models.model import Chat, streams
from sociolect.models.scripted import REFUSAL

FloatArray = npt.NDArray[np.float64]
MUMBLES = ("It depends.", "Hard to say.", "A bit of everything.")
# ours: the forms in which a choice is said: half of the time the first, the bare label or words that `logprobs` is asked for
LABELLED = (
    "{label}",
    "{label}.",
    "({label})",
    "{label}. {words}",
    "{words}",
    "Answer: {label}",
    "I would choose {label}.",
)
WORDED = ("{words}", "{words}.", "My answer is {words}.", "I would say {words}.")
COUNTED = ("{number}", "{number} {unit}", "About {number} {unit}.")
_LABEL = re.compile(r"^(?:([A-Za-z]|\d{1,3})[.)]\s+|-\s+)?(.+)$")
_GROUP = re.compile(r"\bof 100 people\b")
_DENIED = re.compile(r"\bnot true that\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """What a respondent knows of a question: the score of each option's words, and how its trait bears on it.

    `loading` is what the trait counts for (-1: a reversed item, 0: none), `easiness` shifts all answers up. Without
    options the answer is a whole number from `low` to `high`, normal around `easiness` + `loading` x trait with sd `spread`.
    """

    options: Mapping[str, float] = field(default_factory=dict)
    loading: float = 1.0
    easiness: float = 0.0
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    spread: float = 1.0


@dataclass(frozen=True, slots=True)
class Respondent:
    """A model whose answers have a known distribution (`distribution`), whatever order and labels it is shown.

    `trait` in logits moves answers up on loading 1 and down on loading -1; `acquiescence` moves them up on every item;
    `position` is the share of its answers that go to the `end` option as shown, whatever that is; `noise` the share
    drawn uniformly; `refusal` and `mumble` the shares of replies that refuse and that say nothing; `sharpness` the slope.
    A question that is denied ("It is not true that ...") has its loading turned round, unless it `overlooks` denials.
    It answers a question it does not know by the words of the options alone: trait 0, acquiescence and position as ever.
    """

    name: str
    questions: Mapping[str, Question]
    trait: float = 0.0
    acquiescence: float = 0.0
    position: float = 0.0
    end: Literal["first", "last"] = "last"
    noise: float = 0.0
    refusal: float = 0.0
    mumble: float = 0.0
    sharpness: float = 1.0
    overlooks: bool = False

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """One reply per chat, drawn from its known distribution; `tokens` counts words, and cuts."""
        places: dict[Chat, list[int]] = {}
        for i, chat in enumerate(chats):
            places.setdefault(chat, []).append(i)
        # A stream is a hash: its bits are the draw.
        u = np.array(streams(chats, seed), dtype=np.float64) / 2.0**63
        said = [""] * len(chats)
        for rows, (texts, p) in zip(places.values(), self._sayings(places, temperature, top_p), strict=True):
            ends = np.cumsum(p)[:-1]
            for i, at in zip(rows, np.searchsorted(ends, u[rows], side="right"), strict=True):
                said[i] = texts[at]
        return [t if t.count(" ") < tokens else " ".join(t.split()[:tokens]) for t in said]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """The exact log-probability of each text as the whole reply; minus infinity for what is never said."""
        known: dict[Chat, dict[str, float]] = {}
        for chat, sayings in zip(seen := dict.fromkeys(chats), self._sayings(seen, 1.0, 1.0), strict=True):
            weights = known[chat] = {}
            for said, p in zip(*sayings, strict=True):
                weights[said] = weights.get(said, 0.0) + float(p)
        with np.errstate(divide="ignore"):
            return [
                [float(np.log(known[chat].get(option, 0.0))) for option in some]
                for chat, some in zip(chats, options, strict=True)
            ]

    def distribution(self, prompt: str) -> dict[str, float]:
        """The share of each option's words among its answers to this prompt, refusals and mumbles left aside.

        >>> tea = Question({"no": 0, "yes": 1})
        >>> Respondent("r", {"Tea is warm.": tea}, position=0.3).distribution("Tea is warm.\\nA. no\\nB. yes")
        {'no': 0.35, 'yes': 0.6499999999999999}
        """
        _, words, p = self._answers(_reader(self)(prompt))
        return dict(zip(words, map(float, p), strict=True))

    def _sayings(
        self, chats: Iterable[Chat], temperature: float, top_p: float
    ) -> Iterator[tuple[list[str], FloatArray]]:
        """For each chat every text it may reply with, and how likely each is; worked out once per question as shown."""
        read = _reader(self)
        known: dict[tuple[int, tuple[str, ...], tuple[str, ...], bool], tuple[list[str], FloatArray]] = {}
        for chat in chats:
            shown = read(prompt := chat[-1].text)
            key = (id(shown.question), shown.labels, shown.words, bool(_GROUP.search(prompt)))
            if key not in known:
                known[key] = self._forms(shown, temperature, top_p, group=key[-1])
            yield known[key]

    def _answers(self, shown: "_Shown") -> tuple[Sequence[str], Sequence[str], FloatArray]:
        """Labels, words and probabilities of the answers to a question as shown."""
        question, labels, words = shown
        if not question.options:
            return _counts(question, question.easiness + question.loading * self.trait)
        scores = np.array([question.options[w] for w in words], dtype=float)
        eta = question.loading * self.trait + self.acquiescence + question.easiness
        # Adjacent categories: each step up counts eta; the middle is favoured as thresholds spread evenly around it.
        steps = np.unique(scores, return_inverse=True)[1].astype(float)
        logit = self.sharpness * (steps * eta - _rise(steps, steps.max() + 1))
        p = np.exp(logit - logit.max())
        p = (1 - self.noise) * p / p.sum() + self.noise / len(p)
        p = (1 - self.position) * p
        p[-1 if self.end == "last" else 0] += self.position
        return labels, words, p

    def _forms(self, shown: "_Shown", temperature: float, top_p: float, *, group: bool) -> tuple[list[str], FloatArray]:
        """Every text that answers a question, refuses it or says nothing, and how likely each is."""
        question = shown.question
        labels, words, p = self._answers(shown)
        if group:
            texts, q = [_stated(labels, words, p)], np.ones(1)
        else:
            forms = COUNTED if not question.options else LABELLED if all(labels) else WORDED
            texts = [
                form.format(label=label, words=word, number=word, unit=question.unit).replace(" .", ".").strip()
                for label, word in zip(labels, words, strict=True)
                for form in forms
            ]
            often = np.full(len(forms), 0.5 / (len(forms) - 1))
            often[0] = 0.5
            q = np.outer(_narrowed(p, temperature, top_p), often).ravel()
        aside = [self.refusal, *[self.mumble / len(MUMBLES)] * len(MUMBLES)]
        return [*texts, REFUSAL, *MUMBLES], np.concatenate([(1 - fsum(aside)) * q, aside])


class _Shown(NamedTuple):
    """A question as a prompt shows it: labels ("" where there are none) and the options' words, in the order shown."""

    question: Question
    labels: tuple[str, ...]
    words: tuple[str, ...]


def _reader(self: Respondent) -> Callable[[str], _Shown]:
    """What reads a prompt: the longest question it holds, and that question's options, line by line."""
    stems = sorted(self.questions.items(), key=lambda known: -len(known[0]))
    # a question it does not know is answered as one that nothing bears on
    strange = [Question(q.options, loading=0) for q in self.questions.values() if q.options]
    turned = {stem: q if self.overlooks else replace(q, loading=-q.loading, easiness=-q.easiness) for stem, q in stems}

    def read(prompt: str) -> _Shown:
        lines = [m for line in prompt.splitlines() if (m := _LABEL.match(line.strip()))]
        # mostly a question is a line of its own, which is found at once
        stem = next((m.string for m in lines if m.string in self.questions), None)
        stem = stem or next((stem for stem, _ in stems if stem in prompt), None)
        found = None if stem is None else turned[stem] if _DENIED.search(prompt) else self.questions[stem]
        for question in strange if found is None else [found]:
            if not question.options:
                return _Shown(question, (), ())
            # What stands before the options may hold one of their words as a line of its own: the last are the list.
            shown = [(m.group(1) or "", m.group(2)) for m in lines if m.group(2) in question.options]
            shown = shown[-len(question.options) :]
            if len({words for _, words in shown}) == len(question.options):
                labels, words = zip(*shown, strict=True)
                return _Shown(question, labels, words)
        raise ModelError(
            f"{self.name} finds none of its {len(self.questions)} questions, with its options, in {prompt[:80]!r}"
        )

    return read


def _rise(steps: FloatArray, k: float) -> FloatArray:
    """The sum of the thresholds up to each step: evenly spread from -1 to 1, so that eta 0 is symmetric.

    >>> _rise(np.arange(3.0), 3.0).tolist()
    [0.0, -1.0, 0.0]
    """
    thresholds = np.linspace(-1, 1, int(k) - 1) if k > 2 else np.zeros(max(int(k) - 1, 0))
    return np.asarray(np.concatenate([[0.0], np.cumsum(thresholds)])[steps.astype(int)])


def _counts(question: Question, mean: float) -> tuple[list[str], list[str], FloatArray]:
    """The whole numbers it may say, and how likely each is: a normal at the whole numbers, cut to the range."""
    grid = np.arange(np.ceil(question.low), np.floor(question.high) + 1)
    z = (grid - mean) / question.spread
    p = np.exp(-0.5 * (z**2 - (z**2).min()))
    keep = p > 1e-9
    said = [str(int(v)) for v in grid[keep]]
    return [""] * len(said), said, p[keep] / p[keep].sum()


def _narrowed(p: FloatArray, temperature: float, top_p: float) -> FloatArray:
    """The probabilities as sampling changes them: by temperature, then by the least set that holds `top_p`."""
    if temperature == 0:
        return np.asarray(np.arange(len(p)) == p.argmax(), dtype=float)
    q = p if temperature == 1 else p ** (1 / temperature)
    q = q / q.sum()
    if top_p < 1:
        order = np.argsort(-q, kind="stable")
        kept = order[: int(np.searchsorted(np.cumsum(q[order]), top_p)) + 1]
        q = np.where(np.isin(np.arange(len(q)), kept), q, 0.0)
        q = q / q.sum()
    return np.asarray(q)


def _stated(labels: Sequence[str], words: Sequence[str], p: FloatArray) -> str:
    """The distribution as a group's, in whole people of 100 by largest remainders."""
    whole = np.floor(p * 100)
    whole[np.argsort(-(p * 100 - whole), kind="stable")[: round(100 - whole.sum())]] += 1
    return "\n".join(f"{label or w}: {n:.0f}" for label, w, n in zip(labels, words, whole, strict=True))
