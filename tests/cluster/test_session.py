"""Clusters that are not there, are none, have other versions, or no GPU: one line each, and nothing is written."""

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.conftest import Nodes

from sociolect.cli import ended
from sociolect.cluster import session as sessions
from sociolect.cluster.nodes import differences
from sociolect.cluster.session import cluster, session
from sociolect.errors import ClusterError, MissingExtra
from sociolect.record import SCHEMA


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield held.getsockname()[1]


@pytest.fixture
def chatty() -> Iterator[int]:
    """A port that speaks, but no gRPC: as a web server that is asked what it does not know."""
    with socket.create_server(("127.0.0.1", 0)) as held:

        def answer() -> None:
            line, _ = held.accept()
            line.recv(64)
            line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            line.close()

        threading.Thread(target=answer, daemon=True).start()
        yield held.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def refused(address: str) -> str:
    with pytest.raises(ClusterError) as error, cluster(address):
        pass
    assert session() is None
    assert "\n" not in str(error.value)
    return str(error.value)


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"--cluster needs an extra: pip install 'sociolect\[ray\]'"), cluster():
        pass


def test_addresses_where_no_cluster_is(silent: int, chatty: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'sociolect[ray]'")
    monkeypatch.setattr(sessions, "ANSWERS_S", 0.5)
    port = free_port()
    assert refused(f"127.0.0.1:{port}").startswith(f"nothing answers at 127.0.0.1:{port} (Connection refused)")
    assert refused(f"127.0.0.1:{silent}").startswith(f"nothing answers at 127.0.0.1:{silent} (timed out)")
    assert refused(f"127.0.0.1:{chatty}").startswith(f"what answers at 127.0.0.1:{chatty} is no head of a Ray cluster")
    assert refused("ray://127.0.0.1:1").startswith("ray://127.0.0.1:1 is an address of Ray Client")
    for odd in ("here", "host:", ":6379", "host:99999", "host:port"):
        assert refused(odd).startswith(f"{odd!r} is no address: due is auto, or host:port")


@pytest.mark.parametrize("shown", [True, False])
def test_a_cluster_that_asks_for_a_token(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *, shown: bool
) -> None:
    """What Ray 2.60 prints and raises there: a token that is here is shown once it is asked for, and not before."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'sociolect[ray]'")
    tried: list[str] = []

    def joined(asked: str) -> None:
        tried.append(asked)
        os.write(2, b"[W] gcs_client.cc:210: Unauthenticated: InvalidAuthToken: Authentication token is missing\n" * 20)
        raise ConnectionError("Failed to connect to Ray cluster")

    monkeypatch.setattr(sessions, "_answers", lambda _: None)
    monkeypatch.setattr(sessions, "_joined", joined)
    monkeypatch.setattr(sessions, "_token_shown", lambda: shown and len(tried) < 2)
    assert refused("h:1").startswith("the cluster at h:1 asks for a token, and this machine has none or another: copy ")
    assert tried == ["h:1"] * (1 + shown)
    assert capfd.readouterr() == ("", "")


def test_an_address_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'sociolect[ray]'")
    monkeypatch.setenv("RAY_ADDRESS", "ray://127.0.0.1:1")
    assert refused("auto").startswith("ray://127.0.0.1:1 is an address of Ray Client")
    tried: list[str] = []
    monkeypatch.setenv("RAY_ADDRESS", "")  # as good as none
    monkeypatch.setattr(sessions, "_joined", tried.append)
    sessions._connected("auto")
    assert tried == ["auto"]


@pytest.mark.parametrize("command", ["run", "resume"])
def test_the_command_says_one_line_and_writes_nothing(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'sociolect[ray]'")

    folder, at = tmp_path / "w", f"127.0.0.1:{free_port()}"
    if command == "resume":
        (tmp_path / "w").mkdir()
        kept = {"schema": SCHEMA, "system": "phq9", "keywords": {}, "finished": False}
        (tmp_path / "w/run.json").write_text(json.dumps(kept))
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    words = ["run", "phq9", "--out", str(folder)] if command == "run" else ["resume", str(folder)]
    assert ended([*words, "--cluster", at]) == ClusterError.exit_code == 9
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"error: nothing answers at {at}")
    assert told.err.count("\n") == 1
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


@pytest.mark.slow
def test_a_node_with_another_version_is_refused(two_nodes: Nodes, tmp_path: Path) -> None:
    """Its peft is said to be 0.1: the metadata of a distribution on its path come before the installed ones."""
    (tmp_path / "peft-0.1.dist-info").mkdir()
    (tmp_path / "peft-0.1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: peft\nVersion: 0.1\n")
    node = two_nodes.node("127.0.0.4", env_vars={"PYTHONPATH": str(tmp_path)})
    try:
        said = refused(two_nodes.address)
    finally:
        two_nodes.kill(node)
    assert said.startswith("node 127.0.0.4 has peft 0.1, not ")
    assert said.endswith(": every node needs the same versions as this machine")
    assert "127.0.0.3" not in said


def test_what_differs_is_said_by_name() -> None:
    here = {"torch": "2.13.0", "code": "1", "processor": "A"}
    assert differences("n", here, {**here, "processor": "B"}) == []
    assert differences("n", here, {"code": "2"}) == [
        "node n has torch not at all, not 2.13.0",
        "node n has code 2, not 1",
    ]
    assert differences("n", here, {"missing": "no module"}) == ["node n has no sociolect (no module)"]


def test_a_cluster_is_open_for_its_block_alone(two_nodes: Nodes) -> None:
    import ray

    with cluster(two_nodes.address) as held:
        assert session() is held
        assert held.record()["nodes"][0]["cpus"] == 1
        with pytest.raises(ClusterError, match="a cluster is open already"), cluster(two_nodes.address):
            pass
        assert session() is held
        held.takes("cpu")
        with pytest.raises(ClusterError, match=r"^device is 'cuda', and none of the 2 nodes of .* has a GPU$"):
            held.takes("cuda")
    assert session() is None
    assert not ray.is_initialized()
