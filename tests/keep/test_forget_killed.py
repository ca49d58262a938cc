"""SIGKILL at each kind of point of a forgetting, then the same call again: nothing of them is left, and nobody else is lost."""

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.kills.conftest import zygote
from tests.kills.studies import made as tables_of

from sociolect import forgotten
from sociolect.errors import WorkspaceError
from sociolect.frames import Society
from sociolect.keep.forget import forget
from sociolect.models.journal import opened
from sociolect.workspace import JOURNAL, Workspace, workspace

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="these runs are forks: this system cannot")
Made = tuple[Path, Path, Path]
Left = Callable[[Path, Path], set[str]]
Again = Callable[[Workspace, Path, Path], Society]
WHO = "mary_k42"
EVERY = 15  # the first point of each name is visited, and of the others every so many
POINTS = {
    "forget marked", "forget pages", "forget journal", "forget rows", "forget aside", "forget cut", "forget stale", "forget step",
    "forget sums", "write", "sync", "rename", "renamed",
}  # fmt: skip


def test_killed_at_any_point_the_same_call_finishes(made: Made, left: Left, again: Again) -> None:
    folder, path, key = made
    home, log = folder.parent, folder.parent / "points"
    forgotten.write(folder, forgotten.Register(bytes(32)))  # its key names the threads that lost their name
    with zygote("forgetting") as run:
        shutil.copytree(folder, home / "whole")
        assert run(home / "whole", WHO, log=str(log)) == 0
        whole, points = tables_of(home / "whole"), log.read_text().split("\n")[:-1]
        assert {p.partition("#")[0] for p in points} == POINTS
        assert left(home / "whole", key) == set()
        seen: Counter[str] = Counter()
        for place, point in enumerate(points):
            seen[point.partition("#")[0]] += 1
            if seen[point.partition("#")[0]] > 1 and place % EVERY:
                continue
            at = home / "killed"
            shutil.copytree(folder, at)
            assert run(at, WHO, kill=point) == -signal.SIGKILL, point
            if forgotten.read(at).begun:
                with (
                    pytest.raises(WorkspaceError, match="say sociolect forget again"),
                    workspace(at, system="s", keywords={}),
                ):
                    pass
            assert run(at, WHO) == 0, point
            assert left(at, key) == set(), point
            assert tables_of(at) == whole, point
            with opened(at / JOURNAL) as book:
                assert book.count() == 0, point
            shutil.rmtree(at)
    with workspace(home / "whole", system="s", keywords={}) as work:
        again(work, path, key)
    assert left(home / "whole", key) == set()


def test_what_a_killed_verify_or_run_left_goes_as_a_whole(made: Made, left: Left) -> None:
    folder, _, key = made
    for hidden in (folder / ".verify-x1", folder / "steps" / ".society.part"):
        shutil.copytree(folder / "steps", hidden / "steps")
    forget(folder, WHO, key=key)
    assert left(folder, key) == set()
    assert not (folder / ".verify-x1").exists()
