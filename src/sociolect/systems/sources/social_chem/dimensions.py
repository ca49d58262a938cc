"""The labelled dimensions of a rule of thumb: their columns, their levels as stored, and the word that stands for each level."""

from typing import NamedTuple


class Dimension(NamedTuple):
    """One column of judgement: raw level to word, in order; `many` may hold several, joined by a bar; `scale` has numbers."""

    levels: dict[str, str]
    many: bool = False
    scale: bool = False


def _same(*levels: str) -> dict[str, str]:
    return {level: level for level in levels}


def _numbered(first: int, *words: str) -> dict[str, str]:
    return {str(first + k): word for k, word in enumerate(words)}


# [code] bounds of the shares are the released column description's: under 1%, 5 to 25%, 50%, 75 to 90%, over 99%
_AGREE = _numbered(0, "nobody", "rare", "controversial", "most", "all")
_PEOPLE = _same("char-none", *(f"char-{k}" for k in range(7)))
# [code] levels and words of the released generator
DIMENSIONS: dict[str, Dimension] = {
    "rot-agree": Dimension(_AGREE, scale=True),
    "rot-categorization": Dimension(_same("morality-ethics", "social-norms", "advice", "description"), many=True),
    "rot-moral-foundations": Dimension(
        _same("care-harm", "fairness-cheating", "loyalty-betrayal", "authority-subversion", "sanctity-degradation"),
        many=True,
    ),
    "rot-char-targeting": Dimension(_PEOPLE),
    "action-agency": Dimension(_same("agency", "experience")),
    "action-moral-judgment": Dimension(_numbered(-2, "very-bad", "bad", "ok", "good", "very-good"), scale=True),
    "action-agree": Dimension(_AGREE, scale=True),
    "action-legal": Dimension(_same("legal", "illegal", "tolerated")),
    "action-pressure": Dimension(
        _numbered(-2, "strong-against", "against", "discretionary", "for", "strong-for"), scale=True
    ),
    "action-char-involved": Dimension(_PEOPLE),
    "action-hypothetical": Dimension(_same("explicit-no", "probable-no", "hypothetical", "probable", "explicit")),
}
# [code] the attributes that the generator is asked for, in the order in which they stand in a prompt
ASKED: dict[str, tuple[str, ...]] = {
    "rule": ("rot-categorization", "rot-moral-foundations", "rot-agree"),
    "action": (
        "action-agency", "action-moral-judgment", "action-agree", "action-legal", "action-pressure", "action-hypothetical",
    ),
    "planted": ("rot-agree", "action-agree", "action-moral-judgment", "action-legal", "action-agency"),
}  # fmt: skip


def number(dimension: str, word: str | None) -> float | None:
    """The level as a number; null for an absent one, and for a dimension without numbers.

    >>> number("action-moral-judgment", "very-bad"), number("rot-agree", None), number("action-legal", "legal")
    (-2.0, None, None)
    """
    known = DIMENSIONS[dimension]
    if word is None or not known.scale:
        return None
    return float(next(raw for raw, said in known.levels.items() if said == word))
