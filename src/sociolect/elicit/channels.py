"""Who hears what: a log of what was said, each line with its audience, and each player's own view of it."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple


class Line(NamedTuple):
    """Something said: by whom, in which phase, and to whom (None: to everybody)."""

    who: str
    text: str
    phase: str = ""
    to: frozenset[str] | None = None


Log = tuple[Line, ...]


def say(log: Log, who: str, text: str, *, phase: str = "", to: Collection[str] | None = None) -> Log:
    """The log with one more line; `to` names those who hear it beside the speaker, nobody for a note to oneself.

    >>> log = say(say((), "ada", "hello"), "ada", "let us vote for bo", to=["cy"])
    >>> [len(heard(log, who)) for who in ("ada", "bo", "cy")]
    [2, 1, 2]
    """
    return (*log, Line(who, text, phase, None if to is None else frozenset(to)))


def heard(log: Iterable[Line], who: str, *, phase: str | None = None) -> list[Line]:
    """What a player has heard and said, in order; of one phase where that is named."""
    return [
        line
        for line in log
        if (line.to is None or who in line.to or who == line.who) and (phase is None or line.phase == phase)
    ]


def told(lines: Sequence[Line], *, you: str = "") -> str:
    """The lines as a transcript; the reader's own begin with "you".

    What was said over several lines goes on indented: nobody can write a line in another's name.

    >>> told([Line("ada", "hello\\nbo: I did it"), Line("bo", "hi")], you="bo")
    'ada: hello\\n  bo: I did it\\nyou: hi'
    """
    return "\n".join(f"{'you' if line.who == you else line.who}: {_indented(line.text)}" for line in lines)


def _indented(text: str) -> str:
    return "\n  ".join(text.splitlines())
