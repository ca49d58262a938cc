"""Closeness off a network beside the pairs: the classes, what rides along, and what cannot be joined."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames
from sociolect.cli import ended
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find.closeness import closeness
from sociolect.frames import Society
from sociolect.seeds import substream
from sociolect.systems.studies.relationship_alignment import load
from sociolect.systems.studies.relationship_alignment.network import network_of, riders
from sociolect.workspace import Workspace

ROLES = {"post_text": "p", "comment_text": "c", "commenter": "who", "poster": "to"}
WORDS = ("thanks a lot", "that is so funny", "what a surprise", "I worry about it")
SAID: dict[str, Any] = {
    "pairs": None, "dialogues": None, "posts": None, "columns": {}, "closeness_of": {}, "where": {}, "keep": (), "anonymous": False,
    "keep_ids": "a test", "planted": {},
}  # fmt: skip
ASKED: dict[str, Any] = {"columns": {}, "ties": False, "declared": False, "anonymous": False, "keep_ids": "a test"}


def pairs(folder: Path, n: int = 40) -> Path:
    """n comments by w0, w1, ... on the posts of z0, z1, ...: four each."""
    drawn = substream(0, "words").integers(4, size=n)
    rows = [
        {
            "p": f"post number {i // 4} is here",
            "c": f"{WORDS[drawn[i]]}, number {i}",
            "who": f"w{i}",
            "to": f"z{i // 4}",
        }
        for i in range(n)
    ]
    pl.DataFrame(rows).write_csv(folder / "pairs.csv")
    return folder / "pairs.csv"


def mentions(folder: Path, n: int = 40) -> Path:
    """Of every four commenters the first is close, the second has turned to the poster once, the third is in the network, the last is not."""
    rows: list[tuple[str, str, int, float]] = []
    for i in range(n):
        who, to = f"w{i}", f"z{i // 4}"
        more = (i // 40) * 3  # so that strength is not closeness again
        rows += [
            [(who, to, 3 + more, 0.5), (to, who, 4, 0.1)],
            [(who, to, 1 + more, -0.5)],
            [(who, "other", 1, 0.0)],
            [],
        ][i % 4]
    frame = pl.DataFrame(rows, schema=["from", "at", "n", "mood"], orient="row")
    frame.write_csv(folder / "mentions.csv")
    return folder / "mentions.csv"


COLUMNS = {"source": "from", "target": "at", "weight": "n", "sentiment": "mood"}


def test_a_network_tells_who_is_close_and_rides_along(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "w")
    here = load.society_of(work, **(SAID | {"pairs": pairs(tmp_path), "columns": ROLES}))
    tied = network_of(work, mentions(tmp_path), pairs=tmp_path, **(ASKED | {"columns": COLUMNS}))
    made, counts = load.people_of(here, ties=False, alone=False, tied=tied)
    number = pl.col("commenter").str.slice(1).cast(pl.Int64) % 4
    riding = ["closeness", "tie_strength", "tie_reciprocity", "tie_sentiment"]
    found = made.select(number.alias("i"), *riding).unique().sort("i")
    assert found.drop("i").rows() == [
        ("close", 3.0, 0.75, pytest.approx(0.3)), ("not_close", 1.0, 0.0, -0.5), ("stranger", 0.0, None, None), (None, 0.0, None, None),
    ]  # fmt: skip
    assert counts.filter(outcome="unknown", reason="closeness")["count"].item() == 10


def test_exchanges_ride_along_too() -> None:
    said = {
        "post": ["1", "2", "3", "4"],
        "person": ["a", "b", "a", "b"],
        "text": ["one", "two", "three", "four"],
        "thread": ["1", "1", "1", "2"],
    }
    posts = frames.posts(pl.DataFrame(said | {"parent": [None, "1", "2", "3"], "time": [1, 2, 3, 4]}))
    here = Society(frames.people(frames.empty("people")), posts, frames.ties(frames.empty("ties")))
    due = riders(closeness(here, rule="exchanges"))
    assert due.select("item", "tie_strength", "tie_reciprocity").rows() == [
        ("3", 1.0, 0.0), ("2", 0.0, None), ("4", pytest.approx(1.585, abs=1e-3), 1.0),
    ]  # fmt: skip
    made, _ = load.people_of(here, ties=True, alone=False)
    assert made.sort("item")["tie_strength"].to_list() == due.sort("item")["tie_strength"].to_list()
    assert "tie_sentiment" not in made.columns
    told = frames.posts(posts.with_columns(tie_strength=pl.lit(1.0)))
    with pytest.raises(InputError, match="columns 'tie_strength' of the pairs have names that are made here: rename"):
        load.people_of(Society(here.people, told, here.ties), ties=True, alone=False)


def test_a_network_of_other_people_is_refused(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "w")
    here = load.society_of(work, **(SAID | {"pairs": pairs(tmp_path), "columns": ROLES}))
    (tmp_path / "far.csv").write_text("source,target\nx,y\ny,x\n")
    tied = network_of(work, tmp_path / "far.csv", pairs=tmp_path, **ASKED)
    with pytest.raises(RefusedError, match="none of 50 people of --pairs is among the 2 of --network: write ids alike"):
        load.people_of(here, ties=False, alone=False, tied=tied)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"path": None, "columns": COLUMNS}, "--network-columns names columns of --network: name that file too"),
        ({"columns": {"sauce": "from"}}, "no role of a column of a network 'sauce'; did you mean 'source'"),
        ({"pairs": None}, "--network names the people of --pairs: give these"),
        ({"anonymous": True}, "--network names the people of --pairs: give these"),
        ({"ties": True}, "--network and --ties each tell how close people are: leave all but one out"),
        ({"declared": True}, re.escape("--network and closeness=... in --columns each tell")),
    ],
)
def test_keywords_that_contradict_each_other(tmp_path: Path, said: dict[str, Any], why: str) -> None:
    asked = {"path": tmp_path / "n.csv", "pairs": tmp_path / "p.csv"} | ASKED | said
    with pytest.raises(UsageError, match=why):
        network_of(Workspace(tmp_path / "w"), asked.pop("path"), **asked)


def ran(folder: Path, *more: str) -> int:
    columns, network = (",".join(f"{role}={name}" for role, name in roles.items()) for roles in (ROLES, COLUMNS))
    words = ["run", "relationship_alignment", "--pairs", str(pairs(folder, 160)), "--columns", columns]
    words += ["--network", str(mentions(folder, 160)), "--network-columns", network]
    return ended([*words, *more, "--out", str(folder / "run")])


@pytest.mark.slow
def test_the_study_runs_on_a_network_and_regresses_on_its_ties(tmp_path: Path) -> None:
    assert ran(tmp_path, "--terms", "tie_strength", "--most", "60", "--draws", "1", "--subsets", "single") == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "tie_strength" in page
    assert "from the network" in page
