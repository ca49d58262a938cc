"""Tones by words: a reader that needs no training and no download."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.errors import UsageError
from sociolect.text import WORD
from sociolect.tones import words as tone_words

__all__ = ["Lexicon", "lexicon", "tone_words"]


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """A reader by words. `half` is the share of a tone's words at which its score is near one half; `floor` lifts 0 off the ground."""

    words: Mapping[str, tuple[str, ...]] = field(repr=False)
    half: float
    floor: float

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.words)

    @property
    def multi(self) -> bool:
        return True

    @property
    def name(self) -> str:
        return "lexicon"

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Each tone's score for each text, (n, k) in the order of `labels`: (r + floor) / (r + half), r the share of its words.

        Always within (0, 1), floor / half where no word of the tone stands, and the same for a text said twice over. It
        rises with r and is no calibrated probability. A text without words has r = 0.
        """
        tone = {word: k for k, listed in enumerate(self.words.values()) for word in listed}
        said = pl.DataFrame({"text": pl.Series(list(texts), dtype=pl.String)}).select(
            words=pl.col("text").str.to_lowercase().str.extract_all(WORD)
        )
        length = said["words"].list.len().to_numpy().astype(np.float64)
        found = (
            said.with_row_index("row")
            .explode("words")
            .with_columns(tone=pl.col("words").replace_strict(tone, default=None, return_dtype=pl.Int64))
            .drop_nulls("tone")
        )
        hits = np.zeros((len(texts), len(self.words)))
        np.add.at(hits, (found["row"].to_numpy(), found["tone"].to_numpy()), 1.0)
        share = hits / np.maximum(length, 1)[:, None]
        return np.asarray((share + self.floor) / (share + self.half))


def lexicon(
    words: Mapping[str, Sequence[str]] | None = None,
    *,
    half: float = 0.5,  # ours: so high that the log of the score is nearly that of the share; at .1 it bends, and slopes with it
    floor: float = 0.01,  # ours: a text without a word of the tone scores .02
) -> Lexicon:
    """A reader of the eight tones by the words of `tones.words`, or by lists of your own; words are single and lower-cased.

    Built in, offline, the same everywhere. English, blind to negation and irony: it is there for planted texts and a
    first look, and its validity card (`tone_card`) says what it is worth on real ones.
    Raises UsageError unless 0 < floor < half, and for a word that stands in two lists or could never be found.

    >>> lexicon().probabilities(["thanks a lot", "see you there"])[:, 6].round(2).tolist()
    [0.41, 0.02]
    """
    lists = {tone: tuple(listed) for tone, listed in (tone_words() if words is None else words).items()}
    every = [word for listed in lists.values() for word in listed]
    faults = [] if 0 < floor < half else [f"floor is {floor} and half is {half}: 0 < floor < half is due"]
    faults += [f"{', '.join(twice)} stand twice"] if (twice := sorted({w for w in every if every.count(w) > 1})) else []
    lone = pl.DataFrame({"w": pl.Series(every, dtype=pl.String)})
    never = lone.filter((pl.col("w").str.to_lowercase() != pl.col("w")) | ~pl.col("w").str.contains(f"^(?:{WORD})$"))
    faults += (
        [f"{', '.join(map(repr, never['w']))} can never be found: words are single and lower-cased"]
        if never.height
        else []
    )
    faults += [] if every else ["there are no words"]
    if faults:
        raise UsageError(f"this is no lexicon: {'; '.join(faults)}")
    return Lexicon(lists, half, floor)
