"""Games of people: public votes in their rounds, what is left out and why; the real games where they are."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect.errors import InputError
from sociolect.systems.worlds.traitors import recipe
from sociolect.systems.worlds.traitors.games import VOID, living, survivors
from sociolect.systems.worlds.traitors.load import played
from sociolect.systems.worlds.traitors.measure import measured, scores
from sociolect.workspace import workspace

G, DAY, NIGHT = (
    "Game-Manager",
    "Daytime has ended, now it's time to vote! Waiting",
    "Nighttime has ended, now it's time to vote! Waiting",
)
LINES = {
    "manager": ["Now it's Daytime for 2 minutes", "Cy was voted out. Their role was bystander", "Now it's Nighttime for 1 minutes", "Di was voted out. Their role was bystander",
                "Now it's Daytime for 2 minutes", "Now it's Nighttime for 1 minutes", "Now it's Daytime for 2 minutes"],
    "daytime": [DAY, "Al voted for Cy", "Bo voted for Al", "Cy voted for Cy", "Di voted for Cy", "Ed voted for Al", DAY, "Al voted for Zed", "Bo voted for Al", "Ed voted for Di"],
    "nighttime": [NIGHT, "Al voted for Di", NIGHT, "Al voted for Al"],
}  # fmt: skip


def folder(at: Path, *, winner: str = "Bystanders win!", mafia: str = "Al", lines: Any = LINES) -> Path:
    at.mkdir()
    pl.DataFrame({"game": ["7"], "winner": [winner], "mafia": [mafia], "llm_player": ["Ed"], "players": ["Al|Bo|Cy|Di|Ed"]}).write_csv(at / "games.csv")  # fmt: skip
    said = [("7", phase, k, G, text) for phase, some in lines.items() for k, text in enumerate(some)]
    said.append(("7", "daytime", 99, "Bo", "Bo voted for Ed"))  # a player who writes what looks like a vote
    pl.DataFrame(said, schema=["game", "phase", "line", "player", "text"], orient="row").write_csv(at / "messages.csv")
    import gzip

    (at / "messages.csv.gz").write_bytes(gzip.compress((at / "messages.csv").read_bytes()))
    return at


def test_votes_stand_in_their_rounds_and_void_ones_are_counted(tmp_path: Path) -> None:
    found = played(folder(tmp_path / "one"))
    games = found.games
    assert games.votes[0, :, 0].tolist() == [[2, 0, VOID, 2, 0], [VOID, 0, -2, -2, VOID]]
    assert games.votes[0, :, 1, 0].tolist() == [3, VOID]
    assert games.out[0].tolist() == [[2, 3], [-1, -1]]
    assert found.people[0].tolist() == [True, True, True, True, False]
    assert dict(found.set_aside.iter_rows()) == {"a vote: already out": 1, "a vote: no player": 1, "a vote: self": 2}
    assert living(games)[0, 1, 0].tolist() == [True, True, False, False, True]
    mine = measured(games, counted=found.people)
    # Bo and Di vote in the first round, Bo in the second: 1/2, then 1; with the model 2/3, then 1
    assert float(mine["correct"].value[0]) == pytest.approx((1 / 2 + 1) / 2)
    assert float(measured(games)["correct"].value[0]) == pytest.approx((2 / 3 + 1) / 2)
    assert float(mine["lift"].value[0]) == pytest.approx((1 / 2 - 1 / 4 + 1 - 1 / 2) / 2)
    told = scores(games, traitors="people", faithful="people", source="human")
    assert told["speaker"].unique().to_list() == ["game:0"]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="games.csv cannot be read"):
        played(tmp_path)
    with pytest.raises(InputError, match="none of the 1 games has a winner"):
        played(folder(tmp_path / "open", winner=""))
    with pytest.raises(InputError, match="game 7: its mafia are Zoe, who are none of its players"):
        played(folder(tmp_path / "odd", mafia="Zoe"))
    less = folder(tmp_path / "less")
    pl.read_csv(less / "games.csv").drop("winner", "mafia").write_csv(less / "games.csv")
    with pytest.raises(InputError, match=r"games.csv lacks mafia, winner"):
        played(less)


@pytest.mark.realdata
def test_people_vote_beyond_chance_and_switch_less_where_they_need_not(data: Path, tmp_path: Path) -> None:
    found = played(data / "llmafia")
    games = found.games
    assert games.rounds.size == 19
    assert found.set_aside.rows() == [("a game without a winner", 2)]
    left = survivors(games)
    guilty, rest = (left & games.traitor).sum(1), (left & ~games.traitor).sum(1)
    # the tables' own winners follow from who was voted out, game by game
    np.testing.assert_array_equal(games.won == 1, guilty == 0)
    np.testing.assert_array_equal(games.won == 0, guilty >= rest)
    with workspace(tmp_path, system="traitors", keywords={}) as work:
        page = recipe.run(work, people=data / "llmafia", games=5)
    told = page.tables["people"].rows_by_key("measure", named=True)
    lift, correct, free, own = (told[m][0] for m in ("lift", "correct", "free switching", "own side"))
    assert 0 < lift["estimate"] < correct["estimate"] < 0.7
    assert lift["low"] > -0.05
    assert free["estimate"] < told["switching"][0]["estimate"]
    assert own["estimate"] < 0.2  # they spare their own
    assert lift["people"] == int(found.people.sum()) > 100
