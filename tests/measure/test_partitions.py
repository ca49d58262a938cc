"""Measures over many texts: the numbers of the whole frame, whatever the partitions, the processes, and what kills them."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames
from sociolect.cluster.processes import handed_here
from sociolect.errors import (
    ClusterError,
    WorkspaceError,
)
from sociolect.frames import Replies, Scores
from sociolect.measure.opened import opened
from sociolect.measure.partitions import measured
from sociolect.measure.scoring import score
from sociolect.measure.style import style
from sociolect.measure.tone import tone
from sociolect.measure.tone_words import lexicon

N = 60
opens: list[str] = []


def planted(n: int = N) -> Replies:
    """Replies of 1, 2, 3, ... words; every 20th has no text, every 30th plus one has no letter."""
    rows = [
        {
            "speaker": f"p{i % 7}", "source": "human", "community": "ab"[i % 2], "item": f"i{n - i}", "condition": "c", "draw": i % 3,
            "turn": 0, "prompt": "say", "text": None if i % 20 == 0 else "2 0 2 6" if i % 30 == 1 else "Word " * i, "age": i,
        }
        for i in range(n)
    ]  # fmt: skip
    return frames.replies(pl.DataFrame(rows))


def written(folder: Path, replies: pl.DataFrame, *cuts: int) -> Path:
    """A source of as many files as there are cuts, and one more."""
    folder.mkdir(exist_ok=True)
    for k, (a, b) in enumerate(zip((0, *cuts), (*cuts, replies.height), strict=True)):
        replies[a:b].write_parquet(folder / f"{k}.parquet")
    return folder


def words(replies: Replies) -> Scores:
    return score(replies, {"words": replies["text"].str.split(" ").list.len().cast(pl.Float64) - 1})


def dies_once(replies: Replies, flag: str) -> Scores:
    """The same, where one process dies in the second partition."""
    if replies["age"][0] == 20 and replies.height == 20 and not Path(flag).exists():
        Path(flag).touch()
        os._exit(9)
    return words(replies)


def noted(replies: Replies, folder: str) -> Scores:
    """The same, slowly; each process leaves its number."""
    Path(folder, f"{os.getpid()}").touch()
    time.sleep(0.01)
    return words(replies)


def reader(name: str) -> Any:
    opens.append(name)
    return lexicon()


def bytes_of(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(out.iterdir()) if not p.name.startswith(".")}


@pytest.mark.parametrize("rows", [7, 20, 100])
def test_the_scores_are_those_of_the_whole_frame_in_its_order(tmp_path: Path, rows: int) -> None:
    whole = planted()
    source = written(tmp_path / "source", whole, 25, 31)
    out = measured(source, tmp_path / "out", style, rows=rows, workers=1)
    got = pl.scan_parquet(out / "*.parquet").collect()
    assert got["item"].to_list() == [item for item in whole["item"] for _ in range(6)]
    by_words = got.filter(pl.col("measure") == "style:words")
    due = [None if i % 20 == 0 else 4.0 if i % 30 == 1 else float(i) for i in range(N)]
    assert by_words["value"].to_list() == due
    assert by_words["age"].to_list() == list(range(N))
    at_once = style(whole).sort("age", "measure")
    assert got.sort("age", "measure").equals(at_once)
    told = json.loads((out / "measured.json").read_text())
    assert (told["rows"], told["scores"]) == (N, 6 * N)
    assert told["left_out"] == {"no_text": 3, "no_value": 2, "no_score": 0}
    assert [p["rows"] for p in told["parts"]] == [min(rows, N - k) for k in range(0, N, rows)]


def partly(replies: Replies) -> Scores:
    """0 or 1 for the replies of two people alone, whether they hold text or none; null for one of them."""
    some = frames.replies(replies.filter(pl.col("speaker").is_in(["p0", "p1"])))
    value = pl.when(pl.col("age") != 7).then(pl.col("text").is_null().cast(pl.Float64))
    return score(some, {"silent": some.select(value.alias("value"))["value"]})


def test_whoever_has_no_number_is_counted_by_reason(tmp_path: Path) -> None:
    out = measured(written(tmp_path / "source", planted()), tmp_path / "out", partly, rows=17, workers=1)
    told = json.loads((out / "measured.json").read_text())
    held = [i for i in range(N) if i % 7 < 2]
    assert told["left_out"] == {"no_text": 0, "no_value": 1, "no_score": N - len(held)}
    assert pl.scan_parquet(out / "*.parquet").collect()["age"].to_list() == held


def test_two_processes_of_which_one_dies_give_the_bytes_of_one(tmp_path: Path) -> None:
    source = written(tmp_path / "source", planted())
    flag = tmp_path / "flag"
    measure = partial(dies_once, flag=str(flag))
    two = measured(source, tmp_path / "two", measure, rows=20, workers=2)
    assert flag.exists()
    assert bytes_of(two) == bytes_of(measured(source, tmp_path / "one", measure, rows=20, workers=1))


def test_a_piece_that_kills_three_processes_ends_the_work() -> None:
    with pytest.raises(ClusterError, match="m: 3 processes died of the same piece of work"):
        list(handed_here(os._exit, 1, lambda _: 9, workers=2, what="m"))


def test_killed_in_the_middle_it_goes_on_and_leaves_no_process(tmp_path: Path) -> None:
    source = written(tmp_path / "source", planted())
    (pids := tmp_path / "pids").mkdir()
    measure, out = partial(noted, folder=str(pids)), tmp_path / "out"
    run = f"""
