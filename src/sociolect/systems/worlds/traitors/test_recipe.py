"""The recipe from end to end, its keywords, its plan, and a model's game that is killed and played on to the same bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, UsageError
from sociolect.frames import Examples
from sociolect.models import journal as book
from sociolect.models.scratch import scratch
from sociolect.report.content import Page
from sociolect.systems.worlds.traitors import recipe, study
from sociolect.systems.worlds.traitors.compare import asymmetry
from sociolect.systems.worlds.traitors.measure import scores
from sociolect.systems.worlds.traitors.plan import plan
from sociolect.systems.worlds.traitors.simulate import simulated, voters
from sociolect.systems.worlds.traitors.talker import talker
from sociolect.workspace import workspace


def run(folder: Path, **keywords: Any) -> Page:
    with workspace(folder, system="traitors", keywords=keywords) as work:
        return recipe.run(work, **keywords)


@pytest.mark.slow
def test_the_planted_asymmetry_comes_back(made: Any) -> None:
    told = made.page.tables
    claims = {r["claim"][:20]: r for r in told["claims"].iter_rows(named=True)}
    assert told["claims"]["same sign?"].to_list() == ["planted: yes"] * 3 + ["more here"]
    assert all(r["what stands here"] == "planted players" for r in claims.values())
    assert told["claims"]["here"][3] == 300
    pairs = told["pairs"]
    assert pairs.select("traitors", "faithful").n_unique() == 4  # cross-play is the default
    lift = {r["faithful"]: r for r in pairs.filter(measure="lift", traitors="plain").iter_rows(named=True)}
    # a clue half of the time, heeded with .9 or .3, and not always of somebody whom chance would miss
    assert lift["plain"]["low"] < 0.5 * 0.9 * 0.7 < lift["plain"]["high"] + 0.03
    assert lift["sly"]["high"] < lift["plain"]["low"]


@pytest.mark.slow
def test_the_page_shows_the_exact_chance_planted_skill_and_how_little_ten_games_show(made: Any) -> None:
    told = made.page.tables
    assert told["baseline"]["within 3 se"].to_list() == [True] * 5
    assert told["baseline"]["exact"][0] == pytest.approx(0.06875)
    assert told["power"]["games per model"].unique().sort().to_list() == [10, 90, 200]  # here 100 against each of two
    ten = told["power"].filter(pl.col("games per model") == 10, measure="traitors survive").row(0, named=True)
    assert ten["half_width"] == pytest.approx(0.27, rel=0.1)
    blind = told["voters"].filter(measure="lift", contrast="all blind").row(0, named=True)
    assert blind["low"] < 0 < blind["high"]
    wins = told["voters"].filter(measure="win")["estimate"].to_list()[1:]
    assert wins == sorted(wins)
    votes = told["votes"]
    assert votes["void"].sum() == 0
    attrition = told["attrition"]
    assert attrition.filter(model="ngram/talker")["phase"].n_unique() >= 9
    assert (attrition["asked"] == attrition["answered"]).all()
    assert next(s.title for s in made.page.sections) == "Who deceives, and who detects"
    assert made.page.sections[0].figure
    assert [s.title for s in made.page.sections][-1] == "Where we differ"


@pytest.mark.slow
def test_the_planned_calls_hold_those_that_were_made(made: Any) -> None:
    calls = plan().calls
    for step, rows in calls.group_by("step"):
        heard = pl.read_parquet(made.folder / "steps" / str(step[0]) / "frame.parquet")
        for kind in ("generate", "logprobs"):
            mine = heard.filter(pl.col("logprob").is_null() == (kind == "generate")).height
            due = rows.filter(kind=kind)
            assert due["calls_low"].sum() <= mine <= due["calls_high"].sum(), step
            if str(step[0]) != "talk" and kind == "logprobs":
                assert mine == pytest.approx(due["calls"].sum(), rel=0.35)
    two = plan(models={"a": "openai/x", "b": "hf/y"}, games=10)
    assert two.calls["where"].unique().sort().to_list() == ["local", "served"]
    assert two.calls["step"].n_unique() == 4
    # twenty games a side, half of them against itself
    assert two.comparisons["detectable"][0] == pytest.approx(2.8 * 0.31 * (2 / 20) ** 0.5, rel=0.02)
    assert plan(models={"a": "openai/x"}).comparisons.is_empty()


def test_nothing_is_found_between_two_alike_and_every_keyword_is_heard(tmp_path: Path) -> None:
    page = run(tmp_path / "null", null=True, games=40, traitors=2, faithful=5, tie="released", seed=4)
    told = page.tables
    assert told["claims"]["same sign?"].to_list()[:3] == ["planted: undecided"] * 3
    assert told["asymmetry"].filter((pl.col("low") > 0) | (pl.col("high") < 0)).is_empty()
    assert page.sections[0].title == "Nothing is planted"
    assert told["baseline"]["contrast"][0] == "2 traitors, 5 faithful"
    assert dict(page.made)["ties"] == "released"
    words = run(tmp_path / "words", games=2, traitors=1, faithful=3, free=True, traits=True, temperature=0.5, tokens=6)
    attrition = words.tables["attrition"].filter(model="ngram/talker")
    assert "introduction" in attrition["phase"].to_list()
    assert attrition.filter(phase="vote")["invalid"].sum() > 0  # free words of an n-gram name nobody, or the dead
    options = run(tmp_path / "options", games=2, traitors=1, faithful=3)
    assert options.tables["attrition"].filter(model="ngram/talker", phase="vote")["invalid"].sum() == 0
    assert dict(words.made)["tokens of a text"] == "6"


def test_games_that_nobody_wins_have_no_number_and_a_page_that_says_so(tmp_path: Path) -> None:
    two = {"a": "scripted/constant", "b": "scripted/refuse"}
    page = run(tmp_path, models=two, stronger="a", games=2, traitors=1, faithful=3, free=True)
    told = page.tables
    # all traitors live in every game: no game says how much games differ
    assert told["claims"].select("here", "low", "same sign?").rows()[0] == (0.0, None, "undecided")
    assert "every one of 8 games gave the same" in told["claims"]["what stands here"][0]
    assert told["pairs"].filter(measure="traitors survive").select("estimate", "low", "high").unique().rows() == [(1.0, None, None)]  # fmt: skip
    assert told["released"].filter(metric="traitors survive")["low"].null_count() == 4
    assert told["claims"]["same sign?"].to_list()[1:3] == ["not measured"] * 2
    assert told["asymmetry"].filter(measure="win")["method"].to_list() == ["no number: it is undefined in every game"]
    assert (told["votes"]["votes"] == told["votes"]["void"]).all()
    assert told["votes"]["nobody out"].sum() == told["votes"]["votes held"].sum() == 4 * 2 * 2 * 20
    assert told["attrition"].filter(model="scripted/refuse", phase="vote")["refused"].sum() > 0
    assert "No language model was named" not in str([s.prose for s in page.sections])


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"size": "full"}, "--size full plays models against each other: name them"),
        ({"models": {}}, "--models names none"),
        ({"stronger": "big"}, "--stronger big is none of plain, sly"),
        ({"games": 1, "traitors": 5, "faithful": 5}, "--games 1: a mean of games needs 2 or more; 5 traitors among 10 players"),
        ({"null": True, "models": {"a": "scripted/echo"}}, "--null is about the planted players"),
        ({"models": {"a b": "scripted/echo"}}, "--models a b: labels of letters"),
        ({"tokens": 0, "temperature": -1}, "--tokens 0 --temperature -1: 1 or more"),
        ({"temperature": float("nan")}, "--tokens 220 --temperature nan: 1 or more"),
    ],
)  # fmt: skip
def test_what_cannot_be_played_is_said_before_anything_is_asked(
    tmp_path: Path, said: dict[str, Any], error: str
) -> None:
    with pytest.raises(UsageError, match=error):
        run(tmp_path, **said)


def test_the_asymmetry_is_about_named_models_and_weighs_rounds() -> None:
    cells = [
        scores(simulated(voters(spare=a == "x", detect=0.3 * (b == "y")), games=300, seed=9), traitors=a, faithful=b)
        for a in "xyz"
        for b in "xyz"
    ]
    told = frames.scores(pl.concat(cells))
    found = {r["measure"]: r for r in asymmetry(told, "x", draws=400).iter_rows(named=True)}
    assert found["traitors survive"]["contrast"] == "x - others, as traitors"
    assert found["traitors survive"]["low"] > 0
    assert found["lift"]["high"] < 0  # y detects, x does not
    mine, theirs = (
        pl.concat(cells).filter(pl.col("condition").is_in(list(who)), measure="lift") for who in ("x", "yz")
    )
    by_hand = [np.average(t["value"].to_numpy(), weights=t["weight"].to_numpy()) for t in (mine, theirs)]
    assert found["lift"]["estimate"] == pytest.approx(by_hand[0] - by_hand[1])
    assert found["lift"]["clusters"] == 9 * 300
    with pytest.raises(InputError, match="'w' is to be compared among x, y, z"):
        asymmetry(told, "w")
    with pytest.raises(InputError, match="name one of two or more models"):
        asymmetry(frames.scores(told.filter(pl.col("community") == "x", pl.col("condition") == "x")), "x")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny transformer trained on the talker's lines, as a folder."""
    folder = tmp_path_factory.mktemp("trained") / "model"
    lines = talker(4).generate([()] * 12, tokens=12, seed=1)
    rows = {"community": ["x"] * 12, "prompt": ["What do you say?"] * 12, "reply": lines}
    scratch(Examples(pl.DataFrame(rows)), folder, epochs=1, context=2048, threads=1)
    return folder


