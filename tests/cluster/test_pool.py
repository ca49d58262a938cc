"""Work handed out to workers that die, fail, are too large, or do not see a folder. What they do is sent to them by value."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.conftest import Nodes

from sociolect.cluster import folders, pool
from sociolect.cluster.folders import Parcel, content, parcel
from sociolect.cluster.pool import Needs, handed
from sociolect.cluster.session import Cluster, cluster
from sociolect.errors import ClusterError, ModelError

ONE = Needs("a test")


def same(k: int) -> Iterator[int]:
    yield k


@pytest.fixture(scope="module")
def _joined(raylets: Nodes) -> Iterator[Cluster]:
    with cluster(raylets.whole()) as found:
        yield found


@pytest.fixture
def held(
    two_nodes: Nodes, _joined: Cluster
) -> Cluster:  # by the name of the first, all tests of the cluster run in one worker
    return _joined


def test_a_worker_that_dies_loses_nothing(held: Cluster, tmp_path: Path) -> None:
    asked: list[int] = []

    def piece(k: int) -> tuple[int, str]:
        asked.append(k)
        return k, str(tmp_path / "died")

    def do(told: tuple[int, str]) -> Iterator[tuple[str, int]]:
        yield "begun", told[0]
        if told[0] == 4 and not os.path.exists(told[1]):
            open(told[1], "x").close()
            os._exit(1)
        yield "ended", told[0] ** 2

    came = list(handed(held, do, 9, piece, needs=ONE))
    assert (tmp_path / "died").exists()
    assert {m[1] for _, m in came if m[0] == "ended"} == {
        k**2 for k in range(9)
    }  # one that has just ended may come twice
    assert all(m[1] == k**2 for k, m in came if m[0] == "ended")
    assert [m for k, m in came if k == 4] == [("begun", 4), ("begun", 4), ("ended", 16)]  # its first try is heard too
    assert asked.count(4) == 2
    assert set(asked) == set(range(9))


def test_work_that_kills_whoever_does_it_is_an_error_and_not_tried_for_ever(held: Cluster) -> None:
    def do(k: int) -> Iterator[int]:
        if k == 1:
            os._exit(1)
        yield k

    with pytest.raises(ClusterError, match=r"^a test: 3 workers died of the same piece of work .*memory") as error:
        list(handed(held, do, 3, lambda k: k, needs=ONE))
    assert "\n" not in str(error.value)


def test_workers_that_die_as_they_start_are_not_asked_for_for_ever(
    held: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stillborn:
        def about(self) -> None:
            os._exit(1)

    with monkeypatch.context() as patch:
        patch.setattr(pool, "Worker", Stillborn)
        with pytest.raises(
            ClusterError, match=r"^more: [34] workers died before they were ready .*ray status"
        ) as error:
            list(handed(held, same, 2, lambda k: k, needs=Needs("more", memory=10**8)))
    assert "\n" not in str(error.value)
    assert list(handed(held, same, 1, lambda k: 7, needs=ONE)) == [(0, 7)]


def test_no_worker_comes_where_others_hold_all_cores(held: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    held.pools[0].close()
    hogs = [ray.remote(num_cpus=1)(type("Hog", (), {"here": lambda _: 1})).remote() for _ in range(2)]
    assert ray.get([hog.here.remote() for hog in hogs]) == [1, 1]
    with monkeypatch.context() as patch:
        patch.setattr(pool, "PATIENCE_S", 0.1)
        patch.setattr(pool, "LOOK_S", 0.2)
        with pytest.raises(ClusterError, match="^a test: no worker came within 0 s at .*say `sociolect resume`"):
            list(handed(held, same, 2, lambda k: k, needs=ONE))
    for hog in hogs:
        ray.kill(hog)
    assert sorted(handed(held, same, 2, lambda k: k, needs=ONE)) == [(0, 0), (1, 1)]


def test_what_fails_there_is_raised_here(held: Cluster) -> None:
    def ours(k: int) -> Iterator[int]:
        raise ModelError("the prompt is too long")
        yield k

    def theirs(k: int) -> Iterator[int]:
        yield 1 // k

    with pytest.raises(ModelError, match="^the prompt is too long$"):
        list(handed(held, ours, 1, lambda k: k, needs=ONE))
    with pytest.raises(ClusterError, match="^a test: a worker failed: ZeroDivisionError: ") as error:
        list(handed(held, theirs, 1, lambda k: k, needs=ONE))
    assert "\n" not in str(error.value)


def test_who_stops_listening_ends_the_work_and_can_begin_anew(held: Cluster) -> None:
    def do(k: int) -> Iterator[int]:
        yield k
        yield k

    stream = handed(held, do, 50, lambda k: k, needs=ONE)
    next(stream)
    stream.close()
    assert [len(pool.hands) for pool in held.pools] == [0]
    assert sorted(k for k, _ in handed(held, do, 3, lambda k: k, needs=ONE)) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("due", "said"),
    [
        (Needs("llama", cpus=3), "one worker takes 3 cores and about 0.0 GB"),
        (Needs("llama", memory=10**15), "one worker takes 1 cores and about 1000000.0 GB"),
        (Needs("llama", gpus=1), "one worker takes 1 cores, 1 GPU and about"),
    ],
    ids=["cores", "memory", "GPUs"],
)
def test_a_worker_that_fits_on_no_node_is_refused_at_once(held: Cluster, due: Needs, said: str) -> None:
    before = list(held.pools)
    with pytest.raises(ClusterError, match=f"^llama: {said}.*1 cores, 0 GPUs") as error:
        list(handed(held, same, 1, lambda k: k, needs=due))
    assert "\n" not in str(error.value)
    assert held.pools == before


def test_a_folder_that_a_node_does_not_see_is_sent_and_deleted_at_the_end(
    held: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base/sub").mkdir(parents=True)
    (tmp_path / "base/model.safetensors").write_bytes(os.urandom(1000))
    (tmp_path / "base/sub/empty").touch()
    (tmp_path / "base/card.json").write_text("{}")
    monkeypatch.setattr(folders, "CHUNK", 300)
    monkeypatch.chdir(tmp_path)  # a worker stands in another folder, so it sees nothing under this name
    told = parcel(tmp_path / "base")._replace(path="base")

    def do(sent: Parcel) -> Iterator[tuple[str, str, bool]]:
        folder = sent.here()
        yield str(folder), content(folder), (folder / "card.json").exists()

    came = [said for _, said in handed(held, do, 6, lambda _: told, needs=ONE)]
    assert {said[1:] for said in came} == {(content(tmp_path / "base"), True)}
    assert len({said[0] for said in came}) <= 2  # once for each worker
    assert all(Path(said[0]).name == "base" and Path(said[0]).exists() for said in came)
    held.pools[0].close()
    assert not any(Path(said[0]).exists() for said in came)
    assert told.here() == Path("base")
    (tmp_path / "base/model.safetensors").write_bytes(b"other")
    with pytest.raises(folders.AbsentError):
        told.here()


def test_workers_stay_between_two_calls(held: Cluster) -> None:
    def do(_: int) -> Iterator[int]:
        yield os.getpid()

    def waits(_: int) -> Iterator[str | None]:
        yield os.environ.get("OMP_WAIT_POLICY")

    first = {pid for _, pid in handed(held, do, 8, lambda k: k, needs=ONE)}
    again = {pid for _, pid in handed(held, do, 8, lambda k: k, needs=ONE)}
    assert first & again
    # else torch's threads spin while they wait, and a busy machine takes several times as long
    assert {said for _, said in handed(held, waits, 8, lambda k: k, needs=ONE)} == {"PASSIVE"}
    other: set[Any] = {pid for _, pid in handed(held, do, 1, lambda k: k, needs=Needs("more", memory=2 * 10**8))}
    assert not other & (first | again)  # two kinds of workers would wait for each other's cores
    assert len(held.pools) == 1
