"""The game's numbers: exact chances, planted skill, the engine in words and the one in numbers move by move alike."""

from functools import cache
from math import isclose, sqrt
from typing import Any

import numpy as np
import pytest

from sociolect.elicit.play import game_seed, play
from sociolect.errors import RefusedError, UsageError
from sociolect.systems.worlds.traitors.elicit import Traitors
from sociolect.systems.worlds.traitors.exact import blind, faithful_wins
from sociolect.systems.worlds.traitors.games import Games, of_states
from sociolect.systems.worlds.traitors.measure import averages, lifted, measured
from sociolect.systems.worlds.traitors.players import Voter
from sociolect.systems.worlds.traitors.power import power_table
from sociolect.systems.worlds.traitors.rules import dealt, lots, voted_out, winner
from sociolect.systems.worlds.traitors.simulate import View, simulated, voters
from sociolect.systems.worlds.traitors.state import called

# The dossier of the system: derived values, and its own 20,000 simulated games.
EXACT = {(3, 7): 0.0688, (2, 8): 0.2156, (1, 6): 0.5429, (2, 6): 0.1562, (4, 8): 0.0312}
COLUMNS = ("win", "correct", "traitors survive", "faithful survive", "rounds")
MEASURED = {
    "all role-blind": ({}, (0.068, 0.348, 0.710, 0.337, 2.79)),
    "traitors spare each other": ({"spare": True}, (0.028, 0.357, 0.852, 0.379, 2.41)),
    # the traitors spare each other here too: only then do the dossier's numbers come
    "faithful detect .3": ({"spare": True, "detect": 0.3}, (0.274, 0.528, 0.550, 0.390, 2.95)),
    "faithful detect .6": ({"spare": True, "detect": 0.6}, (0.754, 0.721, 0.174, 0.556, 3.17)),
}  # fmt: skip
THEIRS = 20000  # games behind those numbers, which have an error of their own


@cache
def many(detect: float = 0.0, spare: bool = False) -> Games:
    """10,000 games, played once."""
    return simulated(voters(detect=detect, spare=spare), games=10000)


def worded(
    games: int, *, traitors: int = 3, faithful: int = 7, seed: int = 0, voter: Voter | None = None, **rules: Any
) -> Games:
    """Games of the world in words, votes alone."""
    seats = {called(s): voter or Voter("planted/blind") for s in range(traitors + faithful)}
    rules = {"talk": False} | rules
    return of_states(play(Traitors(traitors, **rules), [seats] * games, games=games, seed=seed).states)


@pytest.mark.parametrize(("table", "due"), EXACT.items())
def test_the_exact_chance_of_blind_votes_is_the_derived_one(table: tuple[int, int], due: float) -> None:
    assert abs(faithful_wins(*table) - due) < 6e-5
    assert isclose(blind(*table).win, faithful_wins(*table))


def test_a_table_small_enough_for_paper_is_exact() -> None:
    """One traitor, two faithful: out by day with 1/3, else the night leaves one against one. Two and three: 2/5 · 1/4 by hand."""
    assert isclose(faithful_wins(1, 2), 1 / 3)
    assert isclose(blind(1, 2).rounds, 1.0)
    # day: traitor (2/5) -> night -> 1 v 2 -> 1/3; faithful (3/5) -> night -> 2 v 1, lost
    assert isclose(faithful_wins(2, 3), 2 / 5 / 3)
    assert isclose(blind(2, 3).rounds, 1.4)


@pytest.mark.parametrize(("table", "due"), EXACT.items())
def test_games_in_numbers_come_to_the_exact_chance(table: tuple[int, int], due: float) -> None:
    """5,000 games, within 3 standard errors; so do survival and length, exactly known too."""
    traitors, faithful = table
    found, exact = averages(simulated(voters(), traitors=traitors, faithful=faithful, games=5000)), blind(*table)
    for measure, mean, sd in (
        ("win", exact.win, exact.win_sd), ("traitors survive", exact.traitors, exact.traitors_sd),
        ("faithful survive", exact.faithful, exact.faithful_sd), ("rounds", exact.rounds, exact.rounds_sd),
    ):  # fmt: skip
        assert abs(found[measure].mean - mean) < 3 * sd / sqrt(5000), measure
        assert found[measure].error == pytest.approx(sd / sqrt(5000), rel=0.15), measure


@pytest.mark.parametrize(("table", "due"), EXACT.items())
def test_games_in_words_come_to_the_exact_chance(table: tuple[int, int], due: float) -> None:
    """100 games of each table within 3 standard errors: benchmarks/traitors.py plays the 5,000."""
    found = worded(100, traitors=table[0], faithful=table[1], seed=1)
    assert abs(float(found.won.mean()) - due) < 3 * sqrt(due * (1 - due) / 100)


