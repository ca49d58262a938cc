"""Who gives to whom in which round, and the same in words."""

from collections.abc import Sequence
from typing import Literal

from sociolect.errors import UsageError, unknown

Schedule = Literal["released", "alternating"]
SCHEDULES = ("released", "alternating")
Rounds = tuple[tuple[tuple[int, int], ...], ...]


def rounds(agents: int, schedule: str = "released", *, swapped: bool = False) -> Rounds:
    """Each round's pairs (donor, recipient) of places 0 to agents - 1: as many rounds as agents, half of them giving.

    The places are two halves; in pairing i the first half meets the second, turned by i. `released`: pairing i from 0 on, the
    first half gives where i is even; then the same pairings with the roles reversed [code]. `alternating` keeps the promise
    that roles alternate in every round: where the halves are even, the second pass begins with pairing 1, so that each pair
    still meets twice, once either way (ours). `swapped` reverses all roles: the second game of a generation [code].
    Raises UsageError where agents are no even number from 2 on.

    >>> rounds(4)
    (((0, 2), (1, 3)), ((3, 0), (2, 1)), ((2, 0), (3, 1)), ((0, 3), (1, 2)))
    >>> [[a for a, _ in pairs] for pairs in rounds(4, "alternating")]
    [[0, 1], [3, 2], [0, 1], [2, 3]]
    """
    if schedule not in SCHEDULES:
        raise unknown("schedule", schedule, SCHEDULES)
    if agents < 2 or agents % 2:
        raise UsageError(f"agents is {agents}: an even number from 2 on is due, half of them give in a round")
    half = agents // 2
    shift = 1 if schedule == "alternating" and half % 2 == 0 else 0
    plan = [(i, i % 2 == 0) for i in range(half)]
    plan += [(j, j % 2 == 1) for j in ((i + shift) % half for i in range(half))]
    out = []
    for turned, first in plan:
        pairs = [(k, half + (k + turned) % half) for k in range(half)]
        out.append(tuple((a, b) if first is not swapped else (b, a) for a, b in pairs))
    return tuple(out)


def repeats(plan: Rounds) -> tuple[int, ...]:
    """The rounds, from 1, in which everybody has the role of the round before.

    >>> repeats(rounds(12)), repeats(rounds(12, "alternating"))
    ((7,), ())
    """
    donors = [{donor for donor, _ in pairs} for pairs in plan]
    return tuple(r + 1 for r in range(1, len(donors)) if donors[r] == donors[r - 1])


def told(plan: Rounds) -> str:
    """The rule of the roles as the players are told it; it says what the schedule does.

    >>> told(rounds(12))
    'You are donor in 6 rounds and recipient in 6. Your role changes from each round to the next, except from round 6 to round 7.'
    """
    half = len(plan) // 2
    kept = repeats(plan)
    but = f", except {_listed([f'from round {r - 1} to round {r}' for r in kept])}" if kept else ""
    return (
        f"You are donor in {half} rounds and recipient in {half}. Your role changes from each round to the next{but}."
    )


def _listed(words: Sequence[str]) -> str:
    return " and ".join(words)