class Killed(BaseException):
    """As if the power had gone."""


def test_a_tiny_models_game_has_no_illegal_vote_and_is_played_on_to_the_same_bytes(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules: dict[str, Any] = {"traitors": 1, "talk": True, "free": False, "tie": "seed", "clue": 0.0, "traits": False}
    at: dict[str, Any] = {"games": 1, "players": 4, "temperature": 1.0, "tokens": 6, "seed": 3}

    def once(folder: Path) -> tuple[bytes, int]:
        with workspace(folder, system="traitors", keywords={}) as work:
            names = {"m": f"hf/{trained}"}
            work.frame(
                "play", frames.replies, study.crossed, names, [trained], traitor="m", faithful="m", **at, **rules
            )
            assert work.book is not None
            return (folder / "steps" / "play" / "frame.parquet").read_bytes(), work.book.count()

    whole, calls = once(tmp_path / "whole")
    commits = 0

    def die(name: str) -> None:
        nonlocal commits
        commits += name == "journal committed"
        if commits == 5:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(book, "point", die)
        with pytest.raises(Killed):
            once(tmp_path / "killed")
    assert commits == 5
    again, made = once(tmp_path / "killed")
    assert again == whole
    assert made == calls  # nothing was asked twice
    replies = pl.read_parquet(tmp_path / "whole" / "steps" / "play" / "frame.parquet")
    assert replies.filter(pl.col("phase").is_in(["vote", "night"]))["outcome"].unique().to_list() == ["answered"]
    games = study.games_of(replies, games=1, players=4, seed=3, **rules)
    assert not (games.votes == -1).any()
    assert not any(map(bool, (games.won != games.won).tolist()))  # the game has an end
