"""What cannot be explored: one clear line each, and nothing half made is left."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import SociolectError, WorkspaceError
from sociolect.explore.atlas import atlas
from sociolect.explore.studied import studied
from sociolect.frames import Members, Society

Crowd = tuple[Society, Members]
Write = Callable[..., Path]


def spoilt(folder: Path, what: str) -> None:
    load, members = folder / "steps" / "load", folder / "steps" / "communities" / "frame.parquet"
    run = json.loads((folder / "run.json").read_text())
    match what:
        case "gone":
            shutil.rmtree(folder)
        case "bare":
            (folder / "run.json").unlink()
        case "torn record":
            (folder / "run.json").write_text('{"schema": ')
        case "no record":
            (folder / "run.json").write_text("[]")
        case "newer":
            (folder / "run.json").write_text(json.dumps(run | {"schema": 99}))
        case "unfinished":
            (folder / "run.json").write_text(json.dumps(run | {"finished": False}))
        case "no society":
            shutil.rmtree(load)
        case "no communities":
            members.unlink()
        case "lacking":
            (load / "ties.parquet").unlink()
        case "torn ties":
            (load / "ties.parquet").write_bytes((load / "ties.parquet").read_bytes()[:100])
        case "torn members":
            members.write_bytes(b"")
        case "other members":
            pl.DataFrame({"person": ["a"]}).write_parquet(members)
        case "twice":
            rows = pl.read_parquet(members)
            pl.concat([rows, rows.head(1).with_columns(community=pl.lit("blue"))]).write_parquet(members)
        case "no ties":
            frames.empty("ties").write_parquet(load / "ties.parquet")
            frames.empty("posts").write_parquet(load / "posts.parquet")
        case "strangers":
            pl.DataFrame({"person": ["x", "y"], "community": ["a", "b"]}).write_parquet(members)


FAULTS = {
    "gone": "is not there: give the folder of a run",
    "bare": "is no workspace (no run.json)",
    "torn record": "run.json is torn",
    "no record": "run.json is torn",
    "newer": "has schema 99, newer than 2: upgrade sociolect",
    "unfinished": "is not finished: run the same command again",
    "no society": "holds no people, posts and ties",
    "no communities": "holds no communities (steps/communities)",
    "lacking": "lacks steps/load/ties.parquet",
    "torn ties": "ties.parquet is torn",
    "torn members": "frame.parquet is torn",
    "other members": "this is not a members frame: column 'community' is missing",
    "twice": "1 rows put a person into a further community",
    "no ties": "has no tie between two people, given or by reply, mention, repost",
    "strangers": "tied pairs are two members",
}


@pytest.mark.parametrize(("what", "told"), FAULTS.items(), ids=list(FAULTS))
def test_what_cannot_be_explored_is_said_in_one_line(
    tmp_path: Path, crowd: Crowd, write: Write, what: str, told: str
) -> None:
    folder = write(tmp_path / "run", *crowd)
    spoilt(folder, what)
    with pytest.raises(SociolectError) as error:
        atlas(folder)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(folder.glob("explore/*")), "nothing half made is left"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    folder = write(tmp_path, *crowd)
    (folder / "explore").write_text("a file")
    with pytest.raises(WorkspaceError, match="explore cannot be written"):
        atlas(folder)


def test_the_key_follows_the_step_or_where_it_has_none_the_file(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    folder = write(tmp_path, *crowd)
    members = folder / "steps" / "communities" / "frame.parquet"
    first = studied(folder).key
    assert studied(folder).key == first
    os.utime(members, (0, 0))
    assert (second := studied(folder).key) != first, "as large as before, and another day's"
    for name in ("load", "communities"):
        (folder / "steps" / name / "step.json").write_text(json.dumps({"key": name}))
    third = studied(folder).key
    assert third != second
    os.utime(members, (9, 9))
    assert studied(folder).key == third, "a copy of a workspace is the same workspace"
    (folder / "steps" / "communities" / "step.json").write_text(json.dumps({"key": "another"}))
    assert studied(folder).key != third
    (folder / "steps" / "communities" / "step.json").write_text("torn")
    assert studied(folder).key not in {first, second, third}
