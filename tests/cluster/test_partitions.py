"""Measures over many texts on a cluster: the bytes of one process, though a node dies, and a folder its workers do not see."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.conftest import Nodes
from tests.measure.test_partitions import bytes_of, planted, words, written
from tests.measure.test_partitions_refused import normed

from sociolect.cluster import pool
from sociolect.cluster.folders import Parcel, parcel
from sociolect.cluster.session import cluster
from sociolect.errors import RefusedError
from sociolect.frames import Replies, Scores
from sociolect.measure import opened, partitions
from sociolect.measure.partition import scored
from sociolect.measure.partitions import measured
from sociolect.measure.scoring import score


def slowly(replies: Replies, longer: int, notes: str) -> Scores:
    """The words of each reply and some more; each node that measures a partition is noted."""
    import ray

    if ray.is_initialized():
        Path(notes, ray.util.get_node_ip_address()).touch()
        time.sleep(0.05)
    return score(replies, {"words": words(replies)["value"] + longer})


def lines(folder: Path) -> int:
    return len((folder / "list.txt").read_text().split())


@pytest.mark.slow
def test_a_node_dies_and_the_bytes_are_those_of_one_process(
    tmp_path: Path, two_nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(tmp_path / "source", planted())
    (weights := tmp_path / "weights").mkdir()
    (weights / "list.txt").write_text("a b c")
    (notes := tmp_path / "notes").mkdir()
    measure = partial(slowly, longer=opened.opened(lines, weights), notes=str(notes))
    one = measured(source, tmp_path / "one", measure, rows=5, workers=1)
    left = list[int]()

    def unseen(folder: Path) -> Parcel:
        return parcel(folder)._replace(path=f"/proc/self/cwd/{folder.name}")  # a worker stands elsewhere

    def killing(held: Any, do: Any, count: int, piece: Any, **more: Any) -> Iterator[Any]:
        for k, message in pool.handed(held, do, count, piece, **more):
            if do is scored and not left and len(list(notes.iterdir())) == 2:
                left.append(count)
                two_nodes.kill()
            yield k, message

    def both(held: pool.Pool, *more: Any) -> None:
        """Nobody begins before the other worker stands: whichever starts sooner could do all of it."""
        if left or not held.coming:
            hand_out(held, *more)

    hand_out = pool._hand_out
    monkeypatch.setattr(pool, "_hand_out", both)
    monkeypatch.setattr(opened, "parcel", unseen)
    monkeypatch.setattr(partitions, "handed", killing)
    with cluster(two_nodes.address) as held:
        assert len(held.nodes) == 2
        monkeypatch.chdir(tmp_path)  # not before: Ray's workers find modules where the run began
        two = measured(source, tmp_path / "two", measure, rows=5)
        with pytest.raises(RefusedError, match="does not look at each reply alone"):
            measured(source, tmp_path / "refused", normed, rows=20)
    assert left == [12]
    assert bytes_of(two) == bytes_of(one)
    assert not (tmp_path / "refused").exists()
