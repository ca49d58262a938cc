"""A talkative player counted on the spot, and traits for those who are to have some."""

from collections.abc import Mapping
from itertools import product

from sociolect.models.ngram import Ngram, ngram
from sociolect.seeds import substream
from sociolect.systems.worlds.traitors.prompts import TRAITS
from sociolect.systems.worlds.traitors.state import called

_OPENS = ("I think", "I suspect", "I trust", "I have watched", "I would vote for")
_ENDS = (
    "because that account does not hold together.", "and nobody else.", "but I may be wrong.", "since the last vote.", "who has kept too quiet.",
)  # fmt: skip
# ours: plain values, so that no player stands for anybody
_VALUES: Mapping[str, tuple[object, ...]] = {
    "age": tuple(range(20, 75)),
    "nationality": ("Portuguese", "Kenyan", "Japanese", "Chilean", "Canadian", "Finnish"),
    "profession": ("teacher", "baker", "nurse", "engineer", "farmer", "librarian"),
    "ethnicity": ("of mixed descent", "of the majority where they live", "of a minority where they live"),
    "civil status": ("married", "single", "divorced", "widowed"),
    "children": (0, 1, 2, 3),
    "pronoun": ("he", "she", "they"),
}


def talker(players: int = 10) -> Ngram:
    """A word model of a hundred-odd lines about players: it fills a game with words, and knows nothing.

    >>> talker(3).name
    'ngram/talker'
    """
    names = [called(s) for s in range(players)]
    lines = [f"{a} {b} {c}" for a, b, c in product(_OPENS, names, _ENDS)]
    return ngram([*lines, *names], name="ngram/talker")


def drawn_traits(players: int, seed: int) -> tuple[Mapping[str, object], ...]:
    """A person's traits for each seat, drawn from our own short lists.

    >>> len(drawn_traits(10, 1)), drawn_traits(10, 1) == drawn_traits(10, 1), sorted(drawn_traits(1, 1)[0]) == sorted(TRAITS)
    (10, True, True)
    """
    draw = substream(seed, "traitors", "traits")
    return tuple({k: _VALUES[k][int(draw.integers(len(_VALUES[k])))] for k in TRAITS} for _ in range(players))
