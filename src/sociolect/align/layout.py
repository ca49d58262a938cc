"""How posts stand before a request: one place, so that a model is asked as it was trained."""

from collections.abc import Sequence

from sociolect.text import clean, neutralise

_OPENING = "Some posts from here:"


def exemplar(post: str, words: int) -> str:
    """A post as one line of a block: its first words, on one line, unable to speak as another role.

    >>> exemplar("one two\\nthree four", 3)
    'one two three'
    """
    return neutralise(" ".join(clean(post).split()[:words]))


def laid_out(exemplars: Sequence[str], request: str) -> str:
    """The request after a block of exemplars; the bare request where there are none.

    >>> print(laid_out(["a b", "c"], "The floor is yours."))
    Some posts from here:
    - a b
    - c
    <BLANKLINE>
    The floor is yours.
    """
    return "\n".join([_OPENING, *(f"- {line}" for line in exemplars), "", request]) if exemplars else request
