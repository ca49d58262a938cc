"""A word model that counts: it weighs and writes in milliseconds, and stands for nothing cleverer."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, fsum, log

import numpy as np

from sociolect.errors import InputError, UsageError
from sociolect.models.model import Chat, streams
from sociolect.text import clean

START, END = "\x02", "\x03"
_TOKEN = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_OPEN = frozenset("([{“‘#@$£€")
_SHUT = frozenset(".,;:!?)]}”’%…")
_SHOWN = re.compile(r"^- (.+)$", re.MULTILINE)  # how a post stands in a prompt that shows examples

History = tuple[str, ...]
Counts = Mapping[History, Counter[str]]
Lines = dict[History, tuple[list[str], np.ndarray]]


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
    return "".join(w if t else f"{w} " for w, t in zip(words, [*tight, True], strict=False))


def count(texts: Iterable[str], order: int) -> dict[History, Counter[str]]:
    """How often each word, or the end, followed each history of 0 to order - 1 words."""
    counts: dict[History, Counter[str]] = {(): Counter()}
    for text in texts:
        line = [*[START] * (order - 1), *tokens(text), END]
        for place in range(order - 1, len(line)):
            for size in range(order):
                history = tuple(line[place - size : place])
                if history not in counts:
                    counts[history] = Counter()
                counts[history][line[place]] += 1
    return counts


def witten_bell(counts: Counts, word: str, history: History, floor: float) -> float:
    """p(w | h) = (c(h, w) + t(h) p(w | h')) / (c(h) + t(h)): t(h) words follow h, h' is h less its first word.

    Witten and Bell 1991, as in Chen and Goodman 1999, Eq. 17; below the single words lies `floor`.
    """
    chance = floor
    for size in range(len(history) + 1):
        if seen := counts.get(history[len(history) - size :]):
            chance = (seen[word] + len(seen) * chance) / (seen.total() + len(seen))
    return chance


def witten_bells(counts: Counts, words: Sequence[str], history: History, floor: float) -> np.ndarray:
    """`witten_bell` of many words at once, to the last bit."""
    chance = np.full(len(words), floor)
    for size in range(len(history) + 1):
        if seen := counts.get(history[len(history) - size :]):
            kinds = len(seen)
            chance = (np.array([seen.get(w, 0) for w in words]) + kinds * chance) / (seen.total() + kinds)
    return chance


@dataclass(frozen=True, slots=True)
class Ngram:
    """An interpolated word model with Witten-Bell smoothing.

    It cannot read a prompt, save for the posts shown in it (lines that open with `- `): they are counted into a second
    model, which takes part with the weight `cache` (Kuhn and De Mori 1990). A word it has never met has one share of the
    floor, so probabilities over its vocabulary, the end and one unknown word sum to 1.
    """

    name: str
    order: int
    counts: Counts
    vocabulary: tuple[str, ...]
    cache: float = 0.3

    def chance(self, word: str, history: Sequence[str] = (), shown: Counts | None = None) -> float:
        """The probability of the next word (or END) after a history, with or without posts shown."""
        past = self._past(history)
        # A shown word that was never met takes the one unknown's share of the floor, like any other.
        own = witten_bell(self.counts, word, past, 1 / (len(self.vocabulary) + 1))
        if not shown:
            return own
        return (1 - self.cache) * own + self.cache * witten_bell(shown, word, past, 1 / (len(self.vocabulary) + 1))

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """One text per chat, of at most `tokens` words and marks."""
        if tokens < 1 or temperature < 0 or not 0 < top_p <= 1:
            raise UsageError(f"tokens={tokens}, temperature={temperature}, top_p={top_p}: due are 1+, 0+ and 0 to 1")
        read = {chat: self._shown(chat) for chat in dict.fromkeys(chats)}
        met: Lines = {}
        return [
            self._write(read[chat], np.random.default_rng(stream).random(tokens), temperature, top_p, met)
            for chat, stream in zip(chats, streams(chats, seed), strict=True)
        ]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """The log-probability of each option as the whole next message, its end included."""
        if len(chats) != len(options) or not all(options):
            raise InputError(f"{len(chats)} chats, {len(options)} lists of options: due is one non-empty list per chat")
        return [
            [self._logprob(o, shown)[0] for o in some]
            for some, shown in zip(options, map(self._shown, chats), strict=True)
        ]

    def perplexity(self, texts: Sequence[str]) -> list[float]:
        """How surprised the model is by each text, per word, mark and end: 1 is not at all."""
        return [exp(-total / n) for total, n in (self._logprob(t, None) for t in texts)]

    def _past(self, history: Sequence[str]) -> History:
        return (*[START] * (self.order - 1), *history)[len(history) :] if self.order > 1 else ()

    def _shown(self, chat: Chat) -> Counts | None:
        posts = [post for message in chat for post in _SHOWN.findall(message.text)]
        return count(posts, self.order) if posts else None

    def _logprob(self, text: str, shown: Counts | None) -> tuple[float, int]:
        words = [*tokens(text), END]
        said = (log(self.chance(w, words[max(0, i - self.order + 1) : i], shown)) for i, w in enumerate(words))
        return fsum(said), len(words)

    def _write(self, shown: Counts | None, draws: np.ndarray, temperature: float, top_p: float, met: Lines) -> str:
        words: list[str] = []
        for draw in draws:
            past = self._past(words)
            # Without posts shown, the same history gives the same line: it is drawn up once.
            among, line = (None if shown else met.get(past)) or self._line(past, shown, temperature, top_p)
            if not shown:
                met[past] = among, line
            word = among[min(int(np.searchsorted(line, draw * line[-1], side="right")), len(among) - 1)]
            if word == END:
                break
            words.append(word)
        return join(words)

    def _line(
        self, past: History, shown: Counts | None, temperature: float, top_p: float
    ) -> tuple[list[str], np.ndarray]:
        """The words that may come next, and where the share of each ends on a line: the word that holds a draw is said."""
        # Walking every word of the vocabulary at every step would cost more than it says: the candidates are the
        # words that followed the longest history met, in either model. Rarer words are never written, only weighed.
        seen: set[str] = set()
        for counts in (self.counts, shown or {}):
            longest = next(
                (past[len(past) - n :] for n in range(len(past), -1, -1) if past[len(past) - n :] in counts), None
            )
            seen |= set(counts[longest]) if longest is not None else set()
        among = sorted(seen)
        floor = 1 / (len(self.vocabulary) + 1)
        weights = witten_bells(self.counts, among, past, floor)
        if shown:
            weights = (1 - self.cache) * weights + self.cache * witten_bells(shown, among, past, floor)
        if temperature == 0:
            return [among[int(weights.argmax())]], np.ones(1)
        weights = weights ** (1 / temperature)
        weights /= weights.sum()
        order = np.argsort(-weights, kind="stable")
        before = np.cumsum(weights[order]) - weights[order]
        weights[order[before >= top_p]] = 0
        return among, np.cumsum(weights)


def ngram(texts: Iterable[str], *, order: int = 3, cache: float = 0.3, name: str = "ngram") -> Ngram:
    """A word model of these texts: each word by the order - 1 before it.

    Raises InputError where there is no word to count, UsageError for an order below 1.

    >>> model = ngram(["a b", "a b", "a c"], order=2)
    >>> round(model.chance("b", ["a"]), 3), model.chance("b", ["a"]) > model.chance("c", ["a"]) > model.chance("d", ["a"])
    (0.486, True)
    """
    if order < 1 or not 0 <= cache <= 1:
        raise UsageError(f"order={order}, cache={cache}: due are 1 or more, and 0 to 1")
    counts = count(texts, order)
    if len(counts[()]) < 2:
        raise InputError("an n-gram model needs texts with at least one word")
    return Ngram(name, order, counts, tuple(sorted(counts[()])), cache)
