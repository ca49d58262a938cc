"""The rules that the game in words and the game in numbers share: who is a traitor, who is voted out, who has won."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from sociolect.errors import UsageError
from sociolect.seeds import substream

Tie = Literal["seed", "released"]
TRAITORS, FAITHFUL = 3, 7  # [code]
MOST = 20  # ours: rounds after which a game in which nobody leaves is undecided; the release has no such bound


def dealt(players: int, traitors: int, seed: int) -> tuple[int, ...]:
    """The seats of the traitors, from 0, in order: whoever knows a game's seed knows them before it begins.

    Raises UsageError where the traitors would be none, or as many as the faithful.

    >>> dealt(10, 3, seed=1) == dealt(10, 3, seed=1), len(set(dealt(10, 3, seed=1)))
    (True, 3)
    """
    if not 1 <= traitors < players - traitors:
        raise UsageError(
            f"{traitors} traitors among {players} players: at least one is due, and fewer than there are faithful"
        )
    return tuple(sorted(int(s) for s in substream(seed, "traitors", "roles").permutation(players)[:traitors]))


def lots(players: int, seed: int, number: int, night: bool) -> tuple[float, ...]:
    """A lot for each seat in one vote: among those with the most votes, the highest lot is out."""
    drawn = substream(seed, "traitors", "tie", number, int(night)).random(players)
    return tuple(float(lot) for lot in drawn)


def voted_out(targets: Sequence[int], *, drawn: Sequence[float] | None = None) -> int | None:
    """Who has the most of these votes, given in the order in which they were cast; nobody where there is none.

    A tie goes to the highest lot drawn. Without lots it goes to whoever was named first, as in the release, where that is an
    accident of a dictionary's order [code].

    >>> voted_out([4, 2, 2, 4], drawn=[0, 0, 0.9, 0, 0.1]), voted_out([4, 2, 2, 4]), voted_out([])
    (2, 4, None)
    """
    if not targets:
        return None
    votes = Counter(targets)  # in the order of the first vote for each
    most = max(votes.values())
    tied = [seat for seat, count in votes.items() if count == most]
    return tied[0] if drawn is None else max(tied, key=lambda seat: drawn[seat])


def winner(traitors: int, faithful: int) -> str:
    """Who has won with so many living: asked after the night only [code]; nobody yet is the empty word.

    >>> winner(0, 3), winner(2, 2), winner(1, 2)
    ('faithful', 'traitors', '')
    """
    if traitors == 0:
        return "faithful"
    return "traitors" if traitors >= faithful else ""
