"""A study on two nodes, one of which dies while it trains and again while it writes: the same bytes as on one process."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from tests.cluster.conftest import SECOND, Nodes
from tests.cluster.study import study

from sociolect.align import distributed as training
from sociolect.cluster import pool
from sociolect.cluster.session import cluster, session
from sociolect.models import distributed as asking

SRC = Path(__file__).parents[2] / "src"


def files(folder: Path) -> dict[str, bytes]:
    """Everything that a study leaves, but what says when and where it was made."""
    kept = (
        p
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.suffix in {".csv", ".html", ".parquet", ".safetensors"}
    )
    cards = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("card.json")}
    return {str(p.relative_to(folder)): p.read_bytes() for p in kept} | cards


class Alone(NamedTuple):
    files: dict[str, bytes]
    states: int


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """What the study leaves where one process does all of it, and how often it writes how far it is."""
    folder, log = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("log") / "points"
    assert session() is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOCIOLECT_POINTS", str(log))
        study(folder)
    return Alone(files(folder), states(log))


def states(log: Path) -> int:
    return sum(line.startswith("checkpoint renamed#") for line in log.read_text().splitlines())


def killing(
    nodes: Nodes, handed: Callable[..., Iterator[Any]], *, during: str, killed: list[str]
) -> Callable[..., Any]:
    """The same hand-out, in which the second node dies as soon as it has sent something and is still at work."""

    def listened(held: Any, do: Any, count: int, piece: Any, **more: Any) -> Iterator[Any]:
        for k, message in handed(held, do, count, piece, **more):
            yield k, message
            busy = [hand for one in held.pools for hand in one.hands if hand.node == SECOND and hand.doing]
            if busy and do.__name__ == during and not killed:
                killed.append(do.__name__)
                nodes.kill()

    return listened


def both(hand_out: Callable[..., None], killed: list[str]) -> Callable[..., None]:
    """The same hand-out, in which none begins before the other stands: whichever starts sooner could do all of it."""

    def waited(held: Any, *more: Any) -> None:
        if killed or len(held.hands) == 2 or not held.coming:
            hand_out(held, *more)

    return waited


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "during"), [(training, "trained"), (asking, "_there")], ids=["training", "generation"]
)
def test_a_node_dies_in_the_middle(
    room: Any, *, during: str, two_nodes: Nodes, alone: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[str] = []
    monkeypatch.setattr(room, "handed", killing(two_nodes, room.handed, during=during, killed=killed))
    monkeypatch.setattr(pool, "_hand_out", both(pool._hand_out, killed))
    with cluster(two_nodes.address) as held:
        assert [node.name for node in held.nodes] == ["127.0.0.2", SECOND]
        study(tmp_path)
        assert killed == [during]
        assert {hand.node for one in held.pools for hand in one.hands} == {"127.0.0.2"}
    made = files(tmp_path)
    assert made.keys() == alone.files.keys()
    assert [name for name in made if made[name] != alone.files[name]] == []
    replies = pl.read_parquet(tmp_path / "steps/replies/frame.parquet")
    assert replies["text"].n_unique() > replies.height / 2  # bytes that could differ


@pytest.mark.slow
def test_a_driver_that_was_killed_goes_on(two_nodes: Nodes, alone: Alone, tmp_path: Path) -> None:
    """It dies as the second state of a training is to be put in its place; the next driver goes on from the first."""
    command = [
        sys.executable,
        "-c",
        f"from tests.cluster.study import on; on({str(tmp_path)!r}, {two_nodes.address!r})",
    ]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(SRC), str(SRC.parent)]),
        "SOCIOLECT_KILL": "checkpoint rename#2",
    }
    died = subprocess.run(command, env=env, capture_output=True, check=False, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert len(list(tmp_path.rglob("resume.safetensors"))) == 1
    assert not list(tmp_path.rglob("adapter_model.safetensors"))  # whole adapters or none
    del env["SOCIOLECT_KILL"]
    log = tmp_path / "points"
    done = subprocess.run(
        command, env={**env, "SOCIOLECT_POINTS": str(log)}, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    made = files(tmp_path)
    assert made.keys() == alone.files.keys()
    assert [name for name in made if made[name] != alone.files[name]] == []
    assert states(log) == alone.states - 1  # what the first one had put in its place was not done again
