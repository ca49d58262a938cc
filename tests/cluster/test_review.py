"""Workers that cannot keep a folder, calls at once, training and GPUs that a node has not: one line, or the right result."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from tests.align.test_finetune import FAST, llama, said, taught
from tests.cluster.conftest import Nodes

from sociolect.align import finetune as teaching
from sociolect.align.distributed import Order, trained
from sociolect.align.jobs import Job
from sociolect.align.training import Plan
from sociolect.cluster import pool
from sociolect.cluster import session as sessions
from sociolect.cluster.folders import AbsentError, Parcel, parcel
from sociolect.cluster.pool import Hand, Needs, Pool, handed
from sociolect.cluster.session import Cluster, cluster
from sociolect.errors import ClusterError, ModelError
from sociolect.models.distributed import sent
from sociolect.models.weights import Weights

ONE = Needs("a test")


@pytest.fixture(scope="module")
def _joined(raylets: Nodes) -> Iterator[Cluster]:
    with cluster(raylets.whole()) as found:
        yield found


@pytest.fixture
def held(two_nodes: Nodes, _joined: Cluster) -> Cluster:
    return _joined


def squared(k: int) -> Iterator[int]:
    time.sleep(0.01)
    yield k * k


def refused(held: Cluster, do: Any, told: Any) -> str:
    with pytest.raises(ClusterError) as error:
        list(handed(held, do, 1, lambda _: told, needs=ONE))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_threads_that_hand_out_at_once_hear_their_own(held: Cluster) -> None:
    both, heard = Barrier(2), dict[int, list[tuple[int, int]]]()

    def call(first: int) -> None:
        both.wait()
        heard[first] = sorted(handed(held, squared, 12, lambda k: first + k, needs=ONE))

    threads = [Thread(target=call, args=(first,)) for first in (0, 100)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert heard == {first: [(k, (first + k) ** 2) for k in range(12)] for first in (0, 100)}


def test_a_call_inside_another_is_an_error_and_harms_none(held: Cluster) -> None:
    stream = handed(held, squared, 4, lambda k: k, needs=ONE)
    came = [next(stream)]
    with pytest.raises(ClusterError, match="^a test: other work of this thread is handed out already"):
        list(handed(held, squared, 4, lambda k: 9, needs=ONE))
    assert sorted([*came, *stream]) == [(k, k * k) for k in range(4)]
    assert list(handed(held, squared, 1, lambda k: 3, needs=ONE)) == [(0, 9)]


def test_a_worker_that_is_not_heard_waits(held: Cluster, tmp_path: Path) -> None:
    def many(told: str) -> Iterator[int]:
        for k in range(60):
            Path(told, str(k)).touch()
            yield k

    stream = handed(held, many, 1, lambda _: str(tmp_path), needs=ONE)
    came = [next(stream)[1]]
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) < 30
    assert came + [said for _, said in stream] == list(range(60))


def test_a_folder_that_cannot_be_kept_or_changes_is_an_error(
    held: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base/model.safetensors").write_bytes(b"first")
    monkeypatch.chdir(tmp_path)  # a worker stands elsewhere, and sees nothing under this name
    told = parcel(tmp_path / "base")._replace(path="base")

    def do(some: Parcel) -> Iterator[str]:
        yield str(some.here())

    with monkeypatch.context() as patch:
        patch.setattr(pool, "chunks", lambda _: [("/proc/none/model.safetensors", "wb", b"")])
        assert "cannot keep 'base': FileNotFoundError: " in refused(held, do, told)
    (tmp_path / "base/model.safetensors").write_bytes(b"other")
    assert refused(held, do, told).startswith("a test: 'base' has changed since it was to be read")


def test_the_record_of_a_step_beside_weights_may_change(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"x")
    told = parcel(tmp_path)
    (tmp_path / "step.json").write_text("{}")
    (tmp_path / ".part").mkdir()
    (tmp_path / ".part/half").touch()
    assert told.here() == tmp_path


def test_idle_workers_of_a_node_that_lost_one_are_asked_whether_they_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a piece of work would meet the dead of one node in turn, and be taken for what killed them."""
    ray, gone = pytest.importorskip("ray"), list[Any]()
    monkeypatch.setattr(ray, "kill", gone.append)
    hands = [
        Hand(SimpleNamespace(about=SimpleNamespace(remote=lambda k=k: f"ref {k}")), node, doing, set())
        for k, (node, doing) in enumerate([("a", {4: "x", 5: "x"}), ("a", {}), ("b", {}), ("a", {6: "x"})])
    ]
    one = Pool(Cluster("here", ()), ONE, 4, list(hands))
    assert one.lost(hands[0]) == [4, 5]
    assert one.hands == hands[2:]
    assert one.coming == {"ref 1": hands[1].actor}
    assert gone == [hands[0].actor]


def test_a_process_that_joined_ray_by_itself_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'sociolect[ray]'")
    left = list[int]()
    monkeypatch.setattr(sessions, "_open", [])
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "shutdown", lambda: left.append(1))
    with pytest.raises(ClusterError, match="^this process has joined a Ray cluster already"), cluster("127.0.0.1:1"):
        pass
    assert not left


PLAN = Plan(None, 16, 1, 1e-3, 64, 0, 0.0, 1.0, 0.0, 64, 0)


@pytest.mark.parametrize("fault", ["absent", "GPU"])
def test_training_that_cannot_begin_says_so(fault: str, tmp_path: Path) -> None:
    """A worker that waited for it would wait for ever."""
    base, came = llama(tmp_path / "base"), list[BaseException]()
    told = sent(replace(base.weights, device="cpu" if fault == "absent" else "cuda"))
    if fault == "absent":
        assert isinstance(told.base, Parcel)
        told = told._replace(base=told.base._replace(path="/nowhere/base"))
    order = Order(Job("c", tmp_path / "c", PLAN, (), (), {}), told, "base", None, 60.0)

    def listen() -> None:
        try:
            list(trained(order))
        except (AbsentError, ModelError) as error:
            came.append(error)

    one = Thread(target=listen, daemon=True)
    one.start()
    one.join(20)
    assert [type(error) for error in came] == [AbsentError if fault == "absent" else ModelError]
    assert fault == "absent" or str(came[0]).startswith("device is 'cuda', and torch sees no GPU")


def test_weights_that_lie_in_no_folder_learn_in_this_process(
    held: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = llama(tmp_path / "base")
    known = replace(base, weights=Weights("known", known=base.module))
    learnt = taught({"red": said("red", 6, 0)})
    made = teaching.finetune(known, learnt, folder=tmp_path / "there", **FAST)
    before = list(held.pools)
    monkeypatch.setattr(teaching, "session", lambda: None)
    teaching.finetune(known, learnt, folder=tmp_path / "here", **FAST)
    assert made.name == "scratch/test@there"
    for name in ("model.safetensors", "card.json"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    assert held.pools == before
