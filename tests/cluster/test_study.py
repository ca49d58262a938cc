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
        if do.__name__ == during:
            nodes.whole()  # it has come back since it died last
        for k, message in handed(held, do, count, piece, **more):
            yield k, message
            busy = [hand for one in held.pools for hand in one.hands if hand.node == SECOND and hand.doing]
            if busy and do.__name__ == during and during not in killed:
                killed.append(during)
                nodes.kill()

    return listened


def both(hand_out: Callable[..., None], killed: list[str]) -> Callable[..., None]:
    """The same hand-out, in which none begins before the other stands: whichever starts sooner could do all of it."""

    def waited(held: Any, do: Any, *more: Any) -> None:
        if SECOND in {hand.node for hand in held.hands} or not held.coming or do.__name__ in killed:
            hand_out(held, do, *more)

    return waited


@pytest.mark.slow
def test_the_driver_and_two_nodes_die_and_the_study_ends_the_same(
    two_nodes: Nodes, alone: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver dies as the second state of a training is to be put in its place. The next goes on from the first; a node dies while
    that one trains, comes back, and dies again while communities write."""
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

    killed: list[str] = []
    monkeypatch.setattr(pool, "_hand_out", both(pool._hand_out, killed))
    monkeypatch.setenv("SOCIOLECT_POINTS", str(log := tmp_path.parent / f"{tmp_path.name} points"))
    for room, during in ((training, "trained"), (asking, "_there")):
        monkeypatch.setattr(room, "handed", killing(two_nodes, room.handed, during=during, killed=killed))
    with cluster(two_nodes.address) as held:
        assert [node.name for node in held.nodes] == ["127.0.0.2", SECOND]
        study(tmp_path)
    assert killed == ["trained", "_there"]
    # what the first driver had put in its place was not done again, but what was on its way when the node died may be
    assert alone.states - 1 <= states(log) < 1.5 * alone.states
    made = files(tmp_path)
    assert made.keys() == alone.files.keys()
    assert [name for name in made if made[name] != alone.files[name]] == []
    replies = pl.read_parquet(tmp_path / "steps/replies/frame.parquet")
    assert replies["text"].n_unique() > replies.height / 2  # bytes that could differ
