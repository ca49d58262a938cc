"""The cluster of a run: the one that answers at an address, or one of this machine alone."""

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from sociolect.cluster.nodes import Node, nodes
from sociolect.errors import ClusterError, needs

if TYPE_CHECKING:
    from sociolect.cluster.pool import Pool

ANSWERS_S = 10.0  # ours: how long an address may take to answer
# A head speaks gRPC: greeted as RFC 9113, Sec. 3.4 has it, it answers with a frame of settings (type 4).
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


@dataclass(slots=True, eq=False)
class Cluster:
    """A cluster that is open: its address and its nodes, and the workers that stand ready on them."""

    address: str
    nodes: tuple[Node, ...]
    pools: list["Pool"] = field(default_factory=list)
    turn: Lock = field(default_factory=Lock)
    busy: int | None = None  # the thread whose work is handed out

    def takes(self, device: str) -> None:
        """Nothing, or a ClusterError where models are to stand on GPUs and no node has one."""
        if device.startswith("cuda") and not any(node.gpus for node in self.nodes):
            raise ClusterError(
                f"device is {device!r}, and none of the {len(self.nodes)} nodes of {self.address} has a GPU"
            )

    def record(self) -> dict[str, Any]:
        """The cluster as `run.json` keeps it."""
        return {"address": self.address, "nodes": [node._asdict() for node in self.nodes]}


_open: list[Cluster] = []


def session() -> Cluster | None:
    """The cluster that is open, or None: then all work is done in this process.

    >>> session() is None
    True
    """
    return _open[-1] if _open else None


@contextmanager
def cluster(address: str = "auto") -> Iterator[Cluster]:
    """Work that can be handed out goes to this Ray cluster while it is open; what comes out is the same.

    `address` is host:port of a cluster's head, as `ray start --head` prints it, or `auto`: the cluster that $RAY_ADDRESS
    names or that runs on this machine, and where there is none, one of this machine's cores and GPUs, which ends with it.
    Raises MissingExtra without Ray; ClusterError where nothing answers at the address, where a node has another version of
    Python, of this package or of a library that computes numbers, and where this process has joined a cluster already.
    """
    # Ray sends usage figures to its makers unless told not to; nothing of ours speaks to anybody unasked.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise needs("--cluster", "ray") from error
    if _open:
        raise ClusterError(f"a cluster is open already ({_open[-1].address}): a run has one")
    if ray.is_initialized():
        raise ClusterError("this process has joined a Ray cluster already, by `ray.init`: say ray.shutdown() first")
    import ray._private.worker as printer

    # A node that dies has its log printed on stdout, where a run prints its results; what came of it is said in our own words.
    loud, printer.print_to_stdstream = printer.print_to_stdstream, lambda *_, **__: None
    made = None
    try:
        _connected(address)
        made = Cluster(str(ray.get_runtime_context().gcs_address), nodes())
        _open.append(made)
        yield made
    finally:
        if made is not None and made in _open:
            _open.remove(made)
            for pool in made.pools:
                pool.close()
        ray.shutdown()
        printer.print_to_stdstream = loud


def _connected(address: str) -> None:
    """Ray knows the cluster from now on; ClusterError in one line where that cannot be."""
    import ray

    asked = (os.environ.get("RAY_ADDRESS") or "auto") if address == "auto" else address
    if asked.startswith("ray://"):
        raise ClusterError(
            f"{asked} is an address of Ray Client, which streams no results: run on a node of the cluster and say its "
            "head as host:port (6379 unless told)"
        )
    if asked not in ("auto", "local"):
        _answers(asked)
    while True:
        with _unsaid() as printed:
            try:
                _joined(asked)
                return
            except (ray.exceptions.RayError, ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
                fault = error
        with _unsaid():
            if "AuthToken" not in printed[0] or not _token_shown():
                break
    said = " ".join(str(fault).split())
    if "ersion mismatch" in said:
        raise ClusterError(
            f"the cluster at {asked} has another version: {said[:300]}; install the same on every node"
        ) from fault
    if "AuthToken" in printed[0] or "authentication token" in said:
        raise ClusterError(
            f"the cluster at {asked} asks for a token, and this machine has none or another: copy ~/.ray/auth_token from its "
            "head to every node, or set RAY_AUTH_TOKEN"
        ) from fault
    raise ClusterError(f"the cluster at {asked} cannot be joined: {said[:300]}") from fault


def _joined(asked: str) -> None:
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    if asked == "auto":
        try:
            ray.init(address="auto", **quiet)
            return
        except ConnectionError:
            asked = "local"
    if asked == "local":
        ray.init(address=asked, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        return
    ray.init(address=asked, **quiet)


def _token_shown() -> bool:
    """Whether this machine has a token that Ray did not show yet: to a cluster that is named to it, it does so only when told.

    It is not shown before one is asked for: to an open cluster whose workers have none, who comes with one has no worker.
    """
    try:
        from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available
    except ImportError:
        return False  # a Ray before there were tokens
    return "RAY_AUTH_MODE" not in os.environ and maybe_enable_token_auth_if_token_available(warn_if_disabled=False)


@contextmanager
def _unsaid() -> Iterator[list[str]]:
    """What Ray's own parts print on stderr while it joins is kept, and known at the end: an error is one line."""
    sys.stderr.flush()
    true, printed = os.dup(2), list[str]()
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield printed
        finally:
            sys.stderr.flush()
            os.dup2(true, 2)
            os.close(true)
            file.seek(0)
            printed.append(file.read().decode(errors="replace"))


def _answers(address: str) -> None:
    """Nothing, or an error where no head of a Ray cluster answers: asked here, Ray itself waits for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ClusterError(f"{address!r} is no address: due is auto, or host:port as `ray start --head` prints it")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS_S) as line:
            line.sendall(_GREETING)
            said = line.recv(9)
    except OSError as error:
        raise ClusterError(
            f"nothing answers at {address} ({error.strerror or error}): start a cluster with `ray start --head`, or say "
            "--cluster auto"
        ) from error
    if said[3:4] != b"\x04":
        raise ClusterError(
            f"what answers at {address} is no head of a Ray cluster: say host:port as `ray start --head` prints it"
        )
