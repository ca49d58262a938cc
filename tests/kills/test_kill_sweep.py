"""SIGKILL at every kind of instrumented point, then the run again: the same bytes, and nothing paid twice but what was in flight.

The study of tables is killed at every single point, the two that take longer at the first ones of each name.
"""

import os
import re
import signal
from collections import Counter
from pathlib import Path

import pytest
from tests.keep.test_forget_killed import POINTS as FORGOTTEN
from tests.kills.conftest import Run, zygote
from tests.kills.studies import made

import sociolect

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a sweep forks: this system cannot")
# Of an endpoint's two workers: two calls on their way to the server, and two answers on their way into the journal.
IN_FLIGHT = {"tables": 1, "endpoint": 4, "training": 0}
# Two calls in flight may be answered together: of eight calls there are four groups or more, and only four are sure.
GROUPED, SURE = {"served answered", "call answered", "journal commit", "journal committed"}, 4
# The names that a study passes.
POINTS = {
    "tables": {
        "step", "made", "write", "sync", "rename", "between renames", "renamed", "call answered", "journal commit", "journal committed",
    },
    "endpoint": {
        "step", "made", "write", "sync", "rename", "renamed", "served answered", "call answered", "journal commit",
        "journal committed",
    },
    "training": {
        "step", "made", "write", "sync", "rename", "renamed", "call answered", "journal commit", "journal committed",
        "checkpoint write", "checkpoint rename", "checkpoint renamed", "weights written", "weights rename",
    },
}  # fmt: skip


def test_every_point_of_the_code_is_swept() -> None:
    said = (path.read_text("utf-8") for path in Path(sociolect.__file__).parent.rglob("*.py"))
    named = {name for text in said for name in re.findall(r'\bpoint\("([^"]+)"\)', text)}
    assert named == FORGOTTEN.union(*POINTS.values())


def swept(
    study: str, run: Run, folder: Path, server: tuple[str, Counter[str]], *, most: int | None = None
) -> list[str]:
    """Kills a run at each of its points (at most `most` of each name) and runs it again; what came out wrong, in words."""
    url, paid = server
    log = folder / "points"
    assert run(folder / "whole", url, log=str(log)) == 0
    points, whole, once = log.read_text().split("\n")[:-1], made(folder / "whole"), Counter(paid)
    assert {p.partition("#")[0] for p in points} == POINTS[study]
    seen: Counter[str] = Counter()
    wrong = []
    for point in points:
        name = point.partition("#")[0]
        seen[name] += 1
        if most is not None and seen[name] > (min(most, SURE) if study == "endpoint" and name in GROUPED else most):
            continue
        paid.clear()
        at = folder / f"killed-{len(points)}-{point.replace(' ', '-')}"
        if run(at, url, kill=point) != -signal.SIGKILL:
            wrong.append(f"{point}: it was not killed there")
        if run(at, url) != 0:
            wrong.append(f"{point}: the second run failed")
        elif made(at) != whole:
            wrong.append(f"{point}: other bytes in {sorted(k for k, v in whole.items() if made(at).get(k) != v)}")
        if over := paid - once:
            wrong += [f"{point}: {sum(over.values())} calls were paid twice"] * (over.total() > IN_FLIGHT[study])
        if name == "journal committed" and over and study == "tables":  # one call at a time: none is in flight
            wrong.append(f"{point}: a call that stood in the journal was paid again")
        if missed := once - paid:
            wrong.append(f"{point}: {missed.total()} calls were never made")
    paid.clear()
    return wrong


def test_a_study_of_tables_and_paid_calls(tmp_path: Path, server: tuple[str, Counter[str]]) -> None:
    with zygote("tables") as run:
        assert swept("tables", run, tmp_path, server) == []


@pytest.mark.slow
def test_a_study_behind_an_endpoint(tmp_path: Path, server: tuple[str, Counter[str]]) -> None:
    with zygote("endpoint") as run:
        assert swept("endpoint", run, tmp_path, server, most=6) == []


@pytest.mark.slow
def test_a_study_that_trains(tmp_path: Path, server: tuple[str, Counter[str]]) -> None:
    with zygote("training") as run:
        assert swept("training", run, tmp_path, server, most=2) == []
