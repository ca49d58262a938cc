"""Each step is made once, made anew when what it was made of changes, and never lost by what goes wrong after it."""

import json
import multiprocessing
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import FrameError, WorkspaceError
from sociolect.fingerprint import fingerprint, of_file
from sociolect.frames import Members
from sociolect.workspace import Workspace, workspace

made: list[str] = []


def members(people: pl.DataFrame, *, community: str = "red") -> Members:
    made.append(community)
    return frames.members(people.select("person", community=pl.lit(community)))


def fails(people: pl.DataFrame) -> pl.DataFrame:
    raise RuntimeError("cut off")


def no_room(people: pl.DataFrame) -> pl.DataFrame:
    raise OSError(28, "No space left on device")


def writes(people: pl.DataFrame, *, folder: Path, stop: bool = False) -> None:
    made.append("resumed" if (folder / "half").exists() else "fresh")
    (folder / "half").write_text("1")
    if stop and made[-1] == "fresh":
        raise RuntimeError("killed")
    (folder / "whole").write_text("2")


PEOPLE = pl.DataFrame({"person": ["a", "b"]})


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Workspace]:
    made.clear()
    with workspace(tmp_path / "w", system="s", keywords={"seed": 3}) as w:
        yield w


def test_a_step_is_made_once_and_read_back_the_same(work: Workspace) -> None:
    first = work.frame("m", frames.members, members, PEOPLE)
    assert work.frame("m", frames.members, members, PEOPLE).equals(first)
    assert made == ["red"]


def test_a_step_is_made_anew_when_an_input_or_a_keyword_changes(work: Workspace) -> None:
    work.frame("m", frames.members, members, PEOPLE)
    work.frame("m", frames.members, members, PEOPLE.with_columns(age=pl.lit(3)))
    assert work.frame("m", frames.members, members, PEOPLE, community="blue")["community"].unique().to_list() == [
        "blue"
    ]
    assert work.frame("m", frames.members, partial(members, community="green"), PEOPLE)["community"][0] == "green"
    assert made == ["red", "red", "blue", "green"]


def test_a_step_is_made_anew_when_the_code_changes(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    work.frame("m", frames.members, members, PEOPLE)
    monkeypatch.setattr("sociolect.workspace.code", lambda: "another")
    work.frame("m", frames.members, members, PEOPLE)
    assert made == ["red", "red"]


def test_a_failing_step_leaves_the_earlier_one(work: Workspace) -> None:
    work.frame("m", frames.members, members, PEOPLE)
    with pytest.raises(RuntimeError):
        work.frame("m", frames.members, fails, PEOPLE)
    assert work.frame("m", frames.members, members, PEOPLE).height == 2
    assert made == ["red"]


def test_a_full_disk_is_one_clear_line(work: Workspace) -> None:
    work.frame("m", frames.members, members, PEOPLE)
    with pytest.raises(WorkspaceError, match="'n' could not be written.*No space left.*earlier steps are intact"):
        work.frame("n", frames.members, no_room, PEOPLE)
    assert (work.folder / "steps" / "m" / "frame.parquet").exists()


def test_a_torn_record_is_made_again(work: Workspace) -> None:
    work.frame("m", frames.members, members, PEOPLE)
    (work.folder / "steps" / "m" / "step.json").write_text('{"key": "')
    work.frame("m", frames.members, members, PEOPLE)
    assert made == ["red", "red"]


@pytest.mark.parametrize(("share", "times"), [(1.0, 1), (0.5, 2), (0.0, 2)])
def test_a_table_cut_short_is_made_again(work: Workspace, share: float, times: int) -> None:
    whole = work.frame("m", frames.members, members, PEOPLE)
    path = work.folder / "steps" / "m" / "frame.parquet"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert work.frame("m", frames.members, members, PEOPLE).equals(whole)
    assert made == ["red"] * times


def test_a_killed_step_finds_what_it_had_left(work: Workspace) -> None:
    with pytest.raises(RuntimeError):
        work.files("model", writes, PEOPLE, stop=True)
    assert (work.files("model", writes, PEOPLE, stop=True) / "whole").read_text() == "2"
    assert made == ["fresh", "resumed"]


def test_what_a_clock_measured_is_read_as_it_stands_when_numbers_are_made_again(tmp_path: Path) -> None:
    def timed() -> pl.DataFrame:
        return pl.DataFrame({"seconds": [time.perf_counter()]})

    first = Workspace(tmp_path / "a").clocked("times", timed)
    assert not Workspace(tmp_path / "b").clocked("times", timed).equals(first)
    again = Workspace(tmp_path / "c", raw=tmp_path / "a", taken=frozenset({"clock"}))
    assert again.clocked("times", timed).equals(first)


def test_the_door_is_passed_both_ways(work: Workspace) -> None:
    with pytest.raises(FrameError):
        work.frame("m", frames.ties, members, PEOPLE)
    assert not (work.folder / "steps" / "m").exists()


def test_run_json_and_sums_are_true(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("a\n1\n")
    with workspace(tmp_path / "w", system="s", keywords={"seed": 3, "posts": source}) as w:
        w.frame("m", frames.members, members, PEOPLE)
    run = json.loads((tmp_path / "w" / "run.json").read_text())
    assert run["keywords"]["seed"] == 3
    assert run["inputs"] == {str(source): of_file(source)}
    assert run["versions"]["polars"] == pl.__version__
    assert run["finished"] is True
    assert list(run["steps"]) == ["m"]
    for line in (tmp_path / "w" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert of_file(tmp_path / "w" / name) == digest


def _hold(folder: Path, held: "multiprocessing.Queue[str]", go: "multiprocessing.Queue[str]") -> None:
    with workspace(folder, system="s", keywords={}):
        held.put("held")
        go.get(timeout=60)


def test_a_second_process_is_told(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, go = context.Queue(), context.Queue()
    other = context.Process(target=_hold, args=(tmp_path / "w", held, go))
    other.start()
    assert held.get(timeout=60) == "held"
    with (
        pytest.raises(WorkspaceError, match="another process works in"),
        workspace(tmp_path / "w", system="s", keywords={}),
    ):
        pass
    go.put("go")
    other.join()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"schema": 99}')
    with pytest.raises(WorkspaceError, match="schema 99"), workspace(tmp_path, system="s", keywords={}):
        pass


def test_fingerprints_tell_values_apart() -> None:
    values: list[object] = [
        None,
        0,
        0.0,
        "",
        "0",
        False,
        (),
        [],
        {},
        ("a", "b"),
        ("ab",),
        pl.DataFrame({"a": ["x", None]}),
        pl.DataFrame({"a": ["x", ""]}),
    ]
    assert len({fingerprint(v) for v in values}) == len(values)
    with pytest.raises(TypeError, match="no fingerprint"):
        fingerprint(lambda: 0)
