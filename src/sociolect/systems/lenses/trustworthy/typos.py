"""A sentence with slips of the keyboard, the same ones whoever is asked."""

import re

from sociolect.errors import UsageError
from sociolect.seeds import substream

_WORD = re.compile(r"[^\W\d_]{4,}")
# ours: letters side by side on a keyboard
_NEAR = {"a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk", "k": "jl",
         "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb",
         "w": "qe", "x": "zc", "y": "tu", "z": "x"}  # fmt: skip


def typos(text: str, *, rate: float, item: str, seed: int) -> str:
    """The text with one slip in each word of four letters or more with the chance `rate`, one such word at the least.

    A slip swaps two inner letters, leaves one out, doubles one, or hits the key beside it; the first letter stays. It is
    drawn by item and seed alone, so that every model sees the same one. A text without such a word stays as it is.
    Raises UsageError where the rate is not above 0 and up to 1.

    >>> typos("The waiter was patient.", rate=0.5, item="s1", seed=0)
    'The waier was patient.'
    """
    if not 0 < rate <= 1:
        raise UsageError(f"--rate {rate}: due is a chance above 0 and up to 1 that a word gets a typo")
    draw = substream(seed, "trustworthy", "typos", item)
    words = list(_WORD.finditer(text))
    if not words:
        return text
    hit = draw.random(len(words)) < rate
    if not hit.any():
        hit[int(draw.integers(len(words)))] = True
    out, last = [], 0
    for one, bent in zip(words, hit, strict=True):
        out.append(text[last : one.start()])
        out.append(_slip(one[0], int(draw.integers(4)), float(draw.random())) if bent else one[0])
        last = one.end()
    return "".join(out) + text[last:]


def _slip(word: str, kind: int, where: float) -> str:
    """One slip behind the first letter; never the word itself."""
    at = 1 + int(where * (len(word) - 2))
    if kind == 0 and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2 and word[at].lower() in _NEAR:
        return word[:at] + _NEAR[word[at].lower()][0] + word[at + 1 :]
    return word[: at + 1] + word[at:]
