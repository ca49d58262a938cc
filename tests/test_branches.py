"""A branch of a workspace: what is the same is read back, what is not is made there, and the workspace above stays as it was."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import WorkspaceError
from sociolect.fingerprint import of_folder
from sociolect.frames import Members
from sociolect.workspace import Workspace, workspace

PEOPLE = pl.DataFrame({"person": ["a", "b"]})

made: list[str] = []


def members(people: pl.DataFrame, *, community: str = "red") -> Members:
    made.append(community)
    return frames.members(people.select("person", community=pl.lit(community)))


def weights(*, rank: int, folder: Path) -> None:
    made.append(f"rank {rank}")
    (folder / "adapter").mkdir(exist_ok=True)
    (folder / "adapter" / "weights").write_text(f"{rank}")


def study(work: Workspace, *, community: str = "red", rank: int = 4) -> tuple[Members, Path]:
    """Two steps, a table and a folder of files, one knob each."""
    return work.frame("m", frames.members, members, PEOPLE, community=community), work.files("w", weights, rank=rank)


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Workspace]:
    made.clear()
    with workspace(tmp_path / "w", system="s", keywords={}) as w:
        yield w


def test_what_the_knob_leaves_alone_is_read_back_and_the_rest_is_made_in_the_branch(work: Workspace) -> None:
    before, _ = study(work)
    above = of_folder(work.folder / "steps")
    made.clear()
    kept, folder = study(work.branch("rank=8"), rank=8)
    assert made == ["rank 8"]
    assert kept.equals(before)
    assert (folder / "adapter" / "weights").read_text() == "8"
    assert of_folder(work.folder / "steps") == above


def test_a_linked_step_is_never_written_through(work: Workspace) -> None:
    _, mine = study(work)
    below = work.branch("b")
    _, theirs = study(below)
    one, other = (f / "adapter" / "weights" for f in (mine, theirs))
    assert one.stat().st_ino == other.stat().st_ino, "this disk has links: nothing is copied"
    study(below, rank=8)
    assert (one.read_text(), other.read_text()) == ("4", "8")


def test_a_disk_without_links_gets_copies(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", fails)
    before, mine = study(work)
    made.clear()
    kept, theirs = study(work.branch("b"))
    assert made == []
    assert kept.equals(before)
    assert of_folder(theirs) == of_folder(mine)
    assert (mine / "adapter" / "weights").stat().st_ino != (theirs / "adapter" / "weights").stat().st_ino


def test_a_stale_step_of_a_branch_gives_way_to_the_one_above(work: Workspace) -> None:
    study(work)
    study(work.branch("b"))
    study(work, community="blue")
    made.clear()
    found, _ = study(work.branch("b"), community="blue")
    assert found["community"].to_list() == ["blue", "blue"]
    assert made == []


def test_a_branch_keeps_what_it_made_itself(work: Workspace) -> None:
    study(work)
    study(work.branch("rank=8"), rank=8)
    made.clear()
    study(work.branch("rank=8"), rank=8)
    assert made == [], "a finished branch is not made again by the next run of its study"


def test_the_value_that_the_study_has_already_makes_nothing(work: Workspace) -> None:
    study(work)
    made.clear()
    _, folder = study(work.branch("rank=4").branch("again"))
    assert made == []
    assert folder == work.folder / "branches" / "rank=4" / "branches" / "again" / "steps" / "w"


def test_a_torn_step_above_is_made_in_the_branch(work: Workspace) -> None:
    _, folder = study(work)
    (folder / "step.json").write_text('{"key": ')
    made.clear()
    study(work.branch("b"))
    assert made == ["rank 4"]


def test_the_record_names_the_steps_of_each_branch(tmp_path: Path) -> None:
    said: list[str] = []
    with workspace(tmp_path / "w", system="s", keywords={}, say=said.append) as work:
        study(work)
        study(work.branch("rank=8"), rank=8)
    assert said == ["m", "w", "rank=8: w"]
    steps = json.loads((tmp_path / "w" / "run.json").read_text())["steps"]
    assert {n: s["reused"] for n, s in steps["branches/rank=8"].items()} == {"m": True, "w": False}


def test_a_branch_that_cannot_be_written_says_so(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    study(work)
    monkeypatch.setattr("sociolect.workspace._linked", full)
    with pytest.raises(WorkspaceError, match="'m' could not be written.*earlier steps are intact"):
        study(work.branch("b"))
