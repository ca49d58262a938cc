"""The Traitors at full length: 5,000 games of each table in words, 20,000 in numbers, beside the exact chances.

`python benchmarks/traitors.py [games]` prints a table: games, wins, the exact chance, how many standard errors apart, and the
seconds that each engine took. The tests of the system play fewer.
"""

import sys
import time
from math import sqrt

import numpy as np

from sociolect.elicit.play import play
from sociolect.systems.worlds.traitors.elicit import Traitors
from sociolect.systems.worlds.traitors.exact import faithful_wins
from sociolect.systems.worlds.traitors.games import of_states
from sociolect.systems.worlds.traitors.measure import averages
from sociolect.systems.worlds.traitors.players import Voter
from sociolect.systems.worlds.traitors.simulate import simulated, voters
from sociolect.systems.worlds.traitors.state import called
from sociolect.systems.worlds.traitors.study import SHOWN, TABLES, VOTERS

NUMBERS = 20000


def worded(traitors: int, faithful: int, games: int) -> tuple[float, float]:
    """The share of games in words that blind faithful win, and the seconds they took."""
    begun = time.process_time()
    seats = {called(s): Voter("planted/blind") for s in range(traitors + faithful)}
    states = play(Traitors(traitors, talk=False), [seats] * games, games=games, seed=1).states
    return float(of_states(states).won.mean()), time.process_time() - begun


def main(games: int = 5000) -> None:
    for traitors, faithful in TABLES:
        exact = faithful_wins(traitors, faithful)
        found, seconds = worded(traitors, faithful, games)
        off = (found - exact) / sqrt(exact * (1 - exact) / games)
        print(f"{traitors} traitors, {faithful} faithful: {games} games in words {found:.4f}, exact {exact:.4f}, {off:+.2f} se, {seconds:.1f} s CPU")  # fmt: skip
    for name, how in VOTERS.items():
        begun = time.process_time()
        told = averages(simulated(voters(**how), games=NUMBERS))
        seconds = time.process_time() - begun
        print(f"{name}: {NUMBERS} games in numbers, {seconds:.1f} s CPU; " + ", ".join(f"{m} {told[m].mean:.3f} ± {told[m].error:.4f}" for m in SHOWN))  # fmt: skip
    lift = np.mean([averages(simulated(voters(), games=NUMBERS, seed=s))["lift"].mean for s in range(20)])
    print(f"lift of blind votes over {20 * NUMBERS} games: {lift:+.5f}")


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:2]))
