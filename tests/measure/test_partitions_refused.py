"""What cannot be measured in partitions: one line each, and nothing half-written."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.measure.test_partitions import N, bytes_of, planted, words, written

from sociolect import frames
from sociolect.errors import InputError, ModelError, RefusedError, SociolectError, UsageError, WorkspaceError
from sociolect.frames import Replies, Scores
from sociolect.measure.opened import opened
from sociolect.measure.partitions import measured
from sociolect.measure.scoring import score
from sociolect.measure.tone import tone


def normed(replies: Replies) -> Scores:
    return score(replies, {"normed": replies["age"] - replies["age"].mean()})


def repeated(replies: Replies) -> Scores:
    """Whether somebody said the same in the same frame."""
    return score(replies, {"repeated": replies["text"].is_duplicated().cast(pl.Float64)})


def needs_two(replies: Replies) -> Scores:
    if replies.height < 2:
        raise RefusedError("two replies are due")
    return words(replies)


def ranked(replies: Replies) -> Scores:
    """A number that looks at each reply alone, and a rider that does not."""
    return score(replies, {"age": replies["age"].cast(pl.Float64)}, rank=replies["age"].rank())


def elsewhere(replies: Replies) -> Scores:
    return words(frames.replies(replies.with_columns(speaker=pl.lit("nobody"))))


def fails(replies: Replies) -> Scores:
    raise ZeroDivisionError("by\nnought")


def other_later(replies: Replies) -> Scores:
    more = {"late": pl.Series([1] * replies.height)} if replies["age"].max() == N - 1 and replies.height > 1 else {}
    return score(replies, {"age": replies["age"].cast(pl.Float64)}, **more)


def touches(replies: Replies, path: str) -> Scores:
    os.utime(path, ns=(1, 1))
    return words(replies)


def no_reader() -> Any:
    raise OSError("no such weights")


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        (normed, "normed is -?[0-9.]+ among others and 0.0 alone"),
        (repeated, "repeated is 1.0 among others and 0.0 alone"),
        (ranked, "rank of age is [0-9.]+ among others and 1.0 alone"),
        (needs_two, "a reply alone cannot be measured .*two replies are due"),
    ],
)
def test_a_measure_that_looks_at_other_replies_is_refused(tmp_path: Path, measure: Any, said: str) -> None:
    with pytest.raises(RefusedError, match=f"{measure.__name__} does not look at each reply alone: .*{said}"):
        measured(written(tmp_path / "source", planted()), tmp_path / "out", measure, rows=20, workers=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("error", "said", "keywords"),
    [
        (RefusedError, "fails failed on rows 0 to 19 of .*0.parquet: ZeroDivisionError: by nought", {"measure": fails}),
        (RefusedError, "24 scores are of no reply that was measured", {"measure": elsewhere}),
        (InputError, "other columns for rows 40 to 59 of .* than for the first rows: late", {"measure": other_later}),
        (ModelError, "its reader cannot be opened: OSError: no such weights", {"measure": partial(tone, reader=opened(no_reader))}),
        (UsageError, "<lambda> cannot be sent to another process .*due is a function of a module", {"measure": lambda r: r}),
        (UsageError, "rows is 0, not 1 or more; workers is 0, not 1 or more; .* lies in the source", {"rows": 0, "workers": 0, "out": "source/out"}),
        (InputError, "none.parquet holds no parquet file", {"source": "none.parquet"}),
        (InputError, "n.*parquet holds no parquet file", {"source": "n*.parquet"}),
        (WorkspaceError, "holds something else .0.parquet.: choose an empty or a new folder", {"out": "other"}),
        (WorkspaceError, "0.parquet is a file: choose a folder", {"out": "other/0.parquet"}),
        (WorkspaceError, "other/0.parquet/out cannot be written", {"out": "other/0.parquet/out"}),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(
    tmp_path: Path, error: type[SociolectError], said: str, keywords: dict[str, Any]
) -> None:
    told: dict[str, Any] = {"source": "source", "out": "out", "measure": words, "rows": 20, "workers": 1} | keywords
    written(tmp_path / "source", planted())
    written(tmp_path / "other", planted())
    with pytest.raises(error, match=said) as caught:
        measured(tmp_path / told.pop("source"), tmp_path / told.pop("out"), **told)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "measured.json").exists()
    assert sorted(p.name for p in tmp_path.rglob("*.part")) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda at: planted().drop("draw").write_parquet(at), r"1.parquet: this is not a replies frame: column 'draw' is missing"),
        (lambda at: planted().drop("age").write_parquet(at), r"1.parquet has other columns than 0.parquet: age"),
        (lambda at: at.write_bytes(at.read_bytes()[:-9]), r"1.parquet is a broken parquet file \(.*\): write it again"),
        (lambda at: at.write_bytes(at.read_bytes()[:100] + bytes(300) + at.read_bytes()[400:]), r"1.parquet is a broken parquet file"),
        (lambda at: pl.concat([planted()[:1]] * 2).write_parquet(at), r"rows 0 to 1 of .*1.parquet: .* 1 row repeat the key"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_file_of_replies_is_named(tmp_path: Path, spoil: Callable[[Path], Any], said: str) -> None:
    source = written(tmp_path / "source", planted(), 20)
    spoil(source / "1.parquet")
    with pytest.raises(InputError, match=said):
        measured(source, tmp_path / "out", words, rows=20, workers=1)
    assert not (tmp_path / "out" / "measured.json").exists()


def test_an_empty_source_and_one_that_changes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no replies: there is no row in it"):
        measured(written(tmp_path / "empty", planted()[:0]), tmp_path / "out", words)
    source = written(tmp_path / "source", planted())
    with pytest.raises(InputError, match="changed while it was measured"):
        measured(source, tmp_path / "out", partial(touches, path=str(source / "0.parquet")), workers=1)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_whole_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = written(tmp_path / "source", planted()), tmp_path / "out"
    calls, sync = list[int](), os.fsync

    def full(at: int) -> None:
        calls.append(at)
        if len(calls) == 4:  # a file and its folder each
            raise OSError(28, "No space left on device")
        sync(at)

    def refused() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(
                WorkspaceError, match=r"part-000001.parquet cannot be written \(No space left on device\)"
            ):
                measured(source, out, words, rows=20, workers=1)

    refused()
    whole = measured(source, tmp_path / "whole", words, rows=20, workers=1)
    assert (out / "part-000000.parquet").read_bytes() == (whole / "part-000000.parquet").read_bytes()
    assert bytes_of(measured(source, out, words, rows=20, workers=1)) == bytes_of(whole)
    for name in ("part-000000.parquet", "part-000001.parquet"):
        (out / name).unlink()
    calls.clear()
    refused()
    assert not (out / "measured.json").exists()  # it would speak of a part that is not there
