"""What the game comes to when nobody knows anything: exact, for any number of traitors and faithful."""

from fractions import Fraction
from functools import cache
from math import fsum
from typing import NamedTuple

from sociolect.systems.worlds.traitors.rules import winner


class Blind(NamedTuple):
    """Means and standard deviations over games of role-blind voters."""

    win: float  # of the faithful
    traitors: float  # share of the traitors that survives
    faithful: float
    rounds: float
    win_sd: float
    traitors_sd: float
    faithful_sd: float
    rounds_sd: float


@cache
def faithful_wins(traitors: int, faithful: int) -> float:
    """P(the faithful win) where everyone is as likely to be out by day, and a faithful is out by night while a traitor is left.

    >>> [round(faithful_wins(t, f), 4) for t, f in ((3, 7), (2, 8), (1, 6), (2, 6), (4, 8))]
    [0.0688, 0.2156, 0.5429, 0.1562, 0.0312]
    """
    return float(sum(p for (t, _, _), p in _ends(traitors, faithful) if t == 0))


@cache
def blind(traitors: int, faithful: int) -> Blind:
    """What games of role-blind voters come to, with the spread of single games.

    >>> found = blind(3, 7)
    >>> round(found.win, 4), round(found.traitors, 3), round(found.rounds, 2)
    (0.0688, 0.71, 2.79)
    """
    ends = [(end, float(p)) for end, p in _ends(traitors, faithful)]
    won = [(float(t == 0), p) for (t, _, _), p in ends]
    left = [(t / traitors, p) for (t, _, _), p in ends]
    kept = [(f / faithful, p) for (_, f, _), p in ends]
    long = [(float(r), p) for (_, _, r), p in ends]
    means = [fsum(v * p for v, p in some) for some in (won, left, kept, long)]
    spread = [fsum(p * (v - m) ** 2 for v, p in some) ** 0.5 for some, m in zip((won, left, kept, long), means, strict=True)]  # fmt: skip
    return Blind(*means, *spread)


@cache
def _ends(traitors: int, faithful: int) -> tuple[tuple[tuple[int, int, int], Fraction], ...]:
    """How likely each end is: traitors and faithful left, and rounds played."""
    ends: dict[tuple[int, int, int], Fraction] = {}
    going = {(traitors, faithful): Fraction(1)}
    number = 0
    while going:
        number += 1
        after: dict[tuple[int, int], Fraction] = {}
        for (t, f), p in going.items():
            for t1, f1, q in ((t - 1, f, p * Fraction(t, t + f)), (t, f - 1, p * Fraction(f, t + f))):
                f2 = f1 - (t1 > 0 and f1 > 0)
                if winner(t1, f2):
                    ends[t1, f2, number] = ends.get((t1, f2, number), Fraction()) + q
                else:
                    after[t1, f2] = after.get((t1, f2), Fraction()) + q
        going = after
    return tuple(sorted(ends.items()))
