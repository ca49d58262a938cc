"""What can go wrong, in one file. A message says what was seen, what was due and how to mend it.

Each error carries the exit code the command line ends with (`sociolect --help` lists them).
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SociolectError(Exception):
    r"""Anything this workbench raises on purpose; its message is one line, whatever the data it names hold.

    >>> print(SociolectError("no column 'a\nb'"))
    no column 'a\nb'
    """

    exit_code = 1

    def __init__(self, *said: object) -> None:
        # a name out of a file may hold line ends, escape sequences or half a surrogate pair
        super().__init__(*(_line(one) if isinstance(one, str) else one for one in said))


class UsageError(SociolectError, ValueError):
    """A command or keyword that does not exist, or a value it cannot take."""

    exit_code = 2


class InputError(SociolectError, ValueError):
    """Data that cannot be read as what it was said to be."""

    exit_code = 3


class FrameError(InputError):
    """A frame came to the wrong door."""


class CardError(InputError):
    """A system's card does not say what it must."""


class MissingExtra(SociolectError, ImportError):
    """A part of the package that was not installed."""

    exit_code = 4


class RefusedError(SociolectError, RuntimeError):
    """The data could be read, but no honest number can be made of them."""

    exit_code = 5


class ModelError(SociolectError, RuntimeError):
    """A model cannot do what was asked of it."""

    exit_code = 6


class WorkspaceError(SociolectError, RuntimeError):
    """A workspace is in use, torn, or cannot be written."""

    exit_code = 7


class BudgetError(SociolectError, RuntimeError):
    """A budget is spent, or cannot be kept because a price is unknown."""

    exit_code = 8


class ClusterError(SociolectError, RuntimeError):
    """A cluster cannot be joined, has other versions, or has no room for the work."""

    exit_code = 9


def _line(said: str) -> str:
    return said if said.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in said)


def needs(what: str, extra: str) -> MissingExtra:
    """The error for a part that lives in an extra.

    >>> print(needs("finetune", "train"))
    finetune needs an extra: pip install 'sociolect[train]'
    """
    return MissingExtra(f"{what} needs an extra: pip install 'sociolect[{extra}]'")


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name nobody knows, with the nearest one that somebody does.

    >>> print(unknown("system", "doner_game", ["donor_game", "debate"]))
    no system 'doner_game'; did you mean 'donor_game'?
    """
    known = sorted(known)
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}"
    return UsageError(f"no {kind} {name!r}; {hint}")