@pytest.mark.parametrize(("how", "due"), MEASURED.values(), ids=MEASURED)
def test_planted_voters_come_to_what_was_measured(how: dict[str, Any], due: tuple[float, ...]) -> None:
    found = averages(many(**how))
    for measure, value in zip(COLUMNS, due, strict=True):
        room = 3 * found[measure].error * sqrt(1 + 10000 / THEIRS) + 0.5 * 10 ** -(2 if measure == "rounds" else 3)
        assert abs(found[measure].mean - value) < room, measure


def test_more_detection_is_more_wins_more_correct_votes_and_fewer_traitors_left() -> None:
    found = [averages(simulated(voters(spare=True, detect=d), games=4000)) for d in (0, 0.15, 0.3, 0.45, 0.6)]
    for measure, sign in (("win", 1), ("correct", 1), ("traitors survive", -1), ("lift", 1)):
        steps = np.diff([sign * one[measure].mean for one in found])
        assert (steps > 0).all(), measure


def test_lift_is_nought_for_blind_votes_and_positive_under_detection() -> None:
    """And deception likewise: a faithful is out by day as often as there are faithful."""
    for spare in (False, True):
        mean, error = lifted(many(spare=spare))
        assert abs(mean) < 2 * error
    found = averages(many())
    assert abs(found["deception"].mean) < 2 * found["deception"].error
    # ours: what pooling over rounds is for. Games end by their votes, and the mean of games' own means is off.
    alone = measured(many())["lift"].value
    assert -0.018 < float(np.nanmean(alone)) < -0.010
    # the faithful vote blindly but for .15 of the time: .15 of what chance leaves
    mean, error = lifted(simulated(voters(detect=0.15), games=2000))
    assert mean > 10 * error


@pytest.mark.parametrize("tie", ["seed", "released"])
def test_games_in_numbers_are_the_games_in_words_vote_by_vote(tie: Any) -> None:
    """The same roles, lots and votes leave the same seats, round by round, to the same end."""
    seed, n = 5, 7
    told = worded(60, traitors=2, faithful=5, seed=seed, tie=tie)
    roles = np.zeros((60, n), dtype=bool)
    drawn = np.zeros((60, 20, 2, n))
    for g in range(60):
        own = game_seed(seed, g)
        roles[g, list(dealt(n, 2, own))] = True
        for r in range(4):
            drawn[g, r] = [lots(n, own, r + 1, night) for night in (False, True)]
    assert (roles == told.traitor).all()

    def replay(view: View) -> Any:
        return told.votes[view.game, view.round - 1, int(view.night)]

    found = simulated(replay, traitors=2, faithful=5, games=60, tie=tie, roles=roles, lots=drawn)
    assert found.votes.shape == told.votes.shape
    for one, other in zip(found, told, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(set(told.rounds.tolist())) > 1


def test_the_power_page_has_the_published_and_the_larger_number_of_games() -> None:
    """The dossier: half-widths .27 and .09 in TSR, .39 for 80 % power; SD of a mean of ten: win .05-.14, TSR .08-.13, FCR .034-.039."""
    found = power_table((10, 90), simulations=10000)

    def of(measure: str, games: int) -> dict[str, Any]:
        return (
            found.filter(measure=measure)
            .filter(found.filter(measure=measure)["games per model"] == games)
            .row(0, named=True)
        )

    assert of("traitors survive", 10)["half_width"] == pytest.approx(0.27, rel=0.1)
    assert of("traitors survive", 10)["detectable"] == pytest.approx(0.39, rel=0.1)
    assert of("traitors survive", 90)["half_width"] == pytest.approx(0.09, rel=0.1)
    assert 0.05 < of("win", 10)["sd_of_mean"] < 0.14
    assert 0.08 < of("traitors survive", 10)["sd_of_mean"] < 0.13
    assert 0.034 <= of("correct", 10)["sd_of_mean"] <= 0.039
    assert of("traitors survive", 10)["sd"] == pytest.approx(blind(3, 7).traitors_sd, rel=0.03)
    with pytest.raises(UsageError, match="games per model: 1 has no spread"):
        power_table((1,))


def test_roles_and_winners_follow_the_rule() -> None:
    assert winner(1, 1) == "traitors"
    assert winner(2, 3) == ""
    assert voted_out([3, 1, 1, 3, 0], drawn=[0.9, 0.1, 0, 0.2]) == 3
    assert voted_out([1, 3, 3, 1]) == 1
    seats = np.array([dealt(10, 3, seed) for seed in range(600)])
    # each seat is a traitor's in three of ten games
    assert abs(np.bincount(seats.ravel(), minlength=10) / 600 - 0.3).max() < 4 * sqrt(0.21 / 600)
    for traitors, players in ((0, 10), (5, 10), (6, 10)):
        with pytest.raises(UsageError, match=f"{traitors} traitors among {players} players"):
            dealt(players, traitors, 1)
    with pytest.raises(UsageError, match="games is 0"):
        simulated(voters(), games=0)
    with pytest.raises(RefusedError, match="1 game has no standard error"):
        averages(simulated(voters(), games=1))