from functools import partial
from tests.measure.test_partitions import measured, noted
if __name__ == "__main__":
    measured({str(source)!r}, {str(out)!r}, partial(noted, folder={str(pids)!r}), rows=10, workers=2)
"""
    (script := tmp_path / "run.py").write_text(run)
    paths = os.pathsep.join(p or os.getcwd() for p in sys.path)
    env = {**os.environ, "PYTHONPATH": paths, "SOCIOLECT_KILL": "rename#3"}
    assert subprocess.run([sys.executable, script], env=env, check=False).returncode == -9
    stood = {p.name: p.stat().st_mtime_ns for p in out.glob("*.parquet")}
    assert len(stood) == 2
    assert not (out / "measured.json").exists()
    workers = {int(p.name) for p in pids.iterdir()}
    assert len(workers) > 1  # the sample is measured by the process that was killed
    for _ in range(100):
        if not (left := [pid for pid in workers if _runs(pid)]):
            break
        time.sleep(0.05)
    assert left == []
    measured(source, out, measure, rows=10, workers=1)
    assert {name: (out / name).stat().st_mtime_ns for name in stood} == stood
    assert bytes_of(out) == bytes_of(measured(source, tmp_path / "whole", measure, rows=10, workers=1))
    assert [p.name for p in out.glob(".*")] == [".lock"]


def _runs(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    return False


def test_what_stands_whole_is_not_made_again(tmp_path: Path) -> None:
    source = written(tmp_path / "source", planted())
    out = measured(source, tmp_path / "out", words, rows=20, workers=1)
    due, times = bytes_of(out), [p.stat().st_mtime_ns for p in sorted(out.iterdir())]
    assert [p.stat().st_mtime_ns for p in sorted(measured(source, out, words, rows=20).iterdir())] == times
    first, second, third = sorted(out.glob("*.parquet"))
    first.unlink()
    second.write_bytes(due[second.name][:-20])
    third.write_bytes(due[third.name][:50] + b"?" + due[third.name][51:])
    told = list[tuple[int, int]]()
    assert bytes_of(measured(source, out, words, rows=20, workers=1, progress=lambda *two: told.append(two))) == due
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_reader_is_opened_once_where_it_reads(tmp_path: Path) -> None:
    source = written(tmp_path / "source", planted())
    opens.clear()
    out = measured(source, tmp_path / "out", partial(tone, reader=opened(reader, "a")), rows=10, workers=1)
    assert opens == ["a"]
    got = pl.scan_parquet(out / "*.parquet").collect().sort("age", "measure")
    assert got.equals(tone(planted(), lexicon()).sort("age", "measure"))
    with pytest.raises(WorkspaceError, match=r"holds scores of another run \(other measure\)"):
        measured(source, out, partial(tone, reader=opened(reader, "b")), rows=10)
